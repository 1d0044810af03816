package kernel

import "unsafe"

// int8Dot is the kernel in dot.wat: the sum of n products.
//
//go:wasmimport kernel int8_dot
//go:noescape
func int8Dot(a, b *byte, n uint32) int32

// mostDot is how many products the kernel's sums of 32 bits hold, whatever they are.
const mostDot = 1 << 16

// Dot is the sum of products of two codes of one length. It panics when b is shorter.
func Dot(a, b Code) int64 {
	b = b[:len(a)]
	var sum int64
	for len(a) > mostDot {
		sum += int64(int8Dot(unsafe.SliceData(a), unsafe.SliceData(b), mostDot))
		a, b = a[mostDot:], b[mostDot:]
	}
	return sum + int64(int8Dot(unsafe.SliceData(a), unsafe.SliceData(b), uint32(len(a))))
}
