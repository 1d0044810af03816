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

// quantizeBlocks rounds a matrix column by column. The weight of the largest magnitude becomes the lowest integer,
// whose range is one longer than the highest's. The last block of a column is filled with zeros.
func quantizeBlocks(m *array, bits int) (packed []byte, scale []float32) {
	middle := float64(int(1) << (bits - 1))
	for c := range m.columns {
		for begin := 0; begin < m.rows; begin += blockSize {
			var block [blockSize]float32
			var peak float32
			for i := range min(blockSize, m.rows-begin) {
				block[i] = m.data[(begin+i)*m.columns+c]
				if math.Abs(float64(block[i])) > math.Abs(float64(peak)) {
					peak = block[i]
				}
			}
			step := peak / float32(-middle)
			scale = append(scale, step)
			if step == 0 {
				step = 1
			}
			packed = appendBlock(packed, &block, step, middle, bits)
		}
	}
	return packed, scale
}

// appendBlock packs integers, the lower bits first.
func appendBlock(packed []byte, block *[blockSize]float32, step float32, middle float64, bits int) []byte {
	var q [blockSize]byte
	for i, v := range block {
		n := math.RoundToEven(float64(v/step)) + middle
		q[i] = byte(min(max(n, 0), middle+middle-1))
	}
	if bits == 8 {
		return append(packed, q[:]...)
	}
	for i := 0; i < blockSize; i += 2 {
		packed = append(packed, q[i]|q[i+1]<<4)
	}
	return packed
}
