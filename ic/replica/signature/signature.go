// Package signature checks the signatures with which users authenticate requests.
//
// A public key in DER names its scheme: Ed25519, ECDSA on P-256 or on secp256k1, web
// authentication (an authenticator's signature around a challenge), or a canister that
// certified that it signs. The HTTP door asks a [Verifier] for requests, delegations and
// what is said of a sender. What is signed, and who may sign it, is the caller's affair;
// certificates and hash trees are package certificate's.
package signature

import (
	"bytes"
	"errors"

	"assay/ic/principal"
)

// What is wrong with a signature that is refused.
var (
	// ErrKey: the public key is of no scheme, or malformed.
	ErrKey = errors.New("public key is not one of Ed25519, ECDSA on P-256 or secp256k1, web authentication or a canister signature in DER")
	// ErrSignature: the key did not sign the payload.
	ErrSignature = errors.New("signature does not match")
)

// Verifier checks signatures of every scheme. It is safe for concurrent use.
type Verifier struct {
	rootKey []byte
	proved  memory // certificates whose signatures hold
}

// NewVerifier makes a verifier that trusts canister signatures of the network with this
// root key (DER).
func NewVerifier(rootKey []byte) *Verifier { return &Verifier{rootKey: bytes.Clone(rootKey)} }

// Verify returns nil if the public key in DER signed the payload: a domain separator with
// the message behind it.
func (v *Verifier) Verify(der, payload, signature []byte) error {
	if check, ok := plain(der); ok {
		return check(payload, signature)
	}
	switch id, key, err := unwrap(der); {
	case err != nil:
		return err
	case id == oidCOSE:
		return verifyWebAuthn(key, payload, signature)
	default:
		return v.verifyCanister(key, payload, signature)
	}
}

// SigningCanister is the canister whose signatures a public key in DER stands for, false
// for keys of other schemes.
func SigningCanister(der []byte) (principal.Principal, bool) {
	id, key, err := unwrap(der)
	if err != nil || id != oidCanister {
		return principal.Principal{}, false
	}
	canister, _, err := splitCanisterKey(key)
	return canister, err == nil
}
