package exact

import (
	"encoding/binary"
	"math"
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

func bindRange(*binder) (eval, error) {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			for i := range in {
				if in[i].DType != in[0].DType || tensor.Product(in[i].Shape) != 1 || len(in[i].Shape) > 1 {
					return nil, fail(ErrShape, "operand %d is %v of shape %v", i, in[i].DType, in[i].Shape)
				}
				if _, err := in[i].known("the range"); err != nil {
					return nil, err
				}
			}
			n, err := rangeLength(in[0].Value, in[1].Value, in[2].Value)
			return one(in[0].DType, []int{n}), err
		},
		compute: func(c *call, in, out []*Tensor) error {
			switch in[0].DType {
			case tensor.Float32:
				fillRange(out[0], in, func(start, delta float32, i int) float32 {
					return kernel.Canon(start + float32(float32(i)*delta))
				})
			case tensor.Float16:
				fillNarrow(out[0], in, kernel.FromFloat16, kernel.ToFloat16)
			case tensor.BFloat16:
				fillNarrow(out[0], in, kernel.FromBFloat16, kernel.ToBFloat16)
			case tensor.Float64:
				fillRange(out[0], in, func(start, delta float64, i int) float64 { return start + float64(float64(i)*delta) })
			case tensor.Int64:
				fillRange(out[0], in, func(start, delta int64, i int) int64 { return start + delta*int64(i) })
			case tensor.Int32:
				fillRange(out[0], in, func(start, delta int32, i int) int32 { return start + delta*int32(i) })
			case tensor.Int16:
				fillRange(out[0], in, func(start, delta int16, i int) int16 { return start + delta*int16(i) })
			}
			return nil
		},
		cost: perElement(20),
	}, nil
}

// fillNarrow computes in float32 and rounds every element once.
func fillNarrow(out *Tensor, in []*Tensor, widen func(uint16) float32, narrow func(float32) uint16) {
	fillRange(out, in, func(start, delta uint16, i int) uint16 {
		return narrow(widen(start) + float32(float32(i)*widen(delta)))
	})
}

func fillRange[T float32 | float64 | int64 | int32 | int16 | uint16](out *Tensor, in []*Tensor, f func(start, delta T, i int) T) {
	start, delta := tensor.View[T](in[0])[0], tensor.View[T](in[2])[0]
	values := tensor.View[T](out)
	for i := range values {
		values[i] = f(start, delta, i)
	}
}

// rangeLength is how many steps lead from start to before limit.
func rangeLength(start, limit, delta *Tensor) (int, error) {
	var n float64
	switch start.DType {
	case tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16:
		n = math.Ceil((floatAt(limit, 0) - floatAt(start, 0)) / floatAt(delta, 0))
	case tensor.Int64:
		return integerSteps(start.Int64s()[0], limit.Int64s()[0], delta.Int64s()[0])
	case tensor.Int32:
		return integerSteps(int64(start.Int32s()[0]), int64(limit.Int32s()[0]), int64(delta.Int32s()[0]))
	case tensor.Int16:
		view := func(t *Tensor) int64 { return int64(tensor.View[int16](t)[0]) }
		return integerSteps(view(start), view(limit), view(delta))
	default:
		return 0, fail(ErrUnsupported, "element type %v", start.DType)
	}
	switch {
	case n != n || n > math.MaxInt32:
		return 0, fail(ErrInput, "a range without end")
	case n < 0:
		return 0, nil
	}
	return int(n), nil
}

func integerSteps(start, limit, delta int64) (int, error) {
	var distance, step uint64
	switch {
	case delta == 0:
		return 0, fail(ErrInput, "a range of step 0")
	case delta > 0 && start < limit:
		distance, step = uint64(limit)-uint64(start), uint64(delta)
	case delta < 0 && start > limit:
		distance, step = uint64(start)-uint64(limit), -uint64(delta)
	default:
		return 0, nil
	}
	return int(min((distance-1)/step+1, math.MaxInt32)), nil
}

func bindConstantOfShape(*binder) (eval, error) {
	dtype := func(in []Spec) tensor.DType {
		if value := optional(in, 1); value.given() {
			return value.DType
		}
		return tensor.Float32
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if value := optional(in, 1); value.given() && tensor.Product(value.Shape) != 1 {
				return nil, fail(ErrShape, "a value of shape %v", value.Shape)
			}
			shape, err := in[0].ints("shape", tensor.MaxRank)
			if slices.ContainsFunc(shape, func(d int) bool { return d < 0 }) {
				return nil, fail(ErrShape, "shape %v", shape)
			}
			return one(dtype(in), shape), err
		},
		compute: func(c *call, in, out []*Tensor) error {
			value := make([]byte, out[0].DType.Size())
			if len(in) > 1 && in[1] != nil {
				copy(value, in[1].Bytes())
			}
			c.rows(out[0].Len(), 1, func(lo, hi int) {
				fillBytes(out[0].Bytes()[lo*len(value):hi*len(value)], value)
			})
			return nil
		},
		cost: perElement(4),
	}, nil
}

func bindEyeLike(b *binder) (eval, error) {
	dtype, k := tensor.DType(b.int("dtype", 0)), b.int("k", 0)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			made := in[0].like()
			if dtype != 0 {
				made.DType = dtype
			}
			if len(made.Shape) != 2 {
				return nil, fail(ErrShape, "shape %v, want two dimensions", made.Shape)
			}
			if oneBytes(made.DType) == nil {
				return nil, fail(ErrUnsupported, "element type %v", made.DType)
			}
			return []Spec{made}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			clear(out[0].Bytes())
			unit, rows, columns := oneBytes(out[0].DType), out[0].Shape[0], out[0].Shape[1]
			for r := range rows {
				if at := int64(r) + int64(k); at >= 0 && at < int64(columns) {
					copy(out[0].Bytes()[(r*columns+int(at))*len(unit):], unit)
				}
			}
			return nil
		},
		cost: perElement(4),
	}, nil
}

// oneBytes is the number 1 as an element, nil for a type without it.
func oneBytes(dtype tensor.DType) []byte {
	switch {
	case dtype == tensor.Float32:
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(1))
	case dtype == tensor.Float64:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(1))
	case dtype == tensor.Float16:
		return []byte{0, 0x3c}
	case dtype == tensor.BFloat16:
		return []byte{0x80, 0x3f}
	case dtype.Integer() || dtype == tensor.Bool:
		one := make([]byte, dtype.Size())
		one[0] = 1
		return one
	}
	return nil
}
