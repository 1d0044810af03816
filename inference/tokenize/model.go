package tokenize

// model turns words into tokens. Its memory is in a scratch, so that it never changes.
type model interface {
	// tokens appends those of one word.
	tokens(s *scratch, word []byte)
	vocabulary() *vocabulary
}

// token is one of a word. What it stands for is given in bytes of the word.
type token struct {
	id     uint32
	lo, hi int32
	own    bool // its text is that of the word, not that of the vocabulary
}

// scratch is what models work with.
type scratch struct {
	out     []token
	symbols []symbol
	heap    []merge
	best    []step
	buffer  []byte
	words   cache
}

// cache remembers the tokens of short words. Each word has one place, and a new one takes
// it over. Without entries, nothing is remembered.
type cache struct {
	entries []entry
}

const (
	cacheBits   = 12
	cachedBytes = 24
	cachedCount = 8
)

type entry struct {
	size   uint8 // zero: free
	count  uint8
	word   [cachedBytes]byte
	ids    [cachedCount]uint32
	ends   [cachedCount]uint8
	starts [cachedCount]uint8
}

// cached appends the tokens of a word that is remembered, or asks f and remembers.
func (s *scratch) cached(word []byte, f func(s *scratch, word []byte)) {
	if len(word) > cachedBytes || s.words.entries == nil {
		f(s, word)
		return
	}
	e := &s.words.entries[fnv(fnvBasis, word)*0x9E3779B1>>(32-cacheBits)]
	if int(e.size) == len(word) && string(e.word[:e.size]) == string(word) {
		for i := range e.count {
			s.out = append(s.out, token{e.ids[i], int32(e.starts[i]), int32(e.ends[i]), false})
		}
		return
	}
	from := len(s.out)
	f(s, word)
	made := s.out[from:]
	if len(made) > cachedCount {
		return
	}
	e.size = 0
	for i, t := range made {
		if t.own || t.lo < 0 || t.hi > cachedBytes {
			return
		}
		e.ids[i], e.starts[i], e.ends[i] = t.id, uint8(t.lo), uint8(t.hi)
	}
	e.size, e.count = uint8(len(word)), uint8(len(made))
	copy(e.word[:], word)
}

const fnvBasis = 2166136261

// fnv goes on with the hash FNV-1a of what is before a text.
func fnv[T string | []byte](hash uint32, text T) uint32 {
	for i := range len(text) {
		hash = (hash ^ uint32(text[i])) * 16777619
	}
	return hash
}
