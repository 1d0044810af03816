package book

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/commitment"
)

func TestOneProvider(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	seq := h.submit(submission(2, 1))
	price := Cycles(1_000_003 + 2*500_001)
	h.balanceOf(Account{Kind: Escrow, ID: seq}, int64(price))
	h.wantState(seq, Submitted)
	h.draw(7)
	j := h.wantState(seq, Assigned)
	if len(j.Assigned) != 1 || j.Phase != DeliverPhase || j.Attempt != 1 || !bytes.Equal(j.Beacon, beaconOf(7)) {
		t.Fatalf("assigned %+v", j)
	}
	worker, operator := j.Assigned[0].Worker, j.Assigned[0].Operator
	if as := h.b.Assignments(operator); len(as) != 1 || as[0].Commitment.Phase != "deliver" {
		t.Fatalf("assignments %+v", as)
	}
	h.ok(h.b.Deliver(h.call(worker), seq, 1, output(2, 1)))
	j = h.wantState(seq, Provisional)
	if diff := cmp.Diff([]commitment.Claim{{Word: "signed", Detail: "1 worker's registered key"}}, j.Evidence); diff != "" {
		t.Error(diff)
	}
	if _, out, err := h.b.Result(seq); err != nil || len(out) != 2 {
		t.Errorf("result %v, %v", out, err)
	}
	h.advance(h.params.Window - 1)
	h.tick()
	h.wantState(seq, Provisional)
	h.advance(1)
	h.tick()
	h.wantState(seq, Final)
	treasury, royalty := price/10, price*50/1000
	each := price - treasury - royalty
	h.balanceOf(Account{Kind: Earned, Owner: operator}, int64(each))
	h.balanceOf(Account{Kind: Royalty, Owner: "publisher\x02"}, int64(royalty))
	h.balanceOf(Account{Kind: Treasury}, int64(treasury))
	r := must1(h.b.Receipt(seq))
	want := []commitment.Claim{{Word: "signed", Detail: "1 worker's registered key"}, {Word: "window closed", Detail: "no challenge within 10s"}}
	if diff := cmp.Diff(want, r.Evidence); diff != "" {
		t.Error(diff)
	}
	if len(r.Executors) != 1 || string(r.Executors[0]) != string(worker) || r.State != "final" {
		t.Errorf("receipt %+v", r)
	}
	if d := h.b.Due(h.now); d != (Due{}) {
		t.Errorf("a market at rest wants %+v", d)
	}
}

func TestTwoProvidersAgree(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	seq := h.submit(submission(1, 2))
	h.draw(1)
	j := h.wantState(seq, Assigned)
	if j.Phase != CommitPhase || len(j.Assigned) != 2 {
		t.Fatalf("%+v", j)
	}
	out := output(1, 5)
	h.ok(h.b.Commit(h.call(j.Assigned[0].Worker), seq, 1, h.commitOf(j, j.Assigned[0], out, testSalt(0))))
	before := h.dump()
	_, err := h.b.Reveal(h.call(j.Assigned[0].Worker), seq, 1, out, testSalt(0))
	h.refused(WrongState, before, err)
	h.ok(h.b.Commit(h.call(j.Assigned[1].Worker), seq, 1, h.commitOf(j, j.Assigned[1], out, testSalt(1))))
	if j := h.b.job(seq); j.Phase != RevealPhase || j.Deadline != h.now+h.params.RevealTimeout {
		t.Fatalf("after all commits: %s until %d", j.Phase, j.Deadline)
	}
	h.reveal(seq, 1, out)
	h.wantState(seq, Assigned)
	h.reveal(seq, 0, out)
	j = h.wantState(seq, Provisional)
	want := []commitment.Claim{{Word: "signed", Detail: "2 workers' registered keys"}, {Word: "agreed", Detail: "2 commits of 2 operators"}}
	if diff := cmp.Diff(want, j.Evidence); diff != "" {
		t.Error(diff)
	}
	h.advance(h.params.Window)
	h.tick()
	h.wantState(seq, Final)
	price := int64(2 * (1_000_003 + 500_001))
	royalty := price * 50 / 1000
	each := (price - price/10 - royalty) / 2
	h.balanceOf(Account{Kind: Earned, Owner: j.Assigned[0].Operator}, each)
	h.balanceOf(Account{Kind: Earned, Owner: j.Assigned[1].Operator}, each)
	h.balanceOf(Account{Kind: Treasury}, price-royalty-2*each)
}

func TestDifferentRevealsPayNobody(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	seq := h.submit(submission(1, 2))
	h.draw(1)
	h.commitAll(seq, output(1, 1), output(1, 2))
	h.reveal(seq, 0, output(1, 1))
	h.reveal(seq, 1, output(1, 2))
	j := h.wantState(seq, Disputed)
	h.balanceOf(Account{Kind: User, Owner: testApp}, int64(j.Price))
	for i := range 2 {
		h.balanceOf(Account{Kind: Earned, Owner: provider(i).Operator}, 0)
	}
	r := must1(h.b.Receipt(seq))
	if r.State != "disputed" || len(r.Shares) != 1 || r.Shares[0].Account != "refund" || r.Output != (commitment.Hash{}) || len(r.Evidence) != 0 {
		t.Errorf("receipt %+v", r)
	}
	if *j.Deliveries[0].OutputRoot == *j.Deliveries[1].OutputRoot {
		t.Error("the deliveries do not tell the outputs apart")
	}
	_, _, err := h.b.Result(seq)
	h.refused(WrongState, h.dump(), err)
}

// TestHandingInRefuses: wrong caller, phase, attempt, time and output are told apart.
func TestHandingInRefuses(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	one, two := h.submit(submission(1, 1)), h.submit(submission(1, 2))
	h.draw(9)
	j1, j2 := h.b.job(one), h.b.job(two)
	w1, w2 := j1.Assigned[0].Worker, j2.Assigned[0].Worker
	good := output(1, 1)
	nan, inf := output(1, float32(math.NaN())), output(1, float32(math.Inf(-1)))
	shape, dtype, short := output(1, 1), output(1, 1), output(1, 1)
	shape[0].Shape, dtype[0].DType, short[0].Data = []uint64{1, 2}, commitment.Int32, short[0].Data[:4]
	deliver := func(p Principal, seq uint64, attempt uint32, out []Tensor) error {
		_, err := h.b.Deliver(h.call(p), seq, attempt, out)
		return err
	}
	for name, c := range map[string]struct {
		err  func() error
		want Code
	}{
		"no such job":        {func() error { return deliver(w1, 99, 1, good) }, UnknownJob},
		"stranger":           {func() error { return deliver("stranger\x02", one, 1, good) }, NotPermitted},
		"operator's key":     {func() error { return deliver(j1.Assigned[0].Operator, one, 1, good) }, NotPermitted},
		"future attempt":     {func() error { return deliver(w1, one, 2, good) }, StaleAttempt},
		"too few tensors":    {func() error { return deliver(w1, one, 1, nil) }, WrongOutput},
		"too many tensors":   {func() error { return deliver(w1, one, 1, output(2, 1)) }, WrongOutput},
		"another shape":      {func() error { return deliver(w1, one, 1, shape) }, WrongOutput},
		"another type":       {func() error { return deliver(w1, one, 1, dtype) }, WrongOutput},
		"short data":         {func() error { return deliver(w1, one, 1, short) }, WrongOutput},
		"NaN":                {func() error { return deliver(w1, one, 1, nan) }, WrongOutput},
		"infinity":           {func() error { return deliver(w1, one, 1, inf) }, WrongOutput},
		"deliver for commit": {func() error { return deliver(w2, two, 1, good) }, WrongState},
		"commit for deliver": {func() error { _, err := h.b.Commit(h.call(w1), one, 1, commitment.Hash{}); return err }, WrongState},
		"reveal for deliver": {func() error { _, err := h.b.Reveal(h.call(w1), one, 1, good, testSalt(0)); return err }, WrongState},
		"stranger declines":  {func() error { _, err := h.b.Decline(h.call("stranger\x02"), one, 1, false, ""); return err }, NotPermitted},
		"long reason":        {func() error { _, err := h.b.Decline(h.call(w1), one, 1, false, strings.Repeat("x", 201)); return err }, TooLarge},
	} {
		before := h.dump()
		t.Log(name)
		h.refused(c.want, before, c.err())
	}
	h.ok(h.b.Deliver(h.call(w1), one, 1, good))
	h.refused(Duplicate, h.dump(), deliver(w1, one, 1, good))
	h.commitAll(two, good, good)
	_, err := h.b.Commit(h.call(w2), two, 1, commitment.Hash{})
	h.refused(Duplicate, h.dump(), err)
	_, err = h.b.Reveal(h.call(w2), two, 1, good, testSalt(1))
	h.refused(WrongOutput, h.dump(), err)
	_, err = h.b.Reveal(h.call(w2), two, 1, output(1, 2), testSalt(0))
	h.refused(WrongOutput, h.dump(), err)
	_, err = h.b.Reveal(h.call(w2), two, 1, good, nil)
	h.refused(BadInput, h.dump(), err)
	h.reveal(two, 0, good)
	_, err = h.b.Reveal(h.call(w2), two, 1, good, testSalt(0))
	h.refused(Duplicate, h.dump(), err)
	_, err = h.b.Decline(h.call(w2), two, 1, false, "too late")
	h.refused(Duplicate, h.dump(), err)
}

// TestSilenceIsNeverPaid: each deadline's default, up to the last attempt.
func TestSilenceIsNeverPaid(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	seq := h.submit(submission(1, 1))
	var seen []Principal
	for attempt := uint32(1); attempt <= 3; attempt++ {
		h.draw(byte(attempt))
		j := h.wantState(seq, Assigned)
		if j.Attempt != attempt || slices.Contains(seen, j.Assigned[0].Operator) {
			t.Fatalf("attempt %d of %d goes to %q after %q", j.Attempt, attempt, j.Assigned[0].Operator, seen)
		}
		seen = append(seen, j.Assigned[0].Operator)
		h.advance(h.params.DeliveryTimeout + 1)
		_, err := h.b.Deliver(h.call(j.Assigned[0].Worker), seq, attempt, output(1, 1))
		h.refused(StaleAttempt, h.dump(), err)
		h.tick()
		if attempt < 3 {
			_, err := h.b.Deliver(h.call(j.Assigned[0].Worker), seq, attempt, output(1, 1))
			h.refused(StaleAttempt, h.dump(), err)
		}
	}
	j := h.wantState(seq, Failed)
	h.balanceOf(Account{Kind: User, Owner: testApp}, int64(j.Price))
	if !strings.Contains(j.Message, "did not deliver in time") {
		t.Errorf("message %q", j.Message)
	}
}

func TestUnrevealedCommitIsRedrawn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	seq := h.submit(submission(1, 2))
	h.draw(1)
	out := output(1, 1)
	h.commitAll(seq, out, out)
	h.reveal(seq, 0, out)
	silent := h.b.job(seq).Assigned[1]
	h.advance(h.params.RevealTimeout)
	h.tick()
	j := h.wantState(seq, Submitted)
	if j.Attempt != 2 || !slices.Equal(j.Excluded, []Principal{silent.Operator}) {
		t.Fatalf("attempt %d excludes %q, want 2 and %q", j.Attempt, j.Excluded, silent.Operator)
	}
	h.draw(2)
	j = h.wantState(seq, Assigned)
	if slices.ContainsFunc(j.Assigned, func(s Seat) bool { return s == silent }) {
		t.Error("the silent provider was drawn again though others are there")
	}
	h.commitAll(seq, out, out)
	h.reveal(seq, 0, out)
	h.reveal(seq, 1, out)
	h.wantState(seq, Provisional)
}

func TestSilentIsDrawnWhenNobodyElseIsThere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	seq := h.submit(submission(1, 1))
	h.draw(1)
	h.advance(h.params.DeliveryTimeout)
	h.tick()
	h.draw(2)
	h.wantState(seq, Assigned)
}

func TestDecline(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	seq := h.submit(submission(1, 1))
	h.draw(1)
	first := h.b.job(seq).Assigned[0]
	h.ok(h.b.Decline(h.call(first.Worker), seq, 1, false, "no such model here"))
	h.wantState(seq, Submitted)
	h.draw(1)
	if second := h.wantState(seq, Assigned).Assigned[0]; second == first {
		t.Error("the provider that declined was drawn again")
	}
}

// TestStandingStillDoesNotCount: the time in which the market heard nothing is added to
// every open deadline, in the certified assignments too.
func TestStandingStillDoesNotCount(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	seq := h.submit(submission(1, 1))
	h.draw(1)
	deadline := h.b.job(seq).Deadline
	h.advance(3600 * second)
	h.tick()
	j := h.wantState(seq, Assigned)
	if j.Deadline != deadline+3600*second {
		t.Errorf("deadline moved by %d", j.Deadline-deadline)
	}
	h.advance(7200 * second)
	h.ok(h.b.Deliver(h.call(j.Assigned[0].Worker), seq, 1, output(1, 1)))
	h.wantState(seq, Provisional)
}
