// Package certify holds the keys of an embedded network and signs with them.
//
// The network has the shape that clients expect of a real one: a root key that signs
// only delegations, one subnet with a key of its own that signs certificates, and one
// node whose key signs query responses. Every certificate is a small tree built for
// its answer, so no tree of the whole state is kept. Package ic/replica certifies data
// for canisters with it, ic/replica/door answers clients; what goes into a tree is
// theirs. The keys are single secret numbers in a file: they protect nothing of value,
// and every network has its own.
package certify

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"sync"
	"time"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// renewAfter is the age at which a delegation is signed anew. Clients take one for 30
// days.
const renewAfter = 24 * time.Hour

// subnetType is what the network says of its subnet: it charges for what it does.
const subnetType = "application"

// Certifier signs for one network. It is safe for concurrent use.
type Certifier struct {
	keys      keys
	clock     func() time.Time
	rootDER   []byte
	subnetDER []byte
	nodeDER   []byte
	subnet    principal.Principal
	node      principal.Principal

	mu struct {
		sync.Mutex
		delegations [2]delegation // flat, sharded
	}
}

type delegation struct {
	signed time.Time
	value  *certificate.Delegation
}

// Open loads the keys kept in dir, or makes and keeps new ones; with an empty dir the
// keys last as long as the process. clock dates delegations; nil is the system's.
func Open(dir string, clock func() time.Time) (*Certifier, error) {
	return open(dir, clock, rand.Reader)
}

// OpenSeeded is like [Open], with new keys that a seed determines. They protect nothing:
// for tests that must repeat to the last bit.
func OpenSeeded(dir string, clock func() time.Time, seed []byte) (*Certifier, error) {
	return open(dir, clock, seeded(seed))
}

func open(dir string, clock func() time.Time, random io.Reader) (*Certifier, error) {
	if clock == nil {
		clock = time.Now
	}
	k, err := openKeys(dir, random)
	if err != nil {
		return nil, fmt.Errorf("keys of the network: %w", err)
	}
	c := &Certifier{keys: k, clock: clock, rootDER: k.root.Public().DER(), subnetDER: k.subnet.Public().DER()}
	if c.nodeDER, err = x509.MarshalPKIXPublicKey(k.node.Public()); err != nil {
		return nil, fmt.Errorf("keys of the network: %w", err)
	}
	c.subnet, c.node = principal.SelfAuthenticating(c.subnetDER), principal.SelfAuthenticating(c.nodeDER)
	return c, nil
}

// RootKey is the public root key in DER: what clients must trust.
func (c *Certifier) RootKey() []byte { return append([]byte(nil), c.rootDER...) }

// Subnet is the id of the one subnet, which hosts every canister id.
func (c *Certifier) Subnet() principal.Principal { return c.subnet }

// Node is the id of the one node.
func (c *Certifier) Node() principal.Principal { return c.node }

// Certify signs a tree with the subnet's key. The delegation beside it holds the
// canister ranges sharded, or flat as older endpoints have it.
func (c *Certifier) Certify(tree hashtree.Node, sharded bool) ([]byte, error) {
	d, err := c.delegation(sharded)
	if err != nil {
		return nil, err
	}
	return certificate.Issue(c.keys.subnet, tree, d)
}

// Sign signs a tree with the subnet's key, for certificates of pruned versions of it:
// see [Certifier.Issue].
func (c *Certifier) Sign(tree hashtree.Node) ([]byte, error) {
	return certificate.Sign(c.keys.subnet, tree)
}

// Issue makes a certificate of a tree that was signed, whole or in another pruned version.
func (c *Certifier) Issue(tree hashtree.Node, signature []byte, sharded bool) ([]byte, error) {
	d, err := c.delegation(sharded)
	if err != nil {
		return nil, err
	}
	issued := certificate.Certificate{Tree: tree, Signature: signature, Delegation: d}
	return issued.Encode(), nil
}

// SignResponse signs the hash of a query response with the node's key.
func (c *Certifier) SignResponse(hash [32]byte) []byte {
	return ed25519.Sign(c.keys.node, append([]byte("\x0bic-response"), hash[:]...))
}

// Ranges are the canister ids that the subnet hosts: all.
func Ranges() []certificate.Range {
	return []certificate.Range{{From: principal.Canister(0), To: principal.Canister(1<<64 - 1)}}
}

// SetSubnet puts what clients may know of the subnet into a tree: its key, type and
// node, and the ranges, which stand a second time in one list at older endpoints.
func (c *Certifier) SetSubnet(b *hashtree.Builder, sharded bool) {
	id := c.subnet.Bytes()
	b.Set(c.subnetDER, []byte("subnet"), id, []byte("public_key"))
	b.Set([]byte(subnetType), []byte("subnet"), id, []byte("type"))
	b.Set(c.nodeDER, []byte("subnet"), id, []byte("node"), c.node.Bytes(), []byte("public_key"))
	c.setRanges(b, true)
	if !sharded {
		c.setRanges(b, false)
	}
}

func (c *Certifier) setRanges(b *hashtree.Builder, sharded bool) {
	id, ranges := c.subnet.Bytes(), certificate.EncodeRanges(Ranges())
	if sharded {
		b.Set(ranges, []byte("canister_ranges"), id, Ranges()[0].From.Bytes())
	} else {
		b.Set(ranges, []byte("subnet"), id, []byte("canister_ranges"))
	}
}

// delegation is the root key's word for the subnet, kept until it is a day old.
func (c *Certifier) delegation(sharded bool) (*certificate.Delegation, error) {
	now := c.clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := &c.mu.delegations[0]
	if sharded {
		kept = &c.mu.delegations[1]
	}
	if age := now.Sub(kept.signed); kept.value != nil && age >= 0 && age < renewAfter {
		return kept.value, nil
	}
	b := hashtree.NewBuilder()
	b.Set(certificate.AppendNat(nil, uint64(now.UnixNano())), []byte("time"))
	b.Set(c.subnetDER, []byte("subnet"), c.subnet.Bytes(), []byte("public_key"))
	b.Set([]byte(subnetType), []byte("subnet"), c.subnet.Bytes(), []byte("type")) // canister signatures need it
	c.setRanges(b, sharded)
	tree, err := b.Tree()
	if err != nil {
		return nil, fmt.Errorf("delegation: %w", err)
	}
	raw, err := certificate.Issue(c.keys.root, tree, nil)
	if err != nil {
		return nil, fmt.Errorf("delegation: %w", err)
	}
	value, err := certificate.NewDelegation(c.subnet, raw)
	if err != nil {
		return nil, fmt.Errorf("delegation: %w", err)
	}
	*kept = delegation{now, value}
	return value, nil
}
