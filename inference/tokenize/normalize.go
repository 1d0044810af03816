package tokenize

import (
	"unicode/utf8"

	"assay/inference/tokenize/internal/pattern"
	"assay/inference/tokenize/internal/ucd"
)

// normaliser is a step that changes characters before words are cut.
type normaliser interface{ normalise(w *work) }

// steps are normalisers in a row.
type steps []normaliser

func (s steps) normalise(w *work) {
	for _, n := range s {
		n.normalise(w)
	}
}

// plain reports whether all text is ASCII, which most steps leave as it is.
func (w *work) plain() bool {
	for _, b := range w.text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// each calls f for every character of the piece; f leaves those that stay alone. Between
// characters that are changed, the piece is written as it is.
func (e *edit) each(f func(r rune, at, size int)) {
	for i := 0; i < len(e.src); {
		r, size := rune(e.src[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(e.src[i:])
		}
		f(r, i, size)
		i += size
	}
	e.copy(len(e.src))
}

// form is one of the Unicode normalisation forms.
type form ucd.Form

func (f form) normalise(w *work) {
	if w.plain() {
		return
	}
	w.rewrite(func(e *edit) {
		for e.at < len(e.src) {
			from, to := ucd.Settled(e.src, e.at, ucd.Form(f))
			e.copy(from)
			for _, c := range w.normal.Normalise(e.src[from:to], ucd.Form(f)) {
				e.put(c.Rune, c.Delta)
			}
		}
	})
}

// filter leaves out characters.
func (w *work) filter(drops func(r rune) bool) {
	w.rewrite(func(e *edit) {
		e.each(func(r rune, at, size int) {
			if drops(r) {
				e.copy(at)
				e.at += size
			}
		})
	})
}

// substitute puts one character in the place of another.
func (w *work) substitute(to func(r rune) rune) {
	w.rewrite(func(e *edit) {
		e.each(func(r rune, at, _ int) {
			if other := to(r); other != r {
				e.copy(at)
				e.put(other, 0)
			}
		})
	})
}

// lowercase is Rust's, character by character.
type lowercase struct{}

func (lowercase) normalise(w *work) {
	if w.plain() {
		lowerASCII(w.text, w.pieces)
		return
	}
	w.rewrite(func(e *edit) { e.each(e.lower) })
}

// lowerASCII changes text in place, but not added tokens.
func lowerASCII(text []byte, pieces []piece) {
	for _, p := range pieces {
		if p.id >= 0 {
			continue
		}
		for i, b := range text[p.lo:p.hi] {
			if 'A' <= b && b <= 'Z' {
				text[p.lo+i] = b + 'a' - 'A'
			}
		}
	}
}

func (e *edit) lower(r rune, at, _ int) {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			e.copy(at)
			e.put(r+'a'-'A', 0)
		}
		return
	}
	if to, ok := ucd.Lower(r); ok {
		e.copy(at)
		for i, r := range to {
			e.put(r, min(i, 1))
		}
	}
}

// stripAccents drops combining marks.
type stripAccents struct{}

func (stripAccents) normalise(w *work) {
	if !w.plain() {
		w.filter(func(r rune) bool { return ucd.Is(r, ucd.Mark) })
	}
}

// strip drops white space at the ends.
type strip struct{ left, right bool }

func (s strip) normalise(w *work) {
	w.rewrite(func(e *edit) {
		end := len(e.src)
		if s.right {
			end -= sizeOfSpacesAtEnd(e.src)
		}
		if s.left {
			e.at = min(sizeOfSpacesAtStart(e.src), end)
		}
		e.copy(end)
	})
}

// replace puts a text in the place of what a pattern matches.
type replace struct {
	pattern *pattern.Pattern
	to      string
}

func (s replace) normalise(w *work) {
	w.rewrite(func(e *edit) {
		err := w.finder.Find(s.pattern, e.src, func(lo, hi int) {
			e.copy(lo)
			e.at = hi
			e.insert(s.to)
		})
		if err != nil && w.err == nil {
			w.err = err
		}
		e.copy(len(e.src))
	})
}

// insert writes a text that stands where the character before the next one stood.
func (e *edit) insert(s string) {
	e.w.next = append(e.w.next, s...)
	if e.w.track {
		at := e.place(1)
		for range len(s) {
			e.w.goal = append(e.w.goal, at)
		}
	}
}

// prepend writes a text before each piece that is not empty.
type prepend string

func (s prepend) normalise(w *work) {
	w.rewrite(func(e *edit) { e.prepend(string(s)) })
}

// prepend writes a text that stands where the first character stands, and then the piece.
func (e *edit) prepend(s string) {
	if len(e.src) > 0 {
		e.w.next = append(e.w.next, s...)
		if e.w.track {
			at := e.place(0)
			for range len(s) {
				e.w.goal = append(e.w.goal, at)
			}
		}
	}
	e.copy(len(e.src))
}

// nmt cleans text as NMT's training did.
type nmt struct{}

func (nmt) normalise(w *work) {
	w.filter(func(r rune) bool {
		return 1 <= r && r <= 8 || r == 0xB || 0xE <= r && r <= 0x1F || r == 0x7F || r == 0x8F || r == 0x9F
	})
	w.substitute(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, 0x200B <= r && r <= 0x200F,
			r == 0x2028, r == 0x2029, r == 0x2581, r == 0xFEFF, r == 0xFFFD:
			return ' '
		}
		return r
	})
}

// byteLevel writes every byte as the printable character that stands for it.
type byteLevel struct{}

func (byteLevel) normalise(w *work) { w.rewrite((*edit).bytes) }

func (e *edit) bytes() {
	for e.at < len(e.src) {
		size := e.size()
		var s span
		if e.w.track {
			s = e.place(0)
		}
		for _, b := range e.src[e.at : e.at+size] {
			before := len(e.w.next)
			e.w.next = utf8.AppendRune(e.w.next, charOfByte(b))
			if e.w.track {
				for range len(e.w.next) - before {
					e.w.goal = append(e.w.goal, s)
				}
			}
		}
		e.at += size
	}
}

// charOfByte is the character that stands for a byte in byte-level vocabularies: itself
// where that is printable, otherwise one from U+0100 on.
func charOfByte(b byte) rune {
	switch {
	case b <= ' ':
		return 0x100 + rune(b)
	case b < 0x7F:
		return rune(b)
	case b <= 0xA0:
		return 0x100 + 33 + rune(b) - 0x7F
	case b == 0xAD:
		return 0x100 + 33 + 34
	}
	return rune(b)
}

// byteOfChar is the byte that a character stands for.
func byteOfChar(r rune) (byte, bool) {
	switch {
	case r < 0x100:
		b := byte(r)
		return b, r >= 0 && charOfByte(b) == r
	case r <= 0x100+' ':
		return byte(r - 0x100), true
	case r < 0x100+33+34:
		return byte(r - 0x100 - 33 + 0x7F), true
	case r == 0x100+33+34:
		return 0xAD, true
	}
	return 0, false
}
