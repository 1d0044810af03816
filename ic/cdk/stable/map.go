package stable

import (
	"errors"
	"fmt"
)

// mapHead is the first word of a map: magic and version.
const mapHead = 'S' | 'M'<<8 | 'A'<<16 | 'P'<<24 | 1<<32

var (
	// ErrKeyTooLong is returned for a key of more than [MaxKey] bytes.
	ErrKeyTooLong = errors.New("key longer than 512 bytes")
	// ErrValueTooLong is returned for a value of more than [MaxValue] bytes.
	ErrValueTooLong = errors.New("value longer than 64 MiB")
)

// Map is an ordered map from bytes to bytes: a B+ tree over a memory. The order is
// that of [bytes.Compare]. A Map holds no data itself: several values over one memory
// see the same entries. It is not safe for concurrent use.
//
// A memory that does not hold what this package wrote makes methods panic with a
// [LayoutError]; on a canister that is a trap, and nothing is changed. So does one in
// which a change was cut off: a change of several writes is marked before the first and
// unmarked with the last.
type Map struct {
	mem   Memory
	head  [headBytes]byte
	word  [8]byte
	cell  []byte  // of the entry that is being put
	nodes []*node // scratch, one for each level, of point operations
	extra [2]*node
	idle  []*node // scratch of scans that have ended
}

// headBytes is how much of block 0 is in use; changing is the offset of the mark.
const (
	headBytes = 48
	changing  = 40
)

// header is block 0.
type header struct{ root, length, free, next uint64 }

// NewMap is the map in mem, which is empty or was written by a Map. It reads and
// writes nothing yet.
func NewMap(mem Memory) *Map { return &Map{mem: mem} }

func (m *Map) load() header {
	if m.mem.Size() == 0 {
		return header{next: 1}
	}
	b := m.head[:]
	m.mem.ReadAt(b, 0)
	switch {
	case b[changing] != 0:
		panic(interrupted("map"))
	case le64(b) == mapHead:
		return header{le64(b[8:]), le64(b[16:]), le64(b[24:]), le64(b[32:])}
	case m.head == [headBytes]byte{}:
		return header{next: 1} // it has grown and holds nothing yet
	}
	panic(&LayoutError{"map magic SMAP, version 1", fmt.Sprintf("%q, %d", b[:4], b[4])})
}

// begin marks the map as being changed.
func (m *Map) begin() {
	m.word[0] = 1
	m.mem.WriteAt(m.word[:1], changing)
}

// end unmarks it where the header stays as it was.
func (m *Map) end() {
	m.word[0] = 0
	m.mem.WriteAt(m.word[:1], changing)
}

// store writes the header, and last in it takes the mark away.
func (m *Map) store(h *header) {
	b := m.head[:]
	put64(b, mapHead)
	put64(b[8:], h.root)
	put64(b[16:], h.length)
	put64(b[24:], h.free)
	put64(b[32:], h.next)
	put64(b[changing:], 0)
	m.mem.WriteAt(b, 0)
}

// Len is the number of entries.
func (m *Map) Len() uint64 { return m.load().length }

// level is the scratch node of a depth.
func (m *Map) level(depth int) *node {
	tooDeep(depth)
	for len(m.nodes) <= depth {
		m.nodes = append(m.nodes, new(node))
	}
	return m.nodes[depth]
}

// tooDeep panics where blocks must be linked in a circle.
func tooDeep(depth int) {
	if depth >= maxDepth {
		panic(&LayoutError{"a tree of at most 28 levels", "a deeper one"})
	}
}

func (m *Map) spare(i int) *node {
	if m.extra[i] == nil {
		m.extra[i] = new(node)
	}
	return m.extra[i]
}

// find descends to the leaf that may hold key.
func (m *Map) find(h *header, key []byte) (n *node, i int, found bool) {
	if h.root == 0 {
		return nil, 0, false
	}
	n = m.level(0)
	n.open(m.mem, h.root)
	for depth := 1; !n.leaf(); depth++ {
		tooDeep(depth)
		n.open(m.mem, n.child(n.route(key)))
	}
	i, found = n.search(key)
	return n, i, found
}

// Get returns a copy of the value of key.
func (m *Map) Get(key []byte) (value []byte, ok bool) {
	h := m.load()
	n, i, found := m.find(&h, key)
	if !found {
		return nil, false
	}
	return m.fetch(n, i), true
}

// Has reports whether key has a value.
func (m *Map) Has(key []byte) bool {
	h := m.load()
	_, _, found := m.find(&h, key)
	return found
}

// fetch copies the value of entry i.
func (m *Map) fetch(n *node, i int) []byte {
	inline, length, chain := n.value(i)
	if chain == 0 {
		return append(make([]byte, 0, length), inline...)
	}
	return m.readChain(chain, length)
}

// Put sets the value of key. After an error nothing has changed in the map.
func (m *Map) Put(key, value []byte) error {
	if len(key) > MaxKey {
		return fmt.Errorf("%d bytes: %w", len(key), ErrKeyTooLong)
	}
	if len(value) > MaxValue {
		return fmt.Errorf("%d bytes: %w", len(value), ErrValueTooLong)
	}
	h := m.load()
	if err := m.reserve(&h, len(key), len(value)); err != nil {
		return err
	}
	m.begin()
	before := h
	m.leafEntry(&h, key, value)
	if h.root == 0 {
		n := m.level(0)
		n.reset(kindLeaf, m.mem, m.take(&h))
		n.insert(0, m.cell)
		n.write()
		h.root, h.length = n.block, 1
	} else if up, right := m.put(&h, h.root, 0, true, key, m.cell); right != 0 {
		n := m.spare(0)
		n.reset(kindInner, m.mem, m.take(&h))
		n.setFirst(h.root)
		n.insert(0, appendInner(nil, up, right))
		n.write()
		h.root = n.block
	}
	if h == before {
		m.end()
	} else {
		m.store(&h)
	}
	return nil
}

// put inserts or replaces below block and returns the entry for a new right
// neighbour, if the node had to be split. Last says that no key in the map is greater
// than those below block.
func (m *Map) put(h *header, block uint64, depth int, last bool, key, cell []byte) (up []byte, right uint64) {
	n := m.level(depth)
	n.open(m.mem, block)
	if !n.leaf() {
		i := n.route(key)
		childUp, child := m.put(h, n.child(i), depth+1, last && i == n.count()-1, key, cell)
		if child == 0 {
			return nil, 0
		}
		return m.add(h, n, i+1, appendInner(nil, childUp, child), false)
	}
	i, equal := n.search(key)
	if !equal {
		h.length++
		return m.add(h, n, i, cell, last)
	}
	m.freeValue(h, n, i)
	if at := n.cell(i); n.b.cellBytes(at) == len(cell) {
		copy(n.b[at:], cell)
		n.writeCell(at, len(cell))
		return nil, 0
	}
	n.remove(i)
	return m.add(h, n, i, cell, last)
}

// add inserts a cell and splits the node where it does not fit.
func (m *Map) add(h *header, n *node, i int, cell []byte, last bool) (up []byte, right uint64) {
	if !n.fits(len(cell)) {
		return m.split(h, n, i, cell, last && i == n.count())
	}
	if at, moved := n.insert(i, cell); moved {
		n.write()
	} else {
		n.writeHead()
		n.writeCell(at, len(cell))
	}
	return nil, 0
}

// split moves the upper half of the cells, by bytes and with the new one among
// them, to a new right neighbour. An inner node's middle key moves up. A leaf to which
// the map's last key comes stays full: keys that rise fill their leaves.
func (m *Map) split(h *header, n *node, at int, cell []byte, rising bool) (up []byte, right uint64) {
	n.fill()
	old, r := m.spare(0), m.spare(1)
	*old = *n
	total := old.count() + 1
	get := func(i int) []byte {
		switch {
		case i < at:
			return old.raw(i)
		case i == at:
			return cell
		}
		return old.raw(i - 1)
	}
	kind, first := n.b[0], n.first()
	n.reset(kind, m.mem, n.block)
	r.reset(kind, m.mem, m.take(h))
	n.setFirst(first)
	half, i := (old.used()+len(cell))/2, 0
	if rising {
		half = nodeRoom
	}
	for ; i < total-1 && (i == 0 || n.used()+len(get(i)) <= half); i++ {
		n.insert(i, get(i))
	}
	if kind == kindInner {
		middle := get(i)
		up = append([]byte{}, middle[innerHead:]...)
		r.setFirst(le64(middle[2:]))
		i++
	}
	for ; i < total; i++ {
		r.insert(r.count(), get(i))
	}
	if kind == kindLeaf {
		up = append([]byte{}, r.key(0)...)
	}
	n.write()
	r.write()
	return up, r.block
}
