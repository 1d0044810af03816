package kernel

import "math"

// nan is the one spelling of NaN that tensors hold.
var nan = math.Float32frombits(0x7fc00000)

const signBit = 1 << 31

// Canon gives a NaN its one spelling.
func Canon(x float32) float32 {
	if x != x {
		return nan
	}
	return x
}

// Canonicalise gives every NaN of x its one spelling.
func Canonicalise(x []float32) {
	for i, v := range x {
		if v != v {
			x[i] = nan
		}
	}
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ signBit) }

// signed is the magnitude x with the sign of y.
func signed(x, y float32) float32 {
	return math.Float32frombits(math.Float32bits(x) | math.Float32bits(y)&signBit)
}

// roundMagic is 1.5·2^23: adding and subtracting it rounds |x| < 2^22 to the nearest integer, ties to even. The sum's
// low bits are that integer.
const (
	roundMagic     = 12582912
	roundMagicBits = 0x4b400000
)

// Exp is e^x: x = n·ln 2 + r, a polynomial in r, then scaling by 2^n in two exact halves so that subnormal
// results are rounded once. NaN gives NaN; above 88.72284 the result is +Inf, below -104 it is +0.
func Exp(x float32) float32 {
	switch {
	case x > 88.72284:
		return float32(math.Inf(1))
	case x < -104:
		return 0
	case x != x:
		return nan
	}
	z := float32(x*1.44269504) + roundMagic
	k := int32(math.Float32bits(z)) - roundMagicBits
	n := z - roundMagic
	r := x - float32(n*0.693359375) // 355/512: the product is exact
	r -= float32(n * -2.12194440e-4)
	p := float32(r*1.9875691500e-4) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(p*float32(r*r)) + r
	p++
	half := k >> 1
	return float32(float32(p*power2(half)) * power2(k-half))
}

// power2 is 2^k for k in -126 … 127.
func power2(k int32) float32 { return math.Float32frombits(uint32(k+127) << 23) }

// rootHalf is the bit pattern of sqrt(1/2), where Log's reduced argument begins.
const rootHalf = 0x3f3504f3

// Log is the natural logarithm: x = 2^e·(1 + f) with 1 + f in sqrt(1/2) … sqrt(2), then f - f²/2 + f³·P(f) + e·ln 2
// with ln 2 in two parts. A subnormal x is first multiplied by 2^23.
func Log(x float32) float32 {
	switch {
	case x > math.MaxFloat32:
		return x
	case x == 0:
		return float32(math.Inf(-1))
	case !(x > 0):
		return nan
	}
	var e float32
	if x < 0x1p-126 {
		x, e = float32(x*0x1p23), -23
	}
	shifted := math.Float32bits(x) - rootHalf
	e += float32(int32(shifted) >> 23)
	f := math.Float32frombits(shifted&(1<<23-1)+rootHalf) - 1
	p := float32(f*0x1.1457acp-4) + -0x1.de3c16p-4
	p = float32(p*f) + 0x1.e6f06ap-4
	p = float32(p*f) + -0x1.fc2206p-4
	p = float32(p*f) + 0x1.233768p-3
	p = float32(p*f) + -0x1.555c4ep-3
	p = float32(p*f) + 0x1.99a4b6p-3
	p = float32(p*f) + -0x1.000006p-2
	p = float32(p*f) + 0x1.555548p-2
	square := float32(f * f)
	y := float32(float32(p*f) * square)
	y += float32(e * -2.12194440e-4)
	y -= float32(square * 0.5)
	y += f
	return y + float32(e*0.693359375)
}

// Erf is the error function: near zero x + x·P(x²), elsewhere ±(1 - e^Q(|x|)).
func Erf(x float32) float32 {
	t := abs(x)
	if t > 0.927734375 {
		if t > 4 {
			t = 4 // Erf(4) rounds to 1
		}
		s := float32(t * t)
		q := float32(t*-1.72853470e-5) + 3.83197126e-4
		u := float32(t*-3.88396438e-3) + 2.42546219e-2
		q = float32(q*s) + u
		q = float32(q*t) + -1.06777877e-1
		q = float32(q*t) + -6.34846687e-1
		q = float32(q*t) + -1.28717512e-1
		q = float32(q*t) + -t
		return signed(1-Exp(q), x)
	}
	s := float32(x * x)
	p := float32(s*-5.96761703e-4) + 4.99119423e-3
	p = float32(p*s) + -2.67681349e-2
	p = float32(p*s) + 1.12819925e-1
	p = float32(p*s) + -3.76125336e-1
	p = float32(p*s) + 1.28379166e-1
	return Canon(float32(p*x) + x)
}

// Tanh is the hyperbolic tangent: near zero x + x·P(x²), elsewhere ±(1 - 2/(e^(2|x|) + 1)).
func Tanh(x float32) float32 {
	t := abs(x)
	if t >= 0.625 {
		return signed(1-2/(Exp(t+t)+1), x)
	}
	s := float32(t * t)
	p := float32(s*-5.70498872745e-3) + 2.06390887954e-2
	p = float32(p*s) + -5.37397155531e-2
	p = float32(p*s) + 1.33314422036e-1
	p = float32(p*s) + -3.33332819422e-1
	return Canon(signed(float32(float32(p*s)*t)+t, x))
}

// Sigmoid is 1/(1 + e^-x), computed from w = e^-|x| so that nothing overflows: 1/(1 + w), or w/(1 + w) below zero.
func Sigmoid(x float32) float32 {
	if x != x {
		return nan
	}
	w := Exp(-abs(x))
	if x < 0 {
		return w / (1 + w)
	}
	return 1 / (1 + w)
}

// SiLU is x·Sigmoid(x), the two steps rounded apart.
func SiLU(x float32) float32 { return Canon(float32(x * Sigmoid(x))) }

// Gelu is the chain that exporters write: divide by sqrt(2), Erf, add 1, multiply by x, multiply by 0.5.
func Gelu(x float32) float32 {
	e := Erf(x/1.41421354) + 1
	return Canon(float32(float32(x*e) * 0.5))
}

// GeluTanh is the tanh form: x³ as (x·x)·x, 0.5·x·(1 + Tanh(sqrt(2/π)·(x + 0.044715·x³))), multiplied as
// (0.5·x)·(1 + …).
func GeluTanh(x float32) float32 {
	cube := float32(float32(x*x) * x)
	inner := x + float32(cube*0.044715)
	e := Tanh(float32(inner*0.79788458)) + 1
	return Canon(float32(float32(x*0.5) * e))
}

// Sqrt is correctly rounded on every CPU; of a negative number it is NaN.
func Sqrt(x float32) float32 { return Canon(float32(math.Sqrt(float64(x)))) }
