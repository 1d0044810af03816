package icrc

import (
	"reflect"
	"testing"

	"assay/canisters/ledger/tokens"
)

// TestEveryRefusalHasItsVariant: each kind sets exactly one tag, and it is that of its name.
func TestEveryRefusalHasItsVariant(t *testing.T) {
	shared := []tokens.Kind{
		tokens.BadFee, tokens.InsufficientFunds, tokens.TooOld, tokens.CreatedInFuture, tokens.Duplicate,
		tokens.TemporarilyUnavailable, tokens.GenericError,
	}
	for _, c := range []struct {
		method string
		tag    func(error) (string, error)
		kinds  []tokens.Kind
	}{
		{"transfer", func(err error) (string, error) { e, err := transferError(err); return tagOf(e), err }, append(shared, tokens.BadBurn)},
		{"approve", func(err error) (string, error) { e, err := approveError(err); return tagOf(e), err }, append(shared, tokens.AllowanceChanged, tokens.Expired)},
		{"transfer_from", func(err error) (string, error) { e, err := transferFromError(err); return tagOf(e), err }, append(shared, tokens.BadBurn, tokens.InsufficientAllowance)},
	} {
		for _, k := range c.kinds {
			tag, err := c.tag(&tokens.Refusal{Kind: k})
			if err != nil || tag != k.String() {
				t.Errorf("%s, %v: tag %q, %v", c.method, k, tag, err)
			}
		}
	}
}

// tagOf is the variant's tag, if exactly one is set.
func tagOf(e interface{ Tag() string }) string {
	v, set := reflect.ValueOf(e).Elem(), 0
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			set++
		}
	}
	if set != 1 {
		return ""
	}
	return e.Tag()
}
