package shape

import (
	"fmt"

	"assay/inference/onnx"
)

// call is one node with what is known of its inputs; a rule fills in the outputs.
type call struct {
	x       *inferer
	n       *onnx.Node
	scope   *scope
	version int64 // of the node's operator set
	since   int64 // version that brought the operator's definition; 0 outside ONNX's own domains
	in      []*Info
	out     []*Info // as many as the node has; never nil, to be filled in
}

// rule finds the outputs of an operator. Inputs may be missing or unknown; a rule then leaves open what depends on them.
type rule func(*call) error

func (c *call) fail(format string, args ...any) error {
	return &Error{Kind: ErrShape, Node: c.n.Name, Op: c.n.Op, Reason: fmt.Sprintf(format, args...)}
}

// input gives an input that may be missing or unknown; never nil.
func (c *call) input(i int) *Info {
	if i < len(c.in) && c.in[i] != nil {
		return c.in[i]
	}
	return &Info{}
}

// given reports whether the node has the input at all.
func (c *call) given(i int) bool { return i < len(c.n.Inputs) && c.n.Inputs[i] != "" }

func (c *call) dtype(i int) onnx.DType { return c.input(i).DType }

func (c *call) shape(i int) []Expr { return c.input(i).Shape }

// set makes an output a tensor; the shape may be nil for unknown.
func (c *call) set(i int, dtype onnx.DType, shape []Expr) {
	if i < len(c.out) {
		*c.out[i] = Info{Kind: onnx.TypeTensor, DType: dtype, Shape: shape}
	}
}

// content records the elements of an output that set has made.
func (c *call) content(i int, elems []elem) {
	if i < len(c.out) && len(elems) <= followed {
		c.out[i].content = elems
	}
}

func (c *call) int(name string, def int64) int64 {
	if a := c.n.Attribute(name); a != nil && a.Kind == onnx.KindInt {
		return a.Int
	}
	return def
}

func (c *call) ints(name string) ([]int64, bool) {
	if a := c.n.Attribute(name); a != nil && a.Kind == onnx.KindInts {
		return a.Ints, true
	}
	return nil, false
}

func (c *call) text(name, def string) string {
	if a := c.n.Attribute(name); a != nil && a.Kind == onnx.KindString {
		return a.String
	}
	return def
}

func (c *call) has(name string) bool { return c.n.Attribute(name) != nil }

// dtypeAttribute reads an element type out of an attribute; a number that is none is refused.
func (c *call) dtypeAttribute(name string, def onnx.DType) (onnx.DType, error) {
	v := c.int(name, int64(def))
	if v < 0 || v > 64 || v != 0 && onnx.DType(v) != onnx.String && onnx.DType(v).Bits() == 0 {
		return 0, c.fail("attribute %s = %d is no element type", name, v)
	}
	return onnx.DType(v), nil
}

// axis brings an axis into [0, rank).
func (c *call) axis(v int64, rank int) (int, error) {
	if v < -int64(rank) || v >= int64(rank) {
		return 0, c.fail("axis %d of rank %d", v, rank)
	}
	if v < 0 {
		v += int64(rank)
	}
	return int(v), nil
}

// axes brings several axes into [0, rank) and refuses one given twice.
func (c *call) axes(list []int64, rank int) ([]bool, error) {
	chosen := make([]bool, rank)
	for _, v := range list {
		axis, err := c.axis(v, rank)
		if err != nil {
			return nil, err
		}
		if chosen[axis] {
			return nil, c.fail("axis %d twice", v)
		}
		chosen[axis] = true
	}
	return chosen, nil
}

// fresh is a symbol for one dimension of an output that the data decide.
func (c *call) fresh(i, axis int) Expr {
	name := c.n.Name
	if i < len(c.n.Outputs) && c.n.Outputs[i] != "" {
		name = c.n.Outputs[i]
	}
	return c.x.fresh(fmt.Sprintf("%s:%d", name, axis), 0)
}

// freshDims is a shape of known rank of which nothing else is known.
func (c *call) freshDims(i, rank int) []Expr {
	out := make([]Expr, rank)
	for axis := range out {
		out[axis] = c.fresh(i, axis)
	}
	return out
}

// size turns the result of an operation on sizes into a dimension: a fresh symbol when it could not be expressed.
func (c *call) size(i, axis int) func(e Expr, ok bool) Expr {
	return func(e Expr, ok bool) Expr {
		if !ok {
			return c.fresh(i, axis)
		}
		return e
	}
}

// constants gives the elements of an input when all are plain whole numbers.
func (c *call) constants(i int) ([]int64, bool) {
	in := c.input(i)
	if in.content == nil {
		return nil, false
	}
	out := make([]int64, len(in.content))
	for j, e := range in.content {
		v, ok := e.expr.Const()
		if !ok || e.kind != isExpr {
			return nil, false
		}
		out[j] = v
	}
	return out, true
}

// constant gives the only element of an input.
func (c *call) constant(i int) (int64, bool) {
	v, ok := c.constants(i)
	if !ok || len(v) != 1 {
		return 0, false
	}
	return v[0], true
}

// length is the number of elements of an input vector, when it is a plain number.
func (c *call) length(i int) (int, bool) {
	s := c.shape(i)
	if len(s) != 1 {
		return 0, false
	}
	n, ok := s[0].Const()
	return int(n), ok && n <= followed
}

// ranked refuses an input of another number of dimensions; unknown ones pass.
func (c *call) ranked(i, rank int) error {
	if s := c.shape(i); s != nil && len(s) != rank {
		return c.fail("input %d has %d dimensions, want %d", i, len(s), rank)
	}
	return nil
}

// same refuses two dimensions that are known to differ, and gives the one that says more.
func (c *call) same(what string, a, b Expr) (Expr, error) {
	x, aConst := a.Const()
	y, bConst := b.Const()
	switch {
	case aConst && bConst && x != y:
		return a, c.fail("%s: %d and %d", what, x, y)
	case bConst:
		return b, nil
	}
	return a, nil
}
