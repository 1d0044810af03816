package shape

import (
	"math"
	"slices"

	"assay/inference/onnx"
)

// windows are the operators that slide over the dimensions after batch and channel.
func windows(op string) rule {
	switch op {
	case "Conv":
		return func(c *call) error { return conv(c, 1, c.dtype(0)) }
	case "ConvInteger":
		return func(c *call) error { return conv(c, 1, onnx.Int32) }
	case "QLinearConv":
		return func(c *call) error { return conv(c, 3, c.dtype(7)) }
	case "DeformConv":
		return func(c *call) error { return conv(c, 1, c.dtype(0)) }
	case "ConvTranspose":
		return convTranspose
	case "CausalConvWithState":
		return causalConv
	case "AveragePool", "MaxPool", "LpPool":
		return pool
	case "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool":
		return globalPool
	case "MaxUnpool":
		return maxUnpool
	case "MaxRoiPool", "RoiAlign":
		return roiPool
	case "GridSample":
		return gridSample
	case "AffineGrid":
		return affineGrid
	case "Resize", "Upsample":
		return resize
	case "Col2Im":
		return col2Im
	}
	return nil
}

// window holds the attributes that convolutions and pools share, one entry for each sliding dimension.
type window struct {
	kernel             []Expr
	strides, dilations []int64
	pads               []int64 // begins, then ends
	auto               string
	ceil               bool
}

// window reads the attributes for n dimensions; the kernel is left to the caller when the attribute is missing.
func (c *call) window(n int) (*window, error) {
	w := &window{auto: c.text("auto_pad", "NOTSET"), ceil: c.int("ceil_mode", 0) != 0}
	read := func(name string, want int, def int64) ([]int64, error) {
		list, ok := c.ints(name)
		if !ok {
			return slices.Repeat([]int64{def}, want), nil
		}
		if len(list) != want {
			return nil, c.fail("%d %s, want %d", len(list), name, want)
		}
		return list, nil
	}
	var err error
	if w.strides, err = read("strides", n, 1); err != nil {
		return nil, err
	}
	if w.dilations, err = read("dilations", n, 1); err != nil {
		return nil, err
	}
	if w.pads, err = read("pads", 2*n, 0); err != nil {
		return nil, err
	}
	for i := range n {
		if w.strides[i] < 1 || w.dilations[i] < 1 {
			return nil, c.fail("stride %d, dilation %d", w.strides[i], w.dilations[i])
		}
	}
	for _, v := range w.pads {
		if v < -math.MaxInt32 || v > math.MaxInt32 {
			return nil, c.fail("padding of %d", v)
		}
	}
	if kernel, ok := c.ints("kernel_shape"); ok {
		if len(kernel) != n {
			return nil, c.fail("kernel of %d dimensions, want %d", len(kernel), n)
		}
		w.kernel = sizes(kernel)
	}
	return w, nil
}

// windowOut is the size of sliding dimension i, of size d, after the window has gone over it.
func (c *call) windowOut(w *window, d Expr, i, axis int) Expr {
	stride := Const(w.strides[i])
	if w.auto == "SAME_UPPER" || w.auto == "SAME_LOWER" {
		return c.size(0, axis)(ceilDiv(d, stride))
	}
	reach, ok := w.reach(i)
	padded := d
	if ok && w.auto != "VALID" {
		padded, ok = add(d, Const(w.pads[i]+w.pads[i+len(w.pads)/2]))
	}
	span, fits := sub(padded, reach)
	if !ok || !fits {
		return c.fresh(0, axis)
	}
	if w.ceil {
		span, ok = ceilDiv(span, stride)
	} else {
		span, ok = floorDiv(span, stride)
	}
	if ok {
		span, ok = add(span, Const(1))
	}
	if ok && w.ceil { // no window begins in the padding at the end
		span, ok = w.bounded(span, d, i)
	}
	return c.size(0, axis)(span, ok)
}

// bounded is at most the number of windows that begin before the end of dimension i.
func (w *window) bounded(n, d Expr, i int) (Expr, bool) {
	if w.auto != "VALID" {
		var ok bool
		if d, ok = add(d, Const(w.pads[i])); !ok {
			return Expr{}, false
		}
	}
	starts, ok := ceilDiv(d, Const(w.strides[i]))
	if !ok {
		return Expr{}, false
	}
	return minimum(n, starts)
}

// reach is how many elements the kernel spans: (kernel - 1)*dilation + 1.
func (w *window) reach(i int) (Expr, bool) {
	k, ok := sub(w.kernel[i], Const(1))
	if ok {
		k, ok = mul(k, Const(w.dilations[i]))
	}
	if !ok {
		return Expr{}, false
	}
	return add(k, Const(1))
}

// conv has its weight at input i: [out channels, in channels per group, kernel...].
func conv(c *call, i int, dtype onnx.DType) error {
	in, weight := c.shape(0), c.shape(i)
	c.set(0, dtype, nil)
	if in == nil {
		return nil
	}
	if len(in) < 3 {
		return c.fail("input of rank %d", len(in))
	}
	n := len(in) - 2
	w, err := c.window(n)
	if err != nil {
		return err
	}
	out := c.freshDims(0, len(in))
	out[0] = in[0]
	c.set(0, dtype, out)
	if weight == nil {
		return nil
	}
	if len(weight) != len(in) {
		return c.fail("input of rank %d, weight of rank %d", len(in), len(weight))
	}
	if group := c.int("group", 1); group > 0 {
		if channels, ok := mul(weight[1], Const(group)); ok {
			if _, err := c.same("channels", in[1], channels); err != nil {
				return err
			}
		}
	}
	if w.kernel == nil {
		w.kernel = weight[2:]
	}
	out[1] = weight[0]
	for j := range n {
		out[2+j] = c.windowOut(w, in[2+j], j, 2+j)
	}
	return c.checkWindows(out)
}

// checkWindows refuses dimensions that are known to be negative.
func (c *call) checkWindows(out []Expr) error {
	for axis, d := range out {
		if v, ok := d.Const(); ok && v < 0 {
			return c.fail("dimension %d would be %d", axis, v)
		}
	}
	return nil
}

func convTranspose(c *call) error {
	in, weight := c.shape(0), c.shape(1)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	if len(in) < 3 {
		return c.fail("input of rank %d", len(in))
	}
	n := len(in) - 2
	w, err := c.window(n)
	if err != nil {
		return err
	}
	out := c.freshDims(0, len(in))
	out[0] = in[0]
	c.set(0, c.dtype(0), out)
	if weight == nil {
		return nil
	}
	if len(weight) != len(in) {
		return c.fail("input of rank %d, weight of rank %d", len(in), len(weight))
	}
	if _, err := c.same("channels", in[1], weight[0]); err != nil {
		return err
	}
	if w.kernel == nil {
		w.kernel = weight[2:]
	}
	out[1] = c.size(0, 1)(mul(weight[1], Const(c.int("group", 1))))
	explicit, _ := c.ints("output_shape")
	more, _ := c.ints("output_padding")
	for i := range n {
		switch {
		case len(explicit) == n:
			out[2+i] = Const(explicit[i])
		case w.auto == "SAME_UPPER" || w.auto == "SAME_LOWER":
			out[2+i] = c.size(0, 2+i)(mul(in[2+i], Const(w.strides[i])))
		default:
			extra := int64(0)
			if len(more) == n {
				extra = more[i]
			}
			out[2+i] = c.size(0, 2+i)(w.grown(in[2+i], i, extra))
		}
	}
	return c.checkWindows(out)
}

// grown is (d - 1)*stride + reach + extra - pads.
func (w *window) grown(d Expr, i int, extra int64) (Expr, bool) {
	span, ok := sub(d, Const(1))
	if ok {
		span, ok = mul(span, Const(w.strides[i]))
	}
	reach, fits := w.reach(i)
	if ok && fits {
		span, ok = add(span, reach)
	}
	if w.auto != "VALID" {
		extra -= w.pads[i] + w.pads[i+len(w.pads)/2]
	}
	if !ok || !fits {
		return Expr{}, false
	}
	return add(span, Const(extra))
}

func causalConv(c *call) error {
	in, weight := c.shape(0), c.shape(1)
	c.set(0, c.dtype(0), in)
	c.set(1, c.dtype(0), c.shape(3))
	if len(in) == 3 && len(weight) == 3 {
		c.set(1, c.dtype(0), []Expr{in[0], in[1], c.size(1, 2)(sub(weight[2], Const(1)))})
	}
	return nil
}

func pool(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	c.set(1, onnx.Int64, nil)
	if in == nil {
		return nil
	}
	if len(in) < 3 {
		return c.fail("input of rank %d", len(in))
	}
	w, err := c.window(len(in) - 2)
	if err != nil {
		return err
	}
	if w.kernel == nil {
		return c.fail("no kernel_shape")
	}
	out := []Expr{in[0], in[1]}
	for i, d := range in[2:] {
		out = append(out, c.windowOut(w, d, i, 2+i))
	}
	c.set(0, c.dtype(0), out)
	c.set(1, onnx.Int64, out)
	return c.checkWindows(out)
}

func globalPool(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	if len(in) < 2 {
		return c.fail("input of rank %d", len(in))
	}
	out := slices.Clone(in)
	for i := 2; i < len(out); i++ {
		out[i] = Const(1)
	}
	c.set(0, c.dtype(0), out)
	return nil
}
