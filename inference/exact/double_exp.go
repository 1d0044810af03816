package exact

import "math"

const (
	ln2High = 6.93147180369123816490e-01 // 32 bits: its product with a small whole number is exact
	ln2Low  = 1.90821492927058770002e-10
)

var expm1Terms = []float64{
	-2.01099218183624371326e-07, 4.00821782732936239552e-06, -7.93650757867487942473e-05, 1.58730158725481460165e-03,
	-3.33333333333331316428e-02, 1,
}

// expm1_64 is e^x - 1, without loss near 0: x = k·ln 2 + r + low, a quotient in r, then scaling by 2^k.
func expm1_64(x float64) float64 {
	switch {
	case x != x:
		return nan64
	case x > 709.782712893384:
		return math.Inf(1)
	case x < -56:
		return -1
	case math.Abs(x) < 0x1p-54:
		return x
	}
	k, r, low := 0.0, x, 0.0
	if math.Abs(x) > 0.5*math.Ln2 {
		k = math.RoundToEven(float64(x * 1.4426950408889634))
		high, rest := x-float64(k*ln2High), float64(k*ln2Low)
		r = high - rest
		low = (high - r) - rest
	}
	half := float64(0.5 * r)
	square := float64(r * half)
	p := horner(square, expm1Terms)
	t := 3 - float64(p*half)
	e := float64(square * ((p - t) / (6 - float64(r*t))))
	if k == 0 {
		return r - (float64(r*e) - square)
	}
	e = float64(r*(e-low)) - low - square
	return scaledLess1(r, e, int(k))
}

// scaledLess1 is (1 + r - e)·2^k - 1, so joined that little is lost.
func scaledLess1(r, e float64, k int) float64 {
	switch {
	case k == -1:
		return float64(0.5*(r-e)) - 0.5
	case k == 1 && r < -0.25:
		return float64(-2 * (e - (r + 0.5)))
	case k == 1:
		return 1 + float64(2*(r-e))
	case k <= -2 || k > 56:
		return math.Ldexp(1-(e-r), k) - 1
	case k < 20:
		return math.Ldexp((1-power(-k))-(e-r), k)
	}
	return math.Ldexp(r-(e+power(-k))+1, k)
}

var logTerms = []float64{
	1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
	2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01,
}

// log1p64 is ln(1 + x), without loss near 0: what 1 + x loses is added again.
func log1p64(x float64) float64 {
	switch {
	case x != x || x < -1:
		return nan64
	case x == -1:
		return math.Inf(-1)
	case x > math.MaxFloat64 || math.Abs(x) < 0x1p-54:
		return x
	}
	f, k, lost := x, 0.0, 0.0
	if !(x > -0.29 && x < 0.41) {
		u := 1 + x
		if x > 1 {
			lost = (1 - (u - x)) / u
		} else {
			lost = (x - (u - 1)) / u
		}
		m, e := math.Frexp(u)
		if m < math.Sqrt2/2 {
			m += m
			e--
		}
		f, k = m-1, float64(e)
	}
	half := float64(float64(0.5*f) * f)
	s := f / (2 + f)
	z := float64(s * s)
	rest := float64(s * (half + float64(z*horner(z, logTerms))))
	if k == 0 {
		return f - (half - (rest + lost))
	}
	return float64(k*ln2High) - ((half - (rest + (float64(k*ln2Low) + lost))) - f)
}

func sinh64(x float64) float64 {
	t := math.Abs(x)
	switch {
	case t != t:
		return nan64
	case t > 709:
		e := exp64(float64(0.5 * t))
		return math.Copysign(float64(float64(0.5*e)*e), x)
	}
	e := expm1_64(t)
	if t < 1 {
		return math.Copysign(float64(0.5*((e+e)-float64(e*e)/(e+1))), x)
	}
	return math.Copysign(float64(0.5*(e+e/(e+1))), x)
}

func cosh64(x float64) float64 {
	t := math.Abs(x)
	switch {
	case t != t:
		return nan64
	case t > 709:
		e := exp64(float64(0.5 * t))
		return float64(float64(0.5*e) * e)
	}
	e := exp64(t)
	return float64(0.5*e) + 0.5/e
}

func tanh64(x float64) float64 {
	t := math.Abs(x)
	switch {
	case t != t:
		return nan64
	case t > 22:
		return math.Copysign(1, x)
	case t < 1:
		e := expm1_64(-(t + t))
		return math.Copysign(-e/(e+2), x)
	}
	return math.Copysign(1-2/(expm1_64(t+t)+2), x)
}

func asinh64(x float64) float64 {
	t := math.Abs(x)
	switch {
	case t != t:
		return nan64
	case t > math.MaxFloat64 || t == 0:
		return x
	case t > 0x1p28:
		return math.Copysign(log64(t)+math.Ln2, x)
	}
	s := float64(t * t)
	return math.Copysign(log1p64(t+s/(1+math.Sqrt(1+s))), x)
}

func acosh64(x float64) float64 {
	switch {
	case !(x >= 1):
		return nan64
	case x > 0x1p28:
		return log64(x) + math.Ln2
	}
	t := x - 1
	return log1p64(t + math.Sqrt((t+t)+float64(t*t)))
}

func atanh64(x float64) float64 {
	t := math.Abs(x)
	switch {
	case !(t <= 1):
		return nan64
	case t < 0.5:
		return math.Copysign(float64(0.5*log1p64((t+t)+float64((t+t)*t)/(1-t))), x)
	}
	return math.Copysign(float64(0.5*log1p64((t+t)/(1-t))), x)
}

func sigmoid64(x float64) float64 {
	w := exp64(-math.Abs(x))
	if x < 0 {
		return w / (1 + w)
	}
	return 1 / (1 + w)
}

func softplus64(x float64) float64 {
	if x != x {
		return nan64
	}
	return max(x, 0) + log1p64(exp64(-math.Abs(x)))
}
