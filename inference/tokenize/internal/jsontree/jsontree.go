// Package jsontree reads JSON files of tokenisers strictly and without reflection, so that
// canisters can: one value, no duplicate keys in small objects, limits on size, depth and
// count, errors with the offset of what is wrong. The tree points into the file.
package jsontree

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits on a file.
const (
	MaxBytes = 128 << 20
	MaxDepth = 64
	MaxNodes = 8 << 20
)

// Kind is what a value is.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	False
	True
	Number
	String
	Array
	Object
)

// Error says what is wrong with a file and where.
type Error struct {
	Offset  int
	Problem string
}

func (e *Error) Error() string { return "offset " + strconv.Itoa(e.Offset) + ": " + e.Problem }

type node struct {
	start, end int32 // of the value in the file; of a string, without its quotes
	next       int32 // the next element or member, -1 at the end
	child      int32 // the first element; of a member's key, its value; -1 without
	kind       Kind
	escaped    bool
}

// Tree is a file that was read. It keeps the file.
type Tree struct {
	file  string
	nodes []node
}

// Value is one value of a tree. The zero value stands for one that is not there.
type Value struct {
	t *Tree
	n int32
}

// Parse reads a file that holds one JSON value.
func Parse(file string) (Value, error) {
	if len(file) > MaxBytes {
		return Value{}, &Error{0, strconv.Itoa(len(file)) + " bytes, at most " + strconv.Itoa(MaxBytes) + " are read"}
	}
	p := parser{t: &Tree{file: file}}
	p.space()
	root, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	if p.space(); p.at != len(file) {
		return Value{}, p.fail("more after the value")
	}
	return Value{p.t, root}, nil
}

type parser struct {
	t  *Tree
	at int
}

func (p *parser) fail(problem string) error { return &Error{p.at, problem} }

func (p *parser) space() {
	for p.at < len(p.t.file) {
		switch p.t.file[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// skip passes over a byte that may stand here, and white space behind it.
func (p *parser) skip(b byte) bool {
	if p.at < len(p.t.file) && p.t.file[p.at] == b {
		p.at++
		p.space()
		return true
	}
	return false
}

func (p *parser) add(n node) (int32, error) {
	if len(p.t.nodes) >= MaxNodes {
		return 0, p.fail("more than " + strconv.Itoa(MaxNodes) + " values")
	}
	n.next = -1
	p.t.nodes = append(p.t.nodes, n)
	return int32(len(p.t.nodes) - 1), nil
}

func (p *parser) value(depth int) (int32, error) {
	if depth > MaxDepth {
		return 0, p.fail("nested deeper than " + strconv.Itoa(MaxDepth))
	}
	if p.at >= len(p.t.file) {
		return 0, p.fail("the file ends where a value is due")
	}
	start := int32(p.at)
	rest := p.t.file[p.at:]
	switch {
	case rest[0] == '"':
		return p.str()
	case rest[0] == '{':
		return p.list(depth, '}', Object)
	case rest[0] == '[':
		return p.list(depth, ']', Array)
	case strings.HasPrefix(rest, "null"):
		p.at += 4
		return p.add(node{start: start, end: int32(p.at), child: -1, kind: Null})
	case strings.HasPrefix(rest, "true"):
		p.at += 4
		return p.add(node{start: start, end: int32(p.at), child: -1, kind: True})
	case strings.HasPrefix(rest, "false"):
		p.at += 5
		return p.add(node{start: start, end: int32(p.at), child: -1, kind: False})
	}
	return p.number()
}

func (p *parser) digits() bool {
	from := p.at
	for p.at < len(p.t.file) && '0' <= p.t.file[p.at] && p.t.file[p.at] <= '9' {
		p.at++
	}
	return p.at > from
}

func (p *parser) one(set string) bool {
	if p.at < len(p.t.file) && strings.IndexByte(set, p.t.file[p.at]) >= 0 {
		p.at++
		return true
	}
	return false
}

func (p *parser) number() (int32, error) {
	start := p.at
	p.one("-")
	if p.at < len(p.t.file) && p.t.file[p.at] == '0' {
		p.at++
	} else if !p.digits() {
		return 0, p.fail("no JSON value")
	}
	if p.one(".") && !p.digits() {
		return 0, p.fail("no digit behind a point")
	}
	if p.one("eE") {
		p.one("+-")
		if !p.digits() {
			return 0, p.fail("no digit in an exponent")
		}
	}
	return p.add(node{start: int32(start), end: int32(p.at), child: -1, kind: Number})
}

func (p *parser) str() (int32, error) {
	p.at++
	n := node{start: int32(p.at), child: -1, kind: String}
	for p.at < len(p.t.file) {
		switch b := p.t.file[p.at]; {
		case b == '"':
			n.end = int32(p.at)
			p.at++
			if !utf8.ValidString(p.t.file[n.start:n.end]) {
				return 0, &Error{int(n.start), "a string that is not UTF-8"}
			}
			return p.add(n)
		case b == '\\':
			n.escaped = true
			if err := p.escape(); err != nil {
				return 0, err
			}
		case b < ' ':
			return 0, p.fail("a control character in a string")
		default:
			p.at++
		}
	}
	return 0, p.fail("the file ends inside a string")
}

// escape passes over one escape, or over two that make a pair of surrogates.
func (p *parser) escape() error {
	_, n := unescape(p.t.file[p.at:])
	if n == 0 {
		return p.fail("an escape that JSON does not know")
	}
	p.at += n
	return nil
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

// list reads the elements of an array or, each behind its key, those of an object.
func (p *parser) list(depth int, end byte, kind Kind) (int32, error) {
	self, err := p.add(node{start: int32(p.at), child: -1, kind: kind})
	if err != nil {
		return 0, err
	}
	p.at++
	p.space()
	last := int32(-1)
	for first := true; !p.skip(end); first = false {
		if !first && !p.skip(',') {
			return 0, p.fail("a comma or " + string(rune(end)) + " is due")
		}
		item, err := p.item(depth, kind)
		if err != nil {
			return 0, err
		}
		if last < 0 {
			p.t.nodes[self].child = item
		} else {
			p.t.nodes[last].next = item
		}
		last = item
		p.space()
	}
	p.t.nodes[self].end = int32(p.at)
	return self, nil
}

func (p *parser) item(depth int, kind Kind) (int32, error) {
	if kind == Array {
		return p.value(depth + 1)
	}
	if p.at >= len(p.t.file) || p.t.file[p.at] != '"' {
		return 0, p.fail("a key is due")
	}
	key, err := p.str()
	if err != nil {
		return 0, err
	}
	p.space()
	if !p.skip(':') {
		return 0, p.fail("a colon is due")
	}
	value, err := p.value(depth + 1)
	if err != nil {
		return 0, err
	}
	p.t.nodes[key].child = value
	return key, nil
}

// Exists reports whether the value is there; null is.
func (v Value) Exists() bool { return v.t != nil }

// Kind is what the value is, [Null] for one that is not there.
func (v Value) Kind() Kind {
	if v.t == nil {
		return Null
	}
	return v.t.nodes[v.n].kind
}

// Offset is where the value begins in the file.
func (v Value) Offset() int {
	if v.t == nil {
		return 0
	}
	return int(v.t.nodes[v.n].start)
}

// Fail is an error about this value.
func (v Value) Fail(problem string) error { return &Error{v.Offset(), problem} }

// Each calls f for each element of an array, or each member of an object with its key,
// until f returns an error.
func (v Value) Each(f func(key, value Value) error) error {
	if v.Kind() != Array && v.Kind() != Object {
		return nil
	}
	for n := v.t.nodes[v.n].child; n >= 0; n = v.t.nodes[n].next {
		key, value := Value{}, Value{v.t, n}
		if v.Kind() == Object {
			key, value = value, Value{v.t, v.t.nodes[n].child}
		}
		if err := f(key, value); err != nil {
			return err
		}
	}
	return nil
}

// Len counts elements or members.
func (v Value) Len() (count int) {
	if v.Kind() == Array || v.Kind() == Object {
		for n := v.t.nodes[v.n].child; n >= 0; n = v.t.nodes[n].next {
			count++
		}
	}
	return count
}

// Get is a member of an object. It fails when the object has the key twice.
func (v Value) Get(key string) (found Value, err error) {
	if v.Kind() != Object {
		return Value{}, nil
	}
	err = v.Each(func(k, member Value) error {
		if s, _ := k.Text(); s != key {
			return nil
		}
		if found.Exists() {
			return k.Fail("the key " + strconv.Quote(key) + " stands here a second time")
		}
		found = member
		return nil
	})
	return found, err
}

// Text is the text of a string.
func (v Value) Text() (string, bool) {
	if v.Kind() != String {
		return "", false
	}
	n := v.t.nodes[v.n]
	s := v.t.file[n.start:n.end]
	if !n.escaped {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for len(s) > 0 {
		if s[0] != '\\' {
			b = append(b, s[0])
			s = s[1:]
			continue
		}
		r, size := unescape(s)
		b = utf8.AppendRune(b, r)
		s = s[size:]
	}
	return string(b), true
}

// Bool is a truth value.
func (v Value) Bool() (value, ok bool) {
	k := v.Kind()
	return k == True, k == True || k == False
}

// Uint is a number from zero to max without a fraction.
func (v Value) Uint(limit uint64) (uint64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	n := v.t.nodes[v.n]
	u, err := strconv.ParseUint(v.t.file[n.start:n.end], 10, 64)
	return u, err == nil && u <= limit
}

// Float is the float64 nearest to a number.
func (v Value) Float() (float64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	n := v.t.nodes[v.n]
	f, err := strconv.ParseFloat(v.t.file[n.start:n.end], 64)
	return f, err == nil
}
