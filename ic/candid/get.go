package candid

import (
	"encoding/binary"
	"math"
	"unsafe"

	"assay/ic/principal"
)

// The Get functions read a value whose type in the message is t into *v. They share one
// shape so that generated code can hand them to [GetOpt] and [GetVec].

// GetNull reads a null.
func GetNull(d *Decoder, t Type, _ *struct{}) {
	if t != TypeNull && t != TypeMissing {
		d.mismatch(TypeNull, t)
	}
}

// GetReserved skips any value.
func GetReserved(d *Decoder, t Type, _ *struct{}) {
	if t != TypeMissing {
		d.skip(t)
	}
}

// GetEmpty refuses, since no value has the type empty.
func GetEmpty(d *Decoder, t Type, _ *struct{}) { d.mismatch(TypeEmpty, t) }

// GetBool reads a bool.
func GetBool(d *Decoder, t Type, v *bool) {
	if t != TypeBool {
		d.mismatch(TypeBool, t)
		return
	}
	b := d.byte()
	if b > 1 {
		d.malformed("bool is neither 0 nor 1")
	}
	*v = b == 1
}

// GetNat reads a nat of at most 128 bits.
func GetNat(d *Decoder, t Type, v *Nat) {
	if t != TypeNat {
		d.mismatch(TypeNat, t)
		return
	}
	*v = d.leb128()
}

// GetNatAtMost reads a nat of any size as the largest of 128 bits that is not greater.
func GetNatAtMost(d *Decoder, t Type, v *Nat) {
	if t != TypeNat {
		d.mismatch(TypeNat, t)
		return
	}
	n, over := Nat{}, false
	for shift := uint(0); ; shift += 7 {
		b := d.byte()
		bits := uint64(b & 0x7f)
		if shift > 127 || shift == 126 && bits > 3 {
			over = over || bits != 0
		} else {
			n = n.or(bits, shift)
		}
		if b < 0x80 {
			break
		}
	}
	if over {
		n = Nat{1<<64 - 1, 1<<64 - 1}
	}
	*v = n
}

// GetInt reads an int of at most 128 bits, or a nat below 2^127.
func GetInt(d *Decoder, t Type, v *Int) {
	switch t {
	case TypeInt:
		*v = d.sleb128()
	case TypeNat:
		i, ok := d.leb128().Int()
		if !ok {
			d.malformed("int over 128 bits")
		}
		*v = i
	default:
		d.mismatch(TypeInt, t)
	}
}

// fixed is the n bytes of a value of type want, zeros if it has another type.
func (d *Decoder) fixed(want, t Type, n int) []byte {
	if t != want {
		d.mismatch(want, t)
		return zeros[:n]
	}
	if b := d.take(n); b != nil {
		return b
	}
	return zeros[:n]
}

var zeros [8]byte

// GetNat8 reads a nat8.
func GetNat8(d *Decoder, t Type, v *uint8) { *v = d.fixed(TypeNat8, t, 1)[0] }

// GetNat16 reads a nat16.
func GetNat16(d *Decoder, t Type, v *uint16) {
	*v = binary.LittleEndian.Uint16(d.fixed(TypeNat16, t, 2))
}

// GetNat32 reads a nat32.
func GetNat32(d *Decoder, t Type, v *uint32) {
	*v = binary.LittleEndian.Uint32(d.fixed(TypeNat32, t, 4))
}

// GetNat64 reads a nat64.
func GetNat64(d *Decoder, t Type, v *uint64) {
	*v = binary.LittleEndian.Uint64(d.fixed(TypeNat64, t, 8))
}

// GetInt8 reads an int8.
func GetInt8(d *Decoder, t Type, v *int8) { *v = int8(d.fixed(TypeInt8, t, 1)[0]) }

// GetInt16 reads an int16.
func GetInt16(d *Decoder, t Type, v *int16) {
	*v = int16(binary.LittleEndian.Uint16(d.fixed(TypeInt16, t, 2)))
}

// GetInt32 reads an int32.
func GetInt32(d *Decoder, t Type, v *int32) {
	*v = int32(binary.LittleEndian.Uint32(d.fixed(TypeInt32, t, 4)))
}

// GetInt64 reads an int64.
func GetInt64(d *Decoder, t Type, v *int64) {
	*v = int64(binary.LittleEndian.Uint64(d.fixed(TypeInt64, t, 8)))
}

// GetFloat32 reads a float32.
func GetFloat32(d *Decoder, t Type, v *float32) {
	*v = math.Float32frombits(binary.LittleEndian.Uint32(d.fixed(TypeFloat32, t, 4)))
}

// GetFloat64 reads a float64.
func GetFloat64(d *Decoder, t Type, v *float64) {
	*v = math.Float64frombits(binary.LittleEndian.Uint64(d.fixed(TypeFloat64, t, 8)))
}

// GetText reads a text, which must be UTF-8.
func GetText(d *Decoder, t Type, v *string) {
	if t != TypeText {
		d.mismatch(TypeText, t)
		return
	}
	*v = d.text()
}

// GetPrincipal reads a principal, or a reference to a service as its principal.
func GetPrincipal(d *Decoder, t Type, v *principal.Principal) {
	if e := d.entry(t); t != TypePrincipal && (e == nil || e.op != OpService) {
		d.mismatch(TypePrincipal, t)
		return
	}
	*v = d.principal()
}

func (d *Decoder) principal() principal.Principal {
	if d.byte() != 1 {
		d.malformed("opaque reference")
		return principal.Principal{}
	}
	p, err := principal.FromBytes(d.take(d.count(1, len(d.buf))))
	if err != nil {
		d.malformed(err.Error())
	}
	return p
}

// GetBlob reads a vec nat8 by one copy.
func GetBlob(d *Decoder, t Type, v *[]byte) {
	*v = nil
	elem, n := d.vec(t)
	switch {
	case d.err != nil:
	case elem == TypeNat8:
		*v = append(make([]byte, 0, n), d.take(n)...)
	case n > 0:
		d.mismatch(TypeNat8, elem)
	default:
		*v = []byte{}
	}
}

// vec reads a vector's length. It refuses one over the bytes that are left unless its
// elements may take none.
func (d *Decoder) vec(t Type) (elem Type, n int) {
	e := d.entry(t)
	if e == nil || e.op != OpVec {
		d.mismatch(OpVec, t)
		return TypeEmpty, 0
	}
	length := d.leb64()
	if length > uint64(len(d.buf)-d.pos)/uint64(d.width(e.elem)) {
		if !d.mayBeZero(e.elem) {
			d.malformed("vector longer than the message")
			return TypeEmpty, 0
		}
		if length > uint64(d.zero)+uint64(len(d.buf)) {
			d.fail(Limit, "vector of too many elements that take no byte")
			return TypeEmpty, 0
		}
	}
	return e.elem, int(length)
}

// width is the size of a value of a fixed-width type, 1 for all others.
func (d *Decoder) width(t Type) int {
	switch t {
	case TypeNat16, TypeInt16:
		return 2
	case TypeNat32, TypeInt32, TypeFloat32:
		return 4
	case TypeNat64, TypeInt64, TypeFloat64:
		return 8
	}
	return 1
}

func (d *Decoder) mayBeZero(t Type) bool {
	e := d.entry(t)
	return e != nil && e.op == OpRecord || t == TypeNull || t == TypeReserved
}

// element takes note of an element read since pos; elements without bytes are counted.
func (d *Decoder) element(pos int) bool {
	if d.pos == pos && d.err == nil {
		d.zero--
		if d.zero < 0 {
			d.fail(Limit, "too many elements that take no byte")
		}
	}
	return d.err == nil
}

// GetVec reads a vector, its elements with get.
func GetVec[T any](d *Decoder, t Type, v *[]T, get func(*Decoder, Type, *T)) {
	*v = nil
	elem, n := d.vec(t)
	var none T
	if !d.enter() || !d.spend(n*memory(none)) {
		return
	}
	s := make([]T, n) // paid for above
	for i := range s {
		pos := d.pos
		get(d, elem, &s[i])
		if !d.element(pos) {
			return
		}
	}
	d.leave()
	*v = s
}

// memory is what a value costs in work for the room it takes.
func memory[T any](v T) int { return int(unsafe.Sizeof(v)+7) / 8 }

// mark is a place to return to.
type mark struct {
	buf        []byte
	pos, depth int
}

// GetOpt reads an option, its content with get. Content of another type than get reads
// is skipped and makes it nil.
func GetOpt[T any](d *Decoder, t Type, v **T, get func(*Decoder, Type, *T)) {
	*v = nil
	content, some := d.option(t)
	if !some {
		return
	}
	m := mark{d.buf, d.pos, d.depth}
	x := new(T)
	if d.enter() && d.spend(memory(*x)) {
		get(d, content, x)
	}
	if d.settle(m, content) {
		*v = x
	}
}

// option reports what type of value follows, if one does. A type that is no option
// stands for a present value of itself.
func (d *Decoder) option(t Type) (content Type, some bool) {
	switch t {
	case TypeNull, TypeReserved, TypeMissing:
		return t, false
	}
	e := d.entry(t)
	if e == nil || e.op != OpOpt {
		return t, d.err == nil
	}
	b := d.byte()
	if b > 1 {
		d.malformed("option is neither 0 nor 1")
	}
	return e.elem, b == 1
}

// settle ends an option's content: it goes back and skips content of the wrong type.
func (d *Decoder) settle(m mark, content Type) bool {
	if d.err == nil {
		d.depth = m.depth
		return true
	}
	if d.err.Kind == Mismatch {
		d.err, d.buf, d.pos, d.depth = nil, m.buf, m.pos, m.depth
		d.skip(content)
	}
	return false
}

// Record is a cursor over the fields of one record value in ascending order of their ids.
type Record struct {
	d         *Decoder
	next, end int32
}

// Record starts a record. The caller asks for each field it expects in ascending order
// of ids, reads it, and calls [Record.End].
func (d *Decoder) Record(t Type) Record {
	e := d.entry(t)
	if e == nil || e.op != OpRecord {
		d.mismatch(OpRecord, t)
		return Record{d: d}
	}
	if !d.enter() {
		return Record{d: d}
	}
	return Record{d, e.start, e.end}
}

// Field is the type of the field with this id, whose value the caller reads next, or
// [TypeMissing]. Fields before it are skipped.
func (r *Record) Field(id uint32) Type {
	for r.next < r.end {
		f := r.d.fields[r.next]
		if f.id > id {
			break
		}
		r.next++
		if f.id == id {
			return f.typ
		}
		r.d.skip(f.typ)
	}
	return TypeMissing
}

// End skips the remaining fields.
func (r *Record) End() {
	for r.next < r.end && r.d.err == nil {
		r.next++
		r.d.skip(r.d.fields[r.next-1].typ)
	}
	r.d.leave()
}

// Variant reads a variant's tag: its id and the type of the payload, which the caller
// reads before [Decoder.EndVariant]. After an error the id is over 32 bits, so that it is
// none that the caller knows.
func (d *Decoder) Variant(t Type) (id uint64, payload Type) {
	e := d.entry(t)
	if e == nil || e.op != OpVariant {
		d.mismatch(OpVariant, t)
		return 1 << 32, TypeMissing
	}
	if !d.enter() {
		return 1 << 32, TypeMissing
	}
	n := d.leb64()
	if n >= uint64(e.end-e.start) {
		d.malformed("variant tag out of range")
		return 1 << 32, TypeMissing
	}
	f := d.fields[e.start+int32(n)]
	return uint64(f.id), f.typ
}

// UnknownTag fails the message because of a variant tag that the reader does not know.
func (d *Decoder) UnknownTag() { d.fail(Mismatch, "unknown variant tag") }

// EndVariant ends what [Decoder.Variant] began.
func (d *Decoder) EndVariant() { d.leave() }

// GetTag reads the null payload of a variant's tag and sets *v.
func GetTag(d *Decoder, payload Type, v *bool) {
	GetNull(d, payload, nil)
	*v = true
}
