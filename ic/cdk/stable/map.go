package stable

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

const mapVersion = 1

var (
	mapMagic = []byte("SMAP")

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
// [LayoutError]; on a canister that is a trap, and nothing is changed.
type Map struct {
	mem   Memory
	nodes []*node // scratch, one for each level, of point operations
	extra [2]*node
}

// header is block 0.
type header struct{ root, length, free, next uint64 }

// NewMap is the map in mem, which is empty or was written by a Map. It reads and
// writes nothing yet.
func NewMap(mem Memory) *Map { return &Map{mem: mem} }

func (m *Map) load() header {
	if m.mem.Size() == 0 {
		return header{next: 1}
	}
	b := make([]byte, 40)
	m.mem.ReadAt(b, 0)
	if !bytes.Equal(b[:4], mapMagic) || b[4] != mapVersion {
		panic(&LayoutError{"map magic SMAP, version 1", fmt.Sprintf("%q, %d", b[:4], b[4])})
	}
	u := binary.LittleEndian.Uint64
	return header{u(b[8:]), u(b[16:]), u(b[24:]), u(b[32:])}
}

func (m *Map) store(h *header) {
	b := make([]byte, 8, 40)
	copy(b, mapMagic)
	b[4] = mapVersion
	for _, v := range [...]uint64{h.root, h.length, h.free, h.next} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	m.mem.WriteAt(b, 0)
}

// Len is the number of entries.
func (m *Map) Len() uint64 { return m.load().length }

// read fetches a node into n.
func (m *Map) read(n *node, block uint64) {
	n.block = block
	m.mem.ReadAt(n.b[:], block*blockBytes)
	if err := n.check(); err != nil {
		panic(err)
	}
}

func (m *Map) write(n *node) { m.mem.WriteAt(n.b[:], n.block*blockBytes) }

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
	m.read(n, h.root)
	for depth := 1; !n.leaf(); depth++ {
		tooDeep(depth)
		m.read(n, n.child(n.route(key)))
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
	cell := m.leafEntry(&h, key, value)
	if h.root == 0 {
		n := m.level(0)
		n.reset(kindLeaf)
		n.block = m.take(&h)
		n.insert(0, cell)
		m.write(n)
		h.root, h.length = n.block, 1
	} else if up, right := m.put(&h, h.root, 0, key, cell); right != 0 {
		n := m.spare(0)
		n.reset(kindInner)
		n.block = m.take(&h)
		n.setFirst(h.root)
		n.insert(0, innerEntry(up, right))
		m.write(n)
		h.root = n.block
	}
	m.store(&h)
	return nil
}

// put inserts or replaces below block and returns the entry for a new right
// neighbour, if the node had to be split.
func (m *Map) put(h *header, block uint64, depth int, key, cell []byte) (up []byte, right uint64) {
	n := m.level(depth)
	m.read(n, block)
	if n.leaf() {
		i, equal := n.search(key)
		if equal {
			m.freeValue(h, n, i)
			n.remove(i)
		} else {
			h.length++
		}
		return m.add(h, n, i, cell)
	}
	i := n.route(key)
	childUp, child := m.put(h, n.child(i), depth+1, key, cell)
	if child == 0 {
		return nil, 0
	}
	return m.add(h, n, i+1, innerEntry(childUp, child))
}

// add inserts a cell and splits the node where it does not fit.
func (m *Map) add(h *header, n *node, i int, cell []byte) (up []byte, right uint64) {
	if n.fits(len(cell)) {
		n.insert(i, cell)
		m.write(n)
		return nil, 0
	}
	return m.split(h, n, i, cell)
}

// split moves the upper half of the cells, by bytes and with the new one among
// them, to a new right neighbour. An inner node's middle key moves up.
func (m *Map) split(h *header, n *node, at int, cell []byte) (up []byte, right uint64) {
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
	n.reset(kind)
	r.reset(kind)
	n.setFirst(first)
	r.block = m.take(h)
	half, i := (old.used()+len(cell))/2, 0
	for ; i < total-1 && (i == 0 || n.used()+len(get(i)) <= half); i++ {
		n.insert(i, get(i))
	}
	if kind == kindInner {
		middle := get(i)
		up = append([]byte{}, middle[innerHead:]...)
		r.setFirst(binary.LittleEndian.Uint64(middle[2:]))
		i++
	}
	for ; i < total; i++ {
		r.insert(r.count(), get(i))
	}
	if kind == kindLeaf {
		up = append([]byte{}, r.key(0)...)
	}
	m.write(n)
	m.write(r)
	return up, r.block
}
