package lower

// convolutionRules are for operators that slide over images and sequences.
func convolutionRules() map[string]rule {
	out := map[string]rule{}
	for _, op := range []string{
		"Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "MaxPool", "AveragePool", "LpPool", "MaxUnpool",
		"GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "LRN", "Col2Im", "DeformConv", "CausalConvWithState",
	} {
		out[op] = same
	}
	return out
}
