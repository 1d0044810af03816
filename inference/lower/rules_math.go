package lower

import (
	"assay/inference/ir"
	"assay/inference/onnx"
)

// mathRules are for arithmetic, reductions, normalisation and quantisation.
func mathRules() map[string]rule {
	out := map[string]rule{
		"LogSoftmax": lowerSoftmax, "Hardmax": lowerSoftmax,
		"SwiGLU": lowerSwiGLU, "BitCast": same,
		"Clip": lowerClip, "Dropout": lowerDropout, "BatchNormalization": lowerBatchNorm,
		"com.microsoft:Gelu":                             as("Gelu"),
		"com.microsoft:SkipLayerNormalization":           as("SkipLayerNormalization"),
		"com.microsoft:SkipSimplifiedLayerNormalization": as("SkipSimplifiedLayerNormalization"),
		"com.microsoft:QuantizeLinear":                   as("QuantizeLinear"),
		"com.microsoft:DequantizeLinear":                 as("DequantizeLinear"),
		"com.microsoft:FastGelu":                         lowerFastGelu,
		"com.microsoft:BiasGelu":                         lowerBiasGelu,
		"com.microsoft:QuickGelu":                        lowerQuickGelu,
	}
	for _, op := range []string{
		"ArgMax", "ArgMin", "CumProd", "LpNormalization", "InstanceNormalization", "GroupNormalization",
		"MeanVarianceNormalization", "SimplifiedLayerNormalization", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear",
	} {
		out[op] = same
	}
	return out
}

// lowerClip: before set 11 the bounds were attributes.
func lowerClip(l *lowerer, n *onnx.Node) error {
	if l.opset(n) >= 11 {
		return same(l, n)
	}
	in := []*value{l.in(n, 0), nil, nil}
	for i, name := range []string{"min", "max"} {
		if n.Attribute(name) == nil {
			continue
		}
		bound, err := l.emit1(n, "CastLike", []*value{scalar(floatOf(n, name, 0)), in[0]})
		if err != nil {
			return err
		}
		in[i+1] = bound
	}
	return l.replace(n, "Clip", in)
}

// lowerDropout: before set 12 the ratio was an attribute, and the mask before set 10 of the type of the data.
func lowerDropout(l *lowerer, n *onnx.Node) error {
	if l.opset(n) >= 12 {
		return same(l, n)
	}
	x := l.in(n, 0)
	made, err := l.emit(n, "Dropout", len(n.Outputs), []*value{x})
	if err != nil {
		return err
	}
	if len(made) < 2 || made[1] == nil || l.opset(n) >= 10 {
		return l.outputs(n, made...)
	}
	mask, err := l.emit1(n, "CastLike", []*value{made[1], x})
	if err != nil {
		return err
	}
	return l.outputs(n, made[0], mask)
}

// lowerBatchNorm: before set 9 there was an attribute for statistics of every position apart.
func lowerBatchNorm(l *lowerer, n *onnx.Node) error {
	if intOf(n, "spatial", 1) != 1 {
		return unsupported("attribute spatial is 0")
	}
	if intOf(n, "training_mode", 0) != 0 {
		return l.replace(n, "BatchNormalizationTraining", l.all(n), floatAttr("epsilon", floatOf(n, "epsilon", 1e-5)), floatAttr("momentum", floatOf(n, "momentum", 0.9)))
	}
	list, err := attrs(n, "spatial")
	if err != nil {
		return err
	}
	made, err := l.emit(n, n.Op, 1, l.all(n), list...)
	if err != nil {
		return err
	}
	return l.outputs(n, made...)
}

// lowerFastGelu is the tanh form of Gelu, with a bias added before.
func lowerFastGelu(l *lowerer, n *onnx.Node) error {
	return l.biased(n, ir.Attr{Name: "approximate", Kind: ir.KindText, Text: "tanh"})
}

func lowerBiasGelu(l *lowerer, n *onnx.Node) error { return l.biased(n) }

func (l *lowerer) biased(n *onnx.Node, list ...ir.Attr) error {
	x := l.in(n, 0)
	if bias := l.in(n, 1); bias != nil {
		var err error
		if x, err = l.emit1(n, "Add", []*value{x, bias}); err != nil {
			return err
		}
	}
	return l.replace(n, "Gelu", []*value{x}, list...)
}

// lowerSwiGLU multiplies one operand by Swish of the other.
func lowerSwiGLU(l *lowerer, n *onnx.Node) error {
	gate, err := l.emit1(n, "Swish", []*value{l.in(n, 0)}, floatAttr("alpha", floatOf(n, "alpha", 1)))
	if err != nil {
		return err
	}
	return l.replace(n, "Mul", []*value{gate, l.in(n, 1)})
}

func lowerQuickGelu(l *lowerer, n *onnx.Node) error {
	return l.replace(n, "Swish", l.all(n), floatAttr("alpha", floatOf(n, "alpha", 1.702)))
}
