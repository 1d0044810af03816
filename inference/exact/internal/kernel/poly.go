package kernel

import "math"

// nan is the one spelling of NaN that tensors hold.
var nan = math.Float32frombits(0x7fc00000)

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

// roundMagic is 1.5·2^23: adding and subtracting it rounds |x| < 2^22 to the nearest integer, ties to even.
const roundMagic = 12582912

// Exp is e^x: x = n·ln 2 + r, a polynomial in r, then scaling by 2^n in two exact halves so that subnormal
// results are rounded once. NaN gives NaN; above 88.72284 the result is +Inf, below -104 it is +0.
func Exp(x float32) float32 {
	switch {
	case x != x:
		return nan
	case x > 88.72284:
		return float32(math.Inf(1))
	case x < -104:
		return 0
	}
	n := float32(x*1.44269504) + roundMagic
	n -= roundMagic
	r := x - float32(n*0.693359375) // 355/512: the product is exact
	r -= float32(n * -2.12194440e-4)
	p := float32(r*1.9875691500e-4) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(p*float32(r*r)) + r
	p++
	k := int32(n)
	half := k >> 1
	return float32(float32(p*power2(half)) * power2(k-half))
}

// power2 is 2^k for k in -126 … 127.
func power2(k int32) float32 { return math.Float32frombits(uint32(k+127) << 23) }

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
		q = 1 - Exp(q)
		return math.Float32frombits(math.Float32bits(q) | math.Float32bits(x)&signBit)
	}
	s := float32(x * x)
	p := float32(s*-5.96761703e-4) + 4.99119423e-3
	p = float32(p*s) + -2.67681349e-2
	p = float32(p*s) + 1.12819925e-1
	p = float32(p*s) + -3.76125336e-1
	p = float32(p*s) + 1.28379166e-1
	return Canon(float32(p*x) + x)
}

const signBit = 1 << 31

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ signBit) }

// Tanh is the hyperbolic tangent: near zero x + x·P(x²), elsewhere ±(1 - 2/(e^(2|x|) + 1)).
func Tanh(x float32) float32 {
	t := abs(x)
	var q float32
	if t >= 0.625 {
		q = 1 - 2/(Exp(t+t)+1)
	} else {
		s := float32(t * t)
		p := float32(s*-5.70498872745e-3) + 2.06390887954e-2
		p = float32(p*s) + -5.37397155531e-2
		p = float32(p*s) + 1.33314422036e-1
		p = float32(p*s) + -3.33332819422e-1
		q = float32(float32(p*s)*t) + t
	}
	return Canon(math.Float32frombits(math.Float32bits(q) | math.Float32bits(x)&signBit))
}

// Sqrt is correctly rounded on every CPU; of a negative number it is NaN.
func Sqrt(x float32) float32 { return Canon(float32(math.Sqrt(float64(x)))) }

// lanes is how many interleaved partial sums a row reduction keeps.
const lanes = 16

// laneSum collects a row reduction: element i is added to lane i mod 16 in ascending order, from +0.
type laneSum [lanes]float32

// total joins the lanes: lane i with i+8, then i+4, i+2, i+1.
func (l *laneSum) total() float32 {
	for half := lanes / 2; half > 0; half /= 2 {
		for i := range half {
			l[i] += l[i+half]
		}
	}
	return Canon(l[0])
}

// Sum adds up a row.
func Sum(x []float32) float32 {
	var l laneSum
	for ; len(x) >= lanes; x = x[lanes:] {
		b := (*[lanes]float32)(x)
		for i := range l {
			l[i] += b[i]
		}
	}
	for i, v := range x {
		l[i] += v
	}
	return l.total()
}

// SumSquares adds up the squares of x - mean.
func SumSquares(x []float32, mean float32) float32 {
	var l laneSum
	for ; len(x) >= lanes; x = x[lanes:] {
		b := (*[lanes]float32)(x)
		for i := range l {
			d := b[i] - mean
			l[i] += float32(d * d)
		}
	}
	for i, v := range x {
		d := v - mean
		l[i] += float32(d * d)
	}
	return l.total()
}
