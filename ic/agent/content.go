package agent

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate"
	"assay/ic/identity"
)

// field is one entry of a request or response: its value is a []byte, string, uint64,
// [][][]byte (paths) or a nested content.
type field struct {
	name  string
	value any
}

// content is a map whose hash does not depend on how it is encoded.
type content []field

// hash is the representation-independent hash; of a request it is the request id.
func (c content) hash() [32]byte {
	rows := make([][]byte, 0, len(c))
	for _, f := range c {
		name := sha256.Sum256([]byte(f.name))
		value := hashValue(f.value)
		rows = append(rows, append(name[:], value[:]...))
	}
	slices.SortFunc(rows, bytes.Compare)
	return sha256.Sum256(bytes.Join(rows, nil))
}

func hashValue(v any) [32]byte {
	switch v := v.(type) {
	case []byte:
		return sha256.Sum256(v)
	case string:
		return sha256.Sum256([]byte(v))
	case uint64:
		return sha256.Sum256(certificate.AppendNat(nil, v))
	case [][]byte:
		return hashList(v)
	case [][][]byte:
		return hashList(v)
	case content:
		return v.hash()
	}
	panic(fmt.Sprintf("agent: no hash for a %T", v)) // values are of our own making
}

func hashList[T any](list []T) [32]byte {
	var all []byte
	for _, v := range list {
		h := hashValue(v)
		all = append(all, h[:]...)
	}
	return sha256.Sum256(all)
}

// sign returns the request's envelope, encoded, and its id.
func (c content) sign(id identity.Identity) (body []byte, requestID [32]byte, err error) {
	requestID = c.hash()
	fields := make(map[string]any, len(c))
	for _, f := range c {
		fields[f.name] = f.value
	}
	envelope := map[string]any{"content": fields}
	if key := id.PublicKeyDER(); key != nil {
		sig, err := id.Sign(append([]byte("\x0aic-request"), requestID[:]...))
		if err != nil {
			return nil, requestID, err
		}
		envelope["sender_pubkey"], envelope["sender_sig"] = key, sig
	}
	_, enc := modes()
	body, err = enc.Marshal(cbor.Tag{Number: 55799, Content: envelope})
	if err != nil {
		return nil, requestID, fmt.Errorf("encode request: %w", err)
	}
	if len(body) > maxBody {
		return nil, requestID, fmt.Errorf("%d bytes, a network takes %d: %w", len(body), maxBody, ErrTooLarge)
	}
	return body, requestID, nil
}

var modes = sync.OnceValues(func() (cbor.DecMode, cbor.EncMode) {
	dec, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		MaxNestedLevels:   16,
		MaxArrayElements:  1 << 12,
		MaxMapPairs:       64,
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

// unmarshal reads an answer, with or without the self-describing tag.
func unmarshal(b []byte, v any) error {
	dec, _ := modes()
	if err := dec.Unmarshal(bytes.TrimPrefix(b, []byte("\xd9\xd9\xf7")), v); err != nil {
		return &AnswerError{err}
	}
	return nil
}
