package door

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sort"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate"
	"assay/ic/principal"
)

// selfDescribe is the CBOR tag 55799 in front of every answer; requests may have it.
const selfDescribe = "\xd9\xd9\xf7"

// Limits on what a request may hold.
const (
	maxNonce       = 32
	maxPaths       = 1000
	maxLabels      = 127 // of one path
	maxDelegations = 20
	maxTargets     = 1000 // canisters of one delegation
	maxMethod      = 20_000
)

var modes = sync.OnceValues(func() (cbor.DecMode, cbor.EncMode) {
	dec, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		IntDec:            cbor.IntDecConvertNone,
		MaxNestedLevels:   8,
		MaxArrayElements:  maxPaths,
		MaxMapPairs:       16,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
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

// envelope is a request with its signatures.
type envelope struct {
	Content     map[string]any     `cbor:"content"`
	PublicKey   []byte             `cbor:"sender_pubkey"`
	Signature   []byte             `cbor:"sender_sig"`
	Delegations []signedDelegation `cbor:"sender_delegation"`
}

type signedDelegation struct {
	Delegation map[string]any `cbor:"delegation"`
	Signature  []byte         `cbor:"signature"`
}

// request is a decoded envelope. The id covers every field of the content.
type request struct {
	id       [32]byte
	kind     string // call, query or read_state
	sender   principal.Principal
	expiry   uint64 // ns since 1970
	nonce    []byte
	canister principal.Principal
	method   string
	arg      []byte
	paths    [][][]byte

	publicKey   []byte
	signature   []byte
	delegations []delegation
}

// delegation is one link of a chain, with the hash that its signature covers.
type delegation struct {
	hash       [32]byte
	signature  []byte
	key        []byte
	expiration uint64
	targets    []principal.Principal // nil: any canister
	queries    bool                  // not good for calls
}

// decodeRequest reads an envelope. Errors are about its form alone and are written for
// whoever sent it.
func decodeRequest(b []byte) (*request, error) {
	dec, _ := modes()
	var e envelope
	if err := dec.Unmarshal(bytes.TrimPrefix(b, []byte(selfDescribe)), &e); err != nil {
		return nil, fmt.Errorf("request is not a valid envelope: %w", err)
	}
	if e.Content == nil {
		return nil, fmt.Errorf("request is not a valid envelope: no content")
	}
	f := fields{values: dropNull(e.Content), used: map[string]bool{}}
	r := &request{publicKey: e.PublicKey, signature: e.Signature}
	var err error
	if r.id, err = hashMap(f.values); err != nil {
		return nil, fmt.Errorf("request content: %w", err)
	}
	r.kind, r.sender, r.expiry = f.text("request_type"), f.principal("sender"), f.nat("ingress_expiry")
	if f.has("nonce") {
		r.nonce = f.blob("nonce")
	}
	switch r.kind {
	case "call", "query":
		r.canister, r.method, r.arg = f.principal("canister_id"), f.text("method_name"), f.blob("arg")
	case "read_state":
		r.paths = f.paths("paths")
	default:
		f.fail("request_type %q is not one of call, query and read_state", r.kind)
	}
	if err := f.done(); err != nil {
		return nil, fmt.Errorf("request content: %w", err)
	}
	return r, r.readDelegations(e.Delegations)
}

func (r *request) readDelegations(chain []signedDelegation) error {
	if len(chain) > maxDelegations {
		return fmt.Errorf("chain of %d delegations, more than %d", len(chain), maxDelegations)
	}
	for i, link := range chain {
		f := fields{values: dropNull(link.Delegation), used: map[string]bool{}}
		d := delegation{signature: link.Signature, key: f.blob("pubkey"), expiration: f.nat("expiration")}
		if f.has("targets") {
			d.targets = f.principals("targets")
		}
		if f.has("permissions") {
			switch p := f.text("permissions"); p {
			case "queries":
				d.queries = true
			case "all":
			default:
				f.fail("permissions %q is neither queries nor all", p)
			}
		}
		var err error
		if d.hash, err = hashMap(f.values); err == nil {
			err = f.done()
		}
		if err != nil {
			return fmt.Errorf("delegation %d: %w", i, err)
		}
		r.delegations = append(r.delegations, d)
	}
	return nil
}

// dropNull forgets fields that are null, which some encoders write for absent ones.
func dropNull(m map[string]any) map[string]any {
	for name, v := range m {
		if v == nil {
			delete(m, name)
		}
	}
	return m
}

// fields takes typed values out of a decoded map. The first wrong one is kept as err.
type fields struct {
	values map[string]any
	used   map[string]bool
	err    error
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

func (f *fields) has(name string) bool { _, ok := f.values[name]; return ok }

// take returns a field's value, an error where it is missing or of another type.
func take[T any](f *fields, name string) T {
	f.used[name] = true
	v, ok := f.values[name].(T)
	if !ok {
		f.fail("field %s is missing or of a wrong type", name)
	}
	return v
}

func (f *fields) text(name string) string {
	s := take[string](f, name)
	if len(s) > maxMethod {
		f.fail("field %s has %d bytes, more than %d", name, len(s), maxMethod)
	}
	return s
}

func (f *fields) blob(name string) []byte { return take[[]byte](f, name) }

func (f *fields) nat(name string) uint64 { return take[uint64](f, name) }

func (f *fields) principal(name string) principal.Principal {
	return f.toPrincipal(name, f.blob(name))
}

func (f *fields) toPrincipal(name string, v any) principal.Principal {
	b, ok := v.([]byte)
	p, err := principal.FromBytes(b)
	if !ok || err != nil {
		f.fail("field %s is not a principal", name)
	}
	return p
}

func (f *fields) principals(name string) []principal.Principal {
	list := take[[]any](f, name)
	out := make([]principal.Principal, len(list))
	for i, v := range list {
		out[i] = f.toPrincipal(name, v)
	}
	if len(list) > maxTargets {
		f.fail("field %s has %d entries, more than %d", name, len(list), maxTargets)
	}
	return out
}

func (f *fields) paths(name string) [][][]byte {
	list := take[[]any](f, name)
	if len(list) > maxPaths {
		f.fail("field %s has %d paths, more than %d", name, len(list), maxPaths)
		return nil
	}
	out := make([][][]byte, len(list))
	for i, v := range list {
		labels, ok := v.([]any)
		if !ok || len(labels) > maxLabels {
			f.fail("path %d is not a list of at most %d labels", i, maxLabels)
			return nil
		}
		for _, l := range labels {
			label, ok := l.([]byte)
			if !ok {
				f.fail("path %d has a label that is not a blob", i)
				return nil
			}
			out[i] = append(out[i], label)
		}
	}
	return out
}

// done is the first error; a field that nobody asked for is one.
func (f *fields) done() error {
	if f.err != nil {
		return f.err
	}
	names := make([]string, 0, len(f.values))
	for name := range f.values {
		if !f.used[name] {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		sort.Strings(names)
		return fmt.Errorf("field %q is not known", names[0])
	}
	return nil
}

// hashMap is the representation-independent hash of a map; of a request's content it
// is the request id.
func hashMap(m map[string]any) ([32]byte, error) {
	rows := make([][]byte, 0, len(m))
	for name, v := range m {
		value, err := hashValue(v)
		if err != nil {
			return [32]byte{}, fmt.Errorf("field %q: %w", name, err)
		}
		key := sha256.Sum256([]byte(name))
		rows = append(rows, append(key[:], value[:]...))
	}
	sort.Slice(rows, func(i, j int) bool { return bytes.Compare(rows[i], rows[j]) < 0 })
	return sha256.Sum256(bytes.Join(rows, nil)), nil
}

func hashValue(v any) ([32]byte, error) {
	switch v := v.(type) {
	case []byte:
		return sha256.Sum256(v), nil
	case string:
		return sha256.Sum256([]byte(v)), nil
	case uint64:
		return sha256.Sum256(certificate.AppendNat(nil, v)), nil
	case map[string]any:
		return hashMap(v)
	case []any:
		var all []byte
		for _, x := range v {
			h, err := hashValue(x)
			if err != nil {
				return h, err
			}
			all = append(all, h[:]...)
		}
		return sha256.Sum256(all), nil
	}
	return [32]byte{}, fmt.Errorf("value of type %T has no hash", v)
}
