package candid

import "unicode/utf8"

// skip passes over a value of wire type t.
func (d *Decoder) skip(t Type) {
	if !d.spend(1) {
		return
	}
	switch t {
	case TypeNull, TypeReserved, TypeMissing:
	case TypeEmpty:
		d.malformed("value of type empty")
	case TypeBool:
		GetBool(d, t, new(bool))
	case TypeNat, TypeInt:
		d.skipNumber()
	case TypeText:
		d.skipText()
	case TypePrincipal:
		d.principal()
	default:
		if t < 0 {
			d.skipBytes(d.width(t))
			return
		}
		d.skipCompound(t)
	}
}

// skipNumber passes over a nat or int of any size.
func (d *Decoder) skipNumber() {
	start := d.pos
	for d.byte() >= 0x80 {
	}
	d.spend((d.pos - start) / 8)
}

// skipText passes over a text, which has to be UTF-8 all the same.
func (d *Decoder) skipText() {
	if b := d.take(d.count(1, len(d.buf))); d.spend(len(b)/8) && !utf8.Valid(b) {
		d.malformed("text is not UTF-8")
	}
}

func (d *Decoder) skipCompound(t Type) {
	if !d.enter() {
		return
	}
	e := d.entry(t)
	switch e.op {
	case OpOpt:
		if content, some := d.option(t); some {
			d.skip(content)
		}
	case OpVec:
		d.skipVec(t)
	case OpRecord:
		for i := e.start; i < e.end && d.err == nil; i++ {
			d.skip(d.fields[i].typ)
		}
	case OpVariant:
		_, payload := d.Variant(t)
		d.skip(payload)
		d.EndVariant()
	case OpService:
		d.principal()
	case OpFunc:
		d.function()
	case opFuture:
		n := d.count(1, len(d.buf))
		if d.leb64() != 0 {
			d.malformed("reference in a future type")
		}
		d.skipBytes(n)
	}
	d.leave()
}

func (d *Decoder) skipVec(t Type) {
	elem, n := d.vec(t)
	switch elem {
	case TypeNat8, TypeInt8, TypeNat16, TypeInt16, TypeNat32, TypeInt32, TypeFloat32, TypeNat64, TypeInt64, TypeFloat64:
		d.skipBytes(n * d.width(elem))
		return
	}
	for range n {
		pos := d.pos
		d.skip(elem)
		if !d.element(pos) {
			return
		}
	}
}

// function reads a reference to a method.
func (d *Decoder) function() (f Func) {
	if d.byte() != 1 {
		d.malformed("opaque reference")
		return f
	}
	f.Service = d.principal()
	f.Method = d.text()
	return f
}
