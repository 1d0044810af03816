package shape

import (
	"math"
	"math/rand/v2"
	"testing"
)

var a, b, c = Symbol("a"), Symbol("b"), Symbol("c")

// must gives the result of an operation that a test knows to be possible.
func must(t *testing.T) func(Expr, bool) Expr {
	return func(e Expr, ok bool) Expr {
		t.Helper()
		if !ok {
			t.Fatal("no result")
		}
		return e
	}
}

func TestExprText(t *testing.T) {
	t.Parallel()
	m := must(t)
	sum := m(add(m(mul(Const(2), m(mul(a, b)))), m(sub(Const(1), c))))
	cases := []struct {
		got  Expr
		want string
	}{
		{Const(0), "0"},
		{Const(-7), "-7"},
		{a, "a"},
		{m(sub(Expr{}, a)), "-a"},
		{sum, "2*a*b - c + 1"},
		{m(sub(sum, sum)), "0"},
		{m(mul(m(add(a, b)), m(sub(a, b)))), "a*a - b*b"},
		{m(floorDiv(m(mul(Const(6), a)), Const(3))), "2*a"},
		{m(floorDiv(m(mul(a, b)), b)), "a"},
		{m(floorDiv(m(sub(m(mul(a, a)), m(mul(b, b)))), m(add(a, b)))), "a - b"},
		{m(floorDiv(m(add(m(mul(Const(7), a)), Const(9))), Const(4))), "a + floor((3*a + 1) / 4) + 2"},
		{m(ceilDiv(a, Const(2))), "floor((a + 1) / 2)"},
		{m(floorDiv(a, m(mul(Const(2), b)))), "floor(a / (2*b))"},
		{m(minimum(b, a)), "min(a, b)"},
		{m(minimum(a, m(add(a, Const(1))))), "a"},
		{m(maximum(m(sub(a, Const(1))), Const(0))), "a - 1"},
		{m(maximum(m(sub(a, Const(2))), Const(0))), "max(0, a - 2)"},
		{m(mod(m(mul(Const(4), a)), Const(2))), "0"},
		{m(mod(a, Const(2))), "mod(a, 2)"},
		{m(mod(Const(-7), Const(4))), "1"},
	}
	for _, c := range cases {
		if c.got.String() != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestBroadcast(t *testing.T) {
	t.Parallel()
	table := must(t)(minimum(Const(512), a))
	both, _, _ := broadcast(a, b)
	cases := []struct {
		x, y Expr
		want string
		fits bool
	}{
		{Const(1), a, "a", true},
		{a, Const(4), "4", true},
		{a, a, "a", true},
		{a, b, "broadcast(a, b)", true},
		{both, b, "broadcast(a, b)", true},
		{table, a, "a", true}, // the first rows of a table of 512: all of a sequence that fits, or one row
		{Const(2), Const(3), "", false},
		{Const(0), Const(1), "0", true},
	}
	for _, c := range cases {
		for _, turned := range []bool{false, true} {
			x, y := c.x, c.y
			if turned {
				x, y = y, x
			}
			got, fits, ok := broadcast(x, y)
			if fits != c.fits || fits && (!ok || got.String() != c.want) {
				t.Errorf("broadcast(%v, %v) = %v, fits %t; want %s, %t", x, y, got, fits, c.want, c.fits)
			}
		}
	}
}

// What would be too large, in numbers or in terms, has no result and no wrong one.
func TestExprLimits(t *testing.T) {
	t.Parallel()
	huge := Const(math.MaxInt64)
	if _, ok := add(huge, Const(1)); ok {
		t.Error("a sum overflows")
	}
	if _, ok := sub(Const(math.MinInt64), Const(1)); ok {
		t.Error("a difference overflows")
	}
	if _, ok := mul(huge, Const(2)); ok {
		t.Error("a product overflows")
	}
	if _, ok := mul(Const(math.MinInt64), Const(-1)); ok {
		t.Error("the negative of the least number overflows")
	}
	power, ok := a, true
	for degree := 1; ok; degree++ {
		if degree > maxDegree {
			t.Fatal("powers without end")
		}
		power, ok = mul(power, a)
	}
	deep, ok := a, true
	for depth := 0; ok; depth++ {
		if depth > maxText {
			t.Fatal("operations nested without end")
		}
		deep, ok = floorDiv(must(t)(add(deep, b)), Const(2))
	}
	if _, ok := floorDiv(a, must(t)(sub(b, c))); ok {
		t.Error("a division by what may be zero")
	}
}

// Random arithmetic, with numbers put for the symbols afterwards, gives what the same arithmetic gives with the
// numbers at once; bounds hold.
func TestExprAgainstNumbers(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	checked := 0
	for range 20_000 {
		sizes := map[string]int64{"a": 1 + random.Int64N(9), "b": 1 + random.Int64N(9), "c": 1 + random.Int64N(9)}
		e, n := randomExpr(random, sizes, 4)
		if e == nil {
			continue
		}
		checked++
		got, ok := e.Eval(func(s string) (int64, bool) { v, ok := sizes[s]; return v, ok })
		if !ok || got != n {
			t.Fatalf("%v with %v is %d, %t; want %d", e, sizes, got, ok, n)
		}
		if low, ok := e.Low(); ok && low > n {
			t.Fatalf("%v with %v is %d, below its bound %d", e, sizes, n, low)
		}
	}
	if checked < 5000 {
		t.Errorf("only %d expressions", checked)
	}
}

// randomExpr makes an expression and its value; nil where an operation has no result.
func randomExpr(random *rand.Rand, sizes map[string]int64, depth int) (*Expr, int64) {
	if depth == 0 || random.IntN(4) == 0 {
		if random.IntN(2) == 0 {
			v := random.Int64N(13) - 4
			e := Const(v)
			return &e, v
		}
		name := []string{"a", "b", "c"}[random.IntN(3)]
		e := Symbol(name)
		return &e, sizes[name]
	}
	x, p := randomExpr(random, sizes, depth-1)
	y, q := randomExpr(random, sizes, depth-1)
	if x == nil || y == nil {
		return nil, 0
	}
	var e Expr
	var ok bool
	var v int64
	switch op := random.IntN(8); op {
	case 0, 1:
		e, ok = add(*x, *y)
		v = p + q
	case 2:
		e, ok = sub(*x, *y)
		v = p - q
	case 3, 4:
		e, ok = mul(*x, *y)
		v = p * q
	case 5:
		e, ok = minimum(*x, *y)
		v = min(p, q)
	case 6:
		e, ok = maximum(*x, *y)
		v = max(p, q)
	default:
		if q <= 0 {
			return nil, 0
		}
		if op == 7 && random.IntN(2) == 0 {
			e, ok = mod(*x, *y)
			v = ((p % q) + q) % q
		} else {
			e, ok = floorDiv(*x, *y)
			v = int64(math.Floor(float64(p) / float64(q)))
		}
	}
	if !ok {
		return nil, 0
	}
	return &e, v
}
