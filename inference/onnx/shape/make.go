package shape

import (
	"math"

	"assay/inference/onnx"
)

// constant is the node that holds a constant in one of several attributes.
func constant(c *call) error {
	for i := range c.n.Attributes {
		a := &c.n.Attributes[i]
		switch a.Name {
		case "value":
			if a.Tensor == nil {
				return c.fail("attribute value is no tensor")
			}
			*c.out[0] = *c.x.constant(a.Tensor)
		case "sparse_value":
			if a.Sparse == nil {
				return c.fail("attribute sparse_value is no sparse tensor")
			}
			c.set(0, a.Sparse.Values.DType, sizes(a.Sparse.Shape))
		case "value_int":
			c.set(0, onnx.Int64, []Expr{})
			c.content(0, []elem{whole(a.Int)})
		case "value_float":
			c.set(0, onnx.Float32, []Expr{})
			c.content(0, []elem{realElem(float64(a.Float))})
		case "value_string":
			c.set(0, onnx.String, []Expr{})
		case "value_ints":
			c.set(0, onnx.Int64, []Expr{Const(int64(len(a.Ints)))})
			c.content(0, elems(a.Ints, whole))
		case "value_floats":
			c.set(0, onnx.Float32, []Expr{Const(int64(len(a.Floats)))})
			c.content(0, elems(a.Floats, func(v float32) elem { return realElem(float64(v)) }))
		case "value_strings":
			c.set(0, onnx.String, []Expr{Const(int64(len(a.Strings)))})
		}
	}
	if c.out[0].Kind == 0 {
		return c.fail("no value")
	}
	return nil
}

func elems[T any](list []T, f func(T) elem) []elem {
	if len(list) > followed {
		return nil
	}
	out := make([]elem, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}

func constantOfShape(c *call) error {
	dtype := onnx.Float32
	fill := whole(0)
	if a := c.n.Attribute("value"); a != nil && a.Tensor != nil {
		dtype = a.Tensor.DType
		fill = elem{}
		if v := decode(a.Tensor); len(v) == 1 {
			fill = v[0]
		}
	}
	shape, known := c.input(0).Values()
	if !known {
		c.set(0, dtype, nil)
		if n, ok := c.length(0); ok {
			c.set(0, dtype, c.freshDims(0, n))
		}
		return nil
	}
	for i, d := range shape {
		if v, ok := d.Const(); ok && v < 0 {
			return c.fail("dimension %d is %d", i, v)
		}
	}
	c.set(0, dtype, shape)
	if n, ok := count(shape); ok && n >= 0 && n <= followed {
		content := make([]elem, n)
		for i := range content {
			content[i] = fill
		}
		c.content(0, content)
	}
	return nil
}

// rangeOf is max(0, ceil((limit - start)/delta)) numbers.
func rangeOf(c *call) error {
	c.set(0, c.dtype(0), []Expr{c.fresh(0, 0)})
	var v [3]elem
	for i := range v {
		content := c.input(i).content
		if len(content) != 1 || content[0].kind == unknown {
			return nil
		}
		v[i] = content[0]
	}
	if v[0].kind == isExpr && v[1].kind == isExpr && v[2].kind == isExpr {
		return c.wholeRange(v[0].expr, v[1].expr, v[2].expr)
	}
	start, a := v[0].number()
	limit, b := v[1].number()
	delta, d := v[2].number()
	if !a || !b || !d {
		return nil
	}
	n := math.Max(0, math.Ceil((limit-start)/delta))
	if delta == 0 || n > math.MaxInt32 {
		return c.fail("range of step %v", delta)
	}
	c.set(0, c.dtype(0), []Expr{Const(int64(n))})
	return nil
}

func (c *call) wholeRange(start, limit, delta Expr) error {
	step, isConst := delta.Const()
	if isConst && step == 0 {
		return c.fail("range of step 0")
	}
	span, ok := sub(limit, start)
	if isConst && step < 0 {
		span, ok = sub(start, limit)
		delta = Const(-step)
	}
	if !ok {
		return nil
	}
	n, ok := ceilDiv(span, delta)
	if ok {
		n, ok = maximum(n, Expr{})
	}
	n = c.size(0, 0)(n, ok)
	c.set(0, c.dtype(0), []Expr{n})
	if v, ok := n.Const(); ok && isConst && v <= followed {
		content := make([]elem, v)
		for i := range content {
			at, ok := add(start, Const(int64(i)*step))
			content[i] = exprElem(at, ok)
		}
		c.content(0, content)
	}
	return nil
}
