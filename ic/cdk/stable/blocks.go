package stable

import "encoding/binary"

// chainRoom is what a block of a long value holds after the number of the next block.
const chainRoom = blockBytes - 8

func chainBlocks(length int) uint64 { return uint64((length + chainRoom - 1) / chainRoom) }

// reserve grows the memory for the worst case of one Put, so that nothing in it fails
// half way: a chain, a split on every level and a new root.
func (m *Map) reserve(h *header, key, value int) error {
	blocks := uint64(maxDepth + 2)
	if key+value > inlineMax {
		blocks += chainBlocks(value)
	}
	return ensure(m.mem, (h.next+blocks)*blockBytes)
}

// maxDepth bounds the height: every inner node but the root has at least three
// children, so a tree of 2^40 blocks is lower.
const maxDepth = 28

// take is a block that nobody uses. Put has reserved the memory.
func (m *Map) take(h *header) uint64 {
	if h.free == 0 {
		h.next++
		return h.next - 1
	}
	block := h.free
	h.free = m.link(block)
	return block
}

// link is the block that a free one or one of a chain names.
func (m *Map) link(block uint64) uint64 {
	m.mem.ReadAt(m.word[:], block*blockBytes)
	return le64(m.word[:])
}

// release puts a block on the free list, which is linked through the blocks.
func (m *Map) release(h *header, block uint64) {
	put64(m.word[:], h.free)
	m.mem.WriteAt(m.word[:], block*blockBytes)
	h.free = block
}

// leafEntry makes the cell of an entry, and the chain of a long value.
func (m *Map) leafEntry(h *header, key, value []byte) {
	c := binary.LittleEndian.AppendUint16(m.cell[:0], uint16(len(key)))
	c = binary.LittleEndian.AppendUint32(c, uint32(len(value)))
	c = append(c, key...)
	if len(key)+len(value) <= inlineMax {
		m.cell = append(c, value...)
		return
	}
	m.cell = binary.LittleEndian.AppendUint64(c, m.writeChain(h, value))
}

// writeChain stores a long value from its end, so that each block knows the next.
func (m *Map) writeChain(h *header, value []byte) (first uint64) {
	b := m.spare(0).b[:]
	for end := len(value); end > 0; {
		from := (end - 1) / chainRoom * chainRoom
		put64(b, first)
		n := copy(b[8:], value[from:end])
		first = m.take(h)
		m.mem.WriteAt(b[:8+n], first*blockBytes)
		end = from
	}
	return first
}

func (m *Map) readChain(block uint64, length int) []byte {
	if chainBlocks(length)*blockBytes > m.mem.Size()*PageBytes {
		panic(&LayoutError{"a value that fits the memory", "a longer one"})
	}
	value := make([]byte, length)
	for at := 0; at < length; at += chainRoom {
		if block == 0 {
			panic(&LayoutError{"a chain as long as its value", "a shorter one"})
		}
		m.mem.ReadAt(value[at:min(at+chainRoom, length)], block*blockBytes+8)
		block = m.link(block)
	}
	return value
}

// freeValue releases the chain of entry i, if it has one.
func (m *Map) freeValue(h *header, n *node, i int) {
	at := n.cell(i)
	n.want(at, leafHead)
	k, length := n.b.get16(at), n.b.get32(at+2)
	if k+length <= inlineMax {
		return
	}
	_, length, chain := n.value(i)
	for range chainBlocks(length) {
		after := m.link(chain)
		m.release(h, chain)
		chain = after
	}
}
