package signature

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/secp256k1"
	secp256k1ecdsa "github.com/consensys/gnark-crypto/ecc/secp256k1/ecdsa"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"
)

// A plain public key in DER has one spelling: these bytes, then the key.
var (
	prefixEd25519   = []byte("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00")
	prefixP256      = []byte("\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00")
	prefixSecp256k1 = []byte("\x30\x56\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a\x03\x42\x00")
)

// plain is the check of a key whose signature stands alone, false for other keys.
func plain(der []byte) (check func(payload, signature []byte) error, ok bool) {
	for _, scheme := range []struct {
		prefix []byte
		verify func(key, payload, signature []byte) error
	}{{prefixEd25519, verifyEd25519}, {prefixP256, verifyP256}, {prefixSecp256k1, verifySecp256k1}} {
		if key, found := bytes.CutPrefix(der, scheme.prefix); found {
			return func(payload, signature []byte) error { return scheme.verify(key, payload, signature) }, true
		}
	}
	return nil, false
}

func verifyEd25519(key, payload, signature []byte) error {
	if len(key) != ed25519.PublicKeySize {
		return ErrKey
	}
	if len(signature) != ed25519.SignatureSize || !ed25519.Verify(key, payload, signature) {
		return ErrSignature
	}
	return nil
}

func verifyP256(point, payload, signature []byte) error {
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return ErrKey
	}
	if len(signature) != 64 {
		return ErrSignature
	}
	hash := sha256.Sum256(payload)
	if !ecdsa.Verify(key, hash[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return ErrSignature
	}
	return nil
}

// verifySecp256k1 takes both values of s that are a valid signature. The newest replica
// takes the lower one alone; the interface specification knows no such rule, and ids of
// requests do not depend on signatures.
func verifySecp256k1(point, payload, signature []byte) error {
	var key secp256k1ecdsa.PublicKey
	if len(point) != 65 || point[0] != 4 {
		return ErrKey
	}
	if n, err := key.SetBytes(point[1:]); err != nil || n != 64 || !onCurve(&key.A) {
		return ErrKey
	}
	if len(signature) != 64 {
		return ErrSignature
	}
	signature = lowerS(signature)
	if ok, err := key.Verify(signature, payload, sha256.New()); err != nil || !ok {
		return ErrSignature
	}
	return nil
}

var halfOrder = new(big.Int).Rsh(fr.Modulus(), 1)

// lowerS is the signature with the lower value of s, which is all that the curve's
// package takes. A value beyond the order stays as it is, and is refused.
func lowerS(signature []byte) []byte {
	s := new(big.Int).SetBytes(signature[32:])
	if s.Cmp(halfOrder) <= 0 || s.Cmp(fr.Modulus()) >= 0 {
		return signature
	}
	return append(bytes.Clone(signature[:32]), s.Sub(fr.Modulus(), s).FillBytes(make([]byte, 32))...)
}

func onCurve(p *secp256k1.G1Affine) bool { return !p.IsInfinity() && p.IsOnCurve() }
