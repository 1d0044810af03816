// Package certified keeps one labelled hash tree in stable memory: what a canister
// certifies.
//
// A canister sets its root as certified data (package cdk does so at the end of each
// message), and a query answers with the system's certificate and a [Tree.Witness] of the
// leaves it speaks of. The tree is nested: each label holds a value or a tree of labels.
// On every level it is a treap whose priorities are hashes of the labels, so its shape,
// and with it every root and witness, depends on the content alone and not on the order
// in which it came. Every node keeps the hash of what is below it: a change costs one path
// of hashes, a witness costs what it shows, and an upgrade costs nothing.
//
// The encoding of witnesses is ic/certificate/hashtree's. Checking certificates is left
// to clients.
//
// Layout, little-endian, cells of 256 bytes:
//
//	cell 0  0 "CTRE" · 4 version 1 · 8 u32 root · 12 u32 free list · 16 u32 next unused · 20 u64 leaves
//	node    0 u32 left · 4 u32 right · 8 u32 inner tree · 12 kind (1 leaf, 2 inner)
//	        13 u8 label length · 14 u8 value length · 16 u64 priority, big-endian
//	        24 hash of the subtree · 56 hash of the labelled content
//	        88 hash of that with the left subtree · 120 label · 200 value
package certified

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"assay/ic/cdk/stable"
	"assay/ic/certificate/hashtree"
	"assay/ic/kernel/sha256"
)

// Limits of what the tree takes.
const (
	MaxLabel = 80 // bytes
	MaxValue = 56 // bytes: a hash, not a document
	MaxPath  = 16 // labels
)

const (
	version   = 1
	cellBytes = 256
	labelAt   = 120
	valueAt   = labelAt + MaxLabel
	kindLeaf  = 1
	kindInner = 2
)

var (
	magic = []byte("CTRE")

	// ErrPath is returned for an empty or too long path, a too long label, an empty one at
	// the top, a too long value, and for a path through a leaf or to an inner label.
	ErrPath = errors.New("path not possible in the certified tree")

	emptyRoot = hashtree.Empty().Digest()
)

// Tree is the tree in a memory. Like the structures of package stable it holds no data
// itself, is not safe for concurrent use, and panics with a [stable.LayoutError] over a
// memory that is not its own.
type Tree struct{ mem stable.Memory }

// New is the tree in mem, which is empty or was written by a Tree.
func New(mem stable.Memory) *Tree { return &Tree{mem} }

// node is a cell as a value.
type node struct {
	at                 uint32 // number of the cell, 0 for none
	left, right, inner uint32
	leaf               bool
	priority           uint64
	hash               hashtree.Hash // of the subtree
	own                hashtree.Hash // of the label with its content
	upper              hashtree.Hash // of own and what is left of it
	label, value       []byte
	dirty              bool
}

type header struct {
	root, free, next uint32
	leaves           uint64
}

// op is one operation: the header and the nodes it touched, written at its end.
type op struct {
	t        *Tree
	h        header
	touched  []*node
	readOnly bool // nodes are not kept: a witness may show thousands
}

func (t *Tree) begin() *op {
	o := &op{t: t}
	if t.mem.Size() == 0 {
		o.h.next = 1
		return o
	}
	b := make([]byte, 28)
	t.mem.ReadAt(b, 0)
	if !bytes.Equal(b[:4], magic) || b[4] != version {
		panic(&stable.LayoutError{What: "certified tree magic CTRE, version 1", Found: fmt.Sprintf("%q, %d", b[:4], b[4])})
	}
	u := binary.LittleEndian.Uint32
	o.h = header{u(b[8:]), u(b[12:]), u(b[16:]), binary.LittleEndian.Uint64(b[20:])}
	return o
}

// end writes what changed.
func (o *op) end() {
	for _, n := range o.touched {
		if n.dirty {
			o.write(n)
		}
	}
	b := make([]byte, 8, 28)
	copy(b, magic)
	b[4] = version
	for _, v := range [...]uint32{o.h.root, o.h.free, o.h.next} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	o.t.mem.WriteAt(binary.LittleEndian.AppendUint64(b, o.h.leaves), 0)
}

// node is the node of a cell, nil for 0. A change has one value for each cell.
func (o *op) node(at uint32) *node {
	if at == 0 {
		return nil
	}
	for _, n := range o.touched {
		if n.at == at {
			return n
		}
	}
	n := o.t.read(at)
	if !o.readOnly {
		o.touched = append(o.touched, n)
	}
	return n
}

func (t *Tree) read(at uint32) *node {
	b := make([]byte, cellBytes)
	t.mem.ReadAt(b, uint64(at)*cellBytes)
	label, value := int(b[13]), int(b[14])
	if b[12] != kindLeaf && b[12] != kindInner || label > MaxLabel || value > MaxValue {
		panic(&stable.LayoutError{What: "a node of the certified tree", Found: fmt.Sprintf("cell %d with head %x", at, b[:16])})
	}
	u := binary.LittleEndian.Uint32
	return &node{
		at: at, left: u(b), right: u(b[4:]), inner: u(b[8:]), leaf: b[12] == kindLeaf,
		priority: binary.BigEndian.Uint64(b[16:]),
		hash:     hashtree.Hash(b[24:56]), own: hashtree.Hash(b[56:88]), upper: hashtree.Hash(b[88:120]),
		label: b[labelAt : labelAt+label], value: b[valueAt : valueAt+value],
	}
}

func (o *op) write(n *node) {
	b := make([]byte, cellBytes)
	binary.LittleEndian.PutUint32(b, n.left)
	binary.LittleEndian.PutUint32(b[4:], n.right)
	binary.LittleEndian.PutUint32(b[8:], n.inner)
	b[12] = kindInner
	if n.leaf {
		b[12] = kindLeaf
	}
	b[13], b[14] = byte(len(n.label)), byte(len(n.value))
	binary.BigEndian.PutUint64(b[16:], n.priority)
	copy(b[24:], n.hash[:])
	copy(b[56:], n.own[:])
	copy(b[88:], n.upper[:])
	copy(b[labelAt:], n.label)
	copy(b[valueAt:], n.value)
	o.t.mem.WriteAt(b, uint64(n.at)*cellBytes)
}

// create makes a node in a free or a new cell. Put has reserved the memory.
func (o *op) create(label []byte) *node {
	sum := sha256.Sum256(label)
	n := &node{label: label, priority: binary.BigEndian.Uint64(sum[:]), dirty: true}
	if n.at = o.h.free; n.at != 0 {
		b := make([]byte, 4)
		o.t.mem.ReadAt(b, uint64(n.at)*cellBytes)
		o.h.free = binary.LittleEndian.Uint32(b)
	} else {
		n.at = o.h.next
		o.h.next++
	}
	o.touched = append(o.touched, n)
	return n
}

// release puts a cell on the free list.
func (o *op) release(n *node) {
	n.dirty = false
	for i, other := range o.touched {
		if other == n {
			o.touched = append(o.touched[:i], o.touched[i+1:]...)
			break
		}
	}
	o.t.mem.WriteAt(binary.LittleEndian.AppendUint32(nil, o.h.free), uint64(n.at)*cellBytes)
	o.h.free = n.at
}

// digest is the root hash of a subtree.
func (o *op) digest(at uint32) hashtree.Hash {
	if at == 0 {
		return emptyRoot
	}
	return o.node(at).hash
}

// content is the hash of what a label holds.
func (o *op) content(n *node) hashtree.Hash {
	if n.leaf {
		return hashtree.LeafDigest(n.value)
	}
	return o.digest(n.inner)
}

// The hash of a subtree is fork(fork(left, labelled), right), without the forks of absent
// children. Hashing is nearly all that a change costs on a canister, so each step computes
// no more than what changed; a change below on the right takes one hash.

func (o *op) contentChanged(n *node) {
	n.own = hashtree.LabeledDigest(n.label, o.content(n))
	o.leftChanged(n)
}

func (o *op) leftChanged(n *node) {
	if n.upper = n.own; n.left != 0 {
		n.upper = hashtree.ForkDigest(o.digest(n.left), n.own)
	}
	o.rightChanged(n)
}

func (o *op) rightChanged(n *node) {
	if n.hash = n.upper; n.right != 0 {
		n.hash = hashtree.ForkDigest(n.upper, o.digest(n.right))
	}
	n.dirty = true
}

// above reports whether a belongs above b in the treap.
func above(a, b *node) bool {
	if a.priority != b.priority {
		return a.priority > b.priority
	}
	return bytes.Compare(a.label, b.label) < 0
}

// Used reports whether the tree has ever held a leaf.
func (t *Tree) Used() bool { return t.mem.Size() > 0 }

// Root is the root hash, that of the empty tree before the first leaf.
func (t *Tree) Root() hashtree.Hash {
	o := t.begin()
	return o.digest(o.h.root)
}

// Len is the number of leaves.
func (t *Tree) Len() uint64 { return t.begin().h.leaves }
