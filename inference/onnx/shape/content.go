package shape

import (
	"math"

	"assay/inference/onnx"
)

// mapped are operators of one input whose contents are followed.
func mapped(c *call) error {
	c.set(0, c.dtype(0), c.shape(0))
	in := c.input(0).content
	if in == nil || c.n.Op == "Clip" && c.dtype(0) != onnx.Int64 {
		return nil
	}
	out := make([]elem, len(in))
	for i, e := range in {
		switch e.kind {
		case isExpr:
			out[i] = c.mapExpr(e.expr)
		case isReal:
			out[i] = mapReal(c.n.Op, e.real)
		}
	}
	c.content(0, out)
	return nil
}

func (c *call) mapExpr(e Expr) elem {
	v, isConst := e.Const()
	switch c.n.Op {
	case "Ceil", "Floor", "Round":
		return exprElem(e, true)
	case "Neg":
		return exprElem(sub(Expr{}, e))
	case "Abs", "Relu":
		if e.atLeastConst(0) {
			return exprElem(e, true)
		}
		if isConst && c.n.Op == "Abs" && v > math.MinInt64 {
			return whole(-v)
		}
		if isConst {
			return whole(0)
		}
	case "Sign":
		switch {
		case e.atLeastConst(1):
			return whole(1)
		case isConst && v == 0:
			return whole(0)
		case isConst && v < 0:
			return whole(-1)
		}
	case "Sqrt":
		if isConst && v >= 0 {
			return realElem(math.Sqrt(float64(v)))
		}
	case "Not":
		if isConst {
			return truth(v == 0)
		}
	case "Clip":
		return c.clip(e)
	}
	return elem{}
}

func (c *call) clip(e Expr) elem {
	for i, limit := range []func(a, b Expr) (Expr, bool){maximum, minimum} {
		if !c.given(1 + i) {
			continue
		}
		bound := c.input(1 + i).content
		if len(bound) != 1 || bound[0].kind != isExpr {
			return elem{}
		}
		var ok bool
		if e, ok = limit(e, bound[0].expr); !ok {
			return elem{}
		}
	}
	return exprElem(e, true)
}

func mapReal(op string, v float64) elem {
	switch op {
	case "Ceil":
		return realElem(math.Ceil(v))
	case "Floor":
		return realElem(math.Floor(v))
	case "Round":
		return realElem(math.RoundToEven(v))
	case "Neg":
		return realElem(-v)
	case "Abs":
		return realElem(math.Abs(v))
	case "Sqrt":
		if v >= 0 {
			return realElem(math.Sqrt(v))
		}
	}
	return elem{}
}

// arithmetic stretches its inputs to each other and follows their contents.
func arithmetic(c *call) error {
	shape, err := c.stretch(0, c.every()...)
	if err != nil {
		return err
	}
	d := c.dtype(0)
	for i := 1; d == 0 && i < len(c.in); i++ {
		d = c.dtype(i)
	}
	switch c.n.Op {
	case "And", "Or", "Xor", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual":
		d = onnx.Bool
	}
	c.set(0, d, shape)
	floating := c.dtype(0) == onnx.Float32 || c.dtype(0) == onnx.Float64
	if !floating && c.dtype(0) != onnx.Int64 && c.dtype(0) != onnx.Int32 && c.dtype(0) != onnx.Bool {
		return nil // narrower types wrap around
	}
	c.zip(func(v []elem) elem {
		acc := v[0]
		for _, next := range v[1:] {
			acc = combineElems(c.n.Op, acc, next, floating)
		}
		return acc
	})
	return nil
}

// zip computes the content of output 0 element by element from the inputs' contents, stretched to its shape.
func (c *call) zip(f func([]elem) elem) {
	n, ok := count(c.out[0].Shape)
	if c.out[0].Shape == nil || !ok || n > followed || n < 0 {
		return
	}
	known := false
	for i := range c.in {
		known = known || c.input(i).content != nil
	}
	if !known {
		return
	}
	out := make([]elem, n)
	row := make([]elem, len(c.in))
	for at := range out {
		for i := range c.in {
			row[i] = stretchedElem(c.input(i), c.out[0].Shape, at)
		}
		out[at] = f(row)
	}
	c.content(0, out)
}

// stretchedElem is the element of a tensor that stands at flat index at of the shape it is stretched to.
func stretchedElem(in *Info, shape []Expr, at int) elem {
	if in.content == nil {
		return elem{}
	}
	index, stride := 0, 1
	for axis := len(shape) - 1; axis >= 0; axis-- {
		size, _ := shape[axis].Const()
		pos := at % int(size)
		at /= int(size)
		own := axis - len(shape) + len(in.Shape)
		if own < 0 {
			continue
		}
		d, _ := in.Shape[own].Const()
		if d != 1 {
			index += pos * stride
		}
		stride *= int(d)
	}
	if index >= len(in.content) {
		return elem{}
	}
	return in.content[index]
}

func combineElems(op string, a, b elem, floating bool) elem {
	if a.kind == isExpr && b.kind == isExpr {
		return combineExprs(op, a.expr, b.expr, floating)
	}
	x, aOK := a.number()
	y, bOK := b.number()
	if !aOK || !bOK {
		return elem{}
	}
	switch op {
	case "Add":
		return realElem(x + y)
	case "Sub":
		return realElem(x - y)
	case "Mul":
		return realElem(float64(x * y))
	case "Div":
		if y != 0 {
			return realElem(x / y)
		}
	case "Max":
		return realElem(max(x, y))
	case "Min":
		return realElem(min(x, y))
	case "Equal":
		return truth(x == y)
	case "Greater":
		return truth(x > y)
	case "Less":
		return truth(x < y)
	case "GreaterOrEqual":
		return truth(x >= y)
	case "LessOrEqual":
		return truth(x <= y)
	}
	return elem{}
}

func combineExprs(op string, a, b Expr, floating bool) elem {
	switch op {
	case "Add":
		return exprElem(add(a, b))
	case "Sub":
		return exprElem(sub(a, b))
	case "Mul":
		return exprElem(mul(a, b))
	case "Div":
		return quotient(a, b, floating)
	case "Mod":
		return exprElem(mod(a, b))
	case "Max":
		return exprElem(maximum(a, b))
	case "Min":
		return exprElem(minimum(a, b))
	case "Equal":
		return decided(a.Equal(b), different(a, b))
	case "Greater":
		return decided(more(a, b), b.atLeast(a))
	case "Less":
		return decided(more(b, a), a.atLeast(b))
	case "GreaterOrEqual":
		return decided(a.atLeast(b), more(b, a))
	case "LessOrEqual":
		return decided(b.atLeast(a), more(a, b))
	}
	x, aOK := a.Const()
	y, bOK := b.Const()
	switch {
	case !aOK || !bOK:
	case op == "And":
		return truth(x != 0 && y != 0)
	case op == "Or":
		return truth(x != 0 || y != 0)
	case op == "Xor":
		return truth((x != 0) != (y != 0))
	}
	return elem{}
}

// quotient follows a division of whole numbers, which rounds towards zero, or of floats where it is exact.
func quotient(a, b Expr, floating bool) elem {
	if floating {
		x, aOK := a.Const()
		y, bOK := b.Const()
		if aOK && bOK && y != 0 {
			return realElem(float64(x) / float64(y))
		}
		if !b.atLeastConst(1) {
			return elem{}
		}
		return exprElem(divide(a, b))
	}
	if a.atLeastConst(0) {
		return exprElem(floorDiv(a, b))
	}
	x, aOK := a.Const()
	y, bOK := b.Const()
	if aOK && bOK && y != 0 && y != -1 {
		return whole(x / y)
	}
	return elem{}
}

func more(a, b Expr) bool {
	next, ok := add(b, Const(1))
	return ok && a.atLeast(next)
}

func different(a, b Expr) bool { return more(a, b) || more(b, a) }

// decided is a bool that is known when either it or its opposite is certain.
func decided(yes, no bool) elem {
	switch {
	case yes:
		return whole(1)
	case no:
		return whole(0)
	}
	return elem{}
}
