package kernel

import (
	"math"
	"testing"
)

// sweep has numbers of all sizes and both signs, special ones included, and the neighbourhood of each place where a
// function changes its formula.
func sweep() []float32 {
	var x []float32
	for b := uint32(0); b < 1<<32-1<<16; b += 1<<15 + 7 {
		x = append(x, math.Float32frombits(b))
	}
	for _, edge := range []float32{88.72284, -104, 0.927734375, 4, 0, 1, -87.33655, float32(math.Inf(1))} {
		for d := -20; d <= 20; d++ {
			b := math.Float32bits(edge) + uint32(d)
			x = append(x, math.Float32frombits(b), math.Float32frombits(b^signBit))
		}
	}
	s := noise(11)
	return append(x, s.floats(4001, true)...)
}

func TestVectorsMatchGo(t *testing.T) {
	x := sweep()
	for _, k := range sets {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			unary := map[string][2]func(out, x []float32){"exp": {k.Exp, vectorsGo.Exp}, "erf": {k.Erf, vectorsGo.Erf}}
			for name, f := range unary {
				got, want := make([]float32, len(x)), make([]float32, len(x))
				f[0](got, x)
				f[1](want, x)
				if i, ok := sameBits(got, want); !ok {
					t.Errorf("%s(%v = %#x) = %#x, want %#x", name, x[i], math.Float32bits(x[i]), math.Float32bits(got[i]), math.Float32bits(want[i]))
				}
			}
			for name, f := range map[string][2]func(out, a, b []float32){
				"add": {k.Add, addF32}, "sub": {k.Sub, subF32}, "mul": {k.Mul, mulF32}, "div": {k.Div, divF32},
			} {
				checkBinary(t, name, f[0], f[1])
			}
		})
	}
}

func checkBinary(t *testing.T, name string, fast, slow func(out, a, b []float32)) {
	s := noise(12)
	for n := range 100 {
		a, b := s.floats(n, true), s.floats(n, true)
		got, want := s.floats(n, true), make([]float32, n)
		fast(got, a, b)
		slow(want, a, b)
		if i, ok := sameBits(got, want); !ok {
			t.Fatalf("%s(%v, %v) = %v, want %v", name, a[i], b[i], got[i], want[i])
		}
	}
}

// Whole groups of eight go to assembly, the rest to Go: every length must give what single elements give.
func TestVectorTails(t *testing.T) {
	s := noise(13)
	x := s.floats(40, true)
	for _, k := range sets {
		for n := range x {
			got := append([]float32(nil), x...)
			k.Exp(got[:n], got[:n]) // in place
			for i, v := range x {
				want := v
				if i < n {
					want = Exp(v)
				}
				if math.Float32bits(got[i]) != math.Float32bits(want) {
					t.Fatalf("%s: element %d of the first %d is %v, want %v", k.Name, i, n, got[i], want)
				}
			}
		}
	}
}
