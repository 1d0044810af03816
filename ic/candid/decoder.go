package candid

import (
	"cmp"
	"math"
	"strconv"
	"unicode/utf8"
)

// Limits bounds what a decoder does for one message. A zero field means its default.
type Limits struct {
	Bytes int // longest message; default 16 MiB
	Depth int // nested values; default 256
	Types int // entries, and again fields, of the type table; default 10000
	Zero  int // vector elements that take no byte; default 20000
	Work  int // units of work, see below; default 65536 + 32 per byte of the message
}

// DefaultLimits are those of [NewDecoder]. They leave room for any message the Internet
// Computer carries and bound the work for a hostile one by its length: a unit is spent on
// every value that is skipped or nested, on every 8 bytes that a vector's elements or an
// option's content take in memory, on every 8 bytes of text or number passed over, and on
// every field of types compared. So what decoding allocates stays below 1 MiB and 320
// bytes per byte of the message.
var DefaultLimits = Limits{Bytes: 16 << 20, Depth: 256, Types: 10000, Zero: 20000}

func (l *Limits) setDefaults(length int) {
	l.Bytes = cmp.Or(l.Bytes, DefaultLimits.Bytes)
	l.Depth = cmp.Or(l.Depth, DefaultLimits.Depth)
	l.Types = cmp.Or(l.Types, DefaultLimits.Types)
	l.Zero = cmp.Or(l.Zero, DefaultLimits.Zero)
	l.Work = cmp.Or(l.Work, 65536+32*length)
}

// ErrorKind says whose fault a [DecodeError] is.
type ErrorKind uint8

// The kinds of decode errors.
const (
	Malformed ErrorKind = iota + 1 // not a Candid message
	Mismatch                       // a Candid message of another type than expected
	Limit                          // more than this reader takes
)

// DecodeError is the one error of decoding.
type DecodeError struct {
	Kind   ErrorKind
	What   string // what was decoded, such as "submit arguments"; may be empty
	Offset int    // bytes from the start of the message
	Text   string // what is wrong there
}

func (e *DecodeError) Error() string {
	what := e.What
	if what == "" {
		what = "candid"
	}
	return "decode " + what + ": byte " + strconv.Itoa(e.Offset) + ": " + e.Text
}

// Decoder reads one message. Its first error sticks: what is read after it is zero and
// [Decoder.Finish] returns it, so generated code need not look in between.
type Decoder struct {
	buf    []byte
	pos    int
	err    *DecodeError
	limits Limits
	depth  int // nested values that may still open
	work   int
	zero   int

	types
	tableEnd int // offset behind the type table
	next     int // argument that Arg returns next
	expected map[*Reference]*comparison
}

// types is what a message says of its types. It does not change after it is read.
type types struct {
	table  []entry
	fields []field
	names  []string
	args   []Type
}

// NewDecoder reads the type table of a message under [DefaultLimits]. Blobs in the
// decoded values are copies, so msg may be reused.
func NewDecoder(msg []byte) *Decoder { return NewDecoderLimits(msg, Limits{}) }

// NewDecoderLimits is [NewDecoder] with other limits.
func NewDecoderLimits(msg []byte, limits Limits) *Decoder {
	d := newDecoder(msg, limits)
	if limits = d.limits; len(msg) > limits.Bytes {
		d.fail(Limit, "message too long")
		return d
	}
	if len(msg) < 4 || string(msg[:4]) != "DIDL" {
		d.malformed("message does not start with DIDL")
		return d
	}
	d.pos = 4
	d.readTable()
	d.tableEnd = d.pos
	n := d.count(1, limits.Types)
	d.args = make([]Type, 0, n)
	for range n {
		d.args = append(d.args, d.readType(int32(len(d.table))))
	}
	return d
}

func newDecoder(msg []byte, limits Limits) *Decoder {
	limits.setDefaults(len(msg))
	return &Decoder{buf: msg, limits: limits, depth: limits.Depth, work: limits.Work, zero: limits.Zero}
}

// Arg is the type of the next argument, [TypeMissing] when the message has no more. The
// caller reads its value before the next Arg.
func (d *Decoder) Arg() Type {
	if d.next >= len(d.args) {
		return TypeMissing
	}
	d.next++
	return d.args[d.next-1]
}

// Finish skips arguments that nobody asked for, checks that nothing follows, and returns
// the first error of the message as a [*DecodeError] about what.
func (d *Decoder) Finish(what string) error {
	for d.next < len(d.args) && d.err == nil {
		d.skip(d.Arg())
	}
	if d.err == nil && d.pos != len(d.buf) {
		d.malformed("bytes after the last value")
	}
	if d.err == nil {
		return nil
	}
	d.err.What = what
	return d.err
}

// Err is the error that made reading stop, nil so far.
func (d *Decoder) Err() error {
	if d.err == nil {
		return nil
	}
	return d.err
}

// fail keeps the first error and cuts the message, so that loops over what is left end.
func (d *Decoder) fail(kind ErrorKind, text string) {
	if d.err == nil {
		d.err = &DecodeError{Kind: kind, Offset: d.pos, Text: text}
		d.buf = d.buf[:min(d.pos, len(d.buf))]
	}
}

func (d *Decoder) malformed(text string) { d.fail(Malformed, text) }

// mismatch reports that a value of wire type t stands where want is expected.
func (d *Decoder) mismatch(want, t Type) {
	if d.err != nil {
		return
	}
	if t == TypeEmpty {
		d.malformed("value of type empty")
		return
	}
	d.fail(Mismatch, "expected "+want.String()+", found "+d.name(t))
}

func (d *Decoder) name(t Type) string {
	if e := d.entry(t); e != nil {
		t = e.op
	}
	return t.String()
}

// Refuse fails the message with a mismatch that generated code found.
func (d *Decoder) Refuse(text string) { d.fail(Mismatch, text) }

// entry is t's line of the type table, nil for a primitive type.
func (ts *types) entry(t Type) *entry {
	if uint(t) >= uint(len(ts.table)) {
		return nil
	}
	return &ts.table[t]
}

// Spend takes n units off the work that is left, for readers that make more of a message
// than its bytes say. It reports whether the message may go on.
func (d *Decoder) Spend(n int) bool { return d.spend(n) }

// spend is [Decoder.Spend].
func (d *Decoder) spend(n int) bool {
	if d.work < n {
		d.work = 0
		d.fail(Limit, "too much work for a message of this length")
		return false
	}
	d.work -= n
	return d.err == nil
}

func (d *Decoder) enter() bool {
	d.depth--
	if d.depth < 0 {
		d.fail(Limit, "values nested too deep")
		return false
	}
	return d.spend(1)
}

func (d *Decoder) leave() { d.depth++ }

// take is the next n bytes, nil if the message is shorter.
func (d *Decoder) take(n int) []byte {
	if n > len(d.buf)-d.pos {
		d.malformed("message too short")
		return nil
	}
	b := d.buf[d.pos : d.pos+n : d.pos+n]
	d.pos += n
	return b
}

func (d *Decoder) skipBytes(n int) { d.take(n) }

func (d *Decoder) byte() byte {
	if d.pos >= len(d.buf) {
		d.malformed("message too short")
		return 0
	}
	b := d.buf[d.pos]
	d.pos++
	return b
}

// leb64 reads an unsigned LEB128 of at most 64 bits; zeros may pad it.
func (d *Decoder) leb64() uint64 {
	var v uint64
	for i, shift := d.pos, uint(0); i < len(d.buf) && shift < 63; i, shift = i+1, shift+7 {
		b := d.buf[i]
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			d.pos = i + 1
			return v
		}
	}
	n := d.leb128()
	if n.Hi != 0 {
		d.malformed("count over 64 bits")
	}
	return n.Lo
}

// leb128 reads an unsigned LEB128 of at most 128 bits; zeros may pad it.
func (d *Decoder) leb128() (n Nat) {
	for shift := uint(0); ; shift += 7 {
		b := d.byte()
		v := uint64(b & 0x7f)
		if shift > 127 && v != 0 || shift == 126 && v > 3 {
			d.malformed("nat over 128 bits")
			return Nat{}
		}
		n = n.or(v, shift)
		if b < 0x80 {
			return n
		}
	}
}

// or sets the bits of v from bit shift up.
func (a Nat) or(v uint64, shift uint) Nat {
	if shift >= 64 {
		a.Hi |= v << (shift - 64)
		return a
	}
	a.Lo |= v << shift
	a.Hi |= v >> (64 - shift)
	return a
}

// sleb128 reads a signed LEB128 of at most 128 bits; sign bits may pad it.
func (d *Decoder) sleb128() Int {
	var n Nat
	for shift := uint(0); ; shift += 7 {
		b := d.byte()
		v := uint64(b & 0x7f)
		if shift >= 126 {
			fill := uint64(0)
			if sign := n.Hi>>63 != 0; shift > 126 && sign || shift == 126 && v>>1&1 == 1 {
				fill = 0x7f
			}
			if shift == 126 && v|3 != fill|3 || shift > 126 && v != fill {
				d.malformed("int over 128 bits")
				return Int{}
			}
		}
		n = n.or(v, shift)
		if b >= 0x80 {
			continue
		}
		if shift < 121 && b&0x40 != 0 {
			n = n.or(math.MaxUint64, shift+7)
			if shift+7 < 64 {
				n.Hi = math.MaxUint64
			}
		}
		return Int{int64(n.Hi), n.Lo}
	}
}

// sleb32 reads a type opcode or index.
func (d *Decoder) sleb32() int32 {
	if d.pos < len(d.buf) && d.buf[d.pos] < 0x80 {
		d.pos++
		return int32(int8(d.buf[d.pos-1]<<1) >> 1)
	}
	n, ok := d.sleb128().Int64()
	if !ok || n != int64(int32(n)) {
		d.malformed("type over 32 bits")
		return int32(TypeEmpty)
	}
	return int32(n)
}

// count reads the number of things that take at least size bytes each, and refuses one
// that the rest of the message cannot hold or that is over most.
func (d *Decoder) count(size, most int) int {
	n := d.leb64()
	if n > uint64(len(d.buf)-d.pos)/uint64(size) {
		d.malformed("count over what the message can hold")
		return 0
	}
	if n > uint64(most) {
		d.fail(Limit, "count too large")
		return 0
	}
	return int(n)
}

// text reads a length and that many bytes of UTF-8.
func (d *Decoder) text() string {
	b := d.take(d.count(1, len(d.buf)))
	if !utf8.Valid(b) {
		d.malformed("text is not UTF-8")
		return ""
	}
	return string(b)
}
