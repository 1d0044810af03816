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
