package tokenize

import "unicode/utf8"

// Encoding is a text as tokens, with all that is known of each.
type Encoding struct {
	IDs     []uint32
	Types   []uint32 // of the sequence: mostly 0 for the first text and 1 for the second
	Tokens  []string
	Words   []int  // which word of the text; -1 for none
	Offsets []Span // where in the text, in bytes
	Chars   []Span // and in characters, as Python counts them
	Special []uint32
	Mask    []uint32 // zero for padding

	// Overflowing are the parts that truncation cut off.
	Overflowing []Encoding

	ranges []sequenceRange
}

// sequenceRange says which tokens come from which text.
type sequenceRange struct{ sequence, lo, hi int }

// Len is the number of tokens.
func (e *Encoding) Len() int { return len(e.IDs) }

// Sequences says for each token from which text it comes, -1 for none.
func (e *Encoding) Sequences() []int {
	out := make([]int, len(e.IDs))
	for i := range out {
		out[i] = -1
		if len(e.ranges) == 0 {
			out[i] = 0
		}
	}
	for _, r := range e.ranges {
		for i := r.lo; i < r.hi && i < len(out); i++ {
			out[i] = r.sequence
		}
	}
	return out
}

// Options say how [Tokenizer.Encoding] encodes.
type Options struct {
	// Bare leaves out the special tokens around the text.
	Bare bool
	// Plain does neither truncation nor padding, whatever the tokeniser's file asks for.
	Plain bool
}

// Encoding encodes a text with offsets and all, and with the truncation and the padding
// that the tokeniser's file asks for.
func (t *Tokenizer) Encoding(text string, o Options) (*Encoding, error) {
	e := Encoder{t: t}
	return e.Encoding(text, o)
}

// Pair encodes two texts as one sequence.
func (t *Tokenizer) Pair(text, second string, o Options) (*Encoding, error) {
	e := Encoder{t: t}
	return e.Pair(text, second, o)
}

// Encoding is [Tokenizer.Encoding].
func (e *Encoder) Encoding(text string, o Options) (*Encoding, error) {
	a, err := e.sequence(text, 0)
	if err != nil {
		return nil, err
	}
	return e.finish([]Encoding{*a}, o)
}

// Pair is [Tokenizer.Pair].
func (e *Encoder) Pair(text, second string, o Options) (*Encoding, error) {
	a, err := e.sequence(text, 0)
	if err != nil {
		return nil, err
	}
	b, err := e.sequence(second, 1)
	if err != nil {
		return nil, err
	}
	return e.finish([]Encoding{*a, *b}, o)
}

// Batch encodes texts and pads them to the longest, if the tokeniser's file asks for it.
func (t *Tokenizer) Batch(texts []string, o Options) ([]Encoding, error) {
	e := t.Encoder()
	out := make([]Encoding, 0, len(texts))
	for _, text := range texts {
		x, err := e.Encoding(text, o)
		if err != nil {
			return nil, err
		}
		out = append(out, *x)
	}
	if t.padding != nil && !o.Plain {
		t.padding.pad(out)
	}
	return out, nil
}

// sequence encodes one text, without what comes around it.
func (e *Encoder) sequence(text string, number uint32) (*Encoding, error) {
	e.w.track = true
	if err := e.cut(text); err != nil {
		return nil, err
	}
	pieces := e.w.pieces
	out := new(Encoding)
	chars := newCounter(text)
	e.s.out, e.ends = e.s.out[:0], e.ends[:0]
	extra := 0
	for i := range pieces {
		if p := &pieces[i]; p.id < 0 {
			e.t.model.tokens(&e.s, e.w.text[p.lo:p.hi])
		} else {
			extra++
		}
		e.ends = append(e.ends, len(e.s.out))
	}
	out.reserve(len(e.s.out) + extra)
	from := 0
	for i := range pieces {
		e.record(out, &pieces[i], e.s.out[from:e.ends[i]], i, number, &chars)
		from = e.ends[i]
	}
	return out, nil
}

// reserve makes room for a number of tokens.
func (e *Encoding) reserve(n int) {
	e.IDs, e.Types, e.Tokens = make([]uint32, 0, n), make([]uint32, 0, n), make([]string, 0, n)
	e.Words, e.Offsets, e.Chars = make([]int, 0, n), make([]Span, 0, n), make([]Span, 0, n)
	e.Special, e.Mask = make([]uint32, 0, n), make([]uint32, 0, n)
}

// record appends the tokens of a piece.
func (e *Encoder) record(out *Encoding, p *piece, tokens []token, word int, kind uint32, chars *counter) {
	text := e.w.text[p.lo:p.hi]
	if p.id >= 0 {
		out.add(uint32(p.id), string(text), Span{int(p.from), int(p.to)}, word, kind, chars)
		return
	}
	origin := e.w.origin[p.lo:p.hi]
	v := e.t.model.vocabulary()
	for _, t := range tokens {
		at := Span{int(t.lo), int(t.hi)}
		switch {
		case int(t.hi) > len(origin) || t.lo > t.hi: // left as it is, in bytes of the word
		case t.lo == t.hi:
			at.Start, at.End = at.Start+int(p.from), at.End+int(p.from)
		default:
			at = Span{int(origin[t.lo].start), int(origin[t.hi-1].end)}
		}
		shown, _ := v.token(t.id)
		if t.own {
			shown = string(text[t.lo:t.hi])
		}
		out.add(t.id, shown, at, word, kind, chars)
	}
}

func (e *Encoding) add(id uint32, shown string, at Span, word int, kind uint32, chars *counter) {
	e.IDs = append(e.IDs, id)
	e.Types = append(e.Types, kind)
	e.Tokens = append(e.Tokens, shown)
	e.Words = append(e.Words, word)
	e.Offsets = append(e.Offsets, at)
	e.Chars = append(e.Chars, chars.convert(at))
	e.Special = append(e.Special, 0)
	e.Mask = append(e.Mask, 1)
}

// counter turns places in bytes into places in characters. It goes forward cheaply.
type counter struct {
	text      string
	plain     bool // every byte is a character
	at, chars int
}

func newCounter(text string) counter {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return counter{text: text}
		}
	}
	return counter{text: text, plain: true}
}

func (c *counter) convert(s Span) Span {
	if c.plain || s.Start >= len(c.text) {
		return s
	}
	start := c.index(s.Start)
	if s.Start == s.End {
		return Span{start, start}
	}
	return Span{start, c.index(s.End)}
}

// index is the number of the character that begins at or holds a byte.
func (c *counter) index(at int) int {
	if at < c.at {
		c.at, c.chars = 0, 0
	}
	for c.at < at && c.at < len(c.text) {
		r, size := utf8.DecodeRuneInString(c.text[c.at:])
		if r == utf8.RuneError && size == 1 {
			size = malformed(c.text[c.at:])
		}
		if c.at+size > at {
			break
		}
		c.at += size
		c.chars++
	}
	return c.chars
}
