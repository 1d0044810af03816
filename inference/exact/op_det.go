package exact

import (
	"math"

	"assay/inference/tensor"
)

// bindDet is the determinant of each of the matrices in the last two dimensions, by elimination in float64.
func bindDet(*binder) (eval, error) {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			x := &in[0]
			if f := familyOf(x.DType); f != floatFamily && f != doubleFamily {
				return nil, fail(ErrUnsupported, "element type %v", x.DType)
			}
			rank := len(x.Shape)
			if rank < 2 || x.Shape[rank-1] != x.Shape[rank-2] {
				return nil, fail(ErrShape, "matrices of shape %v", x.Shape)
			}
			return one(x.DType, x.Shape[:rank-2]), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			x := in[0]
			n := x.Shape[len(x.Shape)-1]
			all, done, err := scratch[float64](c, x.Len())
			if err != nil {
				return err
			}
			defer done()
			c.rows(out[0].Len(), n*n*n/4, func(lo, hi int) {
				results := make([]float64, hi-lo)
				readWide(&c.set.Vectors, all[lo*n*n:hi*n*n], x, lo*n*n)
				for i := range results {
					results[i] = determinant(all[(lo+i)*n*n:(lo+i+1)*n*n], n)
				}
				writeWide(&c.set.Vectors, out[0], lo, results)
			})
			return nil
		},
		scratch: func(in, _ []Spec) int64 { return handedOut(8 * int64(tensor.Product(in[0].Shape))) },
		cost: func(in, out []Spec) Cost {
			n := in[0].Shape[len(in[0].Shape)-1]
			elements := int64(tensor.Product(in[0].Shape))
			return Cost{Multiplies: macs(tensor.Product(out[0].Shape), n, n, n) / 2, Instructions: 400*elements + 1500*int64(tensor.Product(out[0].Shape))}
		},
	}, nil
}

// determinant eliminates column after column, each with the row whose element there is largest (of equals the first, a
// NaN above all), and multiplies the diagonal downwards. It destroys m.
func determinant(m []float64, n int) float64 {
	product := 1.0
	for k := range n {
		best, size := k, math.Abs(m[k*n+k])
		for i := k + 1; i < n; i++ {
			if v := math.Abs(m[i*n+k]); v > size || v != v && size == size {
				best, size = i, v
			}
		}
		top, pivot := m[k*n:(k+1)*n], m[best*n+k]
		if best != k {
			swap(top, m[best*n:(best+1)*n])
			product = -product
		}
		product = float64(product * pivot)
		if pivot == 0 {
			return math.Abs(product) // +0, unless it is NaN
		}
		for i := k + 1; i < n; i++ {
			row := m[i*n : (i+1)*n]
			factor := row[k] / pivot
			for j := k + 1; j < n; j++ {
				row[j] -= float64(factor * top[j])
			}
		}
	}
	return product
}

func swap(a, b []float64) {
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
}
