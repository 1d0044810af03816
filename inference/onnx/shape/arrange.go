package shape

import (
	"slices"

	"assay/inference/onnx"
)

// arrange are the operators that read shapes, change them, or move elements.
func arrange(op string) rule {
	switch op {
	case "Shape":
		return shapeOf
	case "Size":
		return sizeOf
	case "Reshape":
		return reshape
	case "Flatten":
		return flatten
	case "Squeeze":
		return squeeze
	case "Unsqueeze":
		return unsqueeze
	case "Transpose":
		return transpose
	case "Concat":
		return concat
	case "Split":
		return split
	case "Expand":
		return expand
	case "Tile":
		return tile
	case "Pad":
		return pad
	case "Constant":
		return constant
	case "ConstantOfShape":
		return constantOfShape
	case "Range":
		return rangeOf
	case "DepthToSpace", "SpaceToDepth":
		return blocks
	case "CenterCropPad":
		return centerCropPad
	}
	return nil
}

func shapeOf(c *call) error {
	in := c.shape(0)
	c.set(0, onnx.Int64, []Expr{c.fresh(0, 0)})
	if in == nil {
		return nil
	}
	rank := int64(len(in))
	clamp := func(v int64) int64 {
		if v < 0 {
			v += rank
		}
		return min(max(v, 0), rank)
	}
	from, to := clamp(c.int("start", 0)), clamp(c.int("end", rank))
	part := in[from:max(from, to)]
	c.set(0, onnx.Int64, []Expr{Const(int64(len(part)))})
	out := make([]elem, len(part))
	for i, d := range part {
		out[i] = exprElem(d, true)
	}
	c.content(0, out)
	return nil
}

func sizeOf(c *call) error {
	c.set(0, onnx.Int64, []Expr{})
	if in := c.shape(0); in != nil {
		c.content(0, []elem{exprElem(multiply(in))})
	}
	return nil
}

// multiply is the product of dimensions.
func multiply(dims []Expr) (Expr, bool) {
	p, ok := Const(1), true
	for _, d := range dims {
		if p, ok = mul(p, d); !ok {
			return Expr{}, false
		}
	}
	return p, true
}

// keep hands the content of input 0 on to output 0, for operators that leave the order of elements.
func (c *call) keep() { c.content(0, c.input(0).content) }

func reshape(c *call) error {
	c.set(0, c.dtype(0), nil)
	target := c.input(1).content
	if list, ok := c.ints("shape"); ok && !c.given(1) {
		for _, v := range list {
			target = append(target, whole(v))
		}
	}
	if target == nil {
		if n, ok := c.length(1); ok {
			c.set(0, c.dtype(0), c.freshDims(0, n))
		}
		return nil
	}
	in := c.shape(0)
	out := make([]Expr, len(target))
	rest := -1 // the dimension that takes what is left
	open := 0  // dimensions of which nothing is known
	for i, e := range target {
		v, isConst := e.expr.Const()
		switch {
		case e.kind != isExpr || !isConst && !e.expr.atLeastConst(0):
			out[i] = c.fresh(0, i)
			open++
		case isConst && v == 0 && c.int("allowzero", 0) == 0:
			switch {
			case in == nil:
				out[i] = c.fresh(0, i)
				open++
			case i >= len(in):
				return c.fail("copies dimension %d of an input of rank %d", i, len(in))
			default:
				out[i] = in[i]
			}
		case isConst && v == -1:
			if rest >= 0 {
				return c.fail("two dimensions of -1")
			}
			rest = i
		case isConst && v < 0:
			return c.fail("dimension %d", v)
		default:
			out[i] = e.expr
		}
	}
	if err := c.fillReshape(in, out, rest, open); err != nil {
		return err
	}
	c.set(0, c.dtype(0), out)
	c.keep()
	return nil
}

// fillReshape settles the dimension of -1, or one unknown dimension when there is none, by counting elements.
func (c *call) fillReshape(in, out []Expr, rest, open int) error {
	total, known := multiply(in)
	known = known && in != nil
	if rest < 0 {
		want, ok := multiply(out)
		a, aConst := total.Const()
		b, bConst := want.Const()
		if known && ok && aConst && bConst && a != b {
			return c.fail("%d elements into %d", a, b)
		}
		return nil
	}
	others := append(slices.Clone(out[:rest]), out[rest+1:]...)
	out[rest] = c.fresh(0, rest)
	if !known || open > 0 {
		return nil
	}
	divisor, ok := multiply(others)
	if !ok {
		return nil
	}
	if q, ok := divide(total, divisor); ok {
		out[rest] = q
		return nil
	}
	a, aConst := total.Const()
	b, bConst := divisor.Const()
	if aConst && bConst {
		if b == 0 || a%b != 0 {
			return c.fail("%d elements into rows of %d", a, b)
		}
	}
	if q, ok := floorDiv(total, divisor); ok {
		out[rest] = q
	}
	return nil
}

func flatten(c *call) error {
	c.set(0, c.dtype(0), c.freshDims(0, 2))
	in := c.shape(0)
	if in == nil {
		return nil
	}
	at := c.int("axis", 1)
	if at < 0 {
		at += int64(len(in))
	}
	if at < 0 || at > int64(len(in)) {
		return c.fail("axis %d of rank %d", at, len(in))
	}
	c.set(0, c.dtype(0), []Expr{c.size(0, 0)(multiply(in[:at])), c.size(0, 1)(multiply(in[at:]))})
	c.keep()
	return nil
}

// axesGiven reads axes from input i or from an attribute; known is false when they are given and not known.
func (c *call) axesGiven(i int) (axes []int64, given, known bool) {
	if c.given(i) {
		axes, known = c.constants(i)
		return axes, true, known
	}
	axes, given = c.ints("axes")
	return axes, given, true
}

func squeeze(c *call) error {
	c.set(0, c.dtype(0), nil)
	in := c.shape(0)
	list, given, known := c.axesGiven(1)
	if in == nil || !known {
		return nil
	}
	drop := make([]bool, len(in))
	var err error
	if given {
		if drop, err = c.axes(list, len(in)); err != nil {
			return err
		}
	}
	out := []Expr{}
	for i, d := range in {
		v, isConst := d.Const()
		switch {
		case !given && !isConst:
			return nil // whether it is 1 decides the rank
		case given && drop[i] && isConst && v != 1:
			return c.fail("dimension %d is %d, not 1", i, v)
		case given && !drop[i], !given && v != 1:
			out = append(out, d)
		}
	}
	c.set(0, c.dtype(0), out)
	c.keep()
	return nil
}

func unsqueeze(c *call) error {
	c.set(0, c.dtype(0), nil)
	in := c.shape(0)
	list, _, known := c.axesGiven(1)
	if in == nil || !known {
		if n, ok := c.length(1); ok && in != nil {
			c.set(0, c.dtype(0), c.freshDims(0, len(in)+n))
		}
		return nil
	}
	fresh, err := c.axes(list, len(in)+len(list))
	if err != nil {
		return err
	}
	out := make([]Expr, len(fresh))
	for i := range out {
		if fresh[i] {
			out[i] = Const(1)
		} else {
			out[i], in = in[0], in[1:]
		}
	}
	c.set(0, c.dtype(0), out)
	c.keep()
	return nil
}

func transpose(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	perm, given := c.ints("perm")
	if in == nil {
		if given {
			c.set(0, c.dtype(0), c.freshDims(0, len(perm)))
		}
		return nil
	}
	if !given {
		for i := len(in) - 1; i >= 0; i-- {
			perm = append(perm, int64(i))
		}
	}
	if _, err := c.axes(perm, len(in)); err != nil || len(perm) != len(in) {
		return c.fail("permutation %v of rank %d", perm, len(in))
	}
	out := make([]Expr, len(in))
	for i, axis := range perm {
		out[i] = in[(axis+int64(len(in)))%int64(len(in))]
	}
	c.set(0, c.dtype(0), out)
	c.rearrange(out, func(at, from []int) {
		for i, axis := range perm {
			from[(axis+int64(len(in)))%int64(len(in))] = at[i]
		}
	})
	return nil
}
