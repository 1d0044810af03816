package kernel

//go:noescape
func tapSumsAVX2(out, x *float32, offsets *int, weights *float32, taps, n int, bias float32)

func tapsAVX2(out, x []float32, offsets []int, weights []float32, bias float32) {
	tapSumsAVX2(&out[0], &x[0], &offsets[0], &weights[0], len(weights), len(out), bias)
}
