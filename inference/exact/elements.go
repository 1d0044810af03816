package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// chunk is how many elements of a type that is not computed in itself are widened at a time.
const chunk = 256

// grain is about how many elements of a result one task makes.
const grain = 1 << 14

// family says in which type the elements of a tensor are computed.
type family uint8

const (
	otherFamily    family = iota
	floatFamily           // float32; float16 and bfloat16, rounded once at the end
	doubleFamily          // float64
	signedFamily          // int64: whole numbers with a sign, of any width
	unsignedFamily        // uint64
	boolFamily
)

func familyOf(dtype tensor.DType) family {
	switch dtype {
	case tensor.Float32, tensor.Float16, tensor.BFloat16:
		return floatFamily
	case tensor.Float64:
		return doubleFamily
	case tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64:
		return signedFamily
	case tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64:
		return unsignedFamily
	case tensor.Bool:
		return boolFamily
	}
	return otherFamily
}

// elementCost is a cost for every element of the result: of float32 operands, and of those that are widened first.
func elementCost(direct, widened int64) func(in, out []Spec) Cost {
	return func(in, out []Spec) Cost {
		n := widened
		if in[0].DType == tensor.Float32 {
			n = direct
		}
		return Cost{Instructions: n * int64(tensor.Product(out[0].Shape))}
	}
}

// nan64 is the one spelling of a float64 NaN.
var nan64 = math.Float64frombits(0x7ff8000000000000)

func canon64(x float64) float64 {
	if x != x {
		return nan64
	}
	return x
}

// loadFloats widens elements from at on to float32, exactly: float16, bfloat16, and the types of eight bits and less.
func loadFloats(v *kernel.Vectors, out []float32, x *Tensor, at int) {
	n := len(out)
	switch x.DType {
	case tensor.Float32:
		copy(out, x.Float32s()[at:at+n])
	case tensor.Float16:
		v.FromFloat16(out, tensor.View[uint16](x)[at:at+n])
	case tensor.BFloat16:
		v.FromBFloat16(out, tensor.View[uint16](x)[at:at+n])
	default:
		from := smallFloat(x.DType)
		for i, b := range x.Bytes()[at : at+n] {
			out[i] = from(b)
		}
	}
}

// storeFloats rounds to the type of x, which is one of the float family.
func storeFloats(v *kernel.Vectors, x *Tensor, at int, from []float32) {
	n := len(from)
	switch x.DType {
	case tensor.Float32:
		copy(x.Float32s()[at:at+n], from)
	case tensor.Float16:
		v.ToFloat16(tensor.View[uint16](x)[at:at+n], from)
	case tensor.BFloat16:
		v.ToBFloat16(tensor.View[uint16](x)[at:at+n], from)
	}
}

func loadDoubles(_ *kernel.Vectors, out []float64, x *Tensor, at int) {
	copy(out, tensor.View[float64](x)[at:at+len(out)])
}

func storeDoubles(_ *kernel.Vectors, x *Tensor, at int, from []float64) {
	to := tensor.View[float64](x)[at : at+len(from)]
	for i, v := range from {
		to[i] = canon64(v)
	}
}

// loadInts widens whole numbers and bools. Those of 64 bits without a sign keep their bits.
func loadInts(_ *kernel.Vectors, out []int64, x *Tensor, at int) {
	n := len(out)
	switch x.DType {
	case tensor.Int8, tensor.Int4, tensor.Int2:
		widen(out, tensor.View[int8](x)[at:at+n])
	case tensor.Uint8, tensor.Uint4, tensor.Uint2, tensor.Bool:
		widen(out, x.Bytes()[at:at+n])
	case tensor.Int16:
		widen(out, tensor.View[int16](x)[at:at+n])
	case tensor.Uint16:
		widen(out, tensor.View[uint16](x)[at:at+n])
	case tensor.Int32:
		widen(out, x.Int32s()[at:at+n])
	case tensor.Uint32:
		widen(out, tensor.View[uint32](x)[at:at+n])
	default:
		copy(out, tensor.View[int64](x)[at:at+n])
	}
}

// storeInts keeps the low bits that the type of x has.
func storeInts(_ *kernel.Vectors, x *Tensor, at int, from []int64) {
	n := len(from)
	switch x.DType.Size() {
	case 1:
		narrow(x.Bytes()[at:at+n], from)
	case 2:
		narrow(tensor.View[uint16](x)[at:at+n], from)
	case 4:
		narrow(tensor.View[uint32](x)[at:at+n], from)
	default:
		copy(tensor.View[int64](x)[at:at+n], from)
	}
}

func widen[T int8 | uint8 | int16 | uint16 | int32 | uint32](out []int64, x []T) {
	for i, v := range x {
		out[i] = int64(v)
	}
}

func narrow[T uint8 | uint16 | uint32](out []T, x []int64) {
	for i, v := range x {
		out[i] = T(v)
	}
}

func loadBools(_ *kernel.Vectors, out []bool, x *Tensor, at int) {
	copy(out, x.Bools()[at:at+len(out)])
}

func storeBools(_ *kernel.Vectors, x *Tensor, at int, from []bool) {
	copy(x.Bools()[at:at+len(from)], from)
}

// wide are the types that elements are computed in.
type wide interface {
	float32 | float64 | int64 | bool
}

type (
	loader1[W wide] = func(v *kernel.Vectors, out []W, x *Tensor, at int)
	storer[R wide]  = func(v *kernel.Vectors, x *Tensor, at int, from []R)
)

// tasks cuts n elements into ranges for c.parallel.
func (c *call) tasks(n int, f func(from, to int)) {
	count := (n + grain - 1) / grain
	c.parallel(count, func(i int) { f(i*grain, min(n, (i+1)*grain)) })
}

// unaryThrough computes out = f(x) by way of type W.
func unaryThrough[W, R wide](c *call, out, x *Tensor, load loader1[W], store storer[R], f func(out []R, x []W)) {
	c.tasks(out.Len(), func(from, to int) {
		var a [chunk]W
		var r [chunk]R
		for at := from; at < to; at += chunk {
			n := min(chunk, to-at)
			load(&c.set.Vectors, a[:n], x, at)
			f(r[:n], a[:n])
			store(&c.set.Vectors, out, at, r[:n])
		}
	})
}

// binaryThrough computes out = f(a, b) by way of type W, broadcasting.
func binaryThrough[W, R wide](c *call, out, a, b *Tensor, load loader1[W], store storer[R], f func(out []R, a, b []W)) {
	w := newWalk(out.Shape, a.Shape, b.Shape)
	w.eachTask(c, func() func(at, n int, from []int) {
		var x, y [chunk]W
		var r [chunk]R
		return func(at, n int, from []int) {
			for i := 0; i < n; i += chunk {
				m := min(chunk, n-i)
				loadSide(c, x[:m], a, from[0], i, w.follows[0], load)
				loadSide(c, y[:m], b, from[1], i, w.follows[1], load)
				f(r[:m], x[:m], y[:m])
				store(&c.set.Vectors, out, at+i, r[:m])
			}
		}
	})
}

// loadSide reads the elements of a row from place i on, or copies of its one element.
func loadSide[W wide](c *call, to []W, x *Tensor, from, i int, follows bool, load loader1[W]) {
	if follows {
		load(&c.set.Vectors, to, x, from+i)
		return
	}
	load(&c.set.Vectors, to[:1], x, from)
	for j := 1; j < len(to); j++ {
		to[j] = to[0]
	}
}
