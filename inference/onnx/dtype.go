package onnx

import "assay/inference/tensor"

// DType is an element type, with the numbers of ONNX's TensorProto.DataType.
type DType = tensor.DType

// The element types that a tensor in a file may have. Complex numbers (14 and 15) are refused.
const (
	Float32        = tensor.Float32
	Uint8          = tensor.Uint8
	Int8           = tensor.Int8
	Uint16         = tensor.Uint16
	Int16          = tensor.Int16
	Int32          = tensor.Int32
	Int64          = tensor.Int64
	String         = tensor.String
	Bool           = tensor.Bool
	Float16        = tensor.Float16
	Float64        = tensor.Float64
	Uint32         = tensor.Uint32
	Uint64         = tensor.Uint64
	BFloat16       = tensor.BFloat16
	Float8E4M3FN   = tensor.Float8E4M3FN
	Float8E4M3FNUZ = tensor.Float8E4M3NUZ
	Float8E5M2     = tensor.Float8E5M2
	Float8E5M2FNUZ = tensor.Float8E5M2NUZ
	Uint4          = tensor.Uint4
	Int4           = tensor.Int4
	Float4E2M1     = tensor.Float4E2M1
	Float8E8M0     = tensor.Float8E8M0
	Uint2          = tensor.Uint2
	Int2           = tensor.Int2
	Float6E2M3     = tensor.Float6E2M3
	Float6E3M2     = tensor.Float6E3M2
)

// readable reports whether this package reads tensors of the type.
func readable(d DType) bool { return d == String || d.Bits() > 0 }

// Packed reports whether elements of the type share bytes in a file.
func Packed(d DType) bool { return d.Bits()%8 != 0 }

// width is the number of bytes of one element, 0 for packed types and strings.
func width(d DType) int {
	if Packed(d) {
		return 0
	}
	return d.Bits() / 8
}

// fileBytes is the number of bytes that n elements take in a file, 0 for strings.
func fileBytes(d DType, n int) int64 {
	bits := d.Bits()
	return int64(n/8)*int64(bits) + int64(n%8*bits+7)/8
}

// Unpack gives one byte for each of n elements of a packed type, as its unsigned bits in the low end of the byte;
// signed types are sign-extended. The first element stands in the lowest bits of the first byte.
func Unpack(d DType, raw []byte, n int) []byte {
	bits := d.Bits()
	out := make([]byte, n)
	var window, have uint
	for i := range out {
		for int(have) < bits {
			window |= uint(raw[0]) << have
			raw, have = raw[1:], have+8
		}
		v := byte(window) & (1<<bits - 1)
		if (d == Int4 || d == Int2) && v>>(bits-1) == 1 {
			v |= 0xff << bits
		}
		out[i] = v
		window, have = window>>bits, have-uint(bits)
	}
	return out
}
