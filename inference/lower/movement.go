package lower

import (
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// movementRules are for operators that move and pick elements.
func movementRules() map[string]rule {
	out := map[string]rule{
		"Split":           lowerSplit,
		"Pad":             lowerPad,
		"ConstantOfShape": lowerConstantOfShape,
		"TopK":            lowerTopK,
		"Scatter":         as("ScatterElements"),
	}
	for _, op := range []string{
		"CenterCropPad", "DepthToSpace", "SpaceToDepth", "ReverseSequence", "EyeLike", "ScatterElements", "ScatterND",
		"Compress", "NonZero", "OneHot", "Unique", "Einsum", "TensorScatter", "NonMaxSuppression",
	} {
		out[op] = same
	}
	return out
}

// lowerSplit: before set 13 the sizes were an attribute.
func lowerSplit(l *lowerer, n *onnx.Node) error {
	list, err := attrs(n, "split")
	if err != nil {
		return err
	}
	in := l.all(n)
	if split := n.Attribute("split"); split != nil {
		if len(in) > 1 || split.Kind != onnx.KindInts {
			return misfit("sizes both as an attribute and as an input")
		}
		in = append(in, ints(split.Ints...))
	}
	return l.replace(n, n.Op, in, list...)
}

// lowerPad: before set 11 pads and value were attributes.
func lowerPad(l *lowerer, n *onnx.Node) error {
	if l.opset(n) >= 11 {
		return same(l, n)
	}
	mode, err := attr(n, "mode")
	if err != nil {
		return err
	}
	in := []*value{l.in(n, 0), ints(intsOf(n, "pads")...)}
	if value := floatOf(n, "value", 0); value != 0 {
		in = append(in, scalar(value))
	}
	return l.replace(n, n.Op, in, mode)
}

// lowerConstantOfShape makes an input of the value.
func lowerConstantOfShape(l *lowerer, n *onnx.Node) error {
	v := known(tensor.New(tensor.Float32))
	if a := n.Attribute("value"); a != nil {
		if a.Kind != onnx.KindTensor || a.Tensor == nil {
			return misfit("attribute \"value\" is no tensor")
		}
		var err error
		if v, err = constantOf(a.Tensor); err != nil {
			return err
		}
	}
	return l.replace(n, n.Op, []*value{l.in(n, 0), v})
}

// lowerTopK: before set 10 k was an attribute.
func lowerTopK(l *lowerer, n *onnx.Node) error {
	if l.opset(n) >= 10 {
		return same(l, n)
	}
	axis, err := attr(n, "axis")
	if err != nil {
		return err
	}
	return l.replace(n, n.Op, []*value{l.in(n, 0), ints(intOf(n, "k", 0))}, axis)
}
