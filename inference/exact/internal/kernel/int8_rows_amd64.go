package kernel

import "math"

//go:noescape
func widenBytes(to, from *byte, n int, flip, zero int32) int32

//go:noescape
func flipBytes(to, from *byte, n int, flip, bias int32) int32

//go:noescape
func largestMagnitude(x *float32, n int) uint32

//go:noescape
func quantiseFloats(q *byte, x *float32, n int, scale float32) int32

//go:noescape
func rescaleSums(out *float32, c *int32, columns, bias *float32, n int, row float32)

// Each does whole groups in assembly and the rest in Go.
var bytesAVX2 = byteKernel{
	widen: func(to, from []byte, flip byte, zero int32) int32 {
		n, sum := len(from)&^15, int32(0)
		if to = to[:2*len(from)]; n > 0 {
			sum = widenBytes(&to[0], &from[0], n, int32(flip), zero)
		}
		return sum + widenGo(to[2*n:], from[n:], flip, zero)
	},
	flip: func(to, from []byte, flip, bias byte) int32 {
		n, sum := len(from)&^31, int32(0)
		if to = to[:len(from)]; n > 0 {
			sum = flipBytes(&to[0], &from[0], n, int32(flip), int32(bias))
		}
		return sum + flipGo(to[n:], from[n:], flip, bias)
	},
	magnitude: func(x []float32) float32 {
		n, top := len(x)&^7, uint32(0)
		if n > 0 {
			top = largestMagnitude(&x[0], n)
		}
		return math.Float32frombits(max(top, math.Float32bits(magnitudeGo(x[n:]))))
	},
	quantise: func(q []byte, x []float32, scale float32) int32 {
		n, sum := len(x)&^31, int32(0)
		if q = q[:len(x)]; n > 0 {
			sum = quantiseFloats(&q[0], &x[0], n, scale)
		}
		return sum + quantiseGo(q[n:], x[n:], scale)
	},
	rescale: func(out []float32, c []int32, row float32, columns, bias []float32) {
		out, columns = out[:len(c)], columns[:len(c)]
		n := len(c) &^ 7
		rest := bias
		var first *float32
		if bias != nil {
			bias = bias[:len(c)]
			rest = bias[n:]
			if n > 0 {
				first = &bias[0]
			}
		}
		if n > 0 {
			rescaleSums(&out[0], &c[0], &columns[0], first, n, row)
		}
		rescaleGo(out[n:], c[n:], row, columns[n:], rest)
	},
	requantise: requantiseAVX2,
}
