package module

import (
	"fmt"
	"unicode/utf8"
)

// SyntaxError says where a module's bytes stop making sense, and why.
type SyntaxError struct {
	Offset int // from the start of the bytes that were read
	What   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("wasm: byte %d: %s", e.Offset, e.What) }

// reader takes values from the front of b. The first failure sticks: later reads
// return zero values, so callers check err once per item.
type reader struct {
	b    []byte
	i    int
	base int // offset of b in the whole input
	err  error
}

func (r *reader) fail(at int, format string, args ...any) {
	if r.err == nil {
		r.err = &SyntaxError{r.base + at, fmt.Sprintf(format, args...)}
		r.i = len(r.b)
	}
}

func (r *reader) left() int { return len(r.b) - r.i }

func (r *reader) u8() byte {
	if r.i >= len(r.b) {
		r.fail(r.i, "unexpected end")
		return 0
	}
	c := r.b[r.i]
	r.i++
	return c
}

// uleb reads an unsigned number of at most bits bits. Padding with zero groups is
// allowed up to the longest form, as linkers emit it.
func (r *reader) uleb(bits uint) uint64 {
	start := r.i
	var v uint64
	for shift := uint(0); shift < bits; shift += 7 {
		c := r.u8()
		if rest := bits - shift; rest < 7 && c>>rest != 0 {
			break
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail(start, "number of more than %d bits", bits)
	return 0
}

// sleb reads a signed number of at most bits bits.
func (r *reader) sleb(bits uint) int64 {
	start := r.i
	var v int64
	for shift := uint(0); shift < bits; shift += 7 {
		c := r.u8()
		if rest := bits - shift; rest < 7 {
			// The last group's unused bits must repeat the sign bit.
			top := int8(c<<1) >> rest
			if c >= 0x80 || top != 0 && top != -1 {
				break
			}
		}
		v |= int64(c&0x7f) << shift
		if c < 0x80 {
			if s := shift + 7; s < 64 && c&0x40 != 0 {
				v |= -1 << s
			}
			return v
		}
	}
	r.fail(start, "signed number of more than %d bits", bits)
	return 0
}

func (r *reader) u32() uint32 { return uint32(r.uleb(32)) }

func (r *reader) take(n int) []byte {
	if n < 0 || n > r.left() {
		r.fail(r.i, "%d bytes wanted, %d left", n, r.left())
		return nil
	}
	s := r.b[r.i : r.i+n : r.i+n]
	r.i += n
	return s
}

// count reads a vector's length: at most limit, and no more than the bytes left can
// hold at least bytes each.
func (r *reader) count(what string, limit, least int) int {
	start := r.i
	n := int(r.u32())
	if n > limit {
		r.fail(start, "%d %s: more than %d", n, what, limit)
		return 0
	}
	if n*least > r.left() {
		r.fail(start, "%d %s in %d bytes", n, what, r.left())
		return 0
	}
	return n
}

func (r *reader) name() string {
	start := r.i
	n := r.count("bytes of a name", maxName, 1)
	s := string(r.take(n))
	if !utf8.ValidString(s) {
		r.fail(start, "name is not UTF-8")
	}
	return s
}

func (r *reader) flag(what string) bool {
	c := r.u8()
	if c > 1 {
		r.fail(r.i-1, "%s %#x", what, c)
	}
	return c == 1
}

func (r *reader) valType() ValType {
	t := ValType(r.u8())
	if r.err == nil && !t.valid() {
		r.fail(r.i-1, "value type %#x", byte(t))
	}
	return t
}

func (r *reader) refType() ValType {
	t := r.valType()
	if r.err == nil && !t.IsRef() {
		r.fail(r.i-1, "%s where a reference type belongs", t)
	}
	return t
}
