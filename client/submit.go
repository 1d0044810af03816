package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"assay/canisters/market/marketapi"
	"assay/canisters/market/payload"
	"assay/commitment"
	"assay/ic/agent"
	"assay/ic/candid"
)

// Request is a job to be. Model and Items are required.
type Request struct {
	Model      commitment.Hash
	Items      []marketapi.Item
	Redundancy uint8 // providers that compute it; zero is 1
	// MaxPrice in cycles. Zero asks for a quote and pays that, not more.
	MaxPrice candid.Nat
	// Key makes a repeated submit the same job, 1 to 32 bytes. Nil draws a new one.
	Key []byte
}

// Texts makes items of texts.
func Texts(texts ...string) []marketapi.Item {
	items := make([]marketapi.Item, len(texts))
	for i := range texts {
		items[i].Text = &texts[i]
	}
	return items
}

// InputError says which item of a request no market would take. Nothing was sent.
type InputError struct {
	Item   int // index, -1 for the request as a whole
	Reason string
}

// Error names the item and the reason.
func (e *InputError) Error() string {
	if e.Item < 0 {
		return "input: " + e.Reason
	}
	return fmt.Sprintf("input: item %d %s", e.Item, e.Reason)
}

// maxSubmits is how often a submit is sent when its outcome stays unknown. The key
// makes the repetitions harmless.
const maxSubmits = 3

// Submit hands a job to the market, paid from the sender's prepaid balance, and returns
// its id, price and input hash. When the outcome of a call is unknown it is sent again
// with the same key, so that one job comes out of it.
func (c *Client) Submit(ctx context.Context, r Request) (marketapi.Submitted, error) {
	out, err := c.submit(ctx, r)
	if err != nil {
		return marketapi.Submitted{}, fmt.Errorf("submit job: %w", err)
	}
	return out, nil
}

func (c *Client) submit(ctx context.Context, r Request) (out marketapi.Submitted, err error) {
	input, err := inputHash(r.Items)
	if err != nil {
		return out, err
	}
	if r.Redundancy == 0 {
		r.Redundancy = 1
	}
	if len(r.Key) > 32 {
		return out, &InputError{-1, fmt.Sprintf("key of %d bytes, at most 32 are allowed", len(r.Key))}
	}
	if len(r.Key) == 0 {
		r.Key = make([]byte, 16)
		_, _ = rand.Read(r.Key) // never fails
	}
	if r.MaxPrice.IsZero() {
		if r.MaxPrice, err = c.Quote(ctx, r.Model, uint32(len(r.Items)), r.Redundancy); err != nil {
			return out, err
		}
	}
	answer, err := c.send(ctx, marketapi.SubmitArg{
		Key: r.Key, Model: r.Model[:], Input: marketapi.Input{Inline: &r.Items}, Class: marketapi.Class{Exact: true},
		Redundancy: r.Redundancy, MaxPrice: r.MaxPrice, Currency: marketapi.Currency{Cycles: true}, Payment: marketapi.Payment{Balance: true},
	})
	switch {
	case err != nil:
		return out, err
	case answer.Err != nil:
		return out, &MarketError{*answer.Err}
	case answer.Ok.Job.Market != c.market:
		return out, lie("the job is of market %s, asked was %s", answer.Ok.Job.Market, c.market)
	case string(answer.Ok.InputHash) != string(input[:]):
		return out, lie("the market took input %x, sent was %s", answer.Ok.InputHash, input)
	case answer.Ok.Price.Cmp(r.MaxPrice) > 0:
		return out, lie("the market takes %s cycles, allowed were %s", answer.Ok.Price, r.MaxPrice)
	}
	return *answer.Ok, nil
}

// send submits, again with the same key while the outcome is unknown.
func (c *Client) send(ctx context.Context, arg marketapi.SubmitArg) (out marketapi.SubmitResult, err error) {
	for try := 1; ; try++ {
		out, err = c.canister.Submit(ctx, arg)
		var e *agent.Error
		if err == nil || !errors.As(err, &e) || !e.Retry() || try == maxSubmits {
			return out, err
		}
		select {
		case <-ctx.Done():
			return out, err
		case <-time.After(time.Duration(try) * 300 * time.Millisecond):
		}
	}
}

// inputHash checks items as far as it can be done here, and commits to them.
func inputHash(items []marketapi.Item) (commitment.Hash, error) {
	if len(items) == 0 {
		return commitment.Hash{}, &InputError{-1, "holds no item"}
	}
	for i, item := range items {
		switch {
		case item.Text != nil && item.Tokens != nil || item.Text == nil && item.Tokens == nil:
			return commitment.Hash{}, &InputError{i, payload.ErrItem.Error()}
		case item.Tokens != nil:
		case *item.Text == "":
			return commitment.Hash{}, &InputError{i, "is empty: give it at least one character"}
		case !utf8.ValidString(*item.Text):
			return commitment.Hash{}, &InputError{i, "is not valid UTF-8: convert it first"}
		}
	}
	return payload.InputHash(items)
}
