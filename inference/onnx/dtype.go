package onnx

// DType is an element type, with the numbers of ONNX's TensorProto.DataType.
type DType int32

// The element types that a tensor in a file may have. Complex numbers (14 and 15) are refused.
const (
	Float32        DType = 1
	Uint8          DType = 2
	Int8           DType = 3
	Uint16         DType = 4
	Int16          DType = 5
	Int32          DType = 6
	Int64          DType = 7
	String         DType = 8
	Bool           DType = 9
	Float16        DType = 10
	Float64        DType = 11
	Uint32         DType = 12
	Uint64         DType = 13
	BFloat16       DType = 16
	Float8E4M3FN   DType = 17
	Float8E4M3FNUZ DType = 18
	Float8E5M2     DType = 19
	Float8E5M2FNUZ DType = 20
	Uint4          DType = 21
	Int4           DType = 22
	Float4E2M1     DType = 23
	Float8E8M0     DType = 24
	Uint2          DType = 25
	Int2           DType = 26
	Float6E2M3     DType = 27
	Float6E3M2     DType = 28
)

var dtypes = [...]struct {
	name string
	bits int // of one element; 0 for strings
}{
	Float32: {"float32", 32}, Uint8: {"uint8", 8}, Int8: {"int8", 8}, Uint16: {"uint16", 16}, Int16: {"int16", 16},
	Int32: {"int32", 32}, Int64: {"int64", 64}, String: {"string", 0}, Bool: {"bool", 8}, Float16: {"float16", 16},
	Float64: {"float64", 64}, Uint32: {"uint32", 32}, Uint64: {"uint64", 64}, BFloat16: {"bfloat16", 16},
	Float8E4M3FN: {"float8e4m3fn", 8}, Float8E4M3FNUZ: {"float8e4m3fnuz", 8},
	Float8E5M2: {"float8e5m2", 8}, Float8E5M2FNUZ: {"float8e5m2fnuz", 8},
	Uint4: {"uint4", 4}, Int4: {"int4", 4}, Float4E2M1: {"float4e2m1", 4}, Float8E8M0: {"float8e8m0", 8},
	Uint2: {"uint2", 2}, Int2: {"int2", 2}, Float6E2M3: {"float6e2m3", 6}, Float6E3M2: {"float6e3m2", 6},
}

// Known reports whether this package reads tensors of the type.
func (d DType) Known() bool { return d > 0 && int(d) < len(dtypes) && dtypes[d].name != "" }

// Bits is the number of bits of one element: 2, 4 or 6 for the packed types, 0 for strings and unknown types.
func (d DType) Bits() int {
	if !d.Known() {
		return 0
	}
	return dtypes[d].bits
}

// Size is the number of bytes of one element, 0 for packed types, strings and types this package does not read.
func (d DType) Size() int {
	if bits := d.Bits(); bits%8 == 0 {
		return bits / 8
	}
	return 0
}

// Packed reports whether several elements share a byte.
func (d DType) Packed() bool { return d.Bits()%8 != 0 }

// Bytes is the number of bytes that n elements take, 0 for strings.
func (d DType) Bytes(n int) int {
	bits := d.Bits()
	return n/8*bits + (n%8*bits+7)/8
}

func (d DType) String() string {
	if d.Known() {
		return dtypes[d].name
	}
	return "unknown element type"
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
