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
			b.dequantise(panel, p, k0, t.k)
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

// dequantise writes the floats of one panel and depth k from k0 on, a multiple of the block.
func (p *BlockPanels) dequantise(out []float32, panel, k0, depth int) {
	size, quant := p.blockBytes(), p.quantBytes()
	bytes := p.panel(panel)
	var scale [panelWidth]float32
	var zero [panelWidth]int32
	for i := 0; i < depth; i += p.Block {
		w := bytes[(k0+i)/p.Block*size:][:size]
		for x := range panelWidth {
			scale[x] = math.Float32frombits(binary.LittleEndian.Uint32(w[quant+4*x:]))
			zero[x] = int32(w[quant+4*panelWidth+x])
		}
		end := min(p.Block, depth-i)
		for y := range end {
			at, shift := place(y, 0, p.Bits)
			mask := byte(1<<p.Bits - 1)
			to := (*[panelWidth]float32)(out[(i+y)*panelWidth:])
			from := (*[4*panelWidth - 3]byte)(w[at:])
			for x := range to {
				q := int32(from[4*x] >> shift & mask)
				to[x] = float32(float32(q-zero[x]) * scale[x])
			}
		}
	}
}
