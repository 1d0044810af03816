package exact

import (
	"math"
	"slices"

	"assay/inference/tensor"
)

func bindMaxPool(b *binder) (eval, error) {
	s, err := b.slide()
	byColumn := b.bool("storage_order", false)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			w, err := s.poolOver(&in[0])
			if err != nil {
				return nil, err
			}
			switch in[0].DType {
			case tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Int8, tensor.Uint8:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			shape := slices.Concat(in[0].Shape[:2], w.out)
			return []Spec{{DType: in[0].DType, Shape: shape}, {DType: tensor.Int64, Shape: shape}}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			spec := specsFor(in)[0]
			w, err := s.poolOver(&spec)
			if err != nil || out[0] == nil && out[1] == nil {
				return err
			}
			return c.maxPool(&w, in[0], out, byColumn)
		},
		cost: s.poolCost,
	}, err
}

// maxPool takes the greatest position of every window, of equal ones the first; NaN is the greatest, and +0 greater
// than -0.
func (c *call) maxPool(w *windows, x *Tensor, out []*Tensor, byColumn bool) error {
	var index []int64
	if len(out) > 1 && out[1] != nil {
		index = out[1].Int64s()
	}
	if out[0] == nil { // only the index is wanted
		y := tensor.New(x.DType, out[1].Shape...)
		out = []*Tensor{&y, out[1]}
	}
	if index == nil && c.maxPoolTiles(w, out[0], x) {
		return nil
	}
	switch x.DType {
	case tensor.Float32:
		maxPool(c, w, out[0].Float32s(), x.Float32s(), index, byColumn, float32(math.Inf(-1)), above32)
	case tensor.Float64:
		maxPool(c, w, tensor.View[float64](out[0]), tensor.View[float64](x), index, byColumn, math.Inf(-1), above64)
	case tensor.Int8:
		maxPool(c, w, tensor.View[int8](out[0]), tensor.View[int8](x), index, byColumn, math.MinInt8, above)
	case tensor.Uint8:
		maxPool(c, w, tensor.View[uint8](out[0]), tensor.View[uint8](x), index, byColumn, 0, above)
	default:
		return c.widened(out[0], []*Tensor{x}, func(y *Tensor, in []*Tensor) error {
			return c.maxPool(w, in[0], []*Tensor{y, out[len(out)-1]}[:len(out)], byColumn)
		})
	}
	return nil
}

// above reports whether v takes the place of the greatest so far.
func above[T int8 | uint8](v, best T) bool { return v > best }

func above32(v, best float32) bool { return above64(float64(v), float64(best)) }

func above64(v, best float64) bool {
	return v > best || v != v && best == best || v == 0 && best == 0 && math.Signbit(best) && !math.Signbit(v)
}

// maxPoolTiles is for many windows at once; bytes are compared as floats. It reports false, with nothing done, for what
// it is not made for.
func (c *call) maxPoolTiles(w *windows, y, x *Tensor) bool {
	positions, inSize := w.positions(), tensor.Product(w.in)
	if y.Len() == 0 {
		return true
	}
	p := pooling{start: float32(math.Inf(-1)), join: c.set.Max}
	switch x.DType {
	case tensor.Float32:
		p.read = func(plane int, _ *tileMemory) []float32 { return x.Float32s()[plane*inSize : (plane+1)*inSize] }
		p.write = func(plane, at int, line []float32) { copy(y.Float32s()[plane*positions+at:], line) }
	case tensor.Int8, tensor.Uint8:
		p.read = func(plane int, memory *tileMemory) []float32 {
			memory.in = slices.Grow(memory.in[:0], inSize)[:inSize]
			c.lessZeroFloats(memory.in, x, plane*inSize, nil, 0)
			return memory.in
		}
		p.write = func(plane, at int, line []float32) { c.quantise(y, plane*positions+at, line, 0) }
	default:
		return false
	}
	return p.pool(c, w, y.Len()/positions)
}

// maxPool gives, for an empty window, the lowest number and index 0.
func maxPool[T float32 | float64 | int8 | uint8](c *call, w *windows, y, x []T, index []int64, byColumn bool, lowest T, above func(v, best T) bool) {
	positions, inSize := w.positions(), tensor.Product(w.in)
	c.rows(len(y), w.size(), func(lo, hi int) {
		walk := newWindowWalk(w)
		where := make([]int, len(w.in))
		for i := lo; i < hi; i++ {
			plane := i / positions
			from := x[plane*inSize:][:inSize]
			best, bestAt := lowest, -1
			walk.each(i%positions, func(at int) {
				if bestAt < 0 || above(from[at], best) {
					best, bestAt = from[at], at
				}
			})
			y[i] = best
			if index == nil {
				continue
			}
			if bestAt = max(bestAt, 0); byColumn {
				split(where, w.in, bestAt)
				bestAt = 0
				for d := len(where) - 1; d >= 0; d-- {
					bestAt = bestAt*w.in[d] + where[d]
				}
			}
			index[i] = int64(plane*inSize + bestAt)
		}
	})
}

func bindMaxUnpool(b *binder) (eval, error) {
	s, err := b.slide()
	// The shape that the indices count in: what a pool over it would have given is the data's.
	pooled := func(x []int) ([]int, error) {
		rank := len(x) - 2
		if rank < 1 || len(s.kernel) != rank || s.stride != nil && len(s.stride) != rank || s.pads != nil && len(s.pads) != 2*rank {
			return nil, fail(ErrShape, "kernel %v over shape %v", s.kernel, x)
		}
		shape := slices.Clone(x)
		for d := range rank {
			size := int64(s.kernel[d])
			if s.stride == nil {
				size += int64(x[2+d]) - 1
			} else {
				size += macs(max(0, x[2+d]-1), s.stride[d])
			}
			if s.pads != nil {
				size -= int64(s.pads[d]) + int64(s.pads[d+rank])
			}
			if size < 1 {
				return nil, fail(ErrShape, "a result of %d positions", size)
			}
			shape[2+d] = clampInt(size)
		}
		return shape, nil
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			shape, err := pooled(in[0].Shape)
			if err != nil {
				return nil, err
			}
			if in[1].DType != tensor.Int64 || !slices.Equal(in[1].Shape, in[0].Shape) {
				return nil, fail(ErrShape, "indices are %v of shape %v for %v", in[1].DType, in[1].Shape, in[0].Shape)
			}
			want := optional(in, 2)
			if !want.given() {
				return one(in[0].DType, shape), nil
			}
			list, err := want.ints("output_shape", tensor.MaxRank)
			if err != nil {
				return nil, err
			}
			if len(list) != len(shape) || slices.ContainsFunc(list, func(d int) bool { return d < 0 }) {
				return nil, fail(ErrShape, "output_shape %v for %v", list, shape)
			}
			return one(in[0].DType, list), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			shape, err := pooled(in[0].Shape)
			if err != nil {
				return err
			}
			clear(out[0].Bytes())
			limit, ok := tensor.Count(shape, 1<<31-1)
			if !ok {
				return fail(ErrLimit, "indices into shape %v", shape)
			}
			where, to := make([]int, len(shape)), strides(out[0].Shape)
			for i, at := range in[1].Int64s() {
				if at < 0 || at >= int64(limit) {
					return fail(ErrInput, "index %d in shape %v", at, shape)
				}
				split(where, shape, int(at))
				offset := 0
				for d, p := range where {
					if p >= out[0].Shape[d] {
						return fail(ErrInput, "index %d outside of shape %v", at, out[0].Shape)
					}
					offset += p * to[d]
				}
				copyRun(out[0], offset, in[0], i, 1)
			}
			return nil
		},
		cost: func(in, out []Spec) Cost {
			return Cost{Instructions: 4*int64(tensor.Product(out[0].Shape)) + 200*int64(tensor.Product(in[0].Shape))}
		},
	}, err
}
