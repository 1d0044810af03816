package ucd

import "unicode/utf8"

// How a character joins others into a grapheme, as far as the reference can show it: it
// looks at graphemes of under six bytes only, and takes longer ones character by character.
const (
	joinsNone = iota
	breaks    // controls: nothing joins them
	extends   // joins what is before
	joiner    // U+200D
	spacing   // joins what is before, and ends the marks between pictures
	prepends  // joins what is after
	hangulL
	hangulV
	hangulT
	hangulLV
	hangulLVT
	regional
)

const (
	conjunctConsonant = 1
	conjunctLinker    = 2
	conjunctExtend    = 3
)

func graphemeClass(r rune, rec uint32) uint8 {
	switch {
	case r < 0x1100:
	case r <= 0x115F || 0xA960 <= r && r <= 0xA97C:
		return hangulL
	case r <= 0x11A7 || 0xD7B0 <= r && r <= 0xD7C6:
		if r <= 0x11A7 || r >= 0xD7B0 {
			return hangulV
		}
	case r <= 0x11FF || 0xD7CB <= r && r <= 0xD7FB:
		return hangulT
	case hangulFirst <= r && r <= hangulLast:
		if (r-hangulFirst)%hangulTails == 0 {
			return hangulLV
		}
		return hangulLVT
	case 0x1F1E6 <= r && r <= 0x1F1FF:
		return regional
	}
	return uint8(rec >> breakShift & 15)
}

// Grapheme is the number of bytes of the first grapheme cluster of valid UTF-8 text.
func Grapheme(text []byte) int {
	r, n := utf8.DecodeRune(text)
	if n == len(text) {
		return n
	}
	rec := record(r)
	s := graphemeState{}
	s.take(graphemeClass(r, rec), rec)
	for last := r; n < len(text); {
		r, size := utf8.DecodeRune(text[n:])
		rec := record(r)
		class := graphemeClass(r, rec)
		if last == '\r' && r == '\n' {
			return n + size
		}
		if !s.joins(class, rec) {
			return n
		}
		s.take(class, rec)
		n, last = n+size, r
	}
	return n
}

// graphemeState is what the characters so far mean for the next one.
type graphemeState struct {
	last     uint8
	regions  int  // regional indicators in a row
	pictured bool // a picture with extending characters behind it
	zwj      bool // and a joiner last
	conjunct bool // a consonant with linkers and extenders behind it
	linked   bool // and a linker among them
}

func (s *graphemeState) joins(class uint8, rec uint32) bool {
	switch {
	case s.last == breaks || class == breaks:
		return false
	case class == extends || class == joiner || class == spacing || s.last == prepends:
		return true
	case s.last == hangulL && (class == hangulL || class == hangulV || class == hangulLV || class == hangulLVT),
		(s.last == hangulV || s.last == hangulLV) && (class == hangulV || class == hangulT),
		(s.last == hangulT || s.last == hangulLVT) && class == hangulT:
		return true
	case s.linked && rec>>conjunctShift&3 == conjunctConsonant:
		return true
	case s.zwj && rec&picture != 0:
		return true
	}
	return s.last == regional && class == regional && s.regions%2 == 1
}

func (s *graphemeState) take(class uint8, rec uint32) {
	s.zwj = s.pictured && class == joiner
	s.pictured = rec&picture != 0 || s.pictured && class == extends
	switch rec >> conjunctShift & 3 {
	case conjunctConsonant:
		s.conjunct, s.linked = true, false
	case conjunctLinker:
		s.linked = s.conjunct
	case conjunctExtend:
	default:
		s.conjunct, s.linked = false, false
	}
	if class == regional {
		s.regions++
	} else {
		s.regions = 0
	}
	s.last = class
}
