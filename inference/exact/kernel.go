package exact

import "slices"

// A matrix B[k][n] is packed into panels of panelWidth columns: panel p holds, for each k in turn, the columns
// 16p … 16p+15, with zeros beyond the last column. Every kernel reads this one layout.
const panelWidth = 16

// tileRows is how many rows of A a kernel works on at once.
const tileRows = 4

// kernel computes blocks of C = A·B. For each element it adds the rounded products in ascending k to one
// accumulator that starts at +0, and stores NaN in its one spelling. Kernels differ in speed only.
type kernel struct {
	name string
	// tile writes a block of 4 rows and 16 columns, row writes one of 1 row and 16 columns.
	tile func(c []float32, ldc int, a []float32, lda int, panel []float32, k int)
	row  func(c []float32, a []float32, panel []float32, k int)
	// wide, which may be nil, is tile for 32 columns: two neighbouring panels.
	wide func(c []float32, ldc int, a []float32, lda int, panels []float32, k int)
	vectors
}

// vectors are operations on slices of one length, element by element; out may be an operand.
type vectors struct {
	add, sub, mul, div func(out, a, b []float32)
	exp, erf           func(out, x []float32)
}

// kernels holds what this CPU can run, the fastest first and the plain Go one last.
var kernels = append(assembly(), &kernel{name: "go", tile: tileGo, row: rowGo, vectors: vectorsGo})

var vectorsGo = vectors{add: addF32, sub: subF32, mul: mulF32, div: divF32, exp: eachOf(exp), erf: eachOf(erf)}

// eachOf applies a function to every element.
func eachOf(f func(float32) float32) func(out, x []float32) {
	return func(out, x []float32) {
		out = out[:len(x)]
		for i, v := range x {
			out[i] = f(v)
		}
	}
}

// Kernels names the matrix kernels that this CPU can run, the fastest first; "go" is always the last.
func Kernels() []string {
	names := make([]string, len(kernels))
	for i, k := range kernels {
		names[i] = k.name
	}
	return names
}

func kernelNamed(name string) (*kernel, error) {
	if name == "" {
		return kernels[0], nil
	}
	i := slices.IndexFunc(kernels, func(k *kernel) bool { return k.name == name })
	if i < 0 {
		return nil, fail(ErrUnsupported, "matrix kernel %q on this CPU, which has %v", name, Kernels())
	}
	return kernels[i], nil
}

// packed is a matrix in panels.
type packed struct {
	k, n   int
	panels []float32
}

func (p *packed) count() int { return (p.n + panelWidth - 1) / panelWidth }

// pack copies the row-major matrix b[k][n] into panels, into the memory of p if it is large enough.
func (p *packed) pack(b []float32, k, n int) {
	p.k, p.n = k, n
	size := p.count() * k * panelWidth
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

// multiply computes the columns of panels [from, to) of the m rows of c[m][n] = a[m][k] · b.
func (k *kernel) multiply(c, a []float32, b *packed, m, from, to int) {
	if b.k == 0 {
		for i := range m {
			clear(c[i*b.n+from*panelWidth : i*b.n+min(b.n, to*panelWidth)])
		}
		return
	}
	for p := from; p < to; {
		at := p * panelWidth
		panel := b.panels[at*b.k : (at+panelWidth)*b.k]
		width := min(panelWidth, b.n-at)
		switch {
		case k.wide != nil && p+1 < to && b.n-at >= 2*panelWidth:
			k.double(c, a, b.panels[at*b.k:(at+2*panelWidth)*b.k], b, m, at)
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
func (k *kernel) double(c, a, panels []float32, b *packed, m, at int) {
	blocks(m, func(i int) {
		k.wide(c[i*b.n+at:], b.n, a[i*b.k:], b.k, panels, b.k)
	}, func(i int) {
		k.row(c[i*b.n+at:], a[i*b.k:], panels[:panelWidth*b.k], b.k)
		k.row(c[i*b.n+at+panelWidth:], a[i*b.k:], panels[panelWidth*b.k:], b.k)
	})
}

// full does one whole panel.
func (k *kernel) full(c, a, panel []float32, b *packed, m, at int) {
	blocks(m, func(i int) {
		k.tile(c[i*b.n+at:], b.n, a[i*b.k:], b.k, panel, b.k)
	}, func(i int) {
		k.row(c[i*b.n+at:], a[i*b.k:], panel, b.k)
	})
}

// narrow does the last panel, whose columns beyond width are padding: it computes beside C and copies.
func (k *kernel) narrow(c, a, panel []float32, b *packed, m, at, width int) {
	var block [tileRows * panelWidth]float32
	blocks(m, func(i int) {
		k.tile(block[:], panelWidth, a[i*b.k:], b.k, panel, b.k)
		for r := range tileRows {
			copy(c[(i+r)*b.n+at:(i+r)*b.n+at+width], block[r*panelWidth:])
		}
	}, func(i int) {
		k.row(block[:], a[i*b.k:], panel, b.k)
		copy(c[i*b.n+at:i*b.n+at+width], block[:])
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
	*c0 = [4]float32{canon(s00), canon(s01), canon(s02), canon(s03)}
	*c1 = [4]float32{canon(s10), canon(s11), canon(s12), canon(s13)}
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
			canon(s0), canon(s1), canon(s2), canon(s3), canon(s4), canon(s5), canon(s6), canon(s7),
		}
	}
}
