// Package certtest makes networks for tests: real keys, real delegations, real
// signatures, nothing behind them. Tests of certificate, agent and client use it.
package certtest

import (
	"fmt"
	"io"
	"testing"
	"time"

	"assay/ic/certificate"
	"assay/ic/certificate/bls"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// Layout is where a network's delegation keeps its canister ranges.
type Layout int

// The layouts. Root has no delegation: the root key itself signs.
const (
	Sharded Layout = iota
	Flat
	Root
)

// String names the layout.
func (l Layout) String() string { return [...]string{"sharded", "flat", "root"}[l%3] }

// Network holds the keys of a network with one subnet.
type Network struct {
	RootKey    []byte // DER
	Subnet     principal.Principal
	SubnetKey  []byte // DER
	key        bls.SecretKey
	delegation *certificate.Delegation
}

// New makes a network whose subnet hosts the ranges, with its delegation of today.
func New(t testing.TB, layout Layout, ranges ...certificate.Range) *Network {
	t.Helper()
	return NewAt(t, layout, time.Unix(1_790_000_000, 0), ranges...)
}

// NewAt is New with the time in the delegation.
func NewAt(t testing.TB, layout Layout, at time.Time, ranges ...certificate.Range) *Network {
	t.Helper()
	return Seeded(t, nil, layout, at, ranges...)
}

// Seeded is NewAt with the source that keys are drawn from, for golden files; nil is
// the system's.
func Seeded(t testing.TB, random io.Reader, layout Layout, at time.Time, ranges ...certificate.Range) *Network {
	t.Helper()
	return made(t, random, layout, "", at, ranges)
}

// Typed is NewAt with the type of the subnet in the delegation, as networks have it today.
func Typed(t testing.TB, layout Layout, kind string, at time.Time, ranges ...certificate.Range) *Network {
	t.Helper()
	return made(t, nil, layout, kind, at, ranges)
}

func made(t testing.TB, random io.Reader, layout Layout, kind string, at time.Time, ranges []certificate.Range) *Network {
	t.Helper()
	root := generate(t, random)
	n := &Network{RootKey: root.Public().DER(), key: root}
	n.SubnetKey, n.Subnet = n.RootKey, principal.SelfAuthenticating(n.RootKey)
	if layout == Root {
		return n
	}
	n.key = generate(t, random)
	n.SubnetKey = n.key.Public().DER()
	n.Subnet = principal.SelfAuthenticating(n.SubnetKey)
	b := hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(at.UnixNano())), []byte("time")).
		Set(n.SubnetKey, []byte("subnet"), n.Subnet.Bytes(), []byte("public_key"))
	if kind != "" {
		b.Set([]byte(kind), []byte("subnet"), n.Subnet.Bytes(), []byte("type"))
	}
	if layout == Flat {
		b.Set(certificate.EncodeRanges(ranges), []byte("subnet"), n.Subnet.Bytes(), []byte("canister_ranges"))
	} else {
		for _, r := range ranges {
			first := r.From.Bytes()
			b.Set(certificate.EncodeRanges([]certificate.Range{r}), []byte("canister_ranges"), n.Subnet.Bytes(), first)
		}
	}
	raw, err := sign(root, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n.delegation, err = certificate.NewDelegation(n.Subnet, raw); err != nil {
		t.Fatal(err)
	}
	return n
}

// Certify signs what the builder holds with the subnet's key.
func (n *Network) Certify(t testing.TB, b *hashtree.Builder) []byte {
	t.Helper()
	raw, err := n.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Sign is Certify for servers that run outside the test's goroutine.
func (n *Network) Sign(b *hashtree.Builder) ([]byte, error) { return sign(n.key, b, n.delegation) }

func sign(key bls.SecretKey, b *hashtree.Builder, d *certificate.Delegation) ([]byte, error) {
	tree, err := b.Tree()
	if err != nil {
		return nil, fmt.Errorf("certtest: %w", err)
	}
	return certificate.Issue(key, tree, d)
}

func generate(t testing.TB, random io.Reader) bls.SecretKey {
	t.Helper()
	key, err := bls.GenerateKey(random)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
