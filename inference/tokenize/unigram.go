package tokenize

import "unicode/utf8"

// unigram cuts a text so that the sum of its tokens' scores is highest.
type unigram struct {
	v       *vocabulary
	trie    *trie
	scores  []float64
	unknown int32
	lowest  float64 // the score of an unknown character
	bytes   bool
	byteIDs [256]int32
	hidden  []bool // tokens that text never becomes, where some are
	single  bool   // as SentencePiece itself: sums in float32, and unknown characters are unknown whatever they spell
}

// step is the best way to a place in the text.
type step struct {
	score float64
	from  int32 // -1: there is none yet
	id    int32
}

// newUnigram makes a model without tokens yet, with room for a number of them.
func newUnigram(size int) *unigram { return &unigram{v: newVocabulary(size), trie: newTrie()} }

const unknownPenalty = 10

func (m *unigram) vocabulary() *vocabulary { return m.v }

func (m *unigram) prepare() {
	for b := range m.byteIDs {
		m.byteIDs[b] = m.v.id(byteToken(byte(b)))
	}
	m.lowest = m.scores[0]
	for _, s := range m.scores {
		m.lowest = min(m.lowest, s)
	}
	m.lowest -= unknownPenalty
}

func (m *unigram) tokens(s *scratch, word []byte) { s.cached(word, m.cut) }

func (m *unigram) cut(s *scratch, word []byte) {
	m.forward(s, word)
	from := len(s.out)
	fused := 0 // where the unknown characters end that wait, zero for none
	for end := len(word); end > 0; {
		w := s.best[end]
		if w.id == m.unknown {
			if fused == 0 {
				fused = end
			}
		} else {
			if fused > 0 {
				m.put(s, word, end, fused)
				fused = 0
			}
			m.put(s, word, int(w.from), end)
		}
		end = int(w.from)
	}
	if fused > 0 {
		m.put(s, word, 0, fused)
	}
	for a, b := from, len(s.out)-1; a < b; a, b = a+1, b-1 {
		s.out[a], s.out[b] = s.out[b], s.out[a]
	}
}

// forward finds the best way to every place.
func (m *unigram) forward(s *scratch, word []byte) {
	s.best = s.best[:0]
	for range len(word) + 1 {
		s.best = append(s.best, step{from: -1})
	}
	t := m.trie
	for at := 0; at < len(word); {
		here, single := s.best[at].score, false
		size := 1
		if word[at] >= utf8.RuneSelf {
			_, size = utf8.DecodeRune(word[at:])
		}
		node := int32(0)
		for i := at; i < len(word); i++ {
			if node = t.step(node, word[i]); node == 0 {
				break
			}
			id := t.value[node]
			if id < 0 || m.hidden != nil && m.hidden[id] {
				continue
			}
			s.best[i+1].offer(m.sum(here, m.scores[id]), at, id)
			single = single || i+1-at == size
		}
		if !single {
			s.best[at+size].offer(m.sum(here, m.lowest), at, m.unknown)
		}
		at += size
	}
}

func (m *unigram) sum(a, b float64) float64 {
	if m.single {
		return float64(float32(a + b))
	}
	return a + b
}

func (w *step) offer(score float64, from int, id int32) {
	if w.from < 0 || score > w.score {
		*w = step{score, int32(from), id}
	}
}

// put appends the token of a stretch, which may be one that was put together from unknown
// characters. Tokens come last to first.
func (m *unigram) put(s *scratch, word []byte, lo, hi int) {
	id := m.trie.get(word[lo:hi])
	if id >= 0 && !(m.single && s.best[hi].id == m.unknown) {
		s.out = append(s.out, token{uint32(id), int32(lo), int32(hi), false})
		return
	}
	if m.bytes && m.fallBack(s, word, lo, hi) {
		return
	}
	s.out = append(s.out, token{uint32(m.unknown), int32(lo), int32(hi), true})
}

func (m *unigram) fallBack(s *scratch, word []byte, lo, hi int) bool {
	for _, b := range word[lo:hi] {
		if m.byteIDs[b] < 0 {
			return false
		}
	}
	for i := hi - 1; i >= lo; i-- {
		s.out = append(s.out, token{uint32(m.byteIDs[word[i]]), int32(lo), int32(hi), false})
	}
	return true
}
