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

// sums computes the exact sums, which wrap at 32 bits, into y.
func (ic *integerConv) sums(c *call, y []int32, in []*Tensor, bias []int32) error {
	cv, err := ic.convOf(in[ic.x].Shape, in[ic.w].Shape, ic.group)
	if err != nil {
		return err
	}
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
	convPlain(c, cv, y, x, w, bias)
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
			return ic.sums(c, out[0].Int32s(), in, nil)
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
			y, done, err := scratch[int32](c, out[0].Len())
			if err != nil {
				return err
			}
			defer done()
			var bias []int32
			if b := given(in, 8); b != nil {
				bias = b.Int32s()
			}
			if err := ic.sums(c, y, in, bias); err != nil {
				return err
			}
			xScale, wScale, yScale := in[1].Float32s()[0], in[4].Float32s(), in[6].Float32s()[0]
			channels, inner := out[0].Shape[1], tensor.Product(out[0].Shape[2:])
			c.rows(out[0].Shape[0]*channels, inner, func(lo, hi int) {
				for r := lo; r < hi; r++ {
					factor := float32(xScale*wScale[r%channels%len(wScale)]) / yScale
					requantise(out[0], r*inner, y[r*inner:(r+1)*inner], factor, byteAt(in[7], 0))
				}
			})
			return nil
		},
		cost: ic.cost,
	}, err
}

// requantise stores sums times a factor, rounded half to even, plus the zero point, saturated. NaN counts as 0.
func requantise(out *Tensor, at int, sums []int32, factor float32, zero int32) {
	low, high := int32(0), int32(255)
	if out.DType == tensor.Int8 {
		low, high = -128, 127
	}
	to := out.Bytes()[at : at+len(sums)]
	for i, sum := range sums {
		v := float64(float32(float32(sum) * factor))
		if v != v {
			v = 0
		}
		v = math.RoundToEven(min(max(v, -1<<20), 1<<20))
		to[i] = byte(min(max(int32(v)+zero, low), high))
	}
}
