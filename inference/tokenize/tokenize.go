// Package tokenize turns text into the token ids of a model and back: WordPiece, byte-pair
// encoding, Unigram and whole words, with the normalisers, pre-tokenisers, templates and
// decoders that a tokenizer.json names, or read from a vocab.txt, from a vocab.json with
// its merges.txt, or from a SentencePiece model.
//
// The pipeline calls it before a model runs, and canisters may call it on chain: it is
// pure, starts nothing, needs no reflection, and gives the same ids everywhere because its
// Unicode tables are frozen here instead of taken from the toolchain. It equals the Python
// package tokenizers 0.23.3 id for id and offset for offset, its quirks included; bytes that
// are not UTF-8 are taken as Python's bytes.decode(errors="replace") takes them.
//
//	t, err := tokenize.Load(tokenizerJSON)
//	ids, err := t.Encode("What is a canister?", 256) // [CLS] … [SEP]
//	text := t.Decode(ids, true)
//
// Which tokeniser and how many tokens belong to a model is the catalog's business.
package tokenize

import "strconv"

// MaxTextBytes is the longest text that is encoded.
const MaxTextBytes = 1 << 28

// Tokenizer holds a vocabulary and the steps from text to ids. It never changes and may be
// used by many goroutines.
type Tokenizer struct {
	normaliser   normaliser   // nil: none
	preTokeniser preTokeniser // nil: none
	model        model
	added        addedTokens
	process      []processor
	around       []uint32 // the ids that process makes of one text, textSlot for its own
	unframed     error    // why there are none
	decoders     []decoder
	truncation   *Truncation
	padding      *Padding
	places       bool // ids depend on where in the text a piece stands
	size         int
}

// EncodeError says why a text was not encoded.
type EncodeError struct{ Problem string }

func (e *EncodeError) Error() string { return "encode: " + e.Problem }

// Size is the number of ids: every id is below it.
func (t *Tokenizer) Size() int { return t.size }

// ID is the id of a token; ok is false when there is no such token.
func (t *Tokenizer) ID(token string) (id uint32, ok bool) {
	if id, ok := t.added.ids[token]; ok {
		return id, true
	}
	n := t.model.vocabulary().id(token)
	return uint32(n), n >= 0
}

// Token is the text of an id in the vocabulary; ok is false when there is no such id.
func (t *Tokenizer) Token(id uint32) (token string, ok bool) {
	if a, ok := t.added.byID[id]; ok {
		return a.content, true
	}
	return t.model.vocabulary().token(id)
}

// Encode gives the ids of a text with the special tokens around it, such as [CLS] and
// [SEP]. At most limit ids are returned, the special ones among them, by leaving out the
// last tokens of the text; a limit below the number of special tokens means no limit.
// Neither truncation nor padding that the tokeniser's file asks for is done. A tokeniser of
// [New] encodes every text up to [MaxTextBytes].
func (t *Tokenizer) Encode(text string, limit int) ([]uint32, error) {
	var e Encoder
	e.t = t
	return e.Encode(text, limit)
}

// Encoder encodes with memory that it keeps from text to text, which is faster for many.
// It is for one goroutine.
type Encoder struct {
	t *Tokenizer
	w work
	s scratch

	ends  []int       // where in the scratch the tokens of each piece end
	texts [2]Encoding // before anything comes around them
}

// Encoder makes an encoder.
func (t *Tokenizer) Encoder() *Encoder {
	e := &Encoder{t: t}
	e.s.words.entries = make([]entry, 1<<cacheBits)
	return e
}

// Encode is [Tokenizer.Encode].
func (e *Encoder) Encode(text string, limit int) ([]uint32, error) {
	if e.t.unframed != nil {
		return nil, e.t.unframed
	}
	e.w.track = e.t.places
	if err := e.cut(text); err != nil {
		return nil, err
	}
	room := -1
	if around := e.t.Around(); limit > 0 && limit >= around {
		room = limit - around
	}
	ids := make([]uint32, 0, 16)
	for i := 0; i < len(e.w.pieces) && (room < 0 || len(ids) < room); i++ {
		p := &e.w.pieces[i]
		if p.id >= 0 {
			ids = append(ids, uint32(p.id))
			continue
		}
		e.tokens(p)
		for _, t := range e.s.out {
			ids = append(ids, t.id)
		}
	}
	if room >= 0 && len(ids) > room {
		ids = ids[:room]
	}
	return e.t.wrap(ids), nil
}

// cut brings a text up to its words.
func (e *Encoder) cut(text string) error {
	if len(text) > MaxTextBytes {
		return &EncodeError{strconv.Itoa(len(text)) + " bytes, at most " + strconv.Itoa(MaxTextBytes) + " are encoded"}
	}
	t, w := e.t, &e.w
	w.begin(text)
	t.added.extract(w, &t.added.raw)
	if t.normaliser != nil {
		t.normaliser.normalise(w)
	}
	t.added.extract(w, &t.added.normal)
	if t.preTokeniser != nil {
		t.preTokeniser.pretokenise(w)
		w.dropEmpty()
	}
	if w.err != nil {
		return &EncodeError{w.err.Error()}
	}
	return nil
}

// tokens puts the tokens of a piece into the scratch.
func (e *Encoder) tokens(p *piece) {
	e.s.out = e.s.out[:0]
	e.t.model.tokens(&e.s, e.w.text[p.lo:p.hi])
}
