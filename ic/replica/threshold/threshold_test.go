package threshold

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/secp256k1"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/ecdsa"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fp"
)

var (
	keys = New(DevelopmentSeed)
	one  = []byte{0, 0, 0, 0, 0, 0, 0, 1, 1, 1}
	two  = []byte{0, 0, 0, 0, 0, 0, 0, 2, 1, 1}
	path = [][]byte{{0, 0, 0, 7}, {}, []byte("a longer part of a path")}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func unhex(s string) []byte { return must(hex.DecodeString(s)) }

// point decompresses a point of secp256k1.
func point(t *testing.T, b []byte) *secp256k1.G1Affine {
	t.Helper()
	var p secp256k1.G1Affine
	p.X.SetBytes(b[1:])
	var y fp.Element
	y.Square(&p.X).Mul(&y, &p.X).Add(&y, new(fp.Element).SetUint64(7))
	if p.Y.Sqrt(&y) == nil {
		t.Fatalf("%x is not on the curve", b)
	}
	if raw := p.Y.Bytes(); raw[31]&1 != b[0]&1 {
		p.Y.Neg(&p.Y)
	}
	return &p
}

// TestBIP32 derives a child of a public key by test vector 2 of BIP32.
func TestBIP32(t *testing.T) {
	t.Parallel()
	public := unhex("03cbcaa9c98c877a26977d00825c956a238e8dddfbd322cce4f74b0b5bd6ace4a7")
	chain := unhex("60499f801b896d83179a4374aeb7822aaeaceaa0db1f85ee3e904c4defbd9689")
	tweak, next := childTweak(public, chain, []byte{0, 0, 0, 0})
	child := new(secp256k1.G1Affine).ScalarMultiplicationBase(tweak)
	child.Add(child, point(t, public))
	if want := unhex("02fc9e5af0ac8d9b3cecfe2a888e2117ba3d089d8585886c9c826b6b22a98d12ea"); !bytes.Equal(compressed(child), want) {
		t.Errorf("child %x, want %x", compressed(child), want)
	}
	if want := unhex("f0909affaa7ee7abe5dd4e100598d4dc53cd709d5a5c2cac40e7412f232f7c9c"); !bytes.Equal(next, want) {
		t.Errorf("chain code %x, want %x", next, want)
	}
}

func TestECDSA(t *testing.T) {
	t.Parallel()
	hash := bytes.Repeat([]byte{0xab}, 32)
	for _, name := range KeyNames {
		public := must(keys.ECDSAPublicKey(name, one, path))
		signature := must(keys.SignECDSA(name, one, path, hash))
		verify := func(signature, key []byte) bool {
			return must((&ecdsa.PublicKey{A: *point(t, key)}).Verify(signature, hash, nil))
		}
		if !verify(signature, public.Key) || len(public.ChainCode) != 32 {
			t.Errorf("%s: the signature does not verify", name)
		}
		if half := new(big.Int).Rsh(secpOrder, 1); new(big.Int).SetBytes(signature[32:]).Cmp(half) > 0 {
			t.Errorf("%s: s is in the upper half", name)
		}
		for _, wrong := range []PublicKey{
			must(keys.ECDSAPublicKey(name, two, path)), must(keys.ECDSAPublicKey(name, one, path[1:])), must(New([]byte("other")).ECDSAPublicKey(name, one, path)),
			must(keys.BIP340PublicKey(name, one, path)),
		} {
			if verify(signature, wrong.Key) {
				t.Errorf("%s: the signature verifies with another key", name)
			}
		}
	}
	if _, err := keys.SignECDSA("key_1", one, nil, hash[1:]); !errors.Is(err, ErrBadHash) {
		t.Errorf("a short hash: %v", err)
	}
	if _, err := keys.SignECDSA("key_2", one, nil, hash); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("an unknown key: %v", err)
	}
}

// verifyBIP340 is the verification of BIP340.
func verifyBIP340(t *testing.T, x, message, signature []byte) bool {
	t.Helper()
	e := new(big.Int).SetBytes(tagged("BIP0340/challenge", signature[:32], x, message))
	e.Mod(e, secpOrder)
	r := new(secp256k1.G1Affine).ScalarMultiplicationBase(new(big.Int).SetBytes(signature[32:]))
	r.Sub(r, new(secp256k1.G1Affine).ScalarMultiplication(point(t, append([]byte{2}, x...)), e))
	c := compressed(r)
	return c[0] == 2 && bytes.Equal(c[1:], signature[:32])
}

func TestBIP340(t *testing.T) {
	t.Parallel()
	want := unhex("e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0")
	if got := signBIP340(big.NewInt(3), make([]byte, 32)); !bytes.Equal(got, want) {
		t.Errorf("vector 0 of BIP340: %x, want %x", got, want)
	}
	for n, message := range [][]byte{nil, []byte("short"), bytes.Repeat([]byte("long"), 1000)} {
		public := must(keys.BIP340PublicKey("test_key_1", one, path[:n])).Key
		signature := must(keys.SignBIP340("test_key_1", one, path[:n], message, nil))
		if !verifyBIP340(t, public[1:], message, signature) {
			t.Errorf("message %d does not verify", n)
		}
		for _, root := range [][]byte{{}, bytes.Repeat([]byte{9}, 32)} {
			tweak := new(big.Int).SetBytes(tagged("TapTweak", public[1:], root))
			output := new(secp256k1.G1Affine).ScalarMultiplicationBase(tweak)
			output.Add(output, point(t, append([]byte{2}, public[1:]...)))
			signature := must(keys.SignBIP340("test_key_1", one, path[:n], message, &root))
			if !verifyBIP340(t, compressed(output)[1:], message, signature) {
				t.Errorf("message %d with a root of %d bytes does not verify", n, len(root))
			}
			if verifyBIP340(t, public[1:], message, signature) {
				t.Error("the tweak does nothing")
			}
		}
	}
	if _, err := keys.SignBIP340("key_1", one, nil, nil, &[]byte{1}); !errors.Is(err, ErrBadAux) {
		t.Errorf("a root of one byte: %v", err)
	}
}

func TestEd25519(t *testing.T) {
	t.Parallel()
	for n, message := range [][]byte{nil, []byte("short"), bytes.Repeat([]byte("long"), 1000)} {
		public := must(keys.Ed25519PublicKey("dfx_test_key", one, path[:n]))
		signature := must(keys.SignEd25519("dfx_test_key", one, path[:n], message))
		if !ed25519.Verify(public.Key, message, signature) || len(public.ChainCode) != 32 {
			t.Errorf("message %d does not verify", n)
		}
		if wrong := must(keys.Ed25519PublicKey("dfx_test_key", two, path[:n])); ed25519.Verify(wrong.Key, message, signature) {
			t.Error("verifies with another canister's key")
		}
	}
	if got, want := edMul(big.NewInt(1)).encode(), unhex("5866666666666666666666666666666666666666666666666666666666666666"); !bytes.Equal(got, want) {
		t.Errorf("base point %x, want %x", got, want)
	}
}

func TestVetKD(t *testing.T) {
	t.Parallel()
	_, _, g1, g2 := bls.Generators()
	secret := big.NewInt(1_000_003)
	transport := new(bls.G1Affine).ScalarMultiplication(&g1, secret)
	tpk := transport.Bytes()
	input := []byte("an input")
	for _, context := range [][]byte{nil, []byte("a context")} {
		public := must(keys.VetPublicKey("key_1", one, context))
		encrypted := must(keys.DeriveVetKey("key_1", one, context, input, tpk[:]))
		var dpk bls.G2Affine
		must(dpk.SetBytes(public))
		var e1, e3 bls.G1Affine
		var e2 bls.G2Affine
		must(e1.SetBytes(encrypted[:48]))
		must(e2.SetBytes(encrypted[48:144]))
		must(e3.SetBytes(encrypted[144:]))
		if !must(bls.PairingCheck([]bls.G1Affine{e1, *new(bls.G1Affine).Neg(&g1)}, []bls.G2Affine{g2, e2})) {
			t.Error("E1 and E2 do not fit")
		}
		key := new(bls.G1Affine).ScalarMultiplication(&e1, secret)
		key.Sub(&e3, key)
		hashed := must(bls.HashToG1(append(append([]byte{}, public...), input...), []byte(vetInputDomain)))
		verify := func(dpk bls.G2Affine) bool {
			return must(bls.PairingCheck([]bls.G1Affine{*key, *new(bls.G1Affine).Neg(&hashed)}, []bls.G2Affine{g2, dpk}))
		}
		if !verify(dpk) {
			t.Error("the vetKey does not verify")
		}
		var wrong bls.G2Affine
		must(wrong.SetBytes(must(keys.VetPublicKey("key_1", two, context))))
		if verify(wrong) {
			t.Error("the vetKey verifies with another canister's key")
		}
	}
	for _, bad := range [][]byte{nil, tpk[1:], bytes.Repeat([]byte{0xff}, 48), append(tpk[:], 0), unhex("c0" + string(bytes.Repeat([]byte("00"), 47)))} {
		if _, err := keys.DeriveVetKey("key_1", one, nil, input, bad); !errors.Is(err, ErrBadTransport) {
			t.Errorf("transport key %x: %v", bad, err)
		}
	}
}

// The same question has the same answer, so that a replay gives the same state.
func TestSameAnswers(t *testing.T) {
	t.Parallel()
	hash := make([]byte, 32)
	again := New(DevelopmentSeed)
	if !bytes.Equal(must(keys.SignECDSA("key_1", one, path, hash)), must(again.SignECDSA("key_1", one, path, hash))) ||
		!bytes.Equal(must(keys.SignEd25519("key_1", one, path, hash)), must(again.SignEd25519("key_1", one, path, hash))) {
		t.Error("signatures differ")
	}
}

func BenchmarkSign(b *testing.B) {
	hash := make([]byte, 32)
	b.Run("ecdsa", func(b *testing.B) {
		for b.Loop() {
			must(keys.SignECDSA("key_1", one, path, hash))
		}
	})
	b.Run("ed25519", func(b *testing.B) {
		for b.Loop() {
			must(keys.SignEd25519("key_1", one, path, hash))
		}
	})
	b.Run("vetkd", func(b *testing.B) {
		_, _, g1, _ := bls.Generators()
		tpk := g1.Bytes()
		for b.Loop() {
			must(keys.DeriveVetKey("key_1", one, hash, hash, tpk[:]))
		}
	})
}
