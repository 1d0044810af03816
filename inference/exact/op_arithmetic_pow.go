package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// bindMod: with fmod the result has the sign of the dividend, without it that of the divisor.
func bindMod(b *binder) (eval, error) {
	op := arithmetic{divides: true}
	if b.bool("fmod", false) {
		op.f32 = func(*kernel.Vectors) pairs {
			return eachPair(func(a, b float32) float32 { return kernel.Canon(float32(math.Mod(float64(a), float64(b)))) })
		}
		op.f64 = math.Mod
		op.signed = func(a, b int64) int64 { return a % b }
	} else {
		op.f32 = func(*kernel.Vectors) pairs { return eachPair(floorMod32) }
		op.f64 = floorMod64
		op.signed = func(a, b int64) int64 {
			r := a % b
			if r != 0 && (r < 0) != (b < 0) {
				r += b
			}
			return r
		}
	}
	op.unsigned = func(a, b uint64) uint64 { return a % b }
	return op.eval(), nil
}

// floorMod32: the remainder is exact; where its sign is not the divisor's, one rounded sum with the divisor follows.
func floorMod32(a, b float32) float32 {
	r := float32(math.Mod(float64(a), float64(b)))
	switch {
	case r == 0:
		return float32(math.Copysign(0, float64(b)))
	case (r < 0) != (b < 0):
		r += b
	}
	return kernel.Canon(r)
}

func floorMod64(a, b float64) float64 {
	r := math.Mod(a, b)
	switch {
	case r == 0:
		return math.Copysign(0, b)
	case (r < 0) != (b < 0):
		r += b
	}
	return r
}

// powEval: base and exponent may be of different types; the result has the base's.
func powEval() eval {
	return eval{infer: inferPow, compute: computePow, inPlace: []int{0}, cost: costPow}
}

func costPow(in, out []Spec) Cost {
	if in[0].DType == tensor.Float64 {
		return perElement(5500)(in, out)
	}
	return perElement(700)(in, out)
}

func inferPow(in []Spec) ([]Spec, error) {
	base, exponent := familyOf(in[0].DType), familyOf(in[1].DType)
	for i, f := range []family{base, exponent} {
		if f != floatFamily && f != signedFamily && f != unsignedFamily && (f != doubleFamily || base != doubleFamily) {
			return nil, fail(ErrUnsupported, "element type %v", in[i].DType)
		}
	}
	shape, err := broadcastShape(in[0].Shape, in[1].Shape)
	return one(in[0].DType, shape), err
}

func computePow(c *call, in, out []*Tensor) error {
	o, x, y := out[0], in[0], in[1]
	base, exponent := familyOf(x.DType), familyOf(y.DType)
	if base == doubleFamily {
		binaryThrough(c, o, x, y, loadDouble, storeDoubles, zipWith(pow64))
		return nil
	}
	if base != floatFamily && exponent != floatFamily {
		return powWhole(c, o, x, y)
	}
	f := pairs{both: eachPair(kernel.Pow).both, right: powBy(&c.set.Vectors)}
	switch {
	case x.DType == tensor.Float32 && y.DType == tensor.Float32:
		f.zip(c, o, x, y)
	case base != floatFamily:
		powThrough(c, o, x, y, loadAny, storeRounded, f.both)
	default:
		powThrough(c, o, x, y, loadAny, storeFloats, f.both)
	}
	return nil
}

func powThrough(c *call, o, x, y *Tensor, load loader1[float32], store storer[float32], f func(out, a, b []float32)) {
	binaryThrough(c, o, x, y, load, store, f)
}

// loadDouble gives any number as float64; whole numbers beyond 2^53 are rounded.
func loadDouble(v *kernel.Vectors, out []float64, x *Tensor, at int) {
	f := familyOf(x.DType)
	if f == floatFamily || f == doubleFamily {
		loadWide(v, out, x, at)
		return
	}
	var list [chunk]int64
	loadInts(v, list[:len(out)], x, at)
	for i, n := range list[:len(out)] {
		if f == unsignedFamily {
			out[i] = float64(uint64(n))
		} else {
			out[i] = float64(n)
		}
	}
}

// loadAny rounds whole numbers to float32.
func loadAny(v *kernel.Vectors, out []float32, x *Tensor, at int) {
	switch familyOf(x.DType) {
	case signedFamily, boolFamily:
		var list [chunk]int64
		loadInts(v, list[:len(out)], x, at)
		for i := range out {
			out[i] = float32(list[i])
		}
	case unsignedFamily:
		var list [chunk]int64
		loadInts(v, list[:len(out)], x, at)
		for i := range out {
			out[i] = float32(uint64(list[i]))
		}
	default:
		loadFloats(v, out, x, at)
	}
}

// storeRounded cuts floats to whole numbers as Cast does.
func storeRounded(v *kernel.Vectors, x *Tensor, at int, from []float32) {
	var list [chunk]int64
	cut := cutTo(x.DType)
	for i, f := range from {
		list[i] = cut(float64(f))
	}
	storeInts(v, x, at, list[:len(from)])
}

// powBy is Pow with one exponent, with the bits that kernel.Pow gives each element.
func powBy(v *kernel.Vectors) func(out, x []float32, y float32) {
	general := eachPair(kernel.Pow).right
	return func(out, x []float32, y float32) {
		switch y {
		case 2:
			v.Mul(out, x, x)
		case -1:
			v.Reciprocal(out, x)
		default:
			general(out, x, y)
		}
	}
}

// powWhole multiplies modulo 2^bits. A negative exponent gives the quotient 1/x^n cut to a whole number, which for
// 0 does not exist.
func powWhole(c *call, o, x, y *Tensor) error {
	negative := familyOf(y.DType) == signedFamily && o.Len() > 0 && holdsNegative(y)
	if negative && holdsZero(x) {
		return fail(ErrInput, "0 to a negative power")
	}
	signed := familyOf(y.DType) == signedFamily
	binaryThrough(c, o, x, y, loadInts, storeInts, zipWith(func(x, n int64) int64 {
		if signed && n < 0 {
			return powNegative(x, n)
		}
		r := int64(1)
		for e := uint64(n); e > 0; e >>= 1 {
			if e&1 != 0 {
				r *= x
			}
			x *= x
		}
		return r
	}))
	return nil
}

func powNegative(x, n int64) int64 {
	switch {
	case x == 1 || x == -1 && n%2 == 0:
		return 1
	case x == -1:
		return -1
	}
	return 0
}

func holdsNegative(x *Tensor) bool {
	var list [chunk]int64
	for at := 0; at < x.Len(); at += chunk {
		n := min(chunk, x.Len()-at)
		loadInts(nil, list[:n], x, at)
		for _, v := range list[:n] {
			if v < 0 {
				return true
			}
		}
	}
	return false
}
