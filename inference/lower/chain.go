package lower

import (
	"slices"

	"assay/inference/ir"
	"assay/inference/onnx"
	"assay/inference/onnx/shape"
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
	return c.one("Shape", []*value{x}, intAttr("start", axis), intAttr("end", axis+1))
}

func (c *chain) concat(axis int64, parts ...*value) *value {
	return c.one("Concat", parts, intAttr("axis", axis))
}

// told is what shape inference says of a value of the model that the node sees; nil when nothing.
func (l *lowerer) told(name string) *shape.Info {
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
	for ; l != nil; l = l.parent {
		if l == root {
			return root.shapes.Values[name]
		}
		if v := root.shapes.Bodies[l.source][name]; v != nil {
			return v
		}
	}
	return nil
}

// rank is how many dimensions a value has, -1 when that is not known.
func (l *lowerer) rank(name string) int {
	if v := l.told(name); v != nil && v.Shape != nil {
		return len(v.Shape)
	}
	return -1
}
