package exact

func resizeOperators() map[string]*operator { return map[string]*operator{} }
