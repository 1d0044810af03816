//go:build wasip1 && !purego

package kernel

import (
	"math"
	"unsafe"
)

var bytesSIMD = byteKernel{widen: widenSIMD, flip: flipGo, magnitude: magnitudeSIMD, quantise: quantiseSIMD, rescale: rescaleSIMD, requantise: requantiseGo}

// whole is how many of n elements the kernels take, in groups.
func whole(n, group int) int { return n &^ (group - 1) }

func widenSIMD(to, from []byte, flip byte, zero int32) (sum int32) {
	to = to[:2*len(from)]
	n := whole(len(from), 16)
	if n > 0 {
		sum = widenWords(&to[0], &from[0], int32(n), uint32(flip), zero)
	}
	return sum + widenGo(to[2*n:], from[n:], flip, zero)
}

func magnitudeSIMD(x []float32) float32 {
	n, top := whole(len(x), 16), uint32(0)
	if n > 0 {
		top = magnitude(&x[0], int32(n))
	}
	return math.Float32frombits(max(top, math.Float32bits(magnitudeGo(x[n:]))))
}

func quantiseSIMD(q []byte, x []float32, scale float32) (sum int32) {
	q = q[:len(x)]
	n := whole(len(x), 16)
	if n > 0 {
		sum = quantise(&q[0], &x[0], int32(n), scale)
	}
	return sum + quantiseGo(q[n:], x[n:], scale)
}

func rescaleSIMD(out []float32, c []int32, row float32, columns, bias []float32) {
	out, columns = out[:len(c)], columns[:len(c)]
	var rest []float32
	n := whole(len(c), 4)
	if bias != nil {
		bias = bias[:len(c)]
		rest = bias[n:]
	}
	if n > 0 {
		rescale(&out[0], &c[0], int32(n), row, &columns[0], unsafe.SliceData(bias))
	}
	rescaleGo(out[n:], c[n:], row, columns[n:], rest)
}

//go:wasmimport kernel exact_widenWords
//go:noescape
func widenWords(to, from *byte, n int32, flip uint32, zero int32) int32

//go:wasmimport kernel exact_magnitude
//go:noescape
func magnitude(x *float32, n int32) uint32

//go:wasmimport kernel exact_quantise
//go:noescape
func quantise(q *byte, x *float32, n int32, scale float32) int32

//go:wasmimport kernel exact_rescale
//go:noescape
func rescale(out *float32, c *int32, n int32, row float32, columns, bias *float32)
