package kernel

import "math"

//go:generate go run ./vectorgen

// Vectors are operations on slices of one length, element by element; out may be an operand. Scalar forms take one
// number in place of a slice. What a CPU has no assembly for is the plain Go function.
type Vectors struct {
	Add, Sub, Mul, Div, Max, Min                                     func(out, a, b []float32)
	AddScalar, SubScalar, MulScalar, DivScalar, MaxScalar, MinScalar func(out, a []float32, b float32)
	ScalarSub, ScalarDiv                                             func(out []float32, a float32, b []float32)
	Neg, Abs, Sqrt, Reciprocal, Relu, HardSwish                      func(out, x []float32)
	Exp, Log, Erf, Tanh, Sigmoid, SiLU, Gelu, GeluTanh               func(out, x []float32)
	Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh func(out, x []float32)
	Log1p, Softplus                                                  func(out, x []float32)
	LeakyRelu                                                        func(out, x []float32, slope float32)
	Clip, HardSigmoid                                                func(out, x []float32, a, b float32)
	QuantizeInt8                                                     func(out []int8, x []float32, scale float32, zero int8)
	QuantizeUint8                                                    func(out []uint8, x []float32, scale float32, zero uint8)
	DequantizeInt8                                                   func(out []float32, x []int8, scale float32, zero int8)
	DequantizeUint8                                                  func(out []float32, x []uint8, scale float32, zero uint8)
	FromFloat16, FromBFloat16                                        func(out []float32, x []uint16)
	ToFloat16, ToBFloat16                                            func(out []uint16, x []float32)

	// What the row operations are made of.
	sumLanes, absLanes        func(l *laneSum, x []float32)
	highest, lowest, sumWhole func(x []float32) float32
	squareWhole               func(x []float32, mean float32) float32
	squareLanes               func(l *laneSum, x []float32, mean float32)
	expMinus                  func(out, x []float32, top float32)
	scaleAdd                  func(out, x, mask []float32, scale float32)
	normalise                 func(out, x, scale []float32, mean, factor float32)
	normaliseAdd              func(out, x, scale, bias []float32, mean, factor float32)
}

var vectorsGo = Vectors{
	Add: addF32, Sub: subF32, Mul: mulF32, Div: divF32, Max: maxF32, Min: minF32,
	AddScalar: addScalar, SubScalar: subScalar, MulScalar: mulScalar, DivScalar: divScalar,
	MaxScalar: maxScalar, MinScalar: minScalar, ScalarSub: scalarSub, ScalarDiv: scalarDiv,
	Neg: Each(Neg), Abs: Each(Abs), Sqrt: Each(Sqrt), Reciprocal: Each(Reciprocal), Relu: Each(Relu), HardSwish: Each(HardSwish),
	Exp: Each(Exp), Log: Each(Log), Erf: Each(Erf), Tanh: Each(Tanh), Sigmoid: Each(Sigmoid),
	SiLU: Each(SiLU), Gelu: gelu, GeluTanh: Each(GeluTanh),
	Sin: Each(Sin), Cos: Each(Cos), Tan: Each(Tan), Asin: Each(Asin), Acos: Each(Acos), Atan: Each(Atan),
	Sinh: Each(Sinh), Cosh: Each(Cosh), Asinh: Each(Asinh), Acosh: Each(Acosh), Atanh: Each(Atanh),
	Log1p: Each(Log1p), Softplus: Each(Softplus),
	LeakyRelu: leakyRelu, Clip: clip, HardSigmoid: hardSigmoid,
	QuantizeInt8: quantizeInt8, QuantizeUint8: quantizeUint8, DequantizeInt8: dequantizeInt8, DequantizeUint8: dequantizeUint8,
	FromFloat16: fromFloat16, FromBFloat16: fromBFloat16, ToFloat16: toFloat16, ToBFloat16: toBFloat16,
	sumLanes: sumLanes, absLanes: absLanes, highest: highest, lowest: lowest, sumWhole: sumWhole, squareWhole: squareWhole, squareLanes: squareLanes,
	expMinus: expMinus, scaleAdd: scaleAdd, normalise: normalise, normaliseAdd: normaliseAdd,
}

// Each applies a function to every element.
func Each(f func(float32) float32) func(out, x []float32) {
	return func(out, x []float32) {
		out = out[:len(x)]
		for i, v := range x {
			out[i] = f(v)
		}
	}
}

// Max is the greater number: NaN if either is, +0 above -0.
func Max(a, b float32) float32 {
	switch {
	case a > b:
		return a
	case a < b:
		return b
	case a == b:
		return math.Float32frombits(math.Float32bits(a) & math.Float32bits(b))
	}
	return nan
}

// Min is the smaller number: NaN if either is, -0 below +0.
func Min(a, b float32) float32 {
	switch {
	case a < b:
		return a
	case a > b:
		return b
	case a == b:
		return math.Float32frombits(math.Float32bits(a) | math.Float32bits(b))
	}
	return nan
}

// Neg flips the sign.
func Neg(x float32) float32 { return Canon(-x) }

// Abs is the magnitude.
func Abs(x float32) float32 { return Canon(abs(x)) }

// Reciprocal is 1/x.
func Reciprocal(x float32) float32 { return Canon(1 / x) }

// Relu is Max(x, +0).
func Relu(x float32) float32 {
	if x > 0 {
		return x
	}
	if x != x {
		return nan
	}
	return 0
}

// Clip is Min(Max(x, low), high).
func Clip(x, low, high float32) float32 { return Min(Max(x, low), high) }

// HardSigmoid is Clip(alpha·x + beta, 0, 1).
func HardSigmoid(x, alpha, beta float32) float32 { return Clip(float32(x*alpha)+beta, 0, 1) }

// HardSwish is x·HardSigmoid(x, 1/6, 1/2).
func HardSwish(x float32) float32 { return Canon(float32(x * HardSigmoid(x, 1.0/6, 0.5))) }

// LeakyRelu is x, times slope below zero.
func LeakyRelu(x, slope float32) float32 {
	if x < 0 {
		x = float32(x * slope)
	}
	return Canon(x)
}

// expMinus is Exp(x - top) for finite top and x at most that; of a NaN the assembly makes anything.
func expMinus(out, x []float32, top float32) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = Exp(v - top)
	}
}

// gelu is Gelu with one call less for each element.
func gelu(out, x []float32) {
	out = out[:len(x)]
	for i, v := range x {
		e := Erf(v/1.41421354) + 1
		out[i] = Canon(float32(float32(v*e) * 0.5))
	}
}

func scaleAdd(out, x, mask []float32, scale float32) {
	out, mask = out[:len(x)], mask[:len(x)]
	for i, v := range x {
		out[i] = Canon(float32(v*scale) + mask[i])
	}
}

func leakyRelu(out, x []float32, slope float32) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = LeakyRelu(v, slope)
	}
}

func clip(out, x []float32, low, high float32) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = Clip(v, low, high)
	}
}

func hardSigmoid(out, x []float32, alpha, beta float32) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = HardSigmoid(v, alpha, beta)
	}
}
