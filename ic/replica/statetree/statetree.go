// Package statetree makes the trees that the network's certificates are of.
//
// The specification has one tree of the whole state, which each certificate shows a part
// of. Here no such tree is kept: a certificate has a tree of its own, which holds what it
// shows. What else there may be stands in it as pruned trees, so that a certificate proves
// nothing of what it does not show: a reader cannot tell these from parts of a whole. Used
// by the HTTP door for what it answers and by ic/replica for the data of canisters; what
// stands where is the specification's, and values are theirs.
package statetree

import (
	"crypto/sha256"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// Hidden is a part of the state that a certificate does not show.
var Hidden = hashtree.Pruned(sha256.Sum256([]byte("a part of the state that this certificate does not show")))

// nothing is below the labels that prove the absence of another.
var nothing = hashtree.Pruned(hashtree.Empty().Digest())

// Join forks trees, in the order of their labels, into one.
func Join(trees ...hashtree.Node) hashtree.Node {
	if len(trees) == 1 {
		return trees[0]
	}
	half := (len(trees) + 1) / 2
	return hashtree.Fork(Join(trees[:half]...), Join(trees[half:]...))
}

// Among is a tree below a label, with others beside it that are not shown.
func Among(label []byte, sub hashtree.Node) hashtree.Node {
	return Join(Hidden, hashtree.Labeled(label, sub), Hidden)
}

// Without proves that a label is not among those of its length: its neighbours stand right
// before and behind it, with nothing below them.
func Without(label []byte) hashtree.Node {
	trees := make([]hashtree.Node, 0, 4)
	if before, ok := step(label, -1); ok {
		trees = append(trees, Hidden, hashtree.Labeled(before, nothing))
	}
	if behind, ok := step(label, +1); ok {
		trees = append(trees, hashtree.Labeled(behind, nothing), Hidden)
	}
	return Join(trees...)
}

// step is the label as a number of as many bytes, and one more or less.
func step(label []byte, by int) (next []byte, ok bool) {
	next = append([]byte{}, label...)
	for i := len(next) - 1; i >= 0; i-- {
		next[i] += byte(by)
		if by > 0 && next[i] != 0 || by < 0 && next[i] != 0xff {
			return next, true
		}
	}
	return nil, false
}

// Request is the tree of the state that shows requests, and the time. The tree of requests
// has their ids as labels.
func Request(requests hashtree.Node, now uint64) hashtree.Node {
	return Join(Hidden, hashtree.Labeled([]byte("request_status"), requests), Hidden, clock(now))
}

// Data is the tree of the state that shows a canister's certified data, and the time.
func Data(canister principal.Principal, data []byte, now uint64) hashtree.Node {
	certified := Among([]byte("certified_data"), hashtree.Leaf(data))
	return Join(Hidden, hashtree.Labeled([]byte("canister"), Among(canister.Bytes(), certified)), Hidden, clock(now))
}

func clock(now uint64) hashtree.Node {
	return hashtree.Labeled([]byte("time"), hashtree.Leaf(certificate.AppendNat(nil, now)))
}
