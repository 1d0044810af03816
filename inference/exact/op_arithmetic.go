package exact

import (
	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// arithmeticOperators work element by element.
func arithmeticOperators() map[string]*operator {
	binary := func(op arithmetic) *operator {
		return &operator{minIn: 2, maxIn: 2, out: 1, bind: plain(op.eval())}
	}
	return map[string]*operator{
		"Add": binary(arithmetic{
			f32: func(v *kernel.Vectors) func(out, a, b []float32) { return v.Add }, i32: each(addInt[int32]), i64: each(addInt[int64]),
		}),
	}
}

type integer interface{ int32 | int64 }

// arithmetic is one binary operation for each element type it exists for. Integers wrap.
type arithmetic struct {
	f32 func(v *kernel.Vectors) func(out, a, b []float32)
	i32 func(out, a, b []int32)
	i64 func(out, a, b []int64)
}

func addInt[T integer](a, b T) T { return a + b }

func each[T any](f func(a, b T) T) func(out, a, b []T) {
	return func(out, a, b []T) {
		for i := range out {
			out[i] = f(a[i], b[i])
		}
	}
}

func (op arithmetic) eval() eval {
	return eval{
		infer:   func(in []Spec) ([]Spec, error) { return op.infer(in) },
		compute: func(c *call, in, out []*Tensor) error { op.compute(c, in, out); return nil },
		inPlace: []int{0, 1},
		cost:    perElement(20),
	}
}

func (op arithmetic) infer(in []Spec) ([]Spec, error) {
	if in[0].DType != in[1].DType {
		return nil, fail(ErrShape, "operands are %v and %v", in[0].DType, in[1].DType)
	}
	switch in[0].DType {
	case tensor.Float32, tensor.Int32, tensor.Int64:
	default:
		return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
	}
	shape, err := broadcastShape(in[0].Shape, in[1].Shape)
	return one(in[0].DType, shape), err
}

func (op arithmetic) compute(c *call, in, out []*Tensor) {
	o, a, b := out[0], in[0], in[1]
	switch a.DType {
	case tensor.Float32:
		zip(o.Float32s(), o.Shape, a.Float32s(), a.Shape, b.Float32s(), b.Shape, op.f32(&c.set.Vectors))
	case tensor.Int32:
		zip(o.Int32s(), o.Shape, a.Int32s(), a.Shape, b.Int32s(), b.Shape, op.i32)
	case tensor.Int64:
		zip(o.Int64s(), o.Shape, a.Int64s(), a.Shape, b.Int64s(), b.Shape, op.i64)
	}
}
