package exact

import (
	"math"
	"slices"

	"assay/inference/tensor"
)

// integerConv is what ConvInteger and QLinearConv share: data and weights in bytes, less their zero points.
type integerConv struct {
	slide
	group              int
	x, xZero, w, wZero int // which operands; zero points may be left out
}

func (ic *integerConv) infer(in []Spec) (*conv, error) {
	x, w := in[ic.x], in[ic.w]
	for _, s := range []Spec{x, w} {
		if s.DType != tensor.Int8 && s.DType != tensor.Uint8 {
			return nil, fail(ErrUnsupported, "data of %v, weights of %v", x.DType, w.DType)
		}
	}
	cv, err := ic.convOf(x.Shape, w.Shape, ic.group)
	if err != nil {
		return nil, err
	}
	if z := optional(in, ic.xZero); z.given() && (z.DType != x.DType || tensor.Product(z.Shape) != 1) {
		return nil, fail(ErrShape, "zero point of the data is %v of shape %v", z.DType, z.Shape)
	}
	if z := optional(in, ic.wZero); z.given() && (z.DType != w.DType || !perChannel(z.Shape, w.Shape[0])) {
		return nil, fail(ErrShape, "zero point of the weights is %v of shape %v", z.DType, z.Shape)
	}
	return cv, nil
}

// perChannel says that a shape is one number, or one for each channel.
func perChannel(shape []int, channels int) bool {
	return tensor.Product(shape) == 1 || slices.Equal(shape, []int{channels})
}

func given(in []*Tensor, i int) *Tensor {
	if i < len(in) {
		return in[i]
	}
	return nil
}

// convSink takes sums of some neighbouring windows, the first of which is number at of a channel of the output; it may
// change them. It is called by several tasks at a time.
type convSink struct {
	ints   func(plane, at int, sums []int32)
	floats func(plane, at int, sums []float32)
}

// sums computes the exact sums, which wrap at 32 bits.
func (ic *integerConv) sums(c *call, in []*Tensor, to convSink) error {
	cv, err := ic.convOf(in[ic.x].Shape, in[ic.w].Shape, ic.group)
	if err != nil {
		return err
	}
	switch {
	case c.set.Name == "go":
		return ic.plain(c, cv, in, to)
	case ic.depthwise(c, cv, in, to):
		return nil
	case ic.products(c, cv, in, to):
		return nil
	}
	return ic.plain(c, cv, in, to)
}

// plain is for kernels that nothing else is made for, and for canisters.
func (ic *integerConv) plain(c *call, cv *conv, in []*Tensor, to convSink) error {
	x, doneX, err := c.lessZero(in[ic.x], given(in, ic.xZero), in[ic.x].Len())
	if err != nil {
		return err
	}
	defer doneX()
	w, doneW, err := c.lessZero(in[ic.w], given(in, ic.wZero), in[ic.w].Len()/max(1, in[ic.w].Shape[0]))
	if err != nil {
		return err
	}
	defer doneW()
	positions := cv.positions()
	y, doneY, err := scratch[int32](c, cv.batch*cv.group*cv.outputs*positions)
	if err != nil {
		return err
	}
	defer doneY()
	convPlain(c, cv, y, x, w, nil)
	c.rows(len(y)/positions, positions, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			to.ints(r, 0, y[r*positions:(r+1)*positions])
		}
	})
	return nil
}

// lessZero subtracts a zero point: one, or one for every run of each elements.
func (c *call) lessZero(t, zero *Tensor, each int) ([]int32, func(), error) {
	out, done, err := scratch[int32](c, t.Len())
	if err != nil {
		return nil, done, err
	}
	c.rows(len(out), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			out[i] = byteAt(t, i)
			if zero != nil {
				out[i] -= byteAt(zero, i/each%zero.Len())
			}
		}
	})
	return out, done, nil
}

// byteAt is an element of an int8 or uint8 tensor.
func byteAt(t *Tensor, i int) int32 {
	if t.DType == tensor.Int8 {
		return int32(int8(t.Bytes()[i]))
	}
	return int32(t.Bytes()[i])
}

func bindConvInteger(b *binder) (eval, error) {
	s, err := b.slide()
	ic := &integerConv{slide: s, group: b.int("group", 1), x: 0, w: 1, xZero: 2, wZero: 3}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			cv, err := ic.infer(in)
			if err != nil {
				return nil, err
			}
			return one(tensor.Int32, cv.shape()), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			if out[0].Len() == 0 {
				return nil
			}
			y, positions := out[0].Int32s(), tensor.Product(out[0].Shape[2:])
			return ic.sums(c, in, convSink{
				ints: func(plane, at int, sums []int32) { copy(y[plane*positions+at:], sums) },
				floats: func(plane, at int, sums []float32) {
					to := y[plane*positions+at:][:len(sums)]
					for i, v := range sums {
						to[i] = int32(v)
					}
				},
			})
		},
		cost: ic.cost,
	}, err
}

func (ic *integerConv) cost(in, _ []Spec) Cost {
	cv, err := ic.convOf(in[ic.x].Shape, in[ic.w].Shape, ic.group)
	if err != nil {
		return Cost{}
	}
	return cv.cost()
}

func bindQLinearConv(b *binder) (eval, error) {
	s, err := b.slide()
	ic := &integerConv{slide: s, group: b.int("group", 1), x: 0, w: 3, xZero: 2, wZero: 5}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			cv, err := ic.infer(in)
			if err != nil {
				return nil, err
			}
			zero := in[7]
			if zero.DType != tensor.Int8 && zero.DType != tensor.Uint8 || tensor.Product(zero.Shape) != 1 {
				return nil, fail(ErrShape, "zero point of the result is %v of shape %v", zero.DType, zero.Shape)
			}
			for _, i := range []int{1, 4, 6} {
				channels := 1
				if i == 4 {
					channels = in[3].Shape[0]
				}
				if in[i].DType != tensor.Float32 || !perChannel(in[i].Shape, channels) {
					return nil, fail(ErrShape, "scale %d is %v of shape %v", i, in[i].DType, in[i].Shape)
				}
			}
			if bias := optional(in, 8); bias.given() && (bias.DType != tensor.Int32 || !slices.Equal(bias.Shape, in[3].Shape[:1])) {
				return nil, fail(ErrShape, "bias is %v of shape %v", bias.DType, bias.Shape)
			}
			return one(zero.DType, cv.shape()), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			if out[0].Len() == 0 {
				return nil
			}
			return ic.sums(c, in, requantised(c, in, out[0]))
		},
		cost: ic.cost,
	}, err
}

// requantised stores, for each sum and its channel's bias, that times a factor, rounded half to even, plus the zero
// point, saturated.
func requantised(c *call, in []*Tensor, out *Tensor) convSink {
	xScale, wScale, yScale := in[1].Float32s()[0], in[4].Float32s(), in[6].Float32s()[0]
	channels, positions := out.Shape[1], tensor.Product(out.Shape[2:])
	zero, signed := byteAt(in[7], 0), out.DType == tensor.Int8
	add := func(channel int) int32 {
		if b := given(in, 8); b != nil {
			return b.Int32s()[channel]
		}
		return 0
	}
	ints := func(plane, at int, sums []int32) {
		channel := plane % channels
		factor := float32(xScale*wScale[channel%len(wScale)]) / yScale
		c.set.Requantise(out.Bytes()[plane*positions+at:][:len(sums)], signed, sums, add(channel), factor, zero)
	}
	largest := 255 * 255 * int32(tensor.Product(in[3].Shape[1:])) // of sums that are floats
	floats := func(plane, at int, sums []float32) {
		channel := plane % channels
		bias := add(channel)
		if max(bias, -bias) > 1<<24-largest || bias == math.MinInt32 { // float32 would round their sum
			whole := make([]int32, len(sums))
			for i, v := range sums {
				whole[i] = int32(v)
			}
			ints(plane, at, whole)
			return
		}
		if bias != 0 {
			c.set.AddScalar(sums, sums, float32(bias))
		}
		c.set.MulScalar(sums, sums, float32(xScale*wScale[channel%len(wScale)])/yScale)
		c.quantise(out, plane*positions+at, sums, zero)
	}
	return convSink{ints, floats}
}

// quantise stores numbers rounded half to even, plus a zero point, saturated.
func (c *call) quantise(out *Tensor, at int, x []float32, zero int32) {
	if out.DType == tensor.Int8 {
		c.set.QuantizeInt8(tensor.View[int8](out)[at:at+len(x)], x, 1, int8(zero))
		return
	}
	c.set.QuantizeUint8(out.Bytes()[at:at+len(x)], x, 1, uint8(zero))
}

// requantise is [kernel.Set.Requantise] without a bias, into a tensor.
func requantise(c *call, out *Tensor, at int, sums []int32, factor float32, zero int32) {
	c.set.Requantise(out.Bytes()[at:at+len(sums)], out.DType == tensor.Int8, sums, 0, factor, zero)
}
