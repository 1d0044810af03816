package tokenize

import (
	"unicode/utf8"

	"assay/inference/tokenize/internal/ucd"
)

// preTokeniser cuts the text into words.
type preTokeniser interface{ pretokenise(w *work) }

// cuts are pre-tokenisers in a row.
type cuts []preTokeniser

func (c cuts) pretokenise(w *work) {
	for _, p := range c {
		p.pretokenise(w)
	}
}

// splitAt cuts where a pattern matches.
type splitAt struct {
	matcher   matcher
	behaviour behaviour
	inverted  bool
}

func (s splitAt) pretokenise(w *work) { w.split(s.matcher, s.behaviour, s.inverted) }

// byteLevelWords cuts as GPT-2 does and writes bytes as characters.
type byteLevelWords struct {
	addSpace bool
	words    *expression // nil: does not cut
}

// gpt2 is the regular expression of GPT-2's words.
const gpt2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

func (b byteLevelWords) pretokenise(w *work) {
	if b.addSpace {
		w.rewrite(func(e *edit) {
			if len(e.src) > 0 && e.src[0] == ' ' {
				e.copy(len(e.src))
			} else {
				e.prepend(" ")
			}
		})
	}
	if b.words != nil {
		w.split(*b.words, isolated, false)
	}
	byteLevel{}.normalise(w)
}

// scheme says before which pieces metaspace puts its mark.
type scheme uint8

const (
	always scheme = iota
	first
	never
)

// metaspace writes spaces as a visible mark and cuts before each.
type metaspace struct {
	mark   string
	scheme scheme
	split  bool
}

func (m metaspace) pretokenise(w *work) {
	w.rewrite(func(e *edit) { e.spaces(m.mark) })
	w.rewriteEach(func(e *edit, p *piece) {
		begins := len(e.src) >= len(m.mark) && string(e.src[:len(m.mark)]) == m.mark
		if !begins && (m.scheme == always || m.scheme == first && p.from == 0) {
			e.prepend(m.mark)
		} else {
			e.copy(len(e.src))
		}
	})
	if m.split {
		r, _ := utf8.DecodeRuneInString(m.mark)
		w.split(character(r), mergedWithNext, false)
	}
}

// spaces writes the piece with a mark in the place of every space.
func (e *edit) spaces(mark string) {
	for i := 0; i < len(e.src); i++ {
		if e.src[i] == ' ' {
			e.copy(i)
			e.at = i + 1
			e.insert(mark)
		}
	}
	e.copy(len(e.src))
}

// unicodeScripts cuts where the script changes.
type unicodeScripts struct{}

func (unicodeScripts) pretokenise(w *work) {
	w.cut = w.cut[:0]
	for _, p := range w.pieces {
		if p.id >= 0 {
			w.cut = append(w.cut, p)
			continue
		}
		w.cutScripts(p)
	}
	w.pieces, w.cut = w.cut, w.pieces
}

func (w *work) cutScripts(p piece) {
	const none = -1
	text := w.text[p.lo:p.hi]
	last, from := none, none
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		script := scriptOf(r)
		if script != 0 && last != script {
			if from >= 0 {
				w.add(p, from, i, -1)
			}
			from = i
		}
		if script != 0 {
			last = script
		}
		i += size
	}
	if from >= 0 {
		w.add(p, from, len(text), -1)
	}
}

func scriptOf(r rune) int {
	if r == ' ' {
		return 0
	}
	return int(ucd.Script(r))
}

// fixedLength cuts into words of a number of characters.
type fixedLength int

func (f fixedLength) match(w *work, text []byte) {
	from, count := 0, 0
	for i := 0; i < len(text); {
		_, size := utf8.DecodeRune(text[i:])
		i += size
		if count++; count == int(f) {
			w.between(from, i)
			from, count = i, 0
		}
	}
	w.between(from, len(text))
}
