// Package hashtree holds the Internet Computer's labelled hash trees: the form in which
// a network and its canisters certify state and reveal parts of it.
//
// A tree is empty, a fork of two trees, a labelled tree, a leaf with a value, or a
// pruned tree of which only the hash is left. Pruning keeps the root hash, so whoever
// holds a signed root can check any part that is revealed later. Canisters build
// witnesses with it, the embedded network builds certificates, and clients read both.
// The package is pure and works inside canisters, where SHA-256 is a linked kernel.
// Who signed a root is the business of package certificate.
//
//	tree, err := hashtree.NewBuilder().Set([]byte("14"), []byte("x"), []byte("y")).Tree()
//	value, result := tree.Lookup([]byte("x"), []byte("y")) // "14", Found
package hashtree

import "assay/ic/kernel/sha256"

// Kind tells the five forms of a tree apart. The numbers are those of the encoding.
type Kind uint8

// The forms of a tree.
const (
	KindEmpty   Kind = 0
	KindFork    Kind = 1
	KindLabeled Kind = 2
	KindLeaf    Kind = 3
	KindPruned  Kind = 4
)

// Hash is a SHA-256 digest of a tree.
type Hash = [32]byte

// Node is a tree, and never changes. The zero value is the empty tree.
type Node struct {
	kind        Kind
	left, right *Node  // of a fork; left alone below a label
	data        []byte // label, value, or hash of a pruned tree
}

// Empty is the tree without content.
func Empty() Node { return Node{} }

// Fork joins two trees; every label on the left must be below every label on the right.
func Fork(left, right Node) Node { return Node{kind: KindFork, left: &left, right: &right} }

// Labeled puts a tree below a label. The label is not copied.
func Labeled(label []byte, sub Node) Node {
	return Node{kind: KindLabeled, left: &sub, data: label}
}

// Leaf holds a value, which is not copied.
func Leaf(value []byte) Node { return Node{kind: KindLeaf, data: value} }

// Pruned stands for a tree of which only the digest is known.
func Pruned(digest Hash) Node { return Node{kind: KindPruned, data: digest[:]} }

// Kind is the form of the tree.
func (n Node) Kind() Kind { return n.kind }

// Digest is the hash of the tree, the same for every pruned version of it.
func (n Node) Digest() Hash {
	switch n.kind {
	case KindFork:
		l, r := n.left.Digest(), n.right.Digest()
		return hash("\x10ic-hashtree-fork", l[:], r[:])
	case KindLabeled:
		sub := n.left.Digest()
		return hash("\x13ic-hashtree-labeled", n.data, sub[:])
	case KindLeaf:
		return hash("\x10ic-hashtree-leaf", n.data)
	case KindPruned:
		return Hash(n.data)
	default:
		return hash("\x11ic-hashtree-empty")
	}
}

// LeafDigest is the digest of a leaf with this value, for trees that are kept as hashes.
func LeafDigest(value []byte) Hash { return hash("\x10ic-hashtree-leaf", value) }

// LabeledDigest is the digest of a labelled tree whose content has the digest sub.
func LabeledDigest(label []byte, sub Hash) Hash {
	return hash("\x13ic-hashtree-labeled", label, sub[:])
}

// ForkDigest is the digest of a fork of trees with these digests.
func ForkDigest(left, right Hash) Hash {
	return hash("\x10ic-hashtree-fork", left[:], right[:])
}

// hash takes a domain separator that starts with its own length, then the parts.
func hash(separator string, parts ...[]byte) Hash {
	var buf [128]byte
	b := append(buf[:0], separator...)
	for _, p := range parts {
		b = append(b, p...)
	}
	return sha256.Sum256(b)
}
