package shape

import (
	"math"
	"slices"
)

func maxUnpool(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	if c.given(2) {
		out, known := c.input(2).Values()
		if !known {
			out = c.freshDims(0, len(in))
		}
		c.set(0, c.dtype(0), out)
		return nil
	}
	w, err := c.window(max(len(in)-2, 0))
	if err != nil {
		return err
	}
	if len(in) < 3 || w.kernel == nil {
		return c.fail("input of rank %d, or no kernel_shape", len(in))
	}
	out := slices.Clone(in)
	for i := range w.kernel {
		out[2+i] = c.size(0, 2+i)(w.grown(in[2+i], i, 0))
	}
	c.set(0, c.dtype(0), out)
	return c.checkWindows(out)
}

// roiPool gives one feature map of fixed size for each region.
func roiPool(c *call) error {
	in, regions := c.shape(0), c.shape(1)
	if err := c.ranked(0, 4); err != nil {
		return err
	}
	if err := c.ranked(1, 2); err != nil {
		return err
	}
	out := c.freshDims(0, 4)
	if regions != nil {
		out[0] = regions[0]
	}
	if in != nil {
		out[1] = in[1]
	}
	if c.n.Op == "RoiAlign" {
		out[2], out[3] = Const(c.int("output_height", 1)), Const(c.int("output_width", 1))
	} else if p, ok := c.ints("pooled_shape"); ok && len(p) == 2 {
		out[2], out[3] = Const(p[0]), Const(p[1])
	}
	c.set(0, c.dtype(0), out)
	return nil
}

func gridSample(c *call) error {
	in, grid := c.shape(0), c.shape(1)
	c.set(0, c.dtype(0), nil)
	if in == nil || grid == nil {
		return nil
	}
	if len(in) < 3 || len(grid) != len(in) {
		return c.fail("input of rank %d, grid of rank %d", len(in), len(grid))
	}
	out := slices.Clone(in)
	copy(out[2:], grid[1:])
	c.set(0, c.dtype(0), out)
	return nil
}

func affineGrid(c *call) error {
	size, known := c.input(1).Values()
	n, ok := c.length(1)
	switch {
	case known && len(size) >= 3:
		out := append([]Expr{size[0]}, size[2:]...)
		c.set(0, c.dtype(0), append(out, Const(int64(len(size)-2))))
	case ok && n >= 3:
		out := c.freshDims(0, n)
		out[n-1] = Const(int64(n - 2))
		c.set(0, c.dtype(0), out)
	default:
		c.set(0, c.dtype(0), nil)
	}
	return nil
}

// resize covers Upsample and every version of Resize: sizes, or scales, for all axes or some.
func resize(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	out := c.freshDims(0, len(in))
	c.set(0, c.dtype(0), out)
	scaleInput, sizeInput := 2, 3
	if c.n.Op == "Upsample" || c.since < 11 {
		scaleInput, sizeInput = 1, -1
	}
	axes, err := c.resizeAxes(len(in))
	if err != nil {
		return err
	}
	if c.text("keep_aspect_ratio_policy", "stretch") != "stretch" && sizeInput >= 0 && c.given(sizeInput) {
		return c.aspect(in, out, axes, sizeInput)
	}
	for i := range out {
		if !slices.Contains(axes, i) {
			out[i] = in[i]
		}
	}
	var content []elem
	bySize := sizeInput >= 0 && c.given(sizeInput)
	switch {
	case bySize:
		content = c.input(sizeInput).content
	case c.given(scaleInput):
		content = c.input(scaleInput).content
	default:
		if a := c.n.Attribute("scales"); a != nil {
			content = elems(a.Floats, func(v float32) elem { return realElem(float64(v)) })
		}
	}
	if content == nil {
		return nil
	}
	if len(content) != len(axes) {
		return c.fail("%d scales or sizes for %d axes", len(content), len(axes))
	}
	for i, axis := range axes {
		if bySize {
			out[axis] = c.size(0, axis)(content[i].expr, content[i].kind == isExpr)
		} else {
			out[axis] = c.scaled(in[axis], content[i], axis)
		}
	}
	return nil
}

func (c *call) resizeAxes(rank int) ([]int, error) {
	list, given := c.ints("axes")
	if !given {
		all := make([]int, rank)
		for i := range all {
			all[i] = i
		}
		return all, nil
	}
	if _, err := c.axes(list, rank); err != nil {
		return nil, err
	}
	axes := make([]int, len(list))
	for i, v := range list {
		axes[i], _ = c.axis(v, rank)
	}
	return axes, nil
}

// scaled is floor(d*scale).
func (c *call) scaled(d Expr, scale elem, axis int) Expr {
	if scale.kind == isExpr {
		return c.size(0, axis)(mul(d, scale.expr))
	}
	v, ok := d.Const()
	if scale.kind != isReal || scale.real <= 0 {
		return c.fresh(0, axis)
	}
	if ok {
		return Const(int64(math.Floor(float64(float32(v) * float32(scale.real)))))
	}
	if by := 1 / scale.real; by == math.Trunc(by) && by < 1<<20 {
		return c.size(0, axis)(floorDiv(d, Const(int64(by))))
	}
	return c.fresh(0, axis)
}

// aspect resizes all axes by one scale, the least or greatest that a size asks for.
func (c *call) aspect(in, out []Expr, axes []int, sizeInput int) error {
	want, known := c.constants(sizeInput)
	for i := range out {
		if !slices.Contains(axes, i) {
			out[i] = in[i]
		}
	}
	if !known || len(want) != len(axes) {
		return nil
	}
	scale := math.NaN()
	for i, axis := range axes {
		d, ok := in[axis].Const()
		if !ok || d == 0 {
			return nil
		}
		s := float64(want[i]) / float64(d)
		switch {
		case math.IsNaN(scale):
			scale = s
		case c.text("keep_aspect_ratio_policy", "") == "not_larger":
			scale = math.Min(scale, s)
		default:
			scale = math.Max(scale, s)
		}
	}
	for _, axis := range axes {
		d, _ := in[axis].Const()
		out[axis] = Const(int64(math.Floor(float64(scale*float64(d)) + 0.5)))
	}
	return nil
}

// col2Im puts blocks back into images: [n, channels*block, positions] to [n, channels, image...].
func col2Im(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	image, known := c.input(1).Values()
	block, blockKnown := c.input(2).Values()
	if err := c.ranked(0, 3); err != nil {
		return err
	}
	n, ok := c.length(1)
	if !ok {
		return nil
	}
	out := c.freshDims(0, 2+n)
	if known {
		copy(out[2:], image)
	}
	if in != nil {
		out[0] = in[0]
		if each, ok := multiply(block); ok && blockKnown {
			if q, ok := floorDiv(in[1], each); ok {
				out[1] = q
			}
		}
	}
	c.set(0, c.dtype(0), out)
	return nil
}
