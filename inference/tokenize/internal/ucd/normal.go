package ucd

import "unicode/utf8"

// Form is a Unicode normalisation form.
type Form uint8

// The forms.
const (
	NFD Form = iota
	NFKD
	NFC
	NFKC
)

// Hangul syllables are taken apart and put together by arithmetic.
const (
	hangulFirst  = 0xAC00
	hangulLast   = 0xD7A3
	hangulLead   = 0x1100
	hangulVowel  = 0x1161
	hangulTail   = 0x11A7
	hangulLeads  = 19
	hangulVowels = 21
	hangulTails  = 28
)

// A Change is a character of the normal form and how many characters of the text it
// stands for, less one: 1 for a character put in, 0 for one in the place of one, -n for one
// that takes n further ones along.
type Change struct {
	Rune  rune
	Delta int
	rank  uint8
}

// Normaliser brings text into a normal form, character by character, with the changes that
// the reference reports. The zero value is ready for use.
type Normaliser struct {
	pending []Change // decomposed, waiting for canonical order from sorted on
	out     []Change
}

// Normalise gives the changes that make the form of valid UTF-8 text. They are good until
// the next call.
func (n *Normaliser) Normalise(text []byte, form Form) []Change {
	n.pending, n.out = n.pending[:0], n.out[:0]
	n.decompose(text, form == NFKD || form == NFKC)
	if form == NFD || form == NFKD {
		return n.pending
	}
	n.compose()
	return n.out
}

// Settled gives the next stretch of valid UTF-8 text, at or behind a place, that has to be
// normalised; what is before it and what is from its end on stay as they are, whatever the
// stretch becomes.
func Settled(text []byte, at int, form Form) (from, to int) {
	for from = at; at < len(text); {
		size, rests := settled(text[at:], form)
		if !rests {
			break
		}
		if from, at = at, at+size; form == NFD || form == NFKD || at == len(text) {
			from = at // nothing joins it
		}
	}
	for to = at; to < len(text); {
		size, rests := settled(text[to:], form)
		if rests {
			break
		}
		to += size
	}
	return from, to
}

// settled reports whether the first character of a text stays as it is and keeps apart what
// is before it, and its size. In composed forms marks behind it may still join it.
func settled(text []byte, form Form) (size int, rests bool) {
	if text[0] < utf8.RuneSelf {
		return 1, true
	}
	r, size := utf8.DecodeRune(text)
	changes := [...]Property{NFD: hasNFD, NFKD: hasNFD | hasNFKD, NFC: hasNFD | second, NFKC: hasNFD | hasNFKD | second}[form]
	if Is(r, changes) || rank(r) != 0 {
		return size, false
	}
	if form == NFD || form == NFKD {
		return size, r < hangulFirst || r > hangulLast
	}
	return size, r < hangulVowel || r >= hangulTail+hangulTails
}

func (n *Normaliser) decompose(text []byte, compatible bool) {
	flag := uint32(hasNFD)
	if compatible {
		flag |= uint32(hasNFKD)
	}
	run := 0 // where the marks that wait for their order begin
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		i += size
		switch {
		case r < utf8.RuneSelf:
			run = n.starter(run, Change{Rune: r})
		case hangulFirst <= r && r <= hangulLast:
			run = n.hangul(run, r-hangulFirst)
		case record(r)&flag != 0:
			run = n.parts(run, r, compatible)
		default:
			run = n.push(run, Change{Rune: r, rank: rank(r)})
		}
	}
	order(n.pending[run:])
}

func (n *Normaliser) parts(run int, r rune, compatible bool) int {
	to, ok := "", false
	if compatible {
		to, ok = find(nfkdKeys, nfkdEnds, nfkdData, r)
	}
	if !ok {
		to, _ = find(nfdKeys, nfdEnds, nfdData, r)
	}
	delta := 0
	for _, part := range to {
		run = n.push(run, Change{Rune: part, Delta: delta, rank: rank(part)})
		delta = 1
	}
	return run
}

func (n *Normaliser) hangul(run int, s rune) int {
	run = n.starter(run, Change{Rune: hangulLead + s/(hangulVowels*hangulTails)})
	run = n.starter(run, Change{Rune: hangulVowel + s%(hangulVowels*hangulTails)/hangulTails, Delta: 1})
	if tail := s % hangulTails; tail != 0 {
		run = n.starter(run, Change{Rune: hangulTail + tail, Delta: 1})
	}
	return run
}

func (n *Normaliser) push(run int, c Change) int {
	if c.rank == 0 {
		return n.starter(run, c)
	}
	n.pending = append(n.pending, c)
	return run
}

// starter ends a run of marks, which brings it into order. The starter itself begins the
// next one: it has the lowest rank and stays in front.
func (n *Normaliser) starter(run int, c Change) int {
	if len(n.pending)-run > 1 {
		order(n.pending[run:])
	}
	n.pending = append(n.pending, c)
	return len(n.pending) - 1
}

// order sorts by rank and keeps equals as they stand.
func order(run []Change) {
	for i := 1; i < len(run); i++ {
		c := run[i]
		j := i
		for ; j > 0 && run[j-1].rank > c.rank; j-- {
			run[j] = run[j-1]
		}
		run[j] = c
	}
}

// compose joins what composes, each with the last starter that nothing blocks.
func (n *Normaliser) compose() {
	var (
		starter Change
		have    bool  // whether there is a starter
		begin   int   // where in out the marks behind the starter begin; the starter is before
		last    uint8 // rank of the last mark that stayed
	)
	for _, c := range n.pending {
		if !have {
			n.out = append(n.out, c)
			if c.rank == 0 {
				starter, have, begin = c, true, len(n.out)
			}
			continue
		}
		waits := len(n.out) > begin
		if !waits || last < c.rank {
			if r, ok := composePair(starter.Rune, c.Rune); ok {
				starter.Rune, starter.Delta = r, starter.Delta+c.Delta-1
				n.out[begin-1] = starter
				continue
			}
		}
		n.out = append(n.out, c)
		if c.rank == 0 {
			starter, begin = c, len(n.out)
			continue
		}
		last = c.rank
	}
}

func composePair(a, b rune) (rune, bool) {
	if b < 0x300 {
		return 0, false
	}
	if 0 <= a-hangulLead && a-hangulLead < hangulLeads && 0 <= b-hangulVowel && b-hangulVowel < hangulVowels {
		return hangulFirst + ((a-hangulLead)*hangulVowels+b-hangulVowel)*hangulTails, true
	}
	if s := a - hangulFirst; hangulFirst <= a && a <= hangulLast && s%hangulTails == 0 && 0 < b-hangulTail && b-hangulTail < hangulTails {
		return a + b - hangulTail, true
	}
	if record(b)&uint32(second) == 0 {
		return 0, false
	}
	i := search(pairs, 6, uint64(a)<<24|uint64(b))
	if i < 0 {
		return 0, false
	}
	return rune(bigEndian(composed[3*i : 3*i+3])), true
}
