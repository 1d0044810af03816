package candid

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func (a Nat) big() *big.Int {
	n := new(big.Int).SetUint64(a.Hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(a.Lo))
}

func (a Int) big() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(a.Hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.Lo))
}

// words are interesting halves of numbers, and random ones.
func words(r *rand.Rand) uint64 {
	switch r.IntN(6) {
	case 0:
		return 0
	case 1:
		return ^uint64(0)
	case 2:
		return 1 << r.IntN(64)
	case 3:
		return uint64(r.IntN(100))
	}
	return r.Uint64()
}

var natMax, intMin, intMax = new(big.Int).Lsh(big.NewInt(1), 128), new(big.Int).Lsh(big.NewInt(-1), 127), new(big.Int).Lsh(big.NewInt(1), 127)

func TestNatAgainstBig(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		a, b, m := Nat{words(r), words(r)}, Nat{words(r), words(r)}, words(r)
		check := func(what string, got Nat, ok bool, want *big.Int) {
			t.Helper()
			fits := want.Sign() >= 0 && want.Cmp(natMax) < 0
			if ok != fits || ok && got.big().Cmp(want) != 0 {
				t.Errorf("%s %s %s, %d: got %s %t, want %s", a, what, b, m, got, ok, want)
			}
		}
		sum, ok := a.Add(b)
		check("+", sum, ok, new(big.Int).Add(a.big(), b.big()))
		difference, ok := a.Sub(b)
		check("-", difference, ok, new(big.Int).Sub(a.big(), b.big()))
		product, ok := a.Mul64(m)
		check("*", product, ok, new(big.Int).Mul(a.big(), new(big.Int).SetUint64(m)))
		if m != 0 {
			q, rest := a.Div64(m)
			wantQ, wantR := new(big.Int).QuoRem(a.big(), new(big.Int).SetUint64(m), new(big.Int))
			check("/", q, true, wantQ)
			check("rest", NewNat(rest), true, wantR)
		}
		if got, want := a.Cmp(b), a.big().Cmp(b.big()); got != want {
			t.Errorf("%s cmp %s: got %d, want %d", a, b, got, want)
		}
		if got, want := a.String(), a.big().String(); got != want {
			t.Errorf("String: got %s, want %s", got, want)
		}
		if back, err := ParseNat(a.String()); err != nil || back != a {
			t.Errorf("ParseNat(%s) = %s, %v", a, back, err)
		}
	}
}

func TestIntAgainstBig(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		a, b := Int{int64(words(r)), words(r)}, Int{int64(words(r)), words(r)}
		check := func(what string, got Int, ok bool, want *big.Int) {
			t.Helper()
			fits := want.Cmp(intMin) >= 0 && want.Cmp(intMax) < 0
			if ok != fits || ok && got.big().Cmp(want) != 0 {
				t.Errorf("%s %s %s: got %s %t, want %s", a, what, b, got, ok, want)
			}
		}
		sum, ok := a.Add(b)
		check("+", sum, ok, new(big.Int).Add(a.big(), b.big()))
		difference, ok := a.Sub(b)
		check("-", difference, ok, new(big.Int).Sub(a.big(), b.big()))
		negative, ok := a.Neg()
		check("neg", negative, ok, new(big.Int).Neg(a.big()))
		if got, want := a.Cmp(b), a.big().Cmp(b.big()); got != want {
			t.Errorf("%s cmp %s: got %d, want %d", a, b, got, want)
		}
		if got, want := a.Sign(), a.big().Sign(); got != want {
			t.Errorf("%s sign: got %d, want %d", a, got, want)
		}
		if got, want := a.String(), a.big().String(); got != want {
			t.Errorf("String: got %s, want %s", got, want)
		}
		if back, err := ParseInt(a.String()); err != nil || back != a {
			t.Errorf("ParseInt(%s) = %s, %v", a, back, err)
		}
	}
}

func TestParseNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		nat  bool
		int  bool
	}{
		{"0", true, true},
		{"1_000_000", true, true},
		{"", false, false},
		{"_1", false, false},
		{"1_", false, false},
		{"1__0", false, false},
		{"-1", false, true},
		{"+1", false, true},
		{"--1", false, false},
		{"1e3", false, false},
		{"340282366920938463463374607431768211455", true, false},
		{"340282366920938463463374607431768211456", false, false},
		{"170141183460469231731687303715884105727", true, true},
		{"170141183460469231731687303715884105728", true, false},
		{"-170141183460469231731687303715884105728", false, true},
		{"-170141183460469231731687303715884105729", false, false},
		{"-340282366920938463463374607431768211455", false, false},
	} {
		if _, err := ParseNat(c.text); (err == nil) != c.nat {
			t.Errorf("ParseNat(%q): %v", c.text, err)
		}
		if _, err := ParseInt(c.text); (err == nil) != c.int {
			t.Errorf("ParseInt(%q): %v", c.text, err)
		}
	}
}

// TestNumberMessages writes and reads numbers of every length.
func TestNumberMessages(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		shift := r.IntN(64)
		n := Nat{words(r) >> shift, words(r)}
		msg, err := EncodeOne("n", &Header{Text: "DIDL\x00\x01\x7d"}, &n, PutNat)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeOne("n", &Header{Text: "DIDL\x00\x01\x7d"}, msg, GetNat); err != nil || got != n {
			t.Fatalf("nat %s: message %x reads as %s, %v", n, msg, got, err)
		}
		i := Int{int64(words(r)) >> shift, words(r)}
		msg, err = EncodeOne("i", &Header{Text: "DIDL\x00\x01\x7c"}, &i, PutInt)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeOne("i", &Header{Text: "DIDL\x00\x01\x7c"}, msg, GetInt); err != nil || got != i {
			t.Fatalf("int %s: message %x reads as %s, %v", i, msg, got, err)
		}
	}
}

// FuzzParseNat checks that a number that parses prints as one of the same value.
func FuzzParseNat(f *testing.F) {
	for _, seed := range []string{"0", "340282366920938463463374607431768211455", "340282366920938463463374607431768211456", "1_000", "-1", "", "+5", "007"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNat(s)
		if err != nil {
			return
		}
		if again, err := ParseNat(n.String()); err != nil || again != n {
			t.Errorf("%q is %s, printed and parsed %s, %v", s, n, again, err)
		}
		if want, ok := new(big.Int).SetString(strings.ReplaceAll(s, "_", ""), 10); !ok || want.Cmp(n.big()) != 0 {
			t.Errorf("%q is %s, want %s", s, n, want)
		}
	})
}
