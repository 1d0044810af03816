package cli

import (
	"strings"
	"testing"

	"assay/canisters/market/marketapi"
	"assay/ic/candid"
	"assay/ic/principal"
)

func settledJob() (marketapi.Job, []marketapi.Event) {
	root := make([]byte, 32)
	one, two := principal.SelfAuthenticating([]byte("1")), principal.SelfAuthenticating([]byte("2"))
	job := marketapi.Job{
		Id: marketapi.JobId{Seq: 7}, State: &marketapi.JobState{Final: true}, Redundancy: 2, Attempt: 1,
		Deliveries: []marketapi.Delivery{{Operator: one, Attempt: 1, OutputRoot: &root}, {Operator: two, Attempt: 1, OutputRoot: &root}},
	}
	var events []marketapi.Event
	for _, kind := range []string{"submitted", "assigned", "committed", "committed", "revealed", "revealed", "provisional", "final"} {
		events = append(events, marketapi.Event{Kind: kind})
	}
	return job, events
}

// TestAuditJob: whatever happened twice, too seldom or for no reason is found.
func TestAuditJob(t *testing.T) {
	t.Parallel()
	job, events := settledJob()
	if line, err := auditJob(job, events, "final"); err != nil || line != "job 7: final, attempt 1, outputs 2 of 2, settled 1 time" {
		t.Errorf("%q, %v", line, err)
	}
	for name, c := range map[string]struct {
		change func(*marketapi.Job, *[]marketapi.Event)
		text   string
	}{
		"not final":      {func(j *marketapi.Job, _ *[]marketapi.Event) { j.State = &marketapi.JobState{Failed: true} }, "it is failed"},
		"settled twice":  {func(_ *marketapi.Job, e *[]marketapi.Event) { *e = append(*e, marketapi.Event{Kind: "final"}) }, "settled 2 times"},
		"never settled":  {func(_ *marketapi.Job, e *[]marketapi.Event) { *e = (*e)[:7] }, "settled 0 times"},
		"revealed again": {func(_ *marketapi.Job, e *[]marketapi.Event) { *e = append(*e, marketapi.Event{Kind: "revealed"}) }, "3 were revealed"},
		"no reason for a second attempt": {func(j *marketapi.Job, e *[]marketapi.Event) {
			j.Attempt = 2
			*e = append(*e, marketapi.Event{Kind: "redraw", Detail: "declined by alpha"})
		}, "attempt 2"},
		"an output missing": {func(j *marketapi.Job, _ *[]marketapi.Event) { j.Deliveries = j.Deliveries[:1] }, "1 outputs"},
		"one provider twice": {func(j *marketapi.Job, _ *[]marketapi.Event) {
			j.Deliveries[1].Operator = j.Deliveries[0].Operator
		}, "2 outputs of 1"},
	} {
		job, events := settledJob()
		c.change(&job, &events)
		if _, err := auditJob(job, events, "final"); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %q", name, err, c.text)
		}
	}
	job, events = settledJob()
	job.Attempt = 2
	for i := range job.Deliveries {
		job.Deliveries[i].Attempt = 2
	}
	events = append(events, marketapi.Event{Kind: "redraw", Detail: "alpha did not commit in time"})
	if _, err := auditJob(job, events, "final"); err != nil {
		t.Errorf("a deadline that passed: %v", err)
	}
}

func TestPaidOnce(t *testing.T) {
	t.Parallel()
	a := audit{paid: candid.NewNat(300)}
	account := func(name string, n int64) marketapi.Account {
		return marketapi.Account{Name: name, Balance: candid.NewInt(n)}
	}
	books := marketapi.Books{Accounts: []marketapi.Account{account("world", -500), account("provider:x", 200), account("publisher:y", 60), account("treasury", 40), account("user:z", 200)}}
	if err := a.paidOnce(books); err != nil {
		t.Error(err)
	}
	books.Accounts[1] = account("provider:x", 400)
	if err := a.paidOnce(books); err == nil {
		t.Error("a job that was paid twice is not noticed")
	}
}
