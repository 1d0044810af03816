package stable

import (
	"bytes"
	"encoding/binary"
	"fmt"
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

type node struct {
	block uint64
	b     [blockBytes]byte
}

func (n *node) reset(kind byte) {
	clear(n.b[:nodeHead])
	n.b[0] = kind
	n.setLow(blockBytes)
}

func (n *node) leaf() bool         { return n.b[0] == kindLeaf }
func (n *node) u16(at int) int     { return int(binary.LittleEndian.Uint16(n.b[at:])) }
func (n *node) put16(at, v int)    { binary.LittleEndian.PutUint16(n.b[at:], uint16(v)) }
func (n *node) count() int         { return n.u16(2) }
func (n *node) low() int           { return n.u16(4) }
func (n *node) setLow(v int)       { n.put16(4, v) }
func (n *node) cells() int         { return n.u16(6) }
func (n *node) cell(i int) int     { return n.u16(nodeHead + slotBytes*i) }
func (n *node) used() int          { return n.cells() + slotBytes*n.count() }
func (n *node) first() uint64      { return binary.LittleEndian.Uint64(n.b[8:]) }
func (n *node) setFirst(c uint64)  { binary.LittleEndian.PutUint64(n.b[8:], c) }
func (n *node) fits(cell int) bool { return n.used()+cell+slotBytes <= nodeRoom }

// check refuses a block that no writer of this package made.
func (n *node) check() error {
	if n.b[0] != kindLeaf && n.b[0] != kindInner || nodeHead+slotBytes*n.count() > n.low() || n.low() > blockBytes || n.used() > nodeRoom {
		return &LayoutError{"a node of the map", fmt.Sprintf("block %d with head %x", n.block, n.b[:8])}
	}
	return nil
}

func (n *node) key(i int) []byte {
	at, head := n.cell(i), leafHead
	if !n.leaf() {
		head = innerHead
	}
	return n.b[at+head : at+head+n.u16(at)]
}

// cellBytes is the length of the cell at an offset.
func (n *node) cellBytes(at int) int {
	k := n.u16(at)
	if !n.leaf() {
		return innerHead + k
	}
	return leafCell(k, int(binary.LittleEndian.Uint32(n.b[at+2:])))
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
	k := n.u16(at)
	length = int(binary.LittleEndian.Uint32(n.b[at+2:]))
	if length > MaxValue {
		panic(&LayoutError{"a value of at most 64 MiB", fmt.Sprint(length)})
	}
	at += leafHead + k
	if k+length > inlineMax {
		return nil, length, binary.LittleEndian.Uint64(n.b[at:])
	}
	return n.b[at : at+length], length, 0
}

// child is the child right of entry i, the leftmost for -1.
func (n *node) child(i int) uint64 {
	if i < 0 {
		return n.first()
	}
	return binary.LittleEndian.Uint64(n.b[n.cell(i)+2:])
}

// search finds the first entry whose key is not below key.
func (n *node) search(key []byte) (i int, equal bool) {
	lo, hi := 0, n.count()
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		switch c := bytes.Compare(n.key(mid), key); {
		case c == 0:
			return mid, true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return lo, false
}

// route is the entry whose right child may hold key, -1 for the leftmost child.
func (n *node) route(key []byte) int {
	i, equal := n.search(key)
	if equal {
		return i
	}
	return i - 1
}

// insert puts a cell before entry i. The caller has asked fits.
func (n *node) insert(i int, cell []byte) {
	count := n.count()
	if nodeHead+slotBytes*(count+1)+len(cell) > n.low() {
		n.compact()
	}
	at := n.low() - len(cell)
	copy(n.b[at:], cell)
	slot := nodeHead + slotBytes*i
	copy(n.b[slot+slotBytes:nodeHead+slotBytes*(count+1)], n.b[slot:nodeHead+slotBytes*count])
	n.put16(slot, at)
	n.put16(2, count+1)
	n.setLow(at)
	n.put16(6, n.cells()+len(cell))
}

func (n *node) remove(i int) {
	count, size := n.count(), n.cellBytes(n.cell(i))
	slot := nodeHead + slotBytes*i
	copy(n.b[slot:], n.b[slot+slotBytes:nodeHead+slotBytes*count])
	n.put16(2, count-1)
	n.put16(6, n.cells()-size)
	if count == 1 {
		n.setLow(blockBytes)
	}
}

// compact moves the cells together at the end of the block, in key order.
func (n *node) compact() {
	var old [blockBytes]byte
	copy(old[:], n.b[:])
	at := blockBytes
	for i := range n.count() {
		from := n.cell(i)
		size := n.cellBytesIn(&old, from)
		at -= size
		copy(n.b[at:], old[from:from+size])
		n.put16(nodeHead+slotBytes*i, at)
	}
	n.setLow(at)
}

func (n *node) cellBytesIn(b *[blockBytes]byte, at int) int {
	k := int(binary.LittleEndian.Uint16(b[at:]))
	if !n.leaf() {
		return innerHead + k
	}
	return leafCell(k, int(binary.LittleEndian.Uint32(b[at+2:])))
}

// raw is the cell of entry i; it aliases the node.
func (n *node) raw(i int) []byte {
	at := n.cell(i)
	return n.b[at : at+n.cellBytes(at)]
}

func innerEntry(key []byte, child uint64) []byte {
	c := make([]byte, innerHead, innerHead+len(key))
	binary.LittleEndian.PutUint16(c, uint16(len(key)))
	binary.LittleEndian.PutUint64(c[2:], child)
	return append(c, key...)
}
