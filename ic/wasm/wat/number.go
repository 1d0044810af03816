package wat

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// digits splits a number into sign, digits without underscores, and base.
func digits(n node) (negative bool, text string, base int) {
	s := n.text
	if n.kind != atom {
		fail(n.at, "a number is missing")
	}
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative, s = s[0] == '-', s[1:]
	}
	base = 10
	if rest, ok := strings.CutPrefix(s, "0x"); ok {
		base, s = 16, rest
	}
	for i := range len(s) {
		// An underscore stands between two digits.
		if s[i] == '_' && (i == 0 || i == len(s)-1 || !isHex(s[i-1]) || !isHex(s[i+1])) {
			fail(n.at, "%s is not a number", n.text)
		}
	}
	return negative, strings.ReplaceAll(s, "_", ""), base
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// unsigned reads a number without sign below 2^bits.
func unsigned(n node, bits int) uint64 {
	_, text, base := digits(n)
	v, err := strconv.ParseUint(text, base, bits)
	if err != nil || strings.ContainsAny(n.text[:1], "+-") {
		fail(n.at, "%q is not a number below 2^%d", n.text, bits)
	}
	return v
}

// integer reads a constant from -2^(bits-1) to 2^bits-1 and returns its bits, which
// sign-extend a negative one.
func integer(n node, bits int) uint64 {
	negative, text, base := digits(n)
	v, err := strconv.ParseUint(text, base, bits)
	if err != nil || negative && v > 1<<(bits-1) {
		fail(n.at, "%q is not an integer of %d bits", n.text, bits)
	}
	if negative {
		v = -v
	}
	return v
}

// float reads a decimal or hexadecimal constant, inf or nan and returns its bits.
func float(n node, bits int) uint64 {
	negative, text, base := digits(n)
	quiet := uint64(0x7fc00000)
	if bits == 64 {
		quiet = math.Float64bits(math.NaN()) &^ 1
	}
	var v uint64
	switch {
	case text == "nan" && base == 10:
		v = quiet
	case text == "inf" && base == 10:
		v = floatBits(math.Inf(1), bits)
	default:
		if base == 16 {
			text = "0x" + text
			if !strings.ContainsAny(text, "pP") {
				text += "p0"
			}
		}
		f, err := strconv.ParseFloat(text, bits)
		// Go also reads words and signs of its own.
		if err != nil || text == "" || !isHex(text[0]) || base == 10 && strings.ContainsAny(text, "xXnN") {
			fail(n.at, "%q is not a float of %d bits", n.text, bits)
		}
		v = floatBits(f, bits)
	}
	if negative {
		v |= 1 << (bits - 1)
	}
	return v
}

func floatBits(f float64, bits int) uint64 {
	if bits == 32 {
		return uint64(math.Float32bits(float32(f)))
	}
	return math.Float64bits(f)
}

// shapes are the ways to write a vector constant: bytes of a lane and how to read one.
var shapes = map[string]struct {
	bytes int
	read  func(node, int) uint64
}{
	"i8x16": {1, integer}, "i16x8": {2, integer}, "i32x4": {4, integer}, "i64x2": {8, integer},
	"f32x4": {4, float}, "f64x2": {8, float},
}

// appendVector reads the lanes of a vector constant and returns what follows them.
func appendVector(b []byte, at place, args []node) ([]byte, []node) {
	if len(args) == 0 || !args[0].isAtom() {
		fail(at, "v128.const has a shape such as i32x4 and its lanes")
	}
	shape, ok := shapes[args[0].text]
	if !ok {
		fail(args[0].at, "unknown vector shape %s", args[0].text)
	}
	args = args[1:]
	lanes := 16 / shape.bytes
	if len(args) < lanes {
		fail(at, "%d lanes are needed", lanes)
	}
	for _, x := range args[:lanes] {
		v := binary.LittleEndian.AppendUint64(nil, shape.read(x, 8*shape.bytes))
		b = append(b, v[:shape.bytes]...)
	}
	return b, args[lanes:]
}
