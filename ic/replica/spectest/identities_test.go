package spectest_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate/hashtree"
	"assay/ic/identity"
	"assay/ic/principal"
)

// signer is an identity of any scheme.
type signer struct {
	der  []byte
	sign func(message []byte) ([]byte, error)
}

func (s signer) Sender() principal.Principal         { return principal.SelfAuthenticating(s.der) }
func (s signer) PublicKeyDER() []byte                { return s.der }
func (s signer) Sign(message []byte) ([]byte, error) { return s.sign(message) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // keys in memory
	}
	return v
}

func newP256() (*ecdsa.PrivateKey, signer) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return key, signer{must(x509.MarshalPKIXPublicKey(key.Public())), func(message []byte) ([]byte, error) {
		digest := sha256.Sum256(message)
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return nil, err
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
	}}
}

func newSecp256k1() identity.Identity { return must(identity.NewSecp256k1()) }

// Object identifiers of wrapped keys.
var (
	coseKey     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 56387, 1, 1}
	canisterKey = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 56387, 1, 2}
)

func wrapKey(kind asn1.ObjectIdentifier, key []byte) []byte {
	return must(asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{pkix.AlgorithmIdentifier{Algorithm: kind}, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}}))
}

// webAuthn signs as a security key does; sign makes the inner signature.
func webAuthn(cose map[int]any, sign func([]byte) []byte) signer {
	return signer{wrapKey(coseKey, must(cbor.Marshal(cose))), func(message []byte) ([]byte, error) {
		client := `{"type":"webauthn.get","challenge":"` + base64.RawURLEncoding.EncodeToString(message) + `","origin":"https://localhost"}`
		authenticator := append(make([]byte, 32), 1, 0, 0, 0, 7)
		digest := sha256.Sum256([]byte(client))
		return encode(record{
			"authenticator_data": authenticator, "client_data_json": client,
			"signature": sign(append(append([]byte{}, authenticator...), digest[:]...)),
		}), nil
	}}
}

func webAuthnP256() signer {
	key, _ := newP256()
	point := must(key.PublicKey.Bytes())
	return webAuthn(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}, func(b []byte) []byte {
		digest := sha256.Sum256(b)
		return must(ecdsa.SignASN1(rand.Reader, key, digest[:]))
	})
}

func webAuthnEd25519() signer {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // keys in memory
	}
	return webAuthn(map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(public)}, func(b []byte) []byte { return ed25519.Sign(key, b) })
}

// canisterSigner signs with a canister's certified data.
func (w *world) canisterSigner(c principal.Principal, seed string) signer {
	key := append([]byte{byte(len(c.Bytes()))}, c.Bytes()...)
	return signer{wrapKey(canisterKey, append(key, seed...)), func(message []byte) ([]byte, error) {
		return w.canisterSignature(c, seed, message), nil
	}}
}

func (w *world) canisterSignature(c principal.Principal, seed string, message []byte) []byte {
	w.Helper()
	s, m := sha256.Sum256([]byte(seed)), sha256.Sum256(message)
	tree := must(hashtree.NewBuilder().Set(nil, []byte("sig"), s[:], m[:]).Tree())
	root := tree.Digest()
	w.update(c, do.Certify(root[:]).Send()).replied()
	cert := w.ask(c, do.Give(blob("data_certificate")).Send()).replied()
	return encode(record{"certificate": cert, "tree": cbor.RawMessage(tree.Encode())})
}

// delegated signs with a key to which others gave their name.
type delegated struct {
	identity.Identity // whose name it is
	last              identity.Identity
	chain             []record
}

func (d delegated) Sign(message []byte) ([]byte, error) { return d.last.Sign(message) }

// delegate hands on from one identity to a fresh key; more are fields besides.
func (w *world) delegate(from identity.Identity, more record) delegated {
	_, to := newP256()
	return w.delegateTo(from, to, more)
}

func (w *world) delegateTo(from, to identity.Identity, more record) delegated {
	d, again := from.(delegated)
	if !again {
		d = delegated{Identity: from, last: from}
	}
	link := record{"pubkey": to.PublicKeyDER(), "expiration": uint64(w.now().UnixNano()) + 3600e9}.with(more)
	h := link.hash()
	sig := must(d.last.Sign(append([]byte("\x1aic-request-auth-delegation"), h[:]...)))
	d.chain = append(d.chain[:len(d.chain):len(d.chain)], record{"delegation": link, "signature": sig})
	d.last = to
	return d
}
