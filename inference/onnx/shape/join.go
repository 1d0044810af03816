package shape

import (
	"slices"

	"assay/inference/onnx"
)

func concat(c *call) error {
	rank := -1
	var dtype onnx.DType
	for i := range c.in {
		if dtype == 0 {
			dtype = c.dtype(i)
		}
		if s := c.shape(i); s != nil {
			if rank >= 0 && len(s) != rank {
				return c.fail("inputs of %d and %d dimensions", rank, len(s))
			}
			rank = len(s)
		}
	}
	c.set(0, dtype, nil)
	if rank < 0 {
		return nil
	}
	axis, err := c.axis(c.int("axis", 1), rank)
	if err != nil {
		return err
	}
	out := c.freshDims(0, rank)
	known := make([]bool, rank)
	sum, sumKnown := Expr{}, true
	for i := range c.in {
		s := c.shape(i)
		if s == nil {
			sumKnown = false
			continue
		}
		for j, d := range s {
			switch {
			case j == axis:
				if sumKnown {
					sum, sumKnown = add(sum, d)
				}
			case !known[j]:
				out[j], known[j] = d, true
			default:
				if out[j], err = c.same("dimension of the inputs", out[j], d); err != nil {
					return err
				}
			}
		}
	}
	if sumKnown {
		out[axis] = sum
	}
	c.set(0, dtype, out)
	if rank == 1 {
		c.joinContents()
	}
	return nil
}

// joinContents follows a concatenation of vectors, of which some may be unknown but for their length.
func (c *call) joinContents() {
	all := []elem{}
	known := false
	for i := range c.in {
		if content := c.input(i).content; content != nil {
			all, known = append(all, content...), true
			continue
		}
		n, ok := c.length(i)
		if !ok {
			return
		}
		all = append(all, make([]elem, n)...)
	}
	if known {
		c.content(0, all)
	}
}

func split(c *call) error {
	in := c.shape(0)
	for i := range c.out {
		c.set(i, c.dtype(0), nil)
	}
	if in == nil {
		return nil
	}
	axis, err := c.axis(c.int("axis", 0), len(in))
	if err != nil {
		return err
	}
	sizes, given, known := c.parts(1)
	if given && known && len(sizes) != len(c.out) {
		return c.fail("%d sizes for %d outputs", len(sizes), len(c.out))
	}
	at := Expr{}
	for i := range c.out {
		shape := slices.Clone(in)
		switch {
		case given && known:
			shape[axis] = sizes[i]
		case given:
			shape[axis] = c.fresh(i, axis)
		default:
			shape[axis] = c.evenPart(in[axis], i, axis)
		}
		c.set(i, c.dtype(0), shape)
		at = c.cut(i, at, shape[axis], len(in))
	}
	return nil
}

// cut follows the content of one part of a vector, and gives where the next part begins.
func (c *call) cut(i int, at, size Expr, rank int) Expr {
	end, ok := add(at, size)
	a, aConst := at.Const()
	b, bConst := end.Const()
	if content := c.input(0).content; ok && aConst && bConst && rank == 1 && a >= 0 && a <= b && b <= int64(len(content)) {
		c.content(i, content[a:b])
	}
	return end
}

// parts reads the sizes of parts from input i or an attribute.
func (c *call) parts(i int) (sizes []Expr, given, known bool) {
	if c.given(i) {
		sizes, known = c.input(i).Values()
		return sizes, true, known
	}
	list, given := c.ints("split")
	for _, v := range list {
		sizes = append(sizes, Const(v))
	}
	return sizes, given, true
}

// evenPart is the size of part i when no sizes are given: equal ones, the last smaller from version 18 on.
func (c *call) evenPart(d Expr, i, axis int) Expr {
	n := int64(len(c.out))
	if v := c.int("num_outputs", n); v > 0 && c.since >= 18 {
		n = v
	}
	each, ok := ceilDiv(d, Const(n))
	if v, isConst := d.Const(); isConst && ok {
		size, _ := each.Const()
		return Const(min(size, max(v-int64(i)*size, 0)))
	}
	if !ok || int64(i) < n-1 {
		return c.size(i, axis)(each, ok)
	}
	before, ok := mul(each, Const(n-1))
	if !ok {
		return c.fresh(i, axis)
	}
	return c.size(i, axis)(sub(d, before))
}

func expand(c *call) error {
	c.set(0, c.dtype(0), nil)
	target, known := c.input(1).Values()
	if !known {
		if n, ok := c.length(1); ok {
			if in := c.shape(0); in != nil {
				c.set(0, c.dtype(0), c.freshDims(0, max(n, len(in))))
			}
		}
		return nil
	}
	c.in[1] = &Info{Kind: onnx.TypeTensor, DType: onnx.Int64, Shape: target}
	shape, err := c.stretch(0, 0, 1)
	c.set(0, c.dtype(0), shape)
	c.in = c.in[:1]
	c.zip(func(v []elem) elem { return v[0] })
	return err
}

func tile(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	c.set(0, c.dtype(0), c.freshDims(0, len(in)))
	times, known := c.input(1).Values()
	if !known {
		return nil
	}
	if len(times) != len(in) {
		return c.fail("%d repeats for rank %d", len(times), len(in))
	}
	out := make([]Expr, len(in))
	for i := range out {
		out[i] = c.size(0, i)(mul(in[i], times[i]))
	}
	c.set(0, c.dtype(0), out)
	if content := c.input(0).content; len(in) == 1 && content != nil {
		if n, ok := times[0].Const(); ok && n >= 0 && n*int64(max(len(content), 1)) <= followed {
			c.content(0, slices.Repeat(content, int(n)))
		}
	}
	return nil
}

func pad(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	c.set(0, c.dtype(0), c.freshDims(0, len(in)))
	pads, known := c.input(1).Values()
	if list, ok := c.ints("pads"); ok && !c.given(1) {
		known = true
		for _, v := range list {
			pads = append(pads, Const(v))
		}
	}
	axes, given, axesKnown := []int64(nil), c.given(3), true
	if given {
		axes, axesKnown = c.constants(3)
	}
	if !known || !axesKnown {
		return nil
	}
	if !given {
		for i := range in {
			axes = append(axes, int64(i))
		}
	}
	if len(pads) != 2*len(axes) {
		return c.fail("%d pads for %d axes", len(pads), len(axes))
	}
	if _, err := c.axes(axes, len(in)); err != nil {
		return err
	}
	out := slices.Clone(in)
	for i, axis := range axes {
		at, _ := c.axis(axis, len(in))
		sum, ok := add(out[at], pads[i])
		if ok {
			sum, ok = add(sum, pads[i+len(axes)])
		}
		out[at] = c.size(0, at)(sum, ok)
	}
	c.set(0, c.dtype(0), out)
	return nil
}

// blocks are DepthToSpace and its inverse.
func blocks(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), c.freshDims(0, 4))
	b := Const(c.int("blocksize", 0))
	if err := c.ranked(0, 4); err != nil || in == nil {
		return err
	}
	if !b.atLeastConst(1) {
		return c.fail("block size %v", b)
	}
	square, _ := mul(b, b)
	out := []Expr{in[0], {}, {}, {}}
	for i := 1; i < 4; i++ {
		by, shrink := b, c.n.Op == "SpaceToDepth"
		if i == 1 {
			by, shrink = square, !shrink
		}
		if shrink {
			out[i] = c.size(0, i)(floorDiv(in[i], by))
		} else {
			out[i] = c.size(0, i)(mul(in[i], by))
		}
	}
	c.set(0, c.dtype(0), out)
	return nil
}

func centerCropPad(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	c.set(0, c.dtype(0), c.freshDims(0, len(in)))
	target, known := c.input(1).Values()
	if !known {
		return nil
	}
	list, given := c.ints("axes")
	if !given {
		for i := range in {
			list = append(list, int64(i))
		}
	}
	if _, err := c.axes(list, len(in)); err != nil || len(list) != len(target) {
		return c.fail("%d sizes for axes %v of rank %d", len(target), list, len(in))
	}
	out := slices.Clone(in)
	for i, v := range list {
		at, _ := c.axis(v, len(in))
		out[at] = target[i]
	}
	c.set(0, c.dtype(0), out)
	return nil
}
