package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// quantizeOperators go between floats and whole numbers with a scale and a zero point.
func quantizeOperators() map[string]*operator {
	return map[string]*operator{
		"QuantizeLinear": {
			minIn: 2, maxIn: 3, out: 1, attributes: []string{"axis", "block_size", "output_dtype", "precision", "saturate"},
			bind: bindQuantize,
		},
		"DequantizeLinear": {
			minIn: 2, maxIn: 3, out: 1, attributes: []string{"axis", "block_size", "output_dtype"}, bind: bindDequantize,
		},
		"DynamicQuantizeLinear": {minIn: 1, maxIn: 1, out: 3, bind: plain(dynamicEval())},
	}
}

// grains says which scale belongs to which element: one for all, one per index of an axis, or one per block along it.
type grains struct {
	axis, block int
}

// check compares the shapes of scale and zero point with that of x.
func (g grains) check(x, scale *Spec, zero *Spec) error {
	if zero != nil && !sameShape(zero.Shape, scale.Shape) && (tensor.Product(zero.Shape) != 1 || tensor.Product(scale.Shape) != 1) {
		return fail(ErrShape, "zero point of shape %v for scales of shape %v", zero.Shape, scale.Shape)
	}
	if g.block == 0 && tensor.Product(scale.Shape) == 1 && len(scale.Shape) <= 1 {
		return nil
	}
	a, err := axis(g.axis, len(x.Shape))
	if err != nil {
		return err
	}
	if g.block == 0 {
		if len(scale.Shape) != 1 || scale.Shape[0] != x.Shape[a] {
			return fail(ErrShape, "scales of shape %v for axis %d of shape %v", scale.Shape, a, x.Shape)
		}
		return nil
	}
	ok := g.block > 0 && len(scale.Shape) == len(x.Shape)
	for i := 0; ok && i < len(x.Shape); i++ {
		want := x.Shape[i]
		if i == a {
			want = blocksOf(want, g.block)
		}
		ok = scale.Shape[i] == want
	}
	if !ok {
		return fail(ErrShape, "scales of shape %v for blocks of %d along axis %d of shape %v", scale.Shape, g.block, a, x.Shape)
	}
	return nil
}

func blocksOf(n, block int) int {
	if n == 0 {
		return 0
	}
	return (n-1)/block + 1
}

// runs calls f for stretches of the elements from lo to hi that share the scale at place k.
func (g grains) runs(shape, scale []int, lo, hi int, f func(at, n, k int)) {
	if g.block == 0 && tensor.Product(scale) == 1 {
		f(lo, hi-lo, 0)
		return
	}
	a, _ := axis(g.axis, len(shape))
	n, inner := shape[a], tensor.Product(shape[a+1:])
	block, stretch := max(1, g.block), inner
	if inner == 1 {
		stretch = block
	} else if g.block > 0 {
		stretch = 1
	}
	blocks := blocksOf(n, block)
	for at := lo; at < hi; {
		i, along, outer := at%inner, at/inner%n, at/inner/n
		count := min(stretch-at%stretch, hi-at)
		if inner == 1 {
			count = min(block-along%block, n-along, hi-at)
		}
		k := along
		if g.block > 0 {
			k = (outer*blocks+along/block)*inner + i
		}
		f(at, count, k)
		at += count
	}
}

// quantized are the types of whole numbers with a zero point.
func quantized(dtype tensor.DType) bool {
	switch dtype {
	case tensor.Int8, tensor.Uint8, tensor.Int16, tensor.Uint16, tensor.Int4, tensor.Uint4, tensor.Int2, tensor.Uint2:
		return true
	}
	return false
}

// minifloat are the types of floats that are quantised to.
func minifloat(dtype tensor.DType) bool {
	switch dtype {
	case tensor.Float8E4M3FN, tensor.Float8E4M3NUZ, tensor.Float8E5M2, tensor.Float8E5M2NUZ, tensor.Float4E2M1:
		return true
	}
	return false
}

func bindQuantize(b *binder) (eval, error) {
	g := grains{b.int("axis", 1), b.int("block_size", 0)}
	named, saturate := tensor.DType(b.int("output_dtype", 0)), b.bool("saturate", true)
	if p := tensor.DType(b.int("precision", 0)); p != 0 && p != tensor.Float32 {
		return eval{}, fail(ErrUnsupported, "attribute precision is %v", p)
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			x, scale := &in[0], &in[1]
			if familyOf(x.DType) != floatFamily && x.DType != tensor.Int32 || familyOf(scale.DType) != floatFamily {
				return nil, fail(ErrUnsupported, "%v with scales of %v", x.DType, scale.DType)
			}
			to := named
			var zero *Spec
			if len(in) > 2 && in[2].given() {
				if zero = &in[2]; to != 0 && to != zero.DType {
					return nil, fail(ErrShape, "output_dtype %v with a zero point of %v", to, zero.DType)
				}
				to = zero.DType
			}
			if to == 0 {
				to = tensor.Uint8
			}
			if !quantized(to) && !minifloat(to) {
				return nil, fail(ErrUnsupported, "quantised to %v", to)
			}
			return one(to, x.Shape), g.check(x, scale, zero)
		},
		compute: func(c *call, in, out []*Tensor) error {
			q := newQuantizer(c, in, out[0].DType, saturate)
			c.tasks(out[0].Len(), func(lo, hi int) {
				g.runs(in[0].Shape, in[1].Shape, lo, hi, func(at, n, k int) { q.run(out[0], in[0], at, n, k) })
			})
			return nil
		},
		cost: perElement(120),
	}, nil
}

// quantizer holds the scales of one QuantizeLinear.
type quantizer struct {
	v        *kernel.Vectors
	scale    []float32
	zero     []int64   // of whole numbers; nil is 0
	offset   []float32 // the zero points of floats; nil is 0
	saturate bool
}

func newQuantizer(c *call, in []*Tensor, dtype tensor.DType, saturate bool) *quantizer {
	q := &quantizer{v: &c.set.Vectors, scale: c.floatsOf(in[1]), saturate: saturate}
	if len(in) < 3 || in[2] == nil {
		return q
	}
	if dtype.Float() {
		q.offset = make([]float32, in[2].Len())
		loadFloats(q.v, q.offset, in[2], 0)
		return q
	}
	q.zero = make([]int64, in[2].Len())
	loadInts(nil, q.zero, in[2], 0)
	return q
}

func (q *quantizer) zeroAt(k int) int64 {
	if q.zero == nil {
		return 0
	}
	return q.zero[k]
}

// run quantises n elements from at on with scale k: x/scale rounded to the nearest, ties to even, plus the zero point,
// saturated; NaN becomes the zero point. Floats are x/scale plus the zero point, rounded as Cast does.
func (q *quantizer) run(out, x *Tensor, at, n, k int) {
	if x.DType == tensor.Float32 && n >= 8 {
		switch from := x.Float32s()[at : at+n]; out.DType {
		case tensor.Int8:
			q.v.QuantizeInt8(tensor.View[int8](out)[at:at+n], from, q.scale[k], int8(q.zeroAt(k)))
			return
		case tensor.Uint8:
			q.v.QuantizeUint8(out.Bytes()[at:at+n], from, q.scale[k], uint8(q.zeroAt(k)))
			return
		}
	}
	var list [chunk]float32
	for i := 0; i < n; i += chunk {
		part := list[:min(chunk, n-i)]
		loadAny(q.v, part, x, at+i)
		for j := range part {
			part[j] /= q.scale[k]
		}
		q.store(out, at+i, part, k)
	}
}

func (q *quantizer) store(out *Tensor, at int, from []float32, k int) {
	if out.DType.Float() {
		format := smallFormats(out.DType)
		for j, f := range from {
			if q.offset != nil {
				f += q.offset[k]
			}
			out.Bytes()[at+j] = format.encode(f, q.saturate)
		}
		return
	}
	low, high := intRange(out.DType)
	zero := q.zeroAt(k)
	var list [chunk]int64
	for j, f := range from {
		list[j] = min(max(nearest(f)+zero, low), high)
	}
	storeInts(nil, out, at, list[:len(from)])
}

// nearest rounds to a whole number within 2^20, ties to even; NaN is 0.
func nearest(f float32) int64 {
	switch {
	case f != f:
		return 0
	case f > 1<<20:
		return 1 << 20
	case f < -1<<20:
		return -1 << 20
	}
	return int64(math.RoundToEven(float64(f)))
}

func bindDequantize(b *binder) (eval, error) {
	g := grains{b.int("axis", 1), b.int("block_size", 0)}
	named := tensor.DType(b.int("output_dtype", 0))
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			x, scale := &in[0], &in[1]
			to := named
			if to == 0 {
				to = scale.DType
			}
			if !quantized(x.DType) && !minifloat(x.DType) && x.DType != tensor.Int32 || familyOf(scale.DType) != floatFamily ||
				familyOf(to) != floatFamily {
				return nil, fail(ErrUnsupported, "%v with scales of %v to %v", x.DType, scale.DType, to)
			}
			var zero *Spec
			if len(in) > 2 && in[2].given() {
				if zero = &in[2]; zero.DType != x.DType {
					return nil, fail(ErrShape, "zero point of %v for %v", zero.DType, x.DType)
				}
			}
			return one(to, x.Shape), g.check(x, scale, zero)
		},
		compute: func(c *call, in, out []*Tensor) error {
			q := newQuantizer(c, in, in[0].DType, true)
			c.tasks(out[0].Len(), func(lo, hi int) {
				g.runs(in[0].Shape, in[1].Shape, lo, hi, func(at, n, k int) { q.back(out[0], in[0], at, n, k) })
			})
			return nil
		},
		cost: perElement(120),
	}, nil
}

// back gives (x - zero) · scale: the difference of whole numbers is exact and rounded to float32, that of floats
// rounded; then one rounded product, rounded again where the result is narrower.
func (q *quantizer) back(out, x *Tensor, at, n, k int) {
	if out.DType == tensor.Float32 && n >= 8 {
		switch to := out.Float32s()[at : at+n]; x.DType {
		case tensor.Int8:
			q.v.DequantizeInt8(to, tensor.View[int8](x)[at:at+n], q.scale[k], int8(q.zeroAt(k)))
			return
		case tensor.Uint8:
			q.v.DequantizeUint8(to, x.Bytes()[at:at+n], q.scale[k], uint8(q.zeroAt(k)))
			return
		}
	}
	var list [chunk]float32
	var whole [chunk]int64
	for i := 0; i < n; i += chunk {
		part := list[:min(chunk, n-i)]
		if x.DType.Float() {
			loadFloats(q.v, part, x, at+i)
			for j := range part {
				if q.offset != nil {
					part[j] -= q.offset[k]
				}
			}
		} else {
			loadInts(nil, whole[:len(part)], x, at+i)
			zero := q.zeroAt(k)
			for j := range part {
				part[j] = float32(whole[j] - zero)
			}
		}
		for j := range part {
			part[j] = kernel.Canon(float32(part[j] * q.scale[k]))
		}
		storeFloats(q.v, out, at+i, part)
	}
}

// dynamicEval quantises with the range of the data, which always holds 0: scale = (max - min)/255, 1 where that is 0, and
// zero point = -min/scale rounded to the nearest, ties to even.
func dynamicEval() eval {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if in[0].DType != tensor.Float32 {
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			return []Spec{
				{DType: tensor.Uint8, Shape: in[0].Shape}, {DType: tensor.Float32, Shape: []int{}}, {DType: tensor.Uint8, Shape: []int{}},
			}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			x, v := in[0].Float32s(), &c.set.Vectors
			high, low := kernel.Max(v.Highest(x), 0), kernel.Min(v.Lowest(x), 0)
			scale := kernel.Canon((high - low) / 255)
			if scale == 0 {
				scale = 1
			}
			zero := uint8(min(max(nearest(-low/scale), 0), 255))
			put(out[1], 0, scale)
			if out[2] != nil {
				out[2].Bytes()[0] = zero
			}
			if out[0] != nil {
				to := out[0].Bytes()
				c.tasks(len(x), func(lo, hi int) { v.QuantizeUint8(to[lo:hi], x[lo:hi], scale, zero) })
			}
			return nil
		},
		cost: perElement(100),
	}
}
