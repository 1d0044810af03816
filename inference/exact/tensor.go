package exact

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"assay/inference/onnx"
)

// DType is an element type, with ONNX's numbers.
type DType = onnx.DType

// The element types that a program computes with.
const (
	Float32 = onnx.Float32
	Uint8   = onnx.Uint8
	Int8    = onnx.Int8
	Int32   = onnx.Int32
	Int64   = onnx.Int64
	Bool    = onnx.Bool
)

// MaxRank is the largest number of dimensions of a tensor.
const MaxRank = 8

// Tensor is a dense row-major array. The slice that DType names holds the elements, the others are nil; an
// empty Shape is a scalar of one element.
type Tensor struct {
	DType DType
	Shape []int
	F32   []float32
	U8    []uint8
	I8    []int8
	I32   []int32
	I64   []int64
	Bool  []bool
}

// NewFloat32 makes a float32 tensor over data, which is not copied.
func NewFloat32(data []float32, shape ...int) Tensor {
	return Tensor{DType: Float32, Shape: shape, F32: data}
}

// NewInt64 makes an int64 tensor over data, which is not copied.
func NewInt64(data []int64, shape ...int) Tensor {
	return Tensor{DType: Int64, Shape: shape, I64: data}
}

// clone copies shape and elements.
func (t *Tensor) clone() Tensor {
	return Tensor{
		DType: t.DType, Shape: slices.Clone(t.Shape), F32: slices.Clone(t.F32), U8: slices.Clone(t.U8),
		I8: slices.Clone(t.I8), I32: slices.Clone(t.I32), I64: slices.Clone(t.I64), Bool: slices.Clone(t.Bool),
	}
}

// Len is the number of elements that Shape names.
func (t *Tensor) Len() int { return product(t.Shape) }

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// held is the number of elements that the slice of DType holds, -1 for a type that programs do not use.
func (t *Tensor) held() int {
	switch t.DType {
	case Float32:
		return len(t.F32)
	case Uint8:
		return len(t.U8)
	case Int8:
		return len(t.I8)
	case Int32:
		return len(t.I32)
	case Int64:
		return len(t.I64)
	case Bool:
		return len(t.Bool)
	}
	return -1
}

// Bytes gives the elements row-major and little-endian, the form that output hashes are taken over.
func (t *Tensor) Bytes() []byte {
	out := make([]byte, 0, t.Len()*t.DType.Size())
	for _, v := range t.F32 {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	out = append(out, t.U8...)
	for _, v := range t.I8 {
		out = append(out, byte(v))
	}
	for _, v := range t.I32 {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	for _, v := range t.I64 {
		out = binary.LittleEndian.AppendUint64(out, uint64(v))
	}
	for _, v := range t.Bool {
		out = append(out, bit(v))
	}
	return out
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Finite reports whether a float32 tensor is free of NaN and infinities; other types always are.
func (t *Tensor) Finite() bool {
	for _, v := range t.F32 {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// canonical gives every NaN its one spelling. It copies before it changes anything, as the elements are the caller's.
func (t *Tensor) canonical() {
	for _, v := range t.F32 {
		if v != v {
			t.F32 = append([]float32(nil), t.F32...)
			canonicalise(t.F32)
			return
		}
	}
}

// check compares elements and shape.
func (t *Tensor) check(limit int64) error {
	if len(t.Shape) > MaxRank {
		return fmt.Errorf("has %d dimensions, limit %d", len(t.Shape), MaxRank)
	}
	n, ok := count(t.Shape, limit)
	if !ok {
		return fmt.Errorf("shape %v is negative or over %d elements", t.Shape, limit)
	}
	switch held := t.held(); {
	case held < 0:
		return fmt.Errorf("has the element type %v, which programs do not use", t.DType)
	case held != n:
		return fmt.Errorf("holds %d elements, shape %v wants %d", held, t.Shape, n)
	}
	return nil
}

// count multiplies the dimensions; false when one is negative or the product is over limit.
func count(shape []int, limit int64) (int, bool) {
	n := int64(1)
	zero := false
	for _, d := range shape {
		if d < 0 || int64(d) > limit {
			return 0, false
		}
		if d == 0 {
			zero = true
			continue
		}
		if n *= int64(d); n > limit {
			return 0, false
		}
	}
	if zero {
		return 0, true
	}
	return int(n), true
}

// make allocates a zeroed tensor within the limits.
func (c *call) make(dtype DType, shape []int) (*Tensor, error) {
	if len(shape) > MaxRank {
		return nil, fail(ErrLimit, "a tensor of %d dimensions, limit %d", len(shape), MaxRank)
	}
	n, ok := count(shape, c.limits.Elements)
	if !ok {
		return nil, fail(ErrLimit, "a tensor of shape %v, limit %d elements", shape, c.limits.Elements)
	}
	if c.total += int64(n); c.total > c.limits.Total {
		return nil, fail(ErrLimit, "more than %d elements in all", c.limits.Total)
	}
	t := &Tensor{DType: dtype, Shape: shape}
	switch dtype {
	case Float32:
		t.F32 = make([]float32, n)
	case Uint8:
		t.U8 = make([]uint8, n)
	case Int8:
		t.I8 = make([]int8, n)
	case Int32:
		t.I32 = make([]int32, n)
	case Int64:
		t.I64 = make([]int64, n)
	case Bool:
		t.Bool = make([]bool, n)
	default:
		return nil, fail(ErrUnsupported, "element type %v", dtype)
	}
	return t, nil
}

func fail(kind error, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// load turns a constant of the file into a tensor.
func (c *call) load(t *onnx.Tensor) (*Tensor, error) {
	shape := make([]int, len(t.Shape))
	for i, d := range t.Shape {
		if d < 0 || d > c.limits.Elements {
			return nil, fail(ErrLimit, "constant %q of shape %v", t.Name, t.Shape)
		}
		shape[i] = int(d)
	}
	out, err := c.make(t.DType, shape)
	if err != nil {
		return nil, err
	}
	if len(t.Raw) != out.Len()*t.DType.Size() {
		return nil, fail(ErrShape, "constant %q has %d bytes, its shape %v wants %d", t.Name, len(t.Raw), shape, out.Len()*t.DType.Size())
	}
	for i := range out.F32 {
		out.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Raw[4*i:]))
	}
	canonicalise(out.F32)
	copy(out.U8, t.Raw)
	for i := range out.I8 {
		out.I8[i] = int8(t.Raw[i])
	}
	for i := range out.I32 {
		out.I32[i] = int32(binary.LittleEndian.Uint32(t.Raw[4*i:]))
	}
	for i := range out.I64 {
		out.I64[i] = int64(binary.LittleEndian.Uint64(t.Raw[8*i:]))
	}
	for i := range out.Bool {
		out.Bool[i] = t.Raw[i] != 0
	}
	return out, nil
}
