package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// attributeFields maps a value field of AttributeProto to the kind whose value it holds.
var attributeFields = map[protowire.Number]AttributeKind{
	2: KindFloat, 3: KindInt, 4: KindString, 5: KindTensor, 7: KindFloats, 8: KindInts, 9: KindStrings,
}

func (p *parser) attribute(f field, n *Node) error {
	if len(n.Attributes) >= p.limits.Attributes {
		return f.fail(ErrLimit, "more than %d attributes", p.limits.Attributes)
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	var a Attribute
	var declared, held AttributeKind
	err := walk(f.bytes, f.offset, "AttributeProto", numbers{1, 2, 3, 4, 5, 13, 20}, func(f field) error {
		if kind, ok := attributeFields[f.num]; ok {
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
			if err := f.want(protowire.VarintType); err != nil {
				return err
			}
			declared = AttributeKind(min(f.bits, 255))
			return nil
		case 6, 11:
			return f.fail(ErrUnsupported, "attribute %q is a subgraph", a.Name)
		}
		return f.unknown()
	})
	if err != nil {
		return err
	}
	if a.Name == "" {
		return f.fail(ErrMalformed, "attribute without a name")
	}
	if n.Attribute(a.Name) != nil {
		return f.fail(ErrDuplicate, "attribute %q given twice", a.Name)
	}
	if a.Kind, err = attributeKind(f, a.Name, declared, held); err != nil {
		return err
	}
	n.Attributes = append(n.Attributes, a)
	return nil
}

// attributeKind settles the declared kind and the one of the field that holds a value. A scalar at its
// default and an empty list may have no field at all.
func attributeKind(f field, name string, declared, held AttributeKind) (AttributeKind, error) {
	switch declared {
	case KindFloat, KindInt, KindString, KindTensor, KindFloats, KindInts, KindStrings:
	default:
		return 0, f.fail(ErrUnsupported, "attribute %q of kind %d", name, declared)
	}
	if held != 0 && held != declared {
		return 0, f.fail(ErrMalformed, "attribute %q declared as kind %d holds kind %d", name, declared, held)
	}
	if held == 0 && declared == KindTensor {
		return 0, f.fail(ErrMalformed, "attribute %q holds no tensor", name)
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
		return p.text(f, &a.String)
	case KindTensor:
		t, err := p.tensor(f)
		a.Tensor = &t
		return err
	case KindFloats:
		return f.numbers(protowire.Fixed32Type, func() int { return len(a.Floats) }, p.limits.Elements, func(v uint64) {
			a.Floats = append(a.Floats, math.Float32frombits(uint32(v)))
		})
	case KindInts:
		return f.numbers(protowire.VarintType, func() int { return len(a.Ints) }, p.limits.Elements, func(v uint64) {
			a.Ints = append(a.Ints, int64(v))
		})
	default:
		return p.appendText(f, &a.Strings, p.limits.Names)
	}
}
