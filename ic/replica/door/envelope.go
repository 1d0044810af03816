package door

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/fxamacker/cbor/v2"

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

// modes are the decoder and the encoder of requests and answers. Any spelling of a value
// that CBOR knows is read, as ids do not depend on it: only what the hash of a request
// could not tell apart, keys twice and tags, is refused.
var modes = sync.OnceValues(func() (cbor.DecMode, cbor.EncMode) {
	dec, err := cbor.DecOptions{
		DefaultMapType:    reflect.TypeFor[map[string]any](),
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		TagsMd:            cbor.TagsForbidden,
		IntDec:            cbor.IntDecConvertNone,
		MaxNestedLevels:   8,
		MaxArrayElements:  maxPaths,
		MaxMapPairs:       32,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
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

// envelope is a request with its signatures. Other fields mean nothing, as nothing
// covers them.
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
	info     *senderInfo
	paths    [][][]byte

	publicKey   []byte
	signature   []byte
	delegated   bool // has a list of delegations, perhaps an empty one
	delegations []delegation
}

// senderInfo is what the canister whose signature authenticates the sender says of it.
type senderInfo struct {
	info      []byte
	signer    principal.Principal
	signature []byte
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
		return nil, errors.New("request is not a valid envelope: no content")
	}
	r := &request{publicKey: e.PublicKey, signature: e.Signature, delegated: e.Delegations != nil}
	if err := r.readContent(e.Content); err != nil {
		return nil, fmt.Errorf("request content: %w", err)
	}
	return r, r.readDelegations(e.Delegations)
}

func (r *request) readContent(content map[string]any) (err error) {
	f := newFields(content)
	if r.id, err = hashMap(f.values); err != nil {
		return err
	}
	r.kind, r.sender, r.expiry = f.text("request_type"), f.principal("sender"), f.nat("ingress_expiry")
	if f.has("nonce") {
		r.nonce = f.blob("nonce")
	}
	switch r.kind {
	case "call", "query":
		r.canister, r.method, r.arg = f.principal("canister_id"), f.text("method_name"), f.blob("arg")
		if f.has("sender_info") {
			r.info = f.senderInfo("sender_info")
		}
	case "read_state":
		r.paths = f.paths("paths")
	default:
		f.fail("request_type %q is not one of call, query and read_state", r.kind)
	}
	return f.done()
}

func (r *request) readDelegations(chain []signedDelegation) error {
	if len(chain) > maxDelegations {
		return fmt.Errorf("chain of %d delegations, more than %d", len(chain), maxDelegations)
	}
	for i, link := range chain {
		d, err := readDelegation(link)
		if err != nil {
			return fmt.Errorf("delegation %d: %w", i, err)
		}
		r.delegations = append(r.delegations, d)
	}
	return nil
}

func readDelegation(link signedDelegation) (d delegation, err error) {
	f := newFields(link.Delegation)
	d = delegation{signature: link.Signature, key: f.blob("pubkey"), expiration: f.nat("expiration")}
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
	if d.hash, err = hashMap(f.values); err != nil {
		return d, err
	}
	return d, f.done()
}
