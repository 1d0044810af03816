package spectest_test

import (
	_ "embed"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"

	"assay/ic/candid/did"
	"assay/ic/candid/text"
	"assay/ic/identity"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
)

//go:embed testdata/management.did
var managementDID string

var management = sync.OnceValue(func() *did.Program {
	p, err := did.Parse(managementDID)
	if err != nil {
		panic(err) // the file is part of the tests
	}
	return p
})

// fields makes a record of Candid from names and values in turn.
func fields(pairs ...any) text.Record {
	var r text.Record
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i].(string)
		r = append(r, text.Field{ID: fieldID(name), Name: name, V: candidOf(pairs[i+1])})
	}
	slices.SortFunc(r, func(a, b text.Field) int { return int(int64(a.ID) - int64(b.ID)) })
	return r
}

// tag makes a variant, with a payload or without.
func tag(name string, payload ...any) text.Variant {
	v := text.Variant{ID: fieldID(name), Name: name, V: text.Null{}}
	if len(payload) > 0 {
		v.V = candidOf(payload[0])
	}
	return v
}

func fieldID(name string) (id uint32) {
	for _, b := range []byte(name) {
		id = id*223 + uint32(b)
	}
	return id
}

func candidOf(v any) text.Value {
	switch v := v.(type) {
	case nil:
		return text.Null{}
	case text.Value:
		return v
	case bool:
		return text.Bool(v)
	case int:
		return text.Number{N: big.NewInt(int64(v))}
	case uint64:
		return text.Number{N: new(big.Int).SetUint64(v)}
	case *big.Int:
		return text.Number{N: v}
	case string:
		return text.Text(v)
	case []byte:
		return text.Blob(v)
	case replicatest.Program:
		return text.Blob(v)
	case principal.Principal:
		return text.Principal(v)
	case []principal.Principal:
		out := text.Vec{}
		for _, p := range v {
			out = append(out, text.Principal(p))
		}
		return out
	case []any:
		out := text.Vec{}
		for _, x := range v {
			out = append(out, candidOf(x))
		}
		return out
	}
	panic(fmt.Sprintf("no Candid for a %T", v)) // a mistake in a row
}

// argument is the message of a method's arguments: a record of names and values.
func argument(method string, pairs ...any) []byte { return argumentOf(management(), method, pairs...) }

func argumentOf(p *did.Program, method string, pairs ...any) []byte {
	s, ok := p.Method(method)
	if !ok {
		panic("no method " + method) // a mistake in a row
	}
	var values []text.Value
	if len(s.Args) > 0 {
		values = []text.Value{fields(pairs...)}
	}
	var types []*did.Type
	for _, a := range s.Args {
		types = append(types, a.Type)
	}
	values, err := text.Fit(p, types, values)
	if err == nil {
		var b []byte
		if b, err = text.Encode(p, types, values); err == nil {
			return b
		}
	}
	panic(fmt.Sprintf("%s: %v", method, err)) // a mistake in a row
}

// older is how clients of other times describe some methods.
var older = sync.OnceValue(func() *did.Program {
	p, err := did.Parse(`service : {
		install_code : (record { mode : variant { install; reinstall; upgrade }; canister_id : principal; wasm_module : blob; arg : blob }) -> ();
		canister_status : (record { canister_id : principal; what : text }) -> ();
	}`)
	return must(p, err)
})

// olderArgument is [argument] as those clients make it.
func olderArgument(method string, pairs ...any) []byte { return argumentOf(older(), method, pairs...) }

// result is the message of a method's result: a record of names and values.
func result(method string, pairs ...any) []byte {
	p := management()
	s, _ := p.Method(method)
	types := []*did.Type{s.Results[0].Type}
	values, err := text.Fit(p, types, []text.Value{fields(pairs...)})
	return must(text.Encode(p, types, must(values, err)))
}

// manage calls the management canister about a canister, which is the first pair.
func (w *world) manage(sender identity.Identity, method string, c principal.Principal, pairs ...any) outcome {
	w.Helper()
	return w.call(sender, c, principal.Management, method, argument(method, about(method, c, pairs)...))
}

func about(method string, c principal.Principal, pairs []any) []any {
	name := "canister_id"
	switch method {
	case "install_chunked_code":
		name = "target_canister"
	case "provisional_create_canister_with_cycles", "create_canister", "list_canisters":
		return pairs
	}
	return append([]any{name, c}, pairs...)
}

// begin does it without waiting for the end.
func (w *world) begin(sender identity.Identity, method string, c principal.Principal, pairs ...any) pending {
	w.Helper()
	return w.submit(sender, c, principal.Management, method, argument(method, about(method, c, pairs)...))
}

// value is a decoded result.
type value struct {
	w *world
	v text.Value
}

// result decodes the reply of a management call.
func (o outcome) result(method string) value {
	o.w.Helper()
	p := management()
	s, _ := p.Method(method)
	var types []*did.Type
	for _, r := range s.Results {
		types = append(types, r.Type)
	}
	all, err := text.Decode(p, types, o.replied(), method)
	if err != nil || len(all) != 1 {
		o.w.Fatalf("%s: result of %s: %v, %v", o.w.section, method, all, err)
	}
	return value{o.w, all[0]}
}

// at follows names of fields, separated by dots, through records, options and variants.
func (v value) at(names string) value {
	v.w.Helper()
	for name := range strings.SplitSeq(names, ".") {
		if opt, ok := v.v.(text.Opt); ok {
			v.v = opt.V
		}
		switch x := v.v.(type) {
		case text.Record:
			i := slices.IndexFunc(x, func(f text.Field) bool { return f.ID == fieldID(name) })
			if i < 0 {
				v.w.Fatalf("%s: no field %s in %s", v.w.section, name, text.PrintValue(v.v))
			}
			v.v = x[i].V
		case text.Variant:
			if x.ID != fieldID(name) {
				v.w.Fatalf("%s: %s, want %s", v.w.section, text.PrintValue(v.v), name)
			}
			v.v = x.V
		default:
			v.w.Fatalf("%s: no field %s in %s", v.w.section, name, text.PrintValue(v.v))
		}
	}
	return v
}

// number is a nat that fits.
func (v value) number() uint64 {
	v.w.Helper()
	n, ok := v.v.(text.Number)
	if !ok || !n.N.IsUint64() {
		v.w.Fatalf("%s: %s is no number of 64 bits", v.w.section, text.PrintValue(v.v))
	}
	return n.N.Uint64()
}

func (v value) bytes() []byte {
	v.w.Helper()
	if opt, ok := v.v.(text.Opt); ok {
		v.v = opt.V
	}
	b, ok := v.v.(text.Blob)
	if !ok {
		v.w.Fatalf("%s: %s is no blob", v.w.section, text.PrintValue(v.v))
	}
	return b
}

func (v value) list() []value {
	v.w.Helper()
	if _, empty := v.v.(text.Blob); empty {
		return nil
	}
	all, ok := v.v.(text.Vec)
	if !ok {
		v.w.Fatalf("%s: %s is no list", v.w.section, text.PrintValue(v.v))
	}
	var out []value
	for _, x := range all {
		out = append(out, value{v.w, x})
	}
	return out
}

func (v value) principals() []principal.Principal {
	v.w.Helper()
	var out []principal.Principal
	for _, x := range v.list() {
		out = append(out, principal.Principal(x.v.(text.Principal)))
	}
	return out
}

// is compares with what a row writes.
func (v value) is(want any) {
	v.w.Helper()
	if got, want := text.PrintValue(v.v), text.PrintValue(candidOf(want)); got != want {
		v.w.Errorf("%s: got %s, want %s", v.w.section, got, want)
	}
}

func (v value) String() string { return text.PrintValue(v.v) }
