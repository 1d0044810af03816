package did

import (
	"cmp"
	"fmt"
	"slices"

	"assay/ic/candid"
)

// Subtype reports whether every value of t, a type of p, can be read as q's type u: the
// relation that readers check for references, and that an upgraded service must keep.
func Subtype(p *Program, t *Type, q *Program, u *Type) bool {
	return NewComparison(p, q).Subtype(t, u)
}

// Comparison is [Subtype] for many types of the same two programs, with one budget.
type Comparison struct{ s subtyping }

// maxSteps bounds the comparison of types that strangers wrote; beyond it the answer is no.
const maxSteps = 100_000

// NewComparison compares types of p with types of q.
func NewComparison(p, q *Program) *Comparison {
	return &Comparison{subtyping{sub: p, super: q, shared: &assumptions{holds: map[assumption]bool{}, steps: maxSteps}}}
}

// Subtype reports whether every value of t, a type of p, can be read as q's type u.
func (c *Comparison) Subtype(t, u *Type) bool { return c.s.holds(t, u) }

// Compatible says why clients of the old service could not go on with the new one, nil
// if they can.
func Compatible(old, renewed *Program) error {
	if old.Service == nil {
		return nil
	}
	if renewed.Service == nil {
		return fmt.Errorf("the service is gone")
	}
	for _, m := range old.Service.Methods {
		t, ok := method(renewed.Service, m.Name)
		if !ok {
			return fmt.Errorf("method %s is gone", m.Name)
		}
		if !Subtype(renewed, t, old, m.Type) {
			return fmt.Errorf("method %s is no longer called as before", m.Name)
		}
	}
	return nil
}

func method(service *Type, name string) (*Type, bool) {
	for _, m := range service.Methods {
		if m.Name == name {
			return m.Type, true
		}
	}
	return nil, false
}

// subtyping decides t <: u for t of sub and u of super. Recursive types make it ask the
// same question again, which then counts as yes.
type subtyping struct {
	sub, super *Program
	flipped    bool // sub and super are exchanged, as they are for arguments
	shared     *assumptions
}

type assumptions struct {
	holds map[assumption]bool
	trail []assumption // in the order they were made
	steps int          // left
}

type assumption struct {
	t, u    *Type
	flipped bool
}

func (s *subtyping) flip() *subtyping {
	return &subtyping{sub: s.super, super: s.sub, flipped: !s.flipped, shared: s.shared}
}

func (s *subtyping) holds(t, u *Type) bool {
	t, u = s.sub.Resolve(t), s.super.Resolve(u)
	if u.Kind == Opt {
		return true // what does not fit reads as null
	}
	if t.Kind == Primitive {
		return primitiveSubtype(t.Prim, u)
	}
	if u.Kind == Primitive {
		return u.Prim == candid.TypeReserved || u.Prim == candid.TypePrincipal && t.Kind == Service
	}
	if t.Kind != u.Kind {
		return false
	}
	return s.assume(assumption{t, u, s.flipped})
}

// assume is holds for types that may contain themselves. What was concluded from an
// assumption that turns out wrong is forgotten with it.
func (s *subtyping) assume(a assumption) bool {
	shared := s.shared
	if shared.holds[a] {
		return true
	}
	shared.steps -= 1 + size(a.t) + size(a.u) + len(a.t.Methods)*len(a.u.Methods)
	if shared.steps < 0 {
		return false
	}
	mark := len(shared.trail)
	shared.holds[a] = true
	shared.trail = append(shared.trail, a)
	if s.inside(a.t, a.u) {
		return true
	}
	for _, wrong := range shared.trail[mark:] {
		delete(shared.holds, wrong)
	}
	shared.trail = shared.trail[:mark]
	return false
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

func (s *subtyping) inside(t, u *Type) bool {
	switch t.Kind {
	case Vec:
		return s.holds(t.Elem, u.Elem)
	case Record:
		for _, f := range u.Fields {
			if g, ok := fieldOf(t, f.ID); ok && !s.holds(g, f.Type) || !ok && !s.super.nullable(f.Type) {
				return false
			}
		}
	case Variant:
		for _, f := range t.Fields {
			if g, ok := fieldOf(u, f.ID); !ok || !s.holds(f.Type, g) {
				return false
			}
		}
	case Func:
		a, b := t.Func, u.Func
		return annotation(a) == annotation(b) && s.flip().tuple(b.Args, a.Args) && s.tuple(a.Results, b.Results)
	case Service:
		for _, m := range u.Methods {
			if g, ok := method(t, m.Name); !ok || !s.holds(g, m.Type) {
				return false
			}
		}
	}
	return true
}

// tuple is holds for argument lists: extra ones on the left are ignored, absent ones must
// be readable as null.
func (s *subtyping) tuple(ts, us []Arg) bool {
	for i, u := range us {
		if i < len(ts) && !s.holds(ts[i].Type, u.Type) || i >= len(ts) && !s.super.nullable(u.Type) {
			return false
		}
	}
	return true
}

// size is how many types stand in t itself.
func size(t *Type) int {
	n := len(t.Fields) + len(t.Methods)
	if t.Func != nil {
		n += len(t.Func.Args) + len(t.Func.Results)
	}
	return n
}

func fieldOf(t *Type, id uint32) (*Type, bool) {
	i, ok := slices.BinarySearchFunc(t.Fields, id, func(f Field, id uint32) int { return cmp.Compare(f.ID, id) })
	if !ok {
		return nil, false
	}
	return t.Fields[i].Type, true
}

// nullable reports whether an absent value of type t reads as null.
func (p *Program) nullable(t *Type) bool {
	t = p.Resolve(t)
	return t.Kind == Opt || t.Kind == Primitive && (t.Prim == candid.TypeNull || t.Prim == candid.TypeReserved)
}
