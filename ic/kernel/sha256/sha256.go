// Package sha256 is SHA-256 for code that also runs in canisters: everything that a
// canister hashes, the certified tree and the commitments above all, goes through it.
//
// In a canister it is a kernel, block_gen.wat, which the linker merges: 67 instructions a
// byte by the network's weights, where Go's own takes 252. Elsewhere it is the standard
// library's, its twin of the same bits. Code that never runs in a canister has no need of
// this package.
package sha256

//go:generate go run ./blockgen

// Size is the length of a digest in bytes.
const Size = 32
