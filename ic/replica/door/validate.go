package door

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"assay/ic/principal"
	"assay/ic/replica/signature"
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

// What is signed begins with one of these, which name its purpose.
const (
	requestSeparator    = "\x0aic-request"
	delegationSeparator = "\x1aic-request-auth-delegation"
	infoSeparator       = "\x0eic-sender-info"
)

// authority is what a valid request may do.
type authority struct {
	sender  principal.Principal
	targets []principal.Principal // the canisters its delegations are good for; nil: all
}

// allows reports whether the delegations are good for a canister.
func (a authority) allows(canister principal.Principal) bool {
	return a.targets == nil || slices.Contains(a.targets, canister)
}

// validate checks expiry, nonce and signatures at the network's time. Errors are
// written for the sender.
func (r *request) validate(now time.Time, v *signature.Verifier) (authority, error) {
	a := authority{sender: r.sender}
	if len(r.nonce) > maxNonce {
		return a, fmt.Errorf("nonce of %d bytes, more than %d", len(r.nonce), maxNonce)
	}
	if r.kind == "call" || !r.sender.IsAnonymous() {
		if err := r.checkExpiry(now); err != nil {
			return a, err
		}
	}
	if r.sender.IsAnonymous() {
		if r.publicKey != nil || r.signature != nil || r.delegated || r.info != nil {
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
	key, err := r.checkChain(now, v, &a)
	if err != nil {
		return a, err
	}
	if err := v.Verify(key, signed(requestSeparator, r.id[:]), r.signature); err != nil {
		return a, fmt.Errorf("invalid signature on the request: %w", err)
	}
	if r.kind != "read_state" && !a.allows(r.canister) {
		return a, fmt.Errorf("the delegation is not good for canister %s", r.canister)
	}
	return a, r.checkInfo(v)
}

func signed(separator string, message []byte) []byte { return append([]byte(separator), message...) }

func (r *request) checkExpiry(now time.Time) error {
	first := uint64(max(now.UnixNano(), 0))
	last := first + uint64(maxExpiry+drift)
	if r.expiry < first || r.expiry > last {
		return fmt.Errorf("%sSpecified ingress_expiry not within expected range: minimum %d, maximum %d, provided %d",
			expiryText, first, last, r.expiry)
	}
	return nil
}

// checkChain follows the delegations and returns the key that signs the request. What
// costs nothing to check comes first.
func (r *request) checkChain(now time.Time, v *signature.Verifier, a *authority) ([]byte, error) {
	seen := [][]byte{r.publicKey}
	for i, d := range r.delegations {
		if slices.ContainsFunc(seen, func(k []byte) bool { return bytes.Equal(k, d.key) }) {
			return nil, fmt.Errorf("invalid delegation %d: its key occurs twice in the chain", i)
		}
		seen = append(seen, d.key)
		if d.expiration < uint64(max(now.UnixNano(), 0)) {
			return nil, fmt.Errorf("invalid delegation %d: it has expired", i)
		}
		if d.queries && r.kind == "call" {
			return nil, fmt.Errorf("invalid delegation %d: it allows queries only", i)
		}
		if d.targets != nil {
			a.targets = intersect(a.targets, d.targets)
		}
	}
	for i, d := range r.delegations {
		if err := v.Verify(seen[i], signed(delegationSeparator, d.hash[:]), d.signature); err != nil {
			return nil, fmt.Errorf("invalid delegation %d: %w", i, err)
		}
	}
	return seen[len(seen)-1], nil
}

// intersect is what both lists hold; a nil first list holds everything. The result is
// never nil.
func intersect(a, b []principal.Principal) []principal.Principal {
	if a == nil {
		return append([]principal.Principal{}, b...)
	}
	held := make(map[principal.Principal]bool, len(a))
	for _, p := range a {
		held[p] = true
	}
	out := []principal.Principal{}
	for _, p := range b {
		if held[p] {
			out = append(out, p)
		}
	}
	return out
}

// checkInfo wants what is said of the sender to be signed by the canister whose
// signatures the sender's own key stands for.
func (r *request) checkInfo(v *signature.Verifier) error {
	if r.info == nil {
		return nil
	}
	canister, ok := signature.SigningCanister(r.publicKey)
	if !ok {
		return errors.New("sender_info needs a sender whose public key stands for a canister's signatures")
	}
	if r.info.signer != canister {
		return fmt.Errorf("the signer of sender_info is %s, the public key is of canister %s", r.info.signer, canister)
	}
	if err := v.Verify(r.publicKey, signed(infoSeparator, r.info.info), r.info.signature); err != nil {
		return fmt.Errorf("invalid signature on sender_info: %w", err)
	}
	return nil
}
