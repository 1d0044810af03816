package candid

import "assay/ic/principal"

// Func is a reference to a method of a canister.
type Func struct {
	Service principal.Principal
	Method  string
}

// Reference is a function or service type that references are expected to fit. A reference
// fits if its type in the message is a subtype: whoever calls it as the expected type says
// can do so. Generated code keeps one for each such type of a .did file.
type Reference struct {
	Header Header // of a message with one value of the type
}

// GetFunc reads a function reference whose type in the message fits r.
func (r *Reference) GetFunc(d *Decoder, t Type, v *Func) {
	GetFunc(d, r.fit(d, t, OpFunc), v)
}

// GetService reads a service reference whose type in the message fits r.
func (r *Reference) GetService(d *Decoder, t Type, v *principal.Principal) {
	GetService(d, r.fit(d, t, OpService), v)
}

// fit is t if it has the form op and fits, else it fails the message.
func (r *Reference) fit(d *Decoder, t, op Type) Type {
	if e := d.entry(t); e == nil || e.op != op || d.err != nil {
		return t // the reading itself will say what is wrong
	}
	c, ok := d.expected[r]
	if !ok {
		c = newComparison(d, r.Header.types())
		if d.expected == nil {
			d.expected = map[*Reference]*comparison{}
		}
		d.expected[r] = c
	}
	if !c.holds(pair{t, c.super.args[0], false}) {
		d.fail(Mismatch, "reference to a "+op.String()+" of a type that does not fit")
	}
	return t
}

// GetFunc reads a function reference of any type.
func GetFunc(d *Decoder, t Type, v *Func) {
	if e := d.entry(t); e == nil || e.op != OpFunc {
		d.mismatch(OpFunc, t)
		return
	}
	*v = d.function()
}

// GetService reads a service reference of any type.
func GetService(d *Decoder, t Type, v *principal.Principal) {
	if e := d.entry(t); e == nil || e.op != OpService {
		d.mismatch(OpService, t)
		return
	}
	*v = d.principal()
}

// PutFunc appends a function reference.
func PutFunc(e *Encoder, v *Func) {
	e.buf = append(e.buf, 1)
	PutPrincipal(e, &v.Service)
	PutText(e, &v.Method)
}

// comparison decides t <: u for types t of a message and u that are expected. Recursive
// types make it ask the same question again, which then counts as yes.
type comparison struct {
	d          *Decoder // pays for the work
	sub, super *types
	assumed    map[pair]bool
	trail      []pair // the assumptions in the order they were made
}

// pair is the question whether t is a subtype of u. t is a type of the message, u an
// expected one, or the other way round if it is flipped, as it is for arguments.
type pair struct {
	t, u    Type
	flipped bool
}

func newComparison(d *Decoder, expected *types) *comparison {
	return &comparison{d: d, sub: &d.types, super: expected, assumed: map[pair]bool{}}
}

// tables are the type tables of q.t and q.u.
func (c *comparison) tables(q pair) (t, u *types) {
	if q.flipped {
		return c.super, c.sub
	}
	return c.sub, c.super
}

func (c *comparison) holds(q pair) bool {
	ts, us := c.tables(q)
	t, u := ts.entry(q.t), us.entry(q.u)
	switch {
	case q.t == TypeEmpty || q.u == TypeReserved || u != nil && u.op == OpOpt:
		return true // under opt what does not fit reads as null
	case u == nil:
		return q.t == q.u || q.t == TypeNat && q.u == TypeInt || q.u == TypePrincipal && t != nil && t.op == OpService
	case t == nil || t.op != u.op || t.op <= opFuture:
		return false
	case c.assumed[q]:
		return true
	}
	// what was concluded from an assumption that turns out wrong is forgotten with it
	mark := len(c.trail)
	c.assumed[q] = true
	c.trail = append(c.trail, q)
	if c.d.enter() && c.d.spend(int(t.end-t.start+u.end-u.start)) && c.inside(q, t, u) {
		c.d.leave()
		return true
	}
	c.d.leave()
	for _, wrong := range c.trail[mark:] {
		delete(c.assumed, wrong)
	}
	c.trail = c.trail[:mark]
	return false
}

// inside compares what stands in t and u, which have the same constructor.
func (c *comparison) inside(q pair, t, u *entry) bool {
	ts, us := c.tables(q)
	switch t.op {
	case OpVec:
		return c.holds(pair{t.elem, u.elem, q.flipped})
	case OpRecord:
		return c.record(q, ts.fields[t.start:t.end], us.fields[u.start:u.end])
	case OpVariant:
		return c.variant(q, ts.fields[t.start:t.end], us.fields[u.start:u.end])
	case OpFunc:
		return t.annotations == u.annotations &&
			c.tuple(us.fields[u.start:u.mid], ts.fields[t.start:t.mid], !q.flipped) &&
			c.tuple(ts.fields[t.mid:t.end], us.fields[u.mid:u.end], q.flipped)
	case OpService:
		return c.service(q, t, u)
	}
	return false
}

// record asks that each expected field fits or may be absent. Both lists ascend.
func (c *comparison) record(q pair, ts, us []field) bool {
	_, super := c.tables(q)
	for _, f := range us {
		for len(ts) > 0 && ts[0].id < f.id {
			ts = ts[1:]
		}
		if len(ts) > 0 && ts[0].id == f.id {
			if !c.holds(pair{ts[0].typ, f.typ, q.flipped}) {
				return false
			}
		} else if !super.nullable(f.typ) {
			return false
		}
	}
	return true
}

// variant asks that each tag is expected and fits. Both lists ascend.
func (c *comparison) variant(q pair, ts, us []field) bool {
	for _, f := range ts {
		for len(us) > 0 && us[0].id < f.id {
			us = us[1:]
		}
		if len(us) == 0 || us[0].id != f.id || !c.holds(pair{f.typ, us[0].typ, q.flipped}) {
			return false
		}
	}
	return true
}

// tuple asks that each expected argument fits or may be absent.
func (c *comparison) tuple(ts, us []field, flipped bool) bool {
	_, super := c.tables(pair{flipped: flipped})
	for i, u := range us {
		if i < len(ts) && !c.holds(pair{ts[i].typ, u.typ, flipped}) || i >= len(ts) && !super.nullable(u.typ) {
			return false
		}
	}
	return true
}

// service asks that each expected method is there and fits. Names ascend in both.
func (c *comparison) service(q pair, t, u *entry) bool {
	ts, us := c.tables(q)
	i := t.start
	for _, m := range us.fields[u.start:u.end] {
		name := us.names[m.id]
		for i < t.end && ts.names[ts.fields[i].id] < name {
			i++
		}
		if i == t.end || ts.names[ts.fields[i].id] != name || !c.holds(pair{ts.fields[i].typ, m.typ, q.flipped}) {
			return false
		}
	}
	return true
}

// nullable reports whether an absent value of type t reads as null.
func (ts *types) nullable(t Type) bool {
	e := ts.entry(t)
	return t == TypeNull || t == TypeReserved || e != nil && e.op == OpOpt
}
