package signature

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

const selfDescribe = "\xd9\xd9\xf7"

// decMode reads the small maps in which signatures and keys come.
var decMode = sync.OnceValue(func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		TagsMd:            cbor.TagsForbidden,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		MaxNestedLevels:   hashtree.MaxDepth + 16,
		MaxArrayElements:  1 << 16,
		MaxMapPairs:       32,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
})

// canisterSignature is a certificate of a canister's data, and the tree whose root that
// data is.
type canisterSignature struct {
	Certificate []byte          `cbor:"certificate"`
	Tree        cbor.RawMessage `cbor:"tree"`
}

// splitCanisterKey takes a canister's public key apart: a length, the canister, a seed.
func splitCanisterKey(key []byte) (canister principal.Principal, seed []byte, err error) {
	if len(key) == 0 || len(key)-1 < int(key[0]) {
		return canister, nil, fmt.Errorf("canister signature: %w", ErrKey)
	}
	n := int(key[0])
	if canister, err = principal.FromBytes(key[1 : 1+n]); err != nil {
		return canister, nil, fmt.Errorf("canister signature: %w: %w", ErrKey, err)
	}
	return canister, key[1+n:], nil
}

// verifyCanister wants the network to have certified for the canister a tree in which
// the payload's hash stands below the seed's.
func (v *Verifier) verifyCanister(key, payload, signature []byte) error {
	canister, seed, err := splitCanisterKey(key)
	if err != nil {
		return err
	}
	raw, tagged := bytes.CutPrefix(signature, []byte(selfDescribe))
	var s canisterSignature
	if err := decMode().Unmarshal(raw, &s); err != nil || !tagged {
		return fmt.Errorf("canister signature: not a tagged map of certificate and tree: %w", ErrSignature)
	}
	c, err := v.prove(s.Certificate, canister)
	if err != nil {
		return fmt.Errorf("canister signature of %s: %w: %w", canister, ErrSignature, err)
	}
	tree, err := c.VerifyWitness(canister, s.Tree)
	if err != nil {
		return fmt.Errorf("canister signature: %w: %w", ErrSignature, err)
	}
	by, what := sha256.Sum256(seed), sha256.Sum256(payload)
	if leaf, result := tree.Lookup([]byte("sig"), by[:], what[:]); result != hashtree.Found || len(leaf) > 0 {
		return fmt.Errorf("canister signature of %s: %s in its tree: %w", canister, result, ErrSignature)
	}
	return nil
}

// prove checks a certificate: its signatures, that the subnet hosts the canister, and
// that the subnet is of a type that may sign. How old it is does not matter.
func (v *Verifier) prove(raw []byte, canister principal.Principal) (*certificate.Certificate, error) {
	c, err := certificate.Decode(raw)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(bytes.Join([][]byte{{byte(len(canister.Bytes()))}, canister.Bytes(), raw}, nil))
	if v.proved.has(id) {
		return c, nil
	}
	if err := c.VerifySignature(v.rootKey, canister); err != nil {
		return nil, err
	}
	if d := c.Delegation; d != nil {
		kind, result := d.Certificate.Tree.Lookup([]byte("subnet"), d.Subnet.Bytes(), []byte("type"))
		if result != hashtree.Found || string(kind) == "cloud_engine" {
			return nil, fmt.Errorf("subnet %s, whose type is %s %q, may not sign for users", d.Subnet, result, kind)
		}
	}
	v.proved.add(id)
	return c, nil
}

// maxProved is how many certificates are remembered: delegations of a session come with
// each of its requests. When it is full all are forgotten.
const maxProved = 1000

// memory is a bounded set of what was proved.
type memory struct {
	mu struct {
		sync.Mutex
		ids map[[32]byte]struct{}
	}
}

func (m *memory) has(id [32]byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.mu.ids[id]
	return ok
}

func (m *memory) add(id [32]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.ids == nil || len(m.mu.ids) >= maxProved {
		m.mu.ids = map[[32]byte]struct{}{}
	}
	m.mu.ids[id] = struct{}{}
}
