package lower

func resizeRules() map[string]rule { return nil }
