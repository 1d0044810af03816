package did

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"assay/ic/candid"
	"assay/ic/candid/internal/lex"
)

const (
	maxSource = 1 << 20 // bytes of one file
	maxDepth  = 100     // types inside types
)

// file is one parsed file before its imports are joined.
type file struct {
	imports []imported
	defs    []Definition
	init    []Arg
	actor   *Type // a Service or a reference to one
}

type imported struct {
	path    string
	service bool
}

var primitives = map[string]candid.Type{
	"bool": candid.TypeBool, "nat": candid.TypeNat, "int": candid.TypeInt,
	"nat8": candid.TypeNat8, "nat16": candid.TypeNat16, "nat32": candid.TypeNat32, "nat64": candid.TypeNat64,
	"int8": candid.TypeInt8, "int16": candid.TypeInt16, "int32": candid.TypeInt32, "int64": candid.TypeInt64,
	"float32": candid.TypeFloat32, "float64": candid.TypeFloat64, "text": candid.TypeText,
	"null": candid.TypeNull, "reserved": candid.TypeReserved, "empty": candid.TypeEmpty,
	"principal": candid.TypePrincipal,
}

var keywords = []string{
	"blob", "composite_query", "func", "import", "null", "oneway", "opt", "principal", "query", "record",
	"service", "type", "variant", "vec",
}

type parser struct {
	tokens []lex.Token
	pos    int
	depth  int
}

func newParser(source string) (*parser, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("text of %d bytes, at most %d are read", len(source), maxSource)
	}
	tokens, err := lex.Tokens(source)
	return &parser{tokens: tokens}, err
}

func (p *parser) peek() lex.Token { return p.tokens[p.pos] }

func (p *parser) next() lex.Token {
	t := p.tokens[p.pos]
	if t.Kind != lex.EOF {
		p.pos++
	}
	return t
}

func (p *parser) accept(text string) bool {
	if !p.peek().Is(text) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(text string) error {
	if t := p.next(); !t.Is(text) {
		return t.Errorf("expected %s, found %s", text, t)
	}
	return nil
}

// list parses items separated by sep up to the closing token.
func (p *parser) list(sep, end string, item func() error) error {
	for !p.accept(end) {
		if err := item(); err != nil {
			return err
		}
		if t := p.peek(); !t.Is(end) && !p.accept(sep) {
			return t.Errorf("expected %s or %s, found %s", sep, end, t)
		}
	}
	return nil
}

func parseFile(source string) (*file, error) {
	p, err := newParser(source)
	if err != nil {
		return nil, err
	}
	f := &file{}
	for p.peek().Kind != lex.EOF {
		if err := p.definition(f); err != nil {
			return nil, err
		}
		if t := p.peek(); !p.accept(";") && t.Kind != lex.EOF {
			return nil, t.Errorf("expected ;, found %s", t)
		}
	}
	return f, nil
}

func (p *parser) definition(f *file) error {
	t := p.next()
	if f.actor != nil {
		return t.Errorf("nothing may follow the service")
	}
	switch {
	case t.Is("import"):
		i := imported{service: p.accept("service")}
		path := p.next()
		if path.Kind != lex.String {
			return path.Errorf("expected a quoted file name, found %s", path)
		}
		i.path = path.Text
		f.imports = append(f.imports, i)
		return nil
	case t.Is("type"):
		name, err := p.name()
		if err != nil {
			return err
		}
		if err := p.expect("="); err != nil {
			return err
		}
		typ, err := p.typ()
		f.defs = append(f.defs, Definition{name, typ})
		return err
	case t.Is("service"):
		return p.actor(f)
	}
	return t.Errorf("expected type, import or service, found %s", t)
}

// name takes an identifier that is neither keyword nor primitive type.
func (p *parser) name() (string, error) {
	t := p.next()
	_, primitive := primitives[t.Text]
	if t.Kind != lex.Word || primitive || slices.Contains(keywords, t.Text) {
		return "", t.Errorf("expected a name, found %s", t)
	}
	return t.Text, nil
}

func (p *parser) actor(f *file) (err error) {
	if p.peek().Kind == lex.Word {
		p.next() // the service's name is a comment
	}
	if err := p.expect(":"); err != nil {
		return err
	}
	if p.accept("(") {
		if f.init, err = p.args(); err != nil {
			return err
		}
		if err := p.expect("->"); err != nil {
			return err
		}
	}
	if p.accept("{") {
		f.actor, err = p.service()
		return err
	}
	name, err := p.name()
	f.actor = &Type{Kind: Ref, Name: name}
	return err
}

func (p *parser) service() (*Type, error) {
	s := &Type{Kind: Service}
	seen := map[string]bool{}
	return s, p.list(";", "}", func() error {
		name := p.next()
		if name.Kind != lex.Word && name.Kind != lex.String || name.Kind == lex.Word && slices.Contains(keywords, name.Text) {
			return name.Errorf("expected a method name, found %s", name)
		}
		if err := p.expect(":"); err != nil {
			return err
		}
		m := Method{Name: name.Text}
		if seen[m.Name] {
			return name.Errorf("method %s stands twice", m.Name)
		}
		seen[m.Name] = true
		var err error
		if p.peek().Is("(") {
			m.Type, err = p.function()
		} else {
			m.Type = &Type{Kind: Ref}
			m.Type.Name, err = p.name()
		}
		s.Methods = append(s.Methods, m)
		return err
	})
}

func (p *parser) function() (*Type, error) {
	s := &Signature{}
	err := p.expect("(")
	if err == nil {
		s.Args, err = p.args()
	}
	if err == nil {
		err = p.expect("->")
	}
	if err == nil {
		err = p.expect("(")
	}
	if err == nil {
		s.Results, err = p.args()
	}
	for annotated := false; ; annotated = true {
		t := p.peek()
		switch {
		case t.Is("query"):
			s.Kind = candid.Query
		case t.Is("composite_query"):
			s.Kind = candid.CompositeQuery
		case t.Is("oneway"):
			s.Oneway = true
		default:
			if s.Oneway && len(s.Results) > 0 && err == nil {
				err = t.Errorf("a oneway method has no results")
			}
			return &Type{Kind: Func, Func: s}, err
		}
		p.next()
		if annotated {
			return nil, t.Errorf("more than one annotation")
		}
	}
}

// args parses types with optional names up to the closing parenthesis.
func (p *parser) args() (args []Arg, err error) {
	err = p.list(",", ")", func() error {
		var a Arg
		if t := p.peek(); (t.Kind == lex.Word || t.Kind == lex.String) && p.tokens[p.pos+1].Is(":") {
			a.Name = t.Text
			p.pos += 2
		}
		var err error
		a.Type, err = p.typ()
		args = append(args, a)
		return err
	})
	return args, err
}

func (p *parser) typ() (*Type, error) {
	p.depth++
	defer func() { p.depth-- }()
	t := p.next()
	if p.depth > maxDepth {
		return nil, t.Errorf("types nested more than %d deep", maxDepth)
	}
	if prim, ok := primitives[t.Text]; ok && t.Kind == lex.Word {
		return &Type{Prim: prim}, nil
	}
	switch {
	case t.Is("blob"):
		return &Type{Kind: Vec, Elem: &Type{Prim: candid.TypeNat8}}, nil
	case t.Is("opt"), t.Is("vec"):
		elem, err := p.typ()
		return &Type{Kind: map[string]Kind{"opt": Opt, "vec": Vec}[t.Text], Elem: elem}, err
	case t.Is("record"), t.Is("variant"):
		return p.fields(t)
	case t.Is("func"):
		return p.function()
	case t.Is("service"):
		if err := p.expect("{"); err != nil {
			return nil, err
		}
		return p.service()
	case t.Kind == lex.Word && !slices.Contains(keywords, t.Text):
		return &Type{Kind: Ref, Name: t.Text}, nil
	}
	return nil, t.Errorf("expected a type, found %s", t)
}

func (p *parser) fields(form lex.Token) (*Type, error) {
	t := &Type{Kind: Record}
	if form.Text == "variant" {
		t.Kind = Variant
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	next := uint64(0) // id of a field without one
	err := p.list(";", "}", func() error {
		at := p.peek()
		f, id, err := p.field(t.Kind, next)
		if err != nil {
			return err
		}
		if id > 1<<32-1 {
			return at.Errorf("field id over 32 bits")
		}
		f.ID, f.Order, next = uint32(id), len(t.Fields), id+1
		t.Fields = append(t.Fields, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(t.Fields, func(a, b Field) int { return cmp.Compare(a.ID, b.ID) })
	for i := 1; i < len(t.Fields); i++ {
		if a, b := t.Fields[i-1], t.Fields[i]; a.ID == b.ID {
			return nil, form.Errorf("fields %q and %q have the same id %d", a.Name, b.Name, a.ID)
		}
	}
	return t, nil
}

// field parses one field; next is its id if it has none.
func (p *parser) field(form Kind, next uint64) (f Field, id uint64, err error) {
	t := p.peek()
	labelled := p.tokens[min(p.pos+1, len(p.tokens)-1)].Is(":")
	word := t.Kind == lex.String || t.Kind == lex.Word && !slices.Contains(keywords, t.Text)
	switch {
	case t.Kind == lex.Number && (labelled || form == Variant):
		if id, err = strconv.ParseUint(strings.ReplaceAll(t.Text, "_", ""), 0, 32); err != nil {
			return f, 0, t.Errorf("field id %s is no number below 2^32", t)
		}
	case word && (labelled || form == Variant):
		f.Name, id = t.Text, uint64(candid.FieldID(t.Text))
	case form == Record && !labelled:
		f.Type, err = p.typ()
		return f, next, err
	default:
		return f, 0, t.Errorf("expected a field, found %s (a keyword needs quotes)", t)
	}
	p.next()
	if p.accept(":") {
		f.Type, err = p.typ()
		return f, id, err
	}
	f.Type, f.Short = &Type{Prim: candid.TypeNull}, true
	return f, id, nil
}
