package state_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/state"
	"assay/ic/replica/threshold"
)

var (
	ecdsaKey = managementapi.EcdsaKeyId{Curve: managementapi.EcdsaCurve{Secp256k1: true}, Name: "dfx_test_key"}
	edKey    = managementapi.SchnorrKeyId{Algorithm: managementapi.SchnorrAlgorithm{Ed25519: true}, Name: "test_key_1"}
	bipKey   = managementapi.SchnorrKeyId{Algorithm: managementapi.SchnorrAlgorithm{Bip340secp256k1: true}, Name: "key_1"}
	vetKey   = managementapi.VetkdKeyId{Curve: managementapi.VetkdCurve{Bls12381G2: true}, Name: "key_1"}
)

func TestSignatures(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	path := [][]byte{[]byte("path")}
	const fee, dear = 10_000_000_000, 26_153_846_153
	schnorr := func(message []byte, key managementapi.SchnorrKeyId, aux *managementapi.SchnorrAux) []byte {
		return must(managementapi.EncodeSignWithSchnorrArgs(managementapi.SignWithSchnorrArg{Message: message, DerivationPath: path, KeyId: key, Aux: aux}))
	}
	key := must(managementapi.DecodeSchnorrPublicKeyResults(n.allowed(b, "schnorr_public_key",
		must(managementapi.EncodeSchnorrPublicKeyArgs(managementapi.SchnorrPublicKeyArg{CanisterId: &a, DerivationPath: path, KeyId: edKey})), 0)))
	got := n.via(a, "sign_with_schnorr", schnorr([]byte("message"), edKey, nil), fee+5)
	if got.code != 0 || got.refunded != 5 {
		t.Fatalf("sign: %+v", got)
	}
	if !ed25519.Verify(key.PublicKey, []byte("message"), must(managementapi.DecodeSignWithSchnorrResults(got.reply)).Signature) {
		t.Error("the signature does not verify with the key that another canister got")
	}
	ecdsa := func(hash []byte, key managementapi.EcdsaKeyId) []byte {
		return must(managementapi.EncodeSignWithEcdsaArgs(managementapi.SignWithEcdsaArg{MessageHash: hash, DerivationPath: path, KeyId: key}))
	}
	signed := must(managementapi.DecodeSignWithEcdsaResults(n.allowed(a, "sign_with_ecdsa", ecdsa(make([]byte, 32), ecdsaKey), fee)))
	if want := must(threshold.New(threshold.DevelopmentSeed).SignECDSA("dfx_test_key", a.Bytes(), path, make([]byte, 32))); !bytes.Equal(signed.Signature, want) {
		t.Errorf("ECDSA signature %x, want %x", signed.Signature, want)
	}
	unknown := ecdsaKey
	unknown.Name = "secret"
	root := &managementapi.SchnorrAux{Bip341: &managementapi.SchnorrAuxBip341{}}
	long := must(managementapi.EncodeEcdsaPublicKeyArgs(managementapi.EcdsaPublicKeyArg{DerivationPath: make([][]byte, 256), KeyId: ecdsaKey}))
	for name, row := range map[string]struct {
		method   string
		arg      []byte
		attached uint64
	}{
		"too few cycles":       {"sign_with_ecdsa", ecdsa(make([]byte, 32), ecdsaKey), fee - 1},
		"a short hash":         {"sign_with_ecdsa", ecdsa(make([]byte, 31), ecdsaKey), fee},
		"an unknown key":       {"sign_with_ecdsa", ecdsa(make([]byte, 32), unknown), fee},
		"a root for ed25519":   {"sign_with_schnorr", schnorr(nil, edKey, root), fee},
		"a key of mainnet":     {"sign_with_schnorr", schnorr(nil, bipKey, nil), fee},
		"a path of 256 parts":  {"ecdsa_public_key", long, 0},
		"not Candid":           {"schnorr_public_key", []byte("x"), 1},
		"a bad transport key":  {"vetkd_derive_key", must(managementapi.EncodeVetkdDeriveKeyArgs(managementapi.VetkdDeriveKeyArg{TransportPublicKey: make([]byte, 48), KeyId: vetKey})), dear},
		"a user's vetkd":       {"vetkd_public_key", must(managementapi.EncodeVetkdPublicKeyArgs(managementapi.VetkdPublicKeyArg{CanisterId: &user, KeyId: vetKey})), 0},
		"a root of wrong size": {"sign_with_schnorr", schnorr(nil, bipKey, &managementapi.SchnorrAux{Bip341: &managementapi.SchnorrAuxBip341{MerkleRootHash: []byte{1}}}), dear},
	} {
		if got := n.via(a, row.method, row.arg, row.attached); got.code != 4 || got.refunded != row.attached {
			t.Errorf("%s: %+v, want code 4 and %d cycles back", name, got, row.attached)
		}
	}
	n.allowed(a, "sign_with_schnorr", schnorr(nil, bipKey, root), dear)
	n.balanced()
}

func TestVetKeys(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	n.config.KeySeed = []byte("another seed")
	n.m = state.New(n.config)
	a := n.actor()
	_, _, g1, _ := bls.Generators()
	transport := g1.Bytes()
	public := must(managementapi.DecodeVetkdPublicKeyResults(n.allowed(a, "vetkd_public_key",
		must(managementapi.EncodeVetkdPublicKeyArgs(managementapi.VetkdPublicKeyArg{Context: []byte("c"), KeyId: vetKey})), 0)))
	if want := must(threshold.New([]byte("another seed")).VetPublicKey("key_1", a.Bytes(), []byte("c"))); !bytes.Equal(public.PublicKey, want) {
		t.Errorf("public key %x, want %x", public.PublicKey, want)
	}
	derived := n.via(a, "vetkd_derive_key", must(managementapi.EncodeVetkdDeriveKeyArgs(managementapi.VetkdDeriveKeyArg{
		Input: []byte("i"), Context: []byte("c"), TransportPublicKey: transport[:], KeyId: vetKey,
	})), 30e9)
	if derived.code != 0 || derived.refunded != 30e9-26_153_846_153 || len(must(managementapi.DecodeVetkdDeriveKeyResults(derived.reply)).EncryptedKey) != 192 {
		t.Errorf("derived: %+v", derived)
	}
	for _, method := range []string{"ecdsa_public_key", "sign_with_ecdsa", "schnorr_public_key", "sign_with_schnorr", "vetkd_public_key", "vetkd_derive_key"} {
		_, rej := n.manage(principal.Canister(0), method, nil)
		n.refused(rej, "IC0406")
	}
	n.balanced()
}
