package tokenize

import (
	"strconv"
	"unicode/utf8"

	"assay/inference/tokenize/internal/ucd"
)

// processor puts special tokens around one or two sequences.
type processor interface {
	// added is how many tokens it puts around.
	added(pair bool) int
	process(all []Encoding, bare bool) ([]Encoding, error)
}

func addedBy(list []processor, pair bool) (n int) {
	for _, p := range list {
		n += p.added(pair)
	}
	return n
}

// Around is how many special tokens come around one text.
func (t *Tokenizer) Around() int { return addedBy(t.process, false) }

// textSlot is the id that stands for a text's own in [Tokenizer.around].
const textSlot = ^uint32(0)

// frame finds out what comes around the ids of one text.
func (t *Tokenizer) frame() {
	var one Encoding
	one.resize(1)
	one.IDs[0] = textSlot
	out, err := t.join([]Encoding{one}, false)
	t.around, t.unframed = out.IDs, err
}

// wrap puts the special tokens around the ids of one text.
func (t *Tokenizer) wrap(ids []uint32) []uint32 {
	if len(t.around) == 1 && t.around[0] == textSlot {
		return ids
	}
	out := make([]uint32, 0, len(ids)+len(t.around))
	for _, id := range t.around {
		if id == textSlot {
			out = append(out, ids...)
		} else {
			out = append(out, id)
		}
	}
	return out
}

// finish truncates, puts the special tokens around and pads.
func (e *Encoder) finish(all []Encoding, o Options) (*Encoding, error) {
	t := e.t
	if t.truncation != nil && !o.Plain {
		tr := *t.truncation
		if !o.Bare {
			tr.Length -= addedBy(t.process, len(all) > 1)
		}
		if err := tr.truncate(all); err != nil {
			return nil, err
		}
	}
	out, err := t.join(all, o.Bare)
	if err != nil {
		return nil, err
	}
	if t.padding != nil && !o.Plain {
		one := []Encoding{out}
		t.padding.pad(one)
		out = one[0]
	}
	return &out, nil
}

// join makes one sequence of all, in memory of its own.
func (t *Tokenizer) join(all []Encoding, bare bool) (out Encoding, err error) {
	if t.process == nil && len(all) == 1 {
		return all[0].clone(), nil
	}
	for i := range all {
		all[i].belongs(i)
		if t.process == nil {
			continue
		}
		for j := range all[i].Overflowing {
			all[i].Overflowing[j].belongs(i)
		}
		all[i].typed(uint32(i))
	}
	for i, p := range t.process {
		if i > 0 { // what a processor hands on may belong to it
			for j := range all {
				all[j] = all[j].clone()
			}
		}
		if all, err = p.process(all, bare); err != nil {
			return out, err
		}
	}
	total := 0
	for i := range all {
		total += all[i].Len()
	}
	out.reserve(total)
	for i := range all {
		out.append(&all[i])
	}
	return out, nil
}

func (e *Encoding) belongs(sequence int) {
	for i := range e.ranges {
		if e.ranges[i].sequence == sequence {
			e.ranges[i] = sequenceRange{sequence, 0, e.Len()}
			return
		}
	}
	e.ranges = append(e.ranges, sequenceRange{sequence, 0, e.Len()})
}

func (e *Encoding) typed(kind uint32) {
	if len(e.Types) != e.Len() {
		e.Types = make([]uint32, e.Len())
	}
	for i := range e.Types {
		e.Types[i] = kind
	}
}

func (e *Encoding) clone() Encoding {
	c := e.slice(Span{0, e.Len()})
	c.ranges = append([]sequenceRange(nil), e.ranges...)
	for i := range e.Overflowing {
		c.Overflowing = append(c.Overflowing, e.Overflowing[i].clone())
	}
	return c
}

// append puts another sequence behind this one, and each part that overflows with each.
func (e *Encoding) append(o *Encoding) {
	var over []Encoding
	for i := range e.Overflowing {
		c := e.Overflowing[i].clone()
		c.append(o)
		over = append(over, c)
		for j := range o.Overflowing {
			c := e.Overflowing[i].clone()
			c.append(&o.Overflowing[j])
			over = append(over, c)
		}
	}
	for j := range o.Overflowing {
		c := e.clone()
		c.append(&o.Overflowing[j])
		over = append(over, c)
	}
	n := e.Len()
	for _, r := range o.ranges {
		e.setRange(sequenceRange{r.sequence, r.lo + n, r.hi + n})
	}
	e.IDs = append(e.IDs, o.IDs...)
	e.Types = append(e.Types, o.Types...)
	e.Tokens = append(e.Tokens, o.Tokens...)
	e.Words = append(e.Words, o.Words...)
	e.Offsets = append(e.Offsets, o.Offsets...)
	e.Chars = append(e.Chars, o.Chars...)
	e.Special = append(e.Special, o.Special...)
	e.Mask = append(e.Mask, o.Mask...)
	e.Overflowing = over
}

func (e *Encoding) setRange(r sequenceRange) {
	for i := range e.ranges {
		if e.ranges[i].sequence == r.sequence {
			e.ranges[i] = r
			return
		}
	}
	e.ranges = append(e.ranges, r)
}

// specialToken is a token that a processor puts in, or several in a row.
type specialToken struct {
	ids    []uint32
	tokens []string
}

func (s specialToken) encoding(kind uint32) (e Encoding) {
	e.resize(len(s.ids))
	copy(e.IDs, s.ids)
	copy(e.Tokens, s.tokens)
	for i := range s.ids {
		e.Types[i], e.Words[i], e.Special[i] = kind, -1, 1
	}
	return e
}

// template puts a sequence together from pieces.
type template struct {
	single, pair []templatePiece
}

// templatePiece is a text, or else a special token.
type templatePiece struct {
	special  *specialToken
	made     Encoding // of the special token; it never changes
	sequence int
	kind     uint32
}

func (t *template) added(pair bool) (n int) {
	list := t.single
	if pair {
		list = t.pair
	}
	for _, p := range list {
		if p.special != nil {
			n += len(p.special.ids)
		}
	}
	return n
}

func (t *template) process(all []Encoding, bare bool) ([]Encoding, error) {
	list := t.single
	switch len(all) {
	case 1:
	case 2:
		list = t.pair
	default:
		return nil, &EncodeError{"a template for " + strconv.Itoa(len(all)) + " sequences"}
	}
	out := make([]Encoding, 0, len(list))
	for i := range list {
		p := &list[i]
		switch {
		case p.special == nil:
			e := &all[p.sequence]
			e.typed(p.kind)
			e.belongs(p.sequence)
			if t.once(list, p.sequence) {
				out = append(out, *e)
			} else {
				out = append(out, e.clone())
			}
		case p.special != nil && !bare:
			out = append(out, p.made)
		}
	}
	return out, nil
}

// once reports whether a text stands in a template a single time, so that it need not be copied.
func (t *template) once(list []templatePiece, sequence int) bool {
	n := 0
	for _, p := range list {
		if p.special == nil && p.sequence == sequence {
			n++
		}
	}
	return n == 1
}

// bertProcessing is [CLS] A [SEP] B [SEP]; for RoBERTa, <s> A </s> </s> B </s>.
type bertProcessing struct {
	begin, end specialToken
	roberta    bool
	trim       *trimOffsets
}

func (b *bertProcessing) added(pair bool) int {
	switch {
	case !pair:
		return 2
	case b.roberta:
		return 4
	}
	return 3
}

func (b *bertProcessing) process(all []Encoding, bare bool) ([]Encoding, error) {
	for i := range all {
		if b.trim != nil {
			b.trim.offsets(&all[i])
		}
		if b.roberta {
			all[i].typed(0)
		}
	}
	if bare {
		return all, nil
	}
	for i := range all {
		over := all[i].Overflowing
		all[i].Overflowing = nil
		wrapped := b.around(&all[i], i)
		for j := range over {
			over[j].Overflowing = nil
			if b.roberta {
				over[j].typed(0)
			}
			wrapped.Overflowing = append(wrapped.Overflowing, b.around(&over[j], i))
		}
		all[i] = wrapped
	}
	return all, nil
}

func (b *bertProcessing) around(e *Encoding, i int) (out Encoding) {
	kind := uint32(0)
	if !b.roberta {
		kind = uint32(min(i, 1))
	}
	for j := range e.Special { // what was marked before is not marked any more
		e.Special[j] = 0
	}
	for j := range e.Mask {
		e.Mask[j] = 1
	}
	e.ranges = nil
	lo := 0
	switch {
	case i == 0:
		out = b.begin.encoding(0)
		lo = 1
	case b.roberta:
		out = b.end.encoding(0)
		lo = 1
	}
	hi := lo + e.Len()
	out.append(e)
	last := b.end.encoding(kind)
	out.append(&last)
	out.ranges = []sequenceRange{{min(i, 1), lo, hi}}
	return out
}

// trimOffsets leaves the spaces of byte-level tokens out of their offsets.
type trimOffsets struct {
	trim, addSpace bool
}

func (t *trimOffsets) added(bool) int { return 0 }

func (t *trimOffsets) process(all []Encoding, _ bool) ([]Encoding, error) {
	for i := range all {
		if t.trim {
			t.offsets(&all[i])
		}
		all[i].belongs(i)
	}
	return all, nil
}

// offsets trims those of a sequence and of the parts that overflow.
func (t *trimOffsets) offsets(e *Encoding) {
	for i, token := range e.Tokens {
		leading, trailing := spacesAround(token)
		e.Offsets[i] = t.trimmed(e.Offsets[i], i, leading, trailing)
		e.Chars[i] = t.trimmed(e.Chars[i], i, leading, trailing)
	}
	for i := range e.Overflowing {
		t.offsets(&e.Overflowing[i])
	}
}

func (t *trimOffsets) trimmed(s Span, i, leading, trailing int) Span {
	if leading > 0 {
		if (i == 0 || s.Start == 0) && t.addSpace && leading == 1 {
			leading = 0 // the space that was put in
		}
		s.Start = min(s.Start+leading, s.End)
	}
	if trailing > 0 && s.End >= trailing {
		s.End = max(s.End-trailing, s.Start)
	}
	return s
}

// ends reports whether a byte is a character that is no space.
func ends(b byte) bool { return ' ' < b && b < utf8.RuneSelf }

func spacesAround(token string) (leading, trailing int) {
	if token != "" && ends(token[0]) && ends(token[len(token)-1]) {
		return 0, 0
	}
	isSpace := func(r rune) bool { return r == 0x120 || ucd.Is(r, ucd.Space) }
	for _, r := range token {
		if !isSpace(r) {
			break
		}
		leading++
	}
	for rest := token; rest != ""; trailing++ {
		r, n := utf8.DecodeLastRuneInString(rest)
		if !isSpace(r) {
			break
		}
		rest = rest[:len(rest)-n]
	}
	return leading, trailing
}
