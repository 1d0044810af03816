package tokenize

import (
	"strings"
	"unicode/utf8"
)

// bpe joins the characters of a word pair by pair, the pair of the lowest rank first.
type bpe struct {
	v            *vocabulary
	merges       pairs
	unknown      int32 // -1: characters that are not known are left out
	prefix       string
	suffix       string
	fuse         bool // unknown characters in a row are one token
	bytes        bool // characters that are not known become tokens of their bytes
	ignoreMerges bool // a word that is a token needs no merges
	byteIDs      [256]int32
	low          [0x180]int32 // ids of the first characters, those of byte-level words among them, with nothing around them
	marked       bool         // nothing is ever joined across the front of metaMark
}

// symbol is a part of a word. Parts are linked, because joining takes some out.
type symbol struct {
	id         uint32
	size       int32 // bytes; zero when it was joined to the one before
	prev, next int32
}

// merge is a pair that may be joined.
type merge struct {
	rank uint32
	at   int32
	id   uint32
}

func (m *bpe) vocabulary() *vocabulary { return m.v }

// prepare looks up what every word needs.
func (m *bpe) prepare() {
	for b := range m.byteIDs {
		m.byteIDs[b] = m.v.id(byteToken(byte(b)))
	}
	for r := range m.low {
		m.low[r] = m.v.id(string(rune(r)))
	}
	m.marked = m.mayCut()
}

// byteToken is the token that stands for a byte: <0x0A>.
func byteToken(b byte) string {
	const digits = "0123456789ABCDEF"
	return "<0x" + digits[b>>4:b>>4+1] + digits[b&15:b&15+1] + ">"
}

// mayCut finds out whether a text may be cut before each mark that does not follow one:
// no merge joins a token that ends otherwise with one that begins with the mark, so the
// parts never meet, and short words can be remembered where nothing else cuts the text.
func (m *bpe) mayCut() bool {
	if m.prefix != "" || m.suffix != "" || m.ignoreMerges || m.unknown < 0 || m.v.id(metaMark) < 0 {
		return false
	}
	for _, p := range m.merges.slots {
		if p.rank != noRank && strings.HasPrefix(m.v.shown(p.right), metaMark) && !strings.HasSuffix(m.v.shown(p.left), metaMark) {
			return false
		}
	}
	return true
}

func (m *bpe) tokens(s *scratch, word []byte) {
	if !m.marked || len(word) <= cachedBytes {
		s.cached(word, m.join)
		return
	}
	for from := 0; from < len(word); {
		to := nextMark(word, from)
		first := len(s.out)
		s.cached(word[from:to], m.join)
		for i := range s.out[first:] {
			t := &s.out[first+i]
			t.lo, t.hi = t.lo+int32(from), t.hi+int32(from)
		}
		from = to
	}
}

// nextMark is where the part that begins at from ends: at the next mark behind something else.
func nextMark(word []byte, from int) int {
	for i := from + 1; i+len(metaMark) <= len(word); i++ {
		if word[i] == metaMark[0] && string(word[i:i+len(metaMark)]) == metaMark &&
			!(i-len(metaMark) >= from && string(word[i-len(metaMark):i]) == metaMark) {
			return i
		}
	}
	return len(word)
}

func (m *bpe) join(s *scratch, word []byte) {
	if m.ignoreMerges {
		if id := m.v.get(word); id >= 0 {
			s.out = append(s.out, token{uint32(id), 0, int32(len(word)), false})
			return
		}
	}
	s.symbols = s.symbols[:0]
	m.symbols(s, word)
	if n := len(s.symbols); n > 1 {
		if n <= 24 {
			m.joinShort(s)
		} else {
			m.joinLong(s)
		}
	}
	at := int32(0)
	for i := range s.symbols {
		if c := &s.symbols[i]; c.size != 0 {
			s.out = append(s.out, token{c.id, at, at + c.size, false})
			at += c.size
		}
	}
}

func (s *scratch) symbol(id int32, size int) {
	n := int32(len(s.symbols))
	s.symbols = append(s.symbols, symbol{uint32(id), int32(size), n - 1, n + 1})
}

// symbols takes a word apart.
func (m *bpe) symbols(s *scratch, word []byte) {
	unknown := 0 // bytes of unknown characters that wait
	for i := 0; i < len(word); {
		size := 1
		if word[i] >= utf8.RuneSelf {
			_, size = utf8.DecodeRune(word[i:])
		}
		part := m.part(s, word, i, size)
		id := m.character(part)
		switch {
		case id >= 0:
			if unknown > 0 {
				s.symbol(m.unknown, unknown)
				unknown = 0
			}
			s.symbol(id, size)
		case m.bytes && m.fallBack(s, part):
		case m.unknown < 0:
		case m.fuse:
			unknown += size
		default:
			if unknown > 0 {
				s.symbol(m.unknown, unknown)
			}
			unknown = size
		}
		i += size
	}
	if unknown > 0 {
		s.symbol(m.unknown, unknown)
	}
}

// part is a character with what marks it inside or at the end of a word.
func (m *bpe) part(s *scratch, word []byte, at, size int) []byte {
	inside := at > 0 && m.prefix != ""
	last := at+size == len(word) && m.suffix != ""
	if !inside && !last {
		return word[at : at+size]
	}
	s.buffer = s.buffer[:0]
	if inside {
		s.buffer = append(s.buffer, m.prefix...)
	}
	s.buffer = append(s.buffer, word[at:at+size]...)
	if last {
		s.buffer = append(s.buffer, m.suffix...)
	}
	return s.buffer
}

func (m *bpe) character(part []byte) int32 {
	if len(part) == 1 {
		return m.low[part[0]]
	}
	if r, n := utf8.DecodeRune(part); n == len(part) && int(r) < len(m.low) {
		return m.low[r]
	}
	return m.v.get(part)
}

// fallBack takes a part as its bytes, if each has a token.
func (m *bpe) fallBack(s *scratch, part []byte) bool {
	for _, b := range part {
		if m.byteIDs[b] < 0 {
			return false
		}
	}
	for _, b := range part {
		s.symbol(m.byteIDs[b], 1)
	}
	return true
}

// joinShort looks at all pairs again and again, which is fastest for few.
func (m *bpe) joinShort(s *scratch) {
	n := len(s.symbols)
	s.heap = s.heap[:0]
	for i := range n {
		r := merge{rank: noRank}
		if i+1 < n {
			r = m.merges.find(s.symbols[i].id, s.symbols[i+1].id)
		}
		s.heap = append(s.heap, r)
	}
	for {
		best, at := uint32(noRank), 0
		for i, c := range s.heap {
			if c.rank < best {
				best, at = c.rank, i
			}
		}
		if best == noRank {
			return
		}
		m.joinAt(s, at)
	}
}

// joinAt joins the pair at a place and looks up the pairs beside it.
func (m *bpe) joinAt(s *scratch, at int) {
	c := &s.symbols[at]
	right := &s.symbols[c.next]
	s.heap[c.next].rank = noRank
	c.id, c.size, c.next = s.heap[at].id, c.size+right.size, right.next
	right.size = 0
	s.heap[at].rank = noRank
	if int(c.next) < len(s.symbols) {
		s.symbols[c.next].prev = int32(at)
		s.heap[at] = m.merges.find(c.id, s.symbols[c.next].id)
	}
	if c.prev >= 0 {
		s.heap[c.prev] = m.merges.find(s.symbols[c.prev].id, c.id)
	}
}

// joinLong keeps the pairs in a heap.
func (m *bpe) joinLong(s *scratch) {
	s.heap = s.heap[:0]
	for i := range len(s.symbols) - 1 {
		m.push(s, int32(i))
	}
	for len(s.heap) > 0 {
		top := s.pop()
		c := &s.symbols[top.at]
		if c.size == 0 || int(c.next) >= len(s.symbols) {
			continue
		}
		right := &s.symbols[c.next]
		if now := m.merges.find(c.id, right.id); now.rank == noRank || now.id != top.id {
			continue
		}
		c.id, c.size, c.next = top.id, c.size+right.size, right.next
		right.size = 0
		if int(c.next) < len(s.symbols) {
			s.symbols[c.next].prev = top.at
		}
		if c.prev >= 0 {
			m.push(s, c.prev)
		}
		if int(c.next) < len(s.symbols) {
			m.push(s, top.at)
		}
	}
}

// push puts the pair at a place on the heap, if it may be joined.
func (m *bpe) push(s *scratch, at int32) {
	c := s.symbols[at]
	r := m.merges.find(c.id, s.symbols[c.next].id)
	if r.rank == noRank {
		return
	}
	r.at = at
	s.heap = append(s.heap, r)
	for i := len(s.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !s.heap[i].before(s.heap[up]) {
			break
		}
		s.heap[i], s.heap[up] = s.heap[up], s.heap[i]
		i = up
	}
}

func (s *scratch) pop() merge {
	top := s.heap[0]
	last := len(s.heap) - 1
	s.heap[0] = s.heap[last]
	s.heap = s.heap[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			break
		}
		if down+1 < last && s.heap[down+1].before(s.heap[down]) {
			down++
		}
		if !s.heap[down].before(s.heap[i]) {
			break
		}
		s.heap[i], s.heap[down] = s.heap[down], s.heap[i]
		i = down
	}
	return top
}

func (a merge) before(b merge) bool {
	return a.rank < b.rank || a.rank == b.rank && a.at < b.at
}

// noRank marks a pair that is never joined.
const noRank = ^uint32(0)

// pairs is a hash table from two ids to the rank and the id of the two joined.
type pairs struct {
	slots []pair
	shift uint
	used  int
}

type pair struct {
	left, right uint32
	rank, id    uint32 // rank is noRank where the slot is free
}

func newPairs(count int) pairs {
	bits := uint(4)
	for 1<<bits < 2*count {
		bits++
	}
	p := pairs{make([]pair, 1<<bits), 64 - bits, 0}
	for i := range p.slots {
		p.slots[i].rank = noRank
	}
	return p
}

func (p *pairs) slot(left, right uint32) *pair {
	key := uint64(left)<<32 | uint64(right)
	for i := key * 0x9E3779B97F4A7C15 >> p.shift; ; i = (i + 1) & uint64(len(p.slots)-1) {
		if s := &p.slots[i]; s.rank == noRank || s.left == left && s.right == right {
			return s
		}
	}
}

// put keeps a pair; one that is there already gets the later rank, as in the reference.
func (p *pairs) put(left, right, rank, id uint32) {
	s := p.slot(left, right)
	if s.rank == noRank {
		p.used++
	}
	*s = pair{left, right, rank, id}
}

func (p *pairs) find(left, right uint32) merge {
	s := p.slot(left, right)
	return merge{rank: s.rank, id: s.id}
}
