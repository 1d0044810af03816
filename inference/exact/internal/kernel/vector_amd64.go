package kernel

//go:noescape
func addAVX2(out, a, b *float32, n int)

//go:noescape
func subAVX2(out, a, b *float32, n int)

//go:noescape
func mulAVX2(out, a, b *float32, n int)

//go:noescape
func divAVX2(out, a, b *float32, n int)

//go:noescape
func expAVX2(out, x *float32, n int)

//go:noescape
func erfAVX2(out, x *float32, n int)

var vectorsAVX2 = func() Vectors {
	v := vectorsGo
	v.Add, v.Sub = binaryAVX2(addAVX2, addF32), binaryAVX2(subAVX2, subF32)
	v.Mul, v.Div = binaryAVX2(mulAVX2, mulF32), binaryAVX2(divAVX2, divF32)
	v.Exp, v.Erf = unaryAVX2(expAVX2, vectorsGo.Exp), unaryAVX2(erfAVX2, vectorsGo.Erf)
	return v
}()

// binaryAVX2 does whole groups of eight in assembly and the rest in Go.
func binaryAVX2(fast func(out, a, b *float32, n int), slow func(out, a, b []float32)) func(out, a, b []float32) {
	return func(out, a, b []float32) {
		a, b = a[:len(out)], b[:len(out)]
		whole := len(out) &^ 7
		if whole > 0 {
			fast(&out[0], &a[0], &b[0], whole)
		}
		slow(out[whole:], a[whole:], b[whole:])
	}
}

func unaryAVX2(fast func(out, x *float32, n int), slow func(out, x []float32)) func(out, x []float32) {
	return func(out, x []float32) {
		out = out[:len(x)]
		whole := len(x) &^ 7
		if whole > 0 {
			fast(&out[0], &x[0], whole)
		}
		slow(out[whole:], x[whole:])
	}
}
