package kernel

import (
	"flag"
	"math"
	"testing"
)

// ulps is the distance of got from want in units of the last place of a float32 near want.
func ulps(got float32, want float64) float64 {
	if float64(got) == want {
		return 0
	}
	unit := math.Ldexp(1, max(math.Ilogb(want), -126)-23)
	return math.Abs(float64(got)-want) / unit
}

// steps calls f for float32 numbers spread evenly over the bit patterns between low and high, of both signs.
func steps(low, high float32, n uint32, f func(x float32)) {
	from, to := math.Float32bits(low), math.Float32bits(high)
	for b := from; b < to; b += max(1, (to-from)/n) {
		f(math.Float32frombits(b))
		f(-math.Float32frombits(b))
	}
	f(high)
	f(-high)
}

// scalar is a function of one number, what it should be, where, and how far off it may be.
type scalar struct {
	name      string
	f         func(float32) float32
	want      func(float64) float64
	low, high float32 // magnitudes; both signs are tried where want gives a number
	maxUlps   float64
}

func scalars() []scalar {
	const huge = math.MaxFloat32
	return []scalar{
		{"Exp", Exp, math.Exp, 0, 88.7, 1},
		{"Log", Log, math.Log, 0, huge, 1},
		{"Erf", Erf, math.Erf, 0, 10, 2},
		{"Tanh", Tanh, math.Tanh, 0, 12, 1.5},
		{"Sigmoid", Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 0, 110, 2.5},
		{"Sqrt", Sqrt, math.Sqrt, 0, huge, 0.5001},
		{"Log1p", Log1p, math.Log1p, 0, huge, 0.501},
		{"Softplus", Softplus, func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }, 0, 150, 0.501},
		{"Sinh", Sinh, math.Sinh, 0, 89.4, 0.501},
		{"Cosh", Cosh, math.Cosh, 0, 89.4, 0.501},
		{"Asinh", Asinh, math.Asinh, 0, huge, 0.501},
		{"Acosh", Acosh, math.Acosh, 1, huge, 0.501},
		{"Atanh", Atanh, math.Atanh, 0, 0.99999994, 0.501},
		{"Sin", Sin, math.Sin, 0, huge, 0.501},
		{"Cos", Cos, math.Cos, 0, huge, 0.501},
		{"Tan", Tan, math.Tan, 0, huge, 0.501},
		{"Asin", Asin, math.Asin, 0, 1, 0.501},
		{"Acos", Acos, math.Acos, 0, 1, 0.501},
		{"Atan", Atan, math.Atan, 0, huge, 0.501},
	}
}

func TestPolynomialsAreClose(t *testing.T) {
	for _, c := range scalars() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			worst, at := 0.0, float32(0)
			steps(c.low, c.high, 300_000, func(x float32) {
				want := c.want(float64(x))
				if want != want {
					return
				}
				if d := ulps(c.f(x), want); !(d <= worst) {
					worst, at = d, x
				}
			})
			t.Logf("worst %.4f ulp at %v", worst, at)
			if !(worst <= c.maxUlps) {
				t.Errorf("worst error %.4f ulp at %v (%x): got %v, want %v; limit %v", worst, at, at, c.f(at), c.want(float64(at)), c.maxUlps)
			}
		})
	}
}

func TestPolynomialsAtTheEdges(t *testing.T) {
	inf := float32(math.Inf(1))
	zero, subnormal := float32(math.Copysign(0, -1)), float32(math.SmallestNonzeroFloat32)
	odd := math.Float32frombits(0xffc12345)
	cases := []struct {
		name    string
		f       func(float32) float32
		x, want float32
	}{
		{"Exp(0)", Exp, 0, 1},
		{"Exp(-0)", Exp, zero, 1},
		{"Exp(Inf)", Exp, inf, inf},
		{"Exp(-Inf)", Exp, -inf, 0},
		{"Exp(largest finite)", Exp, 88.72283, float32(math.Exp(float64(float32(88.72283))))},
		{"Exp overflows", Exp, 88.72285, inf},
		{"Exp gives a subnormal", Exp, -103, float32(math.Exp(-103))},
		{"Exp underflows", Exp, -104.1, 0},
		{"Exp(NaN)", Exp, odd, nan},
		{"Erf(0)", Erf, 0, 0},
		{"Erf(-0)", Erf, zero, zero},
		{"Erf(subnormal)", Erf, subnormal, subnormal},
		{"Erf(Inf)", Erf, inf, 1},
		{"Erf(-Inf)", Erf, -inf, -1},
		{"Erf(5)", Erf, 5, 1},
		{"Erf(NaN)", Erf, odd, nan},
		{"Tanh(-0)", Tanh, zero, zero},
		{"Tanh(Inf)", Tanh, inf, 1},
		{"Tanh(-Inf)", Tanh, -inf, -1},
		{"Tanh(NaN)", Tanh, odd, nan},
		{"Sqrt(-0)", Sqrt, zero, zero},
		{"Sqrt(-1)", Sqrt, -1, nan},
		{"Sqrt(Inf)", Sqrt, inf, inf},
		{"Sqrt(subnormal)", Sqrt, subnormal, float32(math.Sqrt(float64(subnormal)))},
	}
	for _, c := range cases {
		if got := c.f(c.x); math.Float32bits(got) != math.Float32bits(c.want) {
			t.Errorf("%s = %v (%x), want %v (%x)", c.name, got, math.Float32bits(got), c.want, math.Float32bits(c.want))
		}
	}
}

// The lane rule, written the slow way.
func TestSumFollowsTheLaneRule(t *testing.T) {
	s := noise(9)
	for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 100, 384, 1000} {
		x := s.floats(n, false)
		var lane [16]float32
		for i, v := range x {
			lane[i%16] += v
		}
		for _, half := range []int{8, 4, 2, 1} {
			for i := range half {
				lane[i] += lane[i+half]
			}
		}
		if got := Sum(x); math.Float32bits(got) != math.Float32bits(lane[0]) {
			t.Errorf("sum of %d = %v, want %v", n, got, lane[0])
		}
	}
}

// These hashes of bits catch a change of a polynomial or of a sum that stays within the error bounds: such a change
// is a new version of the arithmetic.
func TestPolynomialBitsAreFixed(t *testing.T) {
	cases := []struct {
		name string
		f    func(float32) float32
		want uint64
	}{
		{"Exp", Exp, 0xc9737bc8c0ac4cb7},
		{"Log", Log, 0x9abecbd4135c76ea},
		{"Erf", Erf, 0x7bff3170ff88b9b2},
		{"Tanh", Tanh, 0xadfff240fbeb952a},
		{"Sigmoid", Sigmoid, 0xac408a7faef97c4c},
		{"SiLU", SiLU, 0x4260ccbea71ce984},
		{"Gelu", Gelu, 0xb5629da77ebd33f5},
		{"GeluTanh", GeluTanh, 0x6ce63cf56f68639a},
		{"Sqrt", Sqrt, 0xd19ef8b7d51acbb},
		{"Log1p", Log1p, 0xae17d71d2d82e380},
		{"Softplus", Softplus, 0x681fdb906725e620},
		{"Sinh", Sinh, 0x420bfeba1c885ac0},
		{"Cosh", Cosh, 0xd2541326756487b2},
		{"Asinh", Asinh, 0xbbeb96b45eefd8d2},
		{"Acosh", Acosh, 0xf38383d1d2ffde1},
		{"Atanh", Atanh, 0xb408da7365f1d732},
		{"Sin", Sin, 0xa796b6ce904c990c},
		{"Cos", Cos, 0x941ad472a7b7873f},
		{"Tan", Tan, 0xb6036014fcac5c9a},
		{"Asin", Asin, 0xffd4c5ca1e84d3fc},
		{"Acos", Acos, 0xaea4e137eccb59d4},
		{"Atan", Atan, 0xf64dd8bbec5d964d},
		{"Neg", Neg, 0xa0bb4b72620c6bd7},
		{"Abs", Abs, 0xfbfe723fe20c6bd7},
		{"Reciprocal", Reciprocal, 0x41d7d96752758774},
		{"Relu", Relu, 0x38deae0621bfe8b8},
		{"HardSwish", HardSwish, 0xe59638052248fe00},
		{"Pow of 1.7", func(x float32) float32 { return Pow(x, 1.7) }, 0xe43930702559e75c},
		{"Pow to x", func(x float32) float32 { return Pow(0.3, x) }, 0x1248def73765f690},
		{"LeakyRelu", func(x float32) float32 { return LeakyRelu(x, 0.01) }, 0x556d04fb28d8aad6},
		{"HardSigmoid", func(x float32) float32 { return HardSigmoid(x, 0.2, 0.5) }, 0xed7325bf16522709},
		{"Clip", func(x float32) float32 { return Clip(x, -3, 6) }, 0x9a0c4433d7fbd9d7},
		{"float16", func(x float32) float32 { return FromFloat16(ToFloat16(x)) }, 0xa6ff7aaa9ba72ed7},
		{"bfloat16", func(x float32) float32 { return FromBFloat16(ToBFloat16(x)) }, 0x34dac6a7062d2ed7},
	}
	for _, c := range cases {
		hash := uint64(14695981039346656037)
		for b := uint32(0); b < 1<<32-1<<16; b += 1<<15 + 1 {
			hash = (hash ^ uint64(math.Float32bits(c.f(math.Float32frombits(b))))) * 1099511628211
		}
		if hash != c.want {
			t.Errorf("%s: bits hash to %#x, want %#x", c.name, hash, c.want)
		}
	}
}

// The errors that docs/ir-v1-functions.md states; by hand, since it takes minutes: go test -run OverEveryFloat -exhaustive.
var exhaustive = flag.Bool("exhaustive", false, "measure errors over every float32")

// Functions of float32 steps are measured at every float from 2^-13, below which they are all but linear; the others,
// which round once, at every 61st float.
func TestErrorsOverEveryFloat(t *testing.T) {
	if !*exhaustive {
		t.Skip("takes minutes: pass -exhaustive")
	}
	for _, c := range scalars() {
		t.Run(c.name, func(t *testing.T) {
			stride, low := uint32(61), c.low
			if c.maxUlps > 0.51 {
				stride, low = 1, max(c.low, 0x1p-13)
			}
			worst, at := 0.0, float32(0)
			for b := math.Float32bits(low); b <= math.Float32bits(c.high); b += stride {
				for _, x := range []float32{math.Float32frombits(b), -math.Float32frombits(b)} {
					want := c.want(float64(x))
					if want != want {
						continue
					}
					if d := ulps(c.f(x), want); !(d <= worst) {
						worst, at = d, x
					}
				}
			}
			t.Logf("worst %.4f ulp at %v (%x)", worst, at, at)
			if !(worst <= c.maxUlps) {
				t.Errorf("worst error %.4f ulp at %v; limit %v", worst, at, c.maxUlps)
			}
		})
	}
}

// GELU cancels below zero, so its error is stated against |x|: in units of 2^-24·|x|.
func TestGeluIsClose(t *testing.T) {
	exact := func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }
	tanhForm := func(x float64) float64 {
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	for _, c := range []struct {
		name  string
		f     func(float32) float32
		want  func(float64) float64
		limit float64
	}{{"Gelu", Gelu, exact, 3}, {"GeluTanh", GeluTanh, tanhForm, 4}, {"SiLU", SiLU, func(x float64) float64 { return x / (1 + math.Exp(-x)) }, 3}} {
		worst, at := 0.0, float32(0)
		steps(0x1p-100, 20, 400_000, func(x float32) {
			if d := math.Abs(float64(c.f(x))-c.want(float64(x))) / math.Abs(float64(x)) * (1 << 24); !(d <= worst) {
				worst, at = d, x
			}
		})
		t.Logf("%s: worst %.3f·2^-24·|x| at %v", c.name, worst, at)
		if !(worst <= c.limit) {
			t.Errorf("%s: error %.3f·2^-24·|x| at %v, limit %v", c.name, worst, at, c.limit)
		}
	}
}
