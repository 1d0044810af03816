package exact

import (
	"slices"

	"assay/inference/tensor"
)

func bindSlice(*binder) (eval, error) { return windowEval(sliced, 12), nil }

func bindExpand(*binder) (eval, error) { return windowEval(expanded, 12), nil }

func bindTile(*binder) (eval, error) { return windowEval(tiled, 12), nil }

// windowEval is an operator whose output is a window on its first operand, under the shape that it gives.
func windowEval(f func(in []Spec) (shape []int, v view, err error), cost int64) eval {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			shape, _, err := f(in)
			return one(in[0].DType, shape), err
		},
		compute: func(c *call, in, out []*Tensor) error {
			_, v, err := f(specsFor(in))
			if err != nil {
				return err
			}
			c.window(out[0], in[0], v)
			return nil
		},
		cost: perElement(cost),
	}
}

// sliced is the window of Slice.
func sliced(in []Spec) ([]int, view, error) {
	shape := in[0].Shape
	lists := make([][]int, 4)
	for i, what := range []string{"starts", "ends", "axes", "steps"} {
		s := optional(in, i+1)
		if !s.given() {
			continue
		}
		var err error
		if lists[i], err = s.ints(what, tensor.MaxRank); err != nil {
			return nil, view{}, err
		}
	}
	starts, ends, axes, steps := lists[0], lists[1], lists[2], lists[3]
	if axes == nil {
		axes = count(len(starts))
	}
	if steps == nil {
		steps = slices.Repeat([]int{1}, len(starts))
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		return nil, view{}, fail(ErrShape, "%d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	if _, err := axisSet(axes, len(shape)); err != nil {
		return nil, view{}, err
	}
	v := view{shape: slices.Clone(shape), strides: strides(shape)}
	for i, a := range axes {
		if a < 0 {
			a += len(shape)
		}
		if steps[i] == 0 {
			return nil, view{}, fail(ErrShape, "step 0 along axis %d", a)
		}
		start, n := sliceRange(starts[i], ends[i], steps[i], shape[a])
		v.offset += start * v.strides[a]
		v.shape[a] = n
		if n > 1 {
			v.strides[a] *= steps[i]
		}
	}
	return v.shape, v, nil
}

// count is the list 0, 1, … n-1.
func count(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// sliceRange is the first position and the number of positions of start:end:step in a dimension.
func sliceRange(start, end, step, size int) (first, n int) {
	low, high := 0, size
	if step < 0 {
		low, high = -1, size-1
	}
	place := func(at int) int {
		if at < 0 {
			at += size
		}
		return min(max(at, low), high)
	}
	first, last := place(start), place(end)
	if step < 0 {
		first, last = last, first
		if first >= last {
			return 0, 0
		}
		return last, int((int64(last)-int64(first)-1)/-int64(step)) + 1
	}
	if first >= last {
		return 0, 0
	}
	return first, int((int64(last)-int64(first)-1)/int64(step)) + 1
}

// expanded is the window of Expand, and of every broadcast to a given shape.
func expanded(in []Spec) ([]int, view, error) {
	want, err := in[1].ints("shape", tensor.MaxRank)
	if err != nil {
		return nil, view{}, err
	}
	if slices.ContainsFunc(want, func(d int) bool { return d < 0 }) {
		return nil, view{}, fail(ErrShape, "shape %v", want)
	}
	shape, err := broadcastShape(in[0].Shape, want)
	if err != nil {
		return nil, view{}, err
	}
	return shape, view{shape: shape, strides: broadcastStrides(in[0].Shape, shape)}, nil
}

// tiled is the window of Tile: each dimension is walked as repeats that stand still and positions that move.
func tiled(in []Spec) ([]int, view, error) {
	repeats, err := in[1].ints("repeats", tensor.MaxRank)
	if err != nil {
		return nil, view{}, err
	}
	if len(repeats) != len(in[0].Shape) {
		return nil, view{}, fail(ErrShape, "repeats %v of a tensor of %d dimensions", repeats, len(in[0].Shape))
	}
	shape := make([]int, len(repeats))
	var v view
	from := strides(in[0].Shape)
	for d, r := range repeats {
		if r < 0 {
			return nil, view{}, fail(ErrShape, "repeats %v", repeats)
		}
		shape[d] = clampInt(macs(r, in[0].Shape[d]))
		v.shape = append(v.shape, r, in[0].Shape[d])
		v.strides = append(v.strides, 0, from[d])
	}
	return shape, v, nil
}
