package text

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"assay/ic/candid"
	"assay/ic/candid/internal/lex"
	"assay/ic/principal"
)

const (
	maxSource = 8 << 20 // bytes of text
	maxDepth  = 200     // values inside values
	maxDigits = 10_000  // of one number
)

// Parse reads Candid text: values between parentheses, or one value without.
func Parse(source string) ([]Value, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("text of %d bytes, at most %d are read", len(source), maxSource)
	}
	tokens, err := lex.Tokens(source)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	var values []Value
	if p.peek().Is("(") {
		values, err = p.arguments()
	} else {
		var v Value
		v, err = p.value()
		values = []Value{v}
	}
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.Kind != lex.EOF {
		return nil, t.Errorf("expected the end, found %s", t)
	}
	return values, nil
}

type parser struct {
	tokens []lex.Token
	pos    int
	depth  int
}

func (p *parser) peek() lex.Token { return p.tokens[p.pos] }

func (p *parser) next() lex.Token {
	t := p.tokens[p.pos]
	if t.Kind != lex.EOF {
		p.pos++
	}
	return t
}

func (p *parser) expect(text string) error {
	if t := p.next(); !t.Is(text) {
		return t.Errorf("expected %s, found %s", text, t)
	}
	return nil
}

// arguments parses ( value, … ). A single value in parentheses is also one argument.
func (p *parser) arguments() (values []Value, err error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	for !p.peek().Is(")") {
		v, err := p.annotated()
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		if !p.peek().Is(")") {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
	}
	return values, p.expect(")")
}

// annotated parses value or value : type, where the type is that of a number.
func (p *parser) annotated() (Value, error) {
	v, err := p.value()
	if err != nil || !p.peek().Is(":") {
		return v, err
	}
	p.next()
	name := p.next()
	for t := candid.TypeNull; t >= candid.TypeEmpty; t-- {
		if name.Is(t.String()) {
			if fitted := fitPrimitive(t, v); fitted != nil {
				return fitted, nil
			}
			return nil, name.Errorf("%s is no %s", short(v), name)
		}
	}
	return nil, name.Errorf("expected the name of a primitive type, found %s", name)
}

func (p *parser) value() (Value, error) {
	p.depth++
	defer func() { p.depth-- }()
	t := p.next()
	if p.depth > maxDepth {
		return nil, t.Errorf("values nested more than %d deep", maxDepth)
	}
	switch t.Kind {
	case lex.String:
		return Text(t.Text), utf8Error(t)
	case lex.Number:
		return number(t, "")
	case lex.Word:
		return p.word(t)
	}
	switch t.Text {
	case "(":
		v, err := p.annotated()
		if err != nil {
			return nil, err
		}
		return v, p.expect(")")
	case "-", "+":
		n := p.next()
		if n.Is("inf") {
			return word(n, t.Text)
		}
		return number(n, t.Text)
	}
	return nil, t.Errorf("expected a value, found %s", t)
}

func utf8Error(t lex.Token) error {
	if strings.ToValidUTF8(t.Text, "") != t.Text {
		return t.Errorf("text is not UTF-8")
	}
	return nil
}

func (p *parser) word(t lex.Token) (Value, error) {
	switch t.Text {
	case "opt":
		v, err := p.value()
		return Opt{v}, err
	case "vec":
		return p.vec()
	case "record":
		return p.record()
	case "variant":
		return p.variant()
	case "blob":
		s, err := p.quoted()
		return Blob(s), err
	case "principal", "service", "func":
		return p.reference(t)
	}
	return word(t, "")
}

func word(t lex.Token, sign string) (Value, error) {
	switch t.Text {
	case "null":
		return Null{}, nil
	case "true", "false":
		return Bool(t.Text == "true"), nil
	case "nan":
		return Float{V: math.NaN()}, nil
	case "inf":
		s := 1
		if sign == "-" {
			s = -1
		}
		return Float{V: math.Inf(s)}, nil
	}
	return nil, t.Errorf("expected a value, found %s", t)
}

// number reads a literal; one with a fraction or exponent is a float.
func number(t lex.Token, sign string) (Value, error) {
	digits := strings.ReplaceAll(t.Text, "_", "")
	hexadecimal := strings.HasPrefix(strings.ToLower(digits), "0x")
	if t.Kind != lex.Number || len(digits) > maxDigits {
		return nil, t.Errorf("expected a number of at most %d digits, found %s", maxDigits, t)
	}
	if !hexadecimal && strings.ContainsAny(digits, ".eE") {
		f, err := strconv.ParseFloat(sign+digits, 64)
		if err != nil {
			return nil, t.Errorf("%s is no float64", t)
		}
		return Float{V: f}, nil
	}
	base := 10
	if hexadecimal {
		digits, base = digits[2:], 16
	}
	n, ok := new(big.Int).SetString(sign+digits, base)
	if !ok {
		return nil, t.Errorf("%s is no number", t)
	}
	return Number{N: n}, nil
}

func (p *parser) quoted() (string, error) {
	t := p.next()
	if t.Kind != lex.String {
		return "", t.Errorf("expected a quoted string, found %s", t)
	}
	return t.Text, nil
}

// items parses { item; … }.
func (p *parser) items(item func() error) error {
	if err := p.expect("{"); err != nil {
		return err
	}
	for !p.peek().Is("}") {
		if err := item(); err != nil {
			return err
		}
		if t := p.peek(); !t.Is("}") {
			if err := p.expect(";"); err != nil {
				return err
			}
		}
	}
	return p.expect("}")
}

func (p *parser) vec() (Value, error) {
	v := Vec{}
	err := p.items(func() error {
		x, err := p.annotated()
		v = append(v, x)
		return err
	})
	return v, err
}

func (p *parser) record() (Value, error) {
	r := Record{}
	next := uint64(0) // id of a field without one
	seen := map[uint32]bool{}
	err := p.items(func() error {
		at := p.peek()
		f, labelled, err := p.label()
		if err != nil {
			return err
		}
		if !labelled {
			if next > math.MaxUint32 {
				return at.Errorf("field id over 32 bits")
			}
			f = Field{ID: uint32(next)}
		}
		next = uint64(f.ID) + 1
		f.V, err = p.annotated()
		if seen[f.ID] {
			return at.Errorf("field %s stands twice", label(f))
		}
		seen[f.ID] = true
		r = append(r, f)
		return err
	})
	slices.SortFunc(r, func(a, b Field) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return r, err
}

// label parses `name =` or `number =` if that is what follows.
func (p *parser) label() (f Field, ok bool, err error) {
	t := p.peek()
	if t.Kind == lex.EOF || !p.tokens[p.pos+1].Is("=") {
		return f, false, nil
	}
	f, err = field(t)
	p.pos += 2
	return f, true, err
}

func field(t lex.Token) (Field, error) {
	switch t.Kind {
	case lex.Word, lex.String:
		return Field{ID: candid.FieldID(t.Text), Name: t.Text}, nil
	case lex.Number:
		id, err := strconv.ParseUint(strings.ReplaceAll(t.Text, "_", ""), 0, 32)
		if err != nil {
			return Field{}, t.Errorf("field id %s is no number below 2^32", t)
		}
		return Field{ID: uint32(id)}, nil
	}
	return Field{}, t.Errorf("expected a field, found %s", t)
}

func (p *parser) variant() (Value, error) {
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	t := p.next()
	f, err := field(t)
	if err != nil {
		return nil, err
	}
	f.V = Null{}
	if p.peek().Is("=") {
		p.next()
		if f.V, err = p.annotated(); err != nil {
			return nil, err
		}
	}
	if p.peek().Is(";") {
		p.next()
	}
	return Variant(f), p.expect("}")
}

func (p *parser) reference(form lex.Token) (Value, error) {
	s, err := p.quoted()
	if err != nil {
		return nil, err
	}
	id, err := principal.Parse(s)
	if err != nil {
		return nil, form.Errorf("%v", err)
	}
	switch form.Text {
	case "principal":
		return Principal(id), nil
	case "service":
		return Service(id), nil
	}
	if err := p.expect("."); err != nil {
		return nil, err
	}
	name := p.next()
	if name.Kind != lex.Word && name.Kind != lex.String {
		return nil, name.Errorf("expected a method name, found %s", name)
	}
	return Func(candid.Func{Service: id, Method: name.Text}), nil
}
