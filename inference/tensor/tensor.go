// Package tensor holds dense arrays of numbers as they pass between the reader of models, the executor and those who
// call it. A [Tensor] is an element type, a shape and the elements row-major and little-endian in one byte slice;
// typed slices such as [Tensor.Float32s] look at the same bytes. The package knows nothing of models.
package tensor

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// MaxRank is the largest number of dimensions of a tensor.
const MaxRank = 8

// Tensor is a dense row-major array. An empty Shape is a scalar of one element. Copies share the elements.
type Tensor struct {
	DType DType
	Shape []int
	data  []byte
}

// element is what a typed slice can hold.
type element interface {
	~float32 | ~float64 | ~uint8 | ~int8 | ~uint16 | ~int16 | ~uint32 | ~int32 | ~uint64 | ~int64 | ~bool
}

// New makes a tensor of zeros. The caller has checked the shape, with [Count].
func New(dtype DType, shape ...int) Tensor {
	return Tensor{DType: dtype, Shape: shape, data: Alloc(Product(shape) * dtype.Size())}
}

// Alloc makes n zero bytes that begin at a multiple of 8, as every typed slice needs.
func Alloc(n int) []byte {
	if n == 0 {
		return nil
	}
	words := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}

// Over makes a tensor over data, which is not copied unless it is badly aligned. It fails when data is not as long as
// dtype and shape say, or the shape is negative or has too many dimensions.
func Over(dtype DType, data []byte, shape ...int) (Tensor, error) {
	n, ok := Count(shape, math.MaxInt32)
	switch {
	case dtype.Size() == 0:
		return Tensor{}, fmt.Errorf("tensor of %v", dtype)
	case len(shape) > MaxRank:
		return Tensor{}, fmt.Errorf("tensor of %d dimensions, limit %d", len(shape), MaxRank)
	case !ok || int64(n)*int64(dtype.Size()) != int64(len(data)):
		return Tensor{}, fmt.Errorf("tensor of %v and shape %v has %d bytes", dtype, shape, len(data))
	}
	if len(data) > 0 && uintptr(unsafe.Pointer(&data[0]))%uintptr(dtype.Size()) != 0 {
		data = append(Alloc(len(data))[:0], data...)
	}
	return Tensor{DType: dtype, Shape: shape, data: data}, nil
}

// Of makes a tensor over a typed slice, which is not copied and must have as many elements as shape.
func Of[T element](dtype DType, data []T, shape ...int) Tensor {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if size != dtype.Size() || len(data) != Product(shape) {
		panic(fmt.Sprintf("tensor.Of %v %v over %d elements of %d bytes", dtype, shape, len(data), size))
	}
	t := Tensor{DType: dtype, Shape: shape}
	if len(data) > 0 {
		t.data = unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), len(data)*size)
	}
	return t
}

// FromFloat32 makes a float32 tensor over data, which is not copied.
func FromFloat32(data []float32, shape ...int) Tensor { return Of(Float32, data, shape...) }

// FromInt64 makes an int64 tensor over data, which is not copied.
func FromInt64(data []int64, shape ...int) Tensor { return Of(Int64, data, shape...) }

// View gives the elements as a slice of T, over the same bytes. It panics when T is not as wide as an element.
func View[T element](t *Tensor) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if size != t.DType.Size() {
		panic(fmt.Sprintf("tensor of %v viewed as elements of %d bytes", t.DType, size))
	}
	if len(t.data) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&t.data[0])), len(t.data)/size)
}

// Float32s are the elements of a Float32 tensor.
func (t *Tensor) Float32s() []float32 { return View[float32](t) }

// Int64s are the elements of an Int64 tensor.
func (t *Tensor) Int64s() []int64 { return View[int64](t) }

// Int32s are the elements of an Int32 tensor.
func (t *Tensor) Int32s() []int32 { return View[int32](t) }

// Bools are the elements of a Bool tensor.
func (t *Tensor) Bools() []bool { return View[bool](t) }

// Bytes are the elements row-major and little-endian, the form that hashes are taken over.
func (t *Tensor) Bytes() []byte { return t.data }

// Len is the number of elements.
func (t *Tensor) Len() int { return Product(t.Shape) }

// WithShape is the same elements under another shape of as many elements.
func (t *Tensor) WithShape(shape ...int) Tensor {
	if Product(shape) != t.Len() {
		panic(fmt.Sprintf("tensor of shape %v reshaped to %v", t.Shape, shape))
	}
	return Tensor{DType: t.DType, Shape: shape, data: t.data}
}

// Clone copies shape and elements.
func (t *Tensor) Clone() Tensor {
	out := New(t.DType, slices.Clone(t.Shape)...)
	copy(out.data, t.data)
	return out
}

// Product multiplies the dimensions.
func Product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Count multiplies the dimensions; false when one is negative or the product is over limit.
func Count(shape []int, limit int64) (int, bool) {
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

// Finite reports whether a tensor is free of NaN and infinities; integers always are.
func (t *Tensor) Finite() bool {
	switch t.DType {
	case Float32:
		for _, v := range t.Float32s() {
			if v-v != 0 {
				return false
			}
		}
	case Float64:
		for _, v := range View[float64](t) {
			if v-v != 0 {
				return false
			}
		}
	case Float16:
		for _, v := range View[uint16](t) {
			if v&0x7c00 == 0x7c00 {
				return false
			}
		}
	case BFloat16:
		for _, v := range View[uint16](t) {
			if v&0x7f80 == 0x7f80 {
				return false
			}
		}
	}
	return true
}
