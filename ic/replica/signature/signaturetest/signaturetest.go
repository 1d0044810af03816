// Package signaturetest makes users whose keys are not plain: authenticators of every
// kind that signs for web authentication, and canisters that sign with certified data.
//
// Tests of package signature and of the HTTP door sign with them. Everything is as the
// interface specification describes it, made without the code that checks it.
package signaturetest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// Authenticator is a user with a key in COSE.
type Authenticator struct {
	COSE []byte
	DER  []byte
	// ClientData makes the client data of a challenge; nil is what browsers send.
	ClientData func(challenge string) string
	sign       func(message []byte) []byte
}

// NewES256 makes an authenticator that signs with ECDSA on P-256.
func NewES256(t testing.TB) *Authenticator {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	point := must(key.PublicKey.Bytes())(t)
	return authenticator(t, map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}, func(message []byte) []byte {
		hash := sha256.Sum256(message)
		return must(ecdsa.SignASN1(rand.Reader, key, hash[:]))(t)
	})
}

// NewRS256 makes an authenticator that signs with RSA.
func NewRS256(t testing.TB) *Authenticator {
	t.Helper()
	key := must(rsa.GenerateKey(rand.Reader, 2048))(t)
	return authenticator(t, map[int]any{1: 3, 3: -257, -1: key.N.Bytes(), -2: []byte{1, 0, 1}}, func(message []byte) []byte {
		hash := sha256.Sum256(message)
		return must(rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, hash[:]))(t)
	})
}

// NewEdDSA makes an authenticator that signs with Ed25519.
func NewEdDSA(t testing.TB) *Authenticator {
	t.Helper()
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return authenticator(t, map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(public)}, func(message []byte) []byte {
		return ed25519.Sign(secret, message)
	})
}

func authenticator(t testing.TB, key map[int]any, sign func([]byte) []byte) *Authenticator {
	t.Helper()
	cose := must(cbor.Marshal(key))(t)
	return &Authenticator{COSE: cose, DER: Wrap(t, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 56387, 1, 1}, cose), sign: sign}
}

// Sign answers the challenge that the payload is.
func (a *Authenticator) Sign(payload []byte) []byte {
	challenge := base64.RawURLEncoding.EncodeToString(payload)
	client := clientData(challenge)
	if a.ClientData != nil {
		client = a.ClientData(challenge)
	}
	data := bytes.Repeat([]byte{7}, 37)
	hash := sha256.Sum256([]byte(client))
	return Tagged(map[string]any{
		"authenticator_data": data, "client_data_json": client,
		"signature": a.sign(append(bytes.Clone(data), hash[:]...)),
	})
}

func clientData(challenge string) string {
	b, err := json.Marshal(map[string]any{"type": "webauthn.get", "challenge": challenge, "origin": "https://example.org", "crossOrigin": false})
	if err != nil {
		panic(err) // texts always encode
	}
	return string(b)
}

// CanisterKey is the public key in DER of a canister with a seed.
func CanisterKey(t testing.TB, canister principal.Principal, seed string) []byte {
	t.Helper()
	id := canister.Bytes()
	raw := append(append([]byte{byte(len(id))}, id...), seed...)
	return Wrap(t, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 56387, 1, 2}, raw)
}

// SignatureTree is the tree that a canister has to certify to sign the payloads.
func SignatureTree(t testing.TB, seed string, payloads ...[]byte) hashtree.Node {
	t.Helper()
	b := hashtree.NewBuilder()
	by := sha256.Sum256([]byte(seed))
	for _, p := range payloads {
		what := sha256.Sum256(p)
		b.Set(nil, []byte("sig"), by[:], what[:])
	}
	return must(b.Tree())(t)
}

// CanisterSignature joins the certificate of a tree's root and the tree to a signature.
func CanisterSignature(certificate []byte, tree hashtree.Node) []byte {
	return Tagged(map[string]any{"certificate": certificate, "tree": cbor.RawMessage(tree.Encode())})
}

// Wrap is a SubjectPublicKeyInfo around a key.
func Wrap(t testing.TB, algorithm asn1.ObjectIdentifier, key []byte) []byte {
	t.Helper()
	return must(asn1.Marshal(struct {
		Algorithm struct{ ID asn1.ObjectIdentifier }
		Key       asn1.BitString
	}{struct{ ID asn1.ObjectIdentifier }{algorithm}, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}}))(t)
}

// Tagged is a value in CBOR behind the self-describing tag.
func Tagged(v any) []byte {
	b, err := cbor.Marshal(v)
	if err != nil {
		panic(err) // maps of texts and blobs always encode
	}
	return append([]byte("\xd9\xd9\xf7"), b...)
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
