package kernel

// Packed is a matrix B[k][n] in the order in which kernels read it. The columns stand in panels of panelWidth, zeros
// beyond the last column, and k is cut into blocks of [BlockDepth]: block after block, in it panel after panel, in it k
// after k. Every set reads this one layout. A matrix whose columns are neighbours in memory may instead be read in
// place, see [Packed.View].
type Packed struct {
	K, N   int
	panels []float32
	direct []float32 // in place: element (k, j) at k·stride + j
	stride int
	edge   []float32 // in place: the last panel, packed, if it is not whole
	memory []float32 // what Pack allocated, for the next time
}

// BlockDepth is how many products one accumulator of a contraction takes before its sum is added to the total.
const BlockDepth = 256

// panelWidth is how many columns a panel has.
const panelWidth = 16

// Panels is how many panels the columns fill.
func (p *Packed) Panels() int { return (p.N + panelWidth - 1) / panelWidth }

// panelAt is where the panel begins whose k are those of the block at k0, depth of them.
func (p *Packed) panelAt(k0, depth, panel int) int {
	return k0*p.Panels()*panelWidth + panel*depth*panelWidth
}

// strip is a part of a product for one kernel call: m rows by width panels over one block of k. The sums are stored in
// c, or added to it.
type strip struct {
	c       []float32
	ldc     int
	a       []float32
	lda     int
	b       []float32 // element (k, j) of panel p at k·ldb + p·pitch + j
	ldb     int
	pitch   int
	k       int
	m       int
	width   int
	add     bool
	next    []float32 // what will be read after b: a hint to fetch it early; may be empty
	scratch [edgeRows * panelWidth]float32
	rows    []float32 // a block of A whose columns are not neighbours, copied
}

// edgeRows is how many rows of a panel that is not whole are computed beside C at a time.
const edgeRows = 24

// productRows is how many rows of A go through all panels before the next ones do: a block of them stays in the L2 cache.
const productRows = 192

// finishPanels is after how many panels an [Epilogue] sees the finished columns.
const finishPanels = 16

// Matrix is a view of a matrix: element (i, j) is Data[i·RowStride + j·ColumnStride].
type Matrix struct {
	Data                    []float32
	RowStride, ColumnStride int
}

// Epilogue is called for each finished piece of a row of a product, while it is still in the cache: c are the
// elements from the given column on. It may change them.
type Epilogue func(c []float32, row, column int)

// Multiply computes the columns of panels [from, to) of the m rows of C = A·B, where row i of C begins at c[i·ldc]. Any
// cut of the panels or rows over several calls gives the same bits.
func (s *Set) Multiply(c []float32, ldc int, a Matrix, b *Packed, m, from, to int, done Epilogue) {
	s.multiply(c, ldc, a, b, m, from, to, false, done)
}

// MultiplyMore goes on with sums over whole blocks of k that stand in C: it adds those of further blocks, of which there
// is at least one.
func (s *Set) MultiplyMore(c []float32, ldc int, a Matrix, b *Packed, m int, done Epilogue) {
	s.multiply(c, ldc, a, b, m, 0, b.Panels(), true, done)
}

func (s *Set) multiply(c []float32, ldc int, a Matrix, b *Packed, m, from, to int, more bool, done Epilogue) {
	if from >= to || m == 0 {
		return
	}
	if b.K == 0 {
		zeros(c, ldc, b, m, from, to, done)
		return
	}
	t := &strip{ldc: ldc}
	for row := 0; row < m; row += productRows {
		t.m = min(productRows, m-row)
		for k0 := 0; k0 < b.K; k0 += BlockDepth {
			t.k, t.add = min(BlockDepth, b.K-k0), more || k0 > 0
			t.takeRows(a, row, k0)
			last := done
			if k0+t.k < b.K {
				last = nil
			}
			s.block(t, c, b, row, k0, from, to, last)
		}
	}
}

func zeros(c []float32, ldc int, b *Packed, m, from, to int, done Epilogue) {
	for i := range m {
		piece := c[i*ldc+from*panelWidth : i*ldc+min(b.N, to*panelWidth)]
		clear(piece)
		if done != nil {
			done(piece, i, from*panelWidth)
		}
	}
}

// takeRows points the strip at a block of A, copied if its columns are not neighbours.
func (t *strip) takeRows(a Matrix, row, k0 int) {
	at := row*a.RowStride + k0*a.ColumnStride
	if a.ColumnStride == 1 || t.k == 1 {
		t.a, t.lda = a.Data[at:], a.RowStride
		return
	}
	if t.rows == nil {
		t.rows = make([]float32, t.m*t.k)
	}
	for i := range t.m {
		to := t.rows[i*t.k : (i+1)*t.k]
		from := a.Data[at+i*a.RowStride:]
		for x := range to {
			to[x] = from[x*a.ColumnStride]
		}
	}
	t.a, t.lda = t.rows, t.k
}

// block does one block of k of some rows for all panels wanted.
func (s *Set) block(t *strip, c []float32, b *Packed, row, k0, from, to int, done Epilogue) {
	finished := from
	for p := from; p < to; p += t.width {
		t.width = min(s.product.panels(t.m), 1<<log2(to-p))
		whole := b.N/panelWidth - p // panels that are whole
		if whole <= 0 {
			t.width = 1
		} else {
			t.width = min(t.width, 1<<log2(whole))
		}
		t.takePanels(b, k0, p)
		at := row*t.ldc + p*panelWidth
		if whole > 0 {
			t.c = c[at:]
			s.product.strip(t)
		} else {
			s.edge(t, c[at:], b.N-p*panelWidth)
		}
		end := p + t.width
		if done != nil && (end-finished >= finishPanels || end == to) {
			for i := range t.m {
				done(c[(row+i)*t.ldc+finished*panelWidth:(row+i)*t.ldc+min(b.N, end*panelWidth)], row+i, finished*panelWidth)
			}
			finished = end
		}
	}
}

// log2 is the largest power not above n: 1, 2 or 4.
func log2(n int) int {
	switch {
	case n >= 4:
		return 2
	case n >= 2:
		return 1
	}
	return 0
}

// takePanels points the strip at panels of B.
func (t *strip) takePanels(b *Packed, k0, p int) {
	switch {
	case b.direct == nil:
		at := b.panelAt(k0, t.k, p)
		end := at + t.width*t.k*panelWidth
		t.b, t.ldb, t.pitch, t.next = b.panels[at:end], panelWidth, t.k*panelWidth, b.panels[end:]
	case (p+t.width)*panelWidth <= b.N:
		t.b, t.ldb, t.pitch, t.next = b.direct[k0*b.stride+p*panelWidth:], b.stride, panelWidth, nil
	default:
		t.b, t.ldb, t.pitch, t.next = b.edge[k0*panelWidth:], panelWidth, 0, nil
	}
}

// edge does a panel that is not whole: it computes beside C and copies the columns that exist.
func (s *Set) edge(t *strip, c []float32, columns int) {
	rows, ldc, a := t.m, t.ldc, t.a
	for i := 0; i < rows; i += edgeRows {
		t.m = min(edgeRows, rows-i)
		t.a, t.c, t.ldc = a[i*t.lda:], t.scratch[:], panelWidth
		if t.add {
			for r := range t.m {
				copy(t.scratch[r*panelWidth:(r+1)*panelWidth], c[(i+r)*ldc:(i+r)*ldc+columns])
			}
		}
		s.product.strip(t)
		for r := range t.m {
			copy(c[(i+r)*ldc:(i+r)*ldc+columns], t.scratch[r*panelWidth:])
		}
	}
	t.m, t.ldc, t.a = rows, ldc, a
}

// productKernel is how one set computes strips. panels says how many panels it likes at once for m rows: 1, 2 or 4; it
// must take any of these that is not more.
type productKernel struct {
	strip  func(*strip)
	panels func(m int) int
}
