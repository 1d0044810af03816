package signature_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	secp256k1ecdsa "github.com/consensys/gnark-crypto/ecc/secp256k1/ecdsa"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"
	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/ic/replica/signature"
	"assay/ic/replica/signature/signaturetest"
)

var (
	canister = principal.Canister(7)
	noon     = time.Unix(1_790_000_000, 0)
	payload  = []byte("\x0aic-request and an id")
)

// signer is a key of any scheme.
type signer struct {
	der  []byte
	sign func([]byte) []byte
}

func newEd25519(t testing.TB) signer {
	t.Helper()
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{append(unhex(t, "302a300506032b6570032100"), public...), func(b []byte) []byte { return ed25519.Sign(secret, b) }}
}

func newP256(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return signer{append(unhex(t, "3059301306072a8648ce3d020106082a8648ce3d030107034200"), point...), func(b []byte) []byte {
		hash := sha256.Sum256(b)
		r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}}
}

func newSecp256k1(t testing.TB) signer {
	t.Helper()
	key, err := secp256k1ecdsa.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point := key.PublicKey.A.RawBytes()
	der := append(unhex(t, "3056301006072a8648ce3d020106052b8104000a034200"), 4)
	return signer{append(der, point[:]...), func(b []byte) []byte {
		sig, err := key.Sign(b, sha256.New())
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func of(a *signaturetest.Authenticator) signer { return signer{a.DER, a.Sign} }

// newNetwork certifies for canisters up to the hundredth.
func newNetwork(t testing.TB, layout certtest.Layout, kind string) *certtest.Network {
	t.Helper()
	return certtest.Typed(t, layout, kind, noon, certificate.Range{From: principal.Canister(0), To: principal.Canister(100)})
}

func newCanister(t testing.TB, n *certtest.Network, seed string) signer {
	t.Helper()
	return signer{signaturetest.CanisterKey(t, canister, seed), func(b []byte) []byte {
		tree := signaturetest.SignatureTree(t, seed, b, []byte("another"))
		return signaturetest.CanisterSignature(certify(t, n, canister, tree), tree)
	}}
}

func certify(t testing.TB, n *certtest.Network, id principal.Principal, tree hashtree.Node) []byte {
	t.Helper()
	root := tree.Digest()
	return n.Certify(t, hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(noon.UnixNano())), []byte("time")).
		Set(root[:], []byte("canister"), id.Bytes(), []byte("certified_data")))
}

func TestEveryScheme(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, certtest.Sharded, "application")
	v := signature.NewVerifier(n.RootKey)
	for name, s := range map[string]signer{
		"Ed25519": newEd25519(t), "P-256": newP256(t), "secp256k1": newSecp256k1(t),
		"ES256": of(signaturetest.NewES256(t)), "RS256": of(signaturetest.NewRS256(t)), "EdDSA": of(signaturetest.NewEdDSA(t)),
		"canister": newCanister(t, n, "seed"), "canister without a seed": newCanister(t, n, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sig := s.sign(payload)
			for range 2 { // the second time from memory
				if err := v.Verify(s.der, payload, sig); err != nil {
					t.Fatal(err)
				}
			}
			if err := v.Verify(s.der, []byte("something else"), sig); !errors.Is(err, signature.ErrSignature) {
				t.Errorf("another payload: %v", err)
			}
			for i := 0; i < len(sig); i += 1 + len(sig)/200 {
				bad := bytes.Clone(sig)
				bad[i] ^= 1
				if err := v.Verify(s.der, payload, bad); err == nil {
					t.Errorf("byte %d of the signature does not matter", i)
				}
			}
			for i := 0; i < len(sig); i += 1 + len(sig)/50 {
				if err := v.Verify(s.der, payload, sig[:i]); err == nil {
					t.Errorf("the first %d bytes of the signature pass", i)
				}
			}
			for i := 0; i < len(s.der); i += 1 + len(s.der)/80 {
				if err := v.Verify(s.der[:i], payload, sig); !errors.Is(err, signature.ErrKey) {
					t.Errorf("the first %d bytes of the key: %v", i, err)
				}
			}
		})
	}
}

func TestEitherValueOfS(t *testing.T) {
	t.Parallel()
	s := newSecp256k1(t)
	sig := s.sign(payload)
	other := new(big.Int).Sub(fr.Modulus(), new(big.Int).SetBytes(sig[32:])).FillBytes(make([]byte, 32))
	v := signature.NewVerifier(nil)
	for _, sig := range [][]byte{sig, append(bytes.Clone(sig[:32]), other...)} {
		if err := v.Verify(s.der, payload, sig); err != nil {
			t.Errorf("s %x: %v", sig[32:], err)
		}
	}
}

func TestKeysRefused(t *testing.T) {
	t.Parallel()
	cose := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 56387, 1, 1}
	es := signaturetest.NewES256(t)
	key := func(m map[int]any) []byte {
		b, err := cbor.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return signaturetest.Wrap(t, cose, b)
	}
	x := bytes.Repeat([]byte{3}, 32)
	for name, der := range map[string][]byte{
		"nothing":               nil,
		"another algorithm":     signaturetest.Wrap(t, asn1.ObjectIdentifier{1, 2, 3}, es.COSE),
		"COSE with more behind": signaturetest.Wrap(t, cose, append(bytes.Clone(es.COSE), 0)),
		"DER with more behind":  append(bytes.Clone(es.DER), 0),
		"long length":           append([]byte{0x30, 0x81, es.DER[1]}, es.DER[2:]...),
		"not COSE":              signaturetest.Wrap(t, cose, []byte("key")),
		"no algorithm":          key(map[int]any{1: 2, -1: 1, -2: x, -3: x}),
		"another curve":         key(map[int]any{1: 2, 3: -7, -1: 2, -2: x, -3: x}),
		"not on the curve":      key(map[int]any{1: 2, 3: -7, -1: 1, -2: x, -3: x}),
		"short coordinate":      key(map[int]any{1: 2, 3: -7, -1: 1, -2: x[:31], -3: x}),
		"short Ed25519":         key(map[int]any{1: 1, 3: -8, -1: 6, -2: x[:31]}),
		"Ed25519 on P-256":      key(map[int]any{1: 1, 3: -8, -1: 1, -2: x}),
		"RSA without modulus":   key(map[int]any{1: 3, 3: -257, -2: x[:3]}),
		"RSA with exponent 1":   key(map[int]any{1: 3, 3: -257, -1: x, -2: []byte{1}}),
		"RSA that is too large": key(map[int]any{1: 3, 3: -257, -1: make([]byte, 1025), -2: []byte{1, 0, 1}}),
		"RSA that is too small": key(map[int]any{1: 3, 3: -257, -1: x, -2: []byte{1, 0, 1}}),
		"compressed point":      append(unhex(t, "3056301006072a8648ce3d020106052b8104000a034200"), append([]byte{2}, x...)...),
		"canister id too long":  signaturetest.Wrap(t, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 56387, 1, 2}, append([]byte{30}, make([]byte, 30)...)),
		"canister id cut off":   signaturetest.Wrap(t, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 56387, 1, 2}, []byte{10, 1}),
	} {
		err := signature.NewVerifier(nil).Verify(der, payload, es.Sign(payload))
		if !errors.Is(err, signature.ErrKey) && !(strings.Contains(name, "small") && errors.Is(err, signature.ErrSignature)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		client func(string) string
		ok     bool
	}{
		"as Haskell sends it": {func(c string) string { return `{"origin":"ic-ref-test","challenge":"` + c + `","type":"webauthn.get"}` }, true},
		"another challenge":   {func(string) string { return `{"challenge":"aGVsbG8","type":"webauthn.get"}` }, false},
		"padded":              {func(c string) string { return `{"challenge":"` + c + `==","type":"webauthn.get"}` }, false},
		"no challenge":        {func(string) string { return `{"type":"webauthn.get"}` }, false},
		"another case":        {func(c string) string { return `{"Challenge":"` + c + `","type":"webauthn.get"}` }, false},
		"a new key":           {func(c string) string { return `{"challenge":"` + c + `","type":"webauthn.create"}` }, false},
		"not JSON":            {func(c string) string { return c }, false},
	} {
		a := signaturetest.NewES256(t)
		a.ClientData = c.client
		if err := signature.NewVerifier(nil).Verify(a.DER, payload, a.Sign(payload)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCanisterSignatures(t *testing.T) {
	t.Parallel()
	n, foreign := newNetwork(t, certtest.Sharded, "application"), newNetwork(t, certtest.Sharded, "application")
	tree := signaturetest.SignatureTree(t, "seed", payload)
	good := certify(t, n, canister, tree)
	key := func(id principal.Principal, seed string) []byte { return signaturetest.CanisterKey(t, id, seed) }
	outside := principal.Canister(101)
	sig := signaturetest.CanisterSignature(good, tree)
	notEmpty, err := hashtree.NewBuilder().Set([]byte("x"), signedPath("seed", payload)...).Tree()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		der, sig []byte
		ok       bool
	}{
		"good":                {key(canister, "seed"), sig, true},
		"another seed":        {key(canister, "other"), sig, false},
		"another canister":    {key(principal.Canister(8), "seed"), sig, false},
		"outside the ranges":  {key(outside, "seed"), signaturetest.CanisterSignature(certify(t, n, outside, tree), tree), false},
		"another network":     {key(canister, "seed"), signaturetest.CanisterSignature(certify(t, foreign, canister, tree), tree), false},
		"another tree":        {key(canister, "seed"), signaturetest.CanisterSignature(good, signaturetest.SignatureTree(t, "seed", []byte("x"))), false},
		"a value in the leaf": {key(canister, "seed"), signaturetest.CanisterSignature(certify(t, n, canister, notEmpty), notEmpty), false},
		"pruned":              {key(canister, "seed"), signaturetest.CanisterSignature(good, tree.Prune([][]byte{[]byte("sig"), {1}})), false},
		"without the tag":     {key(canister, "seed"), sig[3:], false},
		"a plain signature":   {key(canister, "seed"), make([]byte, 64), false},
	} {
		if err := signature.NewVerifier(n.RootKey).Verify(c.der, payload, c.sig); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhichSubnetsMaySign: a delegation must name the subnet's type, and cloud engines may
// not sign.
func TestWhichSubnetsMaySign(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		layout certtest.Layout
		kind   string
		ok     bool
	}{
		{certtest.Sharded, "system", true},
		{certtest.Flat, "verified_application", true},
		{certtest.Root, "", true},
		{certtest.Sharded, "cloud_engine", false},
		{certtest.Flat, "", false},
	} {
		n := newNetwork(t, c.layout, c.kind)
		s := newCanister(t, n, "seed")
		if err := signature.NewVerifier(n.RootKey).Verify(s.der, payload, s.sign(payload)); (err == nil) != c.ok {
			t.Errorf("%v, type %q: %v", c.layout, c.kind, err)
		}
	}
}

func signedPath(seed string, payload []byte) [][]byte {
	by, what := sha256.Sum256([]byte(seed)), sha256.Sum256(payload)
	return [][]byte{[]byte("sig"), by[:], what[:]}
}

func TestSigningCanister(t *testing.T) {
	t.Parallel()
	if id, ok := signature.SigningCanister(signaturetest.CanisterKey(t, canister, "s")); !ok || id != canister {
		t.Errorf("%s, %v", id, ok)
	}
	for _, s := range []signer{newEd25519(t), of(signaturetest.NewES256(t)), {}} {
		if id, ok := signature.SigningCanister(s.der); ok {
			t.Errorf("%x is a key of canister %s", s.der, id)
		}
	}
}

// FuzzWebAuthn: whatever an assertion holds, it does not pass for a payload that was not
// signed.
func FuzzWebAuthn(f *testing.F) {
	for _, a := range []*signaturetest.Authenticator{signaturetest.NewES256(f), signaturetest.NewRS256(f), signaturetest.NewEdDSA(f)} {
		f.Add(a.COSE, a.Sign([]byte("another payload")))
	}
	cose := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 56387, 1, 1}
	f.Fuzz(func(t *testing.T, key, sig []byte) {
		err := signature.NewVerifier(nil).Verify(signaturetest.Wrap(t, cose, key), payload, sig)
		if !errors.Is(err, signature.ErrKey) && !errors.Is(err, signature.ErrSignature) {
			t.Errorf("%v", err)
		}
	})
}

// FuzzCanister: as FuzzWebAuthn, for signatures of canisters.
func FuzzCanister(f *testing.F) {
	n := newNetwork(f, certtest.Sharded, "application")
	s := newCanister(f, n, "seed")
	f.Add(s.der, s.sign([]byte("another payload")))
	f.Add(s.der, s.sign(nil))
	v := signature.NewVerifier(n.RootKey)
	f.Fuzz(func(t *testing.T, der, sig []byte) {
		err := v.Verify(der, payload, sig)
		if !errors.Is(err, signature.ErrKey) && !errors.Is(err, signature.ErrSignature) {
			t.Errorf("%v", err)
		}
		signature.SigningCanister(der)
	})
}
