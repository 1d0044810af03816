package did

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/ic/candid/internal/lex"
)

// ParseTypes reads types from text: a list such as (nat, opt Job), or one type, whose
// names are those of the program.
func (p *Program) ParseTypes(source string) ([]*Type, error) {
	ps, err := newParser(source)
	if err != nil {
		return nil, err
	}
	var args []Arg
	if ps.accept("(") {
		args, err = ps.args()
	} else {
		args = make([]Arg, 1)
		args[0].Type, err = ps.typ()
	}
	if err != nil {
		return nil, err
	}
	if t := ps.peek(); t.Kind != lex.EOF {
		return nil, t.Errorf("expected the end, found %s", t)
	}
	if err := p.checkArgs(args); err != nil {
		return nil, err
	}
	types := make([]*Type, len(args))
	for i, a := range args {
		types[i] = a.Type
	}
	return types, nil
}

// Pretty is the text of a .did file with even spaces and indents. Comments and line
// breaks stay, of blank lines one. The text is not resolved, so its imports may be missing.
func Pretty(source string) (string, error) {
	if _, err := parseFile(source); err != nil {
		return "", err
	}
	var l layout
	for _, p := range pieces(source) {
		l.add(p)
	}
	pretty := strings.TrimLeft(l.out.String(), "\n")
	if pretty != "" {
		pretty += "\n"
	}
	if !sameTokens(source, pretty) {
		return "", fmt.Errorf("this text would change its meaning, so it is left as it is")
	}
	return pretty, nil
}

func sameTokens(a, b string) bool {
	s, errS := lex.Tokens(a)
	t, errT := lex.Tokens(b)
	return errS == nil && errT == nil && slices.EqualFunc(s, t, func(s, t lex.Token) bool { return s.Kind == t.Kind && s.Text == t.Text })
}

// piece is a token as written, or a comment.
type piece struct {
	text  string
	lines int // line breaks before it
}

func (p piece) comment() bool {
	return strings.HasPrefix(p.text, "//") || strings.HasPrefix(p.text, "/*")
}
func (p piece) opens() bool  { return p.text == "{" || p.text == "(" }
func (p piece) closes() bool { return p.text == "}" || p.text == ")" }

// pieces cuts text that lex has accepted.
func pieces(source string) (out []piece) {
	lines := 0
	for source != "" {
		n := pieceLength(source)
		switch {
		case source[0] == '\n':
			lines++
		case strings.IndexByte(" \t\r", source[0]) < 0:
			out = append(out, piece{strings.TrimRight(source[:n], " \t\r"), lines})
			lines = 0
		}
		source = source[n:]
	}
	return out
}

func pieceLength(s string) int {
	end := func(n int) int { return min(n, len(s)) }
	switch {
	case strings.HasPrefix(s, "//"):
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			return i
		}
		return len(s)
	case strings.HasPrefix(s, "/*"):
		for i, depth := 2, 1; i < len(s); i++ {
			switch {
			case strings.HasPrefix(s[i:], "/*"):
				depth++
				i++
			case strings.HasPrefix(s[i:], "*/"):
				if depth--; depth == 0 {
					return i + 2
				}
				i++
			}
		}
		return len(s)
	case s[0] == '"':
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return len(s)
	case strings.HasPrefix(s, "->"):
		return end(2)
	}
	word := func(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }
	n := 0
	for n < len(s) && word(s[n]) {
		n++
	}
	return max(n, 1)
}

// layout writes pieces.
type layout struct {
	out    strings.Builder
	indent int    // of the line being written
	opened []int  // for each open bracket, the indent of the line that opened it
	last   piece  // before this one
	before string // last piece that is no comment
}

func (l *layout) add(p piece) {
	if l.last.text == "" || p.lines > 0 || strings.HasPrefix(l.last.text, "//") {
		l.line(p)
	} else if l.space(p) {
		l.out.WriteByte(' ')
	}
	l.out.WriteString(p.text)
	switch {
	case p.opens():
		l.opened = append(l.opened, l.indent)
	case p.closes() && len(l.opened) > 0:
		l.opened = l.opened[:len(l.opened)-1]
	}
	if l.last = p; !p.comment() {
		l.before = p.text
	}
}

// line starts a new line for p.
func (l *layout) line(p piece) {
	l.indent = 0
	if n := len(l.opened); n > 0 {
		l.indent = l.opened[n-1]
		if !p.closes() {
			l.indent++
		}
	}
	if !p.closes() && !strings.Contains(" ; , { ( } ) ", " "+cmp.Or(l.before, ";")+" ") && !(p.opens() && l.before == ":") {
		l.indent++ // the rest of what began on the line above
	}
	l.out.WriteString(strings.Repeat("\n", max(1, min(p.lines, 2))))
	l.out.WriteString(strings.Repeat("  ", l.indent))
}

// space reports whether a space stands between the last piece and p on one line.
func (l *layout) space(p piece) bool {
	switch {
	case p.comment() || l.last.comment():
		return true
	case p.text == ";" || p.text == "," || p.text == ")" || l.last.text == "(":
		return false
	case p.text == "}":
		return l.last.text != "{"
	}
	return true
}
