package door

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"errors"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/secp256k1"
	secp256k1ecdsa "github.com/consensys/gnark-crypto/ecc/secp256k1/ecdsa"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"
)

// A public key in DER has one spelling here: these bytes, then the key.
var (
	prefixEd25519   = []byte("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00")
	prefixP256      = []byte("\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00")
	prefixSecp256k1 = []byte("\x30\x56\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a\x03\x42\x00")
)

var (
	errKey       = errors.New("public key is not Ed25519, ECDSA on P-256 or ECDSA on secp256k1 in DER")
	errSignature = errors.New("signature does not match")
)

// verifySignature checks a signature on a message by a public key in DER.
func verifySignature(der, message, sig []byte) error {
	if key, ok := bytes.CutPrefix(der, prefixEd25519); ok && len(key) == ed25519.PublicKeySize {
		if len(sig) != ed25519.SignatureSize || !ed25519.Verify(key, message, sig) {
			return errSignature
		}
		return nil
	}
	if point, ok := bytes.CutPrefix(der, prefixP256); ok {
		return verifyP256(point, message, sig)
	}
	if point, ok := bytes.CutPrefix(der, prefixSecp256k1); ok {
		return verifySecp256k1(point, message, sig)
	}
	return errKey
}

func verifyP256(point, message, sig []byte) error {
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return errKey
	}
	if len(sig) != 64 {
		return errSignature
	}
	hash := sha256.Sum256(message)
	if !ecdsa.Verify(key, hash[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		return errSignature
	}
	return nil
}

var halfOrder = new(big.Int).Rsh(fr.Modulus(), 1)

// verifySecp256k1 takes, as the Internet Computer does on this curve, only the lower
// of the two values of s that are a valid signature.
func verifySecp256k1(point, message, sig []byte) error {
	var key secp256k1ecdsa.PublicKey
	if len(point) != 65 || point[0] != 4 {
		return errKey
	}
	if n, err := key.SetBytes(point[1:]); err != nil || n != 64 || !onCurve(&key.A) {
		return errKey
	}
	if len(sig) != 64 || new(big.Int).SetBytes(sig[32:]).Cmp(halfOrder) > 0 {
		return errSignature
	}
	if ok, err := key.Verify(sig, message, sha256.New()); err != nil || !ok {
		return errSignature
	}
	return nil
}

func onCurve(p *secp256k1.G1Affine) bool { return !p.IsInfinity() && p.IsOnCurve() }
