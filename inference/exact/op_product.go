package exact

func productOperators() map[string]*operator { return map[string]*operator{} }
