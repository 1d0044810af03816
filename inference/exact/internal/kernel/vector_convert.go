package kernel

import "math"

// roundedClamped rounds to the nearest integer, ties to even, and keeps it within ±1024, which is all that eight bits
// and a zero point can tell apart. NaN becomes 0.
func roundedClamped(x float32) int32 {
	switch {
	case x > 1024:
		return 1024
	case x < -1024:
		return -1024
	case x != x:
		return 0
	}
	return int32(math.Float32bits(x+roundMagic)) - roundMagicBits
}

// clamp keeps q within low … high.
func clamp(q, low, high int32) int32 {
	if q < low {
		return low
	}
	if q > high {
		return high
	}
	return q
}

// quantizeInt8 is round(x/scale) + zero, ties to even, saturated. NaN gives zero.
func quantizeInt8(out []int8, x []float32, scale float32, zero int8) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = int8(clamp(roundedClamped(v/scale)+int32(zero), -128, 127))
	}
}

// quantizeUint8 is quantizeInt8 for 0 … 255.
func quantizeUint8(out []uint8, x []float32, scale float32, zero uint8) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = uint8(clamp(roundedClamped(v/scale)+int32(zero), 0, 255))
	}
}

// dequantizeInt8 is (x - zero)·scale.
func dequantizeInt8(out []float32, x []int8, scale float32, zero int8) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = Canon(float32(float32(int32(v)-int32(zero)) * scale))
	}
}

// dequantizeUint8 is (x - zero)·scale.
func dequantizeUint8(out []float32, x []uint8, scale float32, zero uint8) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = Canon(float32(float32(int32(v)-int32(zero)) * scale))
	}
}

// FromFloat16 is the number that 16 bits of IEEE 754 binary16 stand for.
func FromFloat16(h uint16) float32 {
	sign, rest := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	switch {
	case rest > 0x7c00:
		return nan
	case rest == 0x7c00:
		return math.Float32frombits(sign | 0x7f800000)
	}
	// The bits in place, read as a float32, are 2^112 too small, subnormals included.
	return math.Float32frombits(sign | math.Float32bits(float32(math.Float32frombits(rest<<13)*0x1p112)))
}

// ToFloat16 rounds to the nearest binary16, ties to even; beyond 65519.99 it is infinite, NaN is 0x7e00.
func ToFloat16(x float32) uint16 {
	b := math.Float32bits(x)
	sign, t := uint16(b>>16)&0x8000, b&^signBit
	switch {
	case t > 0x7f800000:
		return 0x7e00
	case t >= 0x477ff000:
		return sign | 0x7c00
	case t < 0x38800000: // subnormal: adding 1/2 leaves multiples of 2^-24 in the low bits
		return sign | uint16(math.Float32bits(math.Float32frombits(t)+0.5)-0x3f000000)
	}
	t += 0xfff + t>>13&1
	return sign | uint16((t-0x38000000)>>13)
}

// FromBFloat16 is the number that 16 bits of bfloat16 stand for.
func FromBFloat16(h uint16) float32 { return Canon(math.Float32frombits(uint32(h) << 16)) }

// ToBFloat16 rounds to the nearest bfloat16, ties to even; NaN is 0x7fc0.
func ToBFloat16(x float32) uint16 {
	if x != x {
		return 0x7fc0
	}
	b := math.Float32bits(x)
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func fromFloat16(out []float32, x []uint16) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = FromFloat16(v)
	}
}

func fromBFloat16(out []float32, x []uint16) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = FromBFloat16(v)
	}
}

func toFloat16(out []uint16, x []float32) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = ToFloat16(v)
	}
}

func toBFloat16(out []uint16, x []float32) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = ToBFloat16(v)
	}
}
