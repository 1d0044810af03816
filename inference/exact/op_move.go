package exact

import "slices"

func bindTranspose(b *binder) (evalFunc, error) {
	perm, err := b.ints("perm")
	if err != nil {
		return nil, err
	}
	return single(func(c *call, in []*Tensor) (*Tensor, error) {
		x := in[0]
		order := perm
		if order == nil {
			for i := len(x.Shape) - 1; i >= 0; i-- {
				order = append(order, i)
			}
		}
		if len(order) != len(x.Shape) {
			return nil, fail(ErrShape, "permutation %v of %d dimensions", order, len(x.Shape))
		}
		if slices.ContainsFunc(order, func(a int) bool { return a < 0 }) {
			return nil, fail(ErrShape, "permutation %v", order)
		}
		if _, err := axisSet(order, len(x.Shape)); err != nil {
			return nil, err
		}
		from := strides(x.Shape)
		v := view{shape: make([]int, len(order)), strides: make([]int, len(order))}
		for i, a := range order {
			v.shape[i], v.strides[i] = x.Shape[a], from[a]
		}
		return c.copyView(x, v)
	}), nil
}

func evalSlice(c *call, in []*Tensor) (*Tensor, error) {
	x := in[0]
	rank := len(x.Shape)
	starts, err := vector(in[1], "starts", rank)
	if err != nil {
		return nil, err
	}
	ends, err := vector(in[2], "ends", rank)
	if err != nil {
		return nil, err
	}
	axes, steps := make([]int, len(starts)), make([]int, len(starts))
	for i := range starts {
		axes[i], steps[i] = i, 1
	}
	if len(in) > 3 && in[3] != nil {
		if axes, err = vector(in[3], "axes", rank); err != nil {
			return nil, err
		}
	}
	if len(in) > 4 && in[4] != nil {
		if steps, err = vector(in[4], "steps", rank); err != nil {
			return nil, err
		}
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		return nil, fail(ErrShape, "%d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	if _, err := axisSet(axes, rank); err != nil {
		return nil, err
	}
	v := view{shape: slices.Clone(x.Shape), strides: strides(x.Shape)}
	for i, a := range axes {
		if a < 0 {
			a += rank
		}
		if steps[i] == 0 {
			return nil, fail(ErrShape, "step 0")
		}
		first, n := cut(starts[i], ends[i], steps[i], x.Shape[a])
		v.offset += first * v.strides[a]
		v.strides[a] *= steps[i]
		v.shape[a] = n
	}
	return c.copyView(x, v)
}

// cut gives the first position and the number of positions of a slice of a dimension.
func cut(start, end, step, size int) (first, n int) {
	if start < 0 {
		start += size
	}
	if end < 0 {
		end += size
	}
	if step > 0 {
		start, end = min(max(start, 0), size), min(max(end, 0), size)
		if end <= start {
			return 0, 0
		}
		return start, (end-start-1)/step + 1
	}
	start, end = min(max(start, -1), size-1), min(max(end, -1), size-1)
	if start <= end {
		return 0, 0
	}
	return start, (start-end-1)/-step + 1
}

func bindConcat(b *binder) (evalFunc, error) {
	along := clampInt(b.int("axis", 1<<20))
	if b.err != nil {
		return nil, b.err
	}
	return bindPlainOf(func(c *call, in []*Tensor) (*Tensor, error) {
		a, err := axis(along, len(in[0].Shape))
		if err != nil {
			return nil, err
		}
		shape := slices.Clone(in[0].Shape)
		total := int64(0)
		for _, t := range in {
			if t.DType != in[0].DType || len(t.Shape) != len(shape) {
				return nil, fail(ErrShape, "operands %v of %v and %v of %v", in[0].DType, in[0].Shape, t.DType, t.Shape)
			}
			for d, size := range t.Shape {
				if d != a && size != shape[d] {
					return nil, fail(ErrShape, "operands of shapes %v and %v along axis %d", in[0].Shape, t.Shape, a)
				}
			}
			total += int64(t.Shape[a])
		}
		shape[a] = clampInt(total)
		out, err := c.make(in[0].DType, shape)
		if err != nil || out.Len() == 0 {
			return out, err
		}
		outer, inner := product(shape[:a]), product(shape[a+1:])
		at := 0
		for o := range outer {
			for _, t := range in {
				run := t.Shape[a] * inner
				copyRun(out, at, t, o*run, run)
				at += run
			}
		}
		return out, nil
	})(b)
}

// indices reads positions along a dimension of the given size; negative ones count from the end.
func indices(t *Tensor, size int) ([]int, error) {
	if t.DType != Int64 && t.DType != Int32 {
		return nil, fail(ErrShape, "indices are %v, want integers", t.DType)
	}
	out := make([]int, t.Len())
	for i := range out {
		v := t.intAt(i)
		if v < -int64(size) || v >= int64(size) {
			return nil, fail(ErrInput, "index %d, but there are %d", v, size)
		}
		if v < 0 {
			v += int64(size)
		}
		out[i] = int(v)
	}
	return out, nil
}

func bindGather(b *binder) (evalFunc, error) {
	along := clampInt(b.int("axis", 0))
	if b.err != nil {
		return nil, b.err
	}
	return single(func(c *call, in []*Tensor) (*Tensor, error) {
		x := in[0]
		a, err := axis(along, len(x.Shape))
		if err != nil {
			return nil, err
		}
		at, err := indices(in[1], x.Shape[a])
		if err != nil {
			return nil, err
		}
		shape := slices.Concat(x.Shape[:a], in[1].Shape, x.Shape[a+1:])
		out, err := c.make(x.DType, shape)
		if err != nil || out.Len() == 0 {
			return out, err
		}
		outer, run := product(x.Shape[:a]), product(x.Shape[a+1:])
		to := 0
		for o := range outer {
			base := o * x.Shape[a]
			for _, i := range at {
				copyRun(out, to, x, (base+i)*run, run)
				to += run
			}
		}
		return out, nil
	}), nil
}

func bindGatherND(b *binder) (evalFunc, error) {
	if b.int("batch_dims", 0) != 0 {
		return nil, fail(ErrUnsupported, "batch_dims other than 0")
	}
	if b.err != nil {
		return nil, b.err
	}
	return single(func(c *call, in []*Tensor) (*Tensor, error) {
		x, where := in[0], in[1]
		if len(where.Shape) == 0 || where.DType != Int64 {
			return nil, fail(ErrShape, "indices are %v of shape %v", where.DType, where.Shape)
		}
		depth := where.Shape[len(where.Shape)-1]
		if depth < 1 || depth > len(x.Shape) {
			return nil, fail(ErrShape, "indices of %d numbers into shape %v", depth, x.Shape)
		}
		shape := slices.Concat(where.Shape[:len(where.Shape)-1], x.Shape[depth:])
		out, err := c.make(x.DType, shape)
		if err != nil {
			return nil, err
		}
		steps := strides(x.Shape)
		run := product(x.Shape[depth:])
		for i, to := 0, 0; i < len(where.I64); i += depth {
			from := 0
			for d, v := range where.I64[i : i+depth] {
				size := int64(x.Shape[d])
				if v < -size || v >= size {
					return nil, fail(ErrInput, "index %d, but there are %d", v, size)
				}
				if v < 0 {
					v += size
				}
				from += int(v) * steps[d]
			}
			copyRun(out, to, x, from, run)
			to += run
		}
		return out, nil
	}), nil
}
