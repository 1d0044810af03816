package onnx

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a message as it stands on the wire.
type field struct {
	message string // the message it is in, for errors
	num     protowire.Number
	typ     protowire.Type
	offset  int    // of the field's value in the file
	bits    uint64 // varint, fixed32, fixed64
	bytes   []byte // length-delimited
}

func (f field) fail(kind error, format string, args ...any) *Error {
	return &Error{Kind: kind, Offset: f.offset, Reason: f.message + " field " + sprintf("%d: ", f.num) + sprintf(format, args...)}
}

// unknown refuses a field: one of a later version of the format could change what the model computes.
func (f field) unknown() error { return f.fail(ErrUnsupported, "not a field this reader knows") }

// walk calls visit for each field of the message in data, which begins at byte base of the file.
// Fields in once may occur at most one time.
func walk(data []byte, base int, message string, once []protowire.Number, visit func(field) error) error {
	var seen uint64
	for at := 0; at < len(data); {
		f := field{message: message, offset: base + at}
		num, typ, n := protowire.ConsumeTag(data[at:])
		if n < 0 {
			return f.fail(ErrMalformed, "%v", protowire.ParseError(n))
		}
		f.num, f.typ = num, typ
		at += n
		f.offset = base + at
		if n = f.consume(data[at:]); n < 0 {
			return f.fail(ErrMalformed, "%v", protowire.ParseError(n))
		}
		at += n
		f.offset = base + at - len(f.bytes)
		for i, single := range once {
			if single == num {
				if seen&(1<<i) != 0 {
					return f.fail(ErrDuplicate, "given twice")
				}
				seen |= 1 << i
			}
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) consume(data []byte) (n int) {
	switch f.typ {
	case protowire.VarintType:
		f.bits, n = protowire.ConsumeVarint(data)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(data)
		f.bits = uint64(v)
	case protowire.Fixed64Type:
		f.bits, n = protowire.ConsumeFixed64(data)
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(data)
	default: // groups are no part of ONNX
		return -1
	}
	return n
}

func (f field) want(typ protowire.Type) error {
	if f.typ != typ {
		return f.fail(ErrMalformed, "wire type %d, want %d", f.typ, typ)
	}
	return nil
}

func (f field) int(into *int64) error {
	*into = int64(f.bits)
	return f.want(protowire.VarintType)
}

func (p *parser) text(f field, into *string) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	if len(f.bytes) > p.limits.NameBytes {
		return f.fail(ErrLimit, "name of %d bytes, limit %d", len(f.bytes), p.limits.NameBytes)
	}
	if !utf8.Valid(f.bytes) {
		return f.fail(ErrMalformed, "name is not UTF-8")
	}
	*into = string(f.bytes)
	return nil
}

// string reads a string of data: an attribute's or a tensor's.
func (p *parser) string(f field, into *string) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	if len(f.bytes) > p.limits.StringBytes {
		return f.fail(ErrLimit, "string of %d bytes, limit %d", len(f.bytes), p.limits.StringBytes)
	}
	if !utf8.Valid(f.bytes) {
		return f.fail(ErrMalformed, "string is not UTF-8")
	}
	*into = string(f.bytes)
	return nil
}

func (p *parser) appendString(f field, into *[]string) error {
	if len(*into) >= p.limits.Elements {
		return f.fail(ErrLimit, "more than %d strings", p.limits.Elements)
	}
	var s string
	err := p.string(f, &s)
	*into = append(*into, s)
	return err
}

// appendText is text for a repeated field of at most limit entries.
func (p *parser) appendText(f field, into *[]string, limit int) error {
	if len(*into) >= limit {
		return f.fail(ErrLimit, "more than %d entries", limit)
	}
	var s string
	if err := p.text(f, &s); err != nil {
		return err
	}
	*into = append(*into, s)
	return nil
}

// numbers reads a repeated number field, packed or not, and calls add with the bits of each. The limit is on
// the number of elements, already included, that count reports.
func (f field) numbers(element protowire.Type, count func() int, limit int, add func(uint64)) error {
	if f.typ == element {
		if count() >= limit {
			return f.fail(ErrLimit, "more than %d elements", limit)
		}
		add(f.bits)
		return nil
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	for rest := f.bytes; len(rest) > 0; {
		if count() >= limit {
			return f.fail(ErrLimit, "more than %d elements", limit)
		}
		one := field{typ: element}
		n := one.consume(rest)
		if n < 0 {
			return f.fail(ErrMalformed, "packed list: %v", protowire.ParseError(n))
		}
		add(one.bits)
		rest = rest[n:]
	}
	return nil
}
