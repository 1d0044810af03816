package wat

import "strings"

// node is an atom, a string or a list in parentheses.
type node struct {
	at    place
	text  string // of an atom; of a string, what is between the quotes
	kind  nodeKind
	items []node
}

type nodeKind byte

const (
	atom nodeKind = iota
	quoted
	list
)

// head is the first atom of a list, "" where there is none.
func (n node) head() string {
	if n.kind == list && len(n.items) > 0 && n.items[0].kind == atom {
		return n.items[0].text
	}
	return ""
}

func (n node) isAtom() bool { return n.kind == atom }

// isID reports whether the node is a name of the file, such as $next.
func (n node) isID() bool { return n.kind == atom && strings.HasPrefix(n.text, "$") }

// parser reads the one list that a file holds.
type parser struct {
	b    []byte
	i    int
	line int
	from int // where the line starts
}

func parse(b []byte) node {
	p := &parser{b: b, line: 1}
	p.space()
	if p.i == len(b) || b[p.i] != '(' {
		fail(p.at(), "a file starts with (module")
	}
	n := p.node(0)
	if p.space(); p.i < len(b) {
		fail(p.at(), "text after the module")
	}
	return n
}

func (p *parser) at() place { return place{p.line, p.i - p.from + 1} }

func (p *parser) newline() {
	p.line++
	p.from = p.i + 1
}

// space skips blanks and comments.
func (p *parser) space() {
	for p.i < len(p.b) {
		switch c := p.b[p.i]; {
		case c == '\n':
			p.newline()
			p.i++
		case c == ' ' || c == '\t' || c == '\r':
			p.i++
		case c == ';' && p.peek(1) == ';':
			for p.i < len(p.b) && p.b[p.i] != '\n' {
				p.i++
			}
		case c == '(' && p.peek(1) == ';':
			p.comment()
		default:
			return
		}
	}
}

func (p *parser) peek(k int) byte {
	if p.i+k < len(p.b) {
		return p.b[p.i+k]
	}
	return 0
}

// comment skips a comment in (; ;), which may hold others.
func (p *parser) comment() {
	at, depth := p.at(), 0
	for p.i < len(p.b) {
		switch {
		case p.b[p.i] == '(' && p.peek(1) == ';':
			depth++
			p.i += 2
		case p.b[p.i] == ';' && p.peek(1) == ')':
			depth--
			if p.i += 2; depth == 0 {
				return
			}
		default:
			if p.b[p.i] == '\n' {
				p.newline()
			}
			p.i++
		}
	}
	fail(at, "comment without its end")
}

func (p *parser) node(depth int) node {
	n := node{at: p.at()}
	switch c := p.b[p.i]; {
	case c == '(':
		if depth == maxDepth {
			fail(n.at, "more than %d parentheses inside one another", maxDepth)
		}
		n.kind = list
		p.i++
		for p.space(); p.i < len(p.b) && p.b[p.i] != ')'; p.space() {
			n.items = append(n.items, p.node(depth+1))
		}
		if p.i == len(p.b) {
			fail(n.at, "parenthesis without its end")
		}
		p.i++
	case c == '"':
		n.kind = quoted
		p.i++
		start := p.i
		for p.i < len(p.b) && p.b[p.i] != '"' {
			if c := p.b[p.i]; c < ' ' || c > '~' || c == '\\' {
				fail(p.at(), "strings hold printable ASCII without escapes")
			}
			p.i++
		}
		if p.i == len(p.b) {
			fail(n.at, "string without its end")
		}
		n.text = string(p.b[start:p.i])
		p.i++
	case atomByte(c):
		start := p.i
		for p.i < len(p.b) && atomByte(p.b[p.i]) {
			p.i++
		}
		n.text = string(p.b[start:p.i])
	default:
		fail(n.at, "unexpected %q", rune(c))
	}
	// Neighbours without a blank between them, such as 1"a", are one word elsewhere.
	if n.kind != list && p.i < len(p.b) && (p.b[p.i] == '"' || atomByte(p.b[p.i])) {
		fail(p.at(), "a blank is missing")
	}
	return n
}

func atomByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-./:<=>?@\\^_`|~", c) >= 0
}
