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
	hasRaw      bool
	typed       []field // pieces of one number field
	inFile      bool    // the data is in another file
	outside     *outside
	outsideKeys int
}

func (p *parser) tensor(f field) (Tensor, error) {
	if err := f.want(bytesType); err != nil {
		return Tensor{}, err
	}
	t := pending{Tensor: Tensor{Shape: []int64{}}}
	err := walk(f.bytes, f.offset, "TensorProto", numbers{2, 8, 9, 12, 14}, func(f field) error {
		switch f.num {
		case 1:
			return p.dims(f, &t.Shape)
		case 2:
			return f.dtype(&t.DType)
		case 4, 5, 6, 7, 10, 11:
			if len(t.typed) > 0 && t.typed[0].num != f.num {
				return f.fail(ErrMalformed, "tensor %q has two number fields", t.Name)
			}
			t.typed = append(t.typed, f)
			return nil
		case 8:
			return p.text(f, &t.Name)
		case 9:
			t.hasRaw, t.Raw = true, f.bytes
			return f.want(bytesType)
		case 12, 16: // documentation, metadata
			return nil
		case 13:
			return p.externalEntry(f, &t)
		case 14:
			t.inFile = f.bits == 1
			if f.bits > 1 {
				return f.fail(ErrUnsupported, "tensor %q has its data at place %d", t.Name, f.bits)
			}
			return f.want(varintType)
		case 3:
			return f.fail(ErrUnsupported, "tensor %q in segments", t.Name)
		}
		return f.unknown()
	})
	if err != nil {
		return Tensor{}, err
	}
	return t.Tensor, p.finish(f, &t)
}

func (p *parser) dims(f field, into *[]int64) error {
	return f.numbers(varintType, func() int { return len(*into) }, p.limits.Rank, func(v uint64) {
		*into = append(*into, int64(v))
	})
}

// elements multiplies the dimensions of the named tensor without overflow.
func (p *parser) elements(f field, name string, shape []int64) (int, error) {
	n := int64(1)
	limit := int64(p.limits.Elements)
	empty := false
	for _, d := range shape {
		if d < 0 || d > limit {
			return 0, f.fail(ErrLimit, "tensor %q: dimension %d, limit %d", name, d, limit)
		}
		if d == 0 {
			empty = true
			continue
		}
		if n *= d; n > limit {
			return 0, f.fail(ErrLimit, "tensor %q has more than %d elements", name, limit)
		}
	}
	if empty {
		return 0, nil
	}
	return int(n), nil
}

// finish checks the data against type and shape and brings it into Raw or Strings.
func (p *parser) finish(f field, t *pending) error {
	if t.DType == 0 {
		return f.fail(ErrMalformed, "tensor %q without an element type", t.Name)
	}
	n, err := p.elements(f, t.Name, t.Shape)
	if err != nil {
		return err
	}
	if t.hasRaw && len(t.typed) > 0 {
		return f.fail(ErrMalformed, "tensor %q has raw data and a number field", t.Name)
	}
	if t.inFile != (t.outside != nil) || t.inFile && (t.hasRaw || len(t.typed) > 0) {
		return f.fail(ErrMalformed, "tensor %q has its data in two places or in none", t.Name)
	}
	if t.DType == String {
		return p.finishStrings(f, t, n)
	}
	want := fileBytes(t.DType, n)
	switch {
	case want > math.MaxInt: // where int has 32 bits
		return f.fail(ErrLimit, "tensor %q of %d bytes", t.Name, want)
	case t.inFile:
		t.Raw, err = p.external(f, t, int(want))
	case !t.hasRaw:
		t.Raw, err = t.decode(f, n)
	}
	if err != nil {
		return err
	}
	if int64(len(t.Raw)) != want {
		return f.fail(ErrMalformed, "tensor %q has %d bytes of data, its type and shape want %d", t.Name, len(t.Raw), want)
	}
	return t.checkBits(f, n)
}

// checkBits refuses spellings of one value in two ways.
func (t *pending) checkBits(f field, n int) error {
	if t.DType == Bool {
		for _, b := range t.Raw {
			if b > 1 {
				return f.fail(ErrMalformed, "tensor %q holds a bool that is neither 0 nor 1", t.Name)
			}
		}
	}
	if rest := n * t.DType.Bits() % 8; rest != 0 && t.Raw[len(t.Raw)-1]>>rest != 0 {
		return f.fail(ErrMalformed, "tensor %q of %v does not end in zero bits", t.Name, t.DType)
	}
	return nil
}

func (p *parser) finishStrings(f field, t *pending, n int) error {
	if t.hasRaw || t.inFile {
		return f.fail(ErrMalformed, "tensor %q of strings has raw data", t.Name)
	}
	for _, piece := range t.typed {
		if piece.num != 6 {
			return f.fail(ErrMalformed, "tensor %q of strings has a number field", t.Name)
		}
		if len(t.Strings) >= n {
			return f.fail(ErrMalformed, "tensor %q has more than the %d strings that its shape wants", t.Name, n)
		}
		var s string
		if err := p.string(piece, &s); err != nil {
			return err
		}
		t.Strings = append(t.Strings, s)
	}
	if len(t.Strings) != n {
		return f.fail(ErrMalformed, "tensor %q has %d strings, its shape wants %d", t.Name, len(t.Strings), n)
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
	entries, size := n, width(t.DType)
	if size == 0 { // an entry is a byte of packed elements, but for the types of 6 bits one element
		if entries, size = int(fileBytes(t.DType, n)), 1; t.DType.Bits() == 6 {
			entries = n
		}
	}
	for _, piece := range t.typed {
		err := piece.numbers(element, func() int { return count }, entries, func(bits uint64) {
			count++
			bad = bad || !fits(bits, t.DType)
			raw = appendElement(raw, bits, size)
		})
		if err != nil {
			return nil, err
		}
	}
	if bad {
		return nil, f.fail(ErrMalformed, "tensor %q holds a number outside the range of %v", t.Name, t.DType)
	}
	if t.DType.Bits() == 6 {
		raw = pack6(raw)
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
		case Float32, Float64, Int64, Uint32, Uint64, String:
			return 0, false
		}
		return varintType, true
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
	case Float6E2M3, Float6E3M2:
		return bits < 1<<6
	case Bool:
		return bits <= 1
	case Uint32:
		return bits <= math.MaxUint32
	case Float32, Float64, Int64, Uint64:
		return true
	}
	return bits <= math.MaxUint8
}

// pack6 packs elements of 6 bits, four into three bytes.
func pack6(elements []byte) []byte {
	out := make([]byte, fileBytes(Float6E2M3, len(elements)))
	for i, v := range elements {
		at := 6 * i
		wide := uint(v) << (at % 8)
		out[at/8] |= byte(wide)
		if wide > math.MaxUint8 {
			out[at/8+1] |= byte(wide >> 8)
		}
	}
	return out
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
