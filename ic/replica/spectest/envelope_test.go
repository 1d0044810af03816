package spectest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/identity"
	"assay/ic/principal"
)

// record is a map of a request or an answer.
type record map[string]any

// hash is the representation-independent hash. The values are blobs, texts, numbers,
// lists and records.
func (r record) hash() [32]byte {
	var rows [][]byte
	for name, v := range r {
		key, value := sha256.Sum256([]byte(name)), hashOf(v)
		rows = append(rows, append(key[:], value[:]...))
	}
	slices.SortFunc(rows, bytes.Compare)
	return sha256.Sum256(bytes.Join(rows, nil))
}

func hashOf(v any) [32]byte {
	switch v := v.(type) {
	case []byte:
		return sha256.Sum256(v)
	case string:
		return sha256.Sum256([]byte(v))
	case uint64:
		return sha256.Sum256(binary.AppendUvarint(nil, v))
	case record:
		return v.hash()
	case map[string]any:
		return record(v).hash()
	case [][]byte:
		return hashList(v)
	case []path:
		return hashList(v)
	case []any:
		return hashList(v)
	}
	panic(fmt.Sprintf("no hash of a %T", v)) // a mistake in a row
}

func hashList[T any](list []T) [32]byte {
	var all []byte
	for _, v := range list {
		h := hashOf(v)
		all = append(all, h[:]...)
	}
	return sha256.Sum256(all)
}

// with is a copy with other fields; nil takes one out.
func (r record) with(changes record) record {
	out := maps.Clone(r)
	for name, v := range changes {
		if v == nil {
			delete(out, name)
		} else {
			out[name] = v
		}
	}
	return out
}

// envelope signs a request's content.
func envelope(content record, id identity.Identity) record {
	e := record{"content": content}
	if key := id.PublicKeyDER(); key != nil {
		e["sender_pubkey"], e["sender_sig"] = key, signRequest(content, id)
		if d, ok := id.(delegated); ok {
			e["sender_delegation"] = d.chain
		}
	}
	return e
}

func signRequest(content record, id identity.Identity) []byte {
	h := content.hash()
	sig, err := id.Sign(append([]byte("\x0aic-request"), h[:]...))
	if err != nil {
		panic(err) // keys in memory
	}
	return sig
}

// encode is CBOR with the tag that says so.
func encode(v any) []byte {
	b, err := cbor.Marshal(cbor.Tag{Number: 55799, Content: v})
	if err != nil {
		panic(err) // a mistake in a row
	}
	return b
}

// content of requests, good for four minutes.
func (w *world) content(kind string, sender identity.Identity) record {
	return record{
		"request_type": kind, "sender": sender.Sender().Bytes(),
		"ingress_expiry": uint64(w.now().UnixNano()) + 240e9,
		"nonce":          binary.BigEndian.AppendUint64(nil, w.serial.Add(1)),
	}
}

func (w *world) callContent(sender identity.Identity, kind string, canister principal.Principal, method string, arg []byte) record {
	return w.content(kind, sender).with(record{"canister_id": canister.Bytes(), "method_name": method, "arg": append([]byte{}, arg...)})
}

func (w *world) readContent(sender identity.Identity, paths ...path) record {
	return w.content("read_state", sender).with(record{"paths": append([]path{}, paths...)})
}

// path is one of the state tree.
type path = [][]byte

func to(labels ...any) path {
	p := path{}
	for _, l := range labels {
		switch l := l.(type) {
		case string:
			p = append(p, []byte(l))
		case []byte:
			p = append(p, l)
		case principal.Principal:
			p = append(p, l.Bytes())
		}
	}
	return p
}
