package kernel

import "math"

// Pow is x^y with the special cases of C99. The exponents 1, 2, 3, -1 and 1/2, which graphs use as arithmetic, are products,
// a quotient and a square root; the others are 2^(y·log2 |x|) in float64, rounded once.
func Pow(x, y float32) float32 {
	switch y {
	case 0:
		return 1
	case 1:
		return Canon(x)
	case 2:
		return Canon(float32(x * x))
	case 3:
		t := float64(x)
		return Canon(float32(float64(float64(t*t) * t)))
	case -1:
		return Canon(1 / x)
	case 0.5:
		if x > 0 {
			return Sqrt(x)
		}
	}
	t := abs(x)
	switch {
	case x == 1:
		return 1
	case x != x || y != y:
		return nan
	case !(abs(y) <= math.MaxFloat32):
		return powInfinite(t, y)
	}
	whole, odd := parity(y)
	switch {
	case t == 0 || t > math.MaxFloat32:
		if (t == 0) == (y > 0) {
			t = 0
		} else {
			t = float32(math.Inf(1))
		}
	case x < 0 && !whole:
		return nan
	default:
		t = powFinite(t, y)
	}
	if x < 0 || math.Float32bits(x) == signBit {
		if odd {
			t = -t
		}
	}
	return t
}

// powInfinite is t^±Inf for t >= 0, not NaN.
func powInfinite(t, y float32) float32 {
	switch {
	case t == 1:
		return 1
	case (t > 1) == (y > 0):
		return float32(math.Inf(1))
	}
	return 0
}

// parity says whether a finite y is an integer, and an odd one.
func parity(y float32) (whole, odd bool) {
	t := abs(y)
	if t >= 1<<24 {
		return true, false
	}
	i := uint32(t)
	whole = float32(i) == t
	return whole, whole && i&1 == 1
}

// powFinite is t^y for finite t > 0 and finite y.
func powFinite(t, y float32) float32 {
	e, f := wideParts(float64(t))
	log2 := float64(wideRatio(f/(2+f))*wideLog2e) + e
	power := float64(float64(y) * log2)
	switch {
	case power >= 129:
		return float32(math.Inf(1))
	case power < -151:
		return 0
	}
	z := power + wideMagic
	k := int64(math.Float64bits(z)) - wideMagicBits
	r := float64((power - (z - wideMagic)) * wideLn2)
	return float32(float64(widePoly(r) * math.Float64frombits(uint64(k+1023)<<52)))
}
