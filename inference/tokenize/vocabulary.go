package tokenize

import (
	"strconv"
	"unicode/utf8"
)

// Limits on vocabularies.
const (
	maxTokens     = 1 << 21
	maxTokenBytes = 1 << 12
)

// vocabulary is a set of tokens with their ids.
type vocabulary struct {
	trie   *trie
	tokens []string // by id; ids that no token has are empty and not in known
	known  []bool
	count  int
}

func newVocabulary() *vocabulary { return &vocabulary{trie: newTrie()} }

// add gives a token an id; it returns what is wrong, if anything.
func (v *vocabulary) add(token string, id uint64) (problem string) {
	switch {
	case id >= maxTokens:
		return "id " + strconv.FormatUint(id, 10) + ", ids are below " + strconv.Itoa(maxTokens)
	case len(token) > maxTokenBytes:
		return "token of " + strconv.Itoa(len(token)) + " bytes, at most " + strconv.Itoa(maxTokenBytes) + " are read"
	case !utf8.ValidString(token):
		return "token is not UTF-8"
	}
	for uint64(len(v.tokens)) <= id {
		v.tokens = append(v.tokens, "")
		v.known = append(v.known, false)
	}
	if v.known[id] {
		return "id " + strconv.FormatUint(id, 10) + " belongs to two tokens"
	}
	if v.trie.getString(token) >= 0 {
		return "token " + strconv.Quote(token) + " stands here a second time"
	}
	if !v.trie.add(token, int32(id)) {
		return "more tokens than fit"
	}
	v.tokens[id], v.known[id] = token, true
	v.count++
	return ""
}

// id is a token's, -1 when there is no such token.
func (v *vocabulary) id(token string) int32 { return v.trie.getString(token) }

// token is the text of an id.
func (v *vocabulary) token(id uint32) (string, bool) {
	if uint64(id) >= uint64(len(v.tokens)) || !v.known[id] {
		return "", false
	}
	return v.tokens[id], true
}
