package tokenize

// trie finds tokens by their bytes. Its nodes are numbered; a table hashed by node and
// byte leads from one to the next, so building it is one pass over the tokens and takes
// memory in proportion to their bytes.
type trie struct {
	slots []slot
	shift uint
	root  [256]int32 // the nodes of one byte
	value []int32    // the token that ends at each node, -1 without
	used  int
}

type slot struct {
	key  uint32 // node<<8 | byte; zero is free, because no edge into the table leaves node zero
	node int32
}

// maxTrieNodes keeps node<<8|byte within 32 bits.
const maxTrieNodes = 1<<24 - 1

func newTrie() *trie {
	t := &trie{slots: make([]slot, 1<<10), shift: 32 - 10, value: []int32{-1}}
	return t
}

// add puts a token in, in the place of one of the same bytes; false when the trie is full.
func (t *trie) add(token string, id int32) bool {
	node, at := t.follow(token)
	for ; at < len(token); at++ {
		next := int32(len(t.value))
		if next >= maxTrieNodes {
			return false
		}
		t.value = append(t.value, -1)
		t.link(node, token[at], next)
		node = next
	}
	t.value[node] = id
	return true
}

// follow goes as far into the trie as a token does.
func (t *trie) follow(token string) (node int32, at int) {
	for ; at < len(token); at++ {
		next := t.step(node, token[at])
		if next == 0 {
			break
		}
		node = next
	}
	return node, at
}

// step is the node that a byte leads to, zero when there is none.
func (t *trie) step(node int32, b byte) int32 {
	if node == 0 {
		return t.root[b]
	}
	key := uint32(node)<<8 | uint32(b)
	for i := key * 0x9E3779B1 >> t.shift; ; i = (i + 1) & uint32(len(t.slots)-1) {
		if s := t.slots[i]; s.key == key {
			return s.node
		} else if s.key == 0 {
			return 0
		}
	}
}

func (t *trie) link(node int32, b byte, next int32) {
	if node == 0 {
		t.root[b] = next
		return
	}
	if t.used++; t.used*2 > len(t.slots) {
		t.grow()
	}
	t.place(slot{uint32(node)<<8 | uint32(b), next})
}

func (t *trie) place(s slot) {
	i := s.key * 0x9E3779B1 >> t.shift
	for t.slots[i].key != 0 {
		i = (i + 1) & uint32(len(t.slots)-1)
	}
	t.slots[i] = s
}

func (t *trie) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	t.shift--
	for _, s := range old {
		if s.key != 0 {
			t.place(s)
		}
	}
}

// get is the token of exactly these bytes, -1 without one.
func (t *trie) get(text []byte) int32 {
	node := int32(0)
	for _, b := range text {
		if node = t.step(node, b); node == 0 {
			return -1
		}
	}
	return t.value[node]
}

func (t *trie) getString(text string) int32 {
	node := int32(0)
	for i := range len(text) {
		if node = t.step(node, text[i]); node == 0 {
			return -1
		}
	}
	return t.value[node]
}

// longest is the longest token that text begins with when the walk starts at a node.
func (t *trie) longest(node int32, text []byte) (id int32, n int) {
	id = -1
	for i, b := range text {
		if node = t.step(node, b); node == 0 {
			break
		}
		if v := t.value[node]; v >= 0 {
			id, n = v, i+1
		}
	}
	return id, n
}

// walk is the node behind a text, -1 when no token goes on from there.
func (t *trie) walk(text string) int32 {
	node := int32(0)
	for i := range len(text) {
		if node = t.step(node, text[i]); node == 0 {
			return -1
		}
	}
	return node
}
