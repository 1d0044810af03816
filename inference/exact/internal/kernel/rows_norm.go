package kernel

// LayerNorm is (x - mean) · (1 / sqrt(variance + epsilon)) · scale + bias, each step rounded in that order. The
// variance is the mean of the squared differences. bias may be nil; out may be x.
func (v *Vectors) LayerNorm(out, x, scale, bias []float32, epsilon float32) (mean, factor float32) {
	mean, variance := v.MeanVariance(x)
	factor = Canon(1 / Sqrt(variance+epsilon))
	out, scale = out[:len(x)], scale[:len(x)]
	if bias == nil {
		v.normalise(out, x, scale, mean, factor)
	} else {
		v.normaliseAdd(out, x, scale, bias[:len(x)], mean, factor)
	}
	return mean, factor
}

// RMSNorm is x · (1 / sqrt(mean of squares + epsilon)) · scale, each step rounded in that order. out may be x.
func (v *Vectors) RMSNorm(out, x, scale []float32, epsilon float32) (factor float32) {
	square := Canon(v.SumSquares(x, 0) / float32(len(x)))
	factor = Canon(1 / Sqrt(square+epsilon))
	v.normalise(out[:len(x)], x, scale[:len(x)], 0, factor)
	return factor
}

func normalise(out, x, scale []float32, mean, factor float32) {
	out, scale = out[:len(x)], scale[:len(x)]
	for i, e := range x {
		out[i] = Canon(float32(float32((e-mean)*factor) * scale[i]))
	}
}

func normaliseAdd(out, x, scale, bias []float32, mean, factor float32) {
	out, scale, bias = out[:len(x)], scale[:len(x)], bias[:len(x)]
	for i, e := range x {
		out[i] = Canon(float32(float32((e-mean)*factor)*scale[i]) + bias[i])
	}
}
