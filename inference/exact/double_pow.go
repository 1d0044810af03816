package exact

import "math"

// pow64 is x^y with the special cases of C99. y·ln|x| is kept in two numbers, so that e to it loses little.
func pow64(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case x != x || y != y:
		return nan64
	case y == 1:
		return x
	case y == 2:
		return float64(x * x)
	case y == -1:
		return 1 / x
	case y == 0.5 && x > 0:
		return math.Sqrt(x)
	}
	t := math.Abs(x)
	whole, odd := parity64(y)
	switch {
	case math.Abs(y) > math.MaxFloat64:
		return powInfinite64(t, y)
	case t == 0 || t > math.MaxFloat64:
		if (t == 0) == (y > 0) {
			t = 0
		} else {
			t = math.Inf(1)
		}
	case x < 0 && !whole:
		return nan64
	default:
		t = expOf(timesTwo(y, logParts(t)))
	}
	if odd && math.Signbit(x) {
		return -t
	}
	return t
}

// powInfinite64 is t^±Inf for t >= 0.
func powInfinite64(t, y float64) float64 {
	switch {
	case t == 1:
		return 1
	case (t > 1) == (y > 0):
		return math.Inf(1)
	}
	return 0
}

// parity64 says whether a finite y is a whole number, and an odd one.
func parity64(y float64) (whole, odd bool) {
	t := math.Abs(y)
	if t >= 1<<53 {
		return true, false
	}
	i := int64(t)
	whole = float64(i) == t
	return whole, whole && i&1 == 1
}

// two is the exact sum of a number and a much smaller one.
type two struct{ high, low float64 }

// plus is a + b exactly.
func plus(a, b float64) two {
	s := a + b
	v := s - a
	return two{s, (a - (s - v)) + (b - v)}
}

// times is a·b exactly, from halves of 26 bits.
func times(a, b float64) two {
	p := float64(a * b)
	cut := func(x float64) (high, low float64) {
		high = math.Float64frombits(math.Float64bits(x) &^ (1<<27 - 1))
		return high, x - high
	}
	ah, al := cut(a)
	bh, bl := cut(b)
	low := float64(ah*bh) - p
	low += float64(ah * bl)
	low += float64(al * bh)
	return two{p, low + float64(al*bl)}
}

func timesTwo(a float64, b two) two {
	p := times(a, b.high)
	return plus(p.high, p.low+float64(a*b.low))
}

func plusTwo(a, b two) two {
	s := plus(a.high, b.high)
	return plus(s.high, s.low+(a.low+b.low))
}

// logSeries are 2/5, 2/7 … 2/23, the highest first.
var logSeries = []float64{
	2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13, 2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5,
}

// logParts is ln x: x = 2^k·(1 + f), s = f/(2 + f), then k·ln 2 + 2s + 2s³/3 + s⁵·series(s²), all but the last in two
// numbers.
func logParts(x float64) two {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m += m
		e--
	}
	f := m - 1
	below := plus(2, f)
	s := two{high: f / below.high}
	back := times(s.high, below.high)
	s.low = ((f - back.high) - back.low - float64(s.high*below.low)) / below.high
	z := timesTwo(s.high, s)
	z = plus(z.high, z.low+float64(s.low*s.high))
	cube := timesTwo(z.high, s)
	cube = plus(cube.high, cube.low+float64(z.low*s.high))
	third := timesTwo(2.0/3, cube) // 2/3 is 2.0/3 and a rest
	third.low += float64(cube.high * 3.7007434154171884681e-17)
	tail := float64(float64(cube.high*z.high) * horner(z.high, logSeries))
	sum := plusTwo(two{s.high + s.high, s.low + s.low}, plusTwo(third, two{high: tail}))
	k := float64(e)
	return plusTwo(plus(float64(k*ln2High), float64(k*ln2Low)), plusTwo(sum, two{high: float64(k * ln2Rest)}))
}

// ln2Rest is what ln 2 has beyond ln2High + ln2Low.
const ln2Rest = 1.1612227229362531851e-26

// expOf is e^(high + low).
func expOf(w two) float64 {
	switch {
	case w.high > 710:
		return math.Inf(1)
	case w.high < -746:
		return 0
	}
	k := math.RoundToEven(float64(w.high * 1.4426950408889634))
	r := plus(w.high-float64(k*ln2High), w.low-float64(k*ln2Low))
	p := horner(r.high, expSeries)
	square := float64(r.high * r.high)
	y := 1 + (r.high + (r.low + float64(r.low*r.high) + float64(square*p)))
	return math.Ldexp(y, int(k))
}

// expSeries are 1/13! … 1/2!, the highest first.
var expSeries = []float64{
	1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120,
	1.0 / 24, 1.0 / 6, 1.0 / 2,
}
