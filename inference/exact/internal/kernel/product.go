// Package kernel holds the hot loops of package exact: products of matrices, vector arithmetic and functions, and
// reductions of rows. Each exists in plain Go, which is its definition, and for some CPUs in assembly with the same
// bits. A [Set] is what one CPU can run. The package knows nothing of tensors, graphs or threads.
package kernel

import "slices"

// A matrix B[k][n] is Packed into panels of panelWidth columns: panel p holds, for each k in turn, the columns
// 16p … 16p+15, with zeros beyond the last column. Every kernel reads this one layout.
const panelWidth = 16

// tileRows is how many rows of A a kernel works on at once.
const tileRows = 4

// Set computes blocks of C = A·B. For each element it adds the rounded products in ascending k to one
// accumulator that starts at +0, and stores NaN in its one spelling. Names differ in speed only.
type Set struct {
	Name string
	// tile writes a block of 4 rows and 16 columns, row writes one of 1 row and 16 columns.
	tile func(c []float32, ldc int, a []float32, lda int, panel []float32, k int)
	row  func(c []float32, a []float32, panel []float32, k int)
	// wide, which may be nil, is tile for 32 columns: two neighbouring panels.
	wide func(c []float32, ldc int, a []float32, lda int, panels []float32, k int)
	Vectors
}

// sets holds what this CPU can run, the fastest first and the plain Go one last.
var sets = append(assembly(), &Set{Name: "go", tile: tileGo, row: rowGo, Vectors: vectorsGo})

// Names names the matrix sets that this CPU can run, the fastest first; "go" is always the last.
func Names() []string {
	names := make([]string, len(sets))
	for i, k := range sets {
		names[i] = k.Name
	}
	return names
}

// Named finds a set by name; an empty name is the fastest one. Nil when this CPU has none of that name.
func Named(name string) *Set {
	if name == "" {
		return sets[0]
	}
	i := slices.IndexFunc(sets, func(k *Set) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return sets[i]
}

// Packed is a matrix in panels.
type Packed struct {
	K, N   int
	panels []float32
}

// Panels is how many panels there are.
func (p *Packed) Panels() int { return (p.N + panelWidth - 1) / panelWidth }

// Pack copies the row-major matrix b[k][n] into panels, into the memory of p if it is large enough.
func (p *Packed) Pack(b []float32, k, n int) {
	p.K, p.N = k, n
	size := p.Panels() * k * panelWidth
	p.panels = slices.Grow(p.panels[:0], size)[:size]
	for j := 0; j < n; j += panelWidth {
		panel := p.panels[j*k : (j+panelWidth)*k]
		width := min(panelWidth, n-j)
		for i := range k {
			to := panel[i*panelWidth : (i+1)*panelWidth]
			clear(to[copy(to, b[i*n+j:i*n+j+width]):])
		}
	}
}

// Multiply computes the columns of panels [from, to) of the m rows of c[m][n] = a[m][k] · b.
func (k *Set) Multiply(c, a []float32, b *Packed, m, from, to int) {
	if b.K == 0 {
		for i := range m {
			clear(c[i*b.N+from*panelWidth : i*b.N+min(b.N, to*panelWidth)])
		}
		return
	}
	for p := from; p < to; {
		at := p * panelWidth
		panel := b.panels[at*b.K : (at+panelWidth)*b.K]
		width := min(panelWidth, b.N-at)
		switch {
		case k.wide != nil && p+1 < to && b.N-at >= 2*panelWidth:
			k.double(c, a, b.panels[at*b.K:(at+2*panelWidth)*b.K], b, m, at)
			p += 2
			continue
		case width == panelWidth:
			k.full(c, a, panel, b, m, at)
		default:
			k.narrow(c, a, panel, b, m, at, width)
		}
		p++
	}
}

// blocks calls tile for every four rows and row for each of fewer than four. When m is no multiple of four, the
// last tile covers some rows again, with the same bits.
func blocks(m int, tile, row func(i int)) {
	if m < tileRows {
		for i := range m {
			row(i)
		}
		return
	}
	for i := 0; i < m; i += tileRows {
		tile(min(i, m-tileRows))
	}
}

// double does two whole panels with the wide kernel.
func (k *Set) double(c, a, panels []float32, b *Packed, m, at int) {
	blocks(m, func(i int) {
		k.wide(c[i*b.N+at:], b.N, a[i*b.K:], b.K, panels, b.K)
	}, func(i int) {
		k.row(c[i*b.N+at:], a[i*b.K:], panels[:panelWidth*b.K], b.K)
		k.row(c[i*b.N+at+panelWidth:], a[i*b.K:], panels[panelWidth*b.K:], b.K)
	})
}

// full does one whole panel.
func (k *Set) full(c, a, panel []float32, b *Packed, m, at int) {
	blocks(m, func(i int) {
		k.tile(c[i*b.N+at:], b.N, a[i*b.K:], b.K, panel, b.K)
	}, func(i int) {
		k.row(c[i*b.N+at:], a[i*b.K:], panel, b.K)
	})
}

// narrow does the last panel, whose columns beyond width are padding: it computes beside C and copies.
func (k *Set) narrow(c, a, panel []float32, b *Packed, m, at, width int) {
	var block [tileRows * panelWidth]float32
	blocks(m, func(i int) {
		k.tile(block[:], panelWidth, a[i*b.K:], b.K, panel, b.K)
		for r := range tileRows {
			copy(c[(i+r)*b.N+at:(i+r)*b.N+at+width], block[r*panelWidth:])
		}
	}, func(i int) {
		k.row(block[:], a[i*b.K:], panel, b.K)
		copy(c[i*b.N+at:i*b.N+at+width], block[:])
	})
}

// tileGo is the plain twin of the assembly tiles: two rows and four columns at a time fill the registers.
func tileGo(c []float32, ldc int, a []float32, lda int, panel []float32, k int) {
	for r := 0; r < tileRows; r += 2 {
		a0, a1 := a[r*lda:r*lda+k], a[(r+1)*lda:(r+1)*lda+k]
		for j := 0; j < panelWidth; j += 4 {
			quarterGo((*[4]float32)(c[r*ldc+j:]), (*[4]float32)(c[(r+1)*ldc+j:]), a0, a1, panel[j:])
		}
	}
}

func quarterGo(c0, c1 *[4]float32, a0, a1, panel []float32) {
	var s00, s01, s02, s03, s10, s11, s12, s13 float32
	a1 = a1[:len(a0)]
	for k, x := range a0 {
		y := a1[k]
		b := (*[4]float32)(panel[k*panelWidth:])
		s00 += float32(x * b[0])
		s01 += float32(x * b[1])
		s02 += float32(x * b[2])
		s03 += float32(x * b[3])
		s10 += float32(y * b[0])
		s11 += float32(y * b[1])
		s12 += float32(y * b[2])
		s13 += float32(y * b[3])
	}
	*c0 = [4]float32{Canon(s00), Canon(s01), Canon(s02), Canon(s03)}
	*c1 = [4]float32{Canon(s10), Canon(s11), Canon(s12), Canon(s13)}
}

// rowGo is tileGo for one row.
func rowGo(c, a, panel []float32, k int) {
	a = a[:k]
	for j := 0; j < panelWidth; j += 8 {
		var s0, s1, s2, s3, s4, s5, s6, s7 float32
		for i, x := range a {
			b := (*[8]float32)(panel[i*panelWidth+j:])
			s0 += float32(x * b[0])
			s1 += float32(x * b[1])
			s2 += float32(x * b[2])
			s3 += float32(x * b[3])
			s4 += float32(x * b[4])
			s5 += float32(x * b[5])
			s6 += float32(x * b[6])
			s7 += float32(x * b[7])
		}
		*(*[8]float32)(c[j:]) = [8]float32{
			Canon(s0), Canon(s1), Canon(s2), Canon(s3), Canon(s4), Canon(s5), Canon(s6), Canon(s7),
		}
	}
}
