package did

import (
	"fmt"
	"slices"
	"strings"

	"assay/ic/candid"
)

// Format prints the program as one .did file without imports: the file's own types, the
// imported ones that they or the service use, and the service.
func (p *Program) Format() string {
	var out strings.Builder
	for _, d := range p.Used() {
		fmt.Fprintf(&out, "type %s = %s;\n", d.Name, TypeText(d.Type))
	}
	if p.Service == nil {
		return out.String()
	}
	out.WriteString("service : ")
	if len(p.Init) > 0 {
		fmt.Fprintf(&out, "(%s) -> ", argsText(p.Init))
	}
	out.WriteString("{\n")
	for _, m := range p.Service.Methods {
		fmt.Fprintf(&out, "  %s;\n", methodText(m))
	}
	out.WriteString("}\n")
	return out.String()
}

// Used is the definitions that the program needs: imported ones in use, then its own.
func (p *Program) Used() []Definition {
	used := map[string]bool{}
	for _, d := range p.Defs {
		p.mark(d.Type, used)
	}
	p.markArgs(p.Init, used)
	if p.Service != nil {
		p.mark(p.Service, used)
	}
	imported := slices.DeleteFunc(slices.Clone(p.Imported), func(d Definition) bool { return !used[d.Name] })
	return append(imported, p.Defs...)
}

func (p *Program) mark(t *Type, used map[string]bool) {
	switch t.Kind {
	case Ref:
		if !used[t.Name] {
			used[t.Name] = true
			p.mark(p.types[t.Name], used)
		}
	case Opt, Vec:
		p.mark(t.Elem, used)
	case Record, Variant:
		for _, f := range t.Fields {
			p.mark(f.Type, used)
		}
	case Func:
		p.markArgs(t.Func.Args, used)
		p.markArgs(t.Func.Results, used)
	case Service:
		for _, m := range t.Methods {
			p.mark(m.Type, used)
		}
	}
}

func (p *Program) markArgs(args []Arg, used map[string]bool) {
	for _, a := range args {
		p.mark(a.Type, used)
	}
}

// TypeText prints a type on one line.
func TypeText(t *Type) string {
	switch t.Kind {
	case Primitive:
		return t.Prim.String()
	case Ref:
		return t.Name
	case Opt:
		return "opt " + TypeText(t.Elem)
	case Vec:
		if t.Elem.Kind == Primitive && t.Elem.Prim == candid.TypeNat8 {
			return "blob"
		}
		return "vec " + TypeText(t.Elem)
	case Func:
		return "func " + signatureText(t.Func)
	case Service:
		parts := make([]string, len(t.Methods))
		for i, m := range t.Methods {
			parts[i] = methodText(m)
		}
		return braces("service", parts)
	}
	form := "record"
	if t.Kind == Variant {
		form = "variant"
	}
	tuple := t.Kind == Record && Tuple(t.Fields)
	var parts []string
	for _, f := range Written(t.Fields) {
		parts = append(parts, fieldText(f, tuple))
	}
	return braces(form, parts)
}

func braces(form string, parts []string) string {
	if len(parts) == 0 {
		return form + " {}"
	}
	return form + " { " + strings.Join(parts, "; ") + " }"
}

func fieldText(f Field, tuple bool) string {
	label := FieldName(f)
	switch {
	case tuple:
		return TypeText(f.Type)
	case f.Short:
		return label
	}
	return label + " : " + TypeText(f.Type)
}

// FieldName is the label of a field in Candid text: its name, in quotes where that is no
// plain identifier, or its number.
func FieldName(f Field) string {
	if f.Name == "" {
		return fmt.Sprint(f.ID)
	}
	return NameText(f.Name)
}

// NameText is a name as it stands in Candid text, in quotes if it is no plain identifier.
func NameText(name string) string {
	plain := name != "" && !slices.Contains(keywords, name)
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z'
		plain = plain && (letter || i > 0 && c >= '0' && c <= '9')
	}
	if plain {
		return name
	}
	return Quote(name)
}

// Quote is s as a Candid string literal; bytes that are no UTF-8 become \hh.
func Quote(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\uFFFD' && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&out, `\%02x`, s[i])
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&out, `\%02x`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

func methodText(m Method) string {
	if m.Type.Kind == Func {
		return NameText(m.Name) + " : " + signatureText(m.Type.Func)
	}
	return NameText(m.Name) + " : " + m.Type.Name
}

func signatureText(s *Signature) string {
	text := "(" + argsText(s.Args) + ") -> (" + argsText(s.Results) + ")"
	switch {
	case s.Oneway:
		return text + " oneway"
	case s.Kind != candid.Update:
		return text + " " + s.Kind.String()
	}
	return text
}

func argsText(args []Arg) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = TypeText(a.Type)
		if a.Name != "" {
			parts[i] = NameText(a.Name) + " : " + parts[i]
		}
	}
	return strings.Join(parts, ", ")
}
