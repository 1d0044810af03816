package exact

func recurrentOperators() map[string]*operator { return map[string]*operator{} }
