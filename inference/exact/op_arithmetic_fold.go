package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// What Max, Min, Sum and Mean do with two operands. The greater of two zeros is +0, and NaN is both the greatest and the smallest.
var (
	greater = &arithmetic{
		f32: func(v *kernel.Vectors) pairs { return pairs{v.Max, v.MaxScalar, swapped(v.MaxScalar)} },
		f64: max64, signed: func(a, b int64) int64 { return max(a, b) }, unsigned: func(a, b uint64) uint64 { return max(a, b) },
	}
	smaller = &arithmetic{
		f32: func(v *kernel.Vectors) pairs { return pairs{v.Min, v.MinScalar, swapped(v.MinScalar)} },
		f64: min64, signed: func(a, b int64) int64 { return min(a, b) }, unsigned: func(a, b uint64) uint64 { return min(a, b) },
	}
	added = &arithmetic{
		f32:    func(v *kernel.Vectors) pairs { return pairs{v.Add, v.AddScalar, swapped(v.AddScalar)} },
		f64:    func(a, b float64) float64 { return a + b },
		signed: func(a, b int64) int64 { return a + b }, unsigned: func(a, b uint64) uint64 { return a + b },
	}
)

// max64 and min64: the language defines its own for NaN and signed zeros in the same way.
func max64(a, b float64) float64 { return canon64(max(a, b)) }

func min64(a, b float64) float64 { return canon64(min(a, b)) }

// bindFold folds any number of operands from the left: ((a ∘ b) ∘ c) …; mean divides by their number in the end.
func bindFold(op *arithmetic, mean bool) func(*binder) (eval, error) {
	return func(b *binder) (eval, error) {
		e := eval{
			infer: func(in []Spec) ([]Spec, error) { return op.inferAll(in, mean) },
			compute: func(c *call, in, out []*Tensor) error {
				if err := op.foldAll(c, in, out[0]); err != nil {
					return err
				}
				if mean {
					scale(c, out[0], len(in))
				}
				return nil
			},
			cost: func(in, out []Spec) Cost {
				return Cost{Instructions: 200 * int64(len(in)+1) * int64(tensor.Product(out[0].Shape))}
			},
		}
		if len(b.node.In) <= 2 { // with more, the same value may still be read after the first step
			e.inPlace = []int{0, 1}
		}
		return e, nil
	}
}

func (op *arithmetic) inferAll(in []Spec, mean bool) ([]Spec, error) {
	shape := in[0].Shape
	for i := range in {
		s := &in[i]
		if s.DType != in[0].DType {
			return nil, fail(ErrShape, "operands are %v and %v", in[0].DType, s.DType)
		}
		var err error
		if shape, err = broadcastShape(shape, s.Shape); err != nil {
			return nil, err
		}
	}
	f := familyOf(in[0].DType)
	if !op.supports(in[0].DType) || mean && f != floatFamily && f != doubleFamily {
		return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
	}
	return one(in[0].DType, slices.Clone(shape)), nil
}

func (op *arithmetic) foldAll(c *call, in []*Tensor, out *Tensor) error {
	if len(in) == 1 {
		copy(out.Bytes(), in[0].Bytes())
		return nil
	}
	left := in[0]
	for _, right := range in[1:] {
		if err := op.compute(c, []*Tensor{left, right}, []*Tensor{out}); err != nil {
			return err
		}
		left = out
	}
	return nil
}

// scale divides by a number of operands.
func scale(c *call, x *Tensor, n int) {
	if familyOf(x.DType) == doubleFamily {
		unaryThrough(c, x, x, loadDoubles, storeDoubles, each(func(v float64) float64 { return v / float64(n) }))
		return
	}
	unaryFloats(c, x, x, func(out, x []float32) { c.set.DivScalar(out, x, float32(n)) })
}
