package did

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/ic/candid"
)

// maxSteps bounds the comparison of two programs; beyond it the answer is no.
const maxSteps = 1_000_000

// Subtype says why not every value of t, a type of p, can be read as q's type u; nil if
// it can. It is the relation that an upgraded service must keep, and that readers check
// of references (there in ic/candid).
func Subtype(p *Program, t *Type, q *Program, u *Type) error {
	return newSubtyping(p, q).holds(t, u).orNil()
}

// Compatible names every method in which clients of the old service could not go on with
// the new one, and why, joined; nil if they can.
//
// By Candid's rules anything goes under opt: what does not fit reads as null. If strict,
// that holds for variant tags alone, so that an option of another type is named too.
func Compatible(old, renewed *Program, strict bool) error {
	if old.Service == nil {
		return nil
	}
	if renewed.Service == nil {
		return errors.New("the service is gone")
	}
	var errs []error
	s := newSubtyping(renewed, old)
	s.strict = strict
	for _, m := range old.Service.Methods {
		t, ok := method(renewed.Service, m.Name)
		if !ok {
			errs = append(errs, fmt.Errorf("method %s is gone", m.Name))
		} else if no := s.holds(t, m.Type); no != nil {
			errs = append(errs, fmt.Errorf("method %s: %s", m.Name, no))
		}
	}
	return errors.Join(errs...)
}

func method(service *Type, name string) (*Type, bool) {
	for _, m := range service.Methods {
		if m.Name == name {
			return m.Type, true
		}
	}
	return nil, false
}

// refusal is why a type is no subtype: where inside it, outermost last, and what is wrong
// there. Nil means that it is one.
type refusal struct {
	path []string
	text string
}

func refuse(format string, args ...any) *refusal { return &refusal{text: fmt.Sprintf(format, args...)} }

// in adds a place around the refusal.
func (r *refusal) in(format string, args ...any) *refusal {
	if r != nil {
		r.path = append(r.path, fmt.Sprintf(format, args...))
	}
	return r
}

func (r *refusal) orNil() error {
	if r == nil {
		return nil
	}
	return r
}

func (r *refusal) Error() string {
	var out strings.Builder
	for _, p := range slices.Backward(r.path) {
		out.WriteString(p + ": ")
	}
	return out.String() + r.text
}

// subtyping decides t <: u for t of sub and u of super. Recursive types make it ask the
// same question again, which then counts as yes.
type subtyping struct {
	sub, super *Program
	flipped    bool // sub and super are exchanged, as they are for arguments
	strict     bool // options have to fit but for variant tags
	open       bool // strict and inside an option, so variants may have other tags
	shared     *assumptions
}

type assumptions struct {
	holds map[assumption]bool
	trail []assumption // in the order they were made
	steps int          // left
}

type assumption struct {
	t, u          *Type
	flipped, open bool
}

func newSubtyping(p, q *Program) *subtyping {
	return &subtyping{sub: p, super: q, shared: &assumptions{holds: map[assumption]bool{}, steps: maxSteps}}
}

func (s *subtyping) flip() *subtyping {
	f := *s
	f.sub, f.super, f.flipped = s.super, s.sub, !s.flipped
	return &f
}

// option decides t <: u for an option u.
func (s *subtyping) option(t, u *Type) *refusal {
	if !s.strict || t.Kind == Primitive && (t.Prim == candid.TypeNull || t.Prim == candid.TypeReserved) {
		return nil // what does not fit reads as null
	}
	inside := *s
	inside.open = true
	if t.Kind == Opt {
		t = t.Elem
	}
	return inside.holds(t, u.Elem)
}

func (s *subtyping) holds(t, u *Type) *refusal {
	written, expected := t, u
	t, u = s.sub.Resolve(t), s.super.Resolve(u)
	switch {
	case u.Kind == Opt:
		return s.option(t, u)
	case t.Kind == Primitive && primitiveSubtype(t.Prim, u):
		return nil
	case u.Kind == Primitive && (u.Prim == candid.TypeReserved || u.Prim == candid.TypePrincipal && t.Kind == Service):
		return nil
	case t.Kind == u.Kind && t.Kind != Primitive:
		return s.assume(assumption{t, u, s.flipped, s.open})
	}
	given, taken := TypeText(written), TypeText(expected)
	if s.flipped {
		return refuse("callers send %s, which %s does not take", given, taken)
	}
	return refuse("%s cannot be read as %s", given, taken)
}

// assume is holds for types that may contain themselves. What was concluded from an
// assumption that turns out wrong is forgotten with it.
func (s *subtyping) assume(a assumption) *refusal {
	shared := s.shared
	if shared.holds[a] {
		return nil
	}
	shared.steps -= 1 + size(a.t) + size(a.u) + len(a.t.Methods)*len(a.u.Methods)
	if shared.steps < 0 {
		return refuse("the types are too large to compare")
	}
	mark := len(shared.trail)
	shared.holds[a] = true
	shared.trail = append(shared.trail, a)
	no := s.inside(a.t, a.u)
	if no == nil {
		return nil
	}
	for _, wrong := range shared.trail[mark:] {
		delete(shared.holds, wrong)
	}
	shared.trail = shared.trail[:mark]
	return no
}

func primitiveSubtype(t candid.Type, u *Type) bool {
	if t == candid.TypeEmpty {
		return true
	}
	if u.Kind != Primitive {
		return false
	}
	return t == u.Prim || u.Prim == candid.TypeReserved || t == candid.TypeNat && u.Prim == candid.TypeInt
}

func (s *subtyping) inside(t, u *Type) *refusal {
	switch t.Kind {
	case Vec:
		return s.holds(t.Elem, u.Elem).in("in the vector")
	case Record:
		return s.record(t, u)
	case Variant:
		return s.variant(t, u)
	case Func:
		return s.function(t.Func, u.Func)
	case Service:
		for _, m := range u.Methods {
			g, ok := method(t, m.Name)
			if !ok {
				return refuse("method %s is gone", m.Name)
			}
			if no := s.holds(g, m.Type); no != nil {
				return no.in("method %s", m.Name)
			}
		}
	}
	return nil
}

func (s *subtyping) record(t, u *Type) *refusal {
	for _, f := range u.Fields {
		g, ok := fieldOf(t, f.ID)
		switch {
		case ok:
			if no := s.holds(g.Type, f.Type); no != nil {
				return no.in("field %s", FieldName(f))
			}
		case s.super.nullable(f.Type):
		case s.flipped:
			return refuse("field %s is new and not opt: callers that do not know it cannot send it", FieldName(f))
		default:
			return refuse("field %s is gone, which readers need", FieldName(f))
		}
	}
	return nil
}

func (s *subtyping) variant(t, u *Type) *refusal {
	for _, f := range t.Fields {
		g, ok := fieldOf(u, f.ID)
		if !ok && s.open {
			continue
		}
		if !ok && s.flipped {
			return refuse("tag %s is gone, which callers may send", FieldName(f))
		}
		if !ok {
			return refuse("tag %s is new, and readers that do not know it have no opt around it to read null", FieldName(f))
		}
		if no := s.holds(f.Type, g.Type); no != nil {
			return no.in("tag %s", FieldName(f))
		}
	}
	return nil
}

func (s *subtyping) function(t, u *Signature) *refusal {
	if annotation(t) != annotation(u) {
		return refuse("it was %s and is %s", kindText(u), kindText(t))
	}
	if no := s.flip().tuple(u.Args, t.Args, "argument"); no != nil {
		return no
	}
	return s.tuple(t.Results, u.Results, "result")
}

func kindText(s *Signature) string {
	if s.Oneway {
		return "oneway"
	}
	return s.Kind.String()
}

// tuple is holds for argument lists: extra ones on the left are ignored, absent ones must
// be readable as null.
func (s *subtyping) tuple(ts, us []Arg, what string) *refusal {
	for i, u := range us {
		if i < len(ts) {
			if no := s.holds(ts[i].Type, u.Type); no != nil {
				return no.in("%s %d", what, i+1)
			}
		} else if !s.super.nullable(u.Type) {
			if s.flipped {
				return refuse("%s %d is new and not opt", what, i+1)
			}
			return refuse("%s %d is gone, which readers need", what, i+1)
		}
	}
	return nil
}

// size is how many types stand in t itself.
func size(t *Type) int {
	n := len(t.Fields) + len(t.Methods)
	if t.Func != nil {
		n += len(t.Func.Args) + len(t.Func.Results)
	}
	return n
}

func fieldOf(t *Type, id uint32) (*Field, bool) {
	i, ok := slices.BinarySearchFunc(t.Fields, id, func(f Field, id uint32) int { return cmp.Compare(f.ID, id) })
	if !ok {
		return nil, false
	}
	return &t.Fields[i], true
}

// nullable reports whether an absent value of type t reads as null.
func (p *Program) nullable(t *Type) bool {
	t = p.Resolve(t)
	return t.Kind == Opt || t.Kind == Primitive && (t.Prim == candid.TypeNull || t.Prim == candid.TypeReserved)
}
