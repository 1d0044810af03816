package rewrite

import (
	"encoding/binary"
	"math"

	"assay/inference/onnx"
)

// weightOnly keeps the weights as integers in the file and multiplies them out before an fp32 product:
//
//	MatMul(x, Mul(Cast(integers), scale))
//
// Integers with a zero point are stored as they are, and it is subtracted after the cast.
func (r *rewriter) weightOnly(p product) ([]onnx.Node, error) {
	var nodes []onnx.Node
	weights := r.once(p.key, func() []string {
		integers, scale := p.load().perColumn()
		q := r.constant(int8Tensor(p.constant+".int8", integers, p.rows, p.columns))
		s := r.constant(floatTensor(p.constant+".scale", scale, 1, len(scale)))
		var full string
		nodes, full = r.multipliedOut(p.constant, q, "", s)
		return []string{full}
	})
	r.done(p, p.exact)
	return append(nodes, onnx.Node{Name: p.node, Op: "MatMul", Inputs: []string{p.in, weights[0]}, Outputs: []string{p.out}}), nil
}

// weightOnlyConvolution turns an integer convolution into an fp32 one over the same integers.
func (r *rewriter) weightOnlyConvolution(p product) ([]onnx.Node, error) {
	chain := p.convolution
	var nodes []onnx.Node
	weights := r.once(p.key, func() []string {
		var full string
		nodes, full = r.multipliedOut(p.constant, chain.op.Inputs[1], chain.zero, chain.scale)
		return []string{full}
	})
	r.done(p, true)
	return append(nodes, onnx.Node{
		Name: p.node, Op: "Conv", Inputs: []string{p.in, weights[0]}, Outputs: []string{p.out}, Attributes: chain.attributes,
	}), nil
}

// multipliedOut is (cast(q) - cast(zero))·scale.
func (r *rewriter) multipliedOut(base, q, zero, scale string) (nodes []onnx.Node, out string) {
	add := func(suffix, op string, in ...string) string {
		name := r.fresh(base + suffix)
		n := onnx.Node{Name: name, Op: op, Inputs: in, Outputs: []string{name}}
		if op == "Cast" {
			n.Attributes = []onnx.Attribute{toFloat}
		}
		nodes = append(nodes, n)
		return name
	}
	out = add(".cast", "Cast", q)
	if zero != "" {
		out = add(".centred", "Sub", out, add(".zero", "Cast", zero))
	}
	return nodes, add(".multiplied", "Mul", out, scale)
}

// perColumn gives symmetric int8 with a scale per column: the file's own where it has them, else rounded to
// the nearest, half to even.
func (w weight) perColumn() (integers []int8, scale []float32) {
	if w.integers != nil {
		return w.integers, w.scale
	}
	scale = make([]float32, w.values.columns)
	for i, v := range w.values.data {
		c := i % w.values.columns
		scale[c] = max(scale[c], float32(math.Abs(float64(v))))
	}
	for c := range scale {
		if scale[c] /= 127; scale[c] == 0 {
			scale[c] = 1
		}
	}
	integers = make([]int8, len(w.values.data))
	for i, v := range w.values.data {
		q := math.RoundToEven(float64(v / scale[i%w.values.columns]))
		integers[i] = int8(min(max(q, -127), 127))
	}
	return integers, scale
}

func int8Tensor(name string, data []int8, shape ...int) onnx.Tensor {
	raw := make([]byte, len(data))
	for i, v := range data {
		raw[i] = byte(v)
	}
	return onnx.Tensor{Name: name, DType: onnx.Int8, Shape: sizes(shape), Raw: raw}
}

func floatTensor(name string, data []float32, shape ...int) onnx.Tensor {
	raw := make([]byte, 0, 4*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return onnx.Tensor{Name: name, DType: onnx.Float32, Shape: sizes(shape), Raw: raw}
}

func sizes(shape []int) []int64 {
	out := make([]int64, len(shape))
	for i, d := range shape {
		out[i] = int64(d)
	}
	return out
}
