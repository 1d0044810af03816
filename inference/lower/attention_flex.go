package lower

import (
	"math"

	"assay/inference/onnx"
	"assay/inference/tensor"
)

// lowerLinearAttention leaves out how long pieces another implementation may take at once.
func lowerLinearAttention(l *lowerer, n *onnx.Node) error {
	if w := intOf(n, "state_window", 0); w != 0 {
		return unsupported("attribute state_window is %d", w)
	}
	list, err := attrs(n, "chunk_size", "state_window")
	if err != nil {
		return err
	}
	made, err := l.emit(n, n.Op, 2, l.all(n), list...)
	if err != nil {
		return err
	}
	return l.outputs(n, made...)
}

// lowerFlexAttention writes the operator out: its bodies may do anything to scores and to weights.
func lowerFlexAttention(l *lowerer, n *onnx.Node) error {
	info := l.told(n, 0)
	if info == nil || info.DType == 0 {
		return unsupported("operand 0, whose element type is not known")
	}
	precision := tensor.Float32
	if info.DType == tensor.Float64 {
		precision = tensor.Float64
	}
	to := intAttr("to", intOf(n, "softmax_precision", int64(precision)))
	c := &chain{l: l, n: n}
	q, k, v := l.in(n, 0), l.in(n, 1), l.in(n, 2)
	scale := c.flexScale(q)
	// Neighbouring heads of queries share keys: they are the rows of one product.
	group := c.concat(0, c.size(k, 0), c.size(k, 1), ints(-1), c.size(k, 3))
	grouped := c.do("Reshape", c.do("Mul", q, scale), group)
	scores := c.do("MatMul", grouped, c.transpose(c.do("Mul", k, scale), 0, 1, 3, 2))
	all := c.concat(0, c.size(q, 0), c.size(q, 1), c.size(q, 2), c.size(k, 2))
	scores = c.one("Cast", []*value{c.do("Reshape", scores, all)}, to)
	scores = c.modified(scores, "score_mod")
	weights := c.modified(c.one("Softmax", []*value{scores}, intAttr("axis", -1)), "prob_mod")
	rows := c.concat(0, c.size(k, 0), c.size(k, 1), ints(-1), c.size(k, 2))
	y := c.do("MatMul", c.do("Reshape", weights, rows), c.one("Cast", []*value{v}, to))
	out := c.concat(0, c.size(q, 0), c.size(q, 1), c.size(q, 2), c.size(v, 3))
	return c.outputs(c.do("CastLike", c.do("Reshape", y, out), v))
}

// flexScale is what queries and keys are multiplied by each, in their type.
func (c *chain) flexScale(q *value) *value {
	root := scalar(float32(math.Sqrt(float64(floatOf(c.n, "scale", 0)))))
	if c.n.Attribute("scale") == nil {
		size := c.one("Cast", []*value{c.size(q, 3)}, intAttr("to", int64(tensor.Float32)))
		root = c.do("Sqrt", c.do("Reciprocal", c.do("Sqrt", size)))
	}
	return c.do("CastLike", root, q)
}

// modified applies the body of that name, if there is one, in place.
func (c *chain) modified(x *value, name string) *value {
	a := c.n.Attribute(name)
	if a == nil || c.err != nil {
		return x
	}
	if a.Graph == nil || len(a.Graph.Inputs) != 1 || len(a.Graph.Outputs) != 1 {
		c.err = misfit("body %q takes or gives more than one tensor", name)
		return x
	}
	made, err := c.l.splice(a.Graph, map[string]*value{a.Graph.Inputs[0].Name: x})
	if err != nil {
		c.err = err
		return x
	}
	return made[0]
}
