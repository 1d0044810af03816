package kernel

import "golang.org/x/sys/cpu"

// assembly lists the sets of this CPU written in assembly, the fastest first.
func assembly() []*Set {
	var list []*Set
	if cpu.X86.HasAVX2 && cpu.X86.HasAVX512F {
		list = append(list, &Set{Name: "avx512", tile: tileAVX2, row: rowAVX2, wide: wideAVX512, Vectors: vectorsAVX2})
	}
	if cpu.X86.HasAVX2 {
		list = append(list, &Set{Name: "avx2", tile: tileAVX2, row: rowAVX2, Vectors: vectorsAVX2})
	}
	return list
}

//go:noescape
func tile4x16avx2(c *float32, ldc int, a *float32, lda int, panel *float32, k int)

//go:noescape
func row16avx2(c, a, panel *float32, k int)

//go:noescape
func tile4x32avx512(c *float32, ldc int, a *float32, lda int, panels *float32, k int)

// The wrappers check what the assembly will touch; k is at least 1.

func tileAVX2(c []float32, ldc int, a []float32, lda int, panel []float32, k int) {
	_, _, _ = c[(tileRows-1)*ldc+panelWidth-1], a[(tileRows-1)*lda+k-1], panel[panelWidth*k-1]
	tile4x16avx2(&c[0], ldc, &a[0], lda, &panel[0], k)
}

func rowAVX2(c, a, panel []float32, k int) {
	_, _, _ = c[panelWidth-1], a[k-1], panel[panelWidth*k-1]
	row16avx2(&c[0], &a[0], &panel[0], k)
}

func wideAVX512(c []float32, ldc int, a []float32, lda int, panels []float32, k int) {
	_, _, _ = c[(tileRows-1)*ldc+2*panelWidth-1], a[(tileRows-1)*lda+k-1], panels[2*panelWidth*k-1]
	tile4x32avx512(&c[0], ldc, &a[0], lda, &panels[0], k)
}

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

var vectorsAVX2 = Vectors{
	Add: binaryAVX2(addAVX2, addF32),
	Sub: binaryAVX2(subAVX2, subF32),
	Mul: binaryAVX2(mulAVX2, mulF32),
	Div: binaryAVX2(divAVX2, divF32),
	Exp: unaryAVX2(expAVX2, vectorsGo.Exp),
	Erf: unaryAVX2(erfAVX2, vectorsGo.Erf),
}

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
