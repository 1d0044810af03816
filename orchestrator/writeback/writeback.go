// Package writeback brings results to the market: it commits, reveals or delivers, and
// says when a provider cannot. A call whose fate is unknown is made again: the market
// answers a repetition with the same verdict, so nothing is delivered twice.
package writeback

import (
	"context"
	"fmt"
	"strings"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/orchestrator/poll"
	"assay/orchestrator/run"
	"assay/orchestrator/verify"
)

// Outcome is what became of a call.
type Outcome uint8

// The outcomes.
const (
	Written Outcome = iota // the market has it
	Refused                // the market will never take it: drop the ticket
	Later                  // try again
)

// Writer calls the market with the worker's identity.
type Writer struct {
	Market   marketapi.Client[context.Context]
	Provider poll.Provider
}

// Write brings the result of a ticket to the market in the ticket's phase. The error says
// why it was refused or should be tried later.
func (w Writer) Write(ctx context.Context, t poll.Ticket, r verify.Result) (Outcome, error) {
	switch t.Phase {
	case poll.Commit:
		hash := commitment.Commit(w.Provider.Work(t), r.Root, r.Salt)
		a, err := w.Market.Commit(ctx, marketapi.CommitArg{Job: t.Job, Attempt: t.Attempt, Commit: hash[:]})
		return judge("commit to", t, a.Err, err)
	case poll.Reveal:
		a, err := w.Market.Reveal(ctx, marketapi.RevealArg{Job: t.Job, Attempt: t.Attempt, Output: r.Output, Salt: r.Salt})
		return judge("reveal", t, a.Err, err)
	default:
		a, err := w.Market.Deliver(ctx, marketapi.DeliverArg{Job: t.Job, Attempt: t.Attempt, Output: r.Output})
		return judge("deliver", t, a.Err, err)
	}
}

// maxReason is the longest reason in bytes that the market takes.
const maxReason = 200

// Decline tells the market that this provider will not compute the ticket.
func (w Writer) Decline(ctx context.Context, t poll.Ticket, why *run.CannotError) (Outcome, error) {
	reason := strings.ToValidUTF8(why.Reason, "?")
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") // a cut may hit the middle of a letter
	}
	cause := &marketapi.DeclineCause{Provider: !why.Input, Input: why.Input}
	a, err := w.Market.Decline(ctx, marketapi.DeclineArg{Job: t.Job, Attempt: t.Attempt, Reason: reason, Cause: cause})
	return judge("decline", t, a.Err, err)
}

func judge(what string, t poll.Ticket, f *marketapi.Failure, err error) (Outcome, error) {
	switch {
	case err != nil:
		// Whatever did not come from the market itself may go away; the ticket's deadline ends it.
		return Later, fmt.Errorf("%s job %d, attempt %d: %w", what, t.Job, t.Attempt, err)
	case f == nil:
		return Written, nil
	case f.Code != nil && f.Code.Duplicate:
		return Written, nil // an earlier call of ours arrived although its answer did not
	case f.Retry:
		return Later, fmt.Errorf("%s job %d, attempt %d: %s", what, t.Job, t.Attempt, f.Message)
	}
	return Refused, fmt.Errorf("%s job %d, attempt %d: %s", what, t.Job, t.Attempt, f.Message)
}
