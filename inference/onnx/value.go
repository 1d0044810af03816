package onnx

func (p *parser) value(f field, into *[]Value, limit int) error {
	if len(*into) >= limit {
		return f.fail(ErrLimit, "more than %d declared values", limit)
	}
	if err := f.want(bytesType); err != nil {
		return err
	}
	var v Value
	err := walk(f.bytes, f.offset, "ValueInfoProto", numbers{1, 2, 3}, func(f field) error {
		switch f.num {
		case 1:
			return p.text(f, &v.Name)
		case 2:
			t, err := p.valueType(f)
			if t.Kind == TypeTensor {
				v.DType, v.Shape = t.DType, t.Shape
			} else if t.Kind != 0 {
				v.Type = &t
			}
			return err
		case 3, 4: // documentation, metadata
			return nil
		}
		return f.unknown()
	})
	if err != nil {
		return err
	}
	if v.Name == "" {
		return f.fail(ErrMalformed, "declared value without a name")
	}
	*into = append(*into, v)
	return nil
}

// typed reports whether the file says what the value is.
func (v *Value) typed() bool { return v.DType != 0 || v.Type != nil }

// valueType reads a type; one without any content has no kind.
func (p *parser) valueType(f field) (Type, error) {
	var t Type
	if err := f.want(bytesType); err != nil {
		return t, err
	}
	if p.typeDepth >= p.limits.Depth {
		return t, f.fail(ErrLimit, "types more than %d deep", p.limits.Depth)
	}
	p.typeDepth++
	defer func() { p.typeDepth-- }()
	err := walk(f.bytes, f.offset, "TypeProto", numbers{1, 4, 5, 6, 7, 8, 9}, func(f field) error {
		switch f.num {
		case 6: // denotation
			return nil
		case 7:
			return f.fail(ErrUnsupported, "opaque type")
		case 1, 4, 5, 8, 9:
			if t.Kind != 0 {
				return f.fail(ErrMalformed, "type of two kinds")
			}
			t.Kind = TypeKind(f.num)
			return p.typeOf(f, &t)
		}
		return f.unknown()
	})
	return t, err
}

// typeOf reads the message of one kind of type.
func (p *parser) typeOf(f field, t *Type) error {
	if err := f.want(bytesType); err != nil {
		return err
	}
	dense := t.Kind == TypeTensor || t.Kind == TypeSparse
	err := walk(f.bytes, f.offset, "TypeProto.Value", numbers{1, 2}, func(f field) error {
		switch {
		case f.num == 1 && (dense || t.Kind == TypeMap):
			return f.dtype(&t.DType)
		case f.num == 2 && dense:
			return p.shape(f, &t.Shape)
		case f.num == 1 || f.num == 2 && t.Kind == TypeMap:
			element, err := p.valueType(f)
			t.Element = &element
			return err
		}
		return f.unknown()
	})
	if err == nil && t.Kind == TypeMap && !mapKey(t.DType) {
		err = f.fail(ErrMalformed, "map with keys of %v", t.DType)
	}
	return err
}

// mapKey reports whether a map may have keys of the type.
func mapKey(d DType) bool {
	switch d {
	case Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, String:
		return true
	}
	return false
}

// dtype reads an element type. Zero is one that the file leaves open, which only some places allow.
func (f field) dtype(into *DType) error {
	if err := f.want(varintType); err != nil {
		return err
	}
	if f.bits != 0 && (f.bits > 64 || !readable(DType(f.bits))) {
		return f.fail(ErrUnsupported, "element type %d", f.bits)
	}
	*into = DType(f.bits)
	return nil
}

func (p *parser) shape(f field, into *[]Dim) error {
	if err := f.want(bytesType); err != nil {
		return err
	}
	*into = []Dim{}
	return walk(f.bytes, f.offset, "TensorShapeProto", nil, func(f field) error {
		if f.num != 1 {
			return f.unknown()
		}
		if len(*into) >= p.limits.Rank {
			return f.fail(ErrLimit, "more than %d dimensions", p.limits.Rank)
		}
		if err := f.want(bytesType); err != nil {
			return err
		}
		d, err := p.dim(f)
		*into = append(*into, d)
		return err
	})
}

func (p *parser) dim(f field) (Dim, error) {
	d := Dim{Size: -1}
	given := 0
	err := walk(f.bytes, f.offset, "TensorShapeProto.Dimension", numbers{1, 2, 3}, func(f field) error {
		switch f.num {
		case 1:
			given++
			if err := f.int(&d.Size); err != nil {
				return err
			}
			if d.Size < -1 || d.Size > int64(p.limits.Elements) { // -1 leaves the size open, with some exporters
				return f.fail(ErrLimit, "dimension %d, limit %d", d.Size, p.limits.Elements)
			}
			return nil
		case 2:
			given++
			if err := p.text(f, &d.Symbol); err != nil {
				return err
			}
			if d.Symbol == "?" { // another way of exporters to leave a size open; it says nothing of other sizes
				d.Symbol = ""
			}
			return nil
		case 3: // denotation
			return nil
		}
		return f.unknown()
	})
	if err == nil && given > 1 {
		err = f.fail(ErrMalformed, "dimension with both a size and a symbol")
	}
	return d, err
}
