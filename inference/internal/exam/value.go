// Package exam measures the executor against what others made: the ONNX project's own cases of single operators,
// and random graphs evaluated by ONNX Runtime and in float64. It reads and writes tensors in ONNX's serialised
// form with its own code, so that a fault in inference/onnx does not hide itself, and reaches the executor through
// one function, [Run]. The command inference/internal/onnxcase and the tests of this folder use it; nothing else
// does.
package exam

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"assay/inference/onnx"
)

// The element types of ONNX that have a meaning here beyond their size.
const (
	floatType     = 1
	stringType    = 8
	float16Type   = 10
	doubleType    = 11
	bfloat16Type  = 16
	float8E4M3    = 17
	float8E4M3Z   = 18
	float8E5M2    = 19
	float8E5M2Z   = 20
	float8E8M0    = 24
	maxElements   = 1 << 28
	maxDimensions = 64
)

// bits is the size of one element by ONNX's number.
var bits = map[int32]int{
	1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16,
	17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2,
}

// Value is a tensor with its elements as raw_data has them: row-major, little-endian, those of less than a byte
// packed from the lowest bits up.
type Value struct {
	Name  string
	DType onnx.DType
	Shape []int64
	Raw   []byte
}

// Elements is the number that the shape names.
func (v *Value) Elements() int {
	n := 1
	for _, d := range v.Shape {
		n *= int(d)
	}
	return n
}

// DecodeValue reads a serialised TensorProto.
func DecodeValue(data []byte) (Value, error) {
	var v Value
	var typed []uint64
	hasRaw, external := false, false
	err := walk(data, func(f protowire.Number, t protowire.Type, number uint64, text []byte) error {
		var err error
		switch f {
		case 1:
			v.Shape, err = appendDims(v.Shape, t, number, text)
		case 2:
			v.DType = onnx.DType(number)
		case 4, 5, 7, 10, 11:
			typed, err = appendNumbers(typed, f, t, number, text)
		case 6:
			return fmt.Errorf("a tensor of strings")
		case 8:
			v.Name = string(text)
		case 9:
			v.Raw, hasRaw = text, true
		case 13:
			external = true
		}
		return err
	})
	if err != nil {
		return Value{}, err
	}
	if external {
		return Value{}, fmt.Errorf("tensor %q keeps its data in another file", v.Name)
	}
	return v, v.finish(typed, hasRaw)
}

// finish brings the numbers of a typed field into Raw and checks the length.
func (v *Value) finish(typed []uint64, hasRaw bool) error {
	size, ok := bits[int32(v.DType)]
	if !ok {
		return fmt.Errorf("tensor %q of element type %d", v.Name, v.DType)
	}
	n := int64(1)
	for _, d := range v.Shape {
		if d < 0 || d > maxElements || n*d > maxElements {
			return fmt.Errorf("tensor %q of shape %v", v.Name, v.Shape)
		}
		n *= d
	}
	if !hasRaw {
		for _, x := range typed {
			v.Raw = appendElement(v.Raw, x, size)
		}
	}
	if want := (int(n)*size + 7) / 8; len(v.Raw) != want {
		return fmt.Errorf("tensor %q of shape %v has %d bytes, want %d", v.Name, v.Shape, len(v.Raw), want)
	}
	return nil
}

func appendElement(raw []byte, x uint64, size int) []byte {
	switch {
	case size <= 8: // packed ones come a byte at a time
		return append(raw, byte(x))
	case size == 16:
		return binary.LittleEndian.AppendUint16(raw, uint16(x))
	case size == 32:
		return binary.LittleEndian.AppendUint32(raw, uint32(x))
	}
	return binary.LittleEndian.AppendUint64(raw, x)
}

func appendDims(shape []int64, t protowire.Type, number uint64, text []byte) ([]int64, error) {
	if t == protowire.VarintType {
		shape = append(shape, int64(number))
	}
	for len(text) > 0 {
		x, n := protowire.ConsumeVarint(text)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		shape, text = append(shape, int64(x)), text[n:]
	}
	if len(shape) > maxDimensions {
		return nil, fmt.Errorf("a tensor of %d dimensions", len(shape))
	}
	return shape, nil
}

// appendNumbers reads one number, or a packed run of them.
func appendNumbers(list []uint64, f protowire.Number, t protowire.Type, number uint64, text []byte) ([]uint64, error) {
	if t != protowire.BytesType {
		return append(list, number), nil
	}
	for len(text) > 0 {
		var x uint64
		n := 0
		switch f {
		case 4:
			var y uint32
			y, n = protowire.ConsumeFixed32(text)
			x = uint64(y)
		case 10:
			x, n = protowire.ConsumeFixed64(text)
		default:
			x, n = protowire.ConsumeVarint(text)
		}
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		list, text = append(list, x), text[n:]
	}
	return list, nil
}

// walk hands every field of a message to f: number for a varint or a fixed width, text for bytes.
func walk(data []byte, f func(num protowire.Number, t protowire.Type, number uint64, text []byte) error) error {
	for len(data) > 0 {
		num, t, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		var number uint64
		var text []byte
		switch t {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(data)
		case protowire.Fixed32Type:
			var x uint32
			x, n = protowire.ConsumeFixed32(data)
			number = uint64(x)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(data)
		case protowire.BytesType:
			text, n = protowire.ConsumeBytes(data)
		default:
			return fmt.Errorf("field %d of wire type %d", num, t)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		if err := f(num, t, number, text); err != nil {
			return err
		}
	}
	return nil
}

// Encode writes a TensorProto with raw_data.
func (v *Value) Encode() []byte {
	var out []byte
	for _, d := range v.Shape {
		out = protowire.AppendVarint(protowire.AppendTag(out, 1, protowire.VarintType), uint64(d))
	}
	out = protowire.AppendVarint(protowire.AppendTag(out, 2, protowire.VarintType), uint64(v.DType))
	if v.Name != "" {
		out = protowire.AppendString(protowire.AppendTag(out, 8, protowire.BytesType), v.Name)
	}
	return protowire.AppendBytes(protowire.AppendTag(out, 9, protowire.BytesType), v.Raw)
}

// Floats gives the elements of a float16, bfloat16, float32 or float64 tensor; false for other types.
func (v *Value) Floats() ([]float64, bool) {
	var each func(i int) float64
	switch int32(v.DType) {
	case floatType:
		each = func(i int) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(v.Raw[4*i:]))) }
	case doubleType:
		each = func(i int) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(v.Raw[8*i:])) }
	case float16Type:
		each = func(i int) float64 { return half(binary.LittleEndian.Uint16(v.Raw[2*i:])) }
	case bfloat16Type:
		each = func(i int) float64 {
			return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(v.Raw[2*i:])) << 16))
		}
	default:
		return nil, false
	}
	out := make([]float64, v.Elements())
	for i := range out {
		out[i] = each(i)
	}
	return out, true
}

// half gives the value of a float16.
func half(x uint16) float64 {
	sign, exponent, fraction := 1-2*float64(x>>15), int(x>>10&31), float64(x&1023)
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}
