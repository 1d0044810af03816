package exact

import (
	"slices"

	"assay/inference/onnx"
)

func bindConstant(b *binder) (evalFunc, error) {
	if len(b.node.Attributes) != 1 {
		return nil, fail(ErrShape, "%d attributes, want the one value", len(b.node.Attributes))
	}
	a := b.node.Attributes[0]
	kinds := map[string]onnx.AttributeKind{
		"value": onnx.KindTensor, "value_float": onnx.KindFloat, "value_floats": onnx.KindFloats,
		"value_int": onnx.KindInt, "value_ints": onnx.KindInts,
	}
	if a.Kind != kinds[a.Name] {
		return nil, fail(ErrShape, "attribute %q is of kind %d", a.Name, a.Kind)
	}
	return single(func(c *call, _ []*Tensor) (*Tensor, error) {
		switch a.Kind {
		case onnx.KindTensor:
			return c.load(a.Tensor)
		case onnx.KindFloat:
			return &Tensor{DType: Float32, F32: []float32{canon(a.Float)}}, nil
		case onnx.KindInt:
			return &Tensor{DType: Int64, I64: []int64{a.Int}}, nil
		case onnx.KindInts:
			out, err := c.make(Int64, []int{len(a.Ints)})
			if err != nil {
				return nil, err
			}
			copy(out.I64, a.Ints)
			return out, nil
		}
		out, err := c.make(Float32, []int{len(a.Floats)})
		if err != nil {
			return nil, err
		}
		copy(out.F32, a.Floats)
		canonicalise(out.F32)
		return out, nil
	}), nil
}

func bindShape(b *binder) (evalFunc, error) {
	start, end := b.int("start", 0), b.int("end", MaxRank)
	if b.err != nil {
		return nil, b.err
	}
	return single(func(c *call, in []*Tensor) (*Tensor, error) {
		rank := int64(len(in[0].Shape))
		clamp := func(v int64) int64 {
			if v < 0 {
				v += rank
			}
			return min(max(v, 0), rank)
		}
		from, to := clamp(start), clamp(end)
		dims := in[0].Shape[from:max(from, to)]
		out, err := c.make(Int64, []int{len(dims)})
		if err != nil {
			return nil, err
		}
		for i, d := range dims {
			out.I64[i] = int64(d)
		}
		return out, nil
	}), nil
}

// reshaped shares t's elements under another shape of the same size.
func reshaped(t *Tensor, shape []int) *Tensor {
	out := *t
	out.Shape = shape
	return &out
}

func bindReshape(b *binder) (evalFunc, error) {
	allowZero := b.int("allowzero", 0) != 0
	if b.err != nil {
		return nil, b.err
	}
	return single(func(c *call, in []*Tensor) (*Tensor, error) {
		want, err := vector(in[1], "shape", MaxRank)
		if err != nil {
			return nil, err
		}
		shape, err := c.resolve(in[0].Shape, want, allowZero)
		if err != nil {
			return nil, err
		}
		return reshaped(in[0], shape), nil
	}), nil
}

// resolve fills in the -1 and, unless zeros are literal, the 0 of a Reshape.
func (c *call) resolve(from, want []int, allowZero bool) ([]int, error) {
	shape := slices.Clone(want)
	open := -1
	for i, d := range want {
		switch {
		case d == -1 && open < 0:
			open = i
			shape[i] = 1
		case d < 0:
			return nil, fail(ErrShape, "shape %v", want)
		case d == 0 && !allowZero:
			if i >= len(from) {
				return nil, fail(ErrShape, "shape %v copies dimension %d of %v", want, i, from)
			}
			shape[i] = from[i]
		}
	}
	total := product(from)
	known, ok := count(shape, c.limits.Elements)
	if open >= 0 {
		if !ok || known == 0 || total%known != 0 {
			return nil, fail(ErrShape, "shape %v from %v", want, from)
		}
		shape[open] = total / known
		known = total
	}
	if !ok || known != total {
		return nil, fail(ErrShape, "shape %v from %v", want, from)
	}
	return shape, nil
}

func evalSqueeze(c *call, in []*Tensor) (*Tensor, error) {
	x := in[0]
	drop := make([]bool, len(x.Shape))
	if len(in) > 1 && in[1] != nil {
		axes, err := vector(in[1], "axes", MaxRank)
		if err != nil {
			return nil, err
		}
		if drop, err = axisSet(axes, len(x.Shape)); err != nil {
			return nil, err
		}
	} else {
		for i, d := range x.Shape {
			drop[i] = d == 1
		}
	}
	shape := []int{}
	for i, d := range x.Shape {
		if !drop[i] {
			shape = append(shape, d)
		} else if d != 1 {
			return nil, fail(ErrShape, "dimension %d is %d, not 1", i, d)
		}
	}
	return reshaped(x, shape), nil
}

func evalUnsqueeze(c *call, in []*Tensor) (*Tensor, error) {
	axes, err := vector(in[1], "axes", MaxRank)
	if err != nil {
		return nil, err
	}
	rank := len(in[0].Shape) + len(axes)
	if rank > MaxRank {
		return nil, fail(ErrLimit, "a tensor of %d dimensions, limit %d", rank, MaxRank)
	}
	set, err := axisSet(axes, rank)
	if err != nil {
		return nil, err
	}
	shape := make([]int, 0, rank)
	rest := in[0].Shape
	for i := range rank {
		if set[i] {
			shape = append(shape, 1)
			continue
		}
		shape, rest = append(shape, rest[0]), rest[1:]
	}
	return reshaped(in[0], shape), nil
}

func evalExpand(c *call, in []*Tensor) (*Tensor, error) {
	want, err := vector(in[1], "shape", MaxRank)
	if err != nil {
		return nil, err
	}
	for _, d := range want {
		if d < 0 {
			return nil, fail(ErrShape, "shape %v", want)
		}
	}
	shape, err := broadcastShape(in[0].Shape, want)
	if err != nil {
		return nil, err
	}
	return c.copyView(in[0], view{shape: shape, strides: broadcastStrides(in[0].Shape, shape)})
}

func evalRange(c *call, in []*Tensor) (*Tensor, error) {
	for _, t := range in {
		if t.DType != Int64 {
			return nil, fail(ErrUnsupported, "range of %v, only int64", t.DType)
		}
		if t.Len() != 1 {
			return nil, fail(ErrShape, "operand of shape %v, want a scalar", t.Shape)
		}
	}
	start, limit, step := in[0].I64[0], in[1].I64[0], in[2].I64[0]
	const big = 1 << 40 // far over any tensor, far under overflow
	if step == 0 || max(start, limit, step) > big || min(start, limit, step) < -big {
		return nil, fail(ErrLimit, "range from %d to %d by %d", start, limit, step)
	}
	n := int64(0)
	if step > 0 && limit > start {
		n = (limit - start + step - 1) / step
	} else if step < 0 && limit < start {
		n = (start - limit - step - 1) / -step
	}
	if n > c.limits.Elements {
		return nil, fail(ErrLimit, "range of %d elements, limit %d", n, c.limits.Elements)
	}
	out, err := c.make(Int64, []int{int(n)})
	if err != nil {
		return nil, err
	}
	for i := range out.I64 {
		out.I64[i] = start + int64(i)*step
	}
	return out, nil
}
