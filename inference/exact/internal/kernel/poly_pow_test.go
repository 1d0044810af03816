package kernel

import (
	"math"
	"testing"
)

// Every pair of special numbers gives what C99 says, as math.Pow does.
func TestPowAtTheEdges(t *testing.T) {
	inf := float32(math.Inf(1))
	list := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, -2.5, 1e-45, -1e-45, 3e38, -3e38, 16777215, -16777217, 1 << 25, inf, -inf, nan, 0.99999994, 1.0000001}
	for _, x := range list {
		for _, y := range list {
			got, want := Pow(x, y), Canon(float32(math.Pow(float64(x), float64(y))))
			if got == want && math.Signbit(float64(got)) == math.Signbit(float64(want)) || got != got && want != want && math.Float32bits(got) == 0x7fc00000 {
				continue
			}
			if d := ulps(got, math.Pow(float64(x), float64(y))); !(d <= 0.501) {
				t.Errorf("Pow(%v, %v) = %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestPowIsClose(t *testing.T) {
	s := noise(31)
	worst := 0.0
	for range 1_000_000 {
		x := math.Float32frombits(s.next() &^ signBit)
		power := float32(int32(s.next())) / (1 << 24) // of two, ±128
		y := float32(float64(power) / math.Log2(float64(x)))
		if y != y || x != x {
			continue
		}
		want := math.Pow(float64(x), float64(y))
		if want > math.MaxFloat32 {
			continue
		}
		d := ulps(Pow(x, y), want)
		if d > worst {
			worst = d
		}
		if !(d <= 0.501) {
			t.Fatalf("Pow(%v, %v) = %v, want %v: %.4f ulp", x, y, Pow(x, y), want, d)
		}
	}
	t.Logf("worst %.5f ulp", worst)
}

// The exponents that graphs use as arithmetic are that arithmetic.
func TestPowOfSmallExponents(t *testing.T) {
	steps(0, math.MaxFloat32, 20_000, func(x float32) {
		for _, c := range []struct{ y, want float32 }{{2, float32(x * x)}, {1, x}, {-1, 1 / x}, {0, 1}} {
			if got := Pow(x, c.y); math.Float32bits(got) != math.Float32bits(c.want) {
				t.Fatalf("Pow(%v, %v) = %v, want %v", x, c.y, got, c.want)
			}
		}
		if got := Pow(x, 0.5); x > 0 && got != Sqrt(x) {
			t.Fatalf("Pow(%v, 0.5) = %v, want %v", x, got, Sqrt(x))
		}
	})
}
