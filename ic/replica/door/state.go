package door

import (
	"fmt"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/replica"
	"assay/ic/replica/statetree"
)

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
		{Label: []byte("certified_data"), Tree: statetree.Hidden},
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
