package stable

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// A node fills a block:
//
//	0 u8 kind (1 leaf, 2 inner) · 2 u16 entries · 4 u16 lowest cell · 6 u16 bytes of cells
//	8 u64 leftmost child (inner) · 16 u16 offset of each cell, in key order
//
// and cells grow down from the end of the block:
//
//	leaf   u16 key length · u32 value length · key · value, or u64 first block of its chain
//	inner  u16 key length · u64 child with keys from this key on · key
const (
	blockBytes = 4096
	nodeHead   = 16
	nodeRoom   = blockBytes - nodeHead
	kindLeaf   = 1
	kindInner  = 2
	leafHead   = 6
	innerHead  = 10
	slotBytes  = 2

	// MaxKey is the longest key in bytes.
	MaxKey = 512
	// MaxValue is the longest value in bytes.
	MaxValue = 1 << 26
	// inlineMax is the most bytes of key and value that stand in a leaf.
	inlineMax = 1024
)

// block is a block's bytes and slack for loads of a word at its end.
type block [blockBytes + 8]byte

// node is a block in memory, or the part of it that was asked for: a point operation
// looks at a few of a block's cells, and each byte that is read costs an instruction.
type node struct {
	mem   Memory // where the block lies: what is below a region, if the map is in one
	at    uint64
	block uint64
	have  int  // bytes at the start that are here: the head and all slots
	all   bool // the cells are here too; else each is fetched when it is looked at
	seen  span // bytes that were fetched last
	b     block
}

// span is a range of bytes of a block.
type span struct{ from, to int }

const (
	firstRead = 256 // bytes: the head and 120 slots
	cellRead  = 56  // bytes of a cell that are read at first: most keys end there
)

// place says where the block is. No block crosses a bucket, so its bytes are next to each
// other in the memory below a region.
func (n *node) place(mem Memory, block uint64) {
	n.mem, n.block, n.at = mem, block, block*blockBytes
	if r, ok := mem.(*region); ok {
		n.at, n.mem = r.below(block*blockBytes, blockBytes), r.mem
	}
}

// open reads the head and the slots of a block.
func (n *node) open(mem Memory, block uint64) {
	n.place(mem, block)
	n.all, n.seen = false, span{}
	n.mem.ReadAt(n.b[:firstRead], n.at)
	n.check()
	if n.have = nodeHead + slotBytes*n.count(); n.have > firstRead {
		n.mem.ReadAt(n.b[firstRead:n.have], n.at+firstRead)
	}
}

// fill reads the cells. What was changed of the slots stays.
func (n *node) fill() {
	if n.all {
		return
	}
	if low := n.low(); low < blockBytes {
		n.mem.ReadAt(n.b[low:blockBytes], n.at+uint64(low))
	}
	n.all = true
}

// want has bytes of a cell at hand. A node that was changed is full or is not read again.
func (n *node) want(at, size int) {
	if n.all || at >= n.seen.from && at+size <= n.seen.to {
		return
	}
	if at < n.have || at+size > blockBytes {
		panic(&LayoutError{"a cell inside its block", fmt.Sprintf("block %d, %d bytes at %d", n.block, size, at)})
	}
	n.mem.ReadAt(n.b[at:at+size], n.at+uint64(at))
	n.seen = span{at, at + size}
}

// fetch reads the head and the key of a cell.
func (n *node) fetch(at, head int) {
	most := min(cellRead, blockBytes-at)
	n.want(at, max(most, head))
	if size := head + n.b.get16(at); size > most {
		n.want(at, size)
	}
}

// reset makes it an empty node in a new place.
func (n *node) reset(kind byte, mem Memory, block uint64) {
	n.place(mem, block)
	clear(n.b[:])
	n.b[0] = kind
	n.have, n.all = nodeHead, true
	n.setLow(blockBytes)
}

func (n *node) leaf() bool         { return n.b[0] == kindLeaf }
func (n *node) count() int         { return n.b.get16(2) }
func (n *node) low() int           { return n.b.get16(4) }
func (n *node) setLow(v int)       { n.b.put16(4, v) }
func (n *node) cells() int         { return n.b.get16(6) }
func (n *node) cell(i int) int     { return n.b.get16(nodeHead + slotBytes*i) }
func (n *node) used() int          { return n.cells() + slotBytes*n.count() }
func (n *node) first() uint64      { return n.b.get64(8) }
func (n *node) setFirst(c uint64)  { put64(n.b[8:], c) }
func (n *node) fits(cell int) bool { return n.used()+cell+slotBytes <= nodeRoom }

// check refuses a block that no writer of this package made.
func (n *node) check() {
	count, low := n.count(), n.low()
	if n.b[0] != kindLeaf && n.b[0] != kindInner || nodeHead+slotBytes*count > low || low > blockBytes || n.cells()+slotBytes*count > nodeRoom {
		panic(&LayoutError{"a node of the map", fmt.Sprintf("block %d with head %x", n.block, n.b[:8])})
	}
}

// head is the length of what stands before a cell's key.
func (n *node) head() int {
	if n.leaf() {
		return leafHead
	}
	return innerHead
}

// key aliases the node.
func (n *node) key(i int) []byte {
	at, head := n.cell(i), n.head()
	if !n.all {
		n.fetch(at, head)
	}
	return n.b[at+head : at+head+n.b.get16(at)]
}

// cellBytes is the length of the cell at an offset, whose head is here.
func (b *block) cellBytes(at int) int {
	k := b.get16(at)
	if b[0] != kindLeaf {
		return innerHead + k
	}
	return leafCell(k, b.get32(at+2))
}

func leafCell(key, value int) int {
	if key+value > inlineMax {
		return leafHead + key + 8
	}
	return leafHead + key + value
}

// value is the inline value of a leaf's entry, or its length and first block.
func (n *node) value(i int) (inline []byte, length int, chain uint64) {
	at := n.cell(i)
	n.want(at, leafHead)
	k := n.b.get16(at)
	length = n.b.get32(at + 2)
	if length > MaxValue {
		panic(&LayoutError{"a value of at most 64 MiB", fmt.Sprint(length)})
	}
	at += leafHead + k
	if k+length > inlineMax {
		n.want(at, 8)
		return nil, length, n.b.get64(at)
	}
	n.want(at, length)
	return n.b[at : at+length], length, 0
}

// child is the child right of entry i, the leftmost for -1.
func (n *node) child(i int) uint64 {
	if i < 0 {
		return n.first()
	}
	at := n.cell(i)
	n.want(at, innerHead)
	return n.b.get64(at + 2)
}

// search finds the first entry whose key is not below key. It is one function, and
// compares eight bytes at a time, because calls are dear on Wasm.
func (n *node) search(key []byte) (i int, equal bool) {
	head := n.head()
	var word uint64 // the first eight bytes, with zeros behind a shorter key
	for i := range min(8, len(key)) {
		word |= uint64(key[i]) << (8 * i)
	}
	lo, hi := 0, n.count()
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		at := n.cell(mid)
		if !n.all {
			if at < n.have || at > blockBytes-cellRead {
				n.fetch(at, head)
			} else {
				n.mem.ReadAt(n.b[at:at+cellRead], n.at+uint64(at))
				if n.seen = (span{at, at + cellRead}); head+n.b.get16(at) > cellRead {
					n.fetch(at, head)
				}
			}
		}
		size := n.b.get16(at)
		if at+head+size > blockBytes {
			panic(&LayoutError{"a key inside its block", fmt.Sprintf("block %d, %d bytes at %d", n.block, size, at+head)})
		}
		other := n.b.get64(at + head)
		if size < 8 {
			other &= 1<<(8*size) - 1
		}
		var below bool
		if x := other ^ word; x != 0 {
			shift := bits.TrailingZeros64(x) &^ 7
			below = other>>shift&0xff < word>>shift&0xff
		} else {
			c := n.b.compare(at+head, size, key)
			if c == 0 {
				return mid, true
			}
			below = c < 0
		}
		if below {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, false
}

// compare compares size bytes of the block with a key, of which the first eight are equal.
func (b *block) compare(at, size int, key []byte) int {
	i, n := 8, min(size, len(key))
	for ; i+8 <= n; i += 8 {
		if x, y := b.get64(at+i), le64(key[i:]); x != y {
			shift := bits.TrailingZeros64(x^y) &^ 7
			return cmp.Compare(x>>shift&0xff, y>>shift&0xff)
		}
	}
	if i < n { // the last eight, some of them once more
		if x, y := b.get64(at+n-8), le64(key[n-8:]); x != y {
			shift := bits.TrailingZeros64(x^y) &^ 7
			return cmp.Compare(x>>shift&0xff, y>>shift&0xff)
		}
	}
	return size - len(key)
}

// route is the entry whose right child may hold key, -1 for the leftmost child.
func (n *node) route(key []byte) int {
	i, equal := n.search(key)
	if equal {
		return i
	}
	return i - 1
}

// insert puts a cell before entry i and returns where, and whether other cells moved. The
// caller has asked fits.
func (n *node) insert(i int, cell []byte) (at int, moved bool) {
	count := n.count()
	if nodeHead+slotBytes*(count+1)+len(cell) > n.low() {
		n.fill()
		n.compact()
		moved = true
	}
	at = n.low() - len(cell)
	copy(n.b[at:], cell)
	slot := nodeHead + slotBytes*i
	copy(n.b[slot+slotBytes:nodeHead+slotBytes*(count+1)], n.b[slot:nodeHead+slotBytes*count])
	n.b.put16(slot, at)
	n.b.put16(2, count+1)
	n.setLow(at)
	n.b.put16(6, n.cells()+len(cell))
	return at, moved
}

// remove takes out the slot of entry i. Its cell stays until the cells are compacted.
func (n *node) remove(i int) {
	at := n.cell(i)
	n.want(at, n.head())
	count, size := n.count(), n.b.cellBytes(at)
	slot := nodeHead + slotBytes*i
	copy(n.b[slot:], n.b[slot+slotBytes:nodeHead+slotBytes*count])
	n.b.put16(2, count-1)
	n.b.put16(6, n.cells()-size)
	if count == 1 {
		n.setLow(blockBytes)
	}
}

// compact moves the cells together at the end of the block, in key order.
func (n *node) compact() {
	old, at := n.b, blockBytes
	for i := range n.count() {
		from := n.cell(i)
		size := old.cellBytes(from)
		at -= size
		copy(n.b[at:], old[from:from+size])
		n.b.put16(nodeHead+slotBytes*i, at)
	}
	n.setLow(at)
}

// raw is the cell of entry i of a full node; it aliases the node.
func (n *node) raw(i int) []byte {
	at := n.cell(i)
	return n.b[at : at+n.b.cellBytes(at)]
}

// write stores the whole block.
func (n *node) write() { n.mem.WriteAt(n.b[:blockBytes], n.at) }

// writeHead stores the head and the slots.
func (n *node) writeHead() {
	n.mem.WriteAt(n.b[:nodeHead+slotBytes*n.count()], n.at)
}

// writeCell stores bytes of a cell.
func (n *node) writeCell(at, size int) {
	n.mem.WriteAt(n.b[at:at+size], n.at+uint64(at))
}

// appendInner appends the cell of an inner node.
func appendInner(c, key []byte, child uint64) []byte {
	c = binary.LittleEndian.AppendUint16(c, uint16(len(key)))
	c = binary.LittleEndian.AppendUint64(c, child)
	return append(c, key...)
}
