package lower

func mlRules() map[string]rule { return nil }
