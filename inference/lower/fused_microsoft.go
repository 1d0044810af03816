package lower

import (
	"slices"

	"assay/inference/ir"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// lowerFusedMatMul takes com.microsoft's operator: MatMul of matrices that may lie transposed, times a number.
func lowerFusedMatMul(l *lowerer, n *onnx.Node) error {
	c := &chain{l: l, n: n}
	c.without(nil, "transBatchA", "transBatchB")
	var in [2]*value
	for i, name := range []string{"transA", "transB"} {
		in[i] = l.in(n, i)
		rank := l.rank(n, i)
		switch {
		case intOf(n, name, 0) == 0 || rank == 0 || rank == 1:
		case rank < 0:
			c.refuse("attribute %s with an operand whose number of dimensions depends on the data", name)
		default:
			perm := make([]int64, rank)
			for d := range perm {
				perm[d] = int64(d)
			}
			slices.Reverse(perm[rank-2:])
			in[i] = c.transpose(in[i], perm...)
		}
	}
	y := c.do("MatMul", in[0], in[1])
	if alpha := floatOf(n, "alpha", 1); alpha != 1 {
		y = c.do("Mul", y, scalar(alpha))
	}
	return c.outputs(y)
}

// lowerFusedGemm takes com.microsoft's operator: Gemm and a function of its result.
func lowerFusedGemm(l *lowerer, n *onnx.Node) error {
	list, err := attrs(n, "activation", "activation_alpha", "activation_beta", "activation_gamma")
	if err != nil {
		return err
	}
	c := &chain{l: l, n: n}
	var parameters []float32
	for _, name := range []string{"activation_alpha", "activation_beta"} {
		if a := n.Attribute(name); a != nil {
			parameters = append(parameters, a.Float)
		}
	}
	return c.outputs(c.activated(c.one("Gemm", l.all(n), list...), parameters))
}

// lowerFusedConv takes com.microsoft's operator: Conv, what is added to its result, and a function of the sum.
func lowerFusedConv(l *lowerer, n *onnx.Node) error {
	list, err := attrs(n, "activation", "activation_params")
	if err != nil {
		return err
	}
	c := &chain{l: l, n: n}
	y := c.one("Conv", []*value{l.in(n, 0), l.in(n, 1), l.in(n, 2)}, list...)
	if more := l.in(n, 3); more != nil {
		y = c.do("Add", y, more)
	}
	var parameters []float32
	if a := n.Attribute("activation_params"); a != nil {
		parameters = a.Floats
	}
	return c.outputs(c.activated(y, parameters))
}

// activated applies the function that the attribute activation names.
func (c *chain) activated(y *value, parameters []float32) *value {
	a := c.n.Attribute("activation")
	if a == nil || a.String == "" {
		return y
	}
	names := map[string][]string{"Relu": {}, "Sigmoid": {}, "Tanh": {}, "LeakyRelu": {"alpha"}, "HardSigmoid": {"alpha", "beta"}}
	switch known, ok := names[a.String]; {
	case a.String == "Clip" && len(parameters) == 2:
		return c.do("Clip", y, scalar(parameters[0]), scalar(parameters[1]))
	case !ok || len(parameters) > 0 && len(parameters) != len(known):
		c.refuse("attribute activation is %q with %d parameters", a.String, len(parameters))
		return y
	default:
		var list []ir.Attr
		for i, f := range parameters {
			list = append(list, floatAttr(known[i], f))
		}
		return c.one(a.String, []*value{y}, list...)
	}
}

// lowerEmbedNormalization takes com.microsoft's operator: the sum of rows of tables, normalised.
func lowerEmbedNormalization(l *lowerer, n *onnx.Node) error {
	c, words := &chain{l: l, n: n}, l.in(n, 0)
	row := func(table, at *value) *value {
		return c.one("Gather", []*value{table, at}, intAttr("axis", 0))
	}
	places := l.in(n, 8)
	var place *value
	if places != nil {
		place = row(l.in(n, 3), places)
	} else {
		place = c.part(l.in(n, 3), 0, ints(0), c.size(words, 1))
	}
	sum := c.do("Add", row(l.in(n, 2), words), place)
	if segments, table := l.in(n, 1), l.in(n, 4); segments != nil && table != nil {
		sum = c.do("Add", sum, row(table, segments))
	}
	list := []ir.Attr{intAttr("axis", -1), floatAttr("epsilon", floatOf(n, "epsilon", 1e-12))}
	normal := c.one("LayerNormalization", []*value{sum, l.in(n, 5), l.in(n, 6)}, list...)
	var counted *value
	if wants(n, 1) {
		counted = c.counted(words, l.in(n, 7))
	}
	return c.outputs(normal, counted, sum)
}

// counted is how many positions of each row a mask keeps; 0 without a mask.
func (c *chain) counted(words, mask *value) *value {
	to := intAttr("to", int64(tensor.Int32))
	if mask == nil {
		return c.do("ConstantOfShape", c.size(words, 0), known(tensor.New(tensor.Int32)))
	}
	kept := c.one("Cast", []*value{c.do("Equal", c.asInt64(mask), ints(1))}, to)
	return c.one("ReduceSum", []*value{kept, ints(1)}, intAttr("keepdims", 0))
}
