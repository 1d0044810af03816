package door

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"assay/ic/principal"
)

const (
	// maxExpiry is how far ahead a request may expire, drift how much a client's clock
	// may be ahead besides.
	maxExpiry = 5 * time.Minute
	drift     = 30 * time.Second

	// expiryText begins the refusal of a wrong expiry. Clients look for these words,
	// then correct their clock.
	expiryText = "Invalid request expiry: "
)

// authority is what a valid request may do.
type authority struct {
	sender  principal.Principal
	targets []principal.Principal // the canisters its delegations are good for; nil: all
}

// allows reports whether the delegations are good for a canister.
func (a authority) allows(canister principal.Principal) bool {
	if a.targets == nil {
		return true
	}
	for _, t := range a.targets {
		if t == canister {
			return true
		}
	}
	return false
}

// validate checks expiry, nonce and signatures at the network's time. Errors are
// written for the sender.
func (r *request) validate(now time.Time) (authority, error) {
	if len(r.nonce) > maxNonce {
		return authority{}, fmt.Errorf("nonce of %d bytes, more than %d", len(r.nonce), maxNonce)
	}
	if r.kind == "call" || !r.sender.IsAnonymous() {
		if err := r.checkExpiry(now); err != nil {
			return authority{}, err
		}
	}
	a := authority{sender: r.sender}
	if r.sender.IsAnonymous() {
		if r.publicKey != nil || r.signature != nil || r.delegations != nil {
			return a, errors.New("a request of the anonymous principal must not be signed")
		}
		return a, nil
	}
	if r.publicKey == nil || r.signature == nil {
		return a, fmt.Errorf("a request of %s must have a public key and a signature", r.sender)
	}
	if id := principal.SelfAuthenticating(r.publicKey); id != r.sender {
		return a, fmt.Errorf("the sender %s does not match the public key, whose principal is %s", r.sender, id)
	}
	key, err := r.checkChain(now, &a)
	if err != nil {
		return a, err
	}
	if err := verifySignature(key, append([]byte("\x0aic-request"), r.id[:]...), r.signature); err != nil {
		return a, fmt.Errorf("invalid signature on the request: %w", err)
	}
	if (r.kind == "call" || r.kind == "query") && !a.allows(r.canister) {
		return a, fmt.Errorf("the delegation is not good for canister %s", r.canister)
	}
	return a, nil
}

func (r *request) checkExpiry(now time.Time) error {
	first := uint64(max(now.UnixNano(), 0))
	last := first + uint64(maxExpiry+drift)
	if r.expiry < first || r.expiry > last {
		return fmt.Errorf("%sSpecified ingress_expiry not within expected range: minimum %d, maximum %d, provided %d",
			expiryText, first, last, r.expiry)
	}
	return nil
}

// checkChain follows the delegations and returns the key that signs the request.
func (r *request) checkChain(now time.Time, a *authority) ([]byte, error) {
	key := r.publicKey
	seen := [][]byte{key}
	for i, d := range r.delegations {
		for _, k := range seen {
			if bytes.Equal(k, d.key) {
				return nil, fmt.Errorf("invalid delegation %d: its key occurs twice in the chain", i)
			}
		}
		seen = append(seen, d.key)
		if d.expiration < uint64(max(now.UnixNano(), 0)) {
			return nil, fmt.Errorf("invalid delegation %d: it has expired", i)
		}
		if d.queries && r.kind == "call" {
			return nil, fmt.Errorf("invalid delegation %d: it allows queries only", i)
		}
		if err := verifySignature(key, append([]byte("\x1aic-request-auth-delegation"), d.hash[:]...), d.signature); err != nil {
			return nil, fmt.Errorf("invalid delegation %d: %w", i, err)
		}
		if d.targets != nil {
			a.targets = intersect(a.targets, d.targets)
		}
		key = d.key
	}
	return key, nil
}

// intersect is what both lists hold; a nil first list holds everything. The result is
// never nil.
func intersect(a, b []principal.Principal) []principal.Principal {
	if a == nil {
		return append([]principal.Principal{}, b...)
	}
	out := []principal.Principal{}
	for _, p := range b {
		if (authority{targets: a}).allows(p) {
			out = append(out, p)
		}
	}
	return out
}
