// Package client is the user's side of Assay: ask for a price, submit a job, follow it,
// fetch its result, check its receipt offline, compute it again.
//
// It talks to the market canister through an agent, which checks every answer against
// the network's root key, and trusts no provider's daemon: a stream from one is shown,
// never believed. What a single node told (a query) is compared with what the whole
// subnet certified (a receipt) wherever there is one. Commands and programs of users
// call it; it holds no state, no keys, and no opinion on what to do with a result.
//
//	c := client.New(agent, market)
//	job, err := c.Submit(ctx, client.Request{Model: root, Items: client.Texts("a passage")})
//	result, err := c.Result(ctx, job.Job.Seq)
package client

import (
	"context"
	"fmt"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/agent"
	"assay/ic/candid"
	"assay/ic/principal"
)

// Client speaks to one market as one sender. It is safe for concurrent use.
type Client struct {
	agent    *agent.Agent
	market   principal.Principal
	canister marketapi.Client[context.Context]
}

// New returns a client of the market, which the caller names: the id is what receipts
// are checked against, so it must not come from whoever is checked.
func New(a *agent.Agent, market principal.Principal) *Client {
	return &Client{agent: a, market: market, canister: marketapi.NewClient[context.Context](a.Canister(market))}
}

// Market is the market's canister id.
func (c *Client) Market() principal.Principal { return c.market }

// API is the market's whole interface, for what this package has no better word for:
// books, registry, parameters, providers, balance, withdrawal.
func (c *Client) API() marketapi.Client[context.Context] { return c.canister }

// MarketError is the market's refusal, in its words. Nothing happened.
type MarketError struct{ marketapi.Failure }

// Error is the market's message.
func (e *MarketError) Error() string { return "market: " + e.Message }

// Code is the failure's name, such as "no_funds"; empty if this version does not know it.
func (e *MarketError) Code() string {
	if e.Failure.Code == nil {
		return ""
	}
	return e.Failure.Code.Tag()
}

// Happened is always No: the market refuses before it changes anything.
func (e *MarketError) Happened() agent.Happened { return agent.No }

// Retry reports whether the same call may succeed later.
func (e *MarketError) Retry() bool { return e.Failure.Retry }

// LieError says that an answer contradicts what was sent or what is certified: a node,
// a gateway or the market itself is wrong.
type LieError struct{ What string }

// Error says what contradicts what.
func (e *LieError) Error() string { return "answer refused: " + e.What }

func lie(format string, args ...any) error { return &LieError{fmt.Sprintf(format, args...)} }

// Quote is the price of a job in cycles at this moment. It binds nobody: a submit names
// the most that it pays.
func (c *Client) Quote(ctx context.Context, model commitment.Hash, items uint32, redundancy uint8) (candid.Nat, error) {
	out, err := c.canister.Quote(ctx, marketapi.QuoteArg{Model: model[:], Items: items, Redundancy: redundancy})
	if err != nil {
		return candid.Nat{}, fmt.Errorf("quote: %w", err)
	}
	if out.Err != nil {
		return candid.Nat{}, fmt.Errorf("quote: %w", &MarketError{*out.Err})
	}
	return *out.Ok, nil
}

// hash reads a hash field of an answer.
func hash(b []byte, what string) (h commitment.Hash, err error) {
	if len(b) != len(h) {
		return h, lie("%s has %d bytes, want %d", what, len(b), len(h))
	}
	copy(h[:], b)
	return h, nil
}
