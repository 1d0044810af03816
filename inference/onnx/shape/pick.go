package shape

import (
	"math"
	"slices"

	"assay/inference/onnx"
)

// pick are the operators that take some of the elements.
func pick(op string) rule {
	switch op {
	case "Slice":
		return slice
	case "Gather":
		return gather
	case "GatherElements":
		return gatherElements
	case "GatherND":
		return gatherND
	case "Compress":
		return compress
	case "NonZero":
		return nonZero
	case "Unique":
		return unique
	case "TopK":
		return topK
	case "OneHot":
		return oneHot
	case "EyeLike":
		return eyeLike
	case "NonMaxSuppression":
		return nonMaxSuppression
	}
	return nil
}

// slicing is what one Slice does to one axis; nil parts are unknown.
type slicing struct {
	start, end, step elem
}

func slice(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	cuts, err := c.slicings(len(in))
	if err != nil {
		return err
	}
	if cuts == nil {
		c.set(0, c.dtype(0), c.freshDims(0, len(in)))
		return nil
	}
	out := slices.Clone(in)
	for axis, s := range cuts {
		if s != nil {
			if out[axis], err = c.cutSize(axis, in[axis], s); err != nil {
				return err
			}
		}
	}
	c.set(0, c.dtype(0), out)
	return c.sliceContent(out, cuts)
}

// slicings collects per axis what is sliced; all nil when the axes are unknown.
func (c *call) slicings(rank int) ([]*slicing, error) {
	starts, ends, steps := c.sliceInput("starts", 1), c.sliceInput("ends", 2), c.sliceInput("steps", 4)
	axes, given := c.ints("axes")
	switch {
	case c.given(3):
		var known bool
		if axes, known = c.constants(3); !known {
			return nil, nil
		}
	case !given:
		n := max(len(starts), len(ends))
		if l, ok := c.length(1); ok {
			n = max(n, l)
		}
		if n == 0 || n > rank {
			return nil, nil
		}
		for i := range n {
			axes = append(axes, int64(i))
		}
	}
	if _, err := c.axes(axes, rank); err != nil {
		return nil, err
	}
	cuts := make([]*slicing, rank)
	for i, v := range axes {
		axis, _ := c.axis(v, rank)
		s := &slicing{step: whole(1)}
		if i < len(starts) {
			s.start = starts[i]
		}
		if i < len(ends) {
			s.end = ends[i]
		}
		if c.given(4) {
			s.step = elem{}
			if i < len(steps) {
				s.step = steps[i]
			}
		}
		cuts[axis] = s
	}
	return cuts, nil
}

func (c *call) sliceInput(attribute string, i int) []elem {
	if c.given(i) {
		return c.input(i).content
	}
	list, _ := c.ints(attribute)
	return elems(list, whole)
}

// cutSize is the size of one sliced dimension.
func (c *call) cutSize(axis int, d Expr, s *slicing) (Expr, error) {
	step, ok := s.step.expr.Const()
	if ok && s.step.kind == isExpr && step == 0 {
		return Expr{}, c.fail("step 0")
	}
	if !ok || s.start.kind != isExpr || s.end.kind != isExpr || s.step.kind != isExpr || step == math.MinInt64 {
		return c.fresh(0, axis), nil
	}
	var from, to, span Expr
	if step > 0 {
		from, ok = clampTo(s.start.expr, d, Expr{}, d)
		if ok {
			to, ok = clampTo(s.end.expr, d, Expr{}, d)
		}
		if ok {
			span, ok = sub(to, from)
		}
	} else {
		last, _ := sub(d, Const(1))
		from, ok = clampTo(s.start.expr, d, Expr{}, last)
		if ok {
			to, ok = clampTo(s.end.expr, d, Const(-1), last)
		}
		if ok {
			span, ok = sub(from, to)
		}
		step = -step
	}
	if ok {
		span, ok = ceilDiv(span, Const(step))
	}
	if ok {
		span, ok = maximum(span, Expr{})
	}
	return c.size(0, axis)(span, ok), nil
}

// clampTo brings an index, counted from the end when negative, into [low, high].
func clampTo(v, d, low, high Expr) (Expr, bool) {
	n, isConst := v.Const()
	switch {
	case isConst && n >= math.MaxInt32:
		return high, true
	case isConst && n <= -math.MaxInt32:
		return low, true
	case v.atLeastConst(0):
	case below(v): // from the end
		var ok bool
		if v, ok = add(v, d); !ok {
			return Expr{}, false
		}
	default:
		return Expr{}, false
	}
	v, ok := minimum(v, high)
	if !ok {
		return Expr{}, false
	}
	return maximum(v, low)
}

// below reports whether a value is certainly negative.
func below(v Expr) bool { return Const(-1).atLeast(v) }

// sliceContent follows a slice whose bounds are all numbers.
func (c *call) sliceContent(shape []Expr, cuts []*slicing) error {
	in := c.shape(0)
	starts, steps := make([]int, len(cuts)), make([]int, len(cuts))
	for axis, s := range cuts {
		steps[axis] = 1
		if s == nil {
			continue
		}
		start, a := s.start.expr.Const()
		step, b := s.step.expr.Const()
		d, known := in[axis].Const()
		if !a || !b || !known || s.start.kind != isExpr || s.step.kind != isExpr {
			return nil
		}
		if start < 0 {
			start += d
		}
		last := d
		if step < 0 {
			last = d - 1
		}
		starts[axis] = int(min(max(start, 0), last))
		steps[axis] = int(min(max(step, -followed), followed)) // beyond that there is one element
	}
	c.rearrange(shape, func(at, from []int) {
		for axis, p := range at {
			from[axis] = starts[axis] + p*steps[axis]
		}
	})
	return nil
}

// joined puts parts of shapes together; the result is never nil, which would mean unknown.
func joined(parts ...[]Expr) []Expr { return append([]Expr{}, slices.Concat(parts...)...) }

func gather(c *call) error {
	in, at := c.shape(0), c.shape(1)
	c.set(0, c.dtype(0), nil)
	if in == nil || at == nil {
		return nil
	}
	axis, err := c.axis(c.int("axis", 0), len(in))
	if err != nil {
		return err
	}
	c.set(0, c.dtype(0), joined(in[:axis], at, in[axis+1:]))
	index, known := c.constants(1)
	d, isConst := in[axis].Const()
	if !known || !isConst {
		return nil
	}
	for i, v := range index {
		if v < -d || v >= d {
			return c.fail("index %d of %d elements", v, d)
		}
		if v < 0 {
			index[i] += d
		}
	}
	inner := len(at)
	c.rearrange(c.out[0].Shape, func(to, from []int) {
		copy(from, to[:axis])
		copy(from[axis+1:], to[axis+inner:])
		flat := 0
		for i, p := range to[axis : axis+inner] {
			size, _ := at[i].Const()
			flat = flat*int(size) + p
		}
		from[axis] = int(index[flat])
	})
	return nil
}

func gatherElements(c *call) error {
	c.set(0, c.dtype(0), c.shape(1))
	return nil
}

func gatherND(c *call) error {
	in, at := c.shape(0), c.shape(1)
	c.set(0, c.dtype(0), nil)
	if in == nil || at == nil {
		return nil
	}
	batch := c.int("batch_dims", 0)
	if len(at) == 0 || batch < 0 || batch >= int64(len(at)) || batch > int64(len(in)) {
		return c.fail("%d batch dimensions of ranks %d and %d", batch, len(in), len(at))
	}
	depth, ok := at[len(at)-1].Const()
	if !ok {
		return nil
	}
	if depth < 0 || batch+depth > int64(len(in)) {
		return c.fail("indices of %d for rank %d", depth, len(in))
	}
	c.set(0, c.dtype(0), joined(at[:len(at)-1], in[batch+depth:]))
	return nil
}

func compress(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), []Expr{c.fresh(0, 0)})
	if !c.has("axis") {
		return nil
	}
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	axis, err := c.axis(c.int("axis", 0), len(in))
	if err != nil {
		return err
	}
	out := slices.Clone(in)
	out[axis] = c.fresh(0, axis)
	c.set(0, c.dtype(0), out)
	return nil
}

func nonZero(c *call) error {
	rank := c.fresh(0, 0)
	if in := c.shape(0); in != nil {
		rank = Const(int64(len(in)))
	}
	c.set(0, onnx.Int64, []Expr{rank, c.fresh(0, 1)})
	return nil
}

func unique(c *call) error {
	n := c.fresh(0, 0)
	c.set(0, c.dtype(0), []Expr{n})
	for i := 1; i < 4; i++ {
		c.set(i, onnx.Int64, []Expr{n})
	}
	in := c.shape(0)
	if c.has("axis") {
		c.set(0, c.dtype(0), nil)
		if in == nil {
			return nil
		}
		axis, err := c.axis(c.int("axis", 0), len(in))
		if err != nil {
			return err
		}
		out := slices.Clone(in)
		out[axis] = n
		c.set(0, c.dtype(0), out)
		c.set(2, onnx.Int64, []Expr{in[axis]})
	} else if in != nil {
		c.set(2, onnx.Int64, []Expr{c.size(2, 0)(multiply(in))})
	}
	return nil
}

func topK(c *call) error {
	in := c.shape(0)
	var out []Expr
	if in != nil {
		axis, err := c.axis(c.int("axis", -1), len(in))
		if err != nil {
			return err
		}
		out = slices.Clone(in)
		out[axis] = c.fresh(0, axis)
		if k := c.input(1).content; len(k) == 1 && k[0].kind == isExpr {
			out[axis] = k[0].expr
		}
		if c.has("k") && !c.given(1) {
			out[axis] = Const(c.int("k", 0))
		}
		k, a := out[axis].Const()
		d, b := in[axis].Const()
		if a && (k < 0 || b && k > d) {
			return c.fail("the largest %d of %v", k, in[axis])
		}
	}
	c.set(0, c.dtype(0), out)
	c.set(1, onnx.Int64, out)
	return nil
}

func oneHot(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(2), nil)
	if in == nil {
		return nil
	}
	axis, err := c.axis(c.int("axis", -1), len(in)+1)
	if err != nil {
		return err
	}
	depth := c.fresh(0, axis)
	if v := c.input(1).content; len(v) == 1 && v[0].kind == isExpr {
		depth = v[0].expr
	}
	c.set(0, c.dtype(2), slices.Insert(slices.Clone(in), axis, depth))
	return nil
}

func eyeLike(c *call) error {
	d, err := c.dtypeAttribute("dtype", c.dtype(0))
	c.set(0, d, c.shape(0))
	return err
}

func nonMaxSuppression(c *call) error {
	c.set(0, onnx.Int64, []Expr{c.fresh(0, 0), Const(3)})
	return nil
}
