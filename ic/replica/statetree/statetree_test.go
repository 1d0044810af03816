package statetree_test

import (
	"bytes"
	"testing"

	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/ic/replica/statetree"
)

// decoded is a tree as a reader gets it: well formed, with labels in order.
func decoded(t *testing.T, n hashtree.Node) hashtree.Node {
	t.Helper()
	out, err := hashtree.Decode(n.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAmongAndWithout(t *testing.T) {
	t.Parallel()
	zero, one, top := make([]byte, 4), []byte{0, 0, 0, 1}, bytes.Repeat([]byte{255}, 4)
	middle, carry, borrow := []byte{1, 2, 3, 4}, []byte{1, 2, 255, 255}, []byte{1, 3, 0, 0}
	labels := [][]byte{zero, one, top, middle, carry, borrow}
	for _, label := range labels {
		among := decoded(t, statetree.Among(label, hashtree.Leaf([]byte("v"))))
		without := decoded(t, statetree.Without(label))
		if v, result := among.Lookup(label); result != hashtree.Found || string(v) != "v" {
			t.Errorf("%x among others is %s", label, result)
		}
		if _, result := without.Lookup(label, []byte("below")); result != hashtree.Absent {
			t.Errorf("%x is %s", label, result)
		}
		for _, other := range labels {
			if bytes.Equal(other, label) {
				continue
			}
			for name, tree := range map[string]hashtree.Node{"among": among, "without": without} {
				if _, result := tree.Lookup(other, []byte("below")); result != hashtree.Unknown {
					t.Errorf("%s %x: %x is %s", name, label, other, result)
				}
			}
		}
	}
}

func TestData(t *testing.T) {
	t.Parallel()
	id, other := principal.Canister(7), principal.Canister(8)
	tree := decoded(t, statetree.Data(id, []byte("root"), 300))
	canister := func(id principal.Principal, name string) [][]byte {
		return [][]byte{[]byte("canister"), id.Bytes(), []byte(name)}
	}
	if v, _ := tree.Lookup(canister(id, "certified_data")...); string(v) != "root" {
		t.Errorf("data %q", v)
	}
	if v, _ := tree.Lookup([]byte("time")); !bytes.Equal(v, []byte{0xac, 2}) {
		t.Errorf("time %x", v)
	}
	for _, path := range [][][]byte{canister(id, "controllers"), canister(id, "module_hash"), canister(other, "certified_data"), {[]byte("request_status"), make([]byte, 32)}, {[]byte("subnet")}} {
		if _, result := tree.Lookup(path...); result != hashtree.Unknown {
			t.Errorf("%q is %s", path, result)
		}
	}
}
