package exact

func rowOperators() map[string]*operator { return map[string]*operator{} }
