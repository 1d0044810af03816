package tokenize

// Truncation says how long a sequence may be and where it is cut.
type Truncation struct {
	Length   int // tokens, the special ones among them
	Stride   int // tokens that each overflowing part repeats of the one before
	Left     bool
	Strategy Strategy
}

// Strategy says which of two texts is cut.
type Strategy uint8

// The strategies.
const (
	LongestFirst Strategy = iota
	OnlyFirst
	OnlySecond
)

// Truncation is what the tokeniser's file asks for; ok is false when it asks for none.
func (t *Tokenizer) Truncation() (tr Truncation, ok bool) {
	if t.truncation == nil {
		return Truncation{}, false
	}
	return *t.truncation, true
}

// WithTruncation is the tokeniser with another truncation, nil for none.
func (t *Tokenizer) WithTruncation(tr *Truncation) (*Tokenizer, error) {
	if tr != nil && tr.Length-addedBy(t.process, false) < tr.Stride {
		return nil, &EncodeError{"a stride that is longer than what is left beside the special tokens"}
	}
	c := *t
	c.truncation = tr
	return &c, nil
}

// truncate cuts one or two sequences so that they fit. A length that the special tokens
// exceed alone cuts nothing, as in the reference, where it wraps around.
func (tr Truncation) truncate(all []Encoding) error {
	if tr.Length < 0 {
		return nil
	}
	if tr.Length == 0 {
		for i := range all {
			all[i].truncate(0, tr)
		}
		return nil
	}
	total := 0
	for i := range all {
		total += all[i].Len()
	}
	if total <= tr.Length {
		return nil
	}
	if tr.Strategy != LongestFirst {
		return tr.one(all, total-tr.Length)
	}
	if len(all) == 1 {
		return all[0].truncate(tr.Length, tr)
	}
	a, b := tr.shares(all[0].Len(), all[1].Len())
	if err := all[0].truncate(a, tr); err != nil {
		return err
	}
	return all[1].truncate(b, tr)
}

// shares are the lengths of two sequences that are too long together.
func (tr Truncation) shares(a, b int) (int, int) {
	short := min(a, b)
	long := max(short, tr.Length-short)
	if short > tr.Length {
		long = short
	}
	if short+long > tr.Length {
		short = tr.Length / 2
		long = short + tr.Length%2
	}
	if a > b {
		return long, short
	}
	return short, long
}

// one cuts tokens off the sequence that the strategy names.
func (tr Truncation) one(all []Encoding, excess int) error {
	which := 0
	if tr.Strategy == OnlySecond {
		if which = 1; len(all) < 2 {
			return &EncodeError{"truncation of a second text, and there is none"}
		}
	}
	n := all[which].Len()
	if n <= excess {
		return &EncodeError{"a text that is too short to be truncated to the length"}
	}
	return all[which].truncate(n-excess, tr)
}

// truncate keeps a length of tokens, and the rest as overflowing parts.
func (e *Encoding) truncate(length int, tr Truncation) error {
	n := e.Len()
	if length >= n {
		return nil
	}
	if length == 0 {
		all := *e
		*e = Encoding{Overflowing: append(all.Overflowing, all)}
		return nil
	}
	if tr.Stride >= length {
		return &EncodeError{"a stride that is not shorter than the length"}
	}
	whole := *e
	parts := tr.parts(n, length)
	*e = whole.slice(parts[0])
	for _, p := range parts[1:] {
		e.Overflowing = append(e.Overflowing, whole.slice(p))
	}
	return nil
}

func (tr Truncation) parts(n, length int) (parts []Span) {
	step := length - tr.Stride
	for at := 0; at < n; at += step {
		p := Span{at, min(at+length, n)}
		if tr.Left {
			p = Span{max(n-at-length, 0), n - at}
		}
		parts = append(parts, p)
		if tr.Left && p.Start == 0 || !tr.Left && p.End == n {
			break
		}
	}
	return parts
}

func (e *Encoding) slice(s Span) Encoding {
	return Encoding{
		IDs:     append([]uint32(nil), e.IDs[s.Start:s.End]...),
		Types:   append([]uint32(nil), e.Types[s.Start:s.End]...),
		Tokens:  append([]string(nil), e.Tokens[s.Start:s.End]...),
		Words:   append([]int(nil), e.Words[s.Start:s.End]...),
		Offsets: append([]Span(nil), e.Offsets[s.Start:s.End]...),
		Chars:   append([]Span(nil), e.Chars[s.Start:s.End]...),
		Special: append([]uint32(nil), e.Special[s.Start:s.End]...),
		Mask:    append([]uint32(nil), e.Mask[s.Start:s.End]...),
	}
}

// Padding says how sequences are made equally long.
type Padding struct {
	Length   int // zero: as long as the longest of a batch
	Multiple int // rounded up to one of these; zero: not
	Left     bool
	ID, Type uint32
	Token    string
}

// MaxPadding is the longest length that sequences are padded to.
const MaxPadding = 1 << 20

// WithPadding is the tokeniser with another padding, nil for none.
func (t *Tokenizer) WithPadding(p *Padding) *Tokenizer {
	c := *t
	c.padding = p
	return &c
}

func (p *Padding) pad(all []Encoding) {
	length := p.Length
	if length == 0 {
		for i := range all {
			length = max(length, all[i].Len())
		}
	}
	if p.Multiple > 0 && length%p.Multiple > 0 {
		length += p.Multiple - length%p.Multiple
	}
	for i := range all {
		all[i].pad(p, min(length, MaxPadding))
	}
}

func (e *Encoding) pad(p *Padding, length int) {
	for i := range e.Overflowing {
		e.Overflowing[i].pad(p, length)
	}
	n := length - e.Len()
	if n <= 0 {
		return
	}
	e.IDs = padded(e.IDs, p.ID, n, p.Left)
	e.Types = padded(e.Types, p.Type, n, p.Left)
	e.Tokens = padded(e.Tokens, p.Token, n, p.Left)
	e.Words = padded(e.Words, -1, n, p.Left)
	e.Offsets = padded(e.Offsets, Span{}, n, p.Left)
	e.Chars = padded(e.Chars, Span{}, n, p.Left)
	e.Special = padded(e.Special, 1, n, p.Left)
	e.Mask = padded(e.Mask, 0, n, p.Left)
	if p.Left {
		for i := range e.ranges {
			e.ranges[i].lo += n
			e.ranges[i].hi += n
		}
	}
}

func padded[T any](list []T, with T, n int, left bool) []T {
	out := make([]T, 0, len(list)+n)
	if !left {
		out = append(out, list...)
	}
	for range n {
		out = append(out, with)
	}
	if left {
		out = append(out, list...)
	}
	return out
}
