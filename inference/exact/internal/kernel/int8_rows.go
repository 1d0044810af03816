package kernel

import (
	"math"
	"slices"
)

// byteKernel is what one set does to rows of bytes and of integer sums.
type byteKernel struct {
	// widen stores bytes, flipped and then signed, less a zero point as int16 and gives their sum.
	widen func(to, from []byte, flip byte, zero int32) int32
	// flip stores flipped bytes and gives the sum of the signed bytes that another flip makes.
	flip func(to, from []byte, flip, bias byte) int32
	// magnitude is the largest |x|, NaN if there is one.
	magnitude func(x []float32) float32
	// quantise stores x / scale, rounded half to even within ±127, as int8 and gives the sum; NaN becomes 0.
	quantise func(q []byte, x []float32, scale float32) int32
	// rescale is [Set.Rescale] with one scale for each column; bias may be nil.
	rescale func(out []float32, c []int32, row float32, columns, bias []float32)
	// requantise is [Set.Requantise].
	requantise func(out []byte, signed bool, sums []int32, bias int32, factor float32, zero int32)
}

var bytesGo = byteKernel{widen: widenGo, flip: flipGo, magnitude: magnitudeGo, quantise: quantiseGo, rescale: rescaleGo, requantise: requantiseGo}

func widenGo(to, from []byte, flip byte, zero int32) int32 {
	var sum int32
	to = to[:2*len(from)]
	for x, b := range from {
		v := int32(int8(b^flip)) - zero
		sum += v
		to[2*x], to[2*x+1] = byte(v), byte(v>>8)
	}
	return sum
}

func flipGo(to, from []byte, flip, bias byte) int32 {
	var sum int32
	to = to[:len(from)]
	for x, v := range from {
		sum += int32(int8(v ^ bias))
		to[x] = v ^ flip
	}
	return sum
}

func magnitudeGo(x []float32) float32 {
	var top uint32
	for _, v := range x {
		top = max(top, math.Float32bits(v)&^(1<<31)) // a NaN's bits are above infinity's
	}
	return math.Float32frombits(top)
}

func quantiseGo(q []byte, x []float32, scale float32) int32 {
	var sum int32
	q = q[:len(x)]
	for i, v := range x {
		n := clamp(roundedClamped(v/scale), -127, 127)
		q[i] = byte(n)
		sum += n
	}
	return sum
}

func rescaleGo(out []float32, c []int32, row float32, columns, bias []float32) {
	out, columns = out[:len(c)], columns[:len(c)]
	for j, v := range c {
		x := float32(float32(float32(v)*row) * columns[j])
		if bias != nil {
			x += bias[j]
		}
		out[j] = Canon(x)
	}
}

// Rescale turns integer sums into numbers: out[j] = float32(c[j]) · row · columns[j], rounded after each product, and then
// bias[j] added if there is a bias.
func (s *Set) Rescale(out []float32, c []int32, row float32, columns, bias []float32) {
	s.bytes.rescale(out, c, row, columns, bias)
}

// Requantise stores sums plus a bias, which wrap at 32 bits, times a factor, rounded half to even, plus a zero point,
// saturated: to int8 if signed, else to uint8. NaN counts as 0.
func (s *Set) Requantise(out []byte, signed bool, sums []int32, bias int32, factor float32, zero int32) {
	s.bytes.requantise(out, signed, sums, bias, factor, zero)
}

func requantiseGo(out []byte, signed bool, sums []int32, bias int32, factor float32, zero int32) {
	low, high := int32(0), int32(255)
	if signed {
		low, high = -128, 127
	}
	out = out[:len(sums)]
	for i, sum := range sums {
		v := float64(float32(float32(sum+bias) * factor))
		if v != v {
			v = 0
		}
		v = math.RoundToEven(min(max(v, -1<<20), 1<<20))
		out[i] = byte(min(max(int32(v)+zero, low), high))
	}
}

// ShapeInt8Rows makes room in r for m rows of k elements, to be filled by [Set.QuantiseInt8Row], in any order.
func (s *Set) ShapeInt8Rows(r *Int8Rows, m, k int) {
	size := 1
	if s.ints.form == wideRows {
		size = 2
	}
	group := s.ints.group
	r.M, r.K, r.stride, r.plain = m, k, (k+group-1)/group*group*size, s.ints.form != unsignedRows
	r.data = slices.Grow(r.data[:0], m*r.stride)[:m*r.stride]
	r.terms = slices.Grow(r.terms[:0], 2*m)[:2*m]
}

// QuantiseInt8Row quantises row i and gives its scale: max|x| / 127, or 1 where that is 0. q is x / scale rounded half to
// even within ±127. A row with a NaN has the scale NaN. memory holds the integers on their way, one for each element.
func (s *Set) QuantiseInt8Row(r *Int8Rows, i int, x []float32, memory []byte) float32 {
	scale := Canon(s.bytes.magnitude(x) / 127)
	if scale == 0 {
		scale = 1
	}
	s.bytes.quantise(memory, x, scale)
	s.packRow(r, &Bytes{Data: memory, Signed: true, RowStride: len(x), ColumnStride: 1}, 0, i, 0)
	return scale
}

// PackInt8Rows copies a[m][k] for products with panels of this set, in the memory of r if there is enough. zeros are the
// rows' zero points: none, one for all, or m.
func (s *Set) PackInt8Rows(r *Int8Rows, a Bytes, m, k int, zeros []int32) {
	s.ShapeInt8Rows(r, m, k)
	for i := range m {
		s.packRow(r, &a, i, i, pick(zeros, i))
	}
}

// packRow copies row i of a to row at.
func (s *Set) packRow(r *Int8Rows, a *Bytes, i, at int, zero int32) {
	to := r.data[at*r.stride : (at+1)*r.stride]
	from := a.row(i, r.K)
	zero -= a.shift() // of elements that are all signed
	if s.ints.form == wideRows {
		r.terms[2*at], r.terms[2*at+1] = 0, s.bytes.widen(to, from, a.flip(), zero)
		clear(to[2*r.K:])
		return
	}
	flip := a.flip()
	if s.ints.form == unsignedRows {
		flip ^= 0x80
	}
	sum := s.bytes.flip(to, from, flip, a.flip())
	clear(to[r.K:])
	r.terms[2*at+1] = sum - int32(r.K)*zero
	if s.ints.form == unsignedRows {
		zero += 128
	}
	r.terms[2*at] = zero
	if zero != 0 && r.plain { // never so in quantised rows, which threads may fill side by side
		r.plain = false
	}
}

// row is k neighbouring bytes: a row in place, or a copy.
func (b *Bytes) row(i, k int) []byte {
	switch {
	case k == 0:
		return nil
	case b.ColumnStride == 1:
		return b.Data[i*b.RowStride:][:k]
	}
	out := make([]byte, k)
	for x := range out {
		out[x] = b.Data[i*b.RowStride+x*b.ColumnStride]
	}
	return out
}
