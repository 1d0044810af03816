package client

import (
	"bytes"
	"context"
	"fmt"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/principal"
	"assay/inference/pipeline"
)

// Backend computes items of one model; an inference pipeline's model is one.
type Backend interface {
	Run(ctx context.Context, item pipeline.Item) (pipeline.Tensor, error)
}

// Replay is a job computed again.
type Replay struct {
	Job        marketapi.Job
	Output     commitment.Hash   // root of the recomputed output
	Items      []commitment.Hash // its items' roots
	Deliveries []Verdict         // of all attempts, in the market's order
	Certified  bool              // the input hash stands in the job's certified receipt
}

// Verdict compares one delivery with the recomputed output.
type Verdict struct {
	Operator, Worker principal.Principal
	Attempt          uint32
	Shown            *commitment.Hash // nil: committed or assigned, output never shown
	Equal            bool
}

// Wrong are the deliveries whose output differs from the recomputed one.
func (r Replay) Wrong() []Verdict {
	var out []Verdict
	for _, d := range r.Deliveries {
		if d.Shown != nil && !d.Equal {
			out = append(out, d)
		}
	}
	return out
}

// Replay fetches a job's input, compares it with its hash (the receipt's, if the job is
// settled), computes the output with the backend, which must run the job's model, and
// compares every delivery with it.
func (c *Client) Replay(ctx context.Context, seq uint64, backend Backend) (Replay, error) {
	r, err := c.replay(ctx, seq, backend)
	if err != nil {
		return Replay{}, fmt.Errorf("replay job %d: %w", seq, err)
	}
	return r, nil
}

func (c *Client) replay(ctx context.Context, seq uint64, backend Backend) (r Replay, err error) {
	if r.Job, err = c.Job(ctx, seq); err != nil {
		return r, err
	}
	want := r.Job.InputHash
	if Settled(r.Job) {
		bundle, err := c.receipt(ctx, seq)
		if err != nil {
			return r, err
		}
		receipt, err := c.check(bundle)
		if err != nil {
			return r, err
		}
		if receipt.Job.Seq != seq {
			return r, lie("the receipt is of job %d", receipt.Job.Seq)
		}
		if !bytes.Equal(receipt.Model, r.Job.Model) {
			return r, lie("the job is of model %x, its receipt of %x", r.Job.Model, receipt.Model)
		}
		want, r.Certified = receipt.Input, true
	}
	items, err := c.input(ctx, seq, want)
	if err != nil {
		return r, err
	}
	if r.Items, err = compute(ctx, backend, items); err != nil {
		return r, err
	}
	r.Output = commitment.OutputRoot(r.Items)
	r.Deliveries, err = compare(r.Job.Deliveries, r.Output)
	return r, err
}

// input fetches a job's items and checks that they are the committed ones.
func (c *Client) input(ctx context.Context, seq uint64, want []byte) ([]marketapi.Item, error) {
	out, err := c.canister.JobInput(ctx, seq)
	if err != nil {
		return nil, err
	}
	if out.Err != nil {
		return nil, &MarketError{*out.Err}
	}
	if out.Ok.Inline == nil {
		return nil, fmt.Errorf("the input is %s: it cannot be replayed from the market alone", out.Ok.Tag())
	}
	got, err := inputHash(*out.Ok.Inline)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(got[:], want) {
		return nil, lie("the input hashes to %s, the job's is %x", got, want)
	}
	return *out.Ok.Inline, nil
}

func compute(ctx context.Context, backend Backend, items []marketapi.Item) ([]commitment.Hash, error) {
	roots := make([]commitment.Hash, len(items))
	for i, item := range items {
		var in pipeline.Item
		if item.Text != nil {
			in.Text = *item.Text
		} else {
			in.Tokens = *item.Tokens
		}
		tensor, err := backend.Run(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("compute item %d: %w", i, err)
		}
		if roots[i], err = tensor.Root(); err != nil {
			return nil, fmt.Errorf("compute item %d: %w", i, err)
		}
	}
	return roots, nil
}

func compare(deliveries []marketapi.Delivery, output commitment.Hash) ([]Verdict, error) {
	verdicts := make([]Verdict, len(deliveries))
	for i, d := range deliveries {
		verdicts[i] = Verdict{Operator: d.Operator, Worker: d.Worker, Attempt: d.Attempt}
		if d.OutputRoot == nil {
			continue
		}
		shown, err := hash(*d.OutputRoot, "delivered output root")
		if err != nil {
			return nil, err
		}
		verdicts[i].Shown, verdicts[i].Equal = &shown, shown == output
	}
	return verdicts, nil
}
