package tokenize

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"assay/inference/tokenize/internal/pattern"
)

// metaMark is the mark that SentencePiece writes for a space.
const metaMark = "▁"

// spModel is what a SentencePiece model file says, as far as it matters here.
type spModel struct {
	pieces   []spPiece
	bpe      bool
	kind     uint64
	fallback bool
	charsmap []byte
	dummy    bool // puts a space in front
	squeeze  bool // takes spaces at the ends out, and makes one of several
	escape   bool // writes spaces as marks
}

type spPiece struct {
	text  string
	score float32
	kind  uint64
}

// Types of pieces.
const (
	spNormal      = 1
	spUnknown     = 2
	spControl     = 3
	spUserDefined = 4
	spUnused      = 5
	spByte        = 6
)

// LoadSentencePiece reads a SentencePiece model: Unigram, or BPE with or without byte
// fallback. It gives the ids of SentencePiece itself, without tokens around the text.
func LoadSentencePiece(file []byte) (*Tokenizer, error) {
	if len(file) > MaxFileBytes {
		return nil, &FileError{0, "", strconv.Itoa(len(file)) + " bytes, at most " + strconv.Itoa(MaxFileBytes) + " are read"}
	}
	m, err := readSentencePiece(file)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{}
	if t.normaliser, err = m.normaliser(); err != nil {
		return nil, err
	}
	if m.bpe {
		t.model, err = m.toBPE()
	} else {
		t.model, err = m.toUnigram()
	}
	if err != nil {
		return nil, err
	}
	if problem := t.added.build(m.added(), t.model.vocabulary(), t.normaliser); problem != "" {
		return nil, &FileError{0, "pieces", problem}
	}
	t.decoders = []decoder{byteFallback{}, textDecoder{metaMark, " "}, fuse{}}
	if m.dummy {
		t.decoders = append(t.decoders, stripDecoder{' ', 1, 0})
	}
	t.finish()
	return t, nil
}

func (m *spModel) normaliser() (normaliser, error) {
	var s steps
	if len(m.charsmap) > 0 {
		p, problem := newPrecompiled(m.charsmap)
		if problem != "" {
			return nil, &FileError{0, "precompiled_charsmap", problem}
		}
		s = append(s, spMap{p})
	}
	return append(s, spSpaces{m.dummy, m.squeeze, m.escape}), nil
}

// added are the pieces that are found before all else.
func (m *spModel) added() (list []added) {
	for _, p := range m.pieces {
		if p.kind == spUserDefined {
			list = append(list, added{content: p.text})
		}
	}
	return list
}

func (m *spModel) toUnigram() (model, error) {
	out := newUnigram(len(m.pieces))
	out.unknown, out.bytes = -1, m.fallback
	lowest := math.Inf(1)
	for i, p := range m.pieces {
		if p.kind == spUnknown && out.unknown < 0 {
			out.unknown = int32(i)
		}
		if p.kind == spNormal {
			lowest = min(lowest, float64(p.score))
		}
		if problem := out.add(p.text, float64(p.score)); problem != "" {
			return nil, &FileError{0, "piece " + strconv.Itoa(i), problem}
		}
	}
	if out.unknown < 0 {
		return nil, &FileError{0, "pieces", "no piece for unknown characters"}
	}
	out.single = true
	out.prepare()
	if !math.IsInf(lowest, 1) {
		out.lowest = out.sum(lowest, -unknownPenalty)
	}
	out.hide(m.pieces)
	return out, nil
}

// hide takes pieces out of the trie that text never becomes.
func (m *unigram) hide(pieces []spPiece) {
	m.hidden = make([]bool, len(pieces))
	for i, p := range pieces {
		m.hidden[i] = p.kind != spNormal && p.kind != spUserDefined
	}
}

func (m *spModel) toBPE() (model, error) {
	out := &bpe{v: newVocabulary(len(m.pieces)), unknown: -1, fuse: true, bytes: m.fallback}
	for i, p := range m.pieces {
		if p.kind == spUnknown && out.unknown < 0 {
			out.unknown = int32(i)
		}
		if problem := out.v.add(p.text, uint64(i)); problem != "" {
			return nil, &FileError{0, "piece " + strconv.Itoa(i), problem}
		}
	}
	if out.unknown < 0 {
		return nil, &FileError{0, "pieces", "no piece for unknown characters"}
	}
	m.mergesInto(out)
	out.prepare()
	return out, nil
}

// mergesInto makes merges of the pieces: every cut of a piece into two others, of the
// highest score first.
func (m *spModel) mergesInto(out *bpe) {
	type cut struct {
		left, right, joined uint32
		score               float32
	}
	var cuts []cut
	for i, p := range m.pieces {
		if p.kind != spNormal {
			continue
		}
		for at := range p.text {
			if at == 0 {
				continue
			}
			left, right := out.v.id(p.text[:at]), out.v.id(p.text[at:])
			if left >= 0 && right >= 0 && m.pieces[left].kind == spNormal && m.pieces[right].kind == spNormal {
				cuts = append(cuts, cut{uint32(left), uint32(right), uint32(i), p.score})
			}
		}
	}
	slices.SortStableFunc(cuts, func(a, b cut) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	out.merges = newPairs(len(cuts))
	rank := uint32(0)
	for i, c := range cuts {
		if i > 0 && c.score != cuts[i-1].score {
			rank++
		}
		out.merges.put(c.left, c.right, rank, c.joined)
	}
}

// spMap applies a character map as SentencePiece does: the longest entry at each place.
type spMap struct{ *precompiled }

func (m spMap) normalise(w *work) {
	w.rewrite(func(e *edit) {
		h := held{e: e}
		for i := 0; i < len(e.src); {
			if to, n := m.prefix(e.src[i:], true); n > 0 {
				h.exchange(e.src[i:i+n], to)
				i += n
				continue
			}
			r, size := utf8.DecodeRune(e.src[i:])
			h.put(r, 0)
			i += size
		}
		h.flush()
	})
}

// spSpaces does with spaces what a SentencePiece model asks for.
type spSpaces struct{ dummy, squeeze, escape bool }

func (s spSpaces) normalise(w *work) {
	if s.squeeze {
		strip{true, true}.onlySpaces(w)
		replace{spacesInARow(), " "}.normalise(w)
	}
	if s.dummy {
		prepend(" ").normalise(w)
	}
	if s.escape {
		w.rewrite(func(e *edit) { e.spaces(metaMark) })
	}
}

// onlySpaces strips U+0020 alone.
func (s strip) onlySpaces(w *work) {
	w.rewrite(func(e *edit) {
		text := string(e.src)
		from := len(text) - len(strings.TrimLeft(text, " "))
		to := max(from, len(strings.TrimRight(text, " ")))
		e.at = from
		e.copy(to)
	})
}

func spacesInARow() *pattern.Pattern {
	p, err := pattern.Compile(" {2,}")
	if err != nil {
		panic(err) // it is our own
	}
	return p
}

// readSentencePiece reads the protocol buffer of a model.
func readSentencePiece(file []byte) (*spModel, error) {
	m := &spModel{dummy: true, squeeze: true, escape: true, kind: 1}
	err := wireFields(file, 0, func(f wireField) string {
		switch f.number {
		case 1:
			return m.piece(f)
		case 2:
			return m.trainer(f)
		case 3:
			return m.normal(f)
		}
		return ""
	})
	switch {
	case err != nil:
		return nil, err
	case len(m.pieces) == 0:
		return nil, &FileError{0, "pieces", "there are none"}
	case m.kind != 1 && m.kind != 2:
		return nil, &FileError{0, "trainer_spec", "a model of type " + strconv.FormatUint(m.kind, 10) + ", neither Unigram nor BPE"}
	}
	m.bpe = m.kind == 2
	return m, nil
}

func (m *spModel) piece(f wireField) (problem string) {
	p := spPiece{kind: spNormal}
	if len(m.pieces) >= maxTokens {
		return "more pieces than fit"
	}
	err := wireFields(f.bytes, f.offset, func(f wireField) string {
		switch f.number {
		case 1:
			p.text = string(f.bytes)
		case 2:
			p.score = math.Float32frombits(uint32(f.value))
		case 3:
			p.kind = f.value
		}
		return ""
	})
	switch {
	case err != nil:
		return err.Problem
	case p.text == "" || !utf8.ValidString(p.text):
		return "a piece that is empty or not UTF-8"
	case p.score != p.score || p.kind < spNormal || p.kind > spByte:
		return "a piece whose score or type is none"
	}
	m.pieces = append(m.pieces, p)
	return ""
}

func (m *spModel) trainer(f wireField) (problem string) {
	err := wireFields(f.bytes, f.offset, func(f wireField) string {
		switch f.number {
		case 3:
			m.kind = f.value
		case 35:
			m.fallback = f.value != 0
		case 24:
			if f.value != 0 {
				return "treat_whitespace_as_suffix, which is not read"
			}
		}
		return ""
	})
	if err != nil {
		return err.Problem
	}
	return ""
}

func (m *spModel) normal(f wireField) (problem string) {
	err := wireFields(f.bytes, f.offset, func(f wireField) string {
		switch f.number {
		case 2:
			m.charsmap = f.bytes
		case 3:
			m.dummy = f.value != 0
		case 4:
			m.squeeze = f.value != 0
		case 5:
			m.escape = f.value != 0
		}
		return ""
	})
	if err != nil {
		return err.Problem
	}
	return ""
}

// wireField is a field of a protocol buffer.
type wireField struct {
	number uint64
	value  uint64 // of a number
	bytes  []byte // of anything with a length
	offset int
}

// wireFields calls f for each field of a message; f returns what is wrong, if anything.
func wireFields(b []byte, base int, f func(f wireField) (problem string)) *FileError {
	for at := 0; at < len(b); {
		field := wireField{offset: base + at}
		key, n := uvarint(b[at:])
		at += n
		if field.number = key >> 3; n == 0 || field.number == 0 {
			return &FileError{field.offset, "", "no field of a protocol buffer"}
		}
		size := 0
		switch key & 7 {
		case 0:
			field.value, size = uvarint(b[at:])
		case 1:
			size = 8
		case 2:
			length, n := uvarint(b[at:])
			if n == 0 || length > uint64(len(b)-at-n) {
				return &FileError{field.offset, "", "a field that is longer than its message"}
			}
			at += n
			field.bytes, field.offset, size = b[at:at+int(length)], base+at, int(length)
			if length == 0 {
				size = -1
			}
		case 5:
			if size = 4; len(b)-at >= 4 {
				field.value = uint64(b[at]) | uint64(b[at+1])<<8 | uint64(b[at+2])<<16 | uint64(b[at+3])<<24
			}
		}
		if size == 0 || size > len(b)-at {
			return &FileError{field.offset, "", "a field that is cut off"}
		}
		at += max(size, 0)
		if problem := f(field); problem != "" {
			return &FileError{field.offset, "", problem}
		}
	}
	return nil
}

// uvarint reads a number of up to ten bytes; n is zero when there is none.
func uvarint(b []byte) (v uint64, n int) {
	for i := 0; i < len(b) && i < 10; i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
