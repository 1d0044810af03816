package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// bindLRN is x / (bias + alpha/size · Σ x²)^beta, the sum over the channels around each one, ascending from +0.
func bindLRN(b *binder) (eval, error) {
	size := b.int("size", 0)
	alpha, beta, bias := b.float("alpha", 1e-4), b.float("beta", 0.75), b.float("bias", 1)
	if size < 1 {
		return eval{}, fail(ErrShape, "size %d", size)
	}
	run := func(c *call, y, x []float32, channels, inner int) {
		factor := float32(alpha / float32(size))
		c.rows(len(x)/max(1, inner), inner*(min(size, channels)+20), func(lo, hi int) {
			squares := make([]float32, inner)
			for r := lo; r < hi; r++ {
				row, channel := y[r*inner:(r+1)*inner], r%channels
				clear(row)
				for k := max(0, channel-(size-1)/2); k < min(channels, channel+size/2+1); k++ {
					near := x[(r-channel+k)*inner:][:inner]
					c.set.Mul(squares, near, near)
					c.set.Add(row, row, squares)
				}
				c.set.MulScalar(row, row, factor)
				c.set.AddScalar(row, row, bias)
				for i, v := range row {
					row[i] = kernel.Pow(v, beta)
				}
				c.set.Div(row, x[r*inner:(r+1)*inner], row)
			}
		})
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			switch in[0].DType {
			case tensor.Float32, tensor.Float16, tensor.BFloat16:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			if len(in[0].Shape) < 3 {
				return nil, fail(ErrShape, "shape %v has no spatial dimensions", in[0].Shape)
			}
			return []Spec{in[0].like()}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			if out[0].Len() == 0 {
				return nil
			}
			do := func(out *Tensor, in []*Tensor) error {
				run(c, out.Float32s(), in[0].Float32s(), in[0].Shape[1], tensor.Product(in[0].Shape[2:]))
				return nil
			}
			if in[0].DType == tensor.Float32 {
				return do(out[0], in)
			}
			return c.widened(out[0], in, do)
		},
		cost: func(in, out []Spec) Cost {
			return Cost{Instructions: macs(append(slices.Clone(out[0].Shape), 1200+40*min(size, max(1, out[0].Shape[min(1, len(out[0].Shape)-1)])))...)}
		},
	}, nil
}
