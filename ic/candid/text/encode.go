package text

import (
	"fmt"
	"math/big"
	"slices"

	"assay/ic/candid"
	"assay/ic/candid/did"
	"assay/ic/principal"
)

// Encode makes a message of values that [Fit] has brought to these types of p.
func Encode(p *did.Program, types []*did.Type, values []Value) ([]byte, error) {
	if len(types) != len(values) {
		return nil, fmt.Errorf("encode: %d values for %d types", len(values), len(types))
	}
	w := writer{e: candid.NewEncoder(p.Header(types)), program: p}
	for i, t := range types {
		if err := w.value(t, values[i]); err != nil {
			return nil, fmt.Errorf("encode value %d: %w", i+1, err)
		}
	}
	return w.e.Finish("text")
}

type writer struct {
	e       *candid.Encoder
	program *did.Program
}

func (w *writer) value(t *did.Type, v Value) error {
	t = w.program.Resolve(t)
	switch t.Kind {
	case did.Primitive:
		return w.primitive(t.Prim, v)
	case did.Opt:
		return w.option(t, v)
	case did.Vec:
		return w.vector(t, v)
	case did.Record:
		return w.record(t, v)
	case did.Variant:
		return w.variant(t, v)
	case did.Func:
		if f, ok := v.(Func); ok {
			reference := candid.Func(f)
			candid.PutFunc(w.e, &reference)
			return nil
		}
	case did.Service:
		if s, ok := v.(Service); ok {
			id := principal.Principal(s)
			candid.PutPrincipal(w.e, &id)
			return nil
		}
	}
	return misfit(t, v)
}

func misfit(t *did.Type, v Value) error {
	return fmt.Errorf("%s is no %s", short(v), shortType(t))
}

func (w *writer) primitive(t candid.Type, v Value) error {
	switch v := v.(type) {
	case Null:
		if t == candid.TypeNull || t == candid.TypeReserved {
			return nil
		}
	case Bool:
		if b := bool(v); t == candid.TypeBool {
			candid.PutBool(w.e, &b)
			return nil
		}
	case Text:
		if s := string(v); t == candid.TypeText {
			candid.PutText(w.e, &s)
			return nil
		}
	case Principal:
		if p := principal.Principal(v); t == candid.TypePrincipal {
			candid.PutPrincipal(w.e, &p)
			return nil
		}
	case Float:
		if w.float(t, v) {
			return nil
		}
	case Number:
		if v.Type == t && inRange(t, v.N) {
			w.number(t, v.N)
			return nil
		}
	}
	return misfit(&did.Type{Prim: t}, v)
}

func (w *writer) float(t candid.Type, v Float) bool {
	switch {
	case v.Type != t:
		return false
	case t == candid.TypeFloat32:
		f := float32(v.V)
		candid.PutFloat32(w.e, &f)
	default:
		candid.PutFloat64(w.e, &v.V)
	}
	return true
}

// number appends n, which is in t's range.
func (w *writer) number(t candid.Type, n *big.Int) {
	if t == candid.TypeNat || t == candid.TypeInt {
		candid.PutLong(w.e, &candid.Long{LEB: toLEB(n, t == candid.TypeInt)})
		return
	}
	var low uint64 // two's complement
	if n.Sign() < 0 {
		low = uint64(n.Int64())
	} else {
		low = n.Uint64()
	}
	switch size, _ := fixed(t); size {
	case 8:
		b := uint8(low)
		candid.PutNat8(w.e, &b)
	case 16:
		b := uint16(low)
		candid.PutNat16(w.e, &b)
	case 32:
		b := uint32(low)
		candid.PutNat32(w.e, &b)
	case 64:
		candid.PutNat64(w.e, &low)
	}
}

// fixed is the size of natN and intN in bits, 0 for other types.
func fixed(t candid.Type) (bits int, signed bool) {
	switch {
	case t <= candid.TypeNat8 && t >= candid.TypeNat64:
		return 8 << (candid.TypeNat8 - t), false
	case t <= candid.TypeInt8 && t >= candid.TypeInt64:
		return 8 << (candid.TypeInt8 - t), true
	}
	return 0, false
}

func inRange(t candid.Type, n *big.Int) bool {
	bits, signed := fixed(t)
	switch {
	case t == candid.TypeInt:
		return true
	case t == candid.TypeNat:
		return n.Sign() >= 0
	case bits == 0:
		return false
	case !signed:
		return n.Sign() >= 0 && n.BitLen() <= bits
	case n.Sign() < 0:
		return new(big.Int).Not(n).BitLen() < bits
	}
	return n.BitLen() < bits
}

// toLEB is n as LEB128, signed or not.
func toLEB(n *big.Int, signed bool) []byte {
	magnitude := n
	if n.Sign() < 0 {
		magnitude = new(big.Int).Not(n) // its bits are those of n, inverted
	}
	bits := magnitude.BitLen()
	if signed {
		bits++
	}
	out := make([]byte, max(1, (bits+6)/7))
	for i := range out {
		for j := range 7 {
			out[i] |= byte(magnitude.Bit(7*i+j)) << j
		}
		if n.Sign() < 0 {
			out[i] ^= 0x7f
		}
		if i < len(out)-1 {
			out[i] |= 0x80
		}
	}
	return out
}

func (w *writer) option(t *did.Type, v Value) error {
	present := byte(0)
	o, ok := v.(Opt)
	if _, null := v.(Null); !ok && !null {
		return misfit(t, v)
	}
	if ok {
		present = 1
	}
	candid.PutNat8(w.e, &present)
	if ok {
		return w.value(t.Elem, o.V)
	}
	return nil
}

func (w *writer) vector(t *did.Type, v Value) error {
	if w.program.IsBlob(t) {
		b, ok := v.(Blob)
		if !ok {
			return misfit(t, v)
		}
		raw := []byte(b)
		candid.PutBlob(w.e, &raw)
		return nil
	}
	vec, ok := v.(Vec)
	if !ok {
		return misfit(t, v)
	}
	candid.PutNat(w.e, &candid.Nat{Lo: uint64(len(vec))})
	for _, x := range vec {
		if err := w.value(t.Elem, x); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) record(t *did.Type, v Value) error {
	r, ok := v.(Record)
	if !ok || len(r) != len(t.Fields) {
		return misfit(t, v)
	}
	for i, f := range t.Fields {
		if r[i].ID != f.ID {
			return misfit(t, v)
		}
		if err := w.value(f.Type, r[i].V); err != nil {
			return fmt.Errorf("%s: %w", did.FieldName(f), err)
		}
	}
	return nil
}

func (w *writer) variant(t *did.Type, v Value) error {
	tag, ok := v.(Variant)
	i := slices.IndexFunc(t.Fields, func(f did.Field) bool { return f.ID == tag.ID })
	if !ok || i < 0 {
		return misfit(t, v)
	}
	candid.PutTag(w.e, uint32(i))
	if err := w.value(t.Fields[i].Type, tag.V); err != nil {
		return fmt.Errorf("%s: %w", did.FieldName(t.Fields[i]), err)
	}
	return nil
}
