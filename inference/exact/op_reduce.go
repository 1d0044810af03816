package exact

func reduceOperators() map[string]*operator { return nil }
