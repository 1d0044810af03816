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
	b := make([]byte, 8)
	m.mem.ReadAt(b, block*blockBytes)
	h.free = binary.LittleEndian.Uint64(b)
	return block
}

// release puts a block on the free list, which is linked through the blocks.
func (m *Map) release(h *header, block uint64) {
	m.mem.WriteAt(binary.LittleEndian.AppendUint64(nil, h.free), block*blockBytes)
	h.free = block
}

func (m *Map) leafEntry(h *header, key, value []byte) []byte {
	c := make([]byte, leafHead, leafCell(len(key), len(value)))
	binary.LittleEndian.PutUint16(c, uint16(len(key)))
	binary.LittleEndian.PutUint32(c[2:], uint32(len(value)))
	c = append(c, key...)
	if len(key)+len(value) <= inlineMax {
		return append(c, value...)
	}
	return binary.LittleEndian.AppendUint64(c, m.writeChain(h, value))
}

// writeChain stores a long value from its end, so that each block knows the next.
func (m *Map) writeChain(h *header, value []byte) (first uint64) {
	b := make([]byte, blockBytes)
	for end := len(value); end > 0; {
		from := (end - 1) / chainRoom * chainRoom
		binary.LittleEndian.PutUint64(b, first)
		n := copy(b[8:], value[from:end])
		first = m.take(h)
		m.mem.WriteAt(b[:8+n], first*blockBytes)
		end = from
	}
	return first
}

func (m *Map) readChain(block uint64, length int) []byte {
	value := make([]byte, length)
	next := make([]byte, 8)
	for at := 0; at < length; at += chainRoom {
		if block == 0 {
			panic(&LayoutError{"a chain as long as its value", "a shorter one"})
		}
		m.mem.ReadAt(next, block*blockBytes)
		m.mem.ReadAt(value[at:min(at+chainRoom, length)], block*blockBytes+8)
		block = binary.LittleEndian.Uint64(next)
	}
	return value
}

// freeValue releases the chain of entry i, if it has one.
func (m *Map) freeValue(h *header, n *node, i int) {
	_, length, chain := n.value(i)
	if chain == 0 {
		return
	}
	next := make([]byte, 8)
	for range chainBlocks(length) {
		m.mem.ReadAt(next, chain*blockBytes)
		after := binary.LittleEndian.Uint64(next)
		m.release(h, chain)
		chain = after
	}
}
