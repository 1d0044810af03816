package tokenize

import (
	"unicode/utf8"

	"assay/inference/tokenize/internal/pattern"
	"assay/inference/tokenize/internal/ucd"
)

// behaviour says what becomes of the stretches that a pattern matches.
type behaviour uint8

const (
	removed behaviour = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

// arrange applies a behaviour to matches and what is between them, in place. What is left
// with is set is removed.
func (b behaviour) arrange(all []match) []match {
	switch b {
	case removed:
		return all
	case isolated:
		for i := range all {
			all[i].is = false
		}
		return all
	case mergedWithNext:
		return mergeNext(all)
	}
	out, before := all[:0], false
	for _, m := range all {
		joins := m.is == before
		if b == mergedWithPrevious {
			joins = m.is && !before
		}
		before = m.is
		if joins && len(out) > 0 {
			out[len(out)-1].hi = m.hi
		} else {
			out = append(out, match{m.lo, m.hi, false})
		}
	}
	return out
}

func mergeNext(all []match) []match {
	to, before := len(all), false
	for i := len(all) - 1; i >= 0; i-- {
		m := all[i]
		joins := m.is && !before && to < len(all)
		before = m.is
		if joins {
			all[to].lo = m.lo
			continue
		}
		to--
		all[to] = match{m.lo, m.hi, false}
	}
	return all[to:]
}

// matcher finds stretches of a text and appends them, and what is between, to w.matches.
type matcher interface{ match(w *work, text []byte) }

// having matches single characters with a property.
type having ucd.Property

func (h having) match(w *work, text []byte) {
	from := 0
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		if ucd.Is(r, ucd.Property(h)) {
			w.between(from, i)
			from = i + size
			w.matches = append(w.matches, match{i, from, true})
		}
		i += size
	}
	w.between(from, len(text))
}

func (w *work) between(lo, hi int) {
	if lo < hi {
		w.matches = append(w.matches, match{lo, hi, false})
	}
}

// character matches one character.
type character rune

func (c character) match(w *work, text []byte) {
	from := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == rune(c) {
			w.between(from, i)
			from = i + size
			w.matches = append(w.matches, match{i, from, true})
		}
		i += size
	}
	w.between(from, len(text))
}

// expression matches a regular expression.
type expression struct{ *pattern.Pattern }

func (e expression) match(w *work, text []byte) {
	from := 0
	err := w.finder.Find(e.Pattern, text, func(lo, hi int) {
		w.between(from, lo)
		w.matches = append(w.matches, match{lo, hi, true})
		from = hi
	})
	if err != nil && w.err == nil {
		w.err = err
	}
	w.between(from, len(text))
}

// words matches runs of word characters and runs of characters that are neither those nor
// white space, as the pre-tokeniser Whitespace does.
type words struct{}

func (words) match(w *work, text []byte) {
	kindOf := func(r rune) int {
		switch {
		case ucd.Is(r, ucd.Word):
			return 1
		case ucd.Is(r, ucd.Space):
			return 0
		}
		return 2
	}
	from, last := 0, 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		kind := kindOf(r)
		if kind != last && i > from {
			w.matches = append(w.matches, match{from, i, last != 0})
			from = i
		}
		last = kind
		i += size
	}
	if from < len(text) {
		w.matches = append(w.matches, match{from, len(text), last != 0})
	}
}
