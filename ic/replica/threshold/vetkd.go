package threshold

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
)

// Domain separators of vetKD.
const (
	vetCanisterDomain = "ic-vetkd-bls12-381-g2-canister-id"
	vetContextDomain  = "ic-vetkd-bls12-381-g2-context"
	vetInputDomain    = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_"
)

// vetKey is a key pair on the way from the master key to a context.
type vetKey struct {
	secret *big.Int
	public bls.G2Affine
}

func newVetKey(secret *big.Int) vetKey {
	k := vetKey{secret: secret}
	k.public.ScalarMultiplicationBase(secret)
	return k
}

func (k vetKey) bytes() []byte {
	b := k.public.Bytes()
	return b[:]
}

// derive adds the hash of the public key and a part of the name to the key.
func (k vetKey) derive(part []byte, domain string) (vetKey, error) {
	public := k.bytes()
	input := binary.BigEndian.AppendUint64(nil, uint64(len(public)))
	input = append(input, public...)
	input = binary.BigEndian.AppendUint64(input, uint64(len(part)))
	input = append(input, part...)
	offset, err := fr.Hash(input, []byte(domain), 1)
	if err != nil {
		return k, fmt.Errorf("hash to a scalar: %w", err)
	}
	sum := offset[0].BigInt(new(big.Int))
	sum.Add(sum, k.secret).Mod(sum, fr.Modulus())
	return newVetKey(sum), nil
}

// vetKeyOf is the key of a canister, or of a context of it where that is not empty.
func (k *Keys) vetKeyOf(name string, canister, context []byte) (vetKey, error) {
	secret, err := k.secret("vetkd bls12_381_g2", name, fr.Modulus())
	if err != nil {
		return vetKey{}, err
	}
	key, err := newVetKey(secret).derive(canister, vetCanisterDomain)
	if err != nil || len(context) == 0 {
		return key, err
	}
	return key.derive(context, vetContextDomain)
}

// VetPublicKey is what vetKeys of a canister and a context are verified with.
func (k *Keys) VetPublicKey(name string, canister, context []byte) ([]byte, error) {
	key, err := k.vetKeyOf(name, canister, context)
	if err != nil {
		return nil, err
	}
	return key.bytes(), nil
}

// DeriveVetKey makes the vetKey of an input, encrypted to a transport key.
func (k *Keys) DeriveVetKey(name string, canister, context, input, transport []byte) ([]byte, error) {
	key, err := k.vetKeyOf(name, canister, context)
	if err != nil {
		return nil, err
	}
	var to bls.G1Affine
	if n, err := to.SetBytes(transport); err != nil || n != len(transport) || n != bls.SizeOfG1AffineCompressed || to.IsInfinity() {
		return nil, ErrBadTransport
	}
	point, err := bls.HashToG1(slices.Concat(key.bytes(), input), []byte(vetInputDomain))
	if err != nil {
		return nil, fmt.Errorf("hash to the curve: %w", err)
	}
	point.ScalarMultiplication(&point, key.secret)
	r := nonce(key.secret, fr.Modulus(), []byte("vetkd"), canister, context, input, transport)
	var e1, e3 bls.G1Affine
	var e2 bls.G2Affine
	e1.ScalarMultiplicationBase(r)
	e2.ScalarMultiplicationBase(r)
	e3.ScalarMultiplication(&to, r)
	e3.Add(&e3, &point)
	b1, b2, b3 := e1.Bytes(), e2.Bytes(), e3.Bytes()
	return slices.Concat(b1[:], b2[:], b3[:]), nil
}
