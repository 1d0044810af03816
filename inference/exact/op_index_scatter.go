package exact

import (
	"math"
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// reducer puts n elements of updates into out: over what is there, or joined with it.
type reducer func(out, updates *Tensor, to, from, n int)

// reducers gives the reducer of an element type, nil when there is none.
func reducers(reduction string, dtype tensor.DType) reducer {
	if reduction == "none" {
		return func(out, updates *Tensor, to, from, n int) { copyRun(out, to, updates, from, n) }
	}
	switch dtype {
	case tensor.Float32:
		return joining(floatJoin(reduction))
	case tensor.Float64:
		return joining(float64Join(reduction))
	case tensor.Float16:
		return joining(narrowJoin(reduction, kernel.FromFloat16, kernel.ToFloat16))
	case tensor.BFloat16:
		return joining(narrowJoin(reduction, kernel.FromBFloat16, kernel.ToBFloat16))
	case tensor.Int64:
		return joining(integerJoin[int64](reduction))
	case tensor.Int32:
		return joining(integerJoin[int32](reduction))
	case tensor.Int16:
		return joining(integerJoin[int16](reduction))
	case tensor.Int8:
		return joining(integerJoin[int8](reduction))
	case tensor.Uint64:
		return joining(integerJoin[uint64](reduction))
	case tensor.Uint32:
		return joining(integerJoin[uint32](reduction))
	case tensor.Uint16:
		return joining(integerJoin[uint16](reduction))
	case tensor.Uint8:
		return joining(integerJoin[uint8](reduction))
	}
	return nil
}

// anyNumber is what elements that are joined are kept as.
type anyNumber interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

func joining[T anyNumber](f func(a, b T) T) reducer {
	if f == nil {
		return nil
	}
	return func(out, updates *Tensor, to, from, n int) {
		o, u := tensor.View[T](out)[to:to+n], tensor.View[T](updates)[from:from+n]
		for i := range o {
			o[i] = f(o[i], u[i])
		}
	}
}

func floatJoin(reduction string) func(a, b float32) float32 {
	switch reduction {
	case "add":
		return func(a, b float32) float32 { return kernel.Canon(a + b) }
	case "mul":
		return func(a, b float32) float32 { return kernel.Canon(float32(a * b)) }
	case "max":
		return kernel.Max
	case "min":
		return kernel.Min
	}
	return nil
}

// float64Join is floatJoin for the wider numbers.
func float64Join(reduction string) func(a, b float64) float64 {
	var f func(a, b float64) float64
	switch reduction {
	case "add":
		f = func(a, b float64) float64 { return a + b }
	case "mul":
		f = func(a, b float64) float64 { return float64(a * b) }
	case "max":
		f = func(a, b float64) float64 { return max(a, b) }
	case "min":
		f = func(a, b float64) float64 { return min(a, b) }
	default:
		return nil
	}
	return func(a, b float64) float64 {
		if v := f(a, b); v == v {
			return v
		}
		return math.NaN()
	}
}

// narrowJoin computes in float32 and rounds each result once.
func narrowJoin(reduction string, widen func(uint16) float32, narrow func(float32) uint16) func(a, b uint16) uint16 {
	f := floatJoin(reduction)
	if f == nil {
		return nil
	}
	return func(a, b uint16) uint16 { return narrow(f(widen(a), widen(b))) }
}

func integerJoin[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](reduction string) func(a, b T) T {
	switch reduction {
	case "add":
		return func(a, b T) T { return a + b }
	case "mul":
		return func(a, b T) T { return a * b }
	case "max":
		return func(a, b T) T { return max(a, b) }
	case "min":
		return func(a, b T) T { return min(a, b) }
	}
	return nil
}

// scatterTypes checks what both scatters share.
func scatterTypes(in []Spec, reduction string) error {
	if err := indexType(&in[1]); err != nil {
		return err
	}
	if in[2].DType != in[0].DType {
		return fail(ErrShape, "updates are %v of %v", in[2].DType, in[0].DType)
	}
	if reducers(reduction, in[0].DType) == nil {
		return fail(ErrUnsupported, "reduction %q of %v", reduction, in[0].DType)
	}
	return nil
}

// overInput lets the result take the first operand's memory, unless the same value is another operand.
func (b *binder) overInput() []int {
	if slices.Contains(b.node.In[1:], b.node.In[0]) {
		return nil
	}
	return []int{0}
}

// scatter copies the data and puts runs of updates into it, in their order.
func (c *call) scatter(in, out []*Tensor, reduction string, places []int32, n int) {
	copy(out[0].Bytes(), in[0].Bytes())
	put := reducers(reduction, in[0].DType)
	c.inOrder(len(places), n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			put(out[0], in[2], int(places[i]), i*n, n)
		}
	})
}

func bindScatterElements(b *binder) (eval, error) {
	along, reduction := b.int("axis", 0), b.text("reduction", "none")
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			err := elementIndices(&in[0], &in[1], along)
			if err == nil {
				err = scatterTypes(in, reduction)
			}
			if err == nil && !slices.Equal(in[1].Shape, in[2].Shape) {
				err = fail(ErrShape, "updates of shape %v for indices of %v", in[2].Shape, in[1].Shape)
			}
			return []Spec{in[0].like()}, err
		},
		compute: func(c *call, in, out []*Tensor) error {
			places, done, err := c.elementPlaces(in[1], in[0].Shape, along)
			if err != nil {
				return err
			}
			defer done()
			c.scatter(in, out, reduction, places, 1)
			return nil
		},
		inPlace: b.overInput(),
		cost:    scatterCost,
	}, nil
}

func scatterCost(in, out []Spec) Cost {
	return Cost{Instructions: 4*int64(tensor.Product(out[0].Shape)) + 100*int64(tensor.Product(in[1].Shape)) + 60*int64(tensor.Product(in[2].Shape))}
}

func bindScatterND(b *binder) (eval, error) {
	reduction := b.text("reduction", "none")
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if err := scatterTypes(in, reduction); err != nil {
				return nil, err
			}
			x, at := in[0].Shape, in[1].Shape
			if len(at) == 0 || at[len(at)-1] > len(x) {
				return nil, fail(ErrShape, "indices of shape %v into %v", at, x)
			}
			if want := slices.Concat(at[:len(at)-1], x[at[len(at)-1]:]); !slices.Equal(in[2].Shape, want) {
				return nil, fail(ErrShape, "updates of shape %v, want %v", in[2].Shape, want)
			}
			return []Spec{in[0].like()}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			places, n, done, err := c.tuples(in[1], in[0].Shape)
			if err != nil {
				return err
			}
			defer done()
			c.scatter(in, out, reduction, places, n)
			return nil
		},
		inPlace: b.overInput(),
		cost:    scatterCost,
	}, nil
}
