package tokenize

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"assay/inference/tokenize/internal/ucd"
)

// Limits on vocabulary files of one token a line.
const (
	// MaxVocabularyBytes is the largest vocabulary file that [New] reads.
	MaxVocabularyBytes = 16 << 20
	maxLines           = 1 << 20
	maxLineBytes       = 400
	maxWordRunes       = 100 // a longer word is one unknown token, as in the reference
	continuation       = "##"
)

// The special tokens that such a vocabulary must hold, as they stand in text.
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
	return "vocabulary line " + strconv.Itoa(e.Line) + ": " + e.Problem
}

// New makes the tokeniser of BERT's uncased WordPiece from its vocabulary file: one token a
// line in the order of ids, each line ended by a newline, none twice. It returns a
// [*VocabularyError] for anything else.
func New(vocabulary []byte) (*Tokenizer, error) {
	v, err := readLines(vocabulary)
	if err != nil {
		return nil, err
	}
	var list []added
	for _, text := range []string{unknown, classify, separate, padding, mask} {
		if v.id(text) < 0 {
			return nil, &VocabularyError{0, "lacks the special token " + text}
		}
		list = append(list, added{content: text, special: true})
	}
	m := newWordPiece(v, unknown, continuation, maxWordRunes)
	if m == nil {
		return nil, &VocabularyError{0, "more tokens than fit"}
	}
	t := &Tokenizer{
		normaliser:   bertNormaliser{true, true, true, true},
		preTokeniser: cuts{splitAt{having(ucd.Space), removed, false}, splitAt{having(ucd.Punctuation), isolated, false}},
		model:        m,
		process:      []processor{bertProcessingWith(v)},
		decoders:     []decoder{wordPieceDecoder(continuation, true)},
	}
	if problem := t.added.build(list, v, t.normaliser); problem != "" {
		return nil, &VocabularyError{0, problem}
	}
	t.finish()
	return t, nil
}

func bertProcessingWith(v *vocabulary) *bertProcessing {
	named := func(token string) specialToken {
		return specialToken{[]uint32{uint32(v.id(token))}, []string{token}}
	}
	return &bertProcessing{begin: named(classify), end: named(separate)}
}

func readLines(file []byte) (*vocabulary, error) {
	if len(file) > MaxVocabularyBytes {
		return nil, &VocabularyError{0, strconv.Itoa(len(file)) + " bytes, at most " + strconv.Itoa(MaxVocabularyBytes) + " are read"}
	}
	if n := len(file); n == 0 || file[n-1] != '\n' {
		return nil, &VocabularyError{0, "does not end in a newline"}
	}
	lines := bytes.Count(file, []byte{'\n'})
	if lines > maxLines {
		return nil, &VocabularyError{0, strconv.Itoa(lines) + " tokens, at most " + strconv.Itoa(maxLines) + " are read"}
	}
	v := newVocabulary(lines)
	for rest := string(file); rest != ""; {
		var token string
		token, rest, _ = strings.Cut(rest, "\n")
		problem := lineProblem(token)
		if problem == "" {
			problem = v.add(token, uint64(v.count))
		}
		if problem != "" {
			return nil, &VocabularyError{v.count + 1, problem}
		}
	}
	return v, nil
}

func lineProblem(token string) string {
	switch {
	case token == "":
		return "empty token"
	case len(token) > maxLineBytes:
		return "token of " + strconv.Itoa(len(token)) + " bytes, at most " + strconv.Itoa(maxLineBytes) + " are read"
	case !utf8.ValidString(token):
		return "token is not UTF-8"
	case strings.ContainsAny(token, " \r\t"):
		return "token " + strconv.Quote(token) + " contains white space"
	}
	return ""
}
