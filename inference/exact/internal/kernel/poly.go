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

// Exp is e^x: x = n·ln 2 + r, a polynomial in r, then scaling by 2^n, where the result is subnormal or huge in two
// factors of which only the last rounds. NaN gives NaN; above 88.72284 the result is +Inf, below -104 it is +0.
func Exp(x float32) float32 {
	switch {
	case x > 88.72284:
		return float32(math.Inf(1))
	case x < -104:
		return 0
	case x != x:
		return nan
	}
	r, z := expReduce(x)
	p, k := expPoly(r), int32(math.Float32bits(z))-roundMagicBits // p is in 0.7 … 1.42
	if uint32(k+125) <= 252 {
		return raised(p, k)
	}
	half := k >> 1
	return float32(raised(p, half) * power2(k-half))
}

// expReduce gives e^x as e^r·2^k: k are the low bits of z.
func expReduce(x float32) (r, z float32) {
	z = float32(x*1.44269504) + roundMagic
	n := z - roundMagic
	r = x - float32(n*0.693359375) // 355/512: the product is exact
	return r - float32(n*-2.12194440e-4), z
}

// expPoly is e^r for |r| <= ln(2)/2. It and its like are functions of their own so that each is small enough for the
// compiler to put it in its place: a call costs more than several products, above all in Wasm.
func expPoly(r float32) float32 {
	p := float32(r*0x1.6a2432p-10) + 0x1.1239e2p-7
	p = float32(p*r) + 0x1.5558f2p-5
	p = float32(p*r) + 0x1.555492p-3
	p = float32(p*r) + 0x1.fffffcp-2
	return float32(p*float32(r*r)) + r + 1
}

// raised is p·2^k where that is normal: k is added to the exponent.
func raised(p float32, k int32) float32 {
	return math.Float32frombits(math.Float32bits(p) + uint32(k)<<23)
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

// Erf is the error function: near zero x + x·P(x²), elsewhere ±(1 - 2^Q(|x|)), with 2^Q as a polynomial in the distance
// of Q from the nearest integer.
func Erf(x float32) float32 {
	t := abs(x)
	if t > 0.927734375 {
		if t > 4 {
			t = 4 // Erf(4) rounds to 1
		}
		q := erfExponent(t)
		z := q + roundMagic
		return signed(1-raised(powerPoly(q-(z-roundMagic)), int32(math.Float32bits(z))), x)
	}
	return Canon(float32(erfNear(float32(x*x))*x) + x)
}

func erfNear(s float32) float32 {
	p := float32(s*-0x1.38b2e0p-11) + 0x1.46e4d4p-8
	p = float32(p*s) + -0x1.b67caep-6
	p = float32(p*s) + 0x1.ce196cp-4
	p = float32(p*s) + -0x1.8126e0p-2
	return float32(p*s) + 0x1.06eba6p-3
}

// erfExponent is log2(1 - Erf(t)) for t in 0.9 … 4.
func erfExponent(t float32) float32 {
	q := float32(t*-0x1.ce8e44p-10) + 0x1.6b01c4p-6
	q = float32(q*t) + -0x1.0b3648p-3
	q = float32(q*t) + -0x1.e16b22p-1
	q = float32(q*t) + -0x1.9d74e2p+0
	return float32(q*t) + -0x1.89007ep-9
}

// powerPoly is 2^r for |r| <= 1/2.
func powerPoly(r float32) float32 {
	p := float32(r*0x1.5bb9e4p-10) + 0x1.3ceab4p-7
	p = float32(p*r) + 0x1.c6b754p-5
	p = float32(p*r) + 0x1.ebf9bcp-3
	p = float32(p*r) + 0x1.62e42ap-1
	return float32(p*r) + 1
}

// Tanh is the hyperbolic tangent: near zero x + x·x²·P(x²), elsewhere ±(1 - 2/(e^(2|x|) + 1)).
func Tanh(x float32) float32 {
	t := abs(x)
	if t >= 0.625 {
		if t > 10 {
			t = 10 // Tanh(10) rounds to 1
		}
		r, z := expReduce(t + t)
		return signed(1-2/(raised(expPoly(r), int32(math.Float32bits(z)))+1), x)
	}
	s := float32(t * t)
	p := float32(s*-0x1.76ac1ap-8) + 0x1.5256d8p-6
	p = float32(p*s) + -0x1.b84448p-5
	p = float32(p*s) + 0x1.110768p-3
	p = float32(p*s) + -0x1.555534p-2
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
