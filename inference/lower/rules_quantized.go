package lower

import (
	"assay/inference/ir"
	"assay/inference/onnx"
)

// quantizedRules are for operators of com.microsoft that take and give whole numbers: they become the operator on
// floats between DequantizeLinear and QuantizeLinear.
func quantizedRules() map[string]rule {
	return map[string]rule{
		"com.microsoft:QLinearAdd":       quantizedPair("Add"),
		"com.microsoft:QLinearMul":       quantizedPair("Mul"),
		"com.microsoft:QLinearSigmoid":   quantizedOne("Sigmoid"),
		"com.microsoft:QLinearLeakyRelu": quantizedOne("LeakyRelu"),
		"com.microsoft:QLinearSoftmax":   quantizedSoftmax,
		"com.microsoft:QLinearConcat":    quantizedConcat,
	}
}

// floats makes floats of the operand at place i, whose scale and zero point follow it.
func (l *lowerer) floats(n *onnx.Node, i int) (*value, error) {
	return l.emit1(n, "DequantizeLinear", []*value{l.in(n, i), l.in(n, i+1), l.in(n, i+2)})
}

// wholes makes whole numbers with the scale and the zero point at places i and i + 1, and names them as the node's output.
func (l *lowerer) wholes(n *onnx.Node, x *value, i int) error {
	return l.replace(n, "QuantizeLinear", []*value{x, l.in(n, i), l.in(n, i+1)})
}

func quantizedPair(op string) rule {
	return func(l *lowerer, n *onnx.Node) error {
		a, err := l.floats(n, 0)
		if err != nil {
			return err
		}
		b, err := l.floats(n, 3)
		if err != nil {
			return err
		}
		made, err := l.emit1(n, op, []*value{a, b})
		if err != nil {
			return err
		}
		return l.wholes(n, made, 6)
	}
}

func quantizedOne(op string, but ...string) rule {
	return func(l *lowerer, n *onnx.Node) error {
		list, err := attrs(n, but...)
		if err != nil {
			return err
		}
		x, err := l.floats(n, 0)
		if err != nil {
			return err
		}
		made, err := l.emit1(n, op, []*value{x}, list...)
		if err != nil {
			return err
		}
		return l.wholes(n, made, 3)
	}
}

// quantizedSoftmax has an attribute for the operator set whose Softmax it is; that of sets before 13 is another one.
func quantizedSoftmax(l *lowerer, n *onnx.Node) error {
	if intOf(n, "opset", 13) < 13 {
		return unsupported("attribute opset is %d", intOf(n, "opset", 13))
	}
	return quantizedOne("Softmax", "opset")(l, n)
}

// quantizedConcat begins with the result's scale and zero point.
func quantizedConcat(l *lowerer, n *onnx.Node) error {
	if len(n.Inputs) < 5 || len(n.Inputs)%3 != 2 {
		return misfit("%d inputs", len(n.Inputs))
	}
	var parts []*value
	for i := 2; i < len(n.Inputs); i += 3 {
		x, err := l.floats(n, i)
		if err != nil {
			return err
		}
		parts = append(parts, x)
	}
	made, err := l.emit1(n, "Concat", parts, ir.Attr{Name: "axis", Kind: ir.KindInt, Int: intOf(n, "axis", 0)})
	if err != nil {
		return err
	}
	return l.wholes(n, made, 0)
}
