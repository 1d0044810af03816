package book

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCallbacks(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	s := submission(1, 1)
	s.Callback, s.CallbackAt = "assay_result", AtProvisional
	seq := h.submit(s)
	h.draw(1)
	h.ok(h.b.Deliver(h.call(h.b.job(seq).Assigned[0].Worker), seq, 1, output(1, 1)))
	send := func(want int) {
		t.Helper()
		out, fx := h.b.Callbacks(h.call(""))
		h.ok(fx, nil)
		if len(out) != want {
			t.Fatalf("%d callbacks, want %d", len(out), want)
		}
		for _, o := range out {
			if o.Callee != testApp || o.Method != "assay_result" || len(o.Output) != 1 {
				t.Fatalf("%+v", o)
			}
		}
	}
	send(1)
	send(0)
	h.ok(h.b.CallbackDone(h.call(""), seq, "queue full", true), nil)
	send(0)
	h.advance(callbackRetry)
	send(1)
	h.advance(callbackLost) // no answer at all
	send(1)
	h.ok(h.b.CallbackDone(h.call(""), seq, "out of cycles", true), nil)
	h.advance(callbackRetry)
	send(0)
	if j := h.b.job(seq); !strings.Contains(j.CallbackNote, "can be pulled: out of cycles") {
		t.Errorf("note %q", j.CallbackNote)
	}
	h.ok(h.b.CallbackDone(h.call(""), seq, "", false), nil) // late, changes nothing
	h.tick()
	j := h.wantState(seq, Final)
	if j.CallbackNote == "delivered" || h.b.Due(h.now).Callbacks {
		t.Errorf("note %q, due %+v", j.CallbackNote, h.b.Due(h.now))
	}
}

// TestUnansweredCallback: a canister that never answers is not called for ever.
func TestUnansweredCallback(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	s := submission(1, 1)
	s.Callback, s.CallbackAt = "done", AtProvisional
	seq := h.submit(s)
	h.draw(1)
	h.ok(h.b.Deliver(h.call(h.b.job(seq).Assigned[0].Worker), seq, 1, output(1, 1)))
	sends := 0
	for range 2 * callbackSends {
		out, fx := h.b.Callbacks(h.call(""))
		h.ok(fx, nil)
		sends += len(out)
		h.advance(callbackLost)
	}
	if j := h.b.job(seq); sends != callbackSends || !strings.HasPrefix(j.CallbackNote, "no answer") || h.b.counter("callbacks") != 0 {
		t.Errorf("sent %d times, note %q", sends, j.CallbackNote)
	}
}

func TestCallbackBounds(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for range callbacksPerCallee + 2 {
		s := submission(1, 2)
		s.Redundancy, s.Callback, s.CallbackAt = 1, "done", AtFinal
		h.submit(s)
	}
	h.draw(1)
	for _, a := range h.b.Assignments(provider(0).Operator) {
		h.ok(h.b.Deliver(h.call(provider(0).Worker), a.Job.Seq, 1, output(1, 1)))
	}
	if out, _ := h.b.Callbacks(h.call("")); len(out) != 0 {
		t.Error("a callback at final is sent at provisional")
	}
	h.advance(h.params.Window)
	h.tick()
	out, fx := h.b.Callbacks(h.call(""))
	h.ok(fx, nil)
	if len(out) != callbacksPerCallee {
		t.Fatalf("%d callbacks are open to one canister, want %d", len(out), callbacksPerCallee)
	}
	h.ok(h.b.CallbackDone(h.call(""), out[0].Job.Seq, "", false), nil)
	if j := h.b.job(out[0].Job.Seq); j.CallbackNote != "delivered" {
		t.Errorf("note %q", j.CallbackNote)
	}
	if out, _ := h.b.Callbacks(h.call("")); len(out) != 1 {
		t.Errorf("%d more are sent after one ended, want 1", len(out))
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	a, b := h.submit(submission(1, 1)), h.submit(submission(1, 1))
	h.draw(1)
	all := h.b.Events(0, 0, MaxEvents)
	for i, e := range all {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has number %d", i, e.Seq)
		}
	}
	var kinds []string
	for _, e := range h.b.Events(b, 0, 10) {
		if e.Job != b {
			t.Errorf("event of job %d", e.Job)
		}
		kinds = append(kinds, e.Kind)
	}
	if diff := cmp.Diff([]string{"submitted", "drawing", "assigned"}, kinds); diff != "" {
		t.Error(diff)
	}
	last := all[len(all)-1].Seq
	if got := h.b.Events(0, last, 10); len(got) != 1 || got[0].Seq != last {
		t.Errorf("from the last: %+v", got)
	}
	if got := h.b.Events(a, 0, 1); len(got) != 1 {
		t.Errorf("limit 1 gives %d", len(got))
	}
}
