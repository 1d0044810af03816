package candid

// Shape is one entry of a message's type table, for readers that follow the message's
// own types rather than expected ones.
type Shape struct {
	Op          Type         // OpOpt to OpService; a primitive type is its own Op
	Elem        Type         // of opt and vec
	Fields      []ShapeField // of record, variant (with ids) and service (with names)
	Args        []Type       // of func
	Results     []Type       // of func
	Annotations []byte       // of func, ascending
}

// ShapeField is a field of a record or variant, or a method of a service.
type ShapeField struct {
	ID   uint32
	Name string
	Type Type
}

// Shape describes a type of the message. A type from the future has an Op below
// [TypeMissing].
func (d *Decoder) Shape(t Type) Shape {
	e := d.entry(t)
	if e == nil {
		return Shape{Op: t}
	}
	s := Shape{Op: e.op, Elem: e.elem}
	for i, f := range d.fields[e.start:e.end] {
		switch e.op {
		case OpService:
			s.Fields = append(s.Fields, ShapeField{Name: d.names[f.id], Type: f.typ})
		case OpFunc:
			if e.start+int32(i) < e.mid {
				s.Args = append(s.Args, f.typ)
			} else {
				s.Results = append(s.Results, f.typ)
			}
		default:
			s.Fields = append(s.Fields, ShapeField{ID: f.id, Type: f.typ})
		}
	}
	for a := byte(AnnotationQuery); a <= AnnotationCompositeQuery; a++ {
		if e.annotations>>(a-1)&1 != 0 {
			s.Annotations = append(s.Annotations, a)
		}
	}
	return s
}

// Types is the number of entries in the message's type table.
func (d *Decoder) Types() int { return len(d.table) }

// Args is the number of arguments that [Decoder.Arg] has not returned yet.
func (d *Decoder) Args() int { return len(d.args) - d.next }

// Long is a nat or int of any size as its LEB128, signed for an int.
type Long struct {
	Signed bool
	LEB    []byte
}

// GetLong reads a nat or int of any size. It expects an int if v.Signed, and a nat is
// then read as one, with v.Signed false.
func GetLong(d *Decoder, t Type, v *Long) {
	if t != TypeNat && !(t == TypeInt && v.Signed) {
		want := TypeNat
		if v.Signed {
			want = TypeInt
		}
		d.mismatch(want, t)
		return
	}
	v.Signed = t == TypeInt
	start := d.pos
	d.skipNumber()
	v.LEB = append([]byte{}, d.buf[start:d.pos]...)
}

// PutLong appends a nat or int that is already LEB128.
func PutLong(e *Encoder, v *Long) { e.buf = append(e.buf, v.LEB...) }

// PutTag appends the index of a variant's tag.
func PutTag(e *Encoder, index uint32) { e.leb64(uint64(index)) }
