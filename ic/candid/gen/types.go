package gen

import (
	"fmt"
	"strings"

	"assay/ic/candid"
	"assay/ic/candid/did"
)

// primitives gives the Go type of each primitive type and the end of the names of its
// Get and Put functions.
var primitives = map[candid.Type]struct{ goType, codec string }{
	candid.TypeNull: {"struct{}", "Null"}, candid.TypeReserved: {"struct{}", "Reserved"}, candid.TypeEmpty: {"struct{}", "Empty"},
	candid.TypeBool: {"bool", "Bool"}, candid.TypeText: {"string", "Text"}, candid.TypePrincipal: {"principal.Principal", "Principal"},
	candid.TypeNat: {"candid.Nat", "Nat"}, candid.TypeInt: {"candid.Int", "Int"},
	candid.TypeNat8: {"uint8", "Nat8"}, candid.TypeNat16: {"uint16", "Nat16"}, candid.TypeNat32: {"uint32", "Nat32"}, candid.TypeNat64: {"uint64", "Nat64"},
	candid.TypeInt8: {"int8", "Int8"}, candid.TypeInt16: {"int16", "Int16"}, candid.TypeInt32: {"int32", "Int32"}, candid.TypeInt64: {"int64", "Int64"},
	candid.TypeFloat32: {"float32", "Float32"}, candid.TypeFloat64: {"float64", "Float64"},
}

// goType is t in Go.
func (g *generator) goType(t *did.Type) string {
	switch t.Kind {
	case did.Primitive:
		return primitives[t.Prim].goType
	case did.Ref:
		return goName(t.Name)
	case did.Opt:
		return "*" + g.goType(t.Elem)
	case did.Vec:
		if g.program.IsBlob(t) {
			return "[]byte"
		}
		return "[]" + g.goType(t.Elem)
	case did.Func:
		return "candid.Func"
	case did.Service:
		return "principal.Principal"
	}
	return g.names[t]
}

// direction is one of the two ways of the codec.
type direction struct {
	prefix string // of the generated functions
	params string // before the value, as in a function's head
	args   string // before the value, as in a call
}

var (
	put = direction{"put", "e *candid.Encoder, ", "e, "}
	get = direction{"get", "d *candid.Decoder, t candid.Type, ", "d, t, "}
)

// codec is a function, by name or as a literal, that puts or gets a value of type t.
func (g *generator) codec(dir direction, t *did.Type) string {
	switch t.Kind {
	case did.Primitive:
		name := primitives[t.Prim].codec
		if dir == put && t.Prim == candid.TypeReserved {
			name = "Null"
		}
		return "candid." + exported(dir.prefix) + name
	case did.Ref:
		if r := g.program.Resolve(t); plain(r) || g.program.IsBlob(r) {
			return g.codec(dir, r)
		}
		return dir.prefix + goName(t.Name)
	case did.Opt, did.Vec:
		if g.program.IsBlob(t) {
			return "candid." + exported(dir.prefix) + "Blob"
		}
		return fmt.Sprintf("func(%sv *%s) { %s }", dir.params, g.goType(t), g.container(dir, dir.args+"v", t))
	}
	switch {
	case t.Kind == did.Func && dir == put:
		return "candid.PutFunc"
	case t.Kind == did.Service && dir == put:
		return "candid.PutPrincipal"
	case t.Kind == did.Func:
		return "reference" + g.names[t] + ".GetFunc"
	case t.Kind == did.Service:
		return "reference" + g.names[t] + ".GetService"
	}
	return dir.prefix + g.names[t]
}

// plain reports whether the runtime reads and writes values of t, which is no reference by name.
func plain(t *did.Type) bool {
	return t.Kind == did.Primitive || t.Kind == did.Func || t.Kind == did.Service
}

// call is a statement that puts or gets the value of type t at the address given last in args.
func (g *generator) call(dir direction, args string, t *did.Type) string {
	if (t.Kind == did.Opt || t.Kind == did.Vec) && !g.program.IsBlob(t) {
		return g.container(dir, args, t)
	}
	return g.codec(dir, t) + "(" + args + ")"
}

func (g *generator) container(dir direction, args string, t *did.Type) string {
	form := "Opt"
	if t.Kind == did.Vec {
		form = "Vec"
	}
	return fmt.Sprintf("candid.%s%s(%s, %s)", exported(dir.prefix), form, args, g.codec(dir, t.Elem))
}

func exported(prefix string) string { return map[string]string{"put": "Put", "get": "Get"}[prefix] }

// definition writes the Go type of a named type that is no struct, and for every named
// type its one-value messages.
func (g *generator) definition(d did.Definition) {
	name, t := goName(d.Name), d.Type
	structure := t.Kind == did.Record || t.Kind == did.Variant
	recursive := !structure && g.reaches(t, t, map[*did.Type]bool{})
	equals := "= "
	if recursive {
		equals = ""
	}
	if !structure {
		g.printf("// %s is the Candid type %s.\ntype %s %s%s\n\n", name, d.Name, name, equals, g.goType(t))
	}
	if (t.Kind == did.Opt || t.Kind == did.Vec) && !g.program.IsBlob(t) || t.Kind == did.Ref && !plain(g.program.Resolve(t)) && !g.program.IsBlob(t) {
		for _, dir := range []direction{put, get} {
			v := "v"
			if recursive {
				v = "(*" + g.goType(t) + ")(v)"
			}
			g.printf("func %s%s(%sv *%s) { %s }\n\n", dir.prefix, name, dir.params, name, g.call(dir, dir.args+v, t))
		}
	}
	header := g.header(name, []*did.Type{t})
	ref := &did.Type{Kind: did.Ref, Name: d.Name}
	g.printf("// Encode%s makes a message of one %s.\nfunc Encode%s(v %s) ([]byte, error) { return candid.EncodeOne(%q, &%s, &v, %s) }\n\n",
		name, d.Name, name, name, d.Name, header, g.codec(put, ref))
	g.printf("// Decode%s reads a message of one %s.\nfunc Decode%s(msg []byte) (%s, error) { return candid.DecodeOne(%q, &%s, msg, %s) }\n\n",
		name, d.Name, name, name, d.Name, header, g.codec(get, ref))
}

// header writes the header of messages with values of types and returns its name.
func (g *generator) header(name string, types []*did.Type) string {
	name = "header" + name
	g.printf("var %s = candid.Header{Text: %s}\n\n", name, quote(g.program.Header(types)))
	return name
}

// quote is a Go string literal of bytes, of which only printable ASCII stands for itself.
func quote(s string) string {
	var out strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			fmt.Fprintf(&out, `\x%02x`, c)
		} else {
			out.WriteByte(c)
		}
	}
	return `"` + out.String() + `"`
}

// reaches reports whether t leads to target through opt, vec and names alone, which Go
// does not allow of an alias.
func (g *generator) reaches(t, target *did.Type, seen map[*did.Type]bool) bool {
	switch {
	case t.Kind == did.Ref:
		t = g.program.Resolve(t)
	case t.Kind == did.Opt || t.Kind == did.Vec:
		t = t.Elem
	default:
		return false
	}
	if t == target {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	return g.reaches(t, target, seen)
}

// structure writes the Go struct of a record or variant and its codec.
func (g *generator) structure(s structType) {
	what := "record"
	if s.typ.Kind == did.Variant {
		what = "variant; exactly one field is set"
	}
	g.printf("// %s is a Candid %s.\ntype %s struct {\n", s.name, what, s.name)
	order := make([]int, len(s.fields)) // of the file
	for i, f := range s.typ.Fields {
		order[f.Order] = i
	}
	for _, i := range order {
		g.printf("%s %s\n", s.fields[i], g.fieldType(s, i))
	}
	g.printf("}\n\n")
	if s.typ.Kind == did.Variant {
		g.variant(s)
		return
	}
	g.printf("func put%s(e *candid.Encoder, v *%s) {\n", s.name, s.name)
	for i, f := range s.typ.Fields {
		g.printf("%s\n", g.call(put, "e, &v."+s.fields[i], f.Type))
	}
	g.printf("}\n\nfunc get%s(d *candid.Decoder, t candid.Type, v *%s) {\nr := d.Record(t)\n", s.name, s.name)
	for i, f := range s.typ.Fields {
		g.printf("%s\n", g.call(get, fmt.Sprintf("d, r.Field(%d), &v.%s", f.ID, s.fields[i]), f.Type))
	}
	g.printf("r.End()\n}\n\n")
}

func (g *generator) fieldType(s structType, i int) string {
	t := s.typ.Fields[i].Type
	switch {
	case s.typ.Kind == did.Record:
		return g.goType(t)
	case g.isNull(t):
		return "bool"
	}
	return "*" + g.goType(t)
}

func (g *generator) isNull(t *did.Type) bool {
	t = g.program.Resolve(t)
	return t.Kind == did.Primitive && t.Prim == candid.TypeNull
}

func (g *generator) variant(s structType) {
	set := func(i int) string {
		if g.isNull(s.typ.Fields[i].Type) {
			return "v." + s.fields[i]
		}
		return "v." + s.fields[i] + " != nil"
	}
	g.printf("// Tag is the Candid name of the field that is set, empty if none is.\nfunc (v %s) Tag() string {\nswitch {\n", s.name)
	for i, f := range s.typ.Fields {
		label := f.Name
		if label == "" {
			label = fmt.Sprint(f.ID)
		}
		g.printf("case %s:\nreturn %q\n", set(i), label)
	}
	g.printf("}\nreturn \"\"\n}\n\n")

	g.printf("func put%s(e *candid.Encoder, v *%s) {\n", s.name, s.name)
	variant := "e.Variant("
	payloads := 0
	for i, f := range s.typ.Fields {
		variant += set(i) + ", "
		if !g.isNull(f.Type) {
			payloads++
		}
	}
	variant += ")"
	if payloads == 0 {
		g.printf("%s\n", variant)
	} else {
		g.printf("switch %s {\n", variant)
		for i, f := range s.typ.Fields {
			if !g.isNull(f.Type) {
				g.printf("case %d:\n%s\n", i, g.call(put, "e, v."+s.fields[i], f.Type))
			}
		}
		g.printf("}\n")
	}
	g.printf("}\n\nfunc get%s(d *candid.Decoder, t candid.Type, v *%s) {\n*v = %s{}\nid, t := d.Variant(t)\nswitch id {\n", s.name, s.name, s.name)
	for i, f := range s.typ.Fields {
		g.printf("case %d:\n", f.ID)
		if g.isNull(f.Type) {
			g.printf("candid.GetTag(d, t, &v.%s)\n", s.fields[i])
		} else {
			g.printf("v.%s = new(%s)\n%s\n", s.fields[i], g.goType(f.Type), g.call(get, "d, t, v."+s.fields[i], f.Type))
		}
	}
	g.printf("default:\nd.UnknownTag()\n}\nd.EndVariant()\n}\n\n")
}
