// Package did reads Candid interface descriptions: .did files with their imports become
// a [Program] of checked types and methods.
//
// The generator (ic/candid/gen) and the codec for values without generated code
// (ic/candid/text) call it. Where files come from is the caller's business: [Load] is
// handed a function that reads one.
package did

import (
	"cmp"
	"slices"

	"assay/ic/candid"
)

// Kind is the form of a type.
type Kind uint8

// The forms of types.
const (
	Primitive Kind = iota // Prim says which
	Ref                   // Name of another type
	Opt                   // of Elem
	Vec                   // of Elem
	Record                // of Fields
	Variant               // of Fields
	Func                  // with the signature Func
	Service               // of Methods
)

// Type is one type as it is written, with references by name.
type Type struct {
	Kind    Kind
	Prim    candid.Type
	Name    string
	Elem    *Type
	Fields  []Field // ascending by ID
	Func    *Signature
	Methods []Method // in the order of the file
}

// Field is one field of a record or one tag of a variant.
type Field struct {
	ID    uint32
	Name  string // as written; empty if it was written as a number or not at all
	Type  *Type
	Short bool // a tag written without `: type`, which means null
	Order int  // place among the fields as written
}

// Signature is the type of a function.
type Signature struct {
	Args, Results []Arg
	Kind          candid.Kind
	Oneway        bool // nobody waits for a reply
}

// Arg is one argument or result; its name is a comment.
type Arg struct {
	Name string
	Type *Type
}

// Method is one method of a service.
type Method struct {
	Name string
	Type *Type // a Func or a reference to one
}

// Definition is `type Name = Type`.
type Definition struct {
	Name string
	Type *Type
}

// Program is one .did file with all that it imports, checked: every name is defined
// once, no type is only a name for itself, ids are unique in their record.
type Program struct {
	Source   string       // the file as written
	Imports  bool         // the file imports others, so Source alone is not complete
	Defs     []Definition // of the file itself, in its order
	Imported []Definition // of the files that it imports
	Init     []Arg        // of the service's constructor
	Service  *Type        // nil if the file describes none; its Methods include imported ones

	types map[string]*Type
}

// Resolve follows references until a type of another form.
func (p *Program) Resolve(t *Type) *Type {
	for t.Kind == Ref {
		t = p.types[t.Name]
	}
	return t
}

// Lookup is the type of this name.
func (p *Program) Lookup(name string) (*Type, bool) {
	t, ok := p.types[name]
	return t, ok
}

// Method is the signature of a method of the service.
func (p *Program) Method(name string) (*Signature, bool) {
	if p.Service == nil {
		return nil, false
	}
	for _, m := range p.Service.Methods {
		if m.Name == name {
			return p.Resolve(m.Type).Func, true
		}
	}
	return nil, false
}

// Tuple reports whether fields are numbered 0, 1, … without names.
func Tuple(fields []Field) bool {
	for i, f := range fields {
		if f.Name != "" || f.ID != uint32(i) {
			return false
		}
	}
	return len(fields) > 0
}

// IsBlob reports whether t is vec nat8.
func (p *Program) IsBlob(t *Type) bool {
	t = p.Resolve(t)
	if t.Kind != Vec {
		return false
	}
	elem := p.Resolve(t.Elem)
	return elem.Kind == Primitive && elem.Prim == candid.TypeNat8
}

// Written is the fields in the order of the file.
func Written(fields []Field) []Field {
	fields = slices.Clone(fields)
	slices.SortFunc(fields, func(a, b Field) int { return cmp.Compare(a.Order, b.Order) })
	return fields
}
