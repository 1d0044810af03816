//go:build amd64 || arm64 || (wasip1 && !purego)

package kernel

import "unsafe"

// tile is what the assembly of one tile reads; strides are in bytes. The generators in asm and watgen know its layout.
type tile struct {
	c     unsafe.Pointer
	ldc   uintptr
	a     unsafe.Pointer
	lda   uintptr
	b     unsafe.Pointer
	ldb   uintptr
	pitch uintptr
	k     int
	add   int
	next  unsafe.Pointer

	// Integers only: terms of the rows, sums and zero points of the columns.
	rowTerms, columnSums, columnZeros unsafe.Pointer
}

// tile describes the first row of a strip, after a check of everything that the assembly will touch; k, m and width
// are at least 1.
func (s *strip) tile() tile {
	_ = s.c[(s.m-1)*s.ldc+s.width*panelWidth-1]
	_ = s.a[(s.m-1)*s.lda+s.k-1]
	_ = s.b[(s.width-1)*s.pitch+(s.k-1)*s.ldb+panelWidth-1]
	t := tile{
		c: unsafe.Pointer(&s.c[0]), ldc: uintptr(4 * s.ldc), a: unsafe.Pointer(&s.a[0]), lda: uintptr(4 * s.lda),
		b: unsafe.Pointer(&s.b[0]), ldb: uintptr(4 * s.ldb), pitch: uintptr(4 * s.pitch), k: s.k, next: unsafe.Pointer(&s.b[0]),
	}
	if s.add {
		t.add = 1
	}
	return t
}

// tileRows is how many of the rows left the next tile takes, most at best: the last two tiles share what is more than
// one and less than two, since a tile of few rows does not fill the CPU's pipes.
func tileRows(left, most int) int {
	if left > most && left < 2*most {
		return (left + 1) / 2
	}
	return min(left, most)
}

// place points a tile at row i of a strip. The last tile fetches what is read next.
func (s *strip) place(t *tile, i, rows int) {
	t.c, t.a = unsafe.Pointer(&s.c[i*s.ldc]), unsafe.Pointer(&s.a[i*s.lda])
	if i+rows == s.m && len(s.next) > 0 {
		t.next = unsafe.Pointer(&s.next[0])
	}
}

// tile is like that of [strip]; steps is at least 1.
func (s *intStrip) tile() tile {
	_ = s.c[(s.m-1)*s.ldc+s.width*panelWidth-1]
	_ = s.a[s.m*s.lda-1]
	_ = s.b[s.width*s.pitch-1]
	t := tile{
		c: unsafe.Pointer(&s.c[0]), ldc: uintptr(4 * s.ldc), a: unsafe.Pointer(&s.a[0]), lda: uintptr(s.lda),
		b: unsafe.Pointer(&s.b[0]), ldb: uintptr(s.pitch / s.steps), pitch: uintptr(s.pitch), k: s.steps,
		next: unsafe.Pointer(&s.b[0]),
	}
	if s.terms != nil {
		_, _, _ = s.terms[2*s.m-1], s.sums[s.width*panelWidth-1], s.zeros[s.width*panelWidth-1]
		t.add, t.columnSums, t.columnZeros = 1, unsafe.Pointer(&s.sums[0]), unsafe.Pointer(&s.zeros[0])
	}
	return t
}

// place points a tile at row i of a strip.
func (s *intStrip) place(t *tile, i, rows int) {
	t.c, t.a = unsafe.Pointer(&s.c[i*s.ldc]), unsafe.Pointer(&s.a[i*s.lda])
	if s.terms != nil {
		t.rowTerms = unsafe.Pointer(&s.terms[2*i])
	}
	if i+rows == s.m && len(s.next) > 0 {
		t.next = unsafe.Pointer(&s.next[0])
	}
}

// blockTile is what the assembly of one block-quantised tile reads; strides are in bytes. The generator in asm knows
// its layout.
type blockTile struct {
	c      unsafe.Pointer
	ldc    uintptr
	q      unsafe.Pointer
	ldq    uintptr
	scales unsafe.Pointer
	lds    uintptr // of scales and sums
	sums   unsafe.Pointer
	panel  unsafe.Pointer
	blocks int
	steps  int // of a block
}

// tile describes row i of a strip, after a check of everything that the assembly will touch.
func (s *blockStrip) tile() blockTile {
	_ = s.c[(s.m-1)*s.ldc+panelWidth-1]
	_ = s.q[s.m*s.blocks*s.block-1]
	_, _ = s.scales[s.m*s.blocks-1], s.sums[s.m*s.blocks-1]
	_ = s.panel[s.blocks*(s.block*panelWidth*s.bits/8+5*panelWidth)-1]
	return blockTile{
		ldc: uintptr(4 * s.ldc), ldq: uintptr(s.blocks * s.block), lds: uintptr(4 * s.blocks),
		panel: unsafe.Pointer(&s.panel[0]), blocks: s.blocks, steps: s.block * s.bits / 32,
	}
}

func (s *blockStrip) place(t *blockTile, i int) {
	t.c, t.q = unsafe.Pointer(&s.c[i*s.ldc]), unsafe.Pointer(&s.q[i*s.blocks*s.block])
	t.scales, t.sums = unsafe.Pointer(&s.scales[i*s.blocks]), unsafe.Pointer(&s.sums[i*s.blocks])
}
