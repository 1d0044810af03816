package kernel

import (
	"math"
	"math/bits"
)

// The functions of this file take a few float64 steps and round to float32 once, which makes nearly every result the
// correctly rounded one: sums, products, quotients and square roots of float64 are the same on every CPU as long as
// none is fused, so each product is converted. No step depends on more than IEEE 754 says.

const (
	wideMagic     = 0x1.8p52 // like roundMagic, for float64
	wideMagicBits = 0x4338000000000000
	wideLog2e     = 0x1.71547652b82fep+0
	wideLn2       = 0x1.62e42fefa39efp-1
	wideLn2High   = 0x1.62e42feep-1 // 32 bits: its product with a small integer is exact
	wideLn2Low    = 0x1.a39ef35793c76p-33
	wideHalfPi    = 0x1.921fb54442d18p+0
)

// wideExp is e^t for |t| < 700.
func wideExp(t float64) float64 {
	z := float64(t*wideLog2e) + wideMagic
	k := int64(math.Float64bits(z)) - wideMagicBits
	n := z - wideMagic
	r := t - float64(n*wideLn2High)
	r -= float64(n * wideLn2Low)
	return float64(widePoly(r) * math.Float64frombits(uint64(k+1023)<<52))
}

// widePoly is e^r for |r| <= ln(2)/2.
func widePoly(r float64) float64 {
	p := float64(r*0x1.9e8928b4d06fbp-16) + 0x1.a1856020e846ap-13
	p = float64(p*r) + 0x1.6c18d33f8c68bp-10
	p = float64(p*r) + 0x1.1110a25f5d4fep-7
	p = float64(p*r) + 0x1.5555541e46c49p-5
	p = float64(p*r) + 0x1.5555557dd3203p-3
	p = float64(p*r) + 0x1.000000005df22p-1
	return float64(p*float64(r*r)) + r + 1
}

// wideRootHalf is the bit pattern of sqrt(1/2).
const wideRootHalf = 0x3fe6a09e667f3bcd

// wideParts splits a positive normal x into 2^e·(1 + f) with 1 + f in sqrt(1/2) … sqrt(2).
func wideParts(x float64) (e, f float64) {
	shifted := math.Float64bits(x) - wideRootHalf
	return float64(int32(int64(shifted) >> 52)), math.Float64frombits(shifted&(1<<52-1)+wideRootHalf) - 1
}

// wideRatio is ln((1 + s)/(1 - s)) for |s| <= 0.1716.
func wideRatio(s float64) float64 {
	z := float64(s * s)
	p := float64(z*0x1.9115a076c9457p-3) + 0x1.c62b135f694f3p-3
	p = float64(p*z) + 0x1.249411f23e8dcp-2
	p = float64(p*z) + 0x1.999996a9402e8p-2
	p = float64(p*z) + 0x1.555555561e472p-1
	return s + s + float64(float64(p*z)*s)
}

// wideLog is ln x for positive normal x.
func wideLog(x float64) float64 {
	e, f := wideParts(x)
	return wideRatio(f/(2+f)) + float64(e*wideLn2)
}

// wideLog1p is ln(1 + z) for z > -1, without loss near 0.
func wideLog1p(z float64) float64 {
	if z > -0.29 && z < 0.41 {
		return wideRatio(z / (2 + z))
	}
	return wideLog(1 + z)
}

// Log1p is ln(1 + x).
func Log1p(x float32) float32 {
	switch {
	case x > math.MaxFloat32 || x == 0:
		return x
	case x == -1:
		return float32(math.Inf(-1))
	case !(x > -1):
		return nan
	}
	return float32(wideLog1p(float64(x)))
}

// Softplus is ln(1 + e^x), as max(x, 0) + ln(1 + e^-|x|).
func Softplus(x float32) float32 {
	switch {
	case x != x:
		return nan
	case x > 104:
		return x
	case x < -104:
		return 0
	case x > 0:
		return float32(float64(x) + wideLog1p(wideExp(-float64(x))))
	}
	return float32(wideLog1p(wideExp(float64(x))))
}

// Sinh is the hyperbolic sine: a series below 1, (e^x - e^-x)/2 above.
func Sinh(x float32) float32 {
	t := float64(abs(x))
	switch {
	case x != x:
		return nan
	case t > 90:
		return signed(float32(math.Inf(1)), x)
	case t >= 1:
		e := wideExp(t)
		return signed(float32((e-1/e)/2), x)
	}
	z := float64(t * t)
	p := float64(z*(1.0/6227020800)) + 1.0/39916800
	p = float64(p*z) + 1.0/362880
	p = float64(p*z) + 1.0/5040
	p = float64(p*z) + 1.0/120
	p = float64(p*z) + 1.0/6
	return signed(float32(float64(float64(p*z)*t)+t), x)
}

// Cosh is the hyperbolic cosine, (e^x + e^-x)/2.
func Cosh(x float32) float32 {
	t := float64(abs(x))
	switch {
	case x != x:
		return nan
	case t > 90:
		return float32(math.Inf(1))
	}
	e := wideExp(t)
	return float32((e + 1/e) / 2)
}

// Asinh is ±ln(1 + t + t²/(1 + sqrt(1 + t²))) for t = |x|.
func Asinh(x float32) float32 {
	t := float64(abs(x))
	switch {
	case x != x:
		return nan
	case t > math.MaxFloat32 || t == 0:
		return x
	}
	s := float64(t * t)
	return signed(float32(wideLog1p(t+s/(1+math.Sqrt(1+s)))), x)
}

// Acosh is ln(1 + t + sqrt(2t + t²)) for t = x - 1.
func Acosh(x float32) float32 {
	switch {
	case x > math.MaxFloat32:
		return x
	case !(x >= 1):
		return nan
	}
	t := float64(x) - 1
	return float32(wideLog1p(t + math.Sqrt(float64(t*t)+t+t)))
}

// Atanh is ±ln(1 + 2t/(1 - t))/2 for t = |x|.
func Atanh(x float32) float32 {
	t := float64(abs(x))
	switch {
	case !(t <= 1):
		return nan
	case t == 1:
		return signed(float32(math.Inf(1)), x)
	}
	return signed(float32(wideLog1p((t+t)/(1-t))/2), x)
}

// wideAtan is atan t for t >= 0, +Inf included: above 1 it is π/2 - atan(1/t), above tan(π/8) it is
// π/4 + atan((t - 1)/(t + 1)), then a polynomial.
func wideAtan(t float64) float64 {
	if t > 1 {
		return wideHalfPi - wideAtan(1/t)
	}
	base := 0.0
	if t > 0x1.a827999fcef32p-2 {
		t, base = (t-1)/(t+1), wideHalfPi/2
	}
	z := float64(t * t)
	p := float64(z*-0x1.36ee1cc8e6cfbp-5) + 0x1.1e6fa9da3d1f2p-4
	p = float64(p*z) + -0x1.70873efe1641ap-4
	p = float64(p*z) + 0x1.c6d270f19be00p-4
	p = float64(p*z) + -0x1.2490c6e5dc5f9p-3
	p = float64(p*z) + 0x1.99999216a7180p-3
	p = float64(p*z) + -0x1.5555554efd89bp-2
	return base + (t + float64(float64(p*z)*t))
}

// Atan is the inverse tangent.
func Atan(x float32) float32 {
	if x != x {
		return nan
	}
	return signed(float32(wideAtan(float64(abs(x)))), x)
}

// Asin is ±atan(t/sqrt((1 - t)·(1 + t))) for t = |x|.
func Asin(x float32) float32 {
	t := float64(abs(x))
	if !(t <= 1) {
		return nan
	}
	return signed(float32(wideAtan(t/math.Sqrt(float64((1-t)*(1+t))))), x)
}

// Acos is 2·atan(sqrt((1 - x)/(1 + x))).
func Acos(x float32) float32 {
	t := float64(x)
	if !(t >= -1 && t <= 1) {
		return nan
	}
	return float32(2 * wideAtan(math.Sqrt((1-t)/(1+t))))
}

// twoOverPi holds 64 zeros and then the first 256 bits of 2/π.
var twoOverPi = [5]uint64{0, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561}

func bitsOfTwoOverPi(at uint) uint64 {
	word, shift := at/64, at%64
	return twoOverPi[word]<<shift | twoOverPi[word+1]>>(64-shift)
}

// quadrant splits a finite x >= 0 into n·π/2 + r with |r| <= π/4 and gives n mod 4. Below 2^20 π/2 is taken in two
// parts, of which the first has 33 bits and exact products; above, the integer product of x's 24 bits with the 128 bits of
// 2/π that matter leaves the fraction of x·2/π with an error below 2^-61.
func quadrant(x float32) (n uint32, r float64) {
	if x < 1<<20 {
		t := float64(x)
		z := float64(t*0x1.45f306dc9c883p-1) + wideMagic
		k := z - wideMagic
		r = t - float64(k*0x1.921fb544p+0)
		r -= float64(k * 0x1.0b4611a626331p-34)
		return uint32(math.Float64bits(z)) & 3, r
	}
	b := math.Float32bits(x)
	exponent := uint(b>>23) - 150 + 62 // of the last bit of the 24
	mantissa := uint64(b&(1<<23-1) | 1<<23)
	high, _ := bits.Mul64(mantissa, bitsOfTwoOverPi(exponent+64))
	product := mantissa*bitsOfTwoOverPi(exponent) + high // in units of 2^-62, modulo 4
	n = uint32((product + 1<<61) >> 62)
	rest := int64(product - uint64(n)<<62)
	return n & 3, float64(float64(rest) * (wideHalfPi * 0x1p-62))
}

// wideSin is sin r for |r| <= π/4.
func wideSin(r float64) float64 {
	z := float64(r * r)
	p := float64(z*0x1.6cd838e2842cbp-19) + -0x1.a00f9d23d5b4ap-13
	p = float64(p*z) + 0x1.11110895ab2e8p-7
	p = float64(p*z) + -0x1.5555554cb90ffp-3
	return r + float64(float64(p*z)*r)
}

// wideCos is cos r for |r| <= π/4.
func wideCos(r float64) float64 {
	z := float64(r * r)
	p := float64(z*-0x1.23d7e61253a49p-22) + 0x1.a00f10f08d247p-16
	p = float64(p*z) + -0x1.6c16b3ff3c431p-10
	p = float64(p*z) + 0x1.55555546f2ba1p-5
	p = float64(p*z) + -0x1.ffffffffebf98p-2
	return 1 + float64(p*z)
}

// turn is sin(r + n·π/2).
func turn(n uint32, r float64) float64 {
	var y float64
	if n&1 == 0 {
		y = wideSin(r)
	} else {
		y = wideCos(r)
	}
	if n&2 != 0 {
		y = -y
	}
	return y
}

// Sin is the sine, right for arguments of any size; of an infinity it is NaN.
func Sin(x float32) float32 {
	t := abs(x)
	if !(t <= math.MaxFloat32) {
		return nan
	}
	if t == 0 {
		return x
	}
	n, r := quadrant(t)
	y := float32(turn(n, r))
	if x < 0 {
		y = -y
	}
	return y
}

// Cos is the cosine, right for arguments of any size; of an infinity it is NaN.
func Cos(x float32) float32 {
	t := abs(x)
	if !(t <= math.MaxFloat32) {
		return nan
	}
	n, r := quadrant(t)
	return float32(turn(n+1, r))
}

// Tan is the tangent, right for arguments of any size; of an infinity it is NaN.
func Tan(x float32) float32 {
	t := abs(x)
	if !(t <= math.MaxFloat32) {
		return nan
	}
	if t == 0 {
		return x
	}
	n, r := quadrant(t)
	y := float32(turn(n, r) / turn(n+1, r))
	if x < 0 {
		y = -y
	}
	return y
}
