package book

import (
	"slices"
	"strings"
	"testing"
)

// TestRefusedInput: the requester reads why, and no attempt is burnt once enough
// providers say that the input is at fault.
func TestRefusedInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		providers  int
		redundancy uint8
		attempts   uint32
	}{
		"the only provider":                {1, 1, 1},
		"a second opinion":                 {3, 1, 2},
		"both of two":                      {2, 2, 1},
		"two of many":                      {4, 2, 1},
		"three providers, three at a time": {3, 3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, c.providers)
			seq := h.submit(submission(1, c.redundancy))
			var refusers []string
			for attempt := uint32(1); attempt <= c.attempts; attempt++ {
				h.draw(byte(attempt))
				for _, s := range h.wantState(seq, Assigned).Assigned {
					h.wantState(seq, Assigned)
					reason := "item 0: of no use, says " + h.b.name(s)
					refusers = append(refusers, h.b.name(s)+": "+reason)
					h.ok(h.b.Decline(h.call(s.Worker), seq, attempt, true, reason))
				}
			}
			j := h.wantState(seq, Failed)
			if j.Attempt != c.attempts || len(j.Deliveries) != 0 {
				t.Errorf("it ended in attempt %d, want %d", j.Attempt, c.attempts)
			}
			for _, reason := range refusers {
				if !strings.Contains(j.Message, reason) {
					t.Errorf("the message %q lacks %q", j.Message, reason)
				}
			}
			h.balanceOf(Account{Kind: User, Owner: testApp}, int64(j.Price))
		})
	}
}

// TestRefusalIsHeardOut: of two providers one refuses the input, the other commits: they
// disagree, so others are asked; a refused seat can do nothing more in its attempt.
func TestRefusalIsHeardOut(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 4)
	seq := h.submit(submission(1, 2))
	h.draw(1)
	j := h.b.job(seq)
	first, second := j.Assigned[0], j.Assigned[1]
	h.ok(h.b.Decline(h.call(first.Worker), seq, 1, true, "unreadable"))
	h.wantState(seq, Assigned)
	h.wantAssignments(first.Operator, 0)
	h.wantAssignments(second.Operator, 1)
	_, err := h.b.Decline(h.call(first.Worker), seq, 1, true, "unreadable")
	h.refused(Duplicate, h.dump(), err)
	commit := h.commitOf(j, first, output(1, 1), testSalt(0))
	_, err = h.b.Commit(h.call(first.Worker), seq, 1, commit)
	h.refused(WrongState, h.dump(), err)
	h.ok(h.b.Commit(h.call(second.Worker), seq, 1, h.commitOf(j, second, output(1, 1), testSalt(1))))
	h.wantState(seq, Submitted)
	h.draw(2)
	j = h.wantState(seq, Assigned)
	if j.Attempt != 2 || slices.Contains(j.Assigned, first) {
		t.Errorf("attempt %d has %v", j.Attempt, j.Assigned)
	}
}

// TestRefusalThenSilence: the deadline of an attempt in which one refused and the other
// was silent blames the silent one alone, and excludes both.
func TestRefusalThenSilence(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	seq := h.submit(submission(1, 2))
	for attempt := uint32(1); attempt <= h.params.MaxAttempts; attempt++ {
		h.draw(byte(attempt))
		s := h.b.job(seq).Assigned[0]
		h.ok(h.b.Decline(h.call(s.Worker), seq, attempt, true, "unreadable"))
		h.advance(h.params.DeliveryTimeout + 1)
		h.tick()
	}
	j := h.wantState(seq, Failed)
	if !strings.Contains(j.Message, "unreadable") || !strings.Contains(j.Message, "did not commit in time") || strings.Contains(j.Message, "provider 0, provider 1") {
		t.Errorf("it failed with %q", j.Message)
	}
}

// TestDeclineReasonReachesTheRequester also when the provider is at fault, bounded in
// length and the last one of each.
func TestDeclineReasonReachesTheRequester(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	seq := h.submit(submission(1, 1))
	for attempt := uint32(1); attempt <= h.params.MaxAttempts; attempt++ {
		h.draw(byte(attempt))
		reason := strings.Repeat(string('a'+rune(attempt)), maxReason)
		h.ok(h.b.Decline(h.call(provider(0).Worker), seq, attempt, false, reason))
	}
	j := h.wantState(seq, Failed)
	if !strings.Contains(j.Message, "provider 0: ddd") || strings.Contains(j.Message, "bbb") || len(j.Message) > maxWords+200 {
		t.Errorf("it failed with %q", j.Message)
	}
}

func (h *harness) wantAssignments(operator Principal, n int) {
	h.t.Helper()
	if got := len(h.b.Assignments(operator)); got != n {
		h.t.Errorf("%q has %d assignments, want %d", operator, got, n)
	}
}
