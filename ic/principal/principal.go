// Package principal holds the Internet Computer's names for users and canisters.
//
// A principal is an opaque blob of at most 29 bytes with a textual form: base32 of
// CRC-32 and bytes, in groups of five. It is a comparable value, so it can be a map
// key; the zero value is the management canister, aaaaa-aa. Everything in the
// project that names somebody uses this type.
package principal

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// MaxLen is the longest principal in bytes.
const MaxLen = 29

// Principal is one name. Values are compared with ==.
type Principal struct {
	n uint8
	b [MaxLen]byte
}

// ErrTooLong is returned for a blob of more than [MaxLen] bytes.
var ErrTooLong = errors.New("principal longer than 29 bytes")

var (
	// Management is the management canister, aaaaa-aa: the empty blob.
	Management = Principal{}
	// Anonymous is the sender of unsigned requests, 2vxsx-fae.
	Anonymous = Principal{n: 1, b: [MaxLen]byte{4}}
)

// FromBytes copies b into a principal.
func FromBytes(b []byte) (Principal, error) {
	var p Principal
	if len(b) > MaxLen {
		return p, fmt.Errorf("%d bytes: %w", len(b), ErrTooLong)
	}
	p.n = uint8(copy(p.b[:], b))
	return p, nil
}

// SelfAuthenticating is the principal of a DER-encoded public key.
func SelfAuthenticating(der []byte) Principal {
	h := sha256.Sum224(der)
	p := Principal{n: MaxLen}
	copy(p.b[:], h[:])
	p.b[MaxLen-1] = 2
	return p
}

// Canister is the n-th canister id of a network: eight bytes big-endian, then 01 01.
func Canister(n uint64) Principal {
	p := Principal{n: 10}
	binary.BigEndian.PutUint64(p.b[:8], n)
	p.b[8], p.b[9] = 1, 1
	return p
}

// CanisterIndex is the number that [Canister] was given, false for any other principal.
func (p Principal) CanisterIndex() (uint64, bool) {
	if p.n != 10 || p.b[8] != 1 || p.b[9] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint64(p.b[:8]), true
}

// Bytes returns a copy of the raw blob.
func (p Principal) Bytes() []byte { return append([]byte{}, p.b[:p.n]...) }

// IsAnonymous reports whether p is [Anonymous].
func (p Principal) IsAnonymous() bool { return p == Anonymous }

// IsSelfAuthenticating reports whether p has the form of a key's principal.
func (p Principal) IsSelfAuthenticating() bool { return p.n == MaxLen && p.b[MaxLen-1] == 2 }

// Compare orders principals by their bytes, a prefix first.
func (p Principal) Compare(q Principal) int {
	return strings.Compare(string(p.b[:p.n]), string(q.b[:q.n]))
}

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// String is the textual form, such as rwlgt-iiaaa-aaaaa-aaaaa-cai.
func (p Principal) String() string {
	raw := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(p.b[:p.n]))
	s := encoding.EncodeToString(append(raw, p.b[:p.n]...))
	var out strings.Builder
	for i := 0; i < len(s); i += 5 {
		if i > 0 {
			out.WriteByte('-')
		}
		out.WriteString(s[i:min(i+5, len(s))])
	}
	return out.String()
}

// Parse reads the textual form. It accepts exactly what [Principal.String] prints.
func Parse(s string) (Principal, error) {
	if len(s) > 63 {
		return Principal{}, fmt.Errorf("parse principal: %d characters: %w", len(s), ErrTooLong)
	}
	raw, err := encoding.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(raw) < 4 {
		return Principal{}, fmt.Errorf("parse principal %q: not base32 with a checksum", s)
	}
	p, err := FromBytes(raw[4:])
	if err != nil {
		return Principal{}, fmt.Errorf("parse principal %q: %w", s, err)
	}
	if p.String() != s {
		return Principal{}, fmt.Errorf("parse principal %q: wrong checksum or spelling", s)
	}
	return p, nil
}

// MustParse is Parse for constants; it panics on a wrong one.
func MustParse(s string) Principal {
	p, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return p
}

// MarshalText is the textual form, so principals print as text in JSON.
func (p Principal) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the textual form.
func (p *Principal) UnmarshalText(b []byte) (err error) {
	*p, err = Parse(string(b))
	return err
}
