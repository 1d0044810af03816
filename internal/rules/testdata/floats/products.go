// Package floats holds products that a compiler may fuse into a sum, and the same written so that it may not. A line
// that TestProducts must find ends in "bad".
package floats

import "math"

type weight float32

type number interface{ ~float32 | ~int32 }

func sums(a, b, c float32, d float64, w weight, i, j int) float32 {
	c += a * b // bad
	c += float32(a * b)
	c += (float32)((a * b))
	c -= float32(-a * b)
	c = c + float32(float32(a*b)*c)
	c = c + float32(a*b*c) // bad
	c *= a                 // bad
	i *= j
	i += i * j
	c += float32(i*j) + 2*3.5
	d += float64(float32(d) * a) // of the wrong width, but converted
	d = math.Sqrt(d * d)         // bad
	d = math.FMA(d, d, d)        // bad
	w += w * 2                   // bad
	w += weight(w * 2)
	c += float32(int(a * b)) // bad
	c += half(a, b)
	c += a / 2    // bad
	c += a / 0.25 // bad
	c += float32(a / 2)
	c += a / 3
	c += a / b
	return c
}

func half(a, b float32) float32 { return float32(a * b / 2) } // bad

func any[T number](a, b T) T { return a * b } // bad

func all[T number](a, b T) T { return a + T(a*b) }

func integers[T ~int32 | ~uint8](a, b T) T { return a * b }

func complexes(a, b complex128) complex128 { return a * b } // bad

const area = 3.5 * 2.5
