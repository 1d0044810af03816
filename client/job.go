package client

import (
	"context"
	"errors"
	"fmt"

	"assay/canisters/market/marketapi"
	"assay/canisters/market/payload"
	"assay/commitment"
)

// ErrUnknownJob: the market knows no job of this number.
var ErrUnknownJob = errors.New("the market knows no such job")

// Job is what the market says of a job. One node answered; for certainty see [Client.Receipt].
func (c *Client) Job(ctx context.Context, seq uint64) (marketapi.Job, error) {
	job, err := c.canister.Job(ctx, seq)
	if err != nil {
		return marketapi.Job{}, fmt.Errorf("job %d: %w", seq, err)
	}
	if job == nil {
		return marketapi.Job{}, fmt.Errorf("job %d: %w", seq, ErrUnknownJob)
	}
	if job.Id.Market != c.market || job.Id.Seq != seq {
		return marketapi.Job{}, fmt.Errorf("job %d: %w", seq, lie("it is job %d of market %s", job.Id.Seq, job.Id.Market))
	}
	return *job, nil
}

// State is the job's state in a word, "unknown" when this version has no word for it.
func State(job marketapi.Job) string {
	if job.State == nil {
		return "unknown"
	}
	return job.State.Tag()
}

// Settled reports whether the job will not change again; a receipt exists then.
func Settled(job marketapi.Job) bool {
	return job.State != nil && (job.State.Final || job.State.Disputed || job.State.Failed)
}

// Result is a job's output, recomputed to its root.
type Result struct {
	Job    marketapi.Job
	Output []marketapi.Tensor // one per item
	Root   commitment.Hash    // of Output, computed here
	// Receipt is the certified receipt whose output root equals Root, nil while the job
	// is not settled: then Root only equals what one node says.
	Receipt *Bundle
}

// Result fetches a job's output and hashes it. Once the job is final the root must
// stand in its receipt, which is fetched and verified; before, in the job as a node
// tells it.
func (c *Client) Result(ctx context.Context, seq uint64) (Result, error) {
	r, err := c.result(ctx, seq)
	if err != nil {
		return Result{}, fmt.Errorf("result of job %d: %w", seq, err)
	}
	return r, nil
}

func (c *Client) result(ctx context.Context, seq uint64) (r Result, err error) {
	out, err := c.canister.Result(ctx, seq)
	if err != nil {
		return r, err
	}
	if out.Err != nil {
		return r, &MarketError{*out.Err}
	}
	r.Job, r.Output = out.Ok.Job, out.Ok.Output
	if r.Job.Id.Market != c.market || r.Job.Id.Seq != seq {
		return r, lie("it is of job %d of market %s", r.Job.Id.Seq, r.Job.Id.Market)
	}
	if uint64(len(r.Output)) != uint64(r.Job.Items) {
		return r, lie("%d tensors for %d items", len(r.Output), r.Job.Items)
	}
	if r.Root, err = OutputRoot(r.Output); err != nil {
		return r, err
	}
	if !Settled(r.Job) {
		return r, same("output root", r.Job.OutputRoot, r.Root)
	}
	if r.Receipt, err = c.receipt(ctx, seq); err != nil {
		return r, err
	}
	receipt, err := c.check(r.Receipt)
	if err != nil {
		return r, err
	}
	if receipt.Job.Seq != seq {
		return r, lie("the receipt is of job %d", receipt.Job.Seq)
	}
	if receipt.Output == nil {
		return r, lie("an output came, but the receipt (%s) names none", receipt.State)
	}
	return r, same("output root of the receipt", receipt.Output, r.Root)
}

func same(what string, got *[]byte, want commitment.Hash) error {
	if got == nil || string(*got) != string(want[:]) {
		return lie("%s is not that of the output, %s", what, want)
	}
	return nil
}

// OutputRoot commits to an output as the market does.
func OutputRoot(output []marketapi.Tensor) (commitment.Hash, error) {
	root, err := payload.OutputRoot(output)
	if err != nil {
		return root, &LieError{err.Error()}
	}
	return root, nil
}

// Events are a job's entries in the market's event log from a number on, at most limit.
func (c *Client) Events(ctx context.Context, seq, from uint64, limit uint32) ([]marketapi.Event, error) {
	events, err := c.canister.Events(ctx, marketapi.EventsArg{Job: &seq, From: from, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("events of job %d: %w", seq, err)
	}
	return events, nil
}
