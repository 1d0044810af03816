package stable

import (
	"bytes"
	"fmt"
)

// guard turns the panic of a structure over a memory that is not its own into an error.
func guard(err *error) {
	switch r := recover().(type) {
	case nil:
	case *LayoutError:
		*err = r
	default:
		*err = &LayoutError{"offsets inside their memory", fmt.Sprint(r)}
	}
}

// Check reads the whole map and says what is wrong with it: a change that was cut off, keys
// out of order, a wrong count, blocks that are used twice or lost. It takes a byte of heap
// for each block.
func (m *Map) Check() (err error) {
	defer guard(&err)
	h := m.load()
	if size := m.mem.Size() * PageBytes; h.next > 1 && (h.next > size/blockBytes) {
		return &LayoutError{"blocks inside the memory", fmt.Sprintf("%d of them in %d bytes", h.next, size)}
	}
	c := &mapCheck{m: m, used: make([]bool, max(h.next, 1)), keys: h.length}
	if h.root != 0 {
		c.below(h.root, 0, nil, nil)
	}
	if c.keys != 0 {
		return &LayoutError{"as many entries as the map's head says", fmt.Sprintf("%d fewer", c.keys)}
	}
	for b := h.free; b != 0; b = m.link(b) {
		c.use(b)
	}
	for b := range c.used[1:] {
		if !c.used[b+1] {
			return &LayoutError{"every block in use or free", fmt.Sprintf("block %d lost", b+1)}
		}
	}
	return nil
}

type mapCheck struct {
	m    *Map
	used []bool
	keys uint64 // that are still to come
}

func (c *mapCheck) use(block uint64) {
	if block == 0 || block >= uint64(len(c.used)) || c.used[block] {
		panic(&LayoutError{"a block of its own", fmt.Sprintf("block %d of %d", block, len(c.used))})
	}
	c.used[block] = true
}

// below checks a subtree whose keys are from low on and below high, where these are given.
func (c *mapCheck) below(block uint64, depth int, low, high []byte) {
	tooDeep(depth)
	c.use(block)
	n := c.m.borrow()
	defer func() { c.m.idle = append(c.m.idle, n) }()
	n.open(c.m.mem, block)
	n.fill()
	c.node(n, low, high)
	if n.leaf() {
		c.leaf(n)
		return
	}
	for i := -1; i < n.count(); i++ {
		from, to := low, high
		if i >= 0 {
			from = n.key(i)
		}
		if i+1 < n.count() {
			to = n.key(i + 1)
		}
		c.below(n.child(i), depth+1, from, to)
	}
}

// node checks the cells of a node and the order of its keys.
func (c *mapCheck) node(n *node, low, high []byte) {
	total := 0
	for i := range n.count() {
		at := n.cell(i)
		size := n.b.cellBytes(at)
		if total += size; at < n.low() || at+size > blockBytes {
			panic(&LayoutError{"cells inside their block", fmt.Sprintf("block %d, %d bytes at %d", n.block, size, at)})
		}
		k := n.key(i)
		if low != nil && (bytes.Compare(low, k) > 0 || i > 0 && bytes.Equal(low, k)) || high != nil && bytes.Compare(k, high) >= 0 {
			panic(&LayoutError{"keys in order", fmt.Sprintf("%q in block %d", k, n.block)})
		}
		low = k
	}
	if total != n.cells() {
		panic(&LayoutError{"as many bytes of cells as the block says", fmt.Sprintf("%d in block %d", total, n.block)})
	}
}

func (c *mapCheck) leaf(n *node) {
	if uint64(n.count()) > c.keys || n.count() == 0 {
		panic(&LayoutError{"as many entries as the map's head says", "others"})
	}
	c.keys -= uint64(n.count())
	for i := range n.count() {
		_, length, chain := n.value(i)
		if chain == 0 {
			continue
		}
		for range chainBlocks(length) {
			c.use(chain)
			chain = c.m.link(chain)
		}
		if chain != 0 {
			panic(&LayoutError{"the end of a chain", fmt.Sprintf("block %d", chain)})
		}
	}
}
