package exact

import (
	"slices"

	"assay/inference/tensor"
)

// bindTensorScatter writes new steps into a cache, for each element of the batch from its own position on.
func bindTensorScatter(b *binder) (eval, error) {
	along, mode := b.int("axis", -2), b.text("mode", "linear")
	if mode != "linear" && mode != "circular" {
		return eval{}, fail(ErrUnsupported, "mode %q", mode)
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			cache, update := in[0].Shape, in[1].Shape
			a, err := axis(along, len(cache))
			if err != nil {
				return nil, err
			}
			if a == 0 || in[1].DType != in[0].DType || len(update) != len(cache) || update[a] > cache[a] {
				return nil, fail(ErrShape, "an update of %v and shape %v to %v", in[1].DType, update, cache)
			}
			for d := range cache {
				if d != a && cache[d] != update[d] {
					return nil, fail(ErrShape, "an update of shape %v to %v", update, cache)
				}
			}
			if at := optional(in, 2); at.given() && (at.DType != tensor.Int64 || !slices.Equal(at.Shape, cache[:1])) {
				return nil, fail(ErrShape, "positions are %v of shape %v", at.DType, at.Shape)
			}
			return []Spec{in[0].like()}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			a, err := axis(along, len(in[0].Shape))
			if err != nil || out[0].Len() == 0 {
				return err
			}
			steps, room, inner := in[1].Shape[a], in[0].Shape[a], tensor.Product(in[0].Shape[a+1:])
			outer := tensor.Product(in[0].Shape[:a])
			perElement := outer / in[0].Shape[0]
			starts := make([]int, in[0].Shape[0])
			if at := operand(in, 2); at != nil {
				for i, v := range at.Int64s() {
					if v < 0 || v > int64(room) || mode == "linear" && v+int64(steps) > int64(room) {
						return fail(ErrInput, "%d steps from %d on in a cache of %d", steps, v, room)
					}
					starts[i] = int(v)
				}
			}
			copy(out[0].Bytes(), in[0].Bytes())
			c.rows(outer, steps*inner, func(lo, hi int) {
				for o := lo; o < hi; o++ {
					for s := range steps {
						to := (starts[o/perElement] + s) % room
						copyRun(out[0], (o*room+to)*inner, in[1], (o*steps+s)*inner, inner)
					}
				}
			})
			return nil
		},
		inPlace: b.overInput(),
		cost:    perElement(12),
	}, nil
}
