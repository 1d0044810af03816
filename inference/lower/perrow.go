package lower

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"assay/inference/onnx"
)

// The product whose activations are quantised row by row: Y = PerRowMatMul(A, Wq, Wscale), with A fp32 of any rank, Wq
// int8[k, n] within ±127 and Wscale fp32[n]. Files carry it as a function of standard operators, so that any runtime
// knows what it means; here it is one operator.
const (
	PerRowDomain = "ai.assay"
	PerRowOp     = "PerRowMatMul"
)

// axesInputSince is the set from which on ReduceMax takes its axes as an input.
const axesInputSince = 18

// PerRowFunction is the function's body in an operator set:
//
//	scale = max over the row of |A| / 127, or 1 where that is 0
//	q     = int8(clip(round half to even(A / scale), ±127))
//	Y     = float32(MatMulInteger(q, Wq)) · scale · Wscale, in this order
//
// Every step is one rounding, so its bits are the same wherever the operators are; a row depends on itself alone.
func PerRowFunction(opset int64) onnx.Function {
	f := onnx.Function{
		Domain: PerRowDomain, Name: PerRowOp, Inputs: []string{"A", "Wq", "Wscale"}, Outputs: []string{"Y"},
		Opsets: map[string]int64{"": opset},
	}
	node := func(op, out string, in []string, attributes ...onnx.Attribute) {
		f.Nodes = append(f.Nodes, onnx.Node{Name: "per row " + out, Op: op, Inputs: in, Outputs: []string{out}, Attributes: attributes})
	}
	number := func(name string, v float32) {
		t := onnx.Tensor{DType: onnx.Float32, Raw: binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))}
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
	node("Cast", "numbers", []string{"sums"}, onnx.Attribute{Name: "to", Kind: onnx.KindInt, Int: int64(onnx.Float32)})
	node("Mul", "by row", []string{"numbers", "scale"})
	node("Mul", "Y", []string{"by row", "Wscale"})
	return f
}

// withoutPerRow gives the model without the functions that are the per-row product. A function of that name but with
// another body is a function like any other.
func withoutPerRow(g *onnx.Graph) *onnx.Graph {
	out := *g
	out.Functions = slices.DeleteFunc(slices.Clone(g.Functions), isPerRow)
	return &out
}

func isPerRow(f onnx.Function) bool {
	if f.Domain != PerRowDomain || f.Name != PerRowOp || f.Overload != "" {
		return false
	}
	encoded := func(f onnx.Function) []byte { return onnx.Encode(&onnx.Graph{Functions: []onnx.Function{f}}) }
	return bytes.Equal(encoded(f), encoded(PerRowFunction(f.Opsets[""])))
}

func perRowRules() map[string]rule {
	return map[string]rule{
		PerRowDomain + ":" + PerRowOp: as("LinearQ"), "MatMulInteger": same, "QLinearMatMul": same,
		"com.microsoft:MatMulNBits": as("MatMulNBits"),
	}
}
