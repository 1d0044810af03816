package candid

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"assay/ic/principal"
)

// EncodeError is the one error of encoding: a Go value that is no value of its type.
type EncodeError struct {
	What string // what was encoded, such as "submit arguments"
	Text string
}

func (e *EncodeError) Error() string { return "encode " + e.What + ": " + e.Text }

// Encoder appends the values of one message behind its type table. Its first error
// sticks and [Encoder.Finish] returns it.
type Encoder struct {
	buf []byte
	err string
}

// NewEncoder starts a message with its header: DIDL, type table and argument types.
func NewEncoder(header string) *Encoder { return (&Header{Text: header}).NewEncoder() }

// Finish is the message.
func (e *Encoder) Finish(what string) ([]byte, error) {
	if e.err != "" {
		return nil, &EncodeError{What: what, Text: e.err}
	}
	return e.buf, nil
}

func (e *Encoder) fail(text string) {
	if e.err == "" {
		e.err = text
	}
}

// The Put functions append a value. They share one shape so that generated code can hand
// them to [PutOpt] and [PutVec].

// PutNull appends a null or reserved, which take no byte.
func PutNull(*Encoder, *struct{}) {}

// PutEmpty fails, since no value has the type empty.
func PutEmpty(e *Encoder, _ *struct{}) { e.fail("no value has the type empty") }

// PutBool appends a bool.
func PutBool(e *Encoder, v *bool) {
	b := byte(0)
	if *v {
		b = 1
	}
	e.buf = append(e.buf, b)
}

// PutNat appends a nat.
func PutNat(e *Encoder, v *Nat) {
	n := *v
	for n.Hi != 0 {
		e.buf = append(e.buf, byte(n.Lo)|0x80)
		n = Nat{n.Hi >> 7, n.Lo>>7 | n.Hi<<57}
	}
	e.leb64(n.Lo)
}

// PutInt appends an int.
func PutInt(e *Encoder, v *Int) {
	n := *v
	for {
		b := byte(n.Lo & 0x7f)
		n = Int{n.Hi >> 7, n.Lo>>7 | uint64(n.Hi)<<57}
		if (n == Int{} && b&0x40 == 0) || (n == Int{-1, math.MaxUint64} && b&0x40 != 0) {
			e.buf = append(e.buf, b)
			return
		}
		e.buf = append(e.buf, b|0x80)
	}
}

func (e *Encoder) leb64(n uint64) { e.buf = binary.AppendUvarint(e.buf, n) }

// PutNat8 appends a nat8.
func PutNat8(e *Encoder, v *uint8) { e.buf = append(e.buf, *v) }

// PutNat16 appends a nat16.
func PutNat16(e *Encoder, v *uint16) { e.buf = binary.LittleEndian.AppendUint16(e.buf, *v) }

// PutNat32 appends a nat32.
func PutNat32(e *Encoder, v *uint32) { e.buf = binary.LittleEndian.AppendUint32(e.buf, *v) }

// PutNat64 appends a nat64.
func PutNat64(e *Encoder, v *uint64) { e.buf = binary.LittleEndian.AppendUint64(e.buf, *v) }

// PutInt8 appends an int8.
func PutInt8(e *Encoder, v *int8) { e.buf = append(e.buf, uint8(*v)) }

// PutInt16 appends an int16.
func PutInt16(e *Encoder, v *int16) { e.buf = binary.LittleEndian.AppendUint16(e.buf, uint16(*v)) }

// PutInt32 appends an int32.
func PutInt32(e *Encoder, v *int32) { e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(*v)) }

// PutInt64 appends an int64.
func PutInt64(e *Encoder, v *int64) { e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(*v)) }

// PutFloat32 appends a float32.
func PutFloat32(e *Encoder, v *float32) {
	e.buf = binary.LittleEndian.AppendUint32(e.buf, math.Float32bits(*v))
}

// PutFloat64 appends a float64.
func PutFloat64(e *Encoder, v *float64) {
	e.buf = binary.LittleEndian.AppendUint64(e.buf, math.Float64bits(*v))
}

// PutText appends a text; it fails if that is not UTF-8.
func PutText(e *Encoder, v *string) {
	if !utf8.ValidString(*v) {
		e.fail("text is not UTF-8")
	}
	e.leb64(uint64(len(*v)))
	e.buf = append(e.buf, *v...)
}

// PutPrincipal appends a principal.
func PutPrincipal(e *Encoder, v *principal.Principal) {
	b := v.Bytes()
	e.buf = append(e.buf, 1, byte(len(b)))
	e.buf = append(e.buf, b...)
}

// PutBlob appends a vec nat8.
func PutBlob(e *Encoder, v *[]byte) {
	e.leb64(uint64(len(*v)))
	e.buf = append(e.buf, *v...)
}

// PutVec appends a vector, its elements with put.
func PutVec[T any](e *Encoder, v *[]T, put func(*Encoder, *T)) {
	e.leb64(uint64(len(*v)))
	for i := range *v {
		put(e, &(*v)[i])
	}
}

// PutOpt appends an option, its content with put.
func PutOpt[T any](e *Encoder, v **T, put func(*Encoder, *T)) {
	if *v == nil {
		e.buf = append(e.buf, 0)
		return
	}
	e.buf = append(e.buf, 1)
	put(e, *v)
}

// Variant appends the tag of a variant, given for each tag in ascending order of ids
// whether it is set, and returns its index, which names the payload to append next. It
// fails and returns -1 unless exactly one tag is set.
func (e *Encoder) Variant(set ...bool) int {
	tag := -1
	for i, s := range set {
		switch {
		case s && tag >= 0:
			e.fail("variant with more than one tag set")
			return -1
		case s:
			tag = i
		}
	}
	if tag < 0 {
		e.fail("variant with no tag set")
		return -1
	}
	e.leb64(uint64(tag))
	return tag
}
