package kernel

import "slices"

// Bytes is a view of a matrix of 8-bit integers: element (i, j) is Data[i·RowStride + j·ColumnStride], two's complement
// if Signed.
type Bytes struct {
	Data                    []byte
	Signed                  bool
	RowStride, ColumnStride int
}

// signed is the element as int8, 128 less if it is not signed.
func (b *Bytes) flip() byte {
	if b.Signed {
		return 0
	}
	return 0x80
}

// shift is what flip takes away.
func (b *Bytes) shift() int32 { return int32(b.flip()) }

// Int8Panels is a matrix B[k][n] of 8-bit integers in the order in which the integer kernels of one [Set] read it: in
// panels of panelWidth columns, of each of them a group of k at a time. Unsigned elements are kept 128 less.
type Int8Panels struct {
	K, N   int
	group  int
	panels []byte
	sums   []int32 // of each column, as kept
	zeros  []int32 // zero point of each column, as kept
	plain  bool    // every zero point is 0
}

// Panels is how many panels the columns fill.
func (p *Int8Panels) Panels() int { return (p.N + panelWidth - 1) / panelWidth }

// steps is how many groups cover k.
func (p *Int8Panels) steps() int { return (p.K + p.group - 1) / p.group }

// panelSize is a panel's length in bytes.
func (p *Int8Panels) panelSize() int { return p.steps() * p.group * panelWidth }

// PackInt8 copies b[k][n] into panels for this set, in the memory of p if there is enough. zeros are the columns'
// zero points: none, one for all, or n.
func (s *Set) PackInt8(p *Int8Panels, b Bytes, k, n int, zeros []int32) {
	p.K, p.N, p.group = k, n, s.ints.group
	size := p.Panels() * p.panelSize()
	p.panels = slices.Grow(p.panels[:0], size)[:size]
	columns := p.Panels() * panelWidth
	p.sums = slices.Grow(p.sums[:0], columns)[:columns]
	p.zeros = slices.Grow(p.zeros[:0], columns)[:columns]
	clear(p.panels)
	clear(p.sums)
	clear(p.zeros)
	p.plain = true
	for j := range n {
		p.zeros[j] = pick(zeros, j) - b.shift()
		p.plain = p.plain && p.zeros[j] == 0
	}
	whole := 0
	if s.ints.pairs != nil && b.ColumnStride == 1 {
		for whole = 0; whole+panelWidth <= n; whole += panelWidth {
			s.packPairs(p, &b, whole)
		}
	}
	for j := whole; j < n; j++ {
		p.packColumn(&b, j)
	}
}

// packPairs packs the panel that begins at column j, which is whole.
func (s *Set) packPairs(p *Int8Panels, b *Bytes, j int) {
	panel, sums, from := p.panels[j/panelWidth*p.panelSize():], p.sums[j:j+panelWidth], b.Data[min(j, len(b.Data)):]
	k := p.K &^ 1
	if k > 0 {
		s.ints.pairs(panel[:k*panelWidth], sums, from, b.RowStride, b.flip())
	}
	if k < p.K {
		for x := range sums {
			v := from[k*b.RowStride+x] ^ b.flip()
			panel[k*panelWidth+2*x] = v
			sums[x] += int32(int8(v))
		}
	}
}

// pick is element i of a list that is empty, of one element for all, or whole.
func pick[T int32 | float32](list []T, i int) T {
	switch len(list) {
	case 0:
		return 0
	case 1:
		return list[0]
	}
	return list[i]
}

func (p *Int8Panels) packColumn(b *Bytes, j int) {
	panel := p.panels[j/panelWidth*p.panelSize():][:p.panelSize()]
	flip, group, sum := b.flip(), p.group, int32(0)
	at, from := j%panelWidth*group, j*b.ColumnStride
	for i := 0; i < p.K; i += group {
		for x := range min(group, p.K-i) {
			v := b.Data[from] ^ flip
			panel[at+x] = v
			sum += int32(int8(v))
			from += b.RowStride
		}
		at += panelWidth * group
	}
	p.sums[j] = sum
}

// rowForm is how a set's integer kernel wants the rows of A.
type rowForm int

const (
	signedRows   rowForm = iota // int8, unsigned elements 128 less
	unsignedRows                // uint8, signed elements 128 more
	wideRows                    // int16, the zero point taken away
)

// Int8Rows is a matrix A[m][k] of 8-bit integers in the form in which the integer kernels of one [Set] read it.
type Int8Rows struct {
	M, K   int
	stride int // bytes of a row
	data   []byte
	terms  []int32 // of each row: its zero point as kept, its sum without zero points
	plain  bool    // every first term is 0
}

// intStrip is a part of an integer product for one kernel call, like [strip].
type intStrip struct {
	c       []int32
	ldc     int
	a       []byte
	lda     int
	b       []byte
	pitch   int
	steps   int
	m       int
	width   int
	terms   []int32 // of the rows, two each; nil when they and the columns' need no correction
	sums    []int32 // of the columns
	zeros   []int32
	next    []byte
	scratch [edgeRows * panelWidth]int32
}

// intKernel is how one set computes integer strips.
type intKernel struct {
	group  int // k at a time
	form   rowForm
	strip  func(*intStrip)
	panels func(m int) int
	pairs  func(panel []byte, sums []int32, from []byte, stride int, flip byte) // packs rows two by two and adds them up; may be nil
}

// Int32Epilogue is called for each finished piece of a row of an integer product, while it is still in the cache.
type Int32Epilogue func(c []int32, row, column int)

// MultiplyInt8 computes the columns of panels [from, to) of rows [first, first+m) of C = (A - zero points)·(B - zero
// points) modulo 2^32, where row first of C begins at c[0] and the next ones every ldc. A nil c stands for memory
// that only done will see. a and b must have been packed by this set.
func (s *Set) MultiplyInt8(c []int32, ldc int, a *Int8Rows, b *Int8Panels, first, m, from, to int, done Int32Epilogue) {
	if from >= to || m == 0 {
		return
	}
	t := &intStrip{steps: b.steps(), lda: a.stride, pitch: b.panelSize()}
	rows, panels := m, to-from
	var memory []int32
	if c == nil {
		rows, panels = min(m, scratchRows), min(panels, scratchPanels)
		memory = make([]int32, rows*panels*panelWidth)
	}
	for i := 0; i < m; i += rows {
		t.m = min(rows, m-i)
		t.a = a.data[(first+i)*a.stride:]
		if t.terms = nil; !a.plain || !b.plain {
			t.terms = a.terms[2*(first+i):]
		}
		for p := from; p < to; p += panels {
			end := min(to, p+panels)
			target := memory
			if c == nil {
				t.ldc = panels * panelWidth
			} else {
				t.ldc, target = ldc, c[i*ldc+p*panelWidth:]
			}
			s.intBlock(t, target, b, p, end)
			if done == nil {
				continue
			}
			columns := min(b.N, end*panelWidth) - p*panelWidth
			for r := range t.m {
				done(target[r*t.ldc:r*t.ldc+columns], first+i+r, p*panelWidth)
			}
		}
	}
}

// scratchRows and scratchPanels bound what is computed at a time when only an epilogue sees it.
const scratchRows, scratchPanels = 48, 8

// intBlock computes some rows and panels; c begins at the first panel's first column.
func (s *Set) intBlock(t *intStrip, c []int32, b *Int8Panels, from, to int) {
	for p := from; p < to; p += t.width {
		t.width = min(s.ints.panels(t.m), 1<<log2(to-p))
		whole := b.N/panelWidth - p
		if whole <= 0 {
			t.width = 1
		} else {
			t.width = min(t.width, 1<<log2(whole))
		}
		size := t.pitch
		t.b, t.next = b.panels[p*size:(p+t.width)*size], b.panels[(p+t.width)*size:]
		t.sums, t.zeros = b.sums[p*panelWidth:], b.zeros[p*panelWidth:]
		at := (p - from) * panelWidth
		switch {
		case t.steps == 0:
			for r := range t.m {
				clear(c[r*t.ldc+at:][:min(t.width*panelWidth, b.N-p*panelWidth)])
			}
		case whole > 0:
			t.c = c[at:]
			s.ints.strip(t)
		default:
			s.intEdge(t, c[at:], b.N-p*panelWidth)
		}
	}
}

// intEdge does a panel that is not whole: it computes beside C and copies the columns that exist.
func (s *Set) intEdge(t *intStrip, c []int32, columns int) {
	rows, ldc, a, terms := t.m, t.ldc, t.a, t.terms
	for i := 0; i < rows; i += edgeRows {
		t.m = min(edgeRows, rows-i)
		t.a, t.c, t.ldc = a[i*t.lda:], t.scratch[:], panelWidth
		if terms != nil {
			t.terms = terms[2*i:]
		}
		s.ints.strip(t)
		for r := range t.m {
			copy(c[(i+r)*ldc:(i+r)*ldc+columns], t.scratch[r*panelWidth:])
		}
	}
	t.m, t.ldc, t.a, t.terms = rows, ldc, a, terms
}
