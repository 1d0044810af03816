// Package tokenize turns text into the token ids of BERT's uncased WordPiece.
//
// The pipeline calls it before a model runs, and canisters may call it on chain: it is
// pure, starts nothing, and gives the same ids everywhere because its Unicode tables
// are frozen here instead of taken from the toolchain. It equals the Python package
// tokenizers 0.23.3 id for id, its quirks included: text such as "[SEP]" becomes the
// special token, and invalid UTF-8 is dropped as that package drops U+FFFD.
//
//	t, err := tokenize.New(vocabularyFile)
//	ids := t.Encode("What is a canister?", 256) // [CLS] … [SEP]
//
// Which vocabulary and how many tokens belong to a model is the catalog's business.
package tokenize

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// MaxVocabularyBytes is the largest vocabulary file that [New] reads.
	MaxVocabularyBytes = 16 << 20
	maxTokens          = 1 << 20
	maxTokenBytes      = 400
	maxWordRunes       = 100 // a longer word is one unknown token, as in the reference
	continuation       = "##"
)

// The special tokens that a vocabulary must hold, as they stand in text.
const (
	unknown  = "[UNK]"
	classify = "[CLS]"
	separate = "[SEP]"
	padding  = "[PAD]"
	mask     = "[MASK]"
)

// VocabularyError says what is wrong with a vocabulary file, and where.
type VocabularyError struct {
	Line    int // from one; zero when the file as a whole is wrong
	Problem string
}

func (e *VocabularyError) Error() string {
	if e.Line == 0 {
		return "vocabulary: " + e.Problem
	}
	return fmt.Sprintf("vocabulary line %d: %s", e.Line, e.Problem)
}

// Tokenizer holds a vocabulary. It never changes and may be used by many goroutines.
type Tokenizer struct {
	first   map[string]uint32 // tokens that begin a word
	rest    map[string]uint32 // tokens that go on with one, without their ##
	longest int               // bytes of the longest token
	special []special
	size    int

	unknown, classify, separate uint32
}

type special struct {
	text string
	id   uint32
}

// New reads a vocabulary file: one token a line in the order of ids, each line ended by
// a newline, none twice. It returns a [*VocabularyError] for anything else.
func New(vocabulary []byte) (*Tokenizer, error) {
	if len(vocabulary) > MaxVocabularyBytes {
		return nil, &VocabularyError{0, fmt.Sprintf("%d bytes, at most %d are read", len(vocabulary), MaxVocabularyBytes)}
	}
	if n := len(vocabulary); n == 0 || vocabulary[n-1] != '\n' {
		return nil, &VocabularyError{0, "does not end in a newline"}
	}
	lines := bytes.Count(vocabulary, []byte{'\n'})
	if lines > maxTokens {
		return nil, &VocabularyError{0, fmt.Sprintf("%d tokens, at most %d are read", lines, maxTokens)}
	}
	t := &Tokenizer{first: make(map[string]uint32, lines), rest: make(map[string]uint32, lines/4)}
	for rest := string(vocabulary); rest != ""; t.size++ {
		var token string
		token, rest, _ = strings.Cut(rest, "\n")
		if problem := t.add(token); problem != "" {
			return nil, &VocabularyError{t.size + 1, problem}
		}
	}
	return t, t.findSpecial()
}

// add gives a token the next id; it returns what is wrong with it, if anything.
func (t *Tokenizer) add(token string) string {
	switch {
	case token == "":
		return "empty token"
	case len(token) > maxTokenBytes:
		return fmt.Sprintf("token of %d bytes, at most %d are read", len(token), maxTokenBytes)
	case !utf8.ValidString(token):
		return "token is not UTF-8"
	case strings.ContainsAny(token, " \r\t"):
		return fmt.Sprintf("token %q contains white space", token)
	}
	words := t.first
	word, continues := strings.CutPrefix(token, continuation)
	if continues && word != "" {
		words = t.rest
	} else {
		word = token
	}
	if id, taken := words[word]; taken {
		return fmt.Sprintf("token %q stands on line %d already", token, id+1)
	}
	words[word] = uint32(t.size)
	t.longest = max(t.longest, len(word))
	return ""
}

func (t *Tokenizer) findSpecial() error {
	for _, text := range []string{unknown, classify, separate, padding, mask} {
		id, ok := t.first[text]
		if !ok {
			return &VocabularyError{0, "lacks the special token " + text}
		}
		t.special = append(t.special, special{text, id})
	}
	t.unknown, t.classify, t.separate = t.first[unknown], t.first[classify], t.first[separate]
	return nil
}

// Size is the number of tokens; every id is below it.
func (t *Tokenizer) Size() int { return t.size }

// Encode gives [CLS], the text's tokens and [SEP]. At most limit ids are returned, the
// two special ones among them, by leaving out the last tokens; a limit below two means
// no limit. Text without any token gives two ids.
func (t *Tokenizer) Encode(text string, limit int) []uint32 {
	room := -1
	if limit >= 2 {
		room = limit - 2
	}
	s := segmenter{t: t, ids: []uint32{t.classify}, room: room}
	for text != "" && !s.full() {
		at, sp := t.nextSpecial(text)
		s.segment(text[:at])
		if sp == nil {
			break
		}
		s.ids = append(s.ids, sp.id)
		text = text[at+len(sp.text):]
	}
	ids := s.ids
	if room >= 0 && len(ids) > room+1 {
		ids = ids[:room+1]
	}
	return append(ids, t.separate)
}

// nextSpecial finds the first special token in text; without one it gives the end.
func (t *Tokenizer) nextSpecial(text string) (int, *special) {
	for at := 0; ; at++ {
		next := strings.IndexByte(text[at:], '[')
		if next < 0 {
			return len(text), nil
		}
		at += next
		for i := range t.special {
			if strings.HasPrefix(text[at:], t.special[i].text) {
				return at, &t.special[i]
			}
		}
	}
}

// pieces appends the tokens of one word: the longest token that fits, again and again.
// A word with a part that no token fits is one unknown token.
func (t *Tokenizer) pieces(word []byte, ids []uint32) []uint32 {
	begin := len(ids)
	words := t.first
	for at := 0; at < len(word); words = t.rest {
		id, n := longestToken(words, word[at:], t.longest)
		if n == 0 {
			return append(ids[:begin], t.unknown)
		}
		ids = append(ids, id)
		at += n
	}
	return ids
}

func longestToken(words map[string]uint32, s []byte, longest int) (id uint32, n int) {
	for n = min(len(s), longest); n > 0; n-- {
		if n < len(s) && !utf8.RuneStart(s[n]) {
			continue
		}
		if id, ok := words[string(s[:n])]; ok {
			return id, n
		}
	}
	return 0, 0
}
