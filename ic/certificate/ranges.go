package certificate

import (
	"fmt"

	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// Range is a closed range of canister ids.
type Range struct{ From, To principal.Principal }

// Contains reports whether the id lies in the range, ends included.
func (r Range) Contains(id principal.Principal) bool {
	return r.From.Compare(id) <= 0 && id.Compare(r.To) <= 0
}

// hosts checks that some revealed range of the subnet has the canister. Ranges stand
// sharded under /canister_ranges/<subnet>/<first id>, or in one list under
// /subnet/<subnet>/canister_ranges, depending on the endpoint that was asked. Other
// shards may be pruned: one range that contains the id is proof enough.
func (d *Delegation) hosts(canister principal.Principal) error {
	tree, subnet := d.Certificate.Tree, d.Subnet.Bytes()
	var lists [][]byte
	for _, shard := range tree.Revealed([]byte("canister_ranges"), subnet) {
		if list, result := shard.Tree.Lookup(); result == hashtree.Found {
			lists = append(lists, list)
		}
	}
	if list, result := tree.Lookup([]byte("subnet"), subnet, []byte("canister_ranges")); result == hashtree.Found {
		lists = append(lists, list)
	}
	if len(lists) == 0 {
		return fmt.Errorf("no ranges of subnet %s: %w", d.Subnet, ErrDelegation)
	}
	for _, list := range lists {
		ranges, err := DecodeRanges(list)
		if err != nil {
			return fmt.Errorf("subnet %s: %w: %w", d.Subnet, ErrDelegation, err)
		}
		for _, r := range ranges {
			if r.Contains(canister) {
				return nil
			}
		}
	}
	return fmt.Errorf("canister %s, subnet %s: %w", canister, d.Subnet, ErrRange)
}
