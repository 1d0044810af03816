package rewrite

import (
	"math"

	"assay/inference/onnx"
)

// The block-quantised product of ONNX Runtime's own operator set.
const (
	microsoft     = "com.microsoft"
	matMulNBits   = "MatMulNBits"
	blockSize     = 32
	accuracyLevel = 4 // activations int8 as well, per row and block
)

// blocks writes MatMulNBits: unsigned integers of so many bits around a middle, a scale per block of 32 weights of
// one column, columns after one another.
func (r *rewriter) blocks(p product, bits int) ([]onnx.Node, error) {
	constants := r.once(p.key, func() []string {
		count := (p.rows + blockSize - 1) / blockSize
		packed, scale := quantizeBlocks(p.load().values, bits)
		return []string{
			r.constant(onnx.Tensor{
				Name: p.constant + ".blocks", DType: onnx.Uint8, Raw: packed,
				Shape: sizes([]int{p.columns, count, blockSize * bits / 8}),
			}),
			r.constant(floatTensor(p.constant+".scales", scale, len(scale))),
		}
	})
	integer := func(name string, v int) onnx.Attribute {
		return onnx.Attribute{Name: name, Kind: onnx.KindInt, Int: int64(v)}
	}
	r.done(p, false)
	return []onnx.Node{{
		Name: p.node, Domain: microsoft, Op: matMulNBits, Inputs: append([]string{p.in}, constants...), Outputs: []string{p.out},
		Attributes: []onnx.Attribute{
			integer("K", p.rows), integer("N", p.columns), integer("bits", bits),
			integer("block_size", blockSize), integer("accuracy_level", accuracyLevel),
		},
	}}, nil
}

// quantizeBlocks rounds a matrix column by column. The last block of a column is filled with zeros.
func quantizeBlocks(m *array, bits int) (packed []byte, scale []float32) {
	for c := range m.columns {
		for begin := 0; begin < m.rows; begin += blockSize {
			var block [blockSize]float32
			for i := range min(blockSize, m.rows-begin) {
				block[i] = m.data[(begin+i)*m.columns+c]
			}
			step, q := nearest(&block, bits)
			scale = append(scale, step)
			packed = appendBlock(packed, &q, bits)
		}
	}
	return packed, scale
}

// shrink are the parts of the widest step that are tried: cutting off the largest weights a little may leave the
// others closer.
var shrink = map[int][]float32{8: {1}, 4: {1, 0.95, 0.9, 0.85, 0.8, 1.05}}

// nearest finds the step whose integers are closest to the weights by the sum of squares. In the widest one the weight
// of the largest magnitude is the lowest integer, whose range is one longer than the highest's.
func nearest(block *[blockSize]float32, bits int) (step float32, q [blockSize]byte) {
	var peak float32
	for _, v := range block {
		if math.Abs(float64(v)) > math.Abs(float64(peak)) {
			peak = v
		}
	}
	middle := float32(int(1) << (bits - 1))
	least := math.Inf(1)
	for _, part := range shrink[bits] {
		tried := float32(peak / -middle * part)
		if whole, off := rounded(block, tried, middle); off < least {
			least, step, q = off, tried, whole
		}
	}
	return step, q
}

// rounded gives the integers of a block for a step, and the sum of the squares of what they are off.
func rounded(block *[blockSize]float32, step, middle float32) (q [blockSize]byte, off float64) {
	for i, v := range block {
		n := float32(0)
		if step != 0 {
			n = float32(math.RoundToEven(float64(v / step)))
		}
		n = min(max(n, -middle), middle-1)
		q[i] = byte(n + middle)
		miss := float64(float32(n*step) - v)
		off += float64(miss * miss)
	}
	return q, off
}

// appendBlock packs integers, the lower bits first.
func appendBlock(packed []byte, q *[blockSize]byte, bits int) []byte {
	if bits == 8 {
		return append(packed, q[:]...)
	}
	for i := 0; i < blockSize; i += 2 {
		packed = append(packed, q[i]|q[i+1]<<4)
	}
	return packed
}
