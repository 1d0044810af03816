package jsontree

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

type parser struct {
	file  string
	valid bool // the file is UTF-8
	nodes []node
	open  []int32 // the arrays and objects that are not closed yet
}

// due is what may come next.
type due uint8

const (
	dueValue due = iota
	dueFirst     // a value or the end of an array
	dueKey
	dueFirstKey // a key or the end of an object
	dueColon
	dueNext // a comma or an end
	dueNothing
)

var missing = [...]string{
	"no JSON value", "no JSON value", "a key is due", "a key is due", "a colon is due", "a comma or an end is due", "more after the value",
}

// read reads the whole file. It is one loop with few calls, which in a canister cost more than
// what they do.
func (p *parser) read() error {
	file, at, next, in := p.file, 0, dueValue, Null // in: what we are in, an array, an object or neither
	problem := ""
	for problem == "" {
		if at == len(file) {
			if next != dueNothing {
				problem = "the file ends where more is due"
			}
			break
		}
		b := file[at]
		if b == '"' && (next == dueValue || next == dueFirst) && in == Array || b == '"' && next == dueKey {
			// most of a file: strings in arrays, and keys
			if next == dueKey {
				next = dueColon
			} else {
				next = dueNext
			}
			if at, problem = p.text(at + 1); at < len(file) && problem == "" {
				switch {
				case next == dueColon && file[at] == ':':
					at, next = at+1, dueValue
				case next == dueNext && file[at] == ',':
					at, next = at+1, dueValue
				}
			}
			continue
		}
		switch {
		case b == ' ' || b == '\n' || b == '\t' || b == '\r':
			at++
		case next == dueNext && b == ',':
			if at, next = at+1, dueValue; in == Object {
				next = dueKey
			}
		case next == dueColon && b == ':':
			at, next = at+1, dueValue
		case in == Array && b == ']' && (next == dueNext || next == dueFirst),
			in == Object && b == '}' && (next == dueNext || next == dueFirstKey):
			at++
			if in = p.close(at); in == Null {
				next = dueNothing
			} else {
				next = dueNext
			}
		case next >= dueColon || next >= dueKey && b != '"':
			problem = missing[next]
		case len(p.open) > MaxDepth:
			problem = "nested deeper than " + strconv.Itoa(MaxDepth)
		case b == '[' || b == '{':
			if in, next = Array, dueFirst; b == '{' {
				in, next = Object, dueFirstKey
			}
			p.open = append(p.open, int32(len(p.nodes)))
			problem = p.add(in, at, at, false)
			at++
		default:
			switch {
			case next == dueKey || next == dueFirstKey:
				next = dueColon
			case in == Null:
				next = dueNothing
			default:
				next = dueNext
			}
			if b == '"' {
				at, problem = p.text(at + 1)
			} else {
				at, problem = p.scalar(at)
			}
		}
	}
	if problem != "" {
		return &Error{at, problem}
	}
	return nil
}

// close ends what is open, and says what we are in behind it.
func (p *parser) close(at int) Kind {
	last := len(p.open) - 1
	n := &p.nodes[p.open[last]]
	n.end, n.after = int32(at), int32(len(p.nodes))
	if p.open = p.open[:last]; last == 0 {
		return Null
	}
	return p.nodes[p.open[last-1]].kind
}

// add appends a node that holds no others yet.
func (p *parser) add(kind Kind, start, end int, escaped bool) (problem string) {
	if len(p.nodes) == cap(p.nodes) {
		if len(p.nodes) >= MaxNodes {
			return "more than " + strconv.Itoa(MaxNodes) + " values"
		}
		p.nodes = slices.Grow(p.nodes, len(p.nodes)+64)
	}
	p.nodes = append(p.nodes, node{int32(start), int32(end), int32(len(p.nodes) + 1), kind, escaped})
	return ""
}

// text reads a string up to its end, and returns the place behind it.
func (p *parser) text(start int) (at int, problem string) {
	at, escaped := plain(p.file, start), false
	for ; at < len(p.file) && p.file[at] == '\\'; at = plain(p.file, at) {
		_, n := unescape(p.file[at:])
		if n == 0 {
			return at, "an escape that JSON does not know"
		}
		escaped = true
		at += n
	}
	switch {
	case at == len(p.file):
		return at, "the file ends inside a string"
	case p.file[at] != '"':
		return at, "a control character in a string"
	case !p.valid && !utf8.ValidString(p.file[start:at]):
		return start, "a string that is not UTF-8"
	}
	return at + 1, p.add(String, start, at, escaped)
}

// plain is where the part of a string ends that stands for itself.
func plain(file string, at int) int {
	for at < len(file) && file[at] >= ' ' && file[at] != '"' && file[at] != '\\' {
		at++
	}
	return at
}

// scalar reads a number, a truth value or null, and returns the place behind it.
func (p *parser) scalar(start int) (at int, problem string) {
	if end := digits(p.file, start); end < len(p.file) && p.file[end] == ',' && end > start && p.file[start] != '0' {
		return end, p.add(Number, start, end, false)
	}
	rest, kind := p.file[start:], Number
	n, problem := number(rest)
	if n == 0 {
		switch {
		case strings.HasPrefix(rest, "null"):
			kind, n, problem = Null, 4, ""
		case strings.HasPrefix(rest, "true"):
			kind, n, problem = True, 4, ""
		case strings.HasPrefix(rest, "false"):
			kind, n, problem = False, 5, ""
		}
	}
	if problem != "" {
		return start + n, problem
	}
	return start + n, p.add(kind, start, start+n, false)
}

// number is the length of the number that a text begins with, or else where it goes wrong.
func number(s string) (n int, problem string) {
	if s[0] == '-' {
		n++
	}
	first := n
	if n = digits(s, n); n == first {
		return n, "no JSON value"
	}
	if s[first] == '0' {
		n = first + 1
	}
	if n < len(s) && s[n] == '.' {
		from := n + 1
		if n = digits(s, from); n == from {
			return n, "no digit behind a point"
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		if n++; n < len(s) && (s[n] == '+' || s[n] == '-') {
			n++
		}
		from := n
		if n = digits(s, from); n == from {
			return n, "no digit in an exponent"
		}
	}
	return n, ""
}

// digits is where the digits from a place on end.
func digits(s string, at int) int {
	for at < len(s) && '0' <= s[at] && s[at] <= '9' {
		at++
	}
	return at
}

func unescape(s string) (r rune, n int) {
	if len(s) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	r, ok := hex4(s)
	if !ok || 0xDC00 <= r && r < 0xE000 {
		return 0, 0
	}
	if r < 0xD800 || r >= 0xE000 {
		return r, 6
	}
	low, ok := hex4(s[6:])
	if !ok || low < 0xDC00 || low >= 0xE000 {
		return 0, 0
	}
	return 0x10000 + (r-0xD800)<<10 + low - 0xDC00, 12
}

func hex4(s string) (r rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, b := range []byte(s[2:6]) {
		i := strings.IndexByte("0123456789abcdef", b|0x20)
		if i < 0 || b < '0' {
			return 0, false
		}
		r = r<<4 | rune(i)
	}
	return r, true
}
