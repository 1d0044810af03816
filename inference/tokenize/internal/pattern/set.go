package pattern

import (
	"assay/inference/tokenize/internal/ucd"
)

// set is a set of characters: the union of its items, cut with further sets, turned around.
type set struct {
	ascii      [2]uint64 // the answers for ASCII, filled by seal
	categories uint32
	properties ucd.Property
	ranges     []runes
	scripts    []string // ranges of ucd.ScriptRanges
	nested     []*set
	cut        []*set // the set must hold in these too
	negated    bool
	folded     bool // ignores case, of ASCII letters
}

type runes struct{ first, last rune }

func (s *set) add(first, last rune) { s.ranges = append(s.ranges, runes{first, last}) }

// seal fills in the answers for ASCII. The set does not change any more.
func (s *set) seal() *set {
	for r := rune(0); r < 128; r++ {
		if s.find(r) {
			s.ascii[r>>6] |= 1 << (r & 63)
		}
	}
	return s
}

func (s *set) has(r rune) bool {
	if r < 128 {
		return s.ascii[r>>6]>>(r&63)&1 != 0
	}
	return s.find(r)
}

func (s *set) find(r rune) bool {
	in := s.holds(r)
	if !in && s.folded {
		for _, other := range foldsOf(r) {
			in = in || s.holds(other)
		}
	}
	for _, c := range s.cut {
		in = in && c.find(r)
	}
	return in != s.negated
}

func (s *set) holds(r rune) bool {
	if s.properties != 0 && ucd.Is(r, s.properties) || s.categories != 0 && s.categories>>ucd.CategoryOf(r)&1 != 0 {
		return true
	}
	for _, x := range s.ranges {
		if x.first <= r && r <= x.last {
			return true
		}
	}
	for _, script := range s.scripts {
		if ucd.In(script, r) {
			return true
		}
	}
	for _, n := range s.nested {
		if n.find(r) {
			return true
		}
	}
	return false
}

// foldsOf are the other characters that are equal to r when case is ignored, as far as
// patterns may ask: ASCII letters, and the two characters beyond that fold to one.
func foldsOf(r rune) []rune {
	switch {
	case r == 'k' || r == 'K':
		return []rune{r ^ 0x20, 0x212A}
	case r == 's' || r == 'S':
		return []rune{r ^ 0x20, 0x17F}
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
		return []rune{r ^ 0x20}
	case r == 0x212A:
		return []rune{'k', 'K'}
	case r == 0x17F:
		return []rune{'s', 'S'}
	}
	return nil
}
