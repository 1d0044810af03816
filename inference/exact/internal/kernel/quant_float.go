package kernel

import (
	"encoding/binary"
	"math"
)

// MultiplyDequantised computes the columns of panels [from, to) of the m rows of C = A·B like [Set.Multiply], for float
// rows A and a matrix B that stays in its few bits: float32(q - zero point) · scale, rounded, is its element. Only one
// panel of one block of k is ever held as floats.
func (s *Set) MultiplyDequantised(c []float32, ldc int, a Matrix, b *BlockPanels, m, from, to int, done Epilogue) {
	t := &strip{ldc: ldc, width: 1, ldb: panelWidth}
	panel := make([]float32, BlockDepth*panelWidth)
	for p := from; p < to && m > 0; p++ {
		columns := min(panelWidth, b.N-p*panelWidth)
		for k0 := 0; k0 < b.K; k0 += BlockDepth {
			t.k, t.add, t.b = min(BlockDepth, b.K-k0), k0 > 0, panel
			s.dequantise(panel, b, p, k0, t.k)
			for row := 0; row < m; row += productRows {
				t.m = min(productRows, m-row)
				t.takeRows(a, row, k0)
				t.c = c[row*ldc+p*panelWidth:]
				if columns == panelWidth {
					s.product.strip(t)
				} else {
					s.edge(t, t.c, columns)
				}
			}
		}
		for i := range m {
			piece := c[i*ldc+p*panelWidth:][:columns]
			if b.K == 0 {
				clear(piece)
			}
			if done != nil {
				done(piece, i, p*panelWidth)
			}
		}
	}
}

// dequantise writes the floats of one panel and depth k from k0 on, and of what its last block has beyond; k0 is a
// multiple of the block.
func (s *Set) dequantise(out []float32, p *BlockPanels, panel, k0, depth int) {
	size := p.blockBytes()
	blocks := (depth + p.Block - 1) / p.Block
	w := p.panel(panel)[k0/p.Block*size:][:blocks*size]
	s.floats(out[:blocks*p.Block*panelWidth], w, p.Block, p.Bits)
}

// dequantiseGo writes the floats of whole blocks of a panel.
func dequantiseGo(out []float32, w []byte, block, bits int) {
	quant := block * panelWidth * bits / 8
	mask := byte(1<<bits - 1)
	for len(w) > 0 {
		scales, zeros := w[quant:quant+4*panelWidth], w[quant+4*panelWidth:quant+5*panelWidth]
		for i := range block {
			at, shift := place(i, 0, bits)
			to := (*[panelWidth]float32)(out[i*panelWidth:])
			from := (*[4*panelWidth - 3]byte)(w[at:])
			for x := range to {
				q := int32(from[4*x]>>shift&mask) - int32(zeros[x])
				to[x] = float32(float32(q) * math.Float32frombits(binary.LittleEndian.Uint32(scales[4*x:])))
			}
		}
		out, w = out[block*panelWidth:], w[quant+5*panelWidth:]
	}
}
