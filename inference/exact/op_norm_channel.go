package exact

import (
	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// channels checks operands that hold one number for each of n channels, or for each of groups.
func channels(in []Spec, from, n, groups int) error {
	for i := from; i < len(in); i++ {
		s := &in[i]
		if familyOf(s.DType) != floatFamily {
			return fail(ErrUnsupported, "operand %d of %v", i, s.DType)
		}
		if len(s.Shape) != 1 || s.Shape[0] != n && s.Shape[0] != groups {
			return fail(ErrShape, "operand %d has shape %v for %d channels", i, s.Shape, n)
		}
	}
	return nil
}

// floatsOf gives the elements of a small float tensor as float32.
func (c *call) floatsOf(t *Tensor) []float32 {
	if t.DType == tensor.Float32 {
		return t.Float32s()
	}
	out := make([]float32, t.Len())
	loadFloats(&c.set.Vectors, out, t, 0)
	return out
}

// bindGroupNorm: mean and variance are of a group of channels, one channel each for InstanceNormalization; then
// (x - mean) · factor · scale + bias, each step rounded, with factor = 1 / sqrt(variance + epsilon). scale and bias
// are per channel; one per group also stands for every channel of it.
func bindGroupNorm(b *binder) (eval, error) {
	epsilon, groups := b.float("epsilon", 1e-5), 0
	if b.node.Op == "GroupNormalization" {
		if groups = b.int("num_groups", 0); groups < 1 {
			return eval{}, fail(ErrShape, "attribute num_groups is %d", groups)
		}
	}
	if b.int("stash_type", 1) != 1 {
		return eval{}, fail(ErrUnsupported, "attribute stash_type is %d", b.int("stash_type", 1))
	}
	of := func(channels int) int {
		if groups == 0 {
			return max(1, channels)
		}
		return groups
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			x := &in[0]
			if familyOf(x.DType) != floatFamily {
				return nil, fail(ErrUnsupported, "element type %v", x.DType)
			}
			if len(x.Shape) < 2 || x.Shape[1]%of(x.Shape[1]) != 0 {
				return nil, fail(ErrShape, "shape %v in %d groups of channels", x.Shape, groups)
			}
			return []Spec{x.like()}, channels(in, 1, x.Shape[1], of(x.Shape[1]))
		},
		compute: func(c *call, in, out []*Tensor) error {
			x := in[0]
			if x.Len() == 0 {
				return nil
			}
			all, spatial := x.Shape[1], tensor.Product(x.Shape[2:])
			scale, bias := c.floatsOf(in[1]), c.floatsOf(in[2])
			groups := of(all)
			per := all / groups
			v := &c.set.Vectors
			c.floatRows(out[0], x, per*spatial, func(i int, to, from []float32) {
				mean, variance := v.MeanVariance(from)
				factor := kernel.Canon(1 / kernel.Sqrt(variance+epsilon))
				v.SubScalar(to, from, mean)
				v.MulScalar(to, to, factor)
				for k := range per {
					row, channel := to[k*spatial:(k+1)*spatial], i%groups*per+k
					v.MulScalar(row, row, scale[channel*len(scale)/all])
					v.AddScalar(row, row, bias[channel*len(bias)/all])
				}
			})
			return nil
		},
		inPlace: []int{0},
		cost:    perElement(120),
	}, nil
}

// bindBatchNorm is (x - mean) · a + bias with a = scale · (1 / sqrt(variance + epsilon)), per channel.
func bindBatchNorm(b *binder) (eval, error) {
	epsilon := b.float("epsilon", 1e-5)
	if b.bool("training_mode", false) {
		return eval{}, fail(ErrUnsupported, "training_mode")
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			x := &in[0]
			if familyOf(x.DType) != floatFamily {
				return nil, fail(ErrUnsupported, "element type %v", x.DType)
			}
			all := channelsOf(x.Shape)
			return []Spec{x.like()}, channels(in, 1, all, all)
		},
		compute: func(c *call, in, out []*Tensor) error {
			x := in[0]
			if x.Len() == 0 {
				return nil
			}
			spatial := 1
			if len(x.Shape) > 2 {
				spatial = tensor.Product(x.Shape[2:])
			}
			scale, bias, mean, variance := c.floatsOf(in[1]), c.floatsOf(in[2]), c.floatsOf(in[3]), c.floatsOf(in[4])
			a := make([]float32, len(scale))
			for i := range a {
				a[i] = kernel.Canon(float32(scale[i] * kernel.Canon(1/kernel.Sqrt(variance[i]+epsilon))))
			}
			v := &c.set.Vectors
			if spatial == 1 {
				c.floatRows(out[0], x, len(a), func(_ int, to, from []float32) {
					v.Sub(to, from, mean)
					v.Mul(to, to, a)
					v.Add(to, to, bias)
				})
				return nil
			}
			c.floatRows(out[0], x, spatial, func(i int, to, from []float32) {
				channel := i % len(a)
				v.SubScalar(to, from, mean[channel])
				v.MulScalar(to, to, a[channel])
				v.AddScalar(to, to, bias[channel])
			})
			return nil
		},
		inPlace: []int{0},
		cost:    perElement(90),
	}, nil
}
