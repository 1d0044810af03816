package hashtree

import "bytes"

// Result is what a tree proves about a path.
type Result uint8

// The results of a lookup. Only Found and Absent are proofs.
const (
	// Unknown: the tree hides what would answer the question.
	Unknown Result = iota
	// Absent: the tree proves that nothing stands at the path.
	Absent
	// Found: a value stands at the path.
	Found
	// Error: the path ends at labels, where a value was wanted, or runs through a value.
	Error
)

// String names the result.
func (r Result) String() string {
	return [...]string{"unknown", "absent", "found", "error"}[r&3]
}

// Lookup returns the value at a path and what the tree proves about it.
// The value is shared with the tree.
func (n Node) Lookup(path ...[]byte) ([]byte, Result) {
	sub, result := n.Subtree(path...)
	if result != Found {
		return nil, result
	}
	switch sub.kind {
	case KindLeaf:
		return sub.data, Found
	case KindEmpty:
		return nil, Absent
	case KindPruned:
		return nil, Unknown
	default:
		return nil, Error
	}
}

// Subtree returns the tree at a path. It may be pruned, and Found says only that
// its label stands there.
func (n Node) Subtree(path ...[]byte) (Node, Result) {
	for _, label := range path {
		if n.kind == KindLeaf {
			return Node{}, Error
		}
		sub, result := n.find(label)
		if result != Found {
			return Node{}, result
		}
		n = sub
	}
	return n, Found
}

// find looks for a label among the trees that n forks into.
func (n Node) find(label []byte) (Node, Result) {
	trees := n.flatten(nil)
	for i, t := range trees {
		if t.kind != KindLabeled {
			continue
		}
		switch bytes.Compare(t.data, label) {
		case 0:
			return *t.left, Found
		case 1: // between this label and the tree before it
			if i == 0 || trees[i-1].kind == KindLabeled {
				return Node{}, Absent
			}
			return Node{}, Unknown
		}
	}
	if len(trees) == 0 || trees[len(trees)-1].kind == KindLabeled {
		return Node{}, Absent
	}
	return Node{}, Unknown
}

// flatten appends the non-empty trees that n forks into, left to right.
func (n Node) flatten(out []Node) []Node {
	switch n.kind {
	case KindEmpty:
		return out
	case KindFork:
		return n.right.flatten(n.left.flatten(out))
	default:
		return append(out, n)
	}
}

// Pair is a label and the tree below it.
type Pair struct {
	Label []byte
	Tree  Node
}

// List returns every label directly below a path, in order, with its tree.
// Found means that the list is complete, Absent that nothing is there (an empty tree
// or no such path). Unknown means that a part is pruned: the list may lack labels, so
// none is returned. The trees themselves may still be pruned.
func (n Node) List(path ...[]byte) ([]Pair, Result) {
	sub, result := n.Subtree(path...)
	if result != Found {
		return nil, result
	}
	trees := sub.flatten(nil)
	if len(trees) == 0 {
		return nil, Absent
	}
	pairs := make([]Pair, 0, len(trees))
	for _, t := range trees {
		switch t.kind {
		case KindLabeled:
			pairs = append(pairs, Pair{t.data, *t.left})
		case KindLeaf:
			return nil, Error
		default:
			return nil, Unknown
		}
	}
	return pairs, Found
}

// Revealed returns the labels below a path that the tree shows, in order, whether or
// not more are hidden. What it lacks proves nothing; use [Node.List] for that.
func (n Node) Revealed(path ...[]byte) []Pair {
	sub, result := n.Subtree(path...)
	if result != Found {
		return nil
	}
	var pairs []Pair
	for _, t := range sub.flatten(nil) {
		if t.kind == KindLabeled {
			pairs = append(pairs, Pair{t.data, *t.left})
		}
	}
	return pairs
}
