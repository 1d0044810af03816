package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// castOperators change the type of elements and nothing else.
func castOperators() map[string]*operator {
	return map[string]*operator{
		"Cast":     {minIn: 1, maxIn: 1, out: 1, attributes: []string{"round_mode", "saturate", "to"}, bind: bindCast},
		"CastLike": {minIn: 2, maxIn: 2, out: 1, attributes: []string{"round_mode", "saturate"}, bind: bindCastLike},
		"Identity": {minIn: 1, maxIn: 1, out: 1, bind: plain(eval{
			view: true, infer: func(in []Spec) ([]Spec, error) { return []Spec{in[0].like()}, nil },
		})},
		"BitCast": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"to"}, bind: bindBitCast},
		"Dropout": {minIn: 1, maxIn: 3, out: 2, attributes: []string{"seed"}, bind: bindDropout},
	}
}

func bindCast(b *binder) (eval, error) {
	to := tensor.DType(b.int("to", 0))
	c, err := bindCaster(b)
	return eval{
		infer: func(in []Spec) ([]Spec, error) { return c.infer(&in[0], to) },
		compute: func(call *call, in, out []*Tensor) error {
			c.convert(call, out[0], in[0])
			return nil
		},
		inPlace: []int{0},
		cost:    perElement(200),
	}, err
}

func bindCastLike(b *binder) (eval, error) {
	c, err := bindCaster(b)
	return eval{
		infer: func(in []Spec) ([]Spec, error) { return c.infer(&in[0], in[1].DType) },
		compute: func(call *call, in, out []*Tensor) error {
			c.convert(call, out[0], in[0])
			return nil
		},
		cost: perElement(200),
	}, err
}

// caster converts elements.
type caster struct {
	saturate bool
	round    string
}

func bindCaster(b *binder) (caster, error) {
	c := caster{saturate: b.bool("saturate", true), round: b.text("round_mode", "up")}
	switch c.round {
	case "up", "down", "nearest":
		return c, nil
	}
	return c, fail(ErrUnsupported, "attribute round_mode is %q", c.round)
}

func (k caster) infer(x *Spec, to tensor.DType) ([]Spec, error) {
	if to.Size() == 0 || x.DType.Size() == 0 {
		return nil, fail(ErrUnsupported, "cast from %v to %v", x.DType, to)
	}
	return one(to, x.Shape), nil
}

func (k caster) convert(c *call, out, x *Tensor) {
	switch from, to := familyOf(x.DType), familyOf(out.DType); {
	case x.DType == out.DType:
		copy(out.Bytes(), x.Bytes())
	case out.DType == tensor.Float32 && whole32(c, out.Float32s(), x):
	case from == floatFamily && to == floatFamily:
		unaryThrough(c, out, x, loadFloats, storeFloats, func(out, x []float32) { copy(out, x) })
	case x.DType.Float():
		unaryThrough(c, out, x, loadWide, k.fromDoubles(out.DType), func(out, x []float64) { copy(out, x) })
	default:
		unaryThrough(c, out, x, loadInts, k.fromInts(out.DType, x.DType), func(out, x []int64) { copy(out, x) })
	}
}

// whole32 rounds the common types of whole numbers to float32 without a detour; false when x is of another type.
func whole32(c *call, out []float32, x *Tensor) bool {
	switch x.DType {
	case tensor.Int8:
		direct32(c, out, tensor.View[int8](x))
	case tensor.Uint8, tensor.Bool:
		direct32(c, out, x.Bytes())
	case tensor.Int32:
		direct32(c, out, x.Int32s())
	case tensor.Int64:
		direct32(c, out, x.Int64s())
	default:
		return false
	}
	return true
}

func direct32[T int8 | uint8 | int32 | int64](c *call, out []float32, x []T) {
	c.tasks(len(out), func(lo, hi int) {
		to := out[lo:hi]
		for i, v := range x[lo:hi] {
			to[i] = float32(v)
		}
	})
}

// loadWide widens any float to float64, exactly.
func loadWide(v *kernel.Vectors, out []float64, x *Tensor, at int) {
	if x.DType == tensor.Float64 {
		loadDoubles(v, out, x, at)
		return
	}
	var list [chunk]float32
	loadFloats(v, list[:len(out)], x, at)
	for i := range out {
		out[i] = float64(list[i])
	}
}

// fromDoubles stores float64 as another type: floats are rounded once to the nearest, ties to even; whole numbers are
// cut and saturated, and 0 for NaN; bool is whether it is not 0.
func (k caster) fromDoubles(to tensor.DType) storer[float64] {
	switch {
	case to == tensor.Float64:
		return storeDoubles
	case to == tensor.Bool:
		return func(_ *kernel.Vectors, x *Tensor, at int, from []float64) {
			for i, v := range from {
				x.Bools()[at+i] = v != 0
			}
		}
	case to.Float():
		narrowed := k.narrowed(to)
		return func(v *kernel.Vectors, x *Tensor, at int, from []float64) {
			var list [chunk]float32
			for i, f := range from {
				list[i] = narrowed(f)
			}
			k.storeFloat(v, x, at, list[:len(from)])
		}
	}
	cut := cutTo(to)
	return func(v *kernel.Vectors, x *Tensor, at int, from []float64) {
		var list [chunk]int64
		for i, f := range from {
			list[i] = cut(f)
		}
		storeInts(v, x, at, list[:len(from)])
	}
}

// narrowed rounds to float32 so that rounding again to a smaller type gives what rounding once would have given.
func (k caster) narrowed(to tensor.DType) func(float64) float32 {
	if to == tensor.Float32 {
		return func(f float64) float32 { return kernel.Canon(float32(f)) }
	}
	return odd32
}

// odd32 cuts to float32 and makes the last bit 1 when something was cut off.
func odd32(x float64) float32 {
	f := float32(x)
	if x != x {
		return kernel.Canon(f)
	}
	if float64(f) == x {
		return f
	}
	bits := math.Float32bits(f)
	if math.Abs(float64(f)) > math.Abs(x) {
		bits--
	}
	return math.Float32frombits(bits | 1)
}

// storeFloat stores float32 as any float but float64.
func (k caster) storeFloat(v *kernel.Vectors, x *Tensor, at int, from []float32) {
	if familyOf(x.DType) == floatFamily {
		storeFloats(v, x, at, from)
		return
	}
	to := x.Bytes()[at : at+len(from)]
	if x.DType == tensor.Float8E8M0 {
		for i, f := range from {
			to[i] = toPower(f, k.saturate, k.round)
		}
		return
	}
	format := smallFormats(x.DType)
	for i, f := range from {
		to[i] = format.encode(f, k.saturate)
	}
}

// fromInts stores whole numbers as another type: of whole numbers the low bits are kept.
func (k caster) fromInts(to, from tensor.DType) storer[int64] {
	unsigned := from == tensor.Uint64
	switch {
	case to == tensor.Bool:
		return func(_ *kernel.Vectors, x *Tensor, at int, from []int64) {
			for i, v := range from {
				x.Bools()[at+i] = v != 0
			}
		}
	case to == tensor.Float64:
		return func(_ *kernel.Vectors, x *Tensor, at int, from []int64) {
			out := tensor.View[float64](x)[at : at+len(from)]
			for i, v := range from {
				if out[i] = float64(v); unsigned {
					out[i] = float64(uint64(v))
				}
			}
		}
	case to.Float():
		return func(v *kernel.Vectors, x *Tensor, at int, from []int64) {
			var list [chunk]float32
			for i, n := range from {
				list[i] = float32Of(n, unsigned, to == tensor.Float32)
			}
			k.storeFloat(v, x, at, list[:len(from)])
		}
	case to.Bits() < 8:
		return func(v *kernel.Vectors, x *Tensor, at int, from []int64) {
			var list [chunk]int64
			low := lowBits(to)
			for i, n := range from {
				list[i] = low(n)
			}
			storeInts(v, x, at, list[:len(from)])
		}
	}
	return storeInts
}

// lowBits keeps the bits of a type of less than a byte.
func lowBits(dtype tensor.DType) func(int64) int64 {
	shift := 64 - dtype.Bits()
	if dtype == tensor.Uint4 || dtype == tensor.Uint2 || dtype == tensor.Float4E2M1 {
		return func(n int64) int64 { return int64(uint64(n) << shift >> shift) }
	}
	return func(n int64) int64 { return n << shift >> shift }
}

// float32Of rounds a whole number to the nearest float32, or when it is to be rounded again, like odd32.
func float32Of(n int64, unsigned, last bool) float32 {
	switch {
	case last && unsigned:
		return float32(uint64(n))
	case last:
		return float32(n)
	case unsigned && n < 0:
		return odd32(float64(uint64(n)&^0xfff | uint64(sticky(n))))
	}
	if n >= 1<<52 || n <= -1<<52 {
		n = n&^0xfff | sticky(n)
	}
	return odd32(float64(n))
}

// sticky is the lowest bit that is kept, when bits below it are lost.
func sticky(n int64) int64 {
	if n&0xfff != 0 {
		return 1 << 12
	}
	return 0
}

// cutTo gives the function that cuts a float to a whole number of a type: towards zero, saturated, NaN to 0. For types
// of less than a byte it saturates at 32 bits, and the lowest bits are kept.
func cutTo(to tensor.DType) func(float64) int64 {
	if to.Bits() < 8 {
		cut, low := cutTo(tensor.Int32), lowBits(to)
		return func(f float64) int64 { return low(cut(f)) }
	}
	if to == tensor.Uint64 {
		return func(f float64) int64 {
			switch {
			case !(f > 0):
				return 0
			case f >= 1<<64:
				return -1
			}
			return int64(uint64(f))
		}
	}
	low, high := intRange(to)
	return func(f float64) int64 {
		switch {
		case f != f:
			return 0
		case f <= float64(low):
			return low
		case f >= float64(high): // 2^63 for int64, one more than the highest
			return high
		}
		return int64(f)
	}
}

// intRange is what a type of whole numbers other than uint64 holds.
func intRange(dtype tensor.DType) (low, high int64) {
	bits := dtype.Bits()
	switch dtype {
	case tensor.Bool:
		return 0, 1
	case tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint4, tensor.Uint2:
		return 0, 1<<bits - 1
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1
}

// bindBitCast reads the bits of elements as another type of as many bits.
func bindBitCast(b *binder) (eval, error) {
	to := tensor.DType(b.int("to", 0))
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if to.Size() == 0 || to.Bits() != in[0].DType.Bits() || to == tensor.Bool && in[0].DType != tensor.Bool {
				return nil, fail(ErrUnsupported, "bits of %v as %v", in[0].DType, to)
			}
			return one(to, in[0].Shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			copy(out[0].Bytes(), in[0].Bytes())
			if to == tensor.Float32 {
				kernel.Canonicalise(out[0].Float32s())
			}
			if bits := to.Bits(); bits < 8 {
				low := lowBits(to)
				for i, v := range out[0].Bytes() {
					out[0].Bytes()[i] = byte(low(int64(v)))
				}
			}
			return nil
		},
		inPlace: []int{0},
		cost:    perElement(10),
	}, nil
}

// bindDropout: outside of training it changes nothing, and the mask is all true.
func bindDropout(b *binder) (eval, error) {
	infer := func(in []Spec) ([]Spec, error) {
		if len(in) > 2 && in[2].given() {
			if err := notTraining(in); err != nil {
				return nil, err
			}
		}
		return []Spec{in[0].like(), {DType: tensor.Bool, Shape: in[0].Shape}}, nil
	}
	if len(b.node.Out) < 2 || b.node.Out[1] < 0 {
		return eval{view: true, infer: infer}, nil
	}
	return eval{
		infer: infer,
		compute: func(c *call, in, out []*Tensor) error {
			if out[0] != nil {
				copy(out[0].Bytes(), in[0].Bytes())
			}
			for i := range out[1].Bools() {
				out[1].Bools()[i] = true
			}
			return nil
		},
		cost: perElement(10),
	}, nil
}

// notTraining refuses a true training_mode unless the ratio is 0.
func notTraining(in []Spec) error {
	mode, err := in[2].known("training_mode")
	if err != nil {
		return err
	}
	if mode.DType != tensor.Bool || mode.Len() != 1 {
		return fail(ErrShape, "training_mode is %v of shape %v", mode.DType, mode.Shape)
	}
	if !mode.Bools()[0] {
		return nil
	}
	if in[1].given() && in[1].Value != nil && in[1].Value.Len() == 1 && in[1].DType.Float() {
		ratio := []float64{1}
		loadWide(goVectors, ratio, in[1].Value, 0)
		if ratio[0] == 0 {
			return nil
		}
	}
	return fail(ErrUnsupported, "training_mode: what is dropped would be random, so nobody could check the result")
}

// goVectors are the plain kernels, for single numbers.
var goVectors = &kernel.Named("go").Vectors
