package cycles

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

func (a Amount) big() *big.Int { n, _ := new(big.Int).SetString(a.String(), 10); return n }

func TestArithmeticAgainstBig(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a := Amount{rng.Uint64() >> 8, rng.Uint64()}
		b := Amount{rng.Uint64() >> 8 >> rng.UintN(56), rng.Uint64() >> rng.UintN(64)}
		if got, want := a.Add(b).big(), new(big.Int).Add(a.big(), b.big()); got.Cmp(want) != 0 {
			t.Fatalf("%v + %v = %v, want %v", a, b, got, want)
		}
		if got := a.Cmp(b); got != a.big().Cmp(b.big()) {
			t.Fatalf("cmp %v %v = %d", a, b, got)
		}
		if !a.Less(b) {
			if got, want := a.Sub(b).big(), new(big.Int).Sub(a.big(), b.big()); got.Cmp(want) != 0 {
				t.Fatalf("%v - %v = %v, want %v", a, b, got, want)
			}
		} else if got := a.SubFloor(b); !got.IsZero() {
			t.Fatalf("%v floor %v = %v", a, b, got)
		}
		m, d := rng.Uint64()>>60, 1+rng.Uint64()>>32
		want := new(big.Int).Mul(a.big(), new(big.Int).SetUint64(m))
		want.Div(want, new(big.Int).SetUint64(d))
		if want.BitLen() <= 128 {
			if got := a.mulDiv(m, d).big(); got.Cmp(want) != 0 {
				t.Fatalf("%v*%d/%d = %v, want %v", a, m, d, got, want)
			}
		}
	}
}

func TestOverflowPanics(t *testing.T) {
	t.Parallel()
	top := Amount{^uint64(0), ^uint64(0)}
	for name, f := range map[string]func(){
		"add": func() { top.Add(New(1)) },
		"sub": func() { New(1).Sub(New(2)) },
		"mul": func() { top.Times(2) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestPublishedPrices(t *testing.T) {
	t.Parallel()
	p13, p34 := Prices{13}, Prices{34}
	for _, row := range []struct {
		name      string
		got, want Amount
	}{
		{"an empty call reserves about 42.1 B", p13.Call(0, 0).Total(), New(42_102_412_000)},
		{"creation", p13.Creation(), New(500_000_000_000)},
		{"creation on 34 nodes", p34.Creation(), New(1_307_692_307_692)},
		{"update base on 34 nodes", p34.Execution(0), New(13_076_923)},
		{"ingress of 10 bytes", p13.Ingress(10), New(1_220_000)},
		{"outcall", p13.HTTPOutcall(0, 0), New(49_140_000)},
		{"GiB-year", p13.Storage(1<<30, 0, 31_536_000), New(4_005_072_000_000)},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, row.got, row.want)
		}
	}
}
