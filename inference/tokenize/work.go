package tokenize

import (
	"unicode/utf8"

	"assay/inference/tokenize/internal/pattern"
	"assay/inference/tokenize/internal/ucd"
)

// Span is a stretch of text: from Start up to but not including End.
type Span struct{ Start, End int }

// span is a [Span] in less memory.
type span struct{ start, end uint32 }

// piece is a stretch of the text at hand, and of the original text that it came from.
// Pieces follow one another without overlap.
type piece struct {
	lo, hi   int
	from, to uint32 // bytes of the original
	id       int32  // of the added token that the piece is, -1 when it is text
}

// work is the text on its way from characters to tokens: its bytes, and for each where in
// the original it came from. A step reads one buffer and writes the other.
type work struct {
	text, next   []byte
	origin, goal []span // of each byte; left empty when nobody asks where tokens stand
	track        bool
	size         int      // of the original
	chars        []uint32 // of each byte of the original and its end: the number of the character; empty for ASCII
	mended       []span   // the origins of a text that was not UTF-8, before any step
	pieces, cut  []piece
	matches      []match
	finder       pattern.Finder
	normal       ucd.Normaliser
	err          error
}

// match is a stretch that a pattern matched, or one between two matches.
type match struct {
	lo, hi int
	is     bool
}

// begin takes a text in, with bytes that are not UTF-8 replaced as Python replaces them.
func (w *work) begin(text string) {
	w.text, w.origin, w.pieces, w.err = w.text[:0], w.origin[:0], w.pieces[:0], nil
	w.text = repair(w.text, text)
	if len(w.text) > 0 {
		w.pieces = append(w.pieces, piece{0, len(w.text), 0, uint32(len(text)), -1})
	}
	if w.track {
		w.locate(text)
	}
}

// locate fills in the origins of a text that was just taken in, and where its characters are.
func (w *work) locate(text string) {
	w.size, w.chars, w.mended = len(text), w.chars[:0], w.mended[:0]
	i := 0
	for ; i < len(text) && text[i] < utf8.RuneSelf; i++ {
		w.origin = append(w.origin, span{uint32(i), uint32(i + 1)})
	}
	if i == len(text) {
		return
	}
	for at := range i {
		w.chars = append(w.chars, uint32(at))
	}
	mends := false
	for n := uint32(i); i < len(text); n++ {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
			if size == 1 {
				size, mends = malformed(text[i:]), true
			}
		}
		s := span{uint32(i), uint32(i + size)}
		for range utf8.RuneLen(r) {
			w.origin = append(w.origin, s)
		}
		for range size {
			w.chars = append(w.chars, n)
		}
		i += size
	}
	w.chars = append(w.chars, w.chars[len(w.chars)-1]+1)
	if mends {
		w.mended = append(w.mended, w.origin...)
	}
}

// charsOf turns a place in bytes of the original text into one in characters, which bytes
// in the middle of one count as. A place beyond the text stays as it is, and an end beyond
// it is two from the start, as in the reference.
func (w *work) charsOf(s Span) Span {
	if s.Start >= w.size {
		return s
	}
	start, end := s.Start, s.End
	if len(w.chars) > 0 {
		start, end = int(w.chars[start]), int(w.chars[min(end, w.size)])
	}
	if s.End > w.size {
		end = start + 2
	}
	return Span{start, end}
}

// unmended turns a place in the text as it was taken in into one in the original. What is
// beyond the text stays as it is.
func (w *work) unmended(s Span) Span {
	n := len(w.mended)
	if s.Start >= n {
		return s
	}
	switch {
	case s.End < n:
		s.End = int(w.mended[s.End].start)
	case s.End == n:
		s.End = w.size
	}
	return Span{int(w.mended[s.Start].start), s.End}
}

// rewrite calls f for each piece of text; f writes what becomes of it.
func (w *work) rewrite(f func(e *edit)) { w.rewriteEach(func(e *edit, _ *piece) { f(e) }) }

func (w *work) rewriteEach(f func(e *edit, p *piece)) {
	w.next, w.goal = w.next[:0], w.goal[:0]
	e := edit{w: w}
	for i := range w.pieces {
		p := &w.pieces[i]
		lo := len(w.next)
		if p.id >= 0 {
			w.next = append(w.next, w.text[p.lo:p.hi]...)
			if w.track {
				w.goal = append(w.goal, w.origin[p.lo:p.hi]...)
			}
		} else {
			e.start(p)
			f(&e, p)
		}
		p.lo, p.hi = lo, len(w.next)
	}
	w.text, w.next = w.next, w.text
	w.origin, w.goal = w.goal, w.origin
}

// dropEmpty leaves out pieces in which nothing is left.
func (w *work) dropEmpty() {
	kept := w.pieces[:0]
	for _, p := range w.pieces {
		if p.lo < p.hi {
			kept = append(kept, p)
		}
	}
	w.pieces = kept
}

// edit writes what becomes of one piece, character by character, and keeps track of which
// characters of the piece are replaced, as the reference does.
type edit struct {
	w      *work
	src    []byte
	origin []span
	zero   span // for what stands before the first character
	at     int  // the next byte of src that will be replaced
}

func (e *edit) start(p *piece) {
	e.src, e.at = e.w.text[p.lo:p.hi], 0
	e.zero = span{p.from, p.from}
	if e.w.track {
		e.origin = e.w.origin[p.lo:p.hi]
	}
}

// skip passes over characters that are left out at the start.
func (e *edit) skip(count int) {
	for ; count > 0; count-- {
		e.at += e.size()
	}
}

// size is that of the next character to be replaced.
func (e *edit) size() int {
	if e.at >= len(e.src) {
		return 0
	}
	if e.src[e.at] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRune(e.src[e.at:])
	return n
}

// put writes a character: in the place of the next one (0), of the next one and -delta
// further ones, or put in without taking one (above 0).
func (e *edit) put(r rune, delta int) {
	var s span
	if e.w.track {
		s = e.place(delta)
	}
	if delta <= 0 {
		e.at += e.size()
		e.skip(-delta)
	}
	before := len(e.w.next)
	e.w.next = utf8.AppendRune(e.w.next, r)
	if e.w.track {
		for range len(e.w.next) - before {
			e.w.goal = append(e.w.goal, s)
		}
	}
}

func (e *edit) place(delta int) span {
	at := e.at
	if delta > 0 {
		at--
	}
	switch {
	case at < 0 || len(e.origin) == 0:
		return e.zero
	case at >= len(e.origin):
		return e.origin[len(e.origin)-1]
	}
	return e.origin[at]
}

// copy writes the piece as it is up to a place.
func (e *edit) copy(to int) {
	e.w.next = append(e.w.next, e.src[e.at:to]...)
	if e.w.track {
		e.w.goal = append(e.w.goal, e.origin[e.at:to]...)
	}
	e.at = to
}

// split cuts each piece of text where a pattern matches it.
func (w *work) split(p matcher, behaviour behaviour, inverted bool) {
	w.cut = w.cut[:0]
	for i := range w.pieces {
		p0 := w.pieces[i]
		if p0.id >= 0 {
			w.cut = append(w.cut, p0)
			continue
		}
		w.matches = w.matches[:0]
		p.match(w, w.text[p0.lo:p0.hi])
		if inverted {
			for j := range w.matches {
				w.matches[j].is = !w.matches[j].is
			}
		}
		for _, m := range behaviour.arrange(w.matches) {
			if !m.is {
				w.add(p0, m.lo, m.hi, -1)
			}
		}
	}
	w.pieces, w.cut = w.cut, w.pieces
}

// add cuts a stretch out of a piece, unless it is empty, to be a piece of its own.
func (w *work) add(p piece, lo, hi int, id int32) {
	if lo >= hi {
		return
	}
	q := piece{p.lo + lo, p.lo + hi, p.from, p.to, id}
	if w.track {
		q.from, q.to = w.origin[q.lo].start, w.origin[q.hi-1].end
	}
	w.cut = append(w.cut, q)
}
