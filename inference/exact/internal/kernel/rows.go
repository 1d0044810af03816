package kernel

// Softmax is e^(x-max) over its sum. A row of nothing but -Inf, or with a NaN or +Inf, becomes NaN throughout. Leading
// and trailing weights of exactly +0 are left out before the lanes of the sum are counted, so that masked padding on
// either side changes no bit.
func (v *Vectors) Softmax(out, x []float32) {
	if len(x) == 0 {
		return
	}
	top := x[0]
	for _, v := range x[1:] {
		if v > top || v != v {
			top = v
		}
	}
	for i, v := range x {
		out[i] = v - top
	}
	v.Exp(out, out)
	total := Sum(trim(out[:len(x)]))
	for i, v := range out {
		out[i] = Canon(v / total)
	}
}

// trim leaves out leading and trailing zeros.
func trim(x []float32) []float32 {
	for len(x) > 0 && x[0] == 0 {
		x = x[1:]
	}
	for len(x) > 0 && x[len(x)-1] == 0 {
		x = x[:len(x)-1]
	}
	return x
}

// LayerNorm is (x - mean) · (1 / sqrt(variance + epsilon)) · scale + bias, each step rounded in that order. The
// variance is the mean of the squared differences. bias may be nil.
func (v *Vectors) LayerNorm(out, x, scale, bias []float32, epsilon float32) (mean, factor float32) {
	n := float32(len(x))
	mean = Canon(Sum(x) / n)
	variance := SumSquares(x, mean) / n
	factor = Canon(1 / Sqrt(variance+epsilon))
	scale, out = scale[:len(x)], out[:len(x)]
	if bias == nil {
		for i, v := range x {
			out[i] = Canon(float32((v-mean)*factor) * scale[i])
		}
		return mean, factor
	}
	bias = bias[:len(x)]
	for i, v := range x {
		out[i] = Canon(float32(float32((v-mean)*factor)*scale[i]) + bias[i])
	}
	return mean, factor
}
