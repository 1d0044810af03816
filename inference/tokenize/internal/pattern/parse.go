package pattern

import (
	"strconv"
	"unicode/utf8"
)

// Limits on a pattern.
const (
	maxBytes  = 8 << 10
	maxDepth  = 32
	maxRepeat = 1000
	maxNodes  = 1 << 14
)

// node is a part of a pattern.
type node struct {
	kind     nodeKind
	set      *set    // one character
	text     string  // characters
	list     []*node // alternatives, or parts in a row
	min, max int     // of a repetition; max < 0 without end
	lazy     bool
	negated  bool // a look that must fail
	behind   bool // a look to the left
}

type nodeKind uint8

const (
	isText nodeKind = iota
	isSet
	isRow
	isEither
	isRepeat
	isLook
	isAtomic
	isLineStart
	isLineEnd
	isTextStart
	isTextEnd
	isTextEndOrLine
	isWordEdge
	isNotWordEdge
)

type parser struct {
	s      string
	at     int
	depth  int
	nodes  int
	folded bool // ignores case
}

func (p *parser) fail(problem string) error { return &Error{p.s, p.at, problem} }

func (p *parser) more() bool { return p.at < len(p.s) }

func (p *parser) peek() byte {
	if p.more() {
		return p.s[p.at]
	}
	return 0
}

func (p *parser) eat(prefix string) bool {
	if len(p.s)-p.at >= len(prefix) && p.s[p.at:p.at+len(prefix)] == prefix {
		p.at += len(prefix)
		return true
	}
	return false
}

func (p *parser) make(n node) (*node, error) {
	if p.nodes++; p.nodes > maxNodes {
		return nil, p.fail("too long")
	}
	return &n, nil
}

// either reads alternatives up to the end of the group.
func (p *parser) either() (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("nested too deep")
	}
	folded := p.folded
	defer func() { p.depth--; p.folded = folded }()
	var list []*node
	for {
		row, err := p.row()
		if err != nil {
			return nil, err
		}
		list = append(list, row)
		if !p.eat("|") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return p.make(node{kind: isEither, list: list})
}

func (p *parser) row() (*node, error) {
	var list []*node
	for p.more() && p.peek() != '|' && p.peek() != ')' {
		n, err := p.atom()
		if err != nil {
			return nil, err
		}
		if n == nil {
			continue
		}
		if n, err = p.repeats(n); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	if err := p.ligatures(list); err != nil {
		return nil, err
	}
	return p.make(node{kind: isRow, list: list})
}

// ligatures refuses letters in a row that one character stands for when case is ignored,
// such as ss: the reference would match that character too.
func (p *parser) ligatures(list []*node) error {
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if a.kind != isSet || b.kind != isSet || !a.set.folded || !b.set.folded {
			continue
		}
		for _, pair := range []string{"ss", "st", "ff", "fi", "fl"} {
			if a.set.has(rune(pair[0])) && b.set.has(rune(pair[1])) {
				return p.fail("ignores the case of " + pair + ", for which there are ligatures")
			}
		}
	}
	return nil
}

func (p *parser) atom() (*node, error) {
	switch c := p.peek(); c {
	case '(':
		return p.group()
	case '[':
		s, err := p.class()
		if err != nil {
			return nil, err
		}
		return p.make(node{kind: isSet, set: s.seal()})
	case '.':
		p.at++
		s := &set{negated: true}
		s.add('\n', '\n')
		return p.make(node{kind: isSet, set: s.seal()})
	case '^':
		p.at++
		return p.make(node{kind: isLineStart})
	case '$':
		p.at++
		return p.make(node{kind: isLineEnd})
	case '*', '+', '?':
		return nil, p.fail("a repetition of nothing")
	case '\\':
		return p.escape()
	}
	r, size := utf8.DecodeRuneInString(p.s[p.at:])
	p.at += size
	return p.char(r)
}

func (p *parser) char(r rune) (*node, error) {
	if !p.folded {
		return p.make(node{kind: isText, text: string(r)})
	}
	if r >= utf8.RuneSelf {
		return nil, p.fail("ignores the case of a character beyond ASCII")
	}
	s := &set{folded: true}
	s.add(r, r)
	return p.make(node{kind: isSet, set: s.seal()})
}

func (p *parser) group() (*node, error) {
	p.at++
	outer := p.folded
	n := node{kind: isRow}
	switch {
	case p.eat("?:"):
	case p.eat("?="):
		n = node{kind: isLook}
	case p.eat("?!"):
		n = node{kind: isLook, negated: true}
	case p.eat("?<="):
		n = node{kind: isLook, behind: true}
	case p.eat("?<!"):
		n = node{kind: isLook, behind: true, negated: true}
	case p.eat("?>"):
		n = node{kind: isAtomic}
	case p.eat("?i:"):
		p.folded = true
	case p.eat("?-i:"):
		p.folded = false
	case p.eat("?i)"):
		p.folded = true // to the end of the group around this
		return nil, nil
	case p.eat("?-i)"):
		p.folded = false
		return nil, nil
	case p.peek() == '?':
		return nil, p.fail("a group of a kind that is not read")
	}
	inner, err := p.either()
	if err != nil {
		return nil, err
	}
	p.folded = outer
	if !p.eat(")") {
		return nil, p.fail("a group without end")
	}
	n.list = []*node{inner}
	return p.make(n)
}

// repeats reads the repetitions behind an atom.
func (p *parser) repeats(n *node) (*node, error) {
	for p.more() {
		r := node{kind: isRepeat, list: []*node{n}}
		interval := false
		switch p.peek() {
		case '*':
			r.max = -1
			p.at++
		case '+':
			r.min, r.max = 1, -1
			p.at++
		case '?':
			r.max = 1
			p.at++
		case '{':
			if !p.interval(&r) {
				return n, nil // stands for itself
			}
			interval = true
		default:
			return n, nil
		}
		if r.min > maxRepeat || r.max > maxRepeat || r.max >= 0 && r.max < r.min {
			return nil, p.fail("a repetition out of bounds")
		}
		switch {
		case n.kind >= isLineStart || n.kind == isLook:
			return nil, p.fail("a repetition of a place")
		case p.peek() == '?' && (!interval || r.min != r.max):
			p.at++
			r.lazy = true
		}
		possessive := !interval && !r.lazy && p.eat("+")
		if n.empty() && r.max != 1 {
			return nil, p.fail("a repetition of what may be empty")
		}
		var err error
		if n, err = p.make(r); err != nil {
			return nil, err
		}
		if possessive {
			if n, err = p.make(node{kind: isAtomic, list: []*node{n}}); err != nil {
				return nil, err
			}
		}
	}
	return n, nil
}

// interval reads {n}, {n,}, {,m} or {n,m}; anything else in braces stands for itself.
func (p *parser) interval(r *node) bool {
	at := p.at + 1
	number := func() int {
		from := at
		for at < len(p.s) && '0' <= p.s[at] && p.s[at] <= '9' && at-from < 6 {
			at++
		}
		n, err := strconv.Atoi(p.s[from:at])
		if err != nil {
			return -1
		}
		return n
	}
	r.min = number()
	r.max = r.min
	if at < len(p.s) && p.s[at] == ',' {
		at++
		if r.max = number(); r.min < 0 {
			if r.max < 0 {
				return false
			}
			r.min = 0
		}
	}
	if r.min < 0 || at >= len(p.s) || p.s[at] != '}' {
		return false
	}
	p.at = at + 1
	return true
}

// empty reports whether a node can match without taking a character.
func (n *node) empty() bool {
	switch n.kind {
	case isText:
		return n.text == ""
	case isSet:
		return false
	case isRepeat:
		return n.min == 0 || n.list[0].empty()
	case isEither:
		for _, x := range n.list {
			if x.empty() {
				return true
			}
		}
		return false
	case isRow, isAtomic:
		for _, x := range n.list {
			if !x.empty() {
				return false
			}
		}
	}
	return true
}

func (p *parser) escape() (*node, error) {
	if p.at+1 >= len(p.s) {
		return nil, p.fail("a backslash at the end")
	}
	if kind := place(p.s[p.at+1]); kind != isText {
		p.at += 2
		return p.make(node{kind: kind})
	}
	s, r, err := p.escaped()
	if err != nil {
		return nil, err
	}
	if s != nil {
		return p.make(node{kind: isSet, set: s.seal()})
	}
	return p.char(r)
}

// place is what an escape of that letter anchors to; none is isText.
func place(c byte) nodeKind {
	switch c {
	case 'A':
		return isTextStart
	case 'z':
		return isTextEnd
	case 'Z':
		return isTextEndOrLine
	case 'b':
		return isWordEdge
	case 'B':
		return isNotWordEdge
	}
	return isText
}
