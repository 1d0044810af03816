package hashtree

import (
	"bytes"
	"sort"
)

// Prune keeps what answers a lookup of the given paths and replaces the rest by
// hashes. A path to labels reveals everything below it, so its list is complete;
// a path to nothing keeps the neighbours that prove the absence. The digest stays.
func (n Node) Prune(paths ...[][]byte) Node {
	if len(paths) == 0 {
		return n.prune()
	}
	for _, p := range paths {
		if len(p) == 0 {
			return n
		}
	}
	switch n.kind {
	case KindFork, KindLabeled:
		trees := n.flatten(nil)
		keep := keepers(trees, paths)
		at := 0
		return n.rebuild(keep, &at)
	default:
		return n
	}
}

// prune hides the tree; an empty or pruned one has nothing to hide.
func (n Node) prune() Node {
	if n.kind == KindEmpty || n.kind == KindPruned {
		return n
	}
	return Pruned(n.Digest())
}

// keepers says per tree whether its label stays, and with which remaining paths.
// A nil entry is hidden; an entry without paths keeps only the label.
func keepers(trees []Node, paths [][][]byte) []*[][][]byte {
	keep := make([]*[][][]byte, len(trees))
	touch := func(i int) {
		if i >= 0 && i < len(keep) && keep[i] == nil && trees[i].kind == KindLabeled {
			keep[i] = &[][][]byte{}
		}
	}
	labeled := make([]int, 0, len(trees))
	for i, t := range trees {
		if t.kind == KindLabeled {
			labeled = append(labeled, i)
		}
	}
	for _, p := range paths {
		j := sort.Search(len(labeled), func(j int) bool { return bytes.Compare(trees[labeled[j]].data, p[0]) >= 0 })
		if j < len(labeled) && bytes.Equal(trees[labeled[j]].data, p[0]) {
			touch(labeled[j])
			rest := keep[labeled[j]]
			*rest = append(*rest, p[1:])
			continue
		}
		if j > 0 {
			touch(labeled[j-1])
		}
		if j < len(labeled) {
			touch(labeled[j])
		}
	}
	return keep
}

// rebuild walks the forks of n; at counts the flattened trees that were passed.
func (n Node) rebuild(keep []*[][][]byte, at *int) Node {
	switch n.kind {
	case KindEmpty:
		return n
	case KindFork:
		before := *at
		l := n.left.rebuild(keep, at)
		r := n.right.rebuild(keep, at)
		for _, k := range keep[before:*at] {
			if k != nil {
				return Fork(l, r)
			}
		}
		if *at == before { // a fork of empty trees
			return n
		}
		return Pruned(ForkDigest(l.Digest(), r.Digest()))
	}
	k := keep[*at]
	*at++
	if k == nil {
		return n.prune()
	}
	return Labeled(n.data, n.left.Prune(*k...))
}
