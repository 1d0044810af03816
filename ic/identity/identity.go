// Package identity holds the keys with which users and providers sign requests.
//
// It wraps the identities of agent-go, so that the rest of the project sees only its
// own principals, and adds what they lack: PEM files that only their owner may read,
// one loader for all kinds, and a check that a loaded key signs for its public half.
// The agent signs with an Identity; commands load and save them. Delegated identities
// (Internet Identity) are not here: agent-go cannot send their chains.
package identity

import (
	"crypto/ed25519"
	"fmt"

	agentgo "github.com/aviate-labs/agent-go/identity"

	"assay/ic/principal"
)

// Identity is a sender of requests.
type Identity interface {
	// Sender is the principal that the network sees.
	Sender() principal.Principal
	// PublicKeyDER is the public key in DER, nil for the anonymous identity.
	PublicKeyDER() []byte
	// Sign signs the message itself, not a digest of it.
	Sign(message []byte) ([]byte, error)
}

// Anonymous is the sender of unsigned requests. It signs nothing.
type Anonymous struct{}

// Sender is [principal.Anonymous].
func (Anonymous) Sender() principal.Principal { return principal.Anonymous }

// PublicKeyDER is nil.
func (Anonymous) PublicKeyDER() []byte { return nil }

// Sign returns no signature.
func (Anonymous) Sign([]byte) ([]byte, error) { return nil, nil }

// Key is an identity with a secret key.
type Key struct {
	inner  agentgo.Identity
	der    []byte
	sender principal.Principal
}

func newKey(inner agentgo.Identity) (*Key, error) {
	der := inner.PublicKey()
	k := &Key{inner: inner, der: der, sender: principal.SelfAuthenticating(der)}
	const probe = "assay identity self-check"
	sig, err := k.Sign([]byte(probe))
	if err != nil || len(sig) != 64 || !inner.Verify([]byte(probe), sig) {
		return nil, &KeyError{"the public half does not belong to the secret one"}
	}
	return k, nil
}

// NewEd25519 makes a new Ed25519 key.
func NewEd25519() (*Key, error) {
	inner, err := agentgo.NewRandomEd25519Identity()
	if err != nil {
		return nil, fmt.Errorf("new Ed25519 key: %w", err)
	}
	return newKey(inner)
}

// Ed25519FromSeed makes the key of a seed, the same every time. Whoever knows the seed
// has the key: for tests and for throwaway networks.
func Ed25519FromSeed(seed [ed25519.SeedSize]byte) (*Key, error) {
	secret := ed25519.NewKeyFromSeed(seed[:])
	inner, err := agentgo.NewEd25519Identity(secret.Public().(ed25519.PublicKey), secret)
	if err != nil {
		return nil, fmt.Errorf("Ed25519 key from seed: %w", err)
	}
	return newKey(inner)
}

// NewSecp256k1 makes a new key on the curve secp256k1.
func NewSecp256k1() (*Key, error) {
	inner, err := agentgo.NewRandomSecp256k1Identity()
	if err != nil {
		return nil, fmt.Errorf("new secp256k1 key: %w", err)
	}
	return newKey(inner)
}

// NewP256 makes a new key on the curve P-256.
func NewP256() (*Key, error) {
	inner, err := agentgo.NewRandomPrime256v1Identity()
	if err != nil {
		return nil, fmt.Errorf("new P-256 key: %w", err)
	}
	return newKey(inner)
}

// Sender is the self-authenticating principal of the public key.
func (k *Key) Sender() principal.Principal { return k.sender }

// PublicKeyDER is the public key in DER.
func (k *Key) PublicKeyDER() []byte { return append([]byte{}, k.der...) }

// Sign signs the message; the signature has 64 bytes.
func (k *Key) Sign(message []byte) ([]byte, error) {
	sig, err := k.inner.Sign(message)
	if err != nil {
		return nil, fmt.Errorf("sign as %s: %w", k.sender, err)
	}
	return sig, nil
}

// Verify reports whether the signature is this key's for the message.
func (k *Key) Verify(message, signature []byte) bool {
	return len(signature) == 64 && k.inner.Verify(message, signature)
}
