package lower

import (
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// rules holds every ONNX operator that has a form in the IR: "Op" for the default domain, "domain:Op" for others.
var rules map[string]rule

func init() {
	rules = map[string]rule{}
	for _, group := range []map[string]rule{
		sameRules(), axesRules(), constantRules(), controlRules(), mathRules(), quantizedRules(), perRowRules(),
		movementRules(), convolutionRules(), resizeRules(), recurrentRules(), mlRules(), attentionRules(), lossRules(),
		signalRules(), trainingRules(), randomRules(), sequenceRules(),
	} {
		for name, r := range group {
			rules[name] = r
		}
	}
}

// same passes the node through as it is.
func same(l *lowerer, n *onnx.Node) error { return as(n.Op)(l, n) }

// as passes the node through under another operator.
func as(op string) rule {
	return func(l *lowerer, n *onnx.Node) error {
		list, err := attrs(n)
		if err != nil {
			return err
		}
		return l.replace(n, op, l.all(n), list...)
	}
}

// sameRules are for operators whose every version from 7 on is the newest one restricted.
func sameRules() map[string]rule {
	out := map[string]rule{}
	for _, op := range []string{
		"Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Sum", "Mean", "Pow", "And", "Or", "Xor", "Not",
		"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsNaN", "IsInf", "Where",
		"Neg", "Abs", "Sign", "Ceil", "Floor", "Round", "Sqrt", "Reciprocal", "Exp", "Log", "Erf", "Tanh",
		"Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Sigmoid",
		"Relu", "LeakyRelu", "PRelu", "Elu", "Celu", "Selu", "ThresholdedRelu", "HardSigmoid", "HardSwish", "Mish",
		"Softplus", "Softsign", "Gelu", "Swish", "Shrink", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot",
		"Cast", "CastLike", "Trilu", "CumSum", "LayerNormalization", "RMSNormalization",
		"Shape", "Size", "Reshape", "Expand", "Range", "Transpose", "Concat", "Gather", "GatherND", "GatherElements",
		"Tile", "MatMul", "Gemm", "Flatten",
	} {
		out[op] = same
	}
	return out
}

// axesInput makes of an attribute "axes" of older sets the second input of newer ones.
func axesInput(l *lowerer, n *onnx.Node) error {
	list, err := attrs(n, "axes")
	if err != nil {
		return err
	}
	in := l.all(n)
	if axes := n.Attribute("axes"); axes != nil {
		if len(in) > 1 || axes.Kind != onnx.KindInts {
			return misfit("axes both as an attribute and as an input")
		}
		in = append(in, ints(axes.Ints...))
	}
	return l.replace(n, n.Op, in, list...)
}

func axesRules() map[string]rule {
	out := map[string]rule{}
	for _, op := range []string{
		"Squeeze", "Unsqueeze", "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
		"ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare",
	} {
		out[op] = axesInput
	}
	return out
}

func constantRules() map[string]rule {
	return map[string]rule{"Constant": lowerConstant, "Softmax": lowerSoftmax, "Slice": lowerSlice}
}

func lowerConstant(l *lowerer, n *onnx.Node) error {
	if len(n.Attributes) != 1 {
		return misfit("%d attributes, want the one value", len(n.Attributes))
	}
	a := &n.Attributes[0]
	var v *value
	switch {
	case a.Name == "value" && a.Tensor != nil:
		var err error
		if v, err = l.constant(a.Tensor); err != nil {
			return err
		}
	case a.Name == "sparse_value" && a.Sparse != nil:
		var err error
		if v, err = l.sparse(a.Sparse); err != nil {
			return err
		}
	case a.Name == "value_float" && a.Kind == onnx.KindFloat:
		v = scalar(a.Float)
	case a.Name == "value_floats" && a.Kind == onnx.KindFloats:
		v = known(tensor.FromFloat32(a.Floats, len(a.Floats)))
	case a.Name == "value_int" && a.Kind == onnx.KindInt:
		v = known(tensor.FromInt64([]int64{a.Int}))
	case a.Name == "value_ints" && a.Kind == onnx.KindInts:
		v = ints(a.Ints...)
	default:
		return unsupported("attribute %q", a.Name)
	}
	return l.outputs(n, v)
}

// lowerSoftmax: before set 13 the axis splits the tensor into rows of everything from it on, and is 1 by default.
func lowerSoftmax(l *lowerer, n *onnx.Node) error {
	if l.opset(n) >= 13 {
		return same(l, n)
	}
	axis := intOf(n, "axis", 1)
	x := l.in(n, 0)
	flat, err := l.emit1(n, "Flatten", []*value{x}, intAttr("axis", axis))
	if err != nil {
		return err
	}
	made, err := l.emit1(n, n.Op, []*value{flat}, intAttr("axis", 1))
	if err != nil {
		return err
	}
	shape, err := l.emit1(n, "Shape", []*value{x})
	if err != nil {
		return err
	}
	return l.replace(n, "Reshape", []*value{made, shape}, intAttr("allowzero", 1))
}

// lowerSlice: before set 10 starts, ends and axes were attributes.
func lowerSlice(l *lowerer, n *onnx.Node) error {
	if l.opset(n) >= 10 {
		return same(l, n)
	}
	in := []*value{l.in(n, 0), ints(intsOf(n, "starts")...), ints(intsOf(n, "ends")...)}
	if axes := n.Attribute("axes"); axes != nil {
		in = append(in, ints(axes.Ints...))
	}
	return l.replace(n, "Slice", in)
}
