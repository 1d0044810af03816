// Package jsontree reads JSON files of tokenisers strictly and without reflection, so that
// canisters can: one value, no duplicate keys in small objects, limits on size, depth and
// count, errors with the offset of what is wrong. The tree points into the file.
package jsontree

import (
	"strconv"
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

// node is a value, or the key of a member. Values stand in the order of the file: behind an
// array come its elements, behind an object its keys, each followed by its value.
type node struct {
	start, end int32 // of the value in the file; of a string, without its quotes
	after      int32 // the node behind this value and all inside it
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
	p := parser{file: file, valid: utf8.ValidString(file)}
	if err := p.read(); err != nil {
		return Value{}, err
	}
	return Value{&Tree{file, p.nodes}, 0}, nil
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
	kind := v.Kind()
	if kind != Array && kind != Object {
		return nil
	}
	t := v.t
	for n := v.n + 1; n < t.nodes[v.n].after; n = t.nodes[n].after {
		key := Value{}
		if kind == Object {
			key = Value{t, n}
			n++
		}
		if err := f(key, Value{t, n}); err != nil {
			return err
		}
	}
	return nil
}

// Items puts the first elements of an array into a list, and counts all.
func (v Value) Items(into []Value) (count int) {
	if v.Kind() != Array {
		return 0
	}
	for n := v.n + 1; n < v.t.nodes[v.n].after; n = v.t.nodes[n].after {
		if count < len(into) {
			into[count] = Value{v.t, n}
		}
		count++
	}
	return count
}

// Len counts elements or members.
func (v Value) Len() (count int) {
	_ = v.Each(func(_, _ Value) error {
		count++
		return nil
	})
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
	if v.t == nil {
		return "", false
	}
	n := &v.t.nodes[v.n]
	if n.kind != String {
		return "", false
	}
	s := v.t.file[n.start:n.end]
	if n.escaped {
		s = unescaped(s)
	}
	return s, true
}

func unescaped(s string) string {
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
	return string(b)
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
	u, digits := uint64(0), v.t.file[n.start:n.end]
	for i := range len(digits) {
		b := digits[i]
		if b < '0' || b > '9' || i >= 19 { // of which none overflows
			return 0, false
		}
		u = u*10 + uint64(b-'0')
	}
	return u, u <= limit
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
