package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// rowOperators work on the elements along one axis together and give as many.
func rowOperators() map[string]*operator {
	type vectors = kernel.Vectors
	return map[string]*operator{
		"Softmax": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"axis"}, bind: bindAlong(along{
			f32: func(v *vectors, out, x []float32) { v.Softmax(out, x) },
			f64: func(out, x []float64) { softmax64(out, x, false) }, narrow: softmaxNarrow, price: 500,
		})},
		"LogSoftmax": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"axis"}, bind: bindAlong(along{
			f32: func(v *vectors, out, x []float32) { v.LogSoftmax(out, x) },
			f64: func(out, x []float64) { softmax64(out, x, true) }, price: 500,
		})},
		"Hardmax": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"axis"}, bind: bindAlong(along{
			f32: func(_ *vectors, out, x []float32) { hardmax(out, x) },
			f64: func(out, x []float64) { hardmax(out, x) }, price: 60,
		})},
		"LpNormalization": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"axis", "p"}, bind: bindLpNormalization},
		"Det":             {minIn: 1, maxIn: 1, out: 1, bind: bindDet},
	}
}

// along is a function of rows, for each family it exists for. out may be x.
type along struct {
	f32 func(v *kernel.Vectors, out, x []float32)
	f64 func(out, x []float64)
	// narrow, when not nil, is for float16 and bfloat16: round rounds every element to the type.
	narrow func(v *kernel.Vectors, row []float32, round func(x []float32))
	price  int64
}

func bindAlong(r along) func(*binder) (eval, error) {
	return func(b *binder) (eval, error) {
		where := b.int("axis", -1)
		return eval{
			infer: func(in []Spec) ([]Spec, error) {
				f := familyOf(in[0].DType)
				if f != floatFamily && f != doubleFamily {
					return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
				}
				if len(in[0].Shape) > 0 || where != -1 && where != 0 {
					if _, err := axis(where, len(in[0].Shape)); err != nil {
						return nil, err
					}
				}
				return []Spec{in[0].like()}, nil
			},
			compute: func(c *call, in, out []*Tensor) error { return r.compute(c, out[0], in[0], where) },
			inPlace: []int{0},
			cost:    perElement(r.price),
		}, nil
	}
}

func (r *along) compute(c *call, out, x *Tensor, where int) error {
	outer, n, inner := 1, 1, 1
	if len(x.Shape) > 0 {
		a, err := axis(where, len(x.Shape))
		if err != nil {
			return err
		}
		outer, n, inner = tensor.Product(x.Shape[:a]), x.Shape[a], tensor.Product(x.Shape[a+1:])
	}
	switch {
	case x.Len() == 0:
	case x.DType == tensor.Float32 && inner == 1:
		to, from := out.Float32s(), x.Float32s()
		c.rows(outer, n, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				r.f32(&c.set.Vectors, to[i*n:(i+1)*n], from[i*n:(i+1)*n])
			}
		})
	case x.DType == tensor.Float32:
		columns(c, out.Float32s(), x.Float32s(), outer, n, inner, func(row []float32) { r.f32(&c.set.Vectors, row, row) })
	case x.DType == tensor.Float64:
		columns(c, tensor.View[float64](out), tensor.View[float64](x), outer, n, inner, func(row []float64) { r.f64(row, row) })
	default:
		return r.widened(c, out, x, outer, n, inner)
	}
	return nil
}

// together is how many neighbouring columns are gathered at a time, so that memory is read in whole lines.
const together = 16

// columns applies a function to the elements along the middle dimension.
func columns[T float32 | float64](c *call, out, x []T, outer, n, inner int, f func(row []T)) {
	groups := (inner + together - 1) / together
	c.rows(outer*groups, n*min(together, inner), func(lo, hi int) {
		buffer := make([]T, n*min(together, inner))
		for i := lo; i < hi; i++ {
			first := i % groups * together
			at, width := i/groups*n*inner+first, min(together, inner-first)
			for k := range n {
				for j, v := range x[at+k*inner : at+k*inner+width] {
					buffer[j*n+k] = v
				}
			}
			for j := range width {
				f(buffer[j*n : (j+1)*n])
			}
			for k := range n {
				to := out[at+k*inner : at+k*inner+width]
				for j := range to {
					to[j] = buffer[j*n+k]
				}
			}
		}
	})
}

// widened computes the narrow floats in float32.
func (r *along) widened(c *call, out, x *Tensor, outer, n, inner int) error {
	data, done, err := scratch[float32](c, x.Len())
	if err != nil {
		return err
	}
	defer done()
	v := &c.set.Vectors
	loadFloats(v, data, x, 0)
	columns(c, data, data, outer, n, inner, func(row []float32) {
		if r.narrow != nil {
			r.narrow(v, row, func(x []float32) { roundTo(v, out.DType, x) })
			return
		}
		r.f32(v, row, row)
	})
	storeFloats(v, out, 0, data)
	return nil
}

// softmaxNarrow rounds the weights and their sum to the type, as its own arithmetic would.
func softmaxNarrow(v *kernel.Vectors, row []float32, round func(x []float32)) {
	v.SubScalar(row, row, v.Highest(row))
	v.Exp(row, row)
	round(row)
	total := []float32{v.Sum(fromWeight(row))}
	round(total)
	v.DivScalar(row, row, total[0])
}

// fromWeight leaves out leading zeros; trailing ones add nothing.
func fromWeight(row []float32) []float32 {
	for len(row) > 0 && row[0] == 0 {
		row = row[1:]
	}
	return row
}

// roundTo rounds float32 to float16 or bfloat16.
func roundTo(v *kernel.Vectors, dtype tensor.DType, x []float32) {
	var list [chunk]uint16
	for len(x) > 0 {
		n := min(chunk, len(x))
		if dtype == tensor.Float16 {
			v.ToFloat16(list[:n], x[:n])
			v.FromFloat16(x[:n], list[:n])
		} else {
			v.ToBFloat16(list[:n], x[:n])
			v.FromBFloat16(x[:n], list[:n])
		}
		x = x[n:]
	}
}

// hardmax is 1 at the first of the greatest, else 0. A NaN is the greatest.
func hardmax[T float32 | float64](out, x []T) {
	best := 0
	for i, v := range x {
		if v > x[best] || v != v && x[best] == x[best] {
			best = i
		}
	}
	clear(out)
	out[best] = 1
}

// bindLpNormalization divides by the norm, by 1 where that is 0.
func bindLpNormalization(b *binder) (eval, error) {
	p := b.int("p", 2)
	if p != 1 && p != 2 {
		return eval{}, fail(ErrUnsupported, "attribute p is %d", p)
	}
	return bindAlong(along{
		price: 60,
		f32: func(v *kernel.Vectors, out, x []float32) {
			norm := v.SumAbs
			if p == 2 {
				norm = v.Norm
			}
			total := norm(x)
			if total == 0 {
				total = 1
			}
			v.DivScalar(out, x, total)
		},
		f64: func(out, x []float64) {
			total := sum64(x, math.Abs)
			if p == 2 {
				total = math.Sqrt(sum64(x, square64))
			}
			if total == 0 {
				total = 1
			}
			for i, e := range x {
				out[i] = canon64(e / total)
			}
		},
	})(b)
}
