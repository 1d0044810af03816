package tokenize

import (
	"strconv"
	"strings"

	"assay/inference/tokenize/internal/jsontree"
)

func (l *loader) model(t *Tokenizer, v jsontree.Value) (err error) {
	kind, err := modelType(v)
	if err != nil {
		return err
	}
	switch kind {
	case "WordPiece":
		t.model, err = wordPieceOf(v)
	case "BPE":
		t.model, err = bpeOf(v)
	case "Unigram":
		t.model, err = unigramOf(v)
	case "WordLevel":
		t.model, err = wordLevelOf(v)
	default:
		return v.Fail("a model of type " + strconv.Quote(kind) + ", which is not known")
	}
	return err
}

// modelType is what a model says it is; older files leave that out.
func modelType(v jsontree.Value) (string, error) {
	if v.Kind() != jsontree.Object {
		return "", v.Fail("not an object")
	}
	kind, err := v.Get("type")
	if err != nil {
		return "", err
	}
	if s, ok := kind.Text(); ok {
		return s, nil
	}
	for _, guess := range [...][2]string{{"merges", "BPE"}, {"continuing_subword_prefix", "WordPiece"}, {"unk_id", "Unigram"}, {"vocab", "WordLevel"}} {
		if member, err := v.Get(guess[0]); err != nil || member.Exists() {
			return guess[1], err
		}
	}
	return "", v.Fail("no type")
}

// vocabularyOf reads an object of tokens and their ids.
func vocabularyOf(v jsontree.Value) (*vocabulary, error) {
	if v.Kind() != jsontree.Object {
		return nil, v.Fail("the vocabulary is not an object")
	}
	out := newVocabulary(v.Len())
	err := v.Each(func(key, value jsontree.Value) error {
		id, ok := value.Uint(maxTokens - 1)
		if !ok {
			return value.Fail("an id that is not a whole number below " + strconv.Itoa(maxTokens))
		}
		token, _ := key.Text()
		if problem := out.add(token, id); problem != "" {
			return key.Fail(problem)
		}
		return nil
	})
	return out, err
}

func wordPieceOf(v jsontree.Value) (model, error) {
	o, err := fieldsOf(v, "type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab")
	if err != nil {
		return nil, err
	}
	unknown, err := o.text("unk_token")
	if err != nil {
		return nil, err
	}
	prefix, err := o.text("continuing_subword_prefix")
	if err != nil {
		return nil, err
	}
	longest, err := o.number("max_input_chars_per_word", 1<<30)
	if err != nil {
		return nil, err
	}
	words, err := vocabularyOf(o.get("vocab"))
	if err != nil {
		return nil, err
	}
	m := newWordPiece(words, unknown, prefix, longest)
	switch {
	case m == nil:
		return nil, o.fail("vocab", "has more tokens than fit")
	case m.unknown < 0:
		return nil, o.fail("unk_token", "is not in the vocabulary")
	}
	return m, nil
}

func wordLevelOf(v jsontree.Value) (model, error) {
	o, err := fieldsOf(v, "type", "unk_token", "vocab")
	if err != nil {
		return nil, err
	}
	unknown, err := o.text("unk_token")
	if err != nil {
		return nil, err
	}
	words, err := vocabularyOf(o.get("vocab"))
	if err != nil {
		return nil, err
	}
	m := &wordLevel{words, words.id(unknown)}
	if m.unknown < 0 {
		return nil, o.fail("unk_token", "is not in the vocabulary")
	}
	return m, nil
}

func unigramOf(v jsontree.Value) (model, error) {
	o, err := fieldsOf(v, "type", "unk_id", "vocab", "byte_fallback")
	if err != nil {
		return nil, err
	}
	list := o.get("vocab")
	if list.Kind() != jsontree.Array {
		return nil, o.fail("vocab", "is not an array")
	}
	m := newUnigram(list.Len())
	if m.bytes, err = o.flag("byte_fallback", false); err != nil {
		return nil, err
	}
	if err := list.Each(func(_, v jsontree.Value) error { return m.addPair(v) }); err != nil {
		return nil, err
	}
	if len(m.scores) == 0 {
		return nil, o.fail("vocab", "is empty")
	}
	unknown, err := o.number("unk_id", uint64(len(m.scores)-1))
	if err != nil {
		return nil, err
	}
	m.unknown = int32(unknown)
	m.prepare()
	return m, nil
}

// addPair reads ["token", score].
func (m *unigram) addPair(v jsontree.Value) error {
	var parts [2]jsontree.Value
	n := v.Items(parts[:])
	token, isText := parts[0].Text()
	score, isNumber := parts[1].Float()
	if n != 2 || !isText || !isNumber {
		return v.Fail("a token is a string and its score")
	}
	if problem := m.add(token, score); problem != "" {
		return v.Fail(problem)
	}
	return nil
}

// add gives a token the next id. Of tokens that are alike, the last one counts.
func (m *unigram) add(token string, score float64) (problem string) {
	switch {
	case len(m.scores) >= maxTokens:
		return "more tokens than fit"
	case len(token) > maxTokenBytes:
		return "a token of " + strconv.Itoa(len(token)) + " bytes"
	case score != score:
		return "a score that is no number"
	}
	id := int32(len(m.scores))
	if token != "" {
		slot := find(m.v, fnv(fnvBasis, token), token, "")
		if slot == nil || !m.trie.add(token, id) {
			return "more tokens than fit"
		}
		*slot = uint32(id) + 1
	}
	m.v.at = append(m.v.at, span{})
	m.v.put(token, int(id))
	m.scores = append(m.scores, score)
	return ""
}

func bpeOf(v jsontree.Value) (model, error) {
	o, err := fieldsOf(v, "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
		"byte_fallback", "ignore_merges", "vocab", "merges")
	if err != nil {
		return nil, err
	}
	if d := o.get("dropout"); d.Kind() != jsontree.Null {
		if f, ok := d.Float(); !ok || f != 0 {
			return nil, o.fail("dropout", "leaves merges out at random, which no two runs agree on")
		}
	}
	m := &bpe{unknown: -1}
	for _, f := range []struct {
		key string
		to  *bool
	}{{"fuse_unk", &m.fuse}, {"byte_fallback", &m.bytes}, {"ignore_merges", &m.ignoreMerges}} {
		if *f.to, err = o.flag(f.key, false); err != nil {
			return nil, err
		}
	}
	if m.v, err = vocabularyOf(o.get("vocab")); err != nil {
		return nil, err
	}
	if err := m.around(o); err != nil {
		return nil, err
	}
	if err := m.readMerges(o); err != nil {
		return nil, err
	}
	m.prepare()
	return m, nil
}

// around reads the unknown token, and the marks inside and at the end of words.
func (m *bpe) around(o *fields) error {
	if o.get("unk_token").Kind() != jsontree.Null {
		s, err := o.text("unk_token")
		if err != nil {
			return err
		}
		if m.unknown = m.v.id(s); m.unknown < 0 {
			return o.fail("unk_token", "is not in the vocabulary")
		}
	}
	for _, f := range []struct {
		key string
		to  *string
	}{{"continuing_subword_prefix", &m.prefix}, {"end_of_word_suffix", &m.suffix}} {
		if o.get(f.key).Kind() != jsontree.Null {
			s, err := o.text(f.key)
			if err != nil {
				return err
			}
			*f.to = s
		}
	}
	return nil
}

// readMerges reads an array of ["left", "right"] or of "left right".
func (m *bpe) readMerges(o *fields) error {
	list := o.get("merges")
	if list.Kind() != jsontree.Array {
		return o.fail("merges", "is not an array")
	}
	count := list.Len()
	if count > 2*maxTokens {
		return o.fail("merges", "has more than "+strconv.Itoa(2*maxTokens))
	}
	m.merges = newPairs(count)
	rank := uint32(0)
	return list.Each(func(_, v jsontree.Value) error {
		left, right, ok := mergeOf(v)
		if !ok {
			return v.Fail("a merge is two tokens")
		}
		if strings.HasPrefix(left, "#version") && v.Kind() == jsontree.String {
			return nil
		}
		problem := m.addMerge(left, right, rank)
		rank++
		if problem != "" {
			return v.Fail(problem)
		}
		return nil
	})
}

func mergeOf(v jsontree.Value) (left, right string, ok bool) {
	if v.Kind() == jsontree.Array {
		var parts [2]jsontree.Value
		n := v.Items(parts[:])
		left, isText := parts[0].Text()
		right, ok = parts[1].Text()
		return left, right, ok && isText && n == 2
	}
	s, isText := v.Text()
	left, right, ok = strings.Cut(s, " ")
	return left, right, isText && ok && !strings.Contains(right, " ") || strings.HasPrefix(s, "#version")
}

// addMerge gives a pair its rank; it returns what is wrong, if anything.
func (m *bpe) addMerge(left, right string, rank uint32) (problem string) {
	begun := fnv(fnvBasis, left)
	a, b := idOf(m.v, begun, left, ""), m.v.id(right)
	if a < 0 || b < 0 {
		return "a merge of " + strconv.Quote(left) + " and " + strconv.Quote(right) + ", not both in the vocabulary"
	}
	if len(right) < len(m.prefix) {
		return "a merge with " + strconv.Quote(right) + ", which is shorter than what marks tokens inside a word"
	}
	rest := right[len(m.prefix):]
	joined := idOf(m.v, fnv(begun, rest), left, rest)
	if joined < 0 {
		return "a merge to " + strconv.Quote(left+rest) + ", which is not in the vocabulary"
	}
	m.merges.put(uint32(a), uint32(b), rank, uint32(joined))
	return ""
}
