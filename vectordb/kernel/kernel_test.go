package kernel

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func random(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

func quantize(t testing.TB, v []float32) Code {
	t.Helper()
	c, err := Quantize(v)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestQuantize(t *testing.T) {
	for name, row := range map[string]struct {
		v    []float32
		want []int8
	}{
		"largest to 127":     {[]float32{0.5, -1, 0}, []int8{64, -127, 0}}, // 63.5 is a tie, 64 is even
		"scale is free":      {[]float32{1e-30, -2e-30}, []int8{64, -127}},
		"huge":               {[]float32{math.MaxFloat32, -math.MaxFloat32}, []int8{127, -127}},
		"subnormal":          {[]float32{math.SmallestNonzeroFloat32}, []int8{127}},
		"tie to even, below": {[]float32{127, 62.5, -62.5, 63.5}, []int8{127, 62, -62, 64}},
	} {
		code := quantize(t, row.v)
		for i, want := range row.want {
			if got := int8(code[i]); got != want {
				t.Errorf("%s: component %d is %d, want %d", name, i, got, want)
			}
		}
	}
}

func TestQuantizeRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for name, row := range map[string]struct {
		v    []float32
		want error
	}{
		"NaN": {[]float32{1, nan}, ErrNotFinite}, "infinity": {[]float32{inf, 1}, ErrNotFinite},
		"zero": {[]float32{0, 0}, ErrZero}, "negative zero": {[]float32{float32(math.Copysign(0, -1))}, ErrZero},
		"empty": {nil, nil}, "too long": {make([]float32, MaxDimension+1), nil},
	} {
		if _, err := Quantize(row.v); err == nil || row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%s: got %v, want %v", name, err, row.want)
		}
	}
}

func TestDotAgainstPlainSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 384, 1023, MaxDimension} {
		a, b := quantize(t, random(r, n)), quantize(t, random(r, n))
		var want int64
		for i := range a {
			want += int64(int8(a[i])) * int64(int8(b[i]))
		}
		if got := Dot(a, b); got != want {
			t.Errorf("%d dimensions: got %d, want %d", n, got, want)
		}
	}
	all := make(Code, MaxDimension)
	for i := range all {
		all[i] = 0x81 // -127
	}
	if got, want := Norm(all), uint32(MaxDimension*levels*levels); got != want {
		t.Errorf("longest code: got %d, want %d", got, want)
	}
}

// exact compares dotA/√normA with dotB/√normB in rational numbers.
func exact(dotA int64, normA uint32, dotB int64, normB uint32) int {
	signed := func(dot int64, norm uint32) *big.Rat {
		square := new(big.Int).Mul(big.NewInt(dot), big.NewInt(dot))
		if dot < 0 {
			square.Neg(square)
		}
		return new(big.Rat).SetFrac(square, new(big.Int).SetUint64(uint64(norm)))
	}
	return signed(dotA, normA).Cmp(signed(dotB, normB))
}

func TestCompareIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const limit = MaxDimension * levels * levels
	one := func() (int64, uint32) {
		if r.IntN(2) == 0 { // small numbers make ties
			return r.Int64N(7) - 3, r.Uint32N(9) + 1
		}
		return r.Int64N(2*limit+1) - limit, r.Uint32N(limit) + 1
	}
	ties := 0
	for range 200_000 {
		da, na := one()
		db, nb := one()
		got, want := Compare(da, na, db, nb), exact(da, na, db, nb)
		if sign(int64(got)) != want {
			t.Fatalf("%d/√%d against %d/√%d: got %d, want %d", da, na, db, nb, got, want)
		}
		if want == 0 {
			ties++
		}
	}
	if ties == 0 {
		t.Error("no ties were tried")
	}
}

func TestCosineIsNearTheTrueOne(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		a, b := random(r, 384), random(r, 384)
		var ab, aa, bb float64
		for i := range a {
			x, y := float64(a[i]), float64(b[i])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		ca, cb := quantize(t, a), quantize(t, b)
		got, want := Cosine(Dot(ca, cb), Norm(ca), Norm(cb)), ab/math.Sqrt(aa*bb)
		if math.Abs(got-want) > 0.005 {
			t.Errorf("cosine %v, want %v within 0.005", got, want)
		}
	}
	c := quantize(t, random(r, 384))
	if got := Cosine(Dot(c, c), Norm(c), Norm(c)); got != 1 {
		t.Errorf("cosine with itself is %v", got)
	}
}

func BenchmarkDot384(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	x, y := quantize(b, random(r, 384)), quantize(b, random(r, 384))
	for b.Loop() {
		Dot(x, y)
	}
}
