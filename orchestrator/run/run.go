// Package run computes a ticket: it fetches the job's input, compares it with the hash
// that was certified in the assignment, and gives each item to the model's backend.
// Which ticket runs when is schedule's and worker's; what a backend is, inference's.
package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assay/canisters/market/marketapi"
	"assay/canisters/market/payload"
	"assay/commitment"
	"assay/inference/pipeline"
	"assay/orchestrator/poll"
)

// Model is a backend with the dimension that its model was admitted with.
type Model struct {
	Name      string
	Dimension int
	Backend   pipeline.Backend
}

// Models are what a provider can run, by model root.
type Models map[commitment.Hash]Model

// CannotError says that this provider will never compute the ticket, so that it should
// tell the market instead of staying silent. Input says that the input is at fault, so that
// no other provider could either.
type CannotError struct {
	Reason string
	Input  bool
}

func (e *CannotError) Error() string { return e.Reason }

// Runner computes tickets, several at a time if the caller wishes.
type Runner struct {
	Market marketapi.Client[context.Context] // with the worker's identity: inputs are not public
	Models Models
}

// Output is what a ticket came to.
type Output struct {
	Tensors []pipeline.Tensor
	Model   Model
	Took    time.Duration
}

// Run computes all items of the ticket's job. A [CannotError] is final; other errors may
// go away.
func (r Runner) Run(ctx context.Context, t poll.Ticket) (Output, error) {
	model, ok := r.Models[t.Model]
	if !ok {
		return Output{}, &CannotError{Reason: fmt.Sprintf("model %s is not loaded here", t.Model)}
	}
	items, err := r.input(ctx, t)
	if err != nil {
		return Output{}, err
	}
	start := time.Now()
	out := Output{Model: model, Tensors: make([]pipeline.Tensor, len(items))}
	for i, item := range items {
		if out.Tensors[i], err = model.Backend.Run(ctx, item); err != nil {
			if ctx.Err() != nil {
				return Output{}, ctx.Err()
			}
			var input *pipeline.InputError
			return Output{}, &CannotError{Reason: fmt.Sprintf("item %d: %v", i, err), Input: errors.As(err, &input)}
		}
	}
	out.Took = time.Since(start)
	return out, nil
}

// input fetches what the requester submitted and holds it against the certified hash.
func (r Runner) input(ctx context.Context, t poll.Ticket) ([]pipeline.Item, error) {
	answer, err := r.Market.JobInput(ctx, t.Job)
	if err != nil {
		return nil, fmt.Errorf("fetch input of job %d: %w", t.Job, err)
	}
	if answer.Err != nil {
		return nil, fmt.Errorf("fetch input of job %d: %s", t.Job, answer.Err.Message)
	}
	if answer.Ok == nil || answer.Ok.Inline == nil {
		return nil, &CannotError{Reason: "the input is of a kind that this version does not know"}
	}
	hash, err := payload.InputHash(*answer.Ok.Inline)
	if err != nil {
		return nil, err
	}
	if hash != t.Input {
		return nil, fmt.Errorf("input of job %d hashes to %s, certified is %s", t.Job, hash, t.Input)
	}
	return Items(*answer.Ok.Inline), nil
}

// Items turns a submitted input into backend items.
func Items(in []marketapi.Item) []pipeline.Item {
	items := make([]pipeline.Item, len(in))
	for i, item := range in {
		if item.Text != nil {
			items[i].Text = *item.Text
		} else if item.Tokens != nil {
			items[i].Tokens = *item.Tokens
		}
	}
	return items
}
