package gen

import (
	"fmt"
	"strings"

	"assay/ic/candid/did"
)

// nameAll gives Go names to all definitions and to the records and variants inside them,
// which are called after the place where they stand.
func (g *generator) nameAll() error {
	for _, id := range []string{"DID", "Client", "NewClient", "Service", "Methods"} {
		g.owners[id] = "the generated " + id
	}
	g.named = g.program.Used()
	for _, d := range g.named {
		name := goName(d.Name)
		g.claim(name, "type "+d.Name)
		g.names[d.Type] = name
	}
	for _, d := range g.named {
		g.claim("Encode"+goName(d.Name), "encoder of type "+d.Name)
		g.claim("Decode"+goName(d.Name), "decoder of type "+d.Name)
		switch d.Type.Kind {
		case did.Record, did.Variant:
			g.nameStruct(d.Type, goName(d.Name))
		case did.Func, did.Service:
			g.nameReference(d.Type, goName(d.Name))
		default:
			g.nameInside(d.Type, goName(d.Name)+"Item")
		}
	}
	g.nameArgs(g.program.Init, "InitArg")
	if g.program.Service == nil {
		return g.err
	}
	g.claimCodec("Init", "the constructor", false)
	for _, m := range g.program.Service.Methods {
		method, signature := goName(m.Name), g.program.Resolve(m.Type).Func
		g.claimCodec(method, "method "+m.Name, true)
		g.nameArgs(signature.Args, method+"Arg")
		g.nameArgs(signature.Results, method+"Result")
	}
	return g.err
}

// claim reserves a Go identifier.
func (g *generator) claim(name, owner string) {
	if other, taken := g.owners[name]; taken {
		g.fail("%s and %s would both be called %s in Go", other, owner, name)
	}
	g.owners[name] = owner
}

func (g *generator) claimCodec(name, owner string, results bool) {
	for _, verb := range []string{"Encode", "Decode"} {
		g.claim(verb+name+"Args", "arguments of "+owner)
		if results {
			g.claim(verb+name+"Results", "results of "+owner)
		}
	}
}

func (g *generator) nameArgs(args []did.Arg, context string) {
	for i, a := range args {
		name := context
		if i > 0 {
			name = fmt.Sprint(context, i+1)
		}
		g.nameInside(a.Type, name)
	}
}

// nameInside names the anonymous records, variants, functions and services in t.
func (g *generator) nameInside(t *did.Type, context string) {
	switch t.Kind {
	case did.Opt, did.Vec:
		g.nameInside(t.Elem, context)
	case did.Record, did.Variant:
		g.claim(context, "a type without a name in its place")
		g.names[t] = context
		g.nameStruct(t, context)
	case did.Func, did.Service:
		g.claim("reference"+context, "a reference type without a name in its place")
		g.nameReference(t, context)
	}
}

// nameReference names the variable that keeps what references of type t have to fit.
func (g *generator) nameReference(t *did.Type, name string) {
	g.names[t] = name
	g.references = append(g.references, reference{"reference" + name, t})
}

func (g *generator) nameStruct(t *did.Type, name string) {
	s := structType{name: name, typ: t}
	at := len(g.structs)
	g.structs = append(g.structs, s)
	seen := map[string]bool{}
	for _, f := range t.Fields {
		field := goField(f)
		if t.Kind == did.Variant && field == "Tag" {
			field = "Tag_"
		}
		if seen[field] {
			g.fail("%s: two fields would both be called %s in Go", name, field)
		}
		seen[field] = true
		s.fields = append(s.fields, field)
		g.nameInside(f.Type, name+field)
	}
	g.structs[at] = s
	if t.Kind == did.Record && g.contains(t, t, map[*did.Type]bool{}) {
		g.fail("%s: a record that contains itself has no value", name)
	}
}

// contains reports whether every value of record t holds a value of target, directly.
func (g *generator) contains(t, target *did.Type, seen map[*did.Type]bool) bool {
	for _, f := range t.Fields {
		inner := g.program.Resolve(f.Type)
		if inner == target {
			return true
		}
		if inner.Kind == did.Record && !seen[inner] {
			seen[inner] = true
			if g.contains(inner, target, seen) {
				return true
			}
		}
	}
	return false
}

func goField(f did.Field) string {
	if f.Name == "" {
		return fmt.Sprintf("F%d", f.ID)
	}
	return goName(f.Name)
}

// goName is a Candid name in Go's spelling: max_price is MaxPrice. Characters that Go
// does not take become their number.
func goName(name string) string {
	var out strings.Builder
	upper := true
	for _, r := range name {
		switch {
		case r == '_':
			upper = true
			continue
		case r >= 'a' && r <= 'z' && upper:
			r -= 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9' && out.Len() > 0:
		default:
			fmt.Fprintf(&out, "X%x", r)
			upper = true
			continue
		}
		out.WriteRune(r)
		upper = false
	}
	if out.Len() == 0 {
		return "X"
	}
	return out.String()
}
