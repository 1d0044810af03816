package writeback

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/candid"
	"assay/orchestrator/poll"
	"assay/orchestrator/run"
	"assay/orchestrator/verify"
)

// market takes every call and answers with one failure, or with none.
type market struct {
	failure *marketapi.Failure
	err     error
	method  string
	arg     []byte
}

func (m *market) Call(_ context.Context, method string, _ candid.Kind, arg []byte) ([]byte, error) {
	m.method, m.arg = method, arg
	if m.err != nil {
		return nil, m.err
	}
	switch method {
	case "commit":
		return marketapi.EncodeCommitResults(marketapi.CommitResult{Ok: m.failure == nil, Err: m.failure})
	case "reveal":
		return marketapi.EncodeRevealResults(marketapi.RevealResult{Ok: m.failure == nil, Err: m.failure})
	case "deliver":
		return marketapi.EncodeDeliverResults(marketapi.DeliverResult{Ok: m.failure == nil, Err: m.failure})
	case "decline":
		return marketapi.EncodeDeclineResults(marketapi.DeclineResult{Ok: m.failure == nil, Err: m.failure})
	}
	return nil, fmt.Errorf("unexpected call of %s", method)
}

func writer(m *market) Writer {
	return Writer{Market: marketapi.NewClient[context.Context](m), Provider: poll.Provider{Network: commitment.Hash{9}}}
}

// TestOutcomes: an unknown fate is tried again, a repetition counts as written, and only
// the market's own last word drops a result.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failure *marketapi.Failure
		err     error
		want    Outcome
	}{
		"taken":         {want: Written},
		"lost answer":   {err: errors.New("connection reset"), want: Later},
		"arrived twice": {failure: &marketapi.Failure{Code: &marketapi.FailureCode{Duplicate: true}}, want: Written},
		"busy":          {failure: &marketapi.Failure{Code: &marketapi.FailureCode{Busy: true}, Retry: true}, want: Later},
		"refused":       {failure: &marketapi.Failure{Code: &marketapi.FailureCode{BadInput: true}}, want: Refused},
		"unknown code":  {failure: &marketapi.Failure{}, want: Refused},
	} {
		for _, phase := range []string{poll.Commit, poll.Reveal, poll.Deliver} {
			m := &market{failure: c.failure, err: c.err}
			got, err := writer(m).Write(t.Context(), poll.Ticket{Job: 7, Attempt: 2, Phase: phase}, verify.Result{Salt: []byte{1}})
			if got != c.want || (err == nil) != (c.want == Written) || m.method != phase {
				t.Errorf("%s, %s: outcome %d, %v by %s; want %d", name, phase, got, err, m.method, c.want)
			}
		}
	}
}

// TestCommitHidesTheOutput: what is committed to is the hash of work, root and salt.
func TestCommitHidesTheOutput(t *testing.T) {
	t.Parallel()
	m := &market{}
	w, ticket := writer(m), poll.Ticket{Job: 7, Attempt: 2, Phase: poll.Commit, Model: commitment.Hash{1}, Input: commitment.Hash{2}}
	r := verify.Result{Root: commitment.Hash{3}, Salt: []byte("salt")}
	if _, err := w.Write(t.Context(), ticket, r); err != nil {
		t.Fatal(err)
	}
	arg, err := marketapi.DecodeCommitArgs(m.arg)
	want := commitment.Commit(w.Provider.Work(ticket), r.Root, r.Salt)
	if err != nil || string(arg.Commit) != string(want[:]) || arg.Job != 7 || arg.Attempt != 2 {
		t.Errorf("committed %+v, %v; want %s", arg, err, want)
	}
}

// TestDeclineIsShort: the market takes a reason of a sentence, not a log.
func TestDeclineIsShort(t *testing.T) {
	t.Parallel()
	m := &market{}
	if _, err := writer(m).Decline(t.Context(), poll.Ticket{Job: 7}, &run.CannotError{Reason: "a" + strings.Repeat("é", 1000)}); err != nil {
		t.Errorf("a long reason: %v", err)
	}
	if arg, err := marketapi.DecodeDeclineArgs(m.arg); err != nil || len(arg.Reason) > 200 || len(arg.Reason) < 195 {
		t.Errorf("reason of %d bytes, %v", len(arg.Reason), err)
	}
}
