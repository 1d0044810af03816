package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"assay/canisters/standins/cycles/cyclesapi"
	"assay/ic/candid"
)

// hashContent is the representation-independent hash of ICRC-3. Blocks hold no negative
// numbers.
func hashContent(c cyclesapi.Content) [32]byte {
	switch {
	case c.Nat != nil:
		return sha256.Sum256(leb128(*c.Nat))
	case c.Nat64 != nil:
		return sha256.Sum256(binary.AppendUvarint(nil, *c.Nat64))
	case c.Blob != nil:
		return sha256.Sum256(*c.Blob)
	case c.Text != nil:
		return sha256.Sum256([]byte(*c.Text))
	case c.Array != nil:
		var all []byte
		for _, part := range *c.Array {
			sum := hashContent(part)
			all = append(all, sum[:]...)
		}
		return sha256.Sum256(all)
	case c.Map != nil:
		return hashMap(*c.Map)
	}
	panic("a block with a negative number")
}

// hashMap hashes names and values, and joins the pairs in the order of their bytes.
func hashMap(entries []cyclesapi.ContentMap) [32]byte {
	pairs := make([][]byte, len(entries))
	for i, e := range entries {
		name, value := sha256.Sum256([]byte(e.F0)), hashContent(e.F1)
		pairs[i] = append(name[:], value[:]...)
	}
	slices.SortFunc(pairs, bytes.Compare)
	return sha256.Sum256(slices.Concat(pairs...))
}

// leb128 is a number of 128 bits in LEB128.
func leb128(n candid.Nat) (out []byte) {
	for {
		low := byte(n.Lo & 0x7f)
		n.Lo, n.Hi = n.Lo>>7|n.Hi<<57, n.Hi>>7
		if n.IsZero() {
			return append(out, low)
		}
		out = append(out, low|0x80)
	}
}
