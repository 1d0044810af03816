package threshold

import (
	"crypto/hkdf"
	"crypto/sha512"
	"math/big"
	"slices"
	"sync"
)

// The curve of Ed25519, by RFC 8032, section 5.1. Nothing here is made to be fast or to
// hide secrets: the keys are for development.
var (
	edPrime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	edOrder = decimal("7237005577332262213973186563042994240857116359379907606001950938285454250989")
	edD     = decimal("37095705934669439343138083508754565189542113879843219016388785533085940283555")
	edBase  = edPoint{
		decimal("15112221349535400772501151409588531511454012693041857206046113283949847762202"),
		decimal("46316835694926478169428394003475163141307993866256225615783033603165251855960"), big.NewInt(1),
	}
)

func decimal(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic("threshold: " + s) // a constant
	}
	return n
}

// edPoint is a point in projective coordinates, (X/Z, Y/Z).
type edPoint struct{ x, y, z *big.Int }

func mulEd(a, b *big.Int) *big.Int {
	p := new(big.Int).Mul(a, b)
	return p.Mod(p, edPrime)
}

// add is the sum of two points, complete for all pairs.
func (p edPoint) add(q edPoint) edPoint {
	a := mulEd(p.z, q.z)
	b := mulEd(a, a)
	c, d := mulEd(p.x, q.x), mulEd(p.y, q.y)
	e := mulEd(edD, mulEd(c, d))
	f, g := new(big.Int).Sub(b, e), new(big.Int).Add(b, e)
	cross := mulEd(new(big.Int).Add(p.x, p.y), new(big.Int).Add(q.x, q.y))
	cross.Sub(cross, c).Sub(cross, d)
	return edPoint{mulEd(mulEd(a, f), cross), mulEd(mulEd(a, g), new(big.Int).Add(d, c)), mulEd(f, g)}
}

// edTable has the multiples 1 to 15 of the base point times each power of 16.
var edTable = sync.OnceValue(func() (table [64][15]edPoint) {
	power := edBase
	for i := range table {
		table[i][0] = power
		for j := 1; j < 15; j++ {
			table[i][j] = table[i][j-1].add(power)
		}
		power = table[i][14].add(power)
	}
	return table
})

// edMul is the base point times n, which is below 2^256.
func edMul(n *big.Int) edPoint {
	table := edTable()
	sum := edPoint{new(big.Int), big.NewInt(1), big.NewInt(1)}
	for i, b := range n.FillBytes(make([]byte, 32)) {
		for _, digit := range []struct {
			at    int
			value byte
		}{{63 - 2*i, b >> 4}, {62 - 2*i, b & 15}} {
			if digit.value != 0 {
				sum = sum.add(table[digit.at][digit.value-1])
			}
		}
	}
	return sum
}

// encode is the compressed form in 32 bytes.
func (p edPoint) encode() []byte {
	inverse := new(big.Int).ModInverse(p.z, edPrime)
	x, y := mulEd(p.x, inverse), mulEd(p.y, inverse)
	out := y.FillBytes(make([]byte, 32))
	slices.Reverse(out)
	out[31] |= byte(x.Bit(0)) << 7
	return out
}

// little is a number below the order in 32 bytes, the lowest first.
func little(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

func fromLittle(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// edChild derives a key pair along a path by the Ed25519 hierarchical key derivation of
// the interface specification.
func edChild(secret *big.Int, path [][]byte) (child *big.Int, public, chain []byte, err error) {
	child, chain = new(big.Int).Set(secret), make([]byte, 32)
	public = edMul(child).encode()
	for _, index := range path {
		okm, err := hkdf.Key(sha512.New, slices.Concat(public, index), chain, "Ed25519", 96)
		if err != nil {
			return nil, nil, nil, err
		}
		tweak := new(big.Int).SetBytes(okm[:64])
		child.Add(child, tweak).Mod(child, edOrder)
		public, chain = edMul(child).encode(), okm[64:]
	}
	return child, public, chain, nil
}

const edAlgorithm = "schnorr ed25519"

// Ed25519PublicKey is the key of a canister for a path.
func (k *Keys) Ed25519PublicKey(name string, canister []byte, path [][]byte) (PublicKey, error) {
	secret, err := k.secret(edAlgorithm, name, edOrder)
	if err != nil {
		return PublicKey{}, err
	}
	_, public, chain, err := edChild(secret, pathOf(canister, path))
	return PublicKey{public, chain}, err
}

// SignEd25519 signs a message.
func (k *Keys) SignEd25519(name string, canister []byte, path [][]byte, message []byte) ([]byte, error) {
	secret, err := k.secret(edAlgorithm, name, edOrder)
	if err != nil {
		return nil, err
	}
	child, public, _, err := edChild(secret, pathOf(canister, path))
	if err != nil {
		return nil, err
	}
	n := nonce(child, edOrder, []byte("ed25519"), message)
	r := edMul(n).encode()
	sum := sha512.Sum512(slices.Concat(r, public, message))
	e := fromLittle(sum[:])
	s := e.Mod(e, edOrder).Mul(e, child)
	s.Add(s, n).Mod(s, edOrder)
	return append(r, little(s)...), nil
}
