package text

import (
	"fmt"
	"math/big"
	"slices"

	"assay/ic/candid"
	"assay/ic/candid/did"
)

// Fit brings values as a person wrote them to the given types of p: numbers get their
// type, absent options and absent arguments that may be absent become null, a value at an
// option stands for a present one. Unlike in a message, values and fields that p does not
// know are mistakes, so that a typing error does not read as null.
func Fit(p *did.Program, types []*did.Type, values []Value) ([]Value, error) {
	if len(values) > len(types) {
		return nil, fmt.Errorf("%d values given, %d are taken", len(values), len(types))
	}
	return fitter{p, true}.all(types, values)
}

// Coerce is [Fit] as lenient as a reader of messages: what p does not know is dropped.
func Coerce(p *did.Program, types []*did.Type, values []Value) ([]Value, error) {
	return fitter{p, false}.all(types, values)
}

type fitter struct {
	*did.Program
	strict bool
}

func (p fitter) all(types []*did.Type, values []Value) ([]Value, error) {
	out := make([]Value, len(types))
	for i, t := range types {
		var v Value = Null{}
		if i < len(values) {
			v = values[i]
		} else if !p.nullable(t) {
			return nil, fmt.Errorf("value %d is missing: a %s", i+1, shortType(t))
		}
		var err error
		if out[i], err = p.fit(t, v, 0); err != nil {
			return nil, fmt.Errorf("value %d: %w", i+1, err)
		}
	}
	return out, nil
}

func (p fitter) nullable(t *did.Type) bool {
	t = p.Resolve(t)
	return t.Kind == did.Opt || t.Kind == did.Primitive && (t.Prim == candid.TypeNull || t.Prim == candid.TypeReserved)
}

func (p fitter) fit(t *did.Type, v Value, depth int) (Value, error) {
	written := t
	t = p.Resolve(t)
	if depth > maxDepth {
		return nil, fmt.Errorf("values nested more than %d deep", maxDepth)
	}
	depth++
	switch t.Kind {
	case did.Primitive:
		if fitted := fitPrimitive(t.Prim, v); fitted != nil {
			return fitted, nil
		}
	case did.Opt:
		switch x := v.(type) {
		case Null:
			return x, nil
		case Opt:
			inner, err := p.fit(t.Elem, x.V, depth)
			return Opt{inner}, err
		}
		inner, err := p.fit(t.Elem, v, depth)
		return Opt{inner}, err
	case did.Vec:
		return p.vec(t, v, depth)
	case did.Record:
		if r, ok := v.(Record); ok {
			return p.record(t, r, depth)
		}
	case did.Variant:
		if tag, ok := v.(Variant); ok {
			return p.variant(t, tag, depth)
		}
	case did.Func:
		if f, ok := v.(Func); ok {
			return f, nil
		}
	case did.Service:
		if s, ok := v.(Service); ok {
			return s, nil
		}
	}
	return nil, misfit(written, v)
}

// fitPrimitive is v at primitive type t, nil if it is none.
func fitPrimitive(t candid.Type, v Value) Value {
	switch x := v.(type) {
	case Null:
		if t == candid.TypeNull {
			return v
		}
	case Bool:
		if t == candid.TypeBool {
			return v
		}
	case Text:
		if t == candid.TypeText {
			return v
		}
	case Principal:
		if t == candid.TypePrincipal {
			return v
		}
	case Service:
		if t == candid.TypePrincipal {
			return Principal(x)
		}
	case Number:
		untyped := x.Type == 0 || x.Type == t || x.Type == candid.TypeNat && t == candid.TypeInt
		if untyped && inRange(t, x.N) {
			return Number{t, x.N}
		}
		if x.Type == 0 && (t == candid.TypeFloat32 || t == candid.TypeFloat64) {
			f, _ := new(big.Float).SetInt(x.N).Float64()
			return Float{t, f}
		}
	case Float:
		if float := t == candid.TypeFloat32 || t == candid.TypeFloat64; float && (x.Type == 0 || x.Type == t) {
			if t == candid.TypeFloat32 {
				x.V = float64(float32(x.V))
			}
			return Float{t, x.V}
		}
	}
	if t == candid.TypeReserved {
		return Null{}
	}
	return nil
}

func (p fitter) vec(t *did.Type, v Value, depth int) (Value, error) {
	blob := p.IsBlob(t)
	switch x := v.(type) {
	case Blob:
		if blob {
			return x, nil
		}
	case Vec:
		out := make(Vec, len(x))
		raw := make(Blob, len(x))
		for i := range x {
			element, err := p.fit(t.Elem, x[i], depth)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i+1, err)
			}
			out[i] = element
			if blob {
				raw[i] = byte(element.(Number).N.Uint64())
			}
		}
		if blob {
			return raw, nil
		}
		return out, nil
	}
	return nil, misfit(t, v)
}

func (p fitter) record(t *did.Type, r Record, depth int) (Value, error) {
	for _, f := range r {
		if p.strict && !slices.ContainsFunc(t.Fields, func(g did.Field) bool { return g.ID == f.ID }) {
			return nil, fmt.Errorf("no field is called %s", label(f))
		}
	}
	out := make(Record, len(t.Fields))
	for i, f := range t.Fields {
		given := slices.IndexFunc(r, func(g Field) bool { return g.ID == f.ID })
		var v Value = Null{}
		switch {
		case given >= 0:
			v = r[given].V
		case !p.nullable(f.Type):
			return nil, fmt.Errorf("field %s is missing", did.FieldName(f))
		}
		fitted, err := p.fit(f.Type, v, depth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", did.FieldName(f), err)
		}
		out[i] = Field{f.ID, f.Name, fitted}
	}
	return out, nil
}

func (p fitter) variant(t *did.Type, tag Variant, depth int) (Value, error) {
	i := slices.IndexFunc(t.Fields, func(f did.Field) bool { return f.ID == tag.ID })
	if i < 0 {
		return nil, fmt.Errorf("no tag is called %s", label(Field(tag)))
	}
	f := t.Fields[i]
	v, err := p.fit(f.Type, tag.V, depth)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", did.FieldName(f), err)
	}
	return Variant{f.ID, f.Name, v}, nil
}
