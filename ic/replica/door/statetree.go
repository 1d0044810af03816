package door

import (
	"crypto/sha256"
	"fmt"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/replica"
)

// A certificate has a tree of its own, which holds what the answer needs of the network's
// state. What else there may be stands in it as pruned trees, so that a certificate proves
// nothing of what it was not asked for: of the state as a whole no tree is kept, so these
// have no content that could be shown. A label that is absent gets neighbours without
// content, right before and behind it: they prove that it is not there and nothing else.
var (
	hidden  = hashtree.Pruned(sha256.Sum256([]byte("a part of the state that this certificate does not show")))
	nothing = hashtree.Pruned(hashtree.Empty().Digest())
)

// join forks trees, in the order of their labels, into one.
func join(trees ...hashtree.Node) hashtree.Node {
	if len(trees) == 1 {
		return trees[0]
	}
	half := (len(trees) + 1) / 2
	return hashtree.Fork(join(trees[:half]...), join(trees[half:]...))
}

// among is a tree below a label, with others beside it that are not shown.
func among(label []byte, sub hashtree.Node) hashtree.Node {
	return join(hidden, hashtree.Labeled(label, sub), hidden)
}

// without proves that a label is not among those of its length.
func without(label []byte) hashtree.Node {
	trees := make([]hashtree.Node, 0, 4)
	if before, ok := step(label, -1); ok {
		trees = append(trees, hidden, hashtree.Labeled(before, nothing))
	}
	if behind, ok := step(label, +1); ok {
		trees = append(trees, hashtree.Labeled(behind, nothing), hidden)
	}
	return join(trees...)
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

func leaf(value []byte) hashtree.Node { return hashtree.Leaf(value) }

// statusTree is what is known of a request, below its id.
func statusTree(s replica.Status) hashtree.Node {
	pairs := []hashtree.Pair{{Label: []byte("status"), Tree: leaf([]byte(s.Phase.String()))}}
	add := func(name string, value []byte) {
		pairs = append(pairs, hashtree.Pair{Label: []byte(name), Tree: leaf(value)})
	}
	switch {
	case s.Phase == replica.Replied:
		add("reply", s.Reply)
	case s.Phase == replica.Rejected && s.Reject != nil:
		add("reject_code", certificate.AppendNat(nil, uint64(s.Reject.Code)))
		add("reject_message", []byte(s.Reject.Message))
		add("error_code", []byte(s.Reject.ErrorCode))
	}
	return forest(pairs)
}

// forest joins trees whose labels are constants or keys of a map, and differ.
func forest(pairs []hashtree.Pair) hashtree.Node {
	tree, err := hashtree.Forest(pairs)
	if err != nil {
		panic(err) // a label twice
	}
	return tree
}

// canisterTree is the public state of a canister, below its id.
func canisterTree(info replica.Info) hashtree.Node {
	pairs := []hashtree.Pair{
		{Label: []byte("certified_data"), Tree: hidden},
		{Label: []byte("controllers"), Tree: leaf(certificate.EncodePrincipals(info.Controllers))},
	}
	if info.Created != 0 {
		pairs = append(pairs, hashtree.Pair{Label: []byte("canister_creation_timestamp"), Tree: leaf(certificate.AppendNat(nil, info.Created))})
	}
	if info.Installed != 0 && info.ModuleHash != nil {
		pairs = append(pairs, hashtree.Pair{Label: []byte("last_install_timestamp"), Tree: leaf(certificate.AppendNat(nil, info.Installed))})
	}
	if info.ModuleHash != nil {
		pairs = append(pairs, hashtree.Pair{Label: []byte("module_hash"), Tree: leaf(info.ModuleHash)})
	}
	sections := make([]hashtree.Pair, 0, len(info.Metadata))
	for name, section := range info.Metadata {
		sections = append(sections, hashtree.Pair{Label: []byte(name), Tree: leaf(section.Value)})
	}
	if len(sections) > 0 {
		pairs = append(pairs, hashtree.Pair{Label: []byte("metadata"), Tree: forest(sections)})
	}
	return forest(pairs)
}

func (d *door) now() uint64 { return uint64(max(d.Engine.Time().UnixNano(), 0)) }

// metrics are those of the subnet, as its state tree holds them.
func (d *door) metrics() ([]byte, error) {
	m := d.Engine.Metrics()
	_, enc := modes()
	b, err := enc.Marshal(map[string]any{
		"num_canisters":             m.Canisters,
		"canister_state_bytes":      m.StateBytes,
		"consumed_cycles_total":     map[string]uint64{"low": m.CyclesLow, "high": m.CyclesHigh},
		"update_transactions_total": m.Updates,
	})
	if err != nil {
		return nil, fmt.Errorf("encode metrics: %w", err)
	}
	return b, nil
}
