package candid

import (
	"errors"
	"fmt"
	"math/bits"
)

// ErrRange is returned where a number does not fit the type it is read into.
var ErrRange = errors.New("number out of range")

// Nat is a `nat` of at most 128 bits, used for cycles. Values are compared with ==
// or [Nat.Cmp]; the zero value is 0.
type Nat struct{ Hi, Lo uint64 }

// NewNat is n as a Nat.
func NewNat(n uint64) Nat { return Nat{Lo: n} }

// Add is a + b, and false if the sum does not fit 128 bits.
func (a Nat) Add(b Nat) (sum Nat, ok bool) {
	lo, c := bits.Add64(a.Lo, b.Lo, 0)
	hi, c := bits.Add64(a.Hi, b.Hi, c)
	return Nat{hi, lo}, c == 0
}

// Sub is a - b, and false (with an undefined difference) if b is greater than a.
func (a Nat) Sub(b Nat) (difference Nat, ok bool) {
	lo, c := bits.Sub64(a.Lo, b.Lo, 0)
	hi, c := bits.Sub64(a.Hi, b.Hi, c)
	return Nat{hi, lo}, c == 0
}

// Mul64 is a * n, and false if the product does not fit 128 bits.
func (a Nat) Mul64(n uint64) (product Nat, ok bool) {
	carry, lo := bits.Mul64(a.Lo, n)
	over, hi := bits.Mul64(a.Hi, n)
	hi, c := bits.Add64(hi, carry, 0)
	return Nat{hi, lo}, over == 0 && c == 0
}

// Div64 is a / n, rounded down, and the rest. It panics if n is 0.
func (a Nat) Div64(n uint64) (quotient Nat, rest uint64) {
	hi, r := a.Hi/n, a.Hi%n
	lo, r := bits.Div64(r, a.Lo, n)
	return Nat{hi, lo}, r
}

// Cmp is -1, 0 or 1 as a is less than, equal to or greater than b.
func (a Nat) Cmp(b Nat) int {
	switch {
	case a == b:
		return 0
	case a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo:
		return -1
	}
	return 1
}

// IsZero reports whether a is 0.
func (a Nat) IsZero() bool { return a == Nat{} }

// Uint64 is a as a uint64, and false if it does not fit.
func (a Nat) Uint64() (n uint64, ok bool) { return a.Lo, a.Hi == 0 }

// String is a in decimal, without separators.
func (a Nat) String() string {
	const group = 19 // digits that fit a uint64
	var buf [2*group + 1]byte
	i := len(buf)
	for {
		var r uint64
		a, r = a.Div64(1e19)
		for range group {
			i--
			buf[i] = byte('0' + r%10)
			r /= 10
			if r == 0 && a.IsZero() {
				return string(buf[i:])
			}
		}
	}
}

// ParseNat reads decimal digits, among which `_` separates groups as in Candid text.
func ParseNat(s string) (Nat, error) {
	var n Nat
	last := byte('_')
	for i := range len(s) {
		c := s[i]
		if c == '_' && last != '_' && i+1 < len(s) {
			last = c
			continue
		}
		if c < '0' || c > '9' {
			return Nat{}, fmt.Errorf("parse nat %.60q: not a decimal number", s)
		}
		m, ok := n.Mul64(10)
		m, fits := m.Add(NewNat(uint64(c - '0')))
		if !ok || !fits {
			return Nat{}, fmt.Errorf("parse nat %.60q: more than 128 bits: %w", s, ErrRange)
		}
		n, last = m, c
	}
	if last == '_' {
		return Nat{}, fmt.Errorf("parse nat %.60q: not a decimal number", s)
	}
	return n, nil
}

// MarshalText is [Nat.String], so amounts are decimal text in JSON.
func (a Nat) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is [ParseNat].
func (a *Nat) UnmarshalText(b []byte) (err error) {
	*a, err = ParseNat(string(b))
	return err
}

// Int is an `int` in 128-bit two's complement. Values are compared with == or
// [Int.Cmp]; the zero value is 0.
type Int struct {
	Hi int64
	Lo uint64
}

// NewInt is n as an Int.
func NewInt(n int64) Int { return Int{Hi: n >> 63, Lo: uint64(n)} }

// Int is a as an Int, and false if it is 2^127 or more.
func (a Nat) Int() (i Int, ok bool) { return Int{int64(a.Hi), a.Lo}, int64(a.Hi) >= 0 }

// Nat is a as a Nat, and false if it is negative.
func (a Int) Nat() (n Nat, ok bool) { return Nat{uint64(a.Hi), a.Lo}, a.Hi >= 0 }

// Add is a + b, and false if the sum does not fit.
func (a Int) Add(b Int) (sum Int, ok bool) {
	lo, c := bits.Add64(a.Lo, b.Lo, 0)
	hi, _ := bits.Add64(uint64(a.Hi), uint64(b.Hi), c)
	sum = Int{int64(hi), lo}
	return sum, (a.Hi^sum.Hi)&(b.Hi^sum.Hi) >= 0
}

// Sub is a - b, and false if the difference does not fit.
func (a Int) Sub(b Int) (difference Int, ok bool) {
	lo, c := bits.Sub64(a.Lo, b.Lo, 0)
	hi, _ := bits.Sub64(uint64(a.Hi), uint64(b.Hi), c)
	difference = Int{int64(hi), lo}
	return difference, (a.Hi^b.Hi)&(a.Hi^difference.Hi) >= 0
}

// Neg is -a, and false for -2^127, whose negation does not fit.
func (a Int) Neg() (n Int, ok bool) { return Int{}.Sub(a) }

// Abs is the magnitude of a.
func (a Int) Abs() Nat {
	if a.Hi < 0 {
		a, _ = a.Neg()
	}
	return Nat{uint64(a.Hi), a.Lo}
}

// Sign is -1, 0 or 1.
func (a Int) Sign() int {
	switch {
	case a.Hi < 0:
		return -1
	case a == Int{}:
		return 0
	}
	return 1
}

// Cmp is -1, 0 or 1 as a is less than, equal to or greater than b.
func (a Int) Cmp(b Int) int {
	switch {
	case a == b:
		return 0
	case a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo:
		return -1
	}
	return 1
}

// IsZero reports whether a is 0.
func (a Int) IsZero() bool { return a == Int{} }

// Int64 is a as an int64, and false if it does not fit.
func (a Int) Int64() (n int64, ok bool) { return int64(a.Lo), a == NewInt(int64(a.Lo)) }

// String is a in decimal with a leading minus if negative.
func (a Int) String() string {
	if a.Hi < 0 {
		return "-" + a.Abs().String()
	}
	return a.Abs().String()
}

// ParseInt reads an optional sign and what [ParseNat] reads.
func ParseInt(s string) (Int, error) {
	digits, negative := s, false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits, negative = s[1:], s[0] == '-'
	}
	n, err := ParseNat(digits)
	if err != nil {
		return Int{}, err
	}
	i := Int{int64(n.Hi), n.Lo}
	if negative {
		i, _ = i.Neg()
	}
	if i.Sign() != 0 && (i.Sign() < 0) != negative {
		return Int{}, fmt.Errorf("parse int %.60q: more than 128 bits: %w", s, ErrRange)
	}
	return i, nil
}

// MarshalText is [Int.String], so amounts are decimal text in JSON.
func (a Int) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is [ParseInt].
func (a *Int) UnmarshalText(b []byte) (err error) {
	*a, err = ParseInt(string(b))
	return err
}
