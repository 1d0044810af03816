// Package kernel quantises vectors to int8 and compares them by integers alone.
//
// The index packages call it, in the vectors canister and natively. Sums of integer
// products have no rounding, so every processor ranks the same vectors in the same
// order, and anybody can recompute a search. Keeping vectors and finding the nearest is
// the index's business.
package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// MaxDimension keeps every dot product and squared length below 2^27.
const MaxDimension = 4096

// levels is the largest size of a quantised component.
const levels = 127

var (
	// ErrNotFinite is returned for a vector that holds NaN or an infinity.
	ErrNotFinite = errors.New("vector holds NaN or an infinity")
	// ErrZero is returned for a vector of zeros: it points nowhere.
	ErrZero = errors.New("vector is zero")
)

// Code is a quantised vector: a component a byte, two's complement, -127 to 127.
type Code []byte

// Quantize maps the largest component of v, by size, to 127 and the others in
// proportion, rounded to the nearest, ties to even.
func Quantize(v []float32) (Code, error) {
	if len(v) == 0 || len(v) > MaxDimension {
		return nil, fmt.Errorf("vector of %d dimensions, want 1 to %d", len(v), MaxDimension)
	}
	var largest float64
	for _, x := range v {
		size := math.Abs(float64(x))
		if !(size <= math.MaxFloat32) {
			return nil, ErrNotFinite
		}
		largest = max(largest, size)
	}
	if largest == 0 {
		return nil, ErrZero
	}
	code := make(Code, len(v))
	for i, x := range v {
		// the product is exact in float64, so only the division rounds
		code[i] = byte(int8(math.RoundToEven(float64(float64(x)*levels) / largest)))
	}
	return code, nil
}

// Norm is the squared length of a code, more than zero for one that [Quantize] made.
func Norm(a Code) uint32 { return uint32(Dot(a, a)) }

// Compare orders two codes by their cosine with a query, given their dot products with it
// and their norms: positive when the first is nearer. It is exact: the squares of
// dot/√norm are compared by cross-multiplication.
func Compare(dotA int64, normA uint32, dotB int64, normB uint32) int {
	if sa, sb := sign(dotA), sign(dotB); sa != sb || sa == 0 {
		return sa - sb
	}
	ah, al := bits.Mul64(uint64(dotA*dotA), uint64(normB))
	bh, bl := bits.Mul64(uint64(dotB*dotB), uint64(normA))
	order := cmp.Compare(ah, bh)
	if order == 0 {
		order = cmp.Compare(al, bl)
	}
	if dotA < 0 { // of two negative cosines the larger square is farther
		return -order
	}
	return order
}

func sign(n int64) int { return cmp.Compare(n, 0) }

// Cosine is the cosine for people to read. The product of norms is exact in float64, so
// the result has the same bits everywhere.
func Cosine(dot int64, normA, normB uint32) float64 {
	return float64(dot) / math.Sqrt(float64(uint64(normA)*uint64(normB)))
}
