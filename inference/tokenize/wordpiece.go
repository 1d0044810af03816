package tokenize

import "unicode/utf8"

// wordPiece takes the longest token that fits, again and again. A word with a part that no
// token fits is one unknown token.
type wordPiece struct {
	v       *vocabulary
	trie    *trie
	unknown int32
	inner   int32 // the trie's node of what marks tokens inside a word, -1 when none does
	longest int   // characters of a word
}

// newWordPiece makes the model; it is nil when the tokens are more than fit.
func newWordPiece(v *vocabulary, unknown, prefix string, longest int) *wordPiece {
	t := v.trie()
	if t == nil {
		return nil
	}
	return &wordPiece{v, t, v.id(unknown), t.walk(prefix), longest}
}

func (m *wordPiece) vocabulary() *vocabulary { return m.v }

func (m *wordPiece) tokens(s *scratch, word []byte) { s.cached(word, m.cut) }

func (m *wordPiece) cut(s *scratch, word []byte) {
	begin := len(s.out)
	if len(word) > m.longest && utf8.RuneCount(word) > m.longest {
		s.out = append(s.out, token{uint32(m.unknown), 0, int32(len(word)), false})
		return
	}
	node := int32(0)
	for at := 0; at < len(word); node = m.inner {
		id, n := int32(-1), 0
		if node >= 0 {
			id, n = m.trie.longest(node, word[at:])
		}
		if n == 0 {
			s.out = append(s.out[:begin], token{uint32(m.unknown), 0, int32(len(word)), false})
			return
		}
		s.out = append(s.out, token{uint32(id), int32(at), int32(at + n), false})
		at += n
	}
}

// wordLevel has a token for each word it knows.
type wordLevel struct {
	v       *vocabulary
	unknown int32
}

func (m *wordLevel) vocabulary() *vocabulary { return m.v }

func (m *wordLevel) tokens(s *scratch, word []byte) {
	id := m.v.get(word)
	if id < 0 {
		id = m.unknown
	}
	s.out = append(s.out, token{uint32(id), 0, int32(len(word)), false})
}
