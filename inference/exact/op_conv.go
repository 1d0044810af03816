package exact

func convOperators() map[string]*operator { return map[string]*operator{} }
