package lower

// recurrentRules are for operators that walk along sequences.
func recurrentRules() map[string]rule {
	return map[string]rule{"RNN": same, "GRU": same, "LSTM": same}
}
