package threshold

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/secp256k1"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"
)

var secpOrder = fr.Modulus()

// compressed is the SEC1 form of a point in 33 bytes.
func compressed(p *secp256k1.G1Affine) []byte {
	x, y := p.X.Bytes(), p.Y.Bytes()
	return append([]byte{2 + y[31]&1}, x[:]...)
}

// childTweak is one step of the generalization of BIP32 of ia.cr/2021/1330, appendix D:
// what is added to the key, and the next chain code.
func childTweak(public, chain, index []byte) (tweak *big.Int, next []byte) {
	for input := public; ; {
		mac := hmac.New(sha512.New, chain)
		mac.Write(input)
		mac.Write(index)
		sum := mac.Sum(nil)
		tweak, next = new(big.Int).SetBytes(sum[:32]), sum[32:]
		if tweak.Cmp(secpOrder) < 0 {
			return tweak, next
		}
		input = append([]byte{1}, next...) // happens once in 2^127 steps
	}
}

// secpChild derives a key pair along a path.
func secpChild(secret *big.Int, path [][]byte) (child *big.Int, public *secp256k1.G1Affine, chain []byte) {
	child, chain = new(big.Int).Set(secret), make([]byte, 32)
	public = new(secp256k1.G1Affine).ScalarMultiplicationBase(child)
	for _, index := range path {
		tweak, next := childTweak(compressed(public), chain, index)
		child.Add(child, tweak).Mod(child, secpOrder)
		public.ScalarMultiplicationBase(child)
		chain = next
	}
	return child, public, chain
}

// ECDSAPublicKey is the key of a canister for a path, compressed.
func (k *Keys) ECDSAPublicKey(name string, canister []byte, path [][]byte) (PublicKey, error) {
	return k.secpPublicKey("ecdsa secp256k1", name, canister, path)
}

func (k *Keys) secpPublicKey(algorithm, name string, canister []byte, path [][]byte) (PublicKey, error) {
	secret, err := k.secret(algorithm, name, secpOrder)
	if err != nil {
		return PublicKey{}, err
	}
	_, public, chain := secpChild(secret, pathOf(canister, path))
	return PublicKey{compressed(public), chain}, nil
}

// SignECDSA signs a hash of 32 bytes: r and s, 32 bytes each, s in the lower half.
func (k *Keys) SignECDSA(name string, canister []byte, path [][]byte, hash []byte) ([]byte, error) {
	secret, err := k.secret("ecdsa secp256k1", name, secpOrder)
	switch {
	case err != nil:
		return nil, err
	case len(hash) != sha256.Size:
		return nil, ErrBadHash
	}
	child, _, _ := secpChild(secret, pathOf(canister, path))
	z := new(big.Int).SetBytes(hash)
	for try := byte(0); ; try++ {
		n := nonce(child, secpOrder, []byte("ecdsa"), hash, []byte{try})
		point := new(secp256k1.G1Affine).ScalarMultiplicationBase(n)
		r := point.X.BigInt(new(big.Int))
		r.Mod(r, secpOrder)
		s := new(big.Int).Mul(r, child)
		s.Add(s, z).Mul(s, new(big.Int).ModInverse(n, secpOrder)).Mod(s, secpOrder)
		if r.Sign() == 0 || s.Sign() == 0 {
			continue // never seen
		}
		if high := new(big.Int).Rsh(secpOrder, 1); s.Cmp(high) > 0 {
			s.Sub(secpOrder, s)
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out, nil
	}
}

// tagged is the tagged hash of BIP340.
func tagged(tag string, parts ...[]byte) []byte {
	prefix := sha256.Sum256([]byte(tag))
	h := sha256.New()
	h.Write(prefix[:])
	h.Write(prefix[:])
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// BIP340PublicKey is the key of a canister for a path, compressed with its first byte,
// which verifiers of BIP340 leave out.
func (k *Keys) BIP340PublicKey(name string, canister []byte, path [][]byte) (PublicKey, error) {
	return k.secpPublicKey("schnorr bip340secp256k1", name, canister, path)
}

// SignBIP340 signs a message. With a merkle root, which may be empty, the key is tweaked
// by it as BIP341 does.
func (k *Keys) SignBIP340(name string, canister []byte, path [][]byte, message []byte, merkleRoot *[]byte) ([]byte, error) {
	secret, err := k.secret("schnorr bip340secp256k1", name, secpOrder)
	if err != nil {
		return nil, err
	}
	child, _, _ := secpChild(secret, pathOf(canister, path))
	if merkleRoot != nil {
		if n := len(*merkleRoot); n != 0 && n != 32 {
			return nil, ErrBadAux
		}
		even, x := evenKey(child)
		tweak := new(big.Int).SetBytes(tagged("TapTweak", x, *merkleRoot))
		child = even.Add(even, tweak).Mod(even, secpOrder)
	}
	return signBIP340(child, message), nil
}

// evenKey is the secret whose public key has an even y, and the x of that.
func evenKey(secret *big.Int) (even *big.Int, x []byte) {
	public := new(secp256k1.G1Affine).ScalarMultiplicationBase(secret)
	c := compressed(public)
	even = new(big.Int).Set(secret)
	if c[0] == 3 {
		even.Sub(secpOrder, even)
	}
	return even, c[1:]
}

// signBIP340 is the default signing algorithm of BIP340 with auxiliary bytes of zeros.
func signBIP340(secret *big.Int, message []byte) []byte {
	even, x := evenKey(secret)
	t := even.FillBytes(make([]byte, 32))
	for i, b := range tagged("BIP0340/aux", make([]byte, 32)) {
		t[i] ^= b
	}
	n := new(big.Int).SetBytes(tagged("BIP0340/nonce", t, x, message))
	n, rx := evenKey(n.Mod(n, secpOrder))
	e := new(big.Int).SetBytes(tagged("BIP0340/challenge", rx, x, message))
	s := e.Mod(e, secpOrder).Mul(e, even)
	s.Add(s, n).Mod(s, secpOrder)
	return append(rx[:32:32], s.FillBytes(make([]byte, 32))...)
}
