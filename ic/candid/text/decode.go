package text

import (
	"math/big"

	"assay/ic/candid"
	"assay/ic/candid/did"
	"assay/ic/principal"
)

// Decode reads a message at the given types of p; what names it in errors, which are of
// type [*candid.DecodeError].
func Decode(p *did.Program, types []*did.Type, msg []byte, what string) ([]Value, error) {
	r := reader{d: candid.NewDecoder(msg), program: p}
	values := make([]Value, len(types))
	for i, t := range types {
		r.value(t)(r.d, r.d.Arg(), &values[i])
	}
	if err := r.d.Finish(what); err != nil {
		return nil, err
	}
	return values, nil
}

// DecodeUntyped reads a message at its own types, so that fields have only numbers.
func DecodeUntyped(msg []byte) ([]Value, error) {
	r := reader{d: candid.NewDecoder(msg), program: &did.Program{}, untyped: true}
	r.wireTypes()
	var values []Value
	for r.d.Args() > 0 && r.d.Err() == nil {
		var v Value
		t := r.d.Arg()
		r.value(r.wireType(t))(r.d, t, &v)
		values = append(values, v)
	}
	if err := r.d.Finish("message"); err != nil {
		return nil, err
	}
	return values, nil
}

// reader decodes one message at expected types of program.
type reader struct {
	d       *candid.Decoder
	program *did.Program
	untyped bool        // every value is expected to have the type that the message gives it
	wire    []*did.Type // the message's type table, if untyped
	refs    map[*did.Type]*candid.Reference
}

type getter = func(*candid.Decoder, candid.Type, *Value)

// value reads a value expected to have type t.
func (r *reader) value(t *did.Type) getter {
	t = r.program.Resolve(t)
	switch t.Kind {
	case did.Primitive:
		if g, ok := primitives[t.Prim]; ok {
			return g
		}
		return get(candid.GetReserved, null) // a type from the future, read at itself
	case did.Opt:
		return func(d *candid.Decoder, w candid.Type, v *Value) {
			var content *Value
			candid.GetOpt(d, w, &content, func(d *candid.Decoder, w candid.Type, v *Value) { r.value(t.Elem)(d, w, v) })
			*v = Null{}
			if content != nil {
				*v = Opt{*content}
			}
		}
	case did.Vec:
		if r.program.IsBlob(t) {
			return get(candid.GetBlob, func(b []byte) Value { return Blob(b) })
		}
		return get(func(d *candid.Decoder, w candid.Type, v *[]Value) {
			candid.GetVec(d, w, v, r.value(t.Elem))
		}, func(v []Value) Value { return Vec(v) })
	case did.Record:
		return func(d *candid.Decoder, w candid.Type, v *Value) { r.record(t, w, v) }
	case did.Variant:
		return func(d *candid.Decoder, w candid.Type, v *Value) { r.variant(t, w, v) }
	case did.Func:
		read := candid.GetFunc
		if !r.untyped {
			read = r.reference(t).GetFunc
		}
		return get(read, func(f candid.Func) Value { return Func(f) })
	default:
		read := candid.GetService
		if !r.untyped {
			read = r.reference(t).GetService
		}
		return get(read, func(p principal.Principal) Value { return Service(p) })
	}
}

// reference is what references of type t have to fit.
func (r *reader) reference(t *did.Type) *candid.Reference {
	ref, ok := r.refs[t]
	if !ok {
		if r.refs == nil {
			r.refs = map[*did.Type]*candid.Reference{}
		}
		ref = &candid.Reference{Header: candid.Header{Text: r.program.Header([]*did.Type{t})}}
		r.refs[t] = ref
	}
	return ref
}

// get turns a Get function of the runtime into one that makes a Value.
func get[T any](f func(*candid.Decoder, candid.Type, *T), make func(T) Value) getter {
	return func(d *candid.Decoder, w candid.Type, v *Value) {
		var x T
		f(d, w, &x)
		*v = make(x)
	}
}

func whole[T uint8 | uint16 | uint32 | uint64](t candid.Type, f func(*candid.Decoder, candid.Type, *T)) getter {
	return get(f, func(n T) Value { return Number{t, new(big.Int).SetUint64(uint64(n))} })
}

func signed[T int8 | int16 | int32 | int64](t candid.Type, f func(*candid.Decoder, candid.Type, *T)) getter {
	return get(f, func(n T) Value { return Number{t, big.NewInt(int64(n))} })
}

func null(struct{}) Value { return Null{} }

var primitives = map[candid.Type]getter{
	candid.TypeNull:     get(candid.GetNull, null),
	candid.TypeReserved: get(candid.GetReserved, null),
	candid.TypeEmpty:    get(candid.GetEmpty, null),
	candid.TypeBool:     get(candid.GetBool, func(b bool) Value { return Bool(b) }),
	candid.TypeText:     get(candid.GetText, func(s string) Value { return Text(s) }),
	candid.TypePrincipal: get(candid.GetPrincipal, func(p principal.Principal) Value {
		return Principal(p)
	}),
	candid.TypeNat:     long(candid.TypeNat),
	candid.TypeInt:     long(candid.TypeInt),
	candid.TypeNat8:    whole(candid.TypeNat8, candid.GetNat8),
	candid.TypeNat16:   whole(candid.TypeNat16, candid.GetNat16),
	candid.TypeNat32:   whole(candid.TypeNat32, candid.GetNat32),
	candid.TypeNat64:   whole(candid.TypeNat64, candid.GetNat64),
	candid.TypeInt8:    signed(candid.TypeInt8, candid.GetInt8),
	candid.TypeInt16:   signed(candid.TypeInt16, candid.GetInt16),
	candid.TypeInt32:   signed(candid.TypeInt32, candid.GetInt32),
	candid.TypeInt64:   signed(candid.TypeInt64, candid.GetInt64),
	candid.TypeFloat32: get(candid.GetFloat32, func(f float32) Value { return Float{candid.TypeFloat32, float64(f)} }),
	candid.TypeFloat64: get(candid.GetFloat64, func(f float64) Value { return Float{candid.TypeFloat64, f} }),
}

// long reads a nat or int of any size.
func long(t candid.Type) getter {
	return func(d *candid.Decoder, w candid.Type, v *Value) {
		l := candid.Long{Signed: t == candid.TypeInt}
		candid.GetLong(d, w, &l)
		*v = Number{t, fromLEB(l)}
	}
}

// fromLEB is the number that LEB128 bytes stand for, by halves so that a long one does
// not cost the square of its length.
func fromLEB(l candid.Long) *big.Int {
	n := bitsOf(l.LEB)
	if last := len(l.LEB) - 1; last >= 0 && l.Signed && l.LEB[last]&0x40 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(7*len(l.LEB))))
	}
	return n
}

func bitsOf(leb []byte) *big.Int {
	if len(leb) <= 9 {
		var n uint64
		for i, b := range leb {
			n |= uint64(b&0x7f) << (7 * i)
		}
		return new(big.Int).SetUint64(n)
	}
	half := len(leb) / 2
	high := bitsOf(leb[half:])
	return high.Lsh(high, uint(7*half)).Or(high, bitsOf(leb[:half]))
}

// fieldWork is what a field costs for its room here, though it may take no byte of the message.
const fieldWork = 8

func (r *reader) record(t *did.Type, w candid.Type, v *Value) {
	cursor := r.d.Record(w)
	fields := make(Record, 0, len(t.Fields))
	for _, f := range t.Fields {
		if !r.d.Spend(fieldWork) {
			return // a recursive type would go on for ever
		}
		field := Field{ID: f.ID, Name: f.Name}
		r.value(f.Type)(r.d, cursor.Field(f.ID), &field.V)
		fields = append(fields, field)
	}
	cursor.End()
	*v = fields
}

func (r *reader) variant(t *did.Type, w candid.Type, v *Value) {
	id, payload := r.d.Variant(w)
	defer r.d.EndVariant()
	for _, f := range t.Fields {
		if uint64(f.ID) == id {
			field := Field{ID: f.ID, Name: f.Name}
			r.value(f.Type)(r.d, payload, &field.V)
			*v = Variant(field)
			return
		}
	}
	r.d.UnknownTag()
}

// wireTypes makes the message's type table into types.
func (r *reader) wireTypes() {
	n := r.d.Types()
	if len(r.wire) == n {
		return
	}
	r.wire = make([]*did.Type, n)
	for i := range r.wire {
		r.wire[i] = &did.Type{}
	}
	for i := range r.wire {
		*r.wire[i] = r.fromShape(r.d.Shape(candid.Type(i)))
	}
}

func (r *reader) wireType(t candid.Type) *did.Type {
	if t >= 0 && int(t) < len(r.wire) {
		return r.wire[t]
	}
	return &did.Type{Prim: t}
}

func (r *reader) fromShape(s candid.Shape) (t did.Type) {
	switch s.Op {
	case candid.OpOpt:
		return did.Type{Kind: did.Opt, Elem: r.wireType(s.Elem)}
	case candid.OpVec:
		return did.Type{Kind: did.Vec, Elem: r.wireType(s.Elem)}
	case candid.OpFunc:
		return did.Type{Kind: did.Func, Func: r.signature(s)}
	case candid.OpRecord:
		t.Kind = did.Record
	case candid.OpVariant:
		t.Kind = did.Variant
	case candid.OpService:
		t.Kind = did.Service
		for _, f := range s.Fields {
			t.Methods = append(t.Methods, did.Method{Name: f.Name, Type: r.wireType(f.Type)})
		}
		return t
	default: // from the future: its values fit nothing but an option
		return did.Type{Prim: s.Op}
	}
	for i, f := range s.Fields {
		t.Fields = append(t.Fields, did.Field{ID: f.ID, Type: r.wireType(f.Type), Order: i})
	}
	return t
}

func (r *reader) signature(s candid.Shape) *did.Signature {
	sig := &did.Signature{}
	for _, a := range s.Args {
		sig.Args = append(sig.Args, did.Arg{Type: r.wireType(a)})
	}
	for _, a := range s.Results {
		sig.Results = append(sig.Results, did.Arg{Type: r.wireType(a)})
	}
	for _, a := range s.Annotations {
		switch a {
		case candid.AnnotationQuery:
			sig.Kind = candid.Query
		case candid.AnnotationOneway:
			sig.Oneway = true
		case candid.AnnotationCompositeQuery:
			sig.Kind = candid.CompositeQuery
		}
	}
	return sig
}
