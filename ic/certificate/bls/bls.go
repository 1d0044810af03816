// Package bls signs and checks with BLS on the curve BLS12-381, the signatures of
// Internet Computer certificates: signatures in G1 (48 bytes), keys in G2 (96 bytes),
// hash to curve by the suite BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_.
//
// Package certificate checks with it, the embedded network also signs with it. Real
// networks hold their keys in shares; here a key is one secret number, good for local
// networks alone. What is signed, and which key counts, is left to the callers.
package bls

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
)

// Lengths in bytes of the encoded forms.
const (
	SecretLen    = 32  // big-endian scalar
	PublicLen    = 96  // compressed point of G2
	DERLen       = 133 // public key in its DER wrapping
	SignatureLen = 48  // compressed point of G1
)

const suite = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"

// derPrefix names the scheme and the curve (OIDs 1.3.6.1.4.1.44668.5.3.1.2.1 and
// 1.3.6.1.4.1.44668.5.3.2.1) and announces a bit string of 96 bytes.
var derPrefix = []byte{
	0x30, 0x81, 0x82, 0x30, 0x1d, 0x06, 0x0d, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xdc, 0x7c, 0x05, 0x03, 0x01, 0x02, 0x01,
	0x06, 0x0c, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xdc, 0x7c, 0x05, 0x03, 0x02, 0x01, 0x03, 0x61, 0x00,
}

// ErrSignature is returned for a signature that the key did not make.
var ErrSignature = errors.New("wrong BLS signature")

// KeyError says why bytes are not a key.
type KeyError struct{ Reason string }

// Error gives the reason.
func (e *KeyError) Error() string { return "BLS key: " + e.Reason }

// PublicKey is a point of G2 that is known to lie in the right subgroup and not to be
// its zero.
type PublicKey struct{ point bls12381.G2Affine }

// ParsePublicKey reads the 96 bytes of a compressed point.
func ParsePublicKey(b []byte) (PublicKey, error) {
	var p PublicKey
	if len(b) != PublicLen {
		return p, &KeyError{fmt.Sprintf("%d bytes, want %d", len(b), PublicLen)}
	}
	if _, err := p.point.SetBytes(b); err != nil {
		return p, &KeyError{err.Error()}
	}
	if p.point.IsInfinity() {
		return p, &KeyError{"point at infinity"}
	}
	if !bytes.Equal(p.Bytes(), b) {
		return p, &KeyError{"not the canonical spelling"}
	}
	return p, nil
}

// ParseDER reads a public key in the DER wrapping that networks publish.
func ParseDER(der []byte) (PublicKey, error) {
	raw, found := bytes.CutPrefix(der, derPrefix)
	if !found {
		return PublicKey{}, &KeyError{"wrong DER prefix"}
	}
	return ParsePublicKey(raw)
}

// Bytes is the compressed point, 96 bytes.
func (p PublicKey) Bytes() []byte {
	b := p.point.Bytes()
	return b[:]
}

// DER is the public key in its DER wrapping, 133 bytes.
func (p PublicKey) DER() []byte { return append(bytes.Clone(derPrefix), p.Bytes()...) }

// Verify returns nil if the signature is this key's for the message, else an error
// that is [ErrSignature].
func (p PublicKey) Verify(message, signature []byte) error {
	if len(signature) != SignatureLen {
		return fmt.Errorf("%d bytes, want %d: %w", len(signature), SignatureLen, ErrSignature)
	}
	var s bls12381.G1Affine
	if _, err := s.SetBytes(signature); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if s.IsInfinity() || p.point.IsInfinity() {
		return fmt.Errorf("point at infinity: %w", ErrSignature)
	}
	h, err := bls12381.HashToG1(message, []byte(suite))
	if err != nil {
		return fmt.Errorf("hash to curve: %w", err)
	}
	_, _, _, g2 := bls12381.Generators()
	g2.Neg(&g2)
	ok, err := bls12381.PairingCheck([]bls12381.G1Affine{s, h}, []bls12381.G2Affine{g2, p.point})
	if err != nil {
		return fmt.Errorf("pairing: %w", err)
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

// SecretKey signs for one public key.
type SecretKey struct {
	scalar *big.Int
	public PublicKey
}

// GenerateKey draws a key from a random source, crypto/rand's when it is nil.
func GenerateKey(random io.Reader) (SecretKey, error) {
	if random == nil {
		random = rand.Reader
	}
	for {
		var b [SecretLen]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return SecretKey{}, fmt.Errorf("generate BLS key: %w", err)
		}
		b[0] &= 0x7f // the order has 255 bits; draw again above it
		if key, err := ParseSecretKey(b[:]); err == nil {
			return key, nil
		}
	}
}

// ParseSecretKey reads what [SecretKey.Bytes] returns.
func ParseSecretKey(b []byte) (SecretKey, error) {
	if len(b) != SecretLen {
		return SecretKey{}, &KeyError{fmt.Sprintf("secret of %d bytes, want %d", len(b), SecretLen)}
	}
	x := new(big.Int).SetBytes(b)
	if x.Sign() == 0 || x.Cmp(fr.Modulus()) >= 0 {
		return SecretKey{}, &KeyError{"secret out of range"}
	}
	key := SecretKey{scalar: x}
	key.public.point.ScalarMultiplicationBase(x)
	return key, nil
}

// Bytes is the secret scalar, 32 bytes big-endian.
func (k SecretKey) Bytes() []byte { return k.scalar.FillBytes(make([]byte, SecretLen)) }

// Public is the key that checks what k signs.
func (k SecretKey) Public() PublicKey { return k.public }

// Sign signs a message; the signature has 48 bytes and is the same every time.
func (k SecretKey) Sign(message []byte) ([]byte, error) {
	h, err := bls12381.HashToG1(message, []byte(suite))
	if err != nil {
		return nil, fmt.Errorf("hash to curve: %w", err)
	}
	h.ScalarMultiplication(&h, k.scalar)
	b := h.Bytes()
	return b[:], nil
}
