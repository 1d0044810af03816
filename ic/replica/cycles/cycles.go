// Package cycles counts the network's money: unsigned 128-bit amounts, and what
// things cost.
//
// ic/replica/host and ic/replica/state use it. Amounts are values; arithmetic that
// would leave the range panics, because the state machine checks first and mints no
// more than [MaxSupply].
package cycles

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// Amount is a number of cycles, Hi·2^64 + Lo.
type Amount struct{ Hi, Lo uint64 }

// MaxSupply is the most that a network mints in all, 2^120, so that no sum overflows.
var MaxSupply = Amount{Hi: 1 << 56}

// Size is the length of an amount in a canister's memory, in bytes.
const Size = 16

// New is a small amount.
func New(n uint64) Amount { return Amount{Lo: n} }

// IsZero reports whether a is nothing.
func (a Amount) IsZero() bool { return a == Amount{} }

// Cmp is -1, 0 or 1 as a is less than, equal to or greater than b.
func (a Amount) Cmp(b Amount) int {
	switch {
	case a == b:
		return 0
	case a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo:
		return -1
	}
	return 1
}

// Less reports a < b.
func (a Amount) Less(b Amount) bool { return a.Cmp(b) < 0 }

// Add is a + b.
func (a Amount) Add(b Amount) Amount {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	hi, over := bits.Add64(a.Hi, b.Hi, carry)
	if over != 0 {
		panic("cycles: sum over 2^128")
	}
	return Amount{hi, lo}
}

// Sub is a - b, which must not be negative.
func (a Amount) Sub(b Amount) Amount {
	lo, borrow := bits.Sub64(a.Lo, b.Lo, 0)
	hi, under := bits.Sub64(a.Hi, b.Hi, borrow)
	if under != 0 {
		panic("cycles: difference under zero")
	}
	return Amount{hi, lo}
}

// SubFloor is a - b, or nothing where that is negative.
func (a Amount) SubFloor(b Amount) Amount {
	if a.Less(b) {
		return Amount{}
	}
	return a.Sub(b)
}

// Min is the smaller of the two.
func Min(a, b Amount) Amount {
	if a.Less(b) {
		return a
	}
	return b
}

// Uint64 is the amount in 64 bits, false if it does not fit.
func (a Amount) Uint64() (uint64, bool) { return a.Lo, a.Hi == 0 }

// Put writes the amount as 16 bytes, little-endian, as system calls do.
func (a Amount) Put(b []byte) {
	binary.LittleEndian.PutUint64(b, a.Lo)
	binary.LittleEndian.PutUint64(b[8:], a.Hi)
}

// String is the amount in decimal.
func (a Amount) String() string {
	n := new(big.Int).SetUint64(a.Hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(a.Lo)).String()
}
