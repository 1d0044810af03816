package tokenize

import (
	"strconv"
	"strings"

	"assay/inference/tokenize/internal/jsontree"
	"assay/inference/tokenize/internal/pattern"
)

// LoadBPE makes GPT-2's tokeniser from its two files: vocab.json, an object of tokens and
// ids, and merges.txt, two tokens a line in the order of ranks. It puts nothing around the
// text.
func LoadBPE(vocabularyJSON, merges []byte) (*Tokenizer, error) {
	root, err := jsontree.Parse(string(vocabularyJSON))
	if err != nil {
		return nil, fileError("vocabulary", err)
	}
	v, err := vocabularyOf(root)
	if err != nil {
		return nil, fileError("vocabulary", err)
	}
	if v.count == 0 {
		return nil, &FileError{0, "vocabulary", "there are no tokens"}
	}
	m := &bpe{v: v, unknown: -1}
	if err := m.mergeLines(string(merges)); err != nil {
		return nil, err
	}
	m.prepare()
	words, err := pattern.Compile(gpt2)
	if err != nil {
		return nil, fileError("", err)
	}
	t := &Tokenizer{
		preTokeniser: cuts{byteLevelWords{words: &expression{words}}},
		model:        m,
		process:      []processor{&trimOffsets{trim: true}},
		decoders:     []decoder{bytesDecoder{}},
	}
	if problem := t.added.build(nil, v, nil); problem != "" {
		return nil, &FileError{0, "vocabulary", problem}
	}
	t.finish()
	return t, nil
}

func (m *bpe) mergeLines(file string) error {
	count := strings.Count(file, "\n") + 1
	if len(file) > MaxFileBytes || count > 2*maxTokens {
		return &FileError{0, "merges", "more than " + strconv.Itoa(2*maxTokens)}
	}
	m.merges = newPairs(count)
	rank, at := uint32(0), 0
	for rest := file; rest != ""; {
		line, after, _ := strings.Cut(rest, "\n")
		offset := at
		at, rest = at+len(line)+1, after
		line = strings.TrimSuffix(line, "\r")
		if strings.HasPrefix(line, "#version") || line == "" && rest == "" {
			continue
		}
		left, right, ok := strings.Cut(line, " ")
		if !ok || strings.Contains(right, " ") {
			return &FileError{offset, "merges", "a line that is not two tokens"}
		}
		if problem := m.addMerge(left, right, rank); problem != "" {
			return &FileError{offset, "merges", problem}
		}
		rank++
	}
	return nil
}
