package tokenize

import "assay/inference/tokenize/internal/ucd"

// bertNormaliser is BERT's: clean, put spaces around ideographs, strip accents, lower case.
type bertNormaliser struct{ clean, ideographs, accents, lower bool }

func (b bertNormaliser) normalise(w *work) {
	if w.plain() {
		b.plain(w)
		return
	}
	if b.clean {
		w.filter(bertDrops)
		w.substitute(bertSpace)
	}
	if b.ideographs {
		w.rewrite(func(e *edit) { e.each(e.apart) })
	}
	if b.accents {
		form(ucd.NFD).normalise(w)
		w.filter(func(r rune) bool { return ucd.Is(r, ucd.Nonspacing) })
	}
	if b.lower {
		lowercase{}.normalise(w)
	}
}

// plain does the same for text of ASCII alone, where only two steps change anything.
func (b bertNormaliser) plain(w *work) {
	if b.clean && dirty(w.text) {
		w.filter(bertDrops)
		w.substitute(bertSpace)
	}
	if b.lower {
		lowerASCII(w.text, w.pieces)
	}
}

func dirty(text []byte) bool {
	for _, b := range text {
		if b < ' ' || b == 0x7F {
			return true
		}
	}
	return false
}

func bertDrops(r rune) bool {
	if ' ' <= r && r < 0x7F || r == '\t' || r == '\n' || r == '\r' {
		return false
	}
	return r == 0 || r == 0xFFFD || ucd.Is(r, ucd.Other)
}

func bertSpace(r rune) rune {
	if r > ' ' && r < 0x7F {
		return r
	}
	if ucd.Is(r, ucd.Space) {
		return ' '
	}
	return r
}

func (e *edit) apart(r rune, at, _ int) {
	if ucd.Ideograph(r) {
		e.copy(at)
		e.put(' ', 0)
		e.put(r, 1)
		e.put(' ', 1)
	}
}
