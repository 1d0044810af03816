package tokenize

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

// Sequences says for each token from which text it comes, -1 for none. As in the reference,
// a text of which no place is known stands for all tokens.
func (e *Encoding) Sequences() []int {
	out := make([]int, len(e.IDs))
	for i := range out {
		out[i] = -1
	}
	for s := range max(len(e.ranges), 1) {
		r := e.rangeOf(s)
		for i := r.lo; i < min(r.hi, len(out)); i++ {
			out[i] = s
		}
	}
	return out
}

func (e *Encoding) rangeOf(sequence int) sequenceRange {
	for _, r := range e.ranges {
		if r.sequence == sequence {
			return r
		}
	}
	return sequenceRange{sequence, 0, e.Len()}
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
	return e.finish([]Encoding{a}, o)
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
	return e.finish([]Encoding{a, b}, o)
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

// sequence encodes one text, without what comes around it. It is good until the next call
// with the number.
func (e *Encoder) sequence(text string, number uint32) (Encoding, error) {
	e.w.track = true
	if err := e.cut(text); err != nil {
		return Encoding{}, err
	}
	pieces := e.w.pieces
	e.s.out, e.ends = e.s.out[:0], e.ends[:0]
	total := 0
	for i := range pieces {
		if p := &pieces[i]; p.id < 0 {
			e.t.model.tokens(&e.s, e.w.text[p.lo:p.hi])
		} else {
			total++
		}
		e.ends = append(e.ends, len(e.s.out))
	}
	out := &e.texts[number]
	out.resize(total + len(e.s.out))
	from, at := 0, 0
	for i, end := range e.ends {
		at = e.record(out, &pieces[i], e.s.out[from:end], i, at)
		from = end
	}
	for i := range out.IDs {
		out.Types[i], out.Chars[i] = number, e.w.charsOf(out.Offsets[i])
	}
	return *out, nil
}

// reserve makes room for a number of tokens.
func (e *Encoding) reserve(n int) {
	numbers, spans := make([]uint32, 4*n), make([]Span, 2*n)
	e.IDs, e.Types = numbers[:0:n], numbers[n:n:2*n]
	e.Special, e.Mask = numbers[2*n:2*n:3*n], numbers[3*n:3*n]
	e.Offsets, e.Chars = spans[:0:n], spans[n:n]
	e.Tokens, e.Words = make([]string, 0, n), make([]int, 0, n)
}

// resize makes an encoding of a number of tokens, none of them special, in the memory at hand.
func (e *Encoding) resize(n int) {
	if n > cap(e.IDs) {
		e.reserve(n)
	}
	e.IDs, e.Types, e.Tokens, e.Words = e.IDs[:n], e.Types[:n], e.Tokens[:n], e.Words[:n]
	e.Offsets, e.Chars, e.Special, e.Mask = e.Offsets[:n], e.Chars[:n], e.Special[:n], e.Mask[:n]
	for i := range n {
		e.Special[i], e.Mask[i] = 0, 1
	}
}

// record writes the tokens of a piece from a place on, and returns where they end.
func (e *Encoder) record(out *Encoding, p *piece, tokens []token, word, at int) int {
	text := e.w.text[p.lo:p.hi]
	if p.id >= 0 {
		out.IDs[at], out.Tokens[at], out.Words[at] = uint32(p.id), string(text), word
		out.Offsets[at] = Span{int(p.from), int(p.to)}
		return at + 1
	}
	origin := e.w.origin[p.lo:p.hi]
	v := e.t.model.vocabulary()
	for _, t := range tokens {
		place := Span{int(t.lo), int(t.hi)}
		switch {
		case int(t.hi) > len(origin) || t.lo > t.hi: // left as it is, in bytes of the word
			place = e.w.unmended(place)
		case t.lo == t.hi:
			place.Start, place.End = place.Start+int(p.from), place.End+int(p.from)
		default:
			place = Span{int(origin[t.lo].start), int(origin[t.hi-1].end)}
		}
		shown, _ := v.token(t.id)
		if t.own {
			shown = string(text[t.lo:t.hi])
		}
		out.IDs[at], out.Tokens[at], out.Words[at], out.Offsets[at] = t.id, shown, word, place
		at++
	}
	return at
}
