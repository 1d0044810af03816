package candid

// Type is a type as a message refers to it: a primitive type's opcode or, from 0 up,
// an index into the message's type table.
type Type int32

// The primitive types, and the constructors that stand only in type tables.
const (
	TypeNull      Type = -1
	TypeBool      Type = -2
	TypeNat       Type = -3
	TypeInt       Type = -4
	TypeNat8      Type = -5
	TypeNat16     Type = -6
	TypeNat32     Type = -7
	TypeNat64     Type = -8
	TypeInt8      Type = -9
	TypeInt16     Type = -10
	TypeInt32     Type = -11
	TypeInt64     Type = -12
	TypeFloat32   Type = -13
	TypeFloat64   Type = -14
	TypeText      Type = -15
	TypeReserved  Type = -16
	TypeEmpty     Type = -17
	TypePrincipal Type = -24

	OpOpt     Type = -18
	OpVec     Type = -19
	OpRecord  Type = -20
	OpVariant Type = -21
	OpFunc    Type = -22
	OpService Type = -23

	// TypeMissing stands for a field or argument that the message does not have. It reads
	// as null.
	TypeMissing Type = -25
	opFuture    Type = -26
)

// Annotations of functions.
const (
	AnnotationQuery          = 1
	AnnotationOneway         = 2
	AnnotationCompositeQuery = 3
)

var typeNames = [...]string{
	"null", "bool", "nat", "int", "nat8", "nat16", "nat32", "nat64", "int8", "int16", "int32", "int64",
	"float32", "float64", "text", "reserved", "empty", "opt", "vec", "record", "variant", "func", "service",
	"principal", "nothing", "a type from the future",
}

// String names a primitive type or constructor; a table index is "type n" without its table.
func (t Type) String() string {
	if t < 0 && int(-t) <= len(typeNames) {
		return typeNames[-t-1]
	}
	return "type " + NewInt(int64(t)).String()
}

// primitive reports whether t may stand for itself in a message.
func (t Type) primitive() bool {
	return t <= TypeNull && t >= TypeEmpty || t == TypePrincipal
}

// entry is one line of a type table. Opt and vec keep their content in elem; the others
// have fields[start:end]: a record's or variant's fields, a func's arguments and (from
// mid) results, a service's methods with names in place of ids.
type entry struct {
	op              Type
	elem            Type
	start, mid, end int32
	annotations     uint8 // of a func: bit n-1 stands for annotation n
}

// field is one field of a record or variant, or one method of a service.
type field struct {
	id  uint32 // for a method: index into names
	typ Type
}

// readTable reads the type table at the start of a message. Every count is compared with
// the bytes left before anything is allocated: an entry takes two bytes at least, a field
// two, a func's argument one.
func (d *Decoder) readTable() {
	n := d.count(2, d.limits.Types)
	d.table = make([]entry, 0, n)
	d.fields = make([]field, 0, min(4*n, 512, (len(d.buf)-d.pos)/2))
	for range n {
		if d.err != nil {
			return
		}
		d.table = append(d.table, d.readEntry(int32(n)))
	}
	d.checkMethods()
}

func (d *Decoder) readEntry(n int32) entry {
	op := d.sleb32()
	e := entry{op: Type(op), start: int32(len(d.fields))}
	switch e.op {
	case OpOpt, OpVec:
		e.elem = d.readType(n)
	case OpRecord, OpVariant:
		d.readFields(n)
	case OpFunc:
		d.readTypes(n)
		e.mid = int32(len(d.fields))
		d.readTypes(n)
		e.annotations = d.readAnnotations()
	case OpService:
		d.readMethods(n)
	default:
		if op >= int32(TypePrincipal) {
			d.malformed("no type constructor has this opcode")
		}
		e.op = opFuture
		d.skipBytes(d.count(1, len(d.buf)))
	}
	e.end = int32(len(d.fields))
	return e
}

// readType reads a reference to a primitive type or to one of n table entries.
func (d *Decoder) readType(n int32) Type {
	t := Type(d.sleb32())
	if t >= 0 && int32(t) < n || t.primitive() {
		return t
	}
	d.malformed("no such type")
	return TypeEmpty
}

func (d *Decoder) readFields(n int32) {
	count := d.count(2, d.limits.Types)
	for i := range count {
		id := d.leb64()
		if id > 1<<32-1 {
			d.malformed("field id over 32 bits")
		}
		if i > 0 && d.err == nil && uint32(id) <= d.fields[len(d.fields)-1].id {
			d.malformed("field ids not ascending")
		}
		t := d.readType(n)
		if !d.addField(uint32(id), t) {
			return
		}
	}
}

func (d *Decoder) readTypes(n int32) {
	count := d.count(1, d.limits.Types)
	for range count {
		if t := d.readType(n); !d.addField(0, t) {
			return
		}
	}
}

func (d *Decoder) readAnnotations() (set uint8) {
	count := d.count(1, 3)
	for range count {
		a := d.leb64()
		if a < 1 || a > 3 {
			d.malformed("unknown function annotation")
			return 0
		}
		set |= 1 << (a - 1)
	}
	return set
}

func (d *Decoder) readMethods(n int32) {
	count := d.count(2, d.limits.Types)
	for i := range count {
		name := d.text()
		if i > 0 && d.err == nil && name <= d.names[len(d.names)-1] {
			d.malformed("method names not ascending")
		}
		t := d.readType(n)
		if !d.addField(uint32(len(d.names)), t) {
			return
		}
		d.names = append(d.names, name)
	}
}

// addField appends to the field list unless the message has failed or has too many.
func (d *Decoder) addField(id uint32, t Type) bool {
	if d.err == nil && len(d.fields) >= d.limits.Types {
		d.fail(Limit, "type table too long")
	}
	if d.err != nil {
		return false
	}
	d.fields = append(d.fields, field{id, t})
	return true
}

// checkMethods refuses services whose methods are not functions.
func (d *Decoder) checkMethods() {
	if len(d.names) == 0 || d.err != nil {
		return
	}
	for _, e := range d.table {
		if e.op != OpService {
			continue
		}
		for _, f := range d.fields[e.start:e.end] {
			if f.typ < 0 || d.table[f.typ].op != OpFunc {
				d.malformed("method type is not a function")
				return
			}
		}
	}
}
