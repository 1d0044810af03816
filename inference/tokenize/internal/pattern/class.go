package pattern

import (
	"strconv"
	"unicode/utf8"

	"assay/inference/tokenize/internal/ucd"
)

// escaped reads an escape that stands for a set, or else for a character.
func (p *parser) escaped() (*set, rune, error) {
	c := p.s[p.at+1]
	p.at += 2
	upper := c < 'a'
	switch c {
	case 's', 'S':
		return &set{properties: ucd.ReSpace, negated: upper}, 0, nil
	case 'w', 'W':
		return &set{properties: ucd.ReWord, negated: upper}, 0, nil
	case 'd', 'D':
		return &set{categories: 1 << ucd.Nd, negated: upper}, 0, nil
	case 'h', 'H':
		return &set{ranges: []runes{{'0', '9'}, {'a', 'f'}, {'A', 'F'}}, negated: upper}, 0, nil
	case 'p', 'P':
		s, err := p.property(upper)
		return s, 0, err
	case 'n':
		return nil, '\n', nil
	case 'r':
		return nil, '\r', nil
	case 't':
		return nil, '\t', nil
	case 'f':
		return nil, '\f', nil
	case 'v':
		return nil, '\v', nil
	case 'a':
		return nil, '\a', nil
	case 'e':
		return nil, 0x1b, nil
	case 'x':
		return p.hex()
	case 'u':
		return p.hexDigits(4, 4)
	}
	if c >= utf8.RuneSelf || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
		return nil, 0, p.fail("an escape that is not read")
	}
	return nil, rune(c), nil
}

func (p *parser) hex() (*set, rune, error) {
	if !p.eat("{") {
		s, r, err := p.hexDigits(1, 2)
		if err == nil && r >= utf8.RuneSelf {
			err = p.fail("a byte beyond ASCII")
		}
		return s, r, err
	}
	s, r, err := p.hexDigits(1, 8)
	if err == nil && !p.eat("}") {
		err = p.fail("a hexadecimal number without end")
	}
	return s, r, err
}

func (p *parser) hexDigits(least, most int) (*set, rune, error) {
	from := p.at
	for p.at < len(p.s) && p.at-from < most {
		if _, err := strconv.ParseUint(p.s[p.at:p.at+1], 16, 8); err != nil {
			break
		}
		p.at++
	}
	v, err := strconv.ParseUint(p.s[from:p.at], 16, 32)
	if err != nil || p.at-from < least || v > utf8.MaxRune || !utf8.ValidRune(rune(v)) {
		return nil, 0, p.fail("a hexadecimal number that is no character")
	}
	return nil, rune(v), nil
}

func (p *parser) property(negated bool) (*set, error) {
	if !p.eat("{") {
		return nil, p.fail("a property without braces")
	}
	if p.eat("^") {
		negated = !negated
	}
	from := p.at
	for p.more() && p.peek() != '}' {
		p.at++
	}
	name := short(p.s[from:p.at])
	if !p.eat("}") {
		return nil, p.fail("a property without end")
	}
	if c, ok := ucd.Categories(name); ok {
		return &set{categories: c, negated: negated}, nil
	}
	if s, ok := ucd.ScriptRanges(name); ok {
		return &set{scripts: []string{s}, negated: negated}, nil
	}
	return nil, p.fail("the property " + strconv.Quote(name) + " is not known")
}

// short is the name of two letters or one of a category.
func short(name string) string {
	switch name {
	case "Letter":
		return "L"
	case "Mark":
		return "M"
	case "Number":
		return "N"
	case "Punctuation":
		return "P"
	case "Symbol":
		return "S"
	case "Separator":
		return "Z"
	case "Other":
		return "C"
	case "Uppercase_Letter":
		return "Lu"
	case "Lowercase_Letter":
		return "Ll"
	case "Decimal_Number":
		return "Nd"
	}
	return name
}

// class reads a bracket expression, its brackets included.
func (p *parser) class() (*set, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("nested too deep")
	}
	defer func() { p.depth-- }()
	p.at++
	s := &set{folded: p.folded}
	negated := p.eat("^")
	for first := true; ; first = false {
		if !p.more() {
			return nil, p.fail("a bracket without end")
		}
		if p.peek() == ']' && !first {
			p.at++
			break
		}
		if p.eat("&&") {
			rest, err := p.cut()
			if err != nil {
				return nil, err
			}
			s.cut = append(s.cut, rest)
			break
		}
		if err := p.member(s); err != nil {
			return nil, err
		}
	}
	s.negated = negated
	return s, nil
}

// cut reads what stands behind && up to the closing bracket.
func (p *parser) cut() (*set, error) {
	p.at--
	s := p.s[:p.at] + "[" + p.s[p.at+1:]
	whole := p.s
	p.s = s
	rest, err := p.class()
	p.s = whole
	return rest, err
}

func (p *parser) member(s *set) error {
	if p.peek() == '[' {
		if p.at+1 < len(p.s) && p.s[p.at+1] == ':' {
			return p.fail("a named bracket is not read")
		}
		nested, err := p.class()
		if err != nil {
			return err
		}
		s.nested = append(s.nested, nested)
		return nil
	}
	nested, first, err := p.end()
	if err != nil {
		return err
	}
	if nested != nil {
		s.nested = append(s.nested, nested)
		return nil
	}
	if p.peek() != '-' || p.at+1 >= len(p.s) || p.s[p.at+1] == ']' {
		return p.pair(s, first, first)
	}
	p.at++
	nested, last, err := p.end()
	switch {
	case err != nil:
		return err
	case nested != nil || last < first:
		return p.fail("a range without order")
	}
	return p.pair(s, first, last)
}

func (p *parser) pair(s *set, first, last rune) error {
	if s.folded && last >= utf8.RuneSelf {
		return p.fail("ignores the case of a character beyond ASCII")
	}
	s.add(first, last)
	return nil
}

// numerals are left out: \w has them outside brackets alone, as in the reference.
var numerals = &set{ranges: []runes{{0xB2, 0xB3}, {0xB9, 0xB9}, {0xBC, 0xBE}}, negated: true}

// end reads one end of a range, or an escape that stands for a set.
func (p *parser) end() (*set, rune, error) {
	if p.peek() == '\\' {
		if p.at+1 >= len(p.s) {
			return nil, 0, p.fail("a backslash at the end")
		}
		if p.s[p.at+1] == 'b' {
			p.at += 2
			return nil, '\b', nil
		}
		nested, r, err := p.escaped()
		if nested != nil && nested.properties == ucd.ReWord {
			nested.cut = append(nested.cut, numerals)
		}
		return nested, r, err
	}
	r, size := utf8.DecodeRuneInString(p.s[p.at:])
	p.at += size
	return nil, r, nil
}
