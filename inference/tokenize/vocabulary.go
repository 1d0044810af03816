package tokenize

import (
	"strconv"
	"strings"
)

// Limits on vocabularies.
const (
	maxTokens     = 1 << 21
	maxTokenBytes = 1 << 12
)

// maxProbes is how many places of a hash table a token may be looked for in. Vocabularies
// in use need few; more means that somebody chose the tokens for their hashes.
const maxProbes = 1 << 10

// vocabulary is a set of tokens with their ids.
//
// It holds no pointer for each token, because collecting garbage visits every one.
type vocabulary struct {
	text  strings.Builder // of all tokens, behind a byte that belongs to none
	at    []span          // in the text, by id; from zero where there is no token
	count int
	slots []uint32 // a hash table of ids and one more each; zero is free
	shift uint
}

// size is the number of ids: every id is below it.
func (v *vocabulary) size() int { return len(v.at) }

// newVocabulary makes an empty one with room for a number of tokens.
func newVocabulary(size int) *vocabulary {
	bits := uint(4)
	for 1<<bits < 2*min(size, maxTokens) {
		bits++
	}
	v := &vocabulary{slots: make([]uint32, 1<<bits), shift: 32 - bits, at: make([]span, 0, min(size, maxTokens))}
	v.text.WriteByte(0)
	return v
}

// add gives a token, which is UTF-8, an id; it returns what is wrong, if anything.
func (v *vocabulary) add(token string, id uint64) (problem string) {
	switch {
	case id >= maxTokens:
		return "id " + strconv.FormatUint(id, 10) + ", ids are below " + strconv.Itoa(maxTokens)
	case len(token) > maxTokenBytes:
		return "token of " + strconv.Itoa(len(token)) + " bytes, at most " + strconv.Itoa(maxTokenBytes) + " are read"
	}
	for v.size() <= int(id) {
		v.at = append(v.at, span{})
	}
	if v.at[id].start > 0 {
		return "id " + strconv.FormatUint(id, 10) + " belongs to two tokens"
	}
	slot := find(v, fnv(fnvBasis, token), token, "")
	switch {
	case slot == nil:
		return "more tokens than fit"
	case *slot != 0:
		return "token " + strconv.Quote(token) + " stands here a second time"
	}
	*slot = uint32(id) + 1
	v.put(token, int(id))
	return ""
}

// put keeps the text of a token.
func (v *vocabulary) put(token string, id int) {
	from := v.text.Len()
	v.text.WriteString(token)
	v.at[id] = span{uint32(from), uint32(from + len(token))}
	v.count++
}

// shown is the text of an id, empty without token.
func (v *vocabulary) shown(id uint32) string {
	s := v.at[id]
	return v.text.String()[s.start:s.end]
}

// find is the place of a token in the table: the one that it has, or a free one that it may
// take. It is nil when there is none within reach. The token is given in two parts, with the
// [fnv] of the whole.
func find[T string | []byte](v *vocabulary, hash uint32, left, right T) *uint32 {
	n := len(left)
	at := hash * 0x9E3779B1 >> v.shift
	for range maxProbes {
		slot := &v.slots[at]
		if *slot == 0 {
			return slot
		}
		if t := v.shown(*slot - 1); len(t) == n+len(right) && t[:n] == string(left) && t[n:] == string(right) {
			return slot
		}
		at = (at + 1) & uint32(len(v.slots)-1)
	}
	return nil
}

// idOf is the id of a token given in two parts with its hash, -1 when there is no such token.
func idOf[T string | []byte](v *vocabulary, hash uint32, left, right T) int32 {
	if slot := find(v, hash, left, right); slot != nil {
		return int32(*slot) - 1
	}
	return -1
}

// id is a token's, -1 when there is no such token.
func (v *vocabulary) id(token string) int32 { return idOf(v, fnv(fnvBasis, token), token, "") }

// get is the id of a token in bytes.
func (v *vocabulary) get(token []byte) int32 { return idOf(v, fnv(fnvBasis, token), token, nil) }

// trie makes a trie of all tokens; it is nil when they are more than fit.
func (v *vocabulary) trie() *trie {
	t := newTrie()
	for id, at := range v.at {
		if at.start > 0 && !t.add(v.shown(uint32(id)), int32(id)) {
			return nil
		}
	}
	return t
}

// token is the text of an id.
func (v *vocabulary) token(id uint32) (string, bool) {
	if uint64(id) >= uint64(v.size()) || v.at[id].start == 0 {
		return "", false
	}
	return v.shown(id), true
}
