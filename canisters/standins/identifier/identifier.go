// Package identifier makes the ICP ledger's account identifiers: 32 bytes, of which the
// first four are the CRC-32 of the others, the SHA-224 of an owner and a subaccount. The
// stand-ins of the ICP ledger and of the cycles minting canister name accounts with it.
package identifier

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"assay/ic/principal"
)

// Len is the length of an identifier.
const Len = 32

// ID is an account identifier.
type ID [Len]byte

// Of is the identifier of an owner's subaccount.
func Of(owner principal.Principal, sub [32]byte) (id ID) {
	b := append([]byte("\x0aaccount-id"), owner.Bytes()...)
	sum := sha256.Sum224(append(b, sub[:]...))
	binary.BigEndian.PutUint32(id[:], crc32.ChecksumIEEE(sum[:]))
	copy(id[4:], sum[:])
	return id
}

// Subaccount is the subaccount that stands for a principal with a service that keeps one
// for each of its customers.
func Subaccount(p principal.Principal) (sub [32]byte) {
	b := p.Bytes()
	sub[0] = byte(len(b))
	copy(sub[1:], b)
	return sub
}

// Parse checks an identifier's length and checksum.
func Parse(b []byte) (ID, error) {
	if len(b) != Len {
		return ID{}, fmt.Errorf("an account identifier has %d bytes, not %d", Len, len(b))
	}
	if binary.BigEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) {
		return ID{}, fmt.Errorf("account identifier %x: its checksum does not fit", b)
	}
	return ID(b), nil
}
