package exact

import (
	"math"
	"math/bits"
)

// horner is the polynomial of the coefficients, the highest first: p·z + c for each further one, two roundings each.
func horner(z float64, c []float64) float64 {
	p := c[0]
	for _, next := range c[1:] {
		p = float64(p*z) + next
	}
	return p
}

var (
	sinTerms = []float64{
		1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06, -1.98412698298579493134e-04,
		8.33333333332248946124e-03,
	}
	cosTerms = []float64{
		-1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07, 2.48015872894767294178e-05,
		-1.38888888888741095749e-03, 4.16666666666666019037e-02,
	}
)

// sinNear is the sine of x + low for |x| up to π/4.
func sinNear(x, low float64) float64 {
	z := float64(x * x)
	cube := float64(z * x)
	p := horner(z, sinTerms)
	return x - (float64(z*(float64(0.5*low)-float64(cube*p))) - low + float64(cube*1.66666666666666324348e-01))
}

// cosNear is the cosine of x + low for |x| up to π/4.
func cosNear(x, low float64) float64 {
	z := float64(x * x)
	half := float64(0.5 * z)
	w := 1 - half
	p := float64(z * float64(z*horner(z, cosTerms)))
	return w + ((1 - w - half) + (p - float64(x*low)))
}

// twoOverPi64 holds 64 zeros and then the first 1,280 bits of 2/π.
var twoOverPi64 = [21]uint64{
	0,
	0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
	0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484,
	0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
	0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d, 0x7527bac7ebe5f17b,
	0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab, 0xf0cfbc209af4361d,
}

func bitsOfTwoOverPi64(at uint) uint64 {
	word, shift := at/64, at%64
	return twoOverPi64[word]<<shift | twoOverPi64[word+1]>>(64-shift)
}

// quadrant64 splits a finite x >= 0 into n·π/2 + high + low, the two within π/4, and gives n mod 4. The integer
// product of x's 53 bits with the 192 bits of 2/π that matter leaves the fraction of x·2/π with an error below 2^-137;
// its first 128 bits that count, times those of π/2, make high and low.
func quadrant64(x float64) (n uint64, high, low float64) {
	if x < math.Pi/4 {
		return 0, x, 0
	}
	b := math.Float64bits(x)
	at := uint(b>>52) - 1075 + 62 // what stands before counts whole turns
	mantissa := b&(1<<52-1) | 1<<52
	h2, f0 := bits.Mul64(mantissa, bitsOfTwoOverPi64(at+128))
	h1, l1 := bits.Mul64(mantissa, bitsOfTwoOverPi64(at+64))
	f1, carry := bits.Add64(l1, h2, 0)
	f2 := mantissa*bitsOfTwoOverPi64(at) + h1 + carry // in units of 2^-62, modulo 4
	n = (f2 + 1<<61) >> 62
	f2 -= n << 62
	negative := f2>>63 == 1
	if negative {
		f0, carry = bits.Add64(^f0, 1, 0)
		f1, carry = bits.Add64(^f1, 0, carry)
		f2 = ^f2 + carry
	}
	zeros := 0
	if f2 == 0 {
		f2, f1, f0, zeros = f1, f0, 0, 64
	}
	shift := bits.LeadingZeros64(f2)
	zeros += shift
	f2, f1 = f2<<shift|f1>>(64-shift), f1<<shift|f0>>(64-shift)
	const halfPi, halfPiLow = 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1
	r1, r0 := bits.Mul64(f2, halfPi)
	a, _ := bits.Mul64(f2, halfPiLow)
	c, _ := bits.Mul64(f1, halfPi)
	r0, carry = bits.Add64(r0, a, 0)
	r1 += carry
	r0, carry = bits.Add64(r0, c, 0)
	r1 += carry
	high = float64(float64(int64(r1>>11)) * power(-50-zeros))
	low = float64(float64(int64(r1&(1<<11-1)<<42|r0>>22)) * power(-103-zeros))
	if negative {
		high, low = -high, -low
	}
	return n & 3, high, low
}

// power is 2^n for n of a normal number.
func power(n int) float64 { return math.Float64frombits(uint64(n+1023) << 52) }

// turn64 is the sine of n·π/2 + high + low.
func turn64(n uint64, high, low float64) float64 {
	y := 0.0
	if n&1 == 0 {
		y = sinNear(high, low)
	} else {
		y = cosNear(high, low)
	}
	if n&2 != 0 {
		y = -y
	}
	return y
}

// signed64 is y, or -y for x below zero.
func signed64(y, x float64) float64 {
	if x < 0 {
		return -y
	}
	return y
}

func sin64(x float64) float64 {
	t := math.Abs(x)
	switch {
	case !(t <= math.MaxFloat64):
		return nan64
	case t < 0x1p-27: // -0 stays, and x·x does not vanish on the way
		return x
	}
	return signed64(turn64(quadrant64(t)), x)
}

func cos64(x float64) float64 {
	t := math.Abs(x)
	if !(t <= math.MaxFloat64) {
		return nan64
	}
	n, high, low := quadrant64(t)
	return turn64(n+1, high, low)
}

func tan64(x float64) float64 {
	t := math.Abs(x)
	switch {
	case !(t <= math.MaxFloat64):
		return nan64
	case t < 0x1p-27:
		return x
	}
	n, high, low := quadrant64(t)
	return signed64(turn64(n, high, low)/turn64(n+1, high, low), x)
}

// rotation is the cosine and sine of 2π·k/n for 0 <= k < n: of the rest of the nearest quarter, turned by that.
func rotation(k, n int) (cos, sin float64) {
	quarter := (8*int64(k) + int64(n)) / (2 * int64(n))
	rest := float64(4*int64(k)-quarter*int64(n)) / float64(n)
	r := float64(rest * (math.Pi / 2))
	return turn64(uint64(quarter)+1, r, 0), turn64(uint64(quarter), r, 0)
}

var (
	atanTerms = []float64{
		1.62858201153657823623e-02, -3.65315727442169155270e-02, 4.97687799461593236017e-02, -5.83357013379057348645e-02,
		6.66107313738753120669e-02, -7.69187620504482999495e-02, 9.09088713343650656196e-02, -1.11111104054623557880e-01,
		1.42857142725034663711e-01, -1.99999999998764832476e-01, 3.33333333333329318027e-01,
	}
	// atanAt are the arctangents of 1/2, 1, 3/2 and infinity, each in two parts.
	atanAt = [4][2]float64{
		{4.63647609000806093515e-01, 2.26987774529616870924e-17},
		{7.85398163397448278999e-01, 3.06161699786838301793e-17},
		{9.82793723247329054082e-01, 1.39033110312309984516e-17},
		{1.57079632679489655800e+00, 6.12323399573676603587e-17},
	}
)

// atan64 moves x near one of 0, 1/2, 1, 3/2 and infinity.
func atan64(x float64) float64 {
	t := math.Abs(x)
	at := 0
	switch {
	case t != t:
		return nan64
	case t < 0x1p-27:
		return x
	case t < 7.0/16:
		at = -1
	case t < 11.0/16:
		t = ((t + t) - 1) / (2 + t)
	case t < 19.0/16:
		at, t = 1, (t-1)/(t+1)
	case t < 39.0/16:
		at, t = 2, (t-1.5)/(1+float64(1.5*t))
	default:
		at, t = 3, -1/t
	}
	z := float64(t * t)
	y := float64(t * float64(z*horner(z, atanTerms)))
	if at < 0 {
		return math.Copysign(t-y, x)
	}
	return math.Copysign(atanAt[at][0]-((y-atanAt[at][1])-t), x)
}

var (
	asinAbove = []float64{
		3.47933107596021167570e-05, 7.91534994289814532176e-04, -4.00555345006794114027e-02, 2.01212532134862925881e-01,
		-3.25565818622400915405e-01, 1.66666666666666657415e-01,
	}
	asinBelow = []float64{
		7.70381505559019352791e-02, -6.88283971605453293030e-01, 2.02094576023350569471e+00, -2.40339491173441421878e+00, 1,
	}
)

// asinRest is (asin(√z) - √z)/√z for z up to 1/4.
func asinRest(z float64) float64 {
	return float64(z*horner(z, asinAbove)) / horner(z, asinBelow)
}

// halves is √z in two parts, the first of 26 bits, for z up to 1/4.
func halves(z float64) (high, low float64) {
	root := math.Sqrt(z)
	high = math.Float64frombits(math.Float64bits(root) &^ (1<<27 - 1))
	if root == 0 {
		return 0, 0
	}
	return high, (z - float64(high*high)) / (root + high)
}

const halfPiRest = 6.123233995736766035868820147292e-17 // of π/2 beyond its float64

// asin64: above 1/2 it is π/2 - 2·asin(√((1 - |x|)/2)).
func asin64(x float64) float64 {
	t := math.Abs(x)
	switch {
	case !(t <= 1):
		return nan64
	case t < 0x1p-26:
		return x
	case t < 0.5:
		return x + float64(x*asinRest(float64(x*x)))
	}
	z := float64((1 - t) * 0.5)
	high, low := halves(z)
	root := high + low
	rest := float64((root+root)*asinRest(z)) - (halfPiRest - (low + low))
	return math.Copysign(math.Pi/4-(rest-(math.Pi/4-(high+high))), x)
}

// acos64 is π/2 - asin, 2·asin(√((1 - x)/2)) above 1/2, and π less that of -x below -1/2.
func acos64(x float64) float64 {
	t := math.Abs(x)
	switch {
	case !(t <= 1):
		return nan64
	case t < 0.5:
		return math.Pi/2 - (x - (halfPiRest - float64(x*asinRest(float64(x*x)))))
	}
	z := float64((1 - t) * 0.5)
	high, low := halves(z)
	rest := float64((high+low)*asinRest(z)) + low
	if x < 0 {
		return float64(2 * (math.Pi/2 - (high + (rest - halfPiRest))))
	}
	return float64(2 * (high + rest))
}
