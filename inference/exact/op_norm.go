package exact

import (
	"math"
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// normOperators subtract means and divide by deviations.
func normOperators() map[string]*operator {
	return map[string]*operator{
		"LayerNormalization": {
			minIn: 2, maxIn: 3, out: 3, attributes: []string{"axis", "epsilon", "stash_type"},
			bind: bindLayerNorm(rowNorm{mean: true, scale: 1, bias: 2, epsilon: 1e-5}),
		},
		"RMSNormalization": {
			minIn: 2, maxIn: 2, out: 1, attributes: []string{"axis", "epsilon", "stash_type"},
			bind: bindLayerNorm(rowNorm{scale: 1, bias: -1, epsilon: 1e-5}),
		},
		"SimplifiedLayerNormalization": {
			minIn: 2, maxIn: 2, out: 2, attributes: []string{"axis", "epsilon", "stash_type"},
			bind: bindLayerNorm(rowNorm{scale: 1, bias: -1, epsilon: 1e-5}),
		},
		"SkipLayerNormalization": {
			minIn: 3, maxIn: 5, out: 4, attributes: []string{"epsilon"},
			bind: bindSkipNorm(rowNorm{mean: true, scale: 2, bias: 3, epsilon: 1e-12}, 4),
		},
		"SkipSimplifiedLayerNormalization": {
			minIn: 3, maxIn: 4, out: 4, attributes: []string{"epsilon"},
			bind: bindSkipNorm(rowNorm{scale: 2, bias: -1, epsilon: 1e-12}, 3),
		},
		"InstanceNormalization": {minIn: 3, maxIn: 3, out: 1, attributes: []string{"epsilon"}, bind: bindGroupNorm},
		"GroupNormalization": {
			minIn: 3, maxIn: 3, out: 1, attributes: []string{"epsilon", "num_groups", "stash_type"}, bind: bindGroupNorm,
		},
		"BatchNormalization": {
			minIn: 5, maxIn: 5, out: 1, attributes: []string{"epsilon", "momentum", "training_mode"}, bind: bindBatchNorm,
		},
		"BatchNormalizationTraining": {
			minIn: 5, maxIn: 5, out: 3, attributes: []string{"epsilon", "momentum"}, bind: bindBatchNormTraining,
		},
		"MeanVarianceNormalization": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"axes"}, bind: bindMeanVariance},
	}
}

// rowNorm normalises rows: (x - mean) · factor · scale + bias, or without mean x · factor · scale.
type rowNorm struct {
	mean        bool
	scale, bias int // operands; bias is -1 when there never is one
	axis        int
	epsilon     float32
}

func bindLayerNorm(r rowNorm) func(*binder) (eval, error) {
	return func(b *binder) (eval, error) {
		r := r
		r.axis, r.epsilon = b.int("axis", -1), b.float("epsilon", r.epsilon)
		if b.int("stash_type", 1) != 1 {
			return eval{}, fail(ErrUnsupported, "attribute stash_type is %d", b.int("stash_type", 1))
		}
		return eval{
			infer: func(in []Spec) ([]Spec, error) {
				stat, err := r.check(in)
				if err != nil {
					return nil, err
				}
				out := []Spec{in[0].like(), {DType: tensor.Float32, Shape: stat}, {DType: tensor.Float32, Shape: stat}}
				if !r.mean {
					out = slices.Delete(out, 1, 2)
				}
				return out, nil
			},
			compute: func(c *call, in, out []*Tensor) error {
				var mean, factor *Tensor
				if rest := out[1:]; r.mean {
					mean, factor = rest[0], rest[1]
				} else if len(rest) > 0 {
					factor = rest[0]
				}
				return r.compute(c, in, out[0], in[0], mean, factor)
			},
			inPlace: []int{0},
			cost:    perElement(60),
		}, nil
	}
}

// check gives the shape of means: the dimensions from the axis on are 1.
func (r *rowNorm) check(in []Spec) ([]int, error) {
	x := &in[0]
	if familyOf(x.DType) != floatFamily {
		return nil, fail(ErrUnsupported, "element type %v", x.DType)
	}
	a, err := axis(r.axis, len(x.Shape))
	if err != nil {
		return nil, err
	}
	for _, i := range []int{r.scale, r.bias} {
		if i < 0 || i >= len(in) || !in[i].given() {
			continue
		}
		if familyOf(in[i].DType) != floatFamily {
			return nil, fail(ErrUnsupported, "scale or bias of %v", in[i].DType)
		}
		shape, err := broadcastShape(x.Shape[a:], in[i].Shape)
		if err != nil {
			return nil, err
		}
		if !sameShape(shape, x.Shape[a:]) {
			return nil, fail(ErrShape, "scale or bias of shape %v for rows of shape %v", in[i].Shape, x.Shape[a:])
		}
	}
	stat := slices.Clone(x.Shape)
	for i := a; i < len(stat); i++ {
		stat[i] = 1
	}
	return stat, nil
}

// compute normalises the rows of x; mean and factor may be nil.
func (r *rowNorm) compute(c *call, in []*Tensor, out, x, mean, factor *Tensor) error {
	a, err := axis(r.axis, len(x.Shape))
	if err != nil {
		return err
	}
	n := tensor.Product(x.Shape[a:])
	scale, done, err := c.expanded(in[r.scale], x.Shape[a:])
	if err != nil {
		return err
	}
	defer done()
	var bias []float32
	if r.bias >= 0 && r.bias < len(in) && in[r.bias] != nil {
		list, done, err := c.expanded(in[r.bias], x.Shape[a:])
		if err != nil {
			return err
		}
		defer done()
		bias = list
	}
	v := &c.set.Vectors
	if x.Len() == 0 { // no element, but there may be rows of them
		for _, t := range []*Tensor{mean, factor} {
			if t != nil {
				fill(t.Float32s(), float32(math.NaN()))
			}
		}
		return nil
	}
	c.floatRows(out, x, n, func(i int, to, from []float32) {
		if !r.mean {
			put(mean, i, 0)
			put(factor, i, v.RMSNorm(to, from, scale, r.epsilon))
			return
		}
		m, f := v.LayerNorm(to, from, scale, bias, r.epsilon)
		put(mean, i, m)
		put(factor, i, f)
	})
	return nil
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

func put(t *Tensor, i int, v float32) {
	if t != nil {
		t.Float32s()[i] = v
	}
}

// expanded gives the elements of a float tensor broadcast to a shape, and a function to give their memory back.
func (c *call) expanded(t *Tensor, shape []int) ([]float32, func(), error) {
	n := tensor.Product(shape)
	if t.DType == tensor.Float32 && t.Len() == n {
		return t.Float32s(), func() {}, nil
	}
	out, done, err := scratch[float32](c, n)
	if err != nil {
		return nil, nil, err
	}
	own := make([]float32, t.Len())
	loadFloats(&c.set.Vectors, own, t, 0)
	gather(out, own, view{shape: shape, strides: broadcastStrides(t.Shape, shape)})
	return out, done, nil
}

// floatRows hands rows of n elements to f, widened to float32 where they are narrower; to may be from.
func (c *call) floatRows(out, x *Tensor, n int, f func(i int, to, from []float32)) {
	if x.Len() == 0 {
		return
	}
	v := &c.set.Vectors
	c.rows(x.Len()/n, n, func(lo, hi int) {
		if x.DType == tensor.Float32 {
			to, from := out.Float32s(), x.Float32s()
			for i := lo; i < hi; i++ {
				f(i, to[i*n:(i+1)*n], from[i*n:(i+1)*n])
			}
			return
		}
		row := make([]float32, n)
		for i := lo; i < hi; i++ {
			loadFloats(v, row, x, i*n)
			f(i, row, row)
			storeFloats(v, out, i*n, row)
		}
	})
}

// bindSkipNorm normalises (x + skip) + bias; extra is the operand of that bias. The sum is output 3.
func bindSkipNorm(r rowNorm, extra int) func(*binder) (eval, error) {
	return func(b *binder) (eval, error) {
		r := r
		r.axis, r.epsilon = -1, b.float("epsilon", r.epsilon)
		return eval{
			infer: func(in []Spec) ([]Spec, error) {
				stat, err := r.check(in)
				if err != nil {
					return nil, err
				}
				shape, err := broadcastShape(in[0].Shape, in[1].Shape)
				if err != nil || !sameShape(shape, in[0].Shape) || in[0].DType != in[1].DType {
					return nil, fail(ErrShape, "skip is %v of shape %v for %v of %v", in[1].DType, in[1].Shape, in[0].DType, in[0].Shape)
				}
				if extra < len(in) && in[extra].given() {
					bias := in[extra]
					if bias.DType != in[0].DType || len(bias.Shape) != 1 || bias.Shape[0] != shape[len(shape)-1] {
						return nil, fail(ErrShape, "bias is %v of shape %v", bias.DType, bias.Shape)
					}
				}
				s := Spec{DType: tensor.Float32, Shape: stat}
				return []Spec{in[0].like(), s, s, in[0].like()}, nil
			},
			compute: func(c *call, in, out []*Tensor) error {
				sum := out[3]
				if sum == nil {
					t, done, err := c.like(in[0])
					if err != nil {
						return err
					}
					defer done()
					sum = t
				}
				if err := added.compute(c, in[:2], []*Tensor{sum}); err != nil {
					return err
				}
				if extra < len(in) && in[extra] != nil {
					if err := added.compute(c, []*Tensor{sum, in[extra]}, []*Tensor{sum}); err != nil {
						return err
					}
				}
				y := out[0]
				if y == nil {
					y = sum
					if out[1] == nil && out[2] == nil {
						return nil
					}
					t, done, err := c.like(in[0])
					if err != nil {
						return err
					}
					defer done()
					y = t
				}
				return r.compute(c, in, y, sum, out[1], out[2])
			},
			cost: perElement(120),
		}, nil
	}
}

// like is a temporary tensor as large as x.
func (c *call) like(x *Tensor) (*Tensor, func(), error) {
	data, done, err := scratch[uint8](c, x.Len()*x.DType.Size())
	if err != nil {
		return nil, nil, err
	}
	t, err := tensor.Over(x.DType, data, x.Shape...)
	if err != nil {
		done()
		return nil, nil, fail(ErrLimit, "%v", err)
	}
	return &t, done, nil
}

// bindMeanVariance is (x - mean) / (sqrt(variance) + 1e-9) over the elements that share the other axes.
func bindMeanVariance(b *binder) (eval, error) {
	axes := b.ints("axes")
	if b.node.Attr("axes") == nil {
		axes = []int{0, 2, 3}
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if familyOf(in[0].DType) != floatFamily {
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			_, err := axisSet(axes, len(in[0].Shape))
			return []Spec{in[0].like()}, err
		},
		compute: func(c *call, in, out []*Tensor) error {
			x := in[0]
			set, err := axisSet(axes, len(x.Shape))
			if err != nil || x.Len() == 0 {
				return err
			}
			v := axesLast(x.Shape, set)
			rows, done, err := c.rearranged(x, v)
			if err != nil {
				return err
			}
			defer done()
			_, n, _, _ := layout(x.Shape, set)
			c.floatRows(rows, rows, n, func(_ int, to, from []float32) { meanVariance(&c.set.Vectors, to, from) })
			moved(out[0], rows, inverse(x.Shape, set, v))
			return nil
		},
		cost: perElement(100),
	}, nil
}

func meanVariance(v *kernel.Vectors, to, from []float32) {
	mean, variance := v.MeanVariance(from)
	v.SubScalar(to, from, mean)
	v.DivScalar(to, to, kernel.Sqrt(variance)+1e-9)
}

// inverse is the window on what [axesLast] rearranged that shows it in the old order.
func inverse(shape []int, set []bool, v view) view {
	own := strides(v.shape)
	out := view{shape: shape, strides: make([]int, len(shape))}
	at := 0
	for _, last := range []bool{false, true} {
		for i := range shape {
			if set[i] == last {
				out.strides[i] = own[at]
				at++
			}
		}
	}
	return out
}
