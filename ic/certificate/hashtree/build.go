package hashtree

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// ErrConflict is returned when two things are put at one place of a tree: a label
// twice, or a value and labels at the same path.
var ErrConflict = errors.New("two values at one place of a hash tree")

// Forest joins labelled trees, in any order, to one balanced tree.
func Forest(pairs []Pair) (Node, error) {
	sorted := slices.Clone(pairs)
	slices.SortFunc(sorted, func(a, b Pair) int { return bytes.Compare(a.Label, b.Label) })
	for i := 1; i < len(sorted); i++ {
		if bytes.Equal(sorted[i-1].Label, sorted[i].Label) {
			return Node{}, fmt.Errorf("label %q: %w", sorted[i].Label, ErrConflict)
		}
	}
	return balance(sorted), nil
}

func balance(sorted []Pair) Node {
	switch len(sorted) {
	case 0:
		return Empty()
	case 1:
		return Labeled(sorted[0].Label, sorted[0].Tree)
	}
	half := (len(sorted) + 1) / 2
	return Fork(balance(sorted[:half]), balance(sorted[half:]))
}

// Builder collects values by path and makes one tree of them. Errors wait until
// [Builder.Tree].
type Builder struct {
	root branch
	err  error
}

type branch struct {
	labels map[string]*branch
	tree   *Node
}

// NewBuilder starts an empty tree.
func NewBuilder() *Builder { return &Builder{} }

// Set puts a value at a path.
func (b *Builder) Set(value []byte, path ...[]byte) *Builder { return b.Graft(Leaf(value), path...) }

// Graft puts a whole tree at a path.
func (b *Builder) Graft(tree Node, path ...[]byte) *Builder {
	at := &b.root
	for _, label := range path {
		if at.tree != nil {
			return b.conflict(path)
		}
		if at.labels == nil {
			at.labels = map[string]*branch{}
		}
		next := at.labels[string(label)]
		if next == nil {
			next = &branch{}
			at.labels[string(label)] = next
		}
		at = next
	}
	if at.tree != nil || at.labels != nil {
		return b.conflict(path)
	}
	at.tree = &tree
	return b
}

func (b *Builder) conflict(path [][]byte) *Builder {
	if b.err == nil {
		b.err = fmt.Errorf("path %q: %w", path, ErrConflict)
	}
	return b
}

// Tree returns what was collected.
func (b *Builder) Tree() (Node, error) {
	if b.err != nil {
		return Node{}, b.err
	}
	return b.root.node(), nil
}

func (b *branch) node() Node {
	if b.tree != nil {
		return *b.tree
	}
	pairs := make([]Pair, 0, len(b.labels))
	for label, sub := range b.labels {
		pairs = append(pairs, Pair{[]byte(label), sub.node()})
	}
	slices.SortFunc(pairs, func(x, y Pair) int { return bytes.Compare(x.Label, y.Label) })
	return balance(pairs)
}
