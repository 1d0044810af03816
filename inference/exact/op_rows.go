package exact

import "slices"

// rowTasks splits rows of the given length into tasks of a few thousand elements.
func rowTasks(rows, length int) (tasks, perTask int) {
	perTask = max(1, unaryChunk/max(1, length))
	return (rows + perTask - 1) / perTask, perTask
}

// eachRow calls f for every row of the given length in x, with the same row of out.
func (c *call) eachRow(out, x []float32, length int, f func(out, x []float32)) {
	if len(x) == 0 {
		return
	}
	rows := len(x) / length
	tasks, perTask := rowTasks(rows, length)
	c.parallel(tasks, func(task int) {
		for r := task * perTask; r < min(rows, (task+1)*perTask); r++ {
			f(out[r*length:(r+1)*length], x[r*length:(r+1)*length])
		}
	})
}

func bindSoftmax(b *binder) (evalFunc, error) {
	along := int(min(max(b.int("axis", -1), -MaxRank-1), MaxRank+1))
	if b.err != nil {
		return nil, b.err
	}
	return single(func(c *call, in []*Tensor) (*Tensor, error) {
		x := in[0]
		if x.DType != Float32 {
			return nil, fail(ErrShape, "operand is %v, want float32", x.DType)
		}
		a, err := axis(along, len(x.Shape))
		if err != nil {
			return nil, err
		}
		if a != len(x.Shape)-1 {
			return nil, fail(ErrUnsupported, "softmax along axis %d of %d, only the last", a, len(x.Shape))
		}
		out, err := c.make(Float32, x.Shape)
		if err != nil {
			return nil, err
		}
		c.eachRow(out.F32, x.F32, x.Shape[a], func(out, x []float32) { softmax(&c.kernel.vectors, out, x) })
		return out, nil
	}), nil
}

// softmax is e^(x-max) over its sum. A row of nothing but -Inf, or with a NaN or +Inf, becomes NaN throughout.
func softmax(k *vectors, out, x []float32) {
	top := x[0]
	for _, v := range x[1:] {
		if v > top || v != v {
			top = v
		}
	}
	for i, v := range x {
		out[i] = v - top
	}
	k.exp(out, out)
	total := sum(out)
	for i, v := range out {
		out[i] = canon(v / total)
	}
}

func bindLayerNorm(b *binder) (evalFunc, error) {
	along := int(min(max(b.int("axis", -1), -MaxRank-1), MaxRank+1))
	epsilon := b.float("epsilon", 1e-5)
	if b.err != nil {
		return nil, b.err
	}
	if b.int("stash_type", 1) != 1 {
		return nil, fail(ErrUnsupported, "stash_type other than float32")
	}
	return func(c *call, in []*Tensor) ([]*Tensor, error) {
		x := in[0]
		a, err := axis(along, len(x.Shape))
		if err != nil {
			return nil, err
		}
		inner := x.Shape[a:]
		var bias []float32
		if len(in) > 2 && in[2] != nil {
			if in[2].DType != Float32 || !slices.Equal(in[2].Shape, inner) {
				return nil, fail(ErrShape, "bias is %v of shape %v, rows have %v", in[2].DType, in[2].Shape, inner)
			}
			bias = in[2].F32
		}
		if x.DType != Float32 || in[1].DType != Float32 || !slices.Equal(in[1].Shape, inner) {
			return nil, fail(ErrShape, "scale is %v of shape %v, rows are %v of %v", in[1].DType, in[1].Shape, x.DType, inner)
		}
		return c.layerNorm(x, a, in[1].F32, bias, epsilon)
	}, nil
}

// layerNorm makes the three outputs: the result, and per row the mean and the factor 1 / sqrt(variance + epsilon).
func (c *call) layerNorm(x *Tensor, a int, scale, bias []float32, epsilon float32) ([]*Tensor, error) {
	rowShape := slices.Clone(x.Shape)
	for i := a; i < len(rowShape); i++ {
		rowShape[i] = 1
	}
	var out [3]*Tensor
	for i, shape := range [][]int{x.Shape, rowShape, rowShape} {
		var err error
		if out[i], err = c.make(Float32, shape); err != nil {
			return nil, err
		}
	}
	length := product(x.Shape[a:])
	if len(x.F32) == 0 {
		for r := range out[1].F32 { // rows of nothing
			out[1].F32[r], out[2].F32[r] = layerNorm(nil, nil, nil, nil, epsilon)
		}
		return out[:], nil
	}
	rows := len(x.F32) / length
	tasks, perTask := rowTasks(rows, length)
	c.parallel(tasks, func(task int) {
		for r := task * perTask; r < min(rows, (task+1)*perTask); r++ {
			at := r * length
			out[1].F32[r], out[2].F32[r] = layerNorm(out[0].F32[at:at+length], x.F32[at:at+length], scale, bias, epsilon)
		}
	})
	return out[:], nil
}

// layerNorm is (x - mean) · (1 / sqrt(variance + epsilon)) · scale + bias, each step rounded in that order. The
// variance is the mean of the squared differences.
func layerNorm(out, x, scale, bias []float32, epsilon float32) (mean, factor float32) {
	n := float32(len(x))
	mean = canon(sum(x) / n)
	variance := sumSquares(x, mean) / n
	factor = canon(1 / sqrt(variance+epsilon))
	scale, out = scale[:len(x)], out[:len(x)]
	if bias == nil {
		for i, v := range x {
			out[i] = canon(float32(float32((v-mean)*factor) * scale[i]))
		}
		return mean, factor
	}
	bias = bias[:len(x)]
	for i, v := range x {
		out[i] = canon(float32(float32((v-mean)*factor)*scale[i]) + bias[i])
	}
	return mean, factor
}

func bindReduce(mean bool) func(*binder) (evalFunc, error) {
	return func(b *binder) (evalFunc, error) {
		fixed, err := b.ints("axes")
		if err != nil {
			return nil, err
		}
		if fixed != nil && (b.opset >= 18 || len(b.node.Inputs) > 1) {
			return nil, fail(ErrUnsupported, "axes as an attribute in operator set %d", b.opset)
		}
		keep, noop := b.int("keepdims", 1) != 0, b.int("noop_with_empty_axes", 0) != 0
		if b.err != nil {
			return nil, b.err
		}
		return single(func(c *call, in []*Tensor) (*Tensor, error) {
			axes := fixed
			if len(in) > 1 && in[1] != nil {
				var err error
				if axes, err = vector(in[1], "axes", MaxRank); err != nil {
					return nil, err
				}
			}
			if len(axes) == 0 && noop {
				return in[0], nil
			}
			return c.reduce(in[0], axes, keep, mean)
		}), nil
	}
}

// reduce sums over axes (all when none is named). The elements of one sum are taken in row-major order and fed to
// a laneSum; a mean divides the sum by their number.
func (c *call) reduce(x *Tensor, axes []int, keep, mean bool) (*Tensor, error) {
	if x.DType != Float32 {
		return nil, fail(ErrUnsupported, "reduction of %v", x.DType)
	}
	set, err := axisSet(axes, len(x.Shape))
	if err != nil {
		return nil, err
	}
	var shape, outer, outerSteps, inner, innerSteps []int
	steps := strides(x.Shape)
	for d, size := range x.Shape {
		if len(axes) == 0 || set[d] {
			inner, innerSteps = append(inner, size), append(innerSteps, steps[d])
			if keep {
				shape = append(shape, 1)
			}
			continue
		}
		outer, outerSteps = append(outer, size), append(outerSteps, steps[d])
		shape = append(shape, size)
	}
	out, err := c.make(Float32, shape)
	if err != nil {
		return nil, err
	}
	n := product(inner)
	row := make([]float32, n)
	at := 0
	walkRows(outer, [][]int{outerSteps}, func(offsets []int) {
		gather(row, x.F32, view{shape: inner, strides: innerSteps, offset: offsets[0]})
		total := sum(row)
		if mean {
			total = canon(total / float32(n))
		}
		out.F32[at] = total
		at++
	})
	return out, nil
}
