package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// BlockPanels is a matrix B[k][n] of 4- or 8-bit integers q with a scale and a zero point for each column and block of
// k: its elements are scale · (q - zero point). It stays in its few bits. A panel has panelWidth columns; for each of
// its blocks in turn there stand
//
//	the q: of 8 bits [block/4][panelWidth][4]; of 4 bits [block/8][panelWidth][4], the low halves for the first four
//	of eight k and the high halves for the others
//	the scales: [panelWidth]float32
//	the zero points: [panelWidth]uint8
//
// Elements beyond k or n are equal to their zero point.
type BlockPanels struct {
	K, N, Block, Bits int
	panels            []byte
}

// Panels is how many panels the columns fill.
func (p *BlockPanels) Panels() int { return (p.N + panelWidth - 1) / panelWidth }

// Blocks is how many blocks cover k.
func (p *BlockPanels) Blocks() int { return (p.K + p.Block - 1) / p.Block }

// quantBytes is the length of the q of one panel and block, blockBytes that of all three.
func (p *BlockPanels) quantBytes() int { return p.Block * panelWidth * p.Bits / 8 }
func (p *BlockPanels) blockBytes() int { return p.quantBytes() + 5*panelWidth }

// panel is the bytes of one panel.
func (p *BlockPanels) panel(i int) []byte {
	size := p.Blocks() * p.blockBytes()
	return p.panels[i*size : (i+1)*size]
}

// Pack takes a matrix as com.microsoft's MatMulNBits has it: q[n][blocks][block·bits/8], of two 4-bit elements in a byte
// the first in the low half; scales[n][blocks]; zeros[n][blocks], or nil for 2^(bits-1).
func (p *BlockPanels) Pack(q []byte, scales []float32, zeros []byte, k, n, block, bits int) error {
	*p = BlockPanels{K: k, N: n, Block: block, Bits: bits, panels: p.panels}
	switch {
	case bits != 4 && bits != 8 || block != 16 && block != 32 && block != 64 && block != 128 && block != 256:
		return fmt.Errorf("blocks of %d elements of %d bits, want 16 to 256 of 4 or 8", block, bits)
	case len(q) != n*p.Blocks()*block*bits/8 || len(scales) != n*p.Blocks() || zeros != nil && len(zeros) != len(scales):
		return fmt.Errorf("%d bytes, %d scales, %d zero points for %d columns of %d blocks of %d", len(q), len(scales), len(zeros), n, p.Blocks(), block)
	}
	size := p.Panels() * p.Blocks() * p.blockBytes()
	p.panels = slices.Grow(p.panels[:0], size)[:size]
	clear(p.panels)
	for j := range n {
		for b := range p.Blocks() {
			at := j*p.Blocks() + b
			zero := byte(1) << (bits - 1)
			if zeros != nil {
				zero = zeros[at]
			}
			p.packBlock(q[at*block*bits/8:][:block*bits/8], scales[at], zero, j, b)
		}
	}
	return nil
}

func (p *BlockPanels) packBlock(q []byte, scale float32, zero byte, j, block int) {
	to := p.panel(j / panelWidth)[block*p.blockBytes():][:p.blockBytes()]
	x := j % panelWidth
	if (block+1)*p.Block <= p.K {
		p.packWords(to, q, x)
	} else {
		p.packElements(to, q, zero, x, p.K-block*p.Block)
	}
	binary.LittleEndian.PutUint32(to[p.quantBytes()+4*x:], math.Float32bits(scale))
	to[p.quantBytes()+4*panelWidth+x] = zero
}

// packWords packs a block that is whole: four bytes of a column stand together in either order.
func (p *BlockPanels) packWords(to, q []byte, x int) {
	for i := 0; i+4 <= len(q); i += 4 {
		w := binary.LittleEndian.Uint32(q[i:])
		if p.Bits == 4 {
			w = halves(w&0xffff) | halves(w>>16)<<4
		}
		binary.LittleEndian.PutUint32(to[i*panelWidth+4*x:], w)
	}
}

// halves spreads four elements of 4 bits over the lower halves of four bytes.
func halves(w uint32) uint32 {
	w = (w | w<<8) & 0x00ff00ff
	return (w | w<<4) & 0x0f0f0f0f
}

// packElements packs a block of which there are only some elements.
func (p *BlockPanels) packElements(to, q []byte, zero byte, x, there int) {
	for i := range p.Block {
		v := zero
		if i < there {
			v = element(q, i, p.Bits)
		}
		at, shift := place(i, x, p.Bits)
		to[at] |= v << shift
	}
}

// element reads q of a block in the order of k.
func element(q []byte, i, bits int) byte {
	if bits == 8 {
		return q[i]
	}
	return q[i/2] >> (i % 2 * 4) & 15
}

// place is where the q of the i-th k and x-th column of a panel's block stands.
func place(i, x, bits int) (at, shift int) {
	if bits == 8 {
		return i/4*(4*panelWidth) + 4*x + i%4, 0
	}
	return i/8*(4*panelWidth) + 4*x + i%4, i / 4 % 2 * 4
}

// BlockRows is a matrix A[m][k] quantised for products with [BlockPanels]: for each row and block the scale is
// max|x| / 127 and q is x / scale, rounded half to even; q is 0 where the scale is 0. A NaN or infinity in a block makes
// the row's results NaN: by its scale, or as 0 · infinity.
type BlockRows struct {
	M, K, Block int
	q           []byte    // [m][blocks][block], int8
	scales      []float32 // [m][blocks]
	sums        []int32   // of q, [m][blocks]
}

func (r *BlockRows) blocks() int { return (r.K + r.Block - 1) / r.Block }

// QuantiseBlocks fills r with a[m][k], whose row i begins at a[i·stride], in the memory of r if there is enough.
func (s *Set) QuantiseBlocks(r *BlockRows, a []float32, m, k, stride, block int) {
	r.M, r.K, r.Block = m, k, block
	n := m * r.blocks()
	r.q = slices.Grow(r.q[:0], n*block)[:n*block]
	r.scales = slices.Grow(r.scales[:0], n)[:n]
	r.sums = slices.Grow(r.sums[:0], n)[:n]
	for i := range m {
		for b := range r.blocks() {
			at := i*r.blocks() + b
			x := a[i*stride+b*block : i*stride+min(k, (b+1)*block)]
			r.scales[at], r.sums[at] = s.quantiseBlock(r.q[at*block:(at+1)*block], x)
		}
	}
}

func (s *Set) quantiseBlock(q []byte, x []float32) (scale float32, sum int32) {
	scale = Canon(s.bytes.magnitude(x) / 127)
	clear(q[len(x):])
	if scale == 0 {
		clear(q)
		return scale, 0
	}
	return scale, s.bytes.quantise(q, x, scale)
}

// blockStrip is a part of a block-quantised product for one kernel call: m rows of one panel.
type blockStrip struct {
	c       []float32
	ldc     int
	q       []byte
	scales  []float32
	sums    []int32
	blocks  int // of a row
	block   int
	bits    int
	panel   []byte
	m       int
	scratch [edgeRows * panelWidth]float32
}

// MultiplyBlocks computes the columns of panels [from, to) of rows [first, first+m) of C = A·B, where row first of C
// begins at c[0] and the next ones every ldc. Each element is the sum over the blocks, ascending from +0, of
// float32(dot) · (scale of A · scale of B), each product rounded; dot is the exact sum of q · (q - zero point).
func (s *Set) MultiplyBlocks(c []float32, ldc int, a *BlockRows, b *BlockPanels, first, m, from, to int, done Epilogue) {
	blocks := a.blocks()
	if a.K != b.K || a.Block != b.Block {
		panic("kernel: rows and panels of other blocks")
	}
	t := &blockStrip{blocks: blocks, block: b.Block, bits: b.Bits}
	for p := from; p < to; p++ {
		t.panel = b.panel(p)
		columns := min(panelWidth, b.N-p*panelWidth)
		for i := 0; i < m; i += edgeRows {
			t.m = min(edgeRows, m-i)
			at := (first + i) * blocks
			t.q, t.scales, t.sums = a.q[at*b.Block:], a.scales[at:], a.sums[at:]
			s.blockPiece(t, c[i*ldc+p*panelWidth:], ldc, columns)
			if done == nil {
				continue
			}
			for r := range t.m {
				done(c[(i+r)*ldc+p*panelWidth:][:columns], first+i+r, p*panelWidth)
			}
		}
	}
}

func (s *Set) blockPiece(t *blockStrip, c []float32, ldc, columns int) {
	if columns == panelWidth && t.blocks > 0 {
		t.c, t.ldc = c, ldc
		s.blocks(t)
		return
	}
	t.c, t.ldc = t.scratch[:], panelWidth
	clear(t.scratch[:])
	if t.blocks > 0 {
		s.blocks(t)
	}
	for r := range t.m {
		copy(c[r*ldc:r*ldc+columns], t.scratch[r*panelWidth:])
	}
}
