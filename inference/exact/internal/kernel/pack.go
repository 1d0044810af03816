package kernel

import "slices"

// Pack copies the matrix b[k][n], whose element (i, j) is b[i·rowStride + j·columnStride], into panels, in the memory
// of p if there is enough.
func (p *Packed) Pack(b []float32, k, n, rowStride, columnStride int) {
	p.reset(k, n)
	switch {
	case columnStride == 1:
		p.packRows(b, rowStride)
	case rowStride == 1 && transposeBlock != nil:
		p.packColumns(b, columnStride)
	default:
		p.packAny(b, rowStride, columnStride)
	}
}

// reset makes room for a matrix.
func (p *Packed) reset(k, n int) {
	p.K, p.N, p.direct = k, n, nil
	size := p.Panels() * panelWidth * k
	p.memory = slices.Grow(p.memory[:0], size+panelWidth)[:size+panelWidth] // packPieces may write beyond the end
	p.panels = p.memory
}

// each calls f for every panel of every block with its memory, its first k and column and how many there are.
func (p *Packed) each(f func(panel []float32, k0, depth, j, width int)) {
	for k0 := 0; k0 < p.K; k0 += BlockDepth {
		depth := min(BlockDepth, p.K-k0)
		for q := range p.Panels() {
			at := p.panelAt(k0, depth, q)
			f(p.panels[at:at+depth*panelWidth], k0, depth, q*panelWidth, min(panelWidth, p.N-q*panelWidth))
		}
	}
}

func (p *Packed) packRows(b []float32, stride int) {
	p.each(func(panel []float32, k0, depth, j, width int) {
		from := b[k0*stride+j:]
		if width == panelWidth {
			for i := range depth {
				*(*[panelWidth]float32)(panel[i*panelWidth:]) = *(*[panelWidth]float32)(from[i*stride:])
			}
			return
		}
		for i := range depth {
			to := panel[i*panelWidth : (i+1)*panelWidth]
			clear(to[copy(to, from[i*stride:i*stride+width]):])
		}
	})
}

func (p *Packed) packAny(b []float32, rowStride, columnStride int) {
	p.each(func(panel []float32, k0, depth, j, width int) {
		if width < panelWidth {
			clear(panel)
		}
		for x := range width {
			from := b[k0*rowStride+(j+x)*columnStride:]
			for i := range depth {
				panel[i*panelWidth+x] = from[i*rowStride]
			}
		}
	})
}

// packColumns takes a matrix whose columns are contiguous, such as the transpose of a row-major one, with an
// assembly routine for eight columns by eight rows.
func (p *Packed) packColumns(b []float32, stride int) {
	p.each(func(panel []float32, k0, depth, j, width int) {
		if width < panelWidth {
			clear(panel)
		}
		whole, done := depth&^7, width&^7
		for x := 0; x < done && whole > 0; x += 8 {
			transposeBlock(panel[x:], panelWidth, b[k0+(j+x)*stride:], stride, whole)
		}
		for x := range width {
			from := b[k0+(j+x)*stride:]
			i := whole
			if x >= done {
				i = 0
			}
			for ; i < depth; i++ {
				panel[i*panelWidth+x] = from[i]
			}
		}
	})
}

// View makes p the matrix b[k][n] in place, row i beginning at b[i·rowStride] and its columns neighbours: only a last
// panel that is not whole is copied. It pays where few rows are multiplied by a matrix that is used once. b must
// not change while p is in use.
func (p *Packed) View(b []float32, k, n, rowStride int) {
	edge := n % panelWidth
	size := 0
	if edge > 0 {
		size = k * panelWidth
	}
	p.memory = slices.Grow(p.memory[:0], size)[:size]
	p.K, p.N, p.panels, p.direct, p.stride, p.edge = k, n, nil, b, rowStride, p.memory
	for i := 0; i < k && edge > 0; i++ {
		to := p.edge[i*panelWidth : (i+1)*panelWidth]
		clear(to[copy(to, b[i*rowStride+n-edge:i*rowStride+n]):])
	}
}

// viewRows is up to how many rows [Packed.Use] reads a matrix in place.
const viewRows = 4

// Use packs b for a product with m rows, or reads it in place where that is faster. b must not change meanwhile.
func (p *Packed) Use(b []float32, k, n, rowStride, columnStride, m int) {
	if m <= viewRows && columnStride == 1 {
		p.View(b, k, n, rowStride)
		return
	}
	p.Pack(b, k, n, rowStride, columnStride)
}

// PackRows fills a matrix row by row: fill writes the n elements of row i. It is how weights that are kept in fewer
// bits reach the panels without a float32 copy beside them.
func (p *Packed) PackRows(k, n int, fill func(i int, row []float32)) {
	p.reset(k, n)
	row := make([]float32, p.Panels()*panelWidth)
	for k0 := 0; k0 < k; k0 += BlockDepth {
		depth := min(BlockDepth, k-k0)
		for i := range depth {
			fill(k0+i, row[:n])
			for q := range p.Panels() {
				at := p.panelAt(k0, depth, q) + i*panelWidth
				*(*[panelWidth]float32)(p.panels[at:]) = *(*[panelWidth]float32)(row[q*panelWidth:])
			}
		}
	}
}

// PackColumns is PackRows for weights that are kept column by column: fill writes the k elements of column j.
func (p *Packed) PackColumns(k, n int, fill func(j int, column []float32)) {
	p.reset(k, n)
	columns := make([]float32, panelWidth*k)
	for q := range p.Panels() {
		width := min(panelWidth, n-q*panelWidth)
		clear(columns[width*k:])
		for x := range width {
			fill(q*panelWidth+x, columns[x*k:(x+1)*k])
		}
		for k0 := 0; k0 < k; k0 += BlockDepth {
			depth := min(BlockDepth, k-k0)
			at := p.panelAt(k0, depth, q)
			for i := range depth {
				for x := range panelWidth {
					p.panels[at+i*panelWidth+x] = columns[x*k+k0+i]
				}
			}
		}
	}
}
