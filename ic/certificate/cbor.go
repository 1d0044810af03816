package certificate

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// MaxBytes is the longest certificate that is read.
const MaxBytes = 4 << 20

// DecodeError says why bytes are not a certificate, or not one of its parts.
type DecodeError struct {
	Part string // "certificate", "delegation", "canister ranges", "nat"
	Err  error
}

// Error names the part and the cause.
func (e *DecodeError) Error() string { return fmt.Sprintf("decode %s: %v", e.Part, e.Err) }

// Unwrap is the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

const selfDescribe = "\xd9\xd9\xf7"

// modes are the strict decoder (definite lengths, no tags, no key twice, bounded
// nesting and sizes) and the encoder, built once.
var modes = sync.OnceValues(func() (cbor.DecMode, cbor.EncMode) {
	dec, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		MaxNestedLevels:   hashtree.MaxDepth + 16,
		MaxArrayElements:  1 << 16,
		MaxMapPairs:       16,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return dec, enc
})

type wireCertificate struct {
	Tree       cbor.RawMessage `cbor:"tree"`
	Signature  []byte          `cbor:"signature"`
	Delegation *wireDelegation `cbor:"delegation,omitempty"`
}

type wireDelegation struct {
	Subnet      []byte `cbor:"subnet_id"`
	Certificate []byte `cbor:"certificate"`
}

// Decode reads a certificate, with or without the self-describing tag, and the one
// inside its delegation. It checks form only; call [Certificate.Verify].
func Decode(b []byte) (*Certificate, error) { return decode(b, 0) }

// decode refuses a delegation at depth 1: a delegation's certificate has none.
func decode(b []byte, depth int) (*Certificate, error) {
	if len(b) > MaxBytes {
		return nil, &DecodeError{"certificate", fmt.Errorf("%d bytes, at most %d are read", len(b), MaxBytes)}
	}
	var w wireCertificate
	if err := unmarshal(b, &w); err != nil {
		return nil, &DecodeError{"certificate", err}
	}
	tree, err := hashtree.Decode(w.Tree)
	if err != nil {
		return nil, &DecodeError{"certificate", err}
	}
	c := &Certificate{Tree: tree, Signature: w.Signature}
	if w.Delegation == nil {
		return c, nil
	}
	if depth > 0 {
		return nil, &DecodeError{"delegation", fmt.Errorf("a delegation inside a delegation: %w", ErrDelegation)}
	}
	subnet, err := principal.FromBytes(w.Delegation.Subnet)
	if err != nil {
		return nil, &DecodeError{"delegation", err}
	}
	inner, err := decode(w.Delegation.Certificate, depth+1)
	if err != nil {
		return nil, &DecodeError{"delegation", err}
	}
	c.Delegation = &Delegation{Subnet: subnet, Certificate: inner, raw: w.Delegation.Certificate}
	return c, nil
}

// Encode returns the certificate in CBOR behind the self-describing tag.
func (c *Certificate) Encode() []byte {
	_, enc := modes()
	w := wireCertificate{Tree: c.Tree.Encode(), Signature: c.Signature}
	if c.Delegation != nil {
		w.Delegation = &wireDelegation{c.Delegation.Subnet.Bytes(), c.Delegation.raw}
	}
	b, err := enc.Marshal(w)
	if err != nil {
		panic(err) // byte strings and a tree of our own making always encode
	}
	return append([]byte(selfDescribe), b...)
}

// DecodeRanges reads a list of canister ranges: [[from, to], …].
func DecodeRanges(b []byte) ([]Range, error) {
	var w [][][]byte
	if err := unmarshal(b, &w); err != nil {
		return nil, &DecodeError{"canister ranges", err}
	}
	ranges := make([]Range, 0, len(w))
	for i, pair := range w {
		if len(pair) != 2 {
			return nil, &DecodeError{"canister ranges", fmt.Errorf("range %d has %d ends", i, len(pair))}
		}
		from, err := principal.FromBytes(pair[0])
		if err != nil {
			return nil, &DecodeError{"canister ranges", err}
		}
		to, err := principal.FromBytes(pair[1])
		if err != nil {
			return nil, &DecodeError{"canister ranges", err}
		}
		ranges = append(ranges, Range{from, to})
	}
	return ranges, nil
}

// EncodeRanges writes what [DecodeRanges] reads, behind the self-describing tag.
func EncodeRanges(ranges []Range) []byte {
	w := make([][][]byte, len(ranges))
	for i, r := range ranges {
		w[i] = [][]byte{r.From.Bytes(), r.To.Bytes()}
	}
	_, enc := modes()
	b, err := enc.Marshal(w)
	if err != nil {
		panic(err) // lists of byte strings always encode
	}
	return append([]byte(selfDescribe), b...)
}

// DecodePrincipals reads a list of principals, the form of /canister/<id>/controllers.
func DecodePrincipals(b []byte) ([]principal.Principal, error) {
	var w [][]byte
	if err := unmarshal(b, &w); err != nil {
		return nil, &DecodeError{"principals", err}
	}
	out := make([]principal.Principal, 0, len(w))
	for _, raw := range w {
		p, err := principal.FromBytes(raw)
		if err != nil {
			return nil, &DecodeError{"principals", err}
		}
		out = append(out, p)
	}
	return out, nil
}

// EncodePrincipals writes what [DecodePrincipals] reads, behind the self-describing tag.
func EncodePrincipals(list []principal.Principal) []byte {
	w := make([][]byte, len(list))
	for i, p := range list {
		w[i] = p.Bytes()
	}
	_, enc := modes()
	b, err := enc.Marshal(w)
	if err != nil {
		panic(err) // a list of byte strings always encodes
	}
	return append([]byte(selfDescribe), b...)
}

func unmarshal(b []byte, v any) error {
	dec, _ := modes()
	return dec.Unmarshal(bytes.TrimPrefix(b, []byte(selfDescribe)), v)
}

// ParseNat reads a number in the shortest unsigned LEB128, as state trees hold them.
func ParseNat(b []byte) (uint64, error) {
	var n uint64
	for i, c := range b {
		if i == 9 && c > 1 || i > 9 {
			return 0, &DecodeError{"nat", errors.New("beyond 64 bits")}
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c&0x80 == 0 {
			if i != len(b)-1 || i > 0 && c == 0 {
				return 0, &DecodeError{"nat", errors.New("not the shortest spelling")}
			}
			return n, nil
		}
	}
	return 0, &DecodeError{"nat", errors.New("cut off")}
}

// AppendNat appends what [ParseNat] reads.
func AppendNat(b []byte, n uint64) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}
