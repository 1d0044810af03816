package gen

import (
	"encoding/binary"
	"slices"

	"assay/ic/candid"
	"assay/ic/candid/did"
)

// Header is the start of every message with values of these types: DIDL, the type table
// and the argument types. Equal types share an entry.
func Header(p *did.Program, args []*did.Type) string {
	t := table{program: p, index: map[*did.Type]int{}}
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

// tableEntry is an entry of a type table under construction.
type tableEntry struct {
	op     candid.Type
	fields []tableField
}

type tableField struct {
	id  uint32
	ref int // primitive type or index of an entry
}

type table struct {
	program *did.Program
	entries []tableEntry
	index   map[*did.Type]int
}

// add is how t is referred to, after adding it and all in it.
func (t *table) add(typ *did.Type) int {
	typ = t.program.Resolve(typ)
	if typ.Kind == did.Primitive {
		return int(typ.Prim)
	}
	if i, ok := t.index[typ]; ok {
		return i
	}
	at := len(t.entries)
	t.index[typ] = at
	t.entries = append(t.entries, tableEntry{})
	var e tableEntry
	switch typ.Kind {
	case did.Opt, did.Vec:
		e = tableEntry{candid.OpOpt, []tableField{{ref: t.add(typ.Elem)}}}
		if typ.Kind == did.Vec {
			e.op = candid.OpVec
		}
	case did.Record, did.Variant:
		e.op = candid.OpRecord
		if typ.Kind == did.Variant {
			e.op = candid.OpVariant
		}
		for _, f := range typ.Fields {
			e.fields = append(e.fields, tableField{f.ID, t.add(f.Type)})
		}
	}
	t.entries[at] = e
	return at
}

// merge drops entries that equal an earlier one, and reports whether there were any.
func (t *table) merge(refs []int) bool {
	to := make([]int, len(t.entries))
	var kept []tableEntry
	for i, e := range t.entries {
		to[i] = slices.IndexFunc(kept, func(k tableEntry) bool {
			return k.op == e.op && slices.Equal(k.fields, e.fields)
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
	if e.op == candid.OpOpt || e.op == candid.OpVec {
		return sleb(out, e.fields[0].ref)
	}
	out = binary.AppendUvarint(out, uint64(len(e.fields)))
	for _, f := range e.fields {
		out = binary.AppendUvarint(out, uint64(f.id))
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
