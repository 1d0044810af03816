package lower

func recurrentRules() map[string]rule { return nil }
