package certified

import (
	"bytes"
	"fmt"
)

// Put sets the value of a path, making the inner labels on the way. After an error
// nothing has changed.
func (t *Tree) Put(path [][]byte, value []byte) error {
	if err := checkPath(path); err != nil {
		return err
	}
	if len(value) > MaxValue {
		return fmt.Errorf("value of %d bytes, at most %d: %w", len(value), MaxValue, ErrPath)
	}
	o := t.begin()
	if err := o.possible(path); err != nil {
		return err
	}
	if err := t.reserve(uint64(o.h.next) + uint64(len(path))); err != nil {
		return err
	}
	o.h.root = o.put(o.h.root, path, value).at
	o.end()
	return nil
}

func checkPath(path [][]byte) error {
	if len(path) == 0 || len(path) > MaxPath {
		return fmt.Errorf("path of %d labels, 1 to %d are allowed: %w", len(path), MaxPath, ErrPath)
	}
	for i, label := range path {
		if i == 0 && len(label) == 0 || len(label) > MaxLabel {
			return fmt.Errorf("label of %d bytes, at most %d are allowed, and 1 at the top: %w", len(label), MaxLabel, ErrPath)
		}
	}
	return nil
}

// possible refuses a path that would make a leaf inner, or an inner label a leaf.
func (o *op) possible(path [][]byte) error {
	at := o.h.root
	for i, label := range path {
		n := o.find(at, label)
		if n == nil {
			return nil
		}
		if last := i == len(path)-1; n.leaf != last {
			return fmt.Errorf("label %q is in use in another way: %w", label, ErrPath)
		}
		at = n.inner
	}
	return nil
}

func (t *Tree) reserve(cells uint64) error {
	const perPage = 65536 / cellBytes
	pages := (cells + perPage - 1) / perPage
	if have := t.mem.Size(); have < pages {
		return t.mem.Grow(pages - have)
	}
	return nil
}

// find is the node of a label on one level.
func (o *op) find(at uint32, label []byte) *node {
	for n := o.node(at); n != nil; {
		switch c := bytes.Compare(label, n.label); {
		case c == 0:
			return n
		case c < 0:
			n = o.node(n.left)
		default:
			n = o.node(n.right)
		}
	}
	return nil
}

// put sets a path below a level's subtree and returns the subtree's new root.
func (o *op) put(at uint32, path [][]byte, value []byte) *node {
	n := o.node(at)
	if n == nil {
		n = o.create(append([]byte(nil), path[0]...))
		o.fill(n, path, value)
		return n
	}
	switch c := bytes.Compare(path[0], n.label); {
	case c == 0:
		o.fill(n, path, value)
	case c < 0:
		l := o.put(n.left, path, value)
		n.left = l.at
		if !above(l, n) {
			o.leftChanged(n)
			return n
		}
		n.left, l.right = l.right, n.at
		o.leftChanged(n)
		o.rightChanged(l)
		return l
	default:
		r := o.put(n.right, path, value)
		n.right = r.at
		if !above(r, n) {
			o.rightChanged(n)
			return n
		}
		n.right, r.left = r.left, n.at
		o.rightChanged(n)
		o.leftChanged(r)
		return r
	}
	return n
}

// fill sets what a label holds.
func (o *op) fill(n *node, path [][]byte, value []byte) {
	if len(path) == 1 {
		if !n.leaf {
			o.h.leaves++
		}
		n.leaf, n.value = true, append([]byte(nil), value...)
	} else {
		n.inner = o.put(n.inner, path[1:], value).at
	}
	o.contentChanged(n)
}

// Delete removes the leaf at a path, and inner labels that hold nothing afterwards. It
// reports whether the leaf was there.
func (t *Tree) Delete(path [][]byte) bool {
	if checkPath(path) != nil {
		return false
	}
	o := t.begin()
	at := o.h.root
	for i, label := range path {
		n := o.find(at, label)
		if n == nil || n.leaf != (i == len(path)-1) {
			return false
		}
		at = n.inner
	}
	o.h.root = o.remove(o.h.root, path)
	o.h.leaves--
	o.end()
	return true
}

// remove takes a path that exists out of a level's subtree and returns its new root.
func (o *op) remove(at uint32, path [][]byte) uint32 {
	n := o.node(at)
	switch c := bytes.Compare(path[0], n.label); {
	case c < 0:
		n.left = o.remove(n.left, path)
		o.leftChanged(n)
	case c > 0:
		n.right = o.remove(n.right, path)
		o.rightChanged(n)
	default:
		if len(path) > 1 {
			n.inner = o.remove(n.inner, path[1:])
		}
		if n.inner == 0 {
			joined := o.join(n.left, n.right)
			o.release(n)
			return joined
		}
		o.contentChanged(n)
	}
	return n.at
}

// join makes one treap of two, whose labels are all below those of the other.
func (o *op) join(left, right uint32) uint32 {
	l, r := o.node(left), o.node(right)
	switch {
	case l == nil:
		return right
	case r == nil:
		return left
	case above(l, r):
		l.right = o.join(l.right, right)
		o.rightChanged(l)
		return left
	}
	r.left = o.join(left, r.left)
	o.leftChanged(r)
	return right
}

// Get is the value of a leaf.
func (t *Tree) Get(path [][]byte) ([]byte, bool) {
	if checkPath(path) != nil {
		return nil, false
	}
	o := t.begin()
	at := o.h.root
	for i, label := range path {
		n := o.find(at, label)
		switch {
		case n == nil || n.leaf != (i == len(path)-1):
			return nil, false
		case n.leaf:
			return append([]byte(nil), n.value...), true
		}
		at = n.inner
	}
	return nil, false
}
