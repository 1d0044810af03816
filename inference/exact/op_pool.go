package exact

func poolOperators() map[string]*operator { return map[string]*operator{} }
