package did

import (
	"cmp"
	"encoding/binary"
	"slices"

	"assay/ic/candid"
)

// Header is the start of every message with values of these types: DIDL, the type table
// and the argument types. Equal types share an entry.
func (p *Program) Header(args []*Type) string {
	t := table{program: p, index: map[*Type]int{}}
	refs := make([]int, len(args))
	for i, a := range args {
		refs[i] = t.add(a)
	}
	for t.merge(refs) {
	}
	out := binary.AppendUvarint([]byte("DIDL"), uint64(len(t.entries)))
	for _, e := range t.entries {
		out = e.append(out)
	}
	out = binary.AppendUvarint(out, uint64(len(refs)))
	for _, r := range refs {
		out = sleb(out, r)
	}
	return string(out)
}

// tableEntry is an entry of a type table under construction. Its fields are those of a
// record or variant, the content of an opt or vec, the arguments and then the results of
// a func, the methods of a service.
type tableEntry struct {
	op     candid.Type
	fields []tableField
	args   int  // of a func: how many of fields are arguments
	kind   byte // of a func: its annotation, 0 for none
}

type tableField struct {
	id   uint32
	name string // of a method
	ref  int    // primitive type or index of an entry
}

type table struct {
	program *Program
	entries []tableEntry
	index   map[*Type]int
}

// add is how t is referred to, after adding it and all in it.
func (t *table) add(typ *Type) int {
	typ = t.program.Resolve(typ)
	if typ.Kind == Primitive {
		return int(typ.Prim)
	}
	if i, ok := t.index[typ]; ok {
		return i
	}
	at := len(t.entries)
	t.index[typ] = at
	t.entries = append(t.entries, tableEntry{})
	e := tableEntry{op: opcodes[typ.Kind]}
	switch typ.Kind {
	case Opt, Vec:
		e.fields = []tableField{{ref: t.add(typ.Elem)}}
	case Record, Variant:
		for _, f := range typ.Fields {
			e.fields = append(e.fields, tableField{id: f.ID, ref: t.add(f.Type)})
		}
	case Func:
		e.args, e.kind = len(typ.Func.Args), annotation(typ.Func)
		for _, a := range slices.Concat(typ.Func.Args, typ.Func.Results) {
			e.fields = append(e.fields, tableField{ref: t.add(a.Type)})
		}
	case Service:
		for _, m := range typ.Methods {
			e.fields = append(e.fields, tableField{name: m.Name, ref: t.add(m.Type)})
		}
		slices.SortFunc(e.fields, func(a, b tableField) int { return cmp.Compare(a.name, b.name) })
	}
	t.entries[at] = e
	return at
}

var opcodes = map[Kind]candid.Type{
	Opt: candid.OpOpt, Vec: candid.OpVec, Record: candid.OpRecord, Variant: candid.OpVariant,
	Func: candid.OpFunc, Service: candid.OpService,
}

func annotation(s *Signature) byte {
	switch {
	case s.Oneway:
		return candid.AnnotationOneway
	case s.Kind == candid.Query:
		return candid.AnnotationQuery
	case s.Kind == candid.CompositeQuery:
		return candid.AnnotationCompositeQuery
	}
	return 0
}

// merge drops entries that equal an earlier one, and reports whether there were any.
func (t *table) merge(refs []int) bool {
	to := make([]int, len(t.entries))
	var kept []tableEntry
	for i, e := range t.entries {
		to[i] = slices.IndexFunc(kept, func(k tableEntry) bool {
			return k.op == e.op && k.args == e.args && k.kind == e.kind && slices.Equal(k.fields, e.fields)
		})
		if to[i] < 0 {
			to[i] = len(kept)
			kept = append(kept, e)
		}
	}
	if len(kept) == len(t.entries) {
		return false
	}
	t.entries = kept
	for _, e := range t.entries {
		for i := range e.fields {
			if r := &e.fields[i].ref; *r >= 0 {
				*r = to[*r]
			}
		}
	}
	for i, r := range refs {
		if r >= 0 {
			refs[i] = to[r]
		}
	}
	return true
}

func (e tableEntry) append(out []byte) []byte {
	out = sleb(out, int(e.op))
	switch e.op {
	case candid.OpOpt, candid.OpVec:
		return sleb(out, e.fields[0].ref)
	case candid.OpFunc:
		out = refs(out, e.fields[:e.args])
		out = refs(out, e.fields[e.args:])
		if e.kind == 0 {
			return append(out, 0)
		}
		return append(out, 1, e.kind)
	}
	out = binary.AppendUvarint(out, uint64(len(e.fields)))
	for _, f := range e.fields {
		if e.op == candid.OpService {
			out = binary.AppendUvarint(out, uint64(len(f.name)))
			out = append(out, f.name...)
		} else {
			out = binary.AppendUvarint(out, uint64(f.id))
		}
		out = sleb(out, f.ref)
	}
	return out
}

func refs(out []byte, fields []tableField) []byte {
	out = binary.AppendUvarint(out, uint64(len(fields)))
	for _, f := range fields {
		out = sleb(out, f.ref)
	}
	return out
}

// sleb appends n as a signed LEB128.
func sleb(out []byte, n int) []byte {
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}
