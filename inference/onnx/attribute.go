package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// attributeField gives the kind whose value a field of AttributeProto holds, 0 for the other fields.
func attributeField(num protowire.Number) AttributeKind {
	switch num {
	case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11:
		return AttributeKind(num - 1)
	case 14:
		return KindType
	case 15:
		return KindTypes
	case 22:
		return KindSparse
	case 23:
		return KindSparses
	}
	return 0
}

func (p *parser) attribute(f field, into *[]Attribute) error {
	if len(*into) >= p.limits.Attributes {
		return f.fail(ErrLimit, "more than %d attributes", p.limits.Attributes)
	}
	if err := f.want(bytesType); err != nil {
		return err
	}
	var a Attribute
	var declared, held AttributeKind
	err := walk(f.bytes, f.offset, "AttributeProto", numbers{1, 2, 3, 4, 5, 6, 13, 14, 20, 21, 22}, func(f field) error {
		if kind := attributeField(f.num); kind != 0 {
			if held != 0 && held != kind {
				return f.fail(ErrMalformed, "attribute %q has values of two kinds", a.Name)
			}
			held = kind
			return p.attributeValue(f, kind, &a)
		}
		switch f.num {
		case 1:
			return p.text(f, &a.Name)
		case 13: // documentation
			return nil
		case 20:
			if err := f.want(varintType); err != nil {
				return err
			}
			declared = AttributeKind(min(f.bits, 255))
			return nil
		case 21:
			return p.text(f, &a.Ref)
		}
		return f.unknown()
	})
	if err != nil {
		return err
	}
	if a.Name == "" {
		return f.fail(ErrMalformed, "attribute without a name")
	}
	for i := range *into {
		if (*into)[i].Name == a.Name {
			return f.fail(ErrDuplicate, "attribute %q given twice", a.Name)
		}
	}
	if a.Kind, err = attributeKind(f, &a, declared, held); err != nil {
		return err
	}
	*into = append(*into, a)
	return nil
}

// attributeKind settles the declared kind and the one of the field that holds a value. A scalar at its
// default and an empty list may have no field at all; a reference has none.
func attributeKind(f field, a *Attribute, declared, held AttributeKind) (AttributeKind, error) {
	switch {
	case declared < KindFloat || declared > KindTypes:
		return 0, f.fail(ErrUnsupported, "attribute %q of kind %d", a.Name, declared)
	case a.Ref != "" && held != 0:
		return 0, f.fail(ErrMalformed, "attribute %q has a value and refers to %q", a.Name, a.Ref)
	case held != 0 && held != declared:
		return 0, f.fail(ErrMalformed, "attribute %q declared as kind %d holds kind %d", a.Name, declared, held)
	case a.Ref == "" && held == 0:
		switch declared {
		case KindTensor, KindGraph, KindSparse, KindType:
			return 0, f.fail(ErrMalformed, "attribute %q of kind %d holds nothing", a.Name, declared)
		}
	}
	return declared, nil
}

func (p *parser) attributeValue(f field, kind AttributeKind, a *Attribute) error {
	switch kind {
	case KindFloat:
		a.Float = math.Float32frombits(uint32(f.bits))
		return f.want(protowire.Fixed32Type)
	case KindInt:
		return f.int(&a.Int)
	case KindString:
		return p.string(f, &a.String)
	case KindFloats:
		return f.numbers(protowire.Fixed32Type, func() int { return len(a.Floats) }, p.limits.Elements, func(v uint64) {
			a.Floats = append(a.Floats, math.Float32frombits(uint32(v)))
		})
	case KindInts:
		return f.numbers(varintType, func() int { return len(a.Ints) }, p.limits.Elements, func(v uint64) {
			a.Ints = append(a.Ints, int64(v))
		})
	case KindStrings:
		return p.appendString(f, &a.Strings)
	}
	return p.attributeMessage(f, kind, a)
}

// attributeMessage reads the values that are messages themselves.
func (p *parser) attributeMessage(f field, kind AttributeKind, a *Attribute) error {
	switch kind {
	case KindTensor:
		t, err := p.tensor(f)
		a.Tensor = &t
		return err
	case KindTensors:
		t, err := p.tensor(f)
		a.Tensors = append(a.Tensors, t)
		return err
	case KindSparse:
		s, err := p.sparse(f)
		a.Sparse = &s
		return err
	case KindSparses:
		s, err := p.sparse(f)
		a.Sparses = append(a.Sparses, s)
		return err
	case KindType:
		t, err := p.valueType(f)
		a.Type = &t
		return err
	case KindTypes:
		t, err := p.valueType(f)
		a.Types = append(a.Types, t)
		return err
	}
	g, err := p.body(f)
	if err != nil {
		return err
	}
	if kind == KindGraph {
		a.Graph = g
	} else {
		a.Graphs = append(a.Graphs, g)
	}
	return nil
}

// bodies are the graphs that an attribute holds.
func (a *Attribute) bodies() []*Graph {
	if a.Graph != nil {
		return []*Graph{a.Graph}
	}
	return a.Graphs
}
