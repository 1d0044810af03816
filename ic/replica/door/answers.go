package door

import (
	"bytes"
	"slices"
	"sync"

	"assay/ic/certificate/hashtree"
	"assay/ic/replica"
	"assay/ic/replica/statetree"
)

// maxTogether is how many answers share a signature at most. Each certificate grows by a
// hash whenever their number doubles.
const maxTogether = 64

// answers certifies answers of calls. One signature is made at a time; answers that come
// meanwhile wait and share the next, on a tree of all of them, and each certificate shows
// its own answer alone. Signing costs more than all else that a call costs at the door.
type answers struct {
	door *door

	mu struct {
		sync.Mutex
		busy    bool // somebody signs
		waiting []*ticket
	}
}

// ticket is one answer that waits for its certificate.
type ticket struct {
	id      replica.RequestID
	status  replica.Status
	sharded bool

	turn        chan bool // true: sign for all who wait; false: the certificate is there
	certificate []byte
	err         error
}

func (a *answers) certify(id replica.RequestID, s replica.Status, sharded bool) ([]byte, error) {
	t := &ticket{id: id, status: s, sharded: sharded, turn: make(chan bool, 1)}
	a.mu.Lock()
	a.mu.waiting = append(a.mu.waiting, t)
	signs := !a.mu.busy
	a.mu.busy = true
	a.mu.Unlock()
	if signs || <-t.turn {
		a.signAll()
	}
	return t.certificate, t.err
}

// signAll signs for those who wait longest, its caller first among them, and gives the
// turn to the next.
func (a *answers) signAll() {
	a.mu.Lock()
	n := min(len(a.mu.waiting), maxTogether)
	together := a.mu.waiting[:n:n]
	a.mu.waiting = a.mu.waiting[n:]
	a.mu.Unlock()
	a.sign(together)
	for _, t := range together[1:] {
		t.turn <- false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mu.busy = len(a.mu.waiting) > 0; a.mu.busy {
		a.mu.waiting[0].turn <- true
	}
}

func (a *answers) sign(together []*ticket) {
	sorted := slices.Clone(together)
	slices.SortFunc(sorted, func(x, y *ticket) int { return bytes.Compare(x.id[:], y.id[:]) })
	sorted, same := distinct(sorted)
	trees := make([]hashtree.Node, 0, 2*len(sorted)+1)
	for _, t := range sorted {
		trees = append(trees, statetree.Hidden, hashtree.Labeled(t.id[:], statusTree(t.status)))
	}
	all, now := sumOf(append(trees, statetree.Hidden)), a.door.now()
	signature, err := a.door.Certifier.Sign(statetree.Request(all.show(1), now))
	for i, t := range sorted {
		if t.err = err; err == nil {
			t.certificate, t.err = a.door.Certifier.Issue(statetree.Request(all.show(2*i+1), now), signature, t.sharded)
		}
	}
	for t, first := range same { // the same call, sent twice
		if t.err = first.err; t.err == nil {
			t.certificate, t.err = a.door.Certifier.Issue(statetree.Request(all.show(2*slices.Index(sorted, first)+1), now), signature, t.sharded)
		}
	}
}

// distinct takes tickets of ids that came before out of a sorted list.
func distinct(sorted []*ticket) (first []*ticket, same map[*ticket]*ticket) {
	for _, t := range sorted {
		if n := len(first); n > 0 && first[n-1].id == t.id {
			if same == nil {
				same = map[*ticket]*ticket{}
			}
			same[t] = first[n-1]
			continue
		}
		first = append(first, t)
	}
	return first, same
}

// sum is a tree of trees with the digests of its inner nodes, so that each of many pruned
// versions costs a few nodes.
type sum struct {
	digest      hashtree.Hash
	one         hashtree.Node // if it is a single tree
	left, right *sum
	size        int
}

func sumOf(trees []hashtree.Node) *sum {
	if len(trees) == 1 {
		return &sum{digest: trees[0].Digest(), one: trees[0], size: 1}
	}
	half := (len(trees) + 1) / 2
	s := &sum{left: sumOf(trees[:half]), right: sumOf(trees[half:]), size: len(trees)}
	s.digest = hashtree.ForkDigest(s.left.digest, s.right.digest)
	return s
}

// show is the tree with all but the n-th of its trees pruned.
func (s *sum) show(n int) hashtree.Node {
	switch {
	case s.size == 1:
		return s.one
	case n < s.left.size:
		return hashtree.Fork(s.left.show(n), hashtree.Pruned(s.right.digest))
	}
	return hashtree.Fork(hashtree.Pruned(s.left.digest), s.right.show(n-s.left.size))
}
