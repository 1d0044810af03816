package exact

import (
	"math"
	"math/big"
	"math/rand/v2"
	"sync"
	"testing"
)

// References of float64's functions, by their series in 320 bits, and more where angles are large.

const bigBits = 320

func number(x float64) *big.Float { return new(big.Float).SetPrec(bigBits).SetFloat64(x) }

func newBig() *big.Float { return new(big.Float).SetPrec(bigBits) }

// series adds up terms from the first on, each made of the one before, until they no longer count.
func series(term *big.Float, next func(term *big.Float, n int64)) *big.Float {
	sum := newBig().SetPrec(term.Prec())
	for n := int64(1); term.Sign() != 0 && (sum.Sign() == 0 || term.MantExp(nil) > sum.MantExp(nil)-int(term.Prec())); n++ {
		sum.Add(sum, term)
		next(term, n)
	}
	return sum
}

func whole64(n int64) *big.Float { return newBig().SetInt64(n) }

// bigPi is Machin's formula.
func bigPi(bits uint) *big.Float {
	inverse := func(n int64) *big.Float {
		one := new(big.Float).SetPrec(bits).SetInt64(1)
		power := new(big.Float).SetPrec(bits).Quo(one, new(big.Float).SetInt64(n))
		square := new(big.Float).SetPrec(bits).SetInt64(n * n)
		sum := new(big.Float).SetPrec(bits)
		for k := int64(0); power.MantExp(nil) > -int(bits); k++ {
			term := new(big.Float).SetPrec(bits).Quo(power, new(big.Float).SetInt64(2*k+1))
			if k%2 == 1 {
				term.Neg(term)
			}
			sum.Add(sum, term)
			power.Quo(power, square)
		}
		return sum
	}
	a, b := inverse(5), inverse(239)
	a.Mul(a, big.NewFloat(16))
	b.Mul(b, big.NewFloat(4))
	return a.Sub(a, b)
}

func bigExp(x *big.Float) *big.Float {
	small, halvings := newBig().Set(x), 0
	for small.Sign() != 0 && small.MantExp(nil) > -8 {
		small.SetMantExp(small, -1)
		halvings++
	}
	y := series(whole64(1), func(t *big.Float, n int64) { t.Mul(t, small).Quo(t, whole64(n)) })
	for range halvings {
		y.Mul(y, y)
	}
	return y
}

func bigLog(x *big.Float) *big.Float {
	mantissa := newBig()
	e := x.MantExp(mantissa)
	m, _ := mantissa.Float64()
	y := newBig().Add(number(math.Log(m)), number(float64(e)*math.Ln2))
	for range 4 {
		power := bigExp(y)
		step := newBig().Quo(newBig().Sub(x, power), newBig().Add(x, power))
		y.Add(y, step.SetMantExp(step, 1))
	}
	return y
}

var longPi = sync.OnceValue(func() *big.Float { return bigPi(1400) })

// bigTurn is sine and cosine.
func bigTurn(x float64) (sin, cos *big.Float) {
	const bits = 1400
	pi := longPi()
	wide := new(big.Float).SetPrec(bits).SetFloat64(x)
	turns := new(big.Float).SetPrec(bits).Quo(wide, pi)
	n, _ := turns.Add(turns, big.NewFloat(math.Copysign(0.5, x))).Int(nil)
	r := newBig().Sub(wide, new(big.Float).SetPrec(bits).Mul(pi, new(big.Float).SetPrec(bits).SetInt(n)))
	square := newBig().Neg(newBig().Mul(r, r))
	alternating := func(first *big.Float, from int64) *big.Float {
		return series(first, func(t *big.Float, n int64) { t.Mul(t, square).Quo(t, whole64((2*n+from-1)*(2*n+from))) })
	}
	sin, cos = alternating(newBig().Set(r), 1), alternating(whole64(1), 0)
	if n.Bit(0) == 1 {
		sin.Neg(sin)
		cos.Neg(cos)
	}
	return sin, cos
}

func bigAtan(x *big.Float) *big.Float {
	t, halvings := newBig().Set(x), 0
	for t.Sign() != 0 && t.MantExp(nil) > -8 {
		root := newBig().Sqrt(newBig().Add(whole64(1), newBig().Mul(t, t)))
		t.Quo(t, root.Add(root, whole64(1)))
		halvings++
	}
	square := newBig().Neg(newBig().Mul(t, t))
	power := newBig().Set(t)
	y := series(newBig().Set(t), func(term *big.Float, n int64) {
		power.Mul(power, square)
		term.Quo(power, whole64(2*n+1))
	})
	return y.SetMantExp(y, halvings)
}

func bigErf(x *big.Float) *big.Float {
	square := newBig().Neg(newBig().Mul(x, x))
	power := newBig().Set(x)
	y := series(newBig().Set(x), func(term *big.Float, n int64) {
		power.Mul(power, square).Quo(power, whole64(n))
		term.Quo(power, whole64(2*n+1))
	})
	return y.Quo(y.Mul(y, whole64(2)), newBig().Sqrt(newBig().Set(longPi())))
}

// bigHyper are sinh and cosh.
func bigHyper(x *big.Float) (sinh, cosh *big.Float) {
	e := bigExp(x)
	inverse := newBig().Quo(whole64(1), e)
	sinh, cosh = newBig().Sub(e, inverse), newBig().Add(e, inverse)
	return sinh.SetMantExp(sinh, -1), cosh.SetMantExp(cosh, -1)
}

// squareRoot is √(a² + b).
func squareRoot(a *big.Float, b int64) *big.Float {
	return newBig().Sqrt(newBig().Add(newBig().Mul(a, a), whole64(b)))
}

// errorIn64 is the distance of got from want in units of want's last place.
func errorIn64(got float64, want *big.Float) float64 {
	near, _ := want.Float64()
	if got == near {
		return 0
	}
	unit := math.Abs(near) - math.Nextafter(math.Abs(near), 0)
	d, _ := newBig().Sub(number(got), want).Float64()
	return math.Abs(d) / unit
}

// TestDoublesAreClose holds every function of float64 to its exact value.
func TestDoublesAreClose(t *testing.T) {
	t.Parallel()
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	all := func(r *rand.Rand) float64 { return math.Ldexp(r.Float64()*2-1, r.IntN(2000)-990) }
	within := func(low, high float64) func(r *rand.Rand) float64 {
		return func(r *rand.Rand) float64 {
			if r.IntN(2) == 0 {
				return low + (high-low)*r.Float64()
			}
			return min(max(math.Ldexp(r.Float64()*2-1, -r.IntN(60)), low), high)
		}
	}
	one := whole64(1)
	for _, f := range []struct {
		name string
		got  func(float64) float64
		from func(r *rand.Rand) float64
		want func(x *big.Float) *big.Float
		most float64 // units that it may be off by
	}{
		{"exp", exp64, within(-700, 709), bigExp, 1},
		{"log", log64, func(r *rand.Rand) float64 { return math.Abs(all(r)) }, bigLog, 1},
		{"expm1", expm1_64, within(-60, 709), func(x *big.Float) *big.Float { y := bigExp(x); return y.Sub(y, one) }, 1},
		{"log1p", log1p64, within(-0.9999, 1e9), func(x *big.Float) *big.Float { return bigLog(newBig().Add(one, x)) }, 1},
		{"sin", sin64, all, func(x *big.Float) *big.Float { v, _ := x.Float64(); s, _ := bigTurn(v); return s }, 0.9},
		{"cos", cos64, all, func(x *big.Float) *big.Float { v, _ := x.Float64(); _, c := bigTurn(v); return c }, 0.9},
		{"tan", tan64, all, func(x *big.Float) *big.Float { v, _ := x.Float64(); s, c := bigTurn(v); return s.Quo(s, c) }, 2},
		{"sin of small", sin64, within(-10, 10), func(x *big.Float) *big.Float { v, _ := x.Float64(); s, _ := bigTurn(v); return s }, 0.9},
		{"cos of small", cos64, within(-10, 10), func(x *big.Float) *big.Float { v, _ := x.Float64(); _, c := bigTurn(v); return c }, 0.9},
		{"atan", atan64, within(-50, 50), bigAtan, 1},
		{"asin", asin64, within(-1, 1), func(x *big.Float) *big.Float {
			return bigAtan(newBig().Quo(x, newBig().Sqrt(newBig().Sub(one, newBig().Mul(x, x)))))
		}, 1},
		{"acos", acos64, within(-1, 1), func(x *big.Float) *big.Float {
			y := bigAtan(newBig().Sqrt(newBig().Quo(newBig().Sub(one, x), newBig().Add(one, x))))
			return y.SetMantExp(y, 1)
		}, 1},
		{"sinh", sinh64, within(-710, 710), func(x *big.Float) *big.Float { s, _ := bigHyper(x); return s }, 2},
		{"cosh", cosh64, within(-710, 710), func(x *big.Float) *big.Float { _, c := bigHyper(x); return c }, 2},
		{"tanh", tanh64, within(-24, 24), func(x *big.Float) *big.Float { s, c := bigHyper(x); return s.Quo(s, c) }, 2},
		{"asinh", asinh64, within(-1e10, 1e10), func(x *big.Float) *big.Float {
			y := bigLog(newBig().Add(newBig().Abs(x), squareRoot(x, 1)))
			if x.Sign() < 0 {
				y.Neg(y)
			}
			return y
		}, 2},
		{"acosh", acosh64, within(1.0000001, 1e10), func(x *big.Float) *big.Float { return bigLog(newBig().Add(x, squareRoot(x, -1))) }, 2},
		{"atanh", atanh64, within(-0.99999, 0.99999), func(x *big.Float) *big.Float {
			y := bigLog(newBig().Quo(newBig().Add(one, x), newBig().Sub(one, x)))
			return y.SetMantExp(y, -1)
		}, 2},
		{"erf", erf64, within(-6, 6), bigErf, 1},
		{"sigmoid", sigmoid64, within(-700, 700), func(x *big.Float) *big.Float {
			return newBig().Quo(one, newBig().Add(one, bigExp(newBig().Neg(x))))
		}, 2.5},
		{"softplus", softplus64, within(-150, 700), func(x *big.Float) *big.Float { return bigLog(newBig().Add(one, bigExp(x))) }, 2},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, uint64(len(f.name))))
			worst, at := 0.0, 0.0
			for range rounds {
				x := f.from(r)
				if x == 0 || f.name == "acosh" && x < 1 {
					continue
				}
				if e := errorIn64(f.got(x), f.want(number(x))); !(e <= worst) {
					worst, at = e, x
				}
			}
			t.Logf("at most %.3f units, at %v", worst, at)
			if !(worst <= f.most) {
				t.Errorf("%s(%v) = %v is off by %.3f units, at most %v are fine", f.name, at, f.got(at), worst, f.most)
			}
		})
	}
}

func TestPowOfDoublesIsClose(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	worst := 0.0
	for range 3000 {
		x := math.Ldexp(1+r.Float64(), r.IntN(40)-20)
		if r.IntN(3) == 0 {
			x = 1 + math.Ldexp(r.Float64()-0.5, -r.IntN(30))
		}
		y := (r.Float64()*2 - 1) * 700 / max(math.Abs(math.Log(x)), 1e-3)
		want := bigExp(newBig().Mul(number(y), bigLog(number(x))))
		e := errorIn64(pow64(x, y), want)
		if e > worst {
			worst = e
		}
		if !(e <= 1) {
			t.Fatalf("%v to the %v is off by %.3f units", x, y, e)
		}
	}
	t.Logf("at most %.3f units", worst)
}

// TestDoublesAtTheirEnds: what has no series.
func TestDoublesAtTheirEnds(t *testing.T) {
	t.Parallel()
	inf, zero, nan := math.Inf(1), math.Copysign(0, -1), nan64
	for _, c := range []struct {
		name    string
		f       func(float64) float64
		x, want float64
	}{
		{"sin", sin64, inf, nan},
		{"sin", sin64, zero, zero},
		{"cos", cos64, -inf, nan},
		{"cos", cos64, 0, 1},
		{"tan", tan64, zero, zero},
		{"atan", atan64, inf, math.Pi / 2},
		{"atan", atan64, -inf, -math.Pi / 2},
		{"asin", asin64, 1, math.Pi / 2},
		{"asin", asin64, 2, nan},
		{"acos", acos64, 1, 0},
		{"acos", acos64, -1, math.Pi},
		{"acos", acos64, nan, nan},
		{"expm1", expm1_64, -inf, -1},
		{"expm1", expm1_64, zero, zero},
		{"log1p", log1p64, -1, -inf},
		{"log1p", log1p64, -2, nan},
		{"sinh", sinh64, -inf, -inf},
		{"sinh", sinh64, zero, zero},
		{"cosh", cosh64, -inf, inf},
		{"tanh", tanh64, -inf, -1},
		{"tanh", tanh64, zero, zero},
		{"asinh", asinh64, -inf, -inf},
		{"acosh", acosh64, 0.5, nan},
		{"acosh", acosh64, 1, 0},
		{"acosh", acosh64, inf, inf},
		{"atanh", atanh64, 1, inf},
		{"atanh", atanh64, -2, nan},
		{"erf", erf64, -inf, -1},
		{"erf", erf64, zero, zero},
		{"sigmoid", sigmoid64, -inf, 0},
		{"sigmoid", sigmoid64, inf, 1},
		{"softplus", softplus64, inf, inf},
		{"softplus", softplus64, -inf, 0},
	} {
		if got := c.f(c.x); math.Float64bits(canon64(got)) != math.Float64bits(c.want) {
			t.Errorf("%s(%v) = %v, want %v", c.name, c.x, got, c.want)
		}
	}
	for _, c := range [][3]float64{
		{nan, 0, 1},
		{1, nan, 1},
		{-1, inf, 1},
		{2, inf, inf},
		{0.5, inf, 0},
		{0, -1, inf},
		{zero, -1, -inf},
		{zero, 3, zero},
		{zero, 2, 0},
		{-8, 1.0 / 3, nan},
		{-2, 3, -8},
		{-inf, 3, -inf},
		{-inf, -2, 0},
		{2, 1024, inf},
		{2, -1080, 0},
		{2, -1074, 0x1p-1074},
		{nan, 2, nan},
		{inf, 0.5, inf},
	} {
		if got := canon64(pow64(c[0], c[1])); math.Float64bits(got) != math.Float64bits(c[2]) {
			t.Errorf("%v to the %v is %v, want %v", c[0], c[1], got, c[2])
		}
	}
}
