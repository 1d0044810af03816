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
// path that does not exist shows the neighbours between which it would stand. The empty
// path shows the whole tree.
func (t *Tree) Witness(paths ...[][]byte) ([]byte, error) {
	for _, p := range paths {
		if len(p) > 0 {
			if err := checkPath(p); err != nil {
				return nil, err
			}
		}
	}
	w := &witness{t: t, room: MaxWitness}
	tree := w.level(t.begin().h.root, paths)
	if w.room < 0 {
		return nil, fmt.Errorf("more than %d bytes: %w", MaxWitness, ErrWitnessSize)
	}
	return tree.Encode(), nil
}

type witness struct {
	t    *Tree
	room int // bytes that may still be shown; negative: stop
}

// level shows one level's subtree as far as the paths ask. No paths ask for nothing.
func (w *witness) level(at uint32, paths [][][]byte) hashtree.Node {
	if at == 0 {
		return hashtree.Empty()
	}
	n := w.t.read(at)
	if len(paths) == 0 || w.room < 0 {
		return hashtree.Pruned(n.hash)
	}
	var left, here, right [][][]byte
	for _, p := range paths {
		switch {
		case len(p) == 0:
			left, here, right = append(left, p), append(here, p), append(right, p)
		case bytes.Equal(p[0], n.label):
			here = append(here, p[1:])
		case bytes.Compare(p[0], n.label) < 0:
			left = append(left, p)
		default:
			right = append(right, p)
		}
	}
	// The label is shown even when no path goes through it: the labels on the way down
	// hold both neighbours of a label that is absent.
	tree := hashtree.Labeled(n.label, w.content(n, here))
	w.room -= len(n.label) + 64
	if n.left != 0 {
		tree = hashtree.Fork(w.level(n.left, left), tree)
	}
	if n.right != 0 {
		tree = hashtree.Fork(tree, w.level(n.right, right))
	}
	return tree
}

func (w *witness) content(n *node, paths [][][]byte) hashtree.Node {
	switch {
	case len(paths) == 0:
		return hashtree.Pruned(n.content)
	case n.leaf:
		w.room -= len(n.value)
		return hashtree.Leaf(n.value)
	}
	return w.level(n.inner, paths)
}
