package certificate_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/ic/certificate"
	"assay/ic/certificate/bls"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

var (
	canister = principal.Canister(7)
	now      = time.Unix(1_790_000_000, 0)
)

func label(parts ...string) [][]byte {
	out := make([][]byte, len(parts))
	for i, p := range parts {
		out[i] = []byte(p)
	}
	return out
}

// certified is a certificate that holds certified data for the canister.
func certified(t *testing.T, n *certtest.Network, at time.Time, data []byte) []byte {
	t.Helper()
	b := hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(at.UnixNano())), label("time")...).
		Set(data, []byte("canister"), canister.Bytes(), []byte("certified_data"))
	return n.Certify(t, b)
}

func verify(raw, rootKey []byte, id principal.Principal) error {
	c, err := certificate.Decode(raw)
	if err != nil {
		return err
	}
	return c.Verify(rootKey, id, now, 5*time.Minute)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, layout := range []certtest.Layout{certtest.Sharded, certtest.Flat, certtest.Root} {
		n := certtest.New(t, layout, certificate.Range{From: principal.Canister(5), To: principal.Canister(9)})
		raw := certified(t, n, now, make([]byte, 32))
		if err := verify(raw, n.RootKey, canister); err != nil {
			t.Errorf("%v: %v", layout, err)
		}
		other := certtest.New(t, layout, certificate.Range{From: principal.Canister(0), To: principal.Canister(99)})
		if err := verify(raw, other.RootKey, canister); !errors.Is(err, bls.ErrSignature) {
			t.Errorf("%v, other root key: got %v, want ErrSignature", layout, err)
		}
		if layout == certtest.Root {
			continue
		}
		for _, id := range []principal.Principal{principal.Canister(4), principal.Canister(10), principal.Management} {
			if err := verify(raw, n.RootKey, id); !errors.Is(err, certificate.ErrRange) {
				t.Errorf("%v, canister %s: got %v, want ErrRange", layout, id, err)
			}
		}
	}
}

func TestVerifyTime(t *testing.T) {
	t.Parallel()
	n := certtest.New(t, certtest.Sharded, certificate.Range{To: principal.Canister(99)})
	for _, tc := range []struct {
		name string
		at   time.Duration
		ok   bool
	}{{"now", 0, true}, {"four minutes ago", -4 * time.Minute, true}, {"six minutes ago", -6 * time.Minute, false}, {"six minutes ahead", 6 * time.Minute, false}} {
		err := verify(certified(t, n, now.Add(tc.at), nil), n.RootKey, canister)
		if tc.ok != (err == nil) || err != nil && !errors.Is(err, certificate.ErrTime) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	raw := n.Certify(t, hashtree.NewBuilder().Set(nil, label("x")...))
	if err := verify(raw, n.RootKey, canister); !errors.Is(err, certificate.ErrTime) {
		t.Errorf("no time: got %v, want ErrTime", err)
	}
	old := certtest.NewAt(t, certtest.Sharded, now.Add(-31*24*time.Hour), certificate.Range{To: principal.Canister(99)})
	if err := verify(certified(t, old, now, nil), old.RootKey, canister); !errors.Is(err, certificate.ErrTime) {
		t.Errorf("old delegation: got %v, want ErrTime", err)
	}
}

// TestEveryByteCounts flips each bit of a certificate: none may still verify.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	n := certtest.New(t, certtest.Sharded, certificate.Range{To: principal.Canister(99)})
	raw := certified(t, n, now, make([]byte, 32))
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1 << (i % 8)
		if err := verify(bad, n.RootKey, canister); err == nil {
			t.Errorf("byte %d flipped: still verifies", i)
		}
	}
}

func TestDelegationChainRefused(t *testing.T) {
	t.Parallel()
	n := certtest.New(t, certtest.Sharded, certificate.Range{To: principal.Canister(99)})
	raw := certified(t, n, now, nil)
	c, err := certificate.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := certificate.NewDelegation(c.Delegation.Subnet, raw); !errors.Is(err, certificate.ErrDelegation) {
		t.Errorf("delegation with a delegation: got %v, want ErrDelegation", err)
	}
	c.Delegation.Certificate.Delegation = c.Delegation
	if err := c.VerifySignature(n.RootKey, canister); !errors.Is(err, certificate.ErrDelegation) {
		t.Errorf("made by hand: got %v, want ErrDelegation", err)
	}
	c.Delegation.Certificate.Delegation = nil
	c.Delegation.Subnet = principal.Canister(1)
	if err := c.VerifySignature(n.RootKey, canister); !errors.Is(err, certificate.ErrDelegation) {
		t.Errorf("other subnet id: got %v, want ErrDelegation", err)
	}
}

func TestVerifyWitness(t *testing.T) {
	t.Parallel()
	n := certtest.New(t, certtest.Sharded, certificate.Range{To: principal.Canister(99)})
	tree, err := hashtree.NewBuilder().Set([]byte("sum"), label("receipts", "1")...).Set([]byte("x"), label("http")...).Tree()
	if err != nil {
		t.Fatal(err)
	}
	root := tree.Digest()
	c, err := certificate.Decode(certified(t, n, now, root[:]))
	if err != nil {
		t.Fatal(err)
	}
	witness, err := c.VerifyWitness(canister, tree.Prune(label("receipts", "1")).EncodeTagged())
	if err != nil {
		t.Fatal(err)
	}
	if value, result := witness.Lookup(label("receipts", "1")...); result != hashtree.Found || string(value) != "sum" {
		t.Errorf("receipt: %v %q", result, value)
	}
	if _, err := c.VerifyWitness(canister, hashtree.Leaf([]byte("sum")).Encode()); !errors.Is(err, certificate.ErrWitness) {
		t.Errorf("other tree: got %v, want ErrWitness", err)
	}
	if _, err := c.VerifyWitness(principal.Canister(8), tree.Encode()); !errors.Is(err, certificate.ErrWitness) {
		t.Errorf("other canister: got %v, want ErrWitness", err)
	}
	if _, err := c.VerifyWitness(canister, []byte{1, 2}); err == nil {
		t.Error("garbage taken for a witness")
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	ranges := []certificate.Range{{From: principal.Canister(0), To: principal.Canister(9)}, {From: principal.Anonymous, To: principal.Anonymous}}
	got, err := certificate.DecodeRanges(certificate.EncodeRanges(ranges))
	if err != nil || !cmp.Equal(got, ranges, cmp.Comparer(func(a, b principal.Principal) bool { return a == b })) {
		t.Errorf("ranges: got %v %v, want %v", got, err, ranges)
	}
	list, err := certificate.DecodePrincipals(certificate.EncodePrincipals([]principal.Principal{canister}))
	if err != nil || len(list) != 1 || list[0] != canister {
		t.Errorf("principals: got %v %v", list, err)
	}
}

func TestNat(t *testing.T) {
	t.Parallel()
	for _, n := range []uint64{0, 1, 127, 128, 624485, 1<<63 - 1, 1<<64 - 1} {
		if got, err := certificate.ParseNat(certificate.AppendNat(nil, n)); err != nil || got != n {
			t.Errorf("%d: got %d %v", n, got, err)
		}
	}
	for name, b := range map[string][]byte{
		"nothing": {}, "cut off": {0x80}, "padded": {0x81, 0}, "more after it": {1, 1},
		"65 bits": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}, "eleven bytes": bytes.Repeat([]byte{0x80}, 11),
	} {
		var want *certificate.DecodeError
		if n, err := certificate.ParseNat(b); !errors.As(err, &want) {
			t.Errorf("%s: got %d %v, want a DecodeError", name, n, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	key, err := bls.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	raw, err := certificate.Issue(key, hashtree.Leaf([]byte("x")), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	d, err := certificate.NewDelegation(canister, raw)
	if err != nil {
		f.Fatal(err)
	}
	delegated, err := certificate.Issue(key, hashtree.Empty(), d)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(delegated)
	f.Add([]byte{0xa0})
	f.Add([]byte("\xd9\xd9\xf7\xa1\x64tree\x81\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := certificate.Decode(b)
		if err != nil {
			var want *certificate.DecodeError
			if !errors.As(err, &want) {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		again, err := certificate.Decode(c.Encode())
		if err != nil || !bytes.Equal(again.Encode(), c.Encode()) {
			t.Fatalf("does not survive encoding: %v", err)
		}
		_ = c.Verify(key.Public().DER(), canister, now, time.Minute)
	})
}
