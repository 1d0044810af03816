// Package certificate reads and checks the certificates by which the Internet Computer
// proves what its state is, and issues them for local networks.
//
// A certificate is a pruned hash tree and a BLS signature on its root, by the root key
// or by a subnet whose key and canister ranges a second certificate, the delegation,
// binds to the root key. The agent checks every answer with it, clients check receipts
// offline, and the embedded network signs with it. Trees are package hashtree's,
// signatures package bls's. Fetching anything is left to the callers.
//
//	c, err := certificate.Decode(bytes)
//	err = c.Verify(rootKey, canister, time.Now(), 5*time.Minute)
//	value, result := c.Tree.Lookup([]byte("time"))
package certificate

import (
	"errors"
	"fmt"
	"time"

	"assay/ic/certificate/bls"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// What can be wrong with a certificate that is well formed. A wrong signature is
// [bls.ErrSignature].
var (
	// ErrDelegation: the delegation does not name a subnet key, or has one of its own.
	ErrDelegation = errors.New("delegation does not hold")
	// ErrRange: the subnet that signed does not host the canister.
	ErrRange = errors.New("canister outside the subnet's ranges")
	// ErrTime: the certificate is too old, or from the future.
	ErrTime = errors.New("certificate time outside the allowed window")
	// ErrWitness: the witness is not what the canister certified.
	ErrWitness = errors.New("witness does not match the certified data")
)

// MaxDelegationAge is how old a delegation may be: subnets renew theirs far more often.
const MaxDelegationAge = 30 * 24 * time.Hour

// Certificate is a signed tree. It proves nothing until it is verified.
type Certificate struct {
	Tree       hashtree.Node
	Signature  []byte
	Delegation *Delegation // nil when the root key signed
}

// Delegation is the root key's word that a subnet has a key and hosts canisters.
type Delegation struct {
	Subnet      principal.Principal
	Certificate *Certificate
	raw         []byte
}

// Verify checks that the network with this root key (DER) certified the tree for the
// canister (the effective id of the request): signature, delegation with the canister in
// its ranges, and a time within maxAge of now in both directions.
func (c *Certificate) Verify(rootKey []byte, canister principal.Principal, now time.Time, maxAge time.Duration) error {
	if err := c.VerifySignature(rootKey, canister); err != nil {
		return err
	}
	if err := c.checkTime(now, maxAge, maxAge); err != nil {
		return err
	}
	if c.Delegation != nil {
		if err := c.Delegation.Certificate.checkTime(now, MaxDelegationAge, maxAge); err != nil {
			return fmt.Errorf("delegation: %w", err)
		}
	}
	return nil
}

// VerifySignature is Verify without the time, for certificates that are kept.
func (c *Certificate) VerifySignature(rootKey []byte, canister principal.Principal) error {
	key, err := bls.ParseDER(rootKey)
	if err != nil {
		return fmt.Errorf("root key: %w", err)
	}
	if c.Delegation != nil {
		if key, err = c.Delegation.verify(key, canister); err != nil {
			return err
		}
	}
	return c.verifyWith(key)
}

func (c *Certificate) verifyWith(key bls.PublicKey) error {
	if err := key.Verify(signedMessage(c.Tree), c.Signature); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return nil
}

// signedMessage is what a key signs for a tree: its root hash behind a domain separator.
func signedMessage(tree hashtree.Node) []byte {
	root := tree.Digest()
	return append([]byte("\x0dic-state-root"), root[:]...)
}

// verify returns the subnet's key once the root key vouches for it and the canister.
func (d *Delegation) verify(root bls.PublicKey, canister principal.Principal) (bls.PublicKey, error) {
	if d.Certificate.Delegation != nil {
		return bls.PublicKey{}, fmt.Errorf("a delegation inside a delegation: %w", ErrDelegation)
	}
	if err := d.Certificate.verifyWith(root); err != nil {
		return bls.PublicKey{}, fmt.Errorf("delegation: %w", err)
	}
	if err := d.hosts(canister); err != nil {
		return bls.PublicKey{}, err
	}
	der, result := d.Certificate.Tree.Lookup([]byte("subnet"), d.Subnet.Bytes(), []byte("public_key"))
	if result != hashtree.Found {
		return bls.PublicKey{}, fmt.Errorf("key of subnet %s is %s: %w", d.Subnet, result, ErrDelegation)
	}
	key, err := bls.ParseDER(der)
	if err != nil {
		return bls.PublicKey{}, fmt.Errorf("key of subnet %s: %w: %w", d.Subnet, ErrDelegation, err)
	}
	return key, nil
}

// Subnet is the id of the subnet that signed. Without a delegation that is the root
// subnet, whose id follows from the root key.
func (c *Certificate) Subnet(rootKey []byte) principal.Principal {
	if c.Delegation != nil {
		return c.Delegation.Subnet
	}
	return principal.SelfAuthenticating(rootKey)
}

// Time is when the network made the certificate, by its own clock.
func (c *Certificate) Time() (time.Time, error) {
	raw, result := c.Tree.Lookup([]byte("time"))
	if result != hashtree.Found {
		return time.Time{}, fmt.Errorf("time is %s: %w", result, ErrTime)
	}
	ns, err := ParseNat(raw)
	if err != nil {
		return time.Time{}, fmt.Errorf("time: %w: %w", ErrTime, err)
	}
	if ns > 1<<63-1 {
		return time.Time{}, fmt.Errorf("%d ns since 1970: %w", ns, ErrTime)
	}
	return time.Unix(0, int64(ns)), nil
}

func (c *Certificate) checkTime(now time.Time, maxAge, maxAhead time.Duration) error {
	at, err := c.Time()
	if err != nil {
		return err
	}
	if age := now.Sub(at); age > maxAge || age < -maxAhead {
		return fmt.Errorf("%s, %s before %s: %w", at.UTC().Format(time.RFC3339), age.Round(time.Second), now.UTC().Format(time.RFC3339), ErrTime)
	}
	return nil
}

// VerifyWitness decodes a canister's witness and checks that its root is the data that
// the certificate holds for the canister. The certificate itself must be verified too.
func (c *Certificate) VerifyWitness(canister principal.Principal, witness []byte) (hashtree.Node, error) {
	tree, err := hashtree.Decode(witness)
	if err != nil {
		return hashtree.Node{}, fmt.Errorf("witness of %s: %w", canister, err)
	}
	data, result := c.Tree.Lookup([]byte("canister"), canister.Bytes(), []byte("certified_data"))
	if result != hashtree.Found {
		return hashtree.Node{}, fmt.Errorf("certified data of %s is %s: %w", canister, result, ErrWitness)
	}
	if root := tree.Digest(); string(root[:]) != string(data) {
		return hashtree.Node{}, fmt.Errorf("witness of %s has root %x, certified is %x: %w", canister, root, data, ErrWitness)
	}
	return tree, nil
}

// Issue signs a tree and returns the encoded certificate. The delegation is the one of
// the signing subnet, nil for the root key.
func Issue(key bls.SecretKey, tree hashtree.Node, delegation *Delegation) ([]byte, error) {
	signature, err := Sign(key, tree)
	if err != nil {
		return nil, err
	}
	c := Certificate{Tree: tree, Signature: signature, Delegation: delegation}
	return c.Encode(), nil
}

// Sign is a certificate's signature on a tree. It holds for every pruned version of it.
func Sign(key bls.SecretKey, tree hashtree.Node) ([]byte, error) {
	signature, err := key.Sign(signedMessage(tree))
	if err != nil {
		return nil, fmt.Errorf("sign tree: %w", err)
	}
	return signature, nil
}

// NewDelegation makes the delegation of a subnet from the encoded certificate in which
// the root key names the subnet's key and ranges.
func NewDelegation(subnet principal.Principal, cert []byte) (*Delegation, error) {
	c, err := decode(cert, 1)
	if err != nil {
		return nil, fmt.Errorf("delegation of %s: %w", subnet, err)
	}
	return &Delegation{Subnet: subnet, Certificate: c, raw: cert}, nil
}
