package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"assay/canisters/market/marketapi"
	"assay/client"
	"assay/ic/candid"
)

// shownJobs is how many jobs the demo lists one by one.
const shownJobs = 40

// audit is what the market says of all its jobs at the end of the story.
type audit struct {
	final, disputed, failed int
	providers               int
	paid                    candid.Nat // prices of the final jobs
	lines                   []string   // one per job
}

func (a audit) jobs() int { return a.final + a.disputed + a.failed }

// auditJobs asks the market for every job and its events, and fails when one is not as
// the story has to leave it: final, or disputed if it is that one job; delivered by as
// many providers as were drawn and settled, each once.
func auditJobs(ctx context.Context, market marketapi.Client[context.Context], disputed uint64) (a audit, err error) {
	providers, err := market.Providers(ctx)
	if err != nil {
		return a, err
	}
	a.providers = len(providers)
	for seq := uint64(1); ; seq++ {
		job, err := market.Job(ctx, seq)
		if err != nil {
			return a, err
		}
		if job == nil {
			return a, nil
		}
		events, err := jobEvents(ctx, market, seq)
		if err != nil {
			return a, err
		}
		want := "final"
		if seq == disputed {
			want = "disputed"
		}
		line, err := auditJob(*job, events, want)
		if err != nil {
			return a, fmt.Errorf("job %d: %w", seq, err)
		}
		a.add(*job, line)
	}
}

func (a *audit) add(job marketapi.Job, line string) {
	a.lines = append(a.lines, line)
	switch {
	case job.State.Final:
		a.final++
		a.paid, _ = a.paid.Add(job.Price)
	case job.State.Disputed:
		a.disputed++
	default:
		a.failed++
	}
}

// jobEvents are all events of one job.
func jobEvents(ctx context.Context, market marketapi.Client[context.Context], seq uint64) (all []marketapi.Event, err error) {
	const page = 500
	for from := uint64(0); ; from = all[len(all)-1].Seq + 1 {
		events, err := market.Events(ctx, marketapi.EventsArg{Job: &seq, From: from, Limit: page})
		if all = append(all, events...); err != nil || len(events) < page {
			return all, err
		}
	}
}

// auditJob holds one settled job against its events, and says it in a line.
func auditJob(job marketapi.Job, events []marketapi.Event, want string) (string, error) {
	if state := client.State(job); state != want {
		return "", fmt.Errorf("it is %s, not %s: %s", state, want, job.Message)
	}
	count := map[string]int{}
	late := 0 // redraws because a deadline passed; no other is expected
	for _, e := range events {
		count[e.Kind]++
		if e.Kind == "redraw" && strings.Contains(e.Detail, "in time") {
			late++
		}
	}
	settled := count["final"] + count["disputed"] + count["failed"]
	if settled != 1 || count[want] != 1 {
		return "", fmt.Errorf("it was settled %d times, %d times as %s", settled, count[want], want)
	}
	if count["redraw"] != late || int(job.Attempt) != 1+late {
		return "", fmt.Errorf("attempt %d after %d redraws, %d of them by a deadline", job.Attempt, count["redraw"], late)
	}
	kind := "delivered"
	if job.Redundancy > 1 {
		kind = "revealed"
	}
	if late == 0 && count[kind] != int(job.Redundancy) {
		return "", fmt.Errorf("%d were %s, %d providers were drawn", count[kind], kind, job.Redundancy)
	}
	var delivered []string
	for _, d := range job.Deliveries {
		if d.Attempt == job.Attempt && d.OutputRoot != nil {
			delivered = append(delivered, d.Operator.String())
		}
	}
	n := len(delivered)
	slices.Sort(delivered)
	if providers := len(slices.Compact(delivered)); n != int(job.Redundancy) || providers != n {
		return "", fmt.Errorf("%d outputs of %d providers, %d were drawn", n, providers, job.Redundancy)
	}
	return fmt.Sprintf("job %d: %s, attempt %d, outputs %d of %d, settled %d time", job.Id.Seq, want, job.Attempt, n, job.Redundancy, settled), nil
}

// paidOnce holds what providers, publishers and treasury have against the final jobs'
// prices: more would be a job settled twice. Nothing was withdrawn in the story.
func (a audit) paidOnce(b marketapi.Books) error {
	var paid candid.Nat
	for _, account := range b.Accounts {
		kind, _, _ := strings.Cut(account.Name, ":")
		if kind != "provider" && kind != "publisher" && kind != "treasury" {
			continue
		}
		n, err := candid.ParseNat(account.Balance.String())
		if err != nil {
			return fmt.Errorf("account %s holds %s: %w", account.Name, account.Balance, err)
		}
		paid, _ = paid.Add(n)
	}
	if paid.Cmp(a.paid) != 0 {
		return fmt.Errorf("%s cycles were paid out for final jobs of %s in all", paid, a.paid)
	}
	return nil
}
