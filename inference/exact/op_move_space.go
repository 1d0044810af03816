package exact

import (
	"slices"

	"assay/inference/tensor"
)

func bindDepthToSpace(b *binder) (eval, error) {
	size, mode := b.int("blocksize", 0), b.text("mode", "DCR")
	if size < 1 || mode != "DCR" && mode != "CRD" {
		return eval{}, fail(ErrUnsupported, "blocks of %d in mode %q", size, mode)
	}
	return windowEval(func(in []Spec) ([]int, view, error) {
		s := in[0].Shape
		if len(s) != 4 || macs(size, size) > int64(s[1]) || s[1]%(size*size) != 0 {
			return nil, view{}, fail(ErrShape, "shape %v in blocks of %d", s, size)
		}
		depth := s[1] / (size * size)
		parts, perm := []int{s[0], size, size, depth, s[2], s[3]}, []int{0, 3, 4, 1, 5, 2}
		if mode == "CRD" {
			parts, perm = []int{s[0], depth, size, size, s[2], s[3]}, []int{0, 1, 4, 2, 5, 3}
		}
		v, err := transposed(parts, perm)
		return []int{s[0], depth, clampInt(macs(s[2], size)), clampInt(macs(s[3], size))}, v, err
	}, 12), nil
}

func bindSpaceToDepth(b *binder) (eval, error) {
	size, mode := b.int("blocksize", 0), b.text("mode", "DCR")
	if size < 1 || mode != "DCR" && mode != "CRD" {
		return eval{}, fail(ErrUnsupported, "blocks of %d in mode %q", size, mode)
	}
	perm := []int{0, 3, 5, 1, 2, 4}
	if mode == "CRD" {
		perm = []int{0, 1, 3, 5, 2, 4}
	}
	return windowEval(func(in []Spec) ([]int, view, error) {
		s := in[0].Shape
		if len(s) != 4 || s[2]%size != 0 || s[3]%size != 0 {
			return nil, view{}, fail(ErrShape, "shape %v in blocks of %d", s, size)
		}
		v, err := transposed([]int{s[0], s[1], s[2] / size, size, s[3] / size, size}, perm)
		return []int{s[0], clampInt(macs(s[1], size, size)), s[2] / size, s[3] / size}, v, err
	}, 12), nil
}

func bindReverseSequence(b *binder) (eval, error) {
	batch, time := b.int("batch_axis", 1), b.int("time_axis", 0)
	if batch+time != 1 || batch*time != 0 {
		return eval{}, fail(ErrShape, "batch axis %d, time axis %d", batch, time)
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if len(in[0].Shape) < 2 || in[1].DType != tensor.Int64 || !slices.Equal(in[1].Shape, in[0].Shape[batch:batch+1]) {
				return nil, fail(ErrShape, "lengths %v of %v for shape %v", in[1].DType, in[1].Shape, in[0].Shape)
			}
			return []Spec{in[0].like()}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			shape := in[0].Shape
			lengths := in[1].Int64s()
			for _, n := range lengths {
				if n < 0 || n > int64(shape[time]) {
					return fail(ErrInput, "a sequence of %d in %d steps", n, shape[time])
				}
			}
			inner := tensor.Product(shape[2:])
			c.rows(shape[0]*shape[1], inner, func(lo, hi int) {
				for r := lo; r < hi; r++ {
					at := [2]int{r / shape[1], r % shape[1]}
					if n := int(lengths[at[batch]]); at[time] < n {
						at[time] = n - 1 - at[time]
					}
					copyRun(out[0], r*inner, in[0], (at[0]*shape[1]+at[1])*inner, inner)
				}
			})
			return nil
		},
		cost: perElement(12),
	}, nil
}
