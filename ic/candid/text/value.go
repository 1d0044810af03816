package text

import (
	"math/big"

	"assay/ic/candid"
	"assay/ic/principal"
)

// Value is one Candid value. Its concrete types are those below.
type Value interface{ value() }

// The values.
type (
	// Null is null, and what is read at type reserved.
	Null struct{}
	// Bool is true or false.
	Bool bool
	// Number is a nat, int, natN or intN; Type is 0 in text without a type.
	Number struct {
		Type candid.Type
		N    *big.Int
	}
	// Float is a float32 or float64; Type is 0 in text without a type.
	Float struct {
		Type candid.Type
		V    float64
	}
	// Text is a text.
	Text string
	// Blob is a vec nat8.
	Blob []byte
	// Opt is a present option; an absent one is [Null].
	Opt struct{ V Value }
	// Vec is a vector of anything but nat8.
	Vec []Value
	// Record has its fields in ascending order of ids.
	Record []Field
	// Variant is a tag with its payload.
	Variant Field
	// Principal is a principal.
	Principal principal.Principal
	// Service is a reference to a service.
	Service principal.Principal
	// Func is a reference to a method.
	Func candid.Func
)

// Field is a field of a record or the tag of a variant. Name is empty if only the number
// is known.
type Field struct {
	ID   uint32
	Name string
	V    Value
}

func (Null) value()      {}
func (Bool) value()      {}
func (Number) value()    {}
func (Float) value()     {}
func (Text) value()      {}
func (Blob) value()      {}
func (Opt) value()       {}
func (Vec) value()       {}
func (Record) value()    {}
func (Variant) value()   {}
func (Principal) value() {}
func (Service) value()   {}
func (Func) value()      {}
