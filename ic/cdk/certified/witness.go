package certified

import (
	"bytes"
	"errors"
	"fmt"

	"assay/ic/certificate/hashtree"
)

// MaxWitness is how many bytes of labels and values a witness may show: an answer to a
// query holds 3 MiB.
const MaxWitness = 2 << 20

// ErrWitnessSize is returned when a witness would show more than [MaxWitness] bytes.
var ErrWitnessSize = errors.New("witness too large")

// Witness is the tree, encoded as CBOR, with everything pruned that the paths do not
// need. A path to a leaf shows the leaf; a path to an inner label shows all below it; a
// path that does not exist, though it be longer than any that can, shows the neighbours
// between which it would stand. The empty path shows the whole tree.
func (t *Tree) Witness(paths ...[][]byte) ([]byte, error) {
	w := &witness{o: t.begin(), room: MaxWitness}
	w.o.readOnly = true
	tree := w.level(w.o.h.root, paths)
	if w.room < 0 {
		return nil, fmt.Errorf("more than %d bytes: %w", MaxWitness, ErrWitnessSize)
	}
	return tree.Encode(), nil
}

type witness struct {
	o    *op
	room int // bytes that may still be shown; negative: stop
}

// wanted is a path from one level on.
type wanted struct {
	path   [][]byte // empty: all that is there
	absent bool     // its first label is not on this level
}

// level shows one level as far as the paths ask.
func (w *witness) level(root uint32, paths [][][]byte) hashtree.Node {
	all := make([]wanted, len(paths))
	for i, p := range paths {
		all[i] = wanted{p, len(p) > 0 && w.o.find(root, p[0]) == nil}
	}
	return w.subtree(root, all)
}

func (w *witness) subtree(at uint32, all []wanted) hashtree.Node {
	if at == 0 {
		return hashtree.Empty()
	}
	n := w.o.node(at)
	if len(all) == 0 || w.room < 0 {
		return hashtree.Pruned(n.hash)
	}
	left, right, here, shown := n.split(all)
	tree := hashtree.Pruned(n.own)
	if w.room -= 64; shown {
		w.room -= len(n.label)
		tree = hashtree.Labeled(n.label, w.content(n, here))
	}
	if n.left != 0 {
		tree = hashtree.Fork(w.subtree(n.left, left), tree)
	}
	if n.right != 0 {
		tree = hashtree.Fork(tree, w.subtree(n.right, right))
	}
	return tree
}

// split sorts paths by where they go on from a node. The label is shown to those that go
// through it and to those that are absent: the labels on their way down hold both
// neighbours of the place where they would stand.
func (n *node) split(all []wanted) (left, right []wanted, here [][][]byte, shown bool) {
	for _, a := range all {
		if len(a.path) == 0 {
			left, right, here = append(left, a), append(right, a), append(here, a.path)
			continue
		}
		shown = shown || a.absent
		switch c := bytes.Compare(a.path[0], n.label); {
		case c == 0:
			here = append(here, a.path[1:])
		case c < 0:
			left = append(left, a)
		default:
			right = append(right, a)
		}
	}
	return left, right, here, shown || len(here) > 0
}

func (w *witness) content(n *node, paths [][][]byte) hashtree.Node {
	switch {
	case len(paths) == 0:
		return hashtree.Pruned(w.o.content(n))
	case n.leaf:
		w.room -= len(n.value)
		return hashtree.Leaf(n.value)
	}
	return w.level(n.inner, paths)
}
