package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// unaryOperators work on every element by itself.
func unaryOperators() map[string]*operator {
	type vectors = kernel.Vectors
	out := map[string]*operator{
		"Neg": simple(unary{
			f32: func(v *vectors) mapper { return v.Neg }, f64: func(x float64) float64 { return -x },
			signed: func(x int64) int64 { return -x },
		}),
		"Abs": simple(unary{
			f32: func(v *vectors) mapper { return v.Abs }, f64: math.Abs,
			signed: func(x int64) int64 { return max(x, -x) }, unsigned: func(x uint64) uint64 { return x },
		}),
		"Sign": simple(unary{
			f32: func(*vectors) mapper {
				return kernel.Each(func(x float32) float32 { return float32(sign64(float64(x))) })
			},
			f64: sign64, signed: func(x int64) int64 { return max(-1, min(1, x)) }, unsigned: func(x uint64) uint64 { return min(1, x) },
		}),
		"Ceil":  simple(rounding(math.Ceil)),
		"Floor": simple(rounding(math.Floor)),
		"Round": simple(rounding(math.RoundToEven)),
		"Sqrt":  simple(unary{f32: func(v *vectors) mapper { return v.Sqrt }, f64: math.Sqrt}),
		"Reciprocal": simple(unary{
			f32: func(v *vectors) mapper { return v.Reciprocal }, f64: func(x float64) float64 { return 1 / x },
		}),
		"Relu": simple(unary{
			f32: func(v *vectors) mapper { return v.Relu }, f64: func(x float64) float64 { return max64(x, 0) },
			signed: func(x int64) int64 { return max(x, 0) },
		}),
		"BitwiseNot": simple(unary{
			signed: func(x int64) int64 { return ^x }, unsigned: func(x uint64) uint64 { return ^x },
		}),
		"HardSwish": simple(unary{f32: func(v *vectors) mapper { return v.HardSwish }, f64: hardSwish64}),
		"Mish":      simple(unary{f32: inDoubles(mish), f64: mish, price: 600, wide: 3000}),
		"Softsign":  simple(unary{f32: inDoubles(softsign), f64: softsign, price: 60}),
	}
	for name, f := range map[string]func(v *vectors) mapper{
		"Exp": func(v *vectors) mapper { return v.Exp }, "Log": func(v *vectors) mapper { return v.Log },
		"Erf": func(v *vectors) mapper { return v.Erf }, "Tanh": func(v *vectors) mapper { return v.Tanh },
		"Sigmoid": func(v *vectors) mapper { return v.Sigmoid }, "Softplus": func(v *vectors) mapper { return v.Softplus },
		"Sin": func(v *vectors) mapper { return v.Sin }, "Cos": func(v *vectors) mapper { return v.Cos },
		"Tan": func(v *vectors) mapper { return v.Tan }, "Asin": func(v *vectors) mapper { return v.Asin },
		"Acos": func(v *vectors) mapper { return v.Acos }, "Atan": func(v *vectors) mapper { return v.Atan },
		"Sinh": func(v *vectors) mapper { return v.Sinh }, "Cosh": func(v *vectors) mapper { return v.Cosh },
		"Asinh": func(v *vectors) mapper { return v.Asinh }, "Acosh": func(v *vectors) mapper { return v.Acosh },
		"Atanh": func(v *vectors) mapper { return v.Atanh },
	} {
		u := unary{f32: f, f64: doubles[name], price: 450, wide: 3000}
		switch name {
		case "Exp", "Log", "Erf", "Tanh", "Sigmoid": // kernels for Wasm
			u.price = 60
		}
		out[name] = simple(u)
	}
	return out
}

// doubles are the functions of float64.
var doubles = map[string]func(float64) float64{
	"Exp": exp64, "Log": log64, "Erf": erf64, "Tanh": tanh64, "Sigmoid": sigmoid64, "Softplus": softplus64,
	"Sin": sin64, "Cos": cos64, "Tan": tan64, "Asin": asin64, "Acos": acos64, "Atan": atan64,
	"Sinh": sinh64, "Cosh": cosh64, "Asinh": asinh64, "Acosh": acosh64, "Atanh": atanh64,
}

// mapper is a function applied to every element of a slice; out may be x.
type mapper = func(out, x []float32)

// unary is one function for each family that it exists for.
type unary struct {
	f32      func(v *kernel.Vectors) mapper
	f64      func(x float64) float64
	signed   func(x int64) int64
	unsigned func(x uint64) uint64
	price    int64 // instructions an element; 0 is 30
	wide     int64 // those of a float64; 0 is what narrow floats take
}

func simple(u unary) *operator {
	return &operator{minIn: 1, maxIn: 1, out: 1, bind: plain(u.eval())}
}

// inDoubles computes in float64 and rounds once.
func inDoubles(f func(float64) float64) vectorised {
	return func(*kernel.Vectors) mapper {
		return kernel.Each(func(x float32) float32 { return kernel.Canon(float32(f(float64(x)))) })
	}
}

// hardSwish64 is x·max(0, min(1, x/6 + 1/2)).
func hardSwish64(x float64) float64 { return float64(x * max64(0, min64(1, float64(x*(1.0/6))+0.5))) }

func softsign(x float64) float64 { return x / (1 + math.Abs(x)) }

// mish is x·tanh(ln(1 + e^x)), as x·n/(n + 2) with n = e^x·(e^x + 2); from 20 on it is x.
func mish(x float64) float64 {
	if x > 20 {
		return x
	}
	e := exp64(x)
	n := float64(e * (e + 2))
	return float64(x * (n / (n + 2)))
}

func sign64(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // zeros keep their sign, NaN stays
}

// rounding is exact in float64 for every type of the float family.
func rounding(f func(float64) float64) unary {
	return unary{
		f32: func(*kernel.Vectors) mapper {
			return kernel.Each(func(x float32) float32 { return kernel.Canon(float32(f(float64(x)))) })
		},
		f64: f,
	}
}

func each[T any](f func(T) T) func(out, x []T) {
	return func(out, x []T) {
		out = out[:len(x)]
		for i, v := range x {
			out[i] = f(v)
		}
	}
}

func (u *unary) eval() eval {
	price := u.price
	if price == 0 {
		price = 30
	}
	return eval{
		infer:   func(in []Spec) ([]Spec, error) { return u.infer(&in[0]) },
		compute: func(c *call, in, out []*Tensor) error { u.compute(c, out[0], in[0]); return nil },
		inPlace: []int{0},
		cost: func(in, out []Spec) Cost {
			if u.wide != 0 && in[0].DType == tensor.Float64 {
				return perElement(u.wide)(in, out)
			}
			return elementCost(price, price+150)(in, out)
		},
	}
}

func (u *unary) infer(x *Spec) ([]Spec, error) {
	ok := false
	switch familyOf(x.DType) {
	case floatFamily:
		ok = u.f32 != nil
	case doubleFamily:
		ok = u.f64 != nil
	case signedFamily:
		ok = u.signed != nil
	case unsignedFamily:
		ok = u.unsigned != nil
	}
	if !ok {
		return nil, fail(ErrUnsupported, "element type %v", x.DType)
	}
	return []Spec{x.like()}, nil
}

func (u *unary) compute(c *call, out, x *Tensor) {
	switch familyOf(x.DType) {
	case floatFamily:
		unaryFloats(c, out, x, u.f32(&c.set.Vectors))
	case doubleFamily:
		unaryThrough(c, out, x, loadDoubles, storeDoubles, each(u.f64))
	case signedFamily:
		unaryThrough(c, out, x, loadInts, storeInts, each(u.signed))
	case unsignedFamily:
		unaryThrough(c, out, x, loadInts, storeInts, each(func(v int64) int64 { return int64(u.unsigned(uint64(v))) }))
	}
}

// unaryFloats computes in float32, without a detour when that is the type.
func unaryFloats(c *call, out, x *Tensor, f mapper) {
	if x.DType != tensor.Float32 {
		unaryThrough(c, out, x, loadFloats, storeFloats, f)
		return
	}
	to, from := out.Float32s(), x.Float32s()
	c.tasks(len(from), func(lo, hi int) { f(to[lo:hi], from[lo:hi]) })
}
