package lower

import (
	"slices"

	"assay/inference/ir"
	"assay/inference/onnx"
	"assay/inference/onnx/shape"
	"assay/inference/tensor"
)

// chain emits the nodes that one node of the model becomes. It keeps the first error, after which what it makes means
// nothing.
type chain struct {
	l   *lowerer
	n   *onnx.Node
	err error
}

// many emits a node of several outputs.
func (c *chain) many(op string, outputs int, in []*value, attrs ...ir.Attr) []*value {
	if c.err == nil {
		var made []*value
		if made, c.err = c.l.emit(c.n, op, outputs, in, attrs...); c.err == nil {
			return slices.Clone(made) // the node's own list stays as it is
		}
	}
	made := make([]*value, outputs)
	for i := range made {
		made[i] = &value{}
	}
	return made
}

func (c *chain) one(op string, in []*value, attrs ...ir.Attr) *value {
	return c.many(op, 1, in, attrs...)[0]
}

// do emits a node without attributes.
func (c *chain) do(op string, in ...*value) *value { return c.one(op, in) }

// outputs names the node's outputs.
func (c *chain) outputs(made ...*value) error {
	if c.err != nil {
		return c.err
	}
	return c.l.outputs(c.n, made...)
}

// reshape makes the sizes given: 0 keeps one, -1 is what is left.
func (c *chain) reshape(x *value, sizes ...int64) *value { return c.do("Reshape", x, ints(sizes...)) }

func (c *chain) transpose(x *value, perm ...int64) *value {
	return c.one("Transpose", []*value{x}, intsAttr("perm", perm))
}

// headsFirst turns [batch, s, heads, d] into [batch, heads, s, d], or back.
func (c *chain) headsFirst(x *value) *value { return c.transpose(x, 0, 2, 1, 3) }

// size is one dimension of x, as a list of one number.
func (c *chain) size(x *value, axis int64) *value {
	list := []ir.Attr{intAttr("start", axis)}
	if axis != -1 {
		list = append(list, intAttr("end", axis+1))
	}
	return c.one("Shape", []*value{x}, list...)
}

func (c *chain) concat(axis int64, parts ...*value) *value {
	return c.one("Concat", parts, intAttr("axis", axis))
}

// part is x from one index to before another along an axis.
func (c *chain) part(x *value, axis int64, from, to *value) *value {
	return c.do("Slice", x, from, to, ints(axis))
}

// last stands for the end of a dimension in a slice.
const last = 1<<31 - 1

// asInt64 makes int64 of whole numbers.
func (c *chain) asInt64(x *value) *value {
	return c.one("Cast", []*value{x}, intAttr("to", int64(tensor.Int64)))
}

// like makes a constant of the element type of operand 0 when that is one of the narrow floats.
func (c *chain) like(x *value) *value {
	if t := c.l.told(c.n, 0); t != nil && (t.DType == tensor.Float16 || t.DType == tensor.BFloat16) {
		return c.one("Cast", []*value{x}, intAttr("to", int64(t.DType)))
	}
	return x
}

// refuse keeps the first reason why the node cannot be lowered.
func (c *chain) refuse(format string, args ...any) {
	if c.err == nil {
		c.err = unsupported(format, args...)
	}
}

// without refuses operands and attributes that have no form: attributes that are there with another value than 0.
func (c *chain) without(inputs []int, attributes ...string) {
	for _, i := range inputs {
		if c.l.in(c.n, i) != nil {
			c.refuse("operand %d", i)
		}
	}
	for _, name := range attributes {
		if a := c.n.Attribute(name); a != nil && (a.Int != 0 || a.Kind != onnx.KindInt) {
			c.refuse("attribute %s", name)
		}
	}
}

// told is what shape inference says of operand i of a node; nil when nothing.
func (l *lowerer) told(n *onnx.Node, i int) *shape.Info {
	if i >= len(n.Inputs) {
		return nil
	}
	root := l
	for root.parent != nil {
		root = root.parent
	}
	if root.shapes == nil {
		found, err := shape.Infer(l.model, shape.Limits{})
		if err != nil {
			found = &shape.Result{}
		}
		root.shapes = found
	}
	for ; l != root; l = l.parent {
		if v := root.shapes.Bodies[l.source][n.Inputs[i]]; v != nil {
			return v
		}
	}
	return root.shapes.Values[n.Inputs[i]]
}

// rank is how many dimensions operand i of a node has, -1 when that is not known.
func (l *lowerer) rank(n *onnx.Node, i int) int {
	if v := l.told(n, i); v != nil && v.Shape != nil {
		return len(v.Shape)
	}
	return -1
}
