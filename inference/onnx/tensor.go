package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// pending is a tensor while its fields are read; the number fields are decoded last, when the element type
// and shape say how many there must be.
type pending struct {
	Tensor
	hasRaw bool
	typed  []field // pieces of one number field
}

func (p *parser) tensor(f field) (Tensor, error) {
	if err := f.want(protowire.BytesType); err != nil {
		return Tensor{}, err
	}
	t := pending{Tensor: Tensor{Shape: []int64{}}}
	err := walk(f.bytes, f.offset, "TensorProto", numbers{2, 8, 9, 12, 14}, func(f field) error {
		switch f.num {
		case 1:
			return p.dims(f, &t)
		case 2:
			return f.dtype(&t.DType)
		case 4, 5, 7, 10, 11:
			if len(t.typed) > 0 && t.typed[0].num != f.num {
				return f.fail(ErrMalformed, "tensor %q has two number fields", t.Name)
			}
			t.typed = append(t.typed, f)
			return nil
		case 8:
			return p.text(f, &t.Name)
		case 9:
			t.hasRaw, t.Raw = true, f.bytes
			return f.want(protowire.BytesType)
		case 12, 16: // documentation, metadata
			return nil
		case 13:
			return f.fail(ErrUnsupported, "tensor %q keeps its data in another file", t.Name)
		case 14:
			if f.bits != 0 {
				return f.fail(ErrUnsupported, "tensor %q keeps its data in another file", t.Name)
			}
			return f.want(protowire.VarintType)
		case 3, 6:
			return f.fail(ErrUnsupported, "tensor %q in segments or of strings", t.Name)
		}
		return f.unknown()
	})
	if err != nil {
		return Tensor{}, err
	}
	return t.Tensor, p.finish(f, &t)
}

func (p *parser) dims(f field, t *pending) error {
	return f.numbers(protowire.VarintType, func() int { return len(t.Shape) }, p.limits.Rank, func(v uint64) {
		t.Shape = append(t.Shape, int64(v))
	})
}

// elements multiplies the dimensions without overflow.
func (p *parser) elements(f field, t *pending) (int, error) {
	n := int64(1)
	limit := int64(p.limits.Elements)
	empty := false
	for _, d := range t.Shape {
		if d < 0 || d > limit {
			return 0, f.fail(ErrLimit, "tensor %q: dimension %d, limit %d", t.Name, d, limit)
		}
		if d == 0 {
			empty = true
			continue
		}
		if n *= d; n > limit {
			return 0, f.fail(ErrLimit, "tensor %q has more than %d elements", t.Name, limit)
		}
	}
	if empty {
		return 0, nil
	}
	return int(n), nil
}

// finish checks the data against type and shape and brings it into Raw.
func (p *parser) finish(f field, t *pending) error {
	size := t.DType.Size()
	if size == 0 {
		return f.fail(ErrMalformed, "tensor %q without an element type", t.Name)
	}
	n, err := p.elements(f, t)
	if err != nil {
		return err
	}
	if t.hasRaw && len(t.typed) > 0 {
		return f.fail(ErrMalformed, "tensor %q has raw data and a number field", t.Name)
	}
	if !t.hasRaw {
		if t.Raw, err = t.decode(f, n); err != nil {
			return err
		}
	}
	if len(t.Raw) != n*size {
		return f.fail(ErrMalformed, "tensor %q has %d bytes of data, its type and shape want %d", t.Name, len(t.Raw), n*size)
	}
	if t.DType == Bool {
		for _, b := range t.Raw {
			if b > 1 {
				return f.fail(ErrMalformed, "tensor %q holds a bool that is neither 0 nor 1", t.Name)
			}
		}
	}
	return nil
}

// decode turns the number field into little-endian bytes. The result cannot outgrow eight times the field's
// own bytes, so memory stays bounded by the file.
func (t *pending) decode(f field, n int) ([]byte, error) {
	if len(t.typed) == 0 {
		return nil, nil
	}
	element, ok := numberField(t.typed[0].num, t.DType)
	if !ok {
		return nil, f.fail(ErrMalformed, "tensor %q of %v has its numbers in field %d", t.Name, t.DType, t.typed[0].num)
	}
	var raw []byte
	count := 0
	bad := false
	for _, piece := range t.typed {
		err := piece.numbers(element, func() int { return count }, n, func(bits uint64) {
			count++
			bad = bad || !fits(bits, t.DType)
			raw = appendElement(raw, bits, t.DType.Size())
		})
		if err != nil {
			return nil, err
		}
	}
	if bad {
		return nil, f.fail(ErrMalformed, "tensor %q holds a number outside the range of %v", t.Name, t.DType)
	}
	return raw, nil
}

// numberField gives the wire type of one element of a number field, and whether the field may hold dtype.
func numberField(num protowire.Number, dtype DType) (protowire.Type, bool) {
	switch num {
	case 4:
		return protowire.Fixed32Type, dtype == Float32
	case 5:
		switch dtype {
		case Int32, Int16, Int8, Uint16, Uint8, Bool, Float16, BFloat16:
			return protowire.VarintType, true
		}
	case 7:
		return protowire.VarintType, dtype == Int64
	case 10:
		return protowire.Fixed64Type, dtype == Float64
	case 11:
		return protowire.VarintType, dtype == Uint32 || dtype == Uint64
	}
	return 0, false
}

func fits(bits uint64, dtype DType) bool {
	v := int64(bits)
	switch dtype {
	case Int32:
		return v >= math.MinInt32 && v <= math.MaxInt32
	case Int16:
		return v >= math.MinInt16 && v <= math.MaxInt16
	case Int8:
		return v >= math.MinInt8 && v <= math.MaxInt8
	case Uint16, Float16, BFloat16:
		return bits <= math.MaxUint16
	case Uint8:
		return bits <= math.MaxUint8
	case Bool:
		return bits <= 1
	case Uint32:
		return bits <= math.MaxUint32
	}
	return true
}

func appendElement(raw []byte, bits uint64, size int) []byte {
	switch size {
	case 1:
		return append(raw, byte(bits))
	case 2:
		return binary.LittleEndian.AppendUint16(raw, uint16(bits))
	case 4:
		return binary.LittleEndian.AppendUint32(raw, uint32(bits))
	}
	return binary.LittleEndian.AppendUint64(raw, bits)
}
