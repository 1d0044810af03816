package rewrite

import (
	"fmt"

	"assay/inference/onnx"
)

// The product whose activations are quantised row by row: Y = PerRowMatMul(A, Wq, Wscale), with A fp32 of any
// rank, Wq int8[k, n] within ±127 and Wscale fp32[n].
const (
	Domain   = "ai.assay"
	PerRowOp = "PerRowMatMul"
	version  = 1
)

// The oldest format version and operator set that can hold the function.
const (
	functionsSince = 8  // of the format
	roundSince     = 11 // Round; Clip with inputs
	axesInputSince = 18 // ReduceMax takes its axes as an input
)

// perRow writes a call of the function.
func (r *rewriter) perRow(p product) ([]onnx.Node, error) {
	if p.rows > maxSum {
		return nil, fmt.Errorf("sums of %d products, at most %d fit 32 bits: %w", p.rows, maxSum, ErrUnsupported)
	}
	constants := r.once(p.key, func() []string {
		integers, scale := p.load().perColumn()
		return []string{
			r.constant(int8Tensor(p.constant+".int8", integers, p.rows, p.columns)),
			r.constant(floatTensor(p.constant+".scale", scale, len(scale))),
		}
	})
	r.done(p, p.exact)
	return []onnx.Node{{
		Name: p.node, Domain: Domain, Op: PerRowOp, Inputs: append([]string{p.in}, constants...), Outputs: []string{p.out},
	}}, nil
}

// maxSum is the longest sum of products within ±127² that stays in 32 bits.
const maxSum = (1<<31 - 1) / (127 * 127)

func (r *rewriter) declarePerRow() error {
	if r.graph.Opset < roundSince {
		return fmt.Errorf("operator set %d, the per-row form needs %d: %w", r.graph.Opset, roundSince, ErrUnsupported)
	}
	for i := range r.graph.Functions {
		if f := &r.graph.Functions[i]; f.Domain == Domain && f.Name == PerRowOp {
			return nil
		}
	}
	r.graph.IRVersion = max(r.graph.IRVersion, functionsSince)
	r.graph.Opsets[Domain] = version
	r.graph.Functions = append(r.graph.Functions, PerRowFunction(r.graph.Opset))
	return nil
}

// PerRowFunction is the function's body in an operator set:
//
//	scale = max over the row of |A| / 127, or 1 where that is 0
//	q     = int8(clip(round half to even(A / scale), ±127))
//	Y     = float32(MatMulInteger(q, Wq)) · scale · Wscale
//
// Every step is one rounding, so its bits are the same wherever the operators are; a row depends on itself alone.
func PerRowFunction(opset int64) onnx.Function {
	f := onnx.Function{
		Domain: Domain, Name: PerRowOp, Inputs: []string{"A", "Wq", "Wscale"}, Outputs: []string{"Y"},
		Opsets: map[string]int64{"": opset},
	}
	node := func(op, out string, in []string, attributes ...onnx.Attribute) {
		f.Nodes = append(f.Nodes, onnx.Node{Name: "per row " + out, Op: op, Inputs: in, Outputs: []string{out}, Attributes: attributes})
	}
	number := func(name string, v float32) {
		t := floatTensor("", []float32{v})
		node("Constant", name, nil, onnx.Attribute{Name: "value", Kind: onnx.KindTensor, Tensor: &t})
	}
	number("zero", 0)
	number("one", 1)
	number("largest", 127)
	number("smallest", -127)
	node("Abs", "magnitudes", []string{"A"})
	keep := onnx.Attribute{Name: "keepdims", Kind: onnx.KindInt, Int: 1}
	if opset < axesInputSince {
		node("ReduceMax", "most", []string{"magnitudes"}, onnx.Attribute{Name: "axes", Kind: onnx.KindInts, Ints: []int64{-1}}, keep)
	} else {
		axes := onnx.Tensor{DType: onnx.Int64, Shape: []int64{1}, Raw: []byte{255, 255, 255, 255, 255, 255, 255, 255}}
		node("Constant", "last", nil, onnx.Attribute{Name: "value", Kind: onnx.KindTensor, Tensor: &axes})
		node("ReduceMax", "most", []string{"magnitudes", "last"}, keep)
	}
	node("Div", "step", []string{"most", "largest"})
	node("Equal", "empty", []string{"step", "zero"})
	node("Where", "scale", []string{"empty", "one", "step"})
	node("Div", "steps", []string{"A", "scale"})
	node("Round", "whole", []string{"steps"})
	node("Clip", "clipped", []string{"whole", "smallest", "largest"})
	node("Cast", "q", []string{"clipped"}, onnx.Attribute{Name: "to", Kind: onnx.KindInt, Int: int64(onnx.Int8)})
	node("MatMulInteger", "sums", []string{"q", "Wq"})
	node("Cast", "numbers", []string{"sums"}, toFloat)
	node("Mul", "by row", []string{"numbers", "scale"})
	node("Mul", "Y", []string{"by row", "Wscale"})
	return f
}
