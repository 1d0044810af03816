// Package threshold holds the keys behind the management canister's signatures and key
// derivation: ECDSA and Schnorr on secp256k1, Schnorr on Ed25519, vetKD on BLS12-381.
//
// On the Internet Computer no node knows such a key. Here one process does: all are
// computed from one seed, so they protect nothing and are for development only. What
// they give verifies with the same public key derivation, encodings and signature
// schemes as there. ic/replica/state asks for signatures; the same question always has
// the same answer, so that a replay gives the same state.
package threshold

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"math/big"
	"slices"
)

// KeyNames are the names under which each algorithm has a key.
var KeyNames = []string{"dfx_test_key", "test_key_1", "key_1"}

// DevelopmentSeed is the seed of networks that are given none.
var DevelopmentSeed = []byte("assay development-only threshold keys")

// Errors that say what is wrong with a question.
var (
	ErrUnknownKey   = errors.New("there is no key of this name")
	ErrBadAux       = errors.New("a merkle root is empty or 32 bytes long")
	ErrBadHash      = errors.New("a message hash is 32 bytes long")
	ErrBadTransport = errors.New("the transport key is not a point of the group")
)

// Keys are the master keys of one seed.
type Keys struct{ seed []byte }

// New makes the keys of a seed.
func New(seed []byte) *Keys { return &Keys{slices.Clone(seed)} }

// PublicKey is a derived public key with its chain code.
type PublicKey struct{ Key, ChainCode []byte }

// secret is the master secret of an algorithm and a name, a number from 1 to order-1.
func (k *Keys) secret(algorithm, name string, order *big.Int) (*big.Int, error) {
	if !slices.Contains(KeyNames, name) {
		return nil, ErrUnknownKey
	}
	mac := hmac.New(sha512.New, k.seed)
	mac.Write([]byte("development only/" + algorithm + "/" + name))
	n := new(big.Int).SetBytes(mac.Sum(nil))
	less := new(big.Int).Sub(order, big.NewInt(1))
	return n.Mod(n, less).Add(n, big.NewInt(1)), nil
}

// nonce is a number from 1 to order-1 that nobody can tell who does not know the secret.
func nonce(secret *big.Int, order *big.Int, parts ...[]byte) *big.Int {
	mac := hmac.New(sha512.New, secret.FillBytes(make([]byte, 32)))
	for _, p := range parts {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		mac.Write(p)
	}
	n := new(big.Int).SetBytes(mac.Sum(nil))
	less := new(big.Int).Sub(order, big.NewInt(1))
	return n.Mod(n, less).Add(n, big.NewInt(1))
}

// pathOf is the derivation path of a canister: its id, and then what it asks for.
func pathOf(canister []byte, path [][]byte) [][]byte {
	return append([][]byte{canister}, path...)
}
