package exact

func mlOperators() map[string]*operator { return map[string]*operator{} }
