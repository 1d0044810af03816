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

func TestSubmitRefuses(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		change   func(*Submission)
		attached Cycles
		liquid   Cycles
		caller   Principal
		want     Code
	}{
		"no key":              {change: func(s *Submission) { s.Key = nil }, want: BadInput},
		"long key":            {change: func(s *Submission) { s.Key = make([]byte, 33) }, want: BadInput},
		"anonymous":           {caller: anonymous, want: BadInput},
		"unknown model":       {change: func(s *Submission) { s.Model[0]++ }, want: UnknownModel},
		"tolerance":           {change: func(s *Submission) { s.Class = "tolerance" }, want: NotSupported},
		"no items":            {change: func(s *Submission) { s.Items = nil }, want: BadInput},
		"too many items":      {change: func(s *Submission) { s.Items = make([]Item, 5) }, want: TooLarge},
		"empty text":          {change: func(s *Submission) { s.Items[1].Text = "" }, want: BadInput},
		"no tokens":           {change: func(s *Submission) { s.Items[1].Tokens = []uint32{} }, want: BadInput},
		"long text":           {change: func(s *Submission) { s.Items[0].Text = strings.Repeat("x", 101) }, want: TooLarge},
		"long tokens":         {change: func(s *Submission) { s.Items[0].Tokens = make([]uint32, 26) }, want: TooLarge},
		"invalid UTF-8":       {change: func(s *Submission) { s.Items[0].Text = "a\xff" }, want: BadInput},
		"no redundancy":       {change: func(s *Submission) { s.Redundancy = 0 }, want: BadInput},
		"great redundancy":    {change: func(s *Submission) { s.Redundancy = 8 }, want: BadInput},
		"too few providers":   {change: func(s *Submission) { s.Redundancy = 3 }, want: NoProviders},
		"max price":           {change: func(s *Submission) { s.MaxPrice = 10 }, want: PriceTooLow},
		"too little attached": {attached: 10, want: NoFunds},
		"no balance":          {change: func(s *Submission) { s.FromBalance = true }, want: NoFunds},
		"callback to a user":  {change: func(s *Submission) { s.Callback, s.CallbackAt = "done", AtFinal }, caller: testAlice, want: BadInput},
		"callback to nothing": {change: func(s *Submission) { s.CallbackAt = AtFinal }, want: BadInput},
		"odd callback":        {change: func(s *Submission) { s.Callback, s.CallbackAt = "a b", AtFinal }, want: BadInput},
		"reserve not covered": {liquid: 4e9, want: Busy},
	}
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, 2)
			s := Submission{
				Key: []byte("k"), Model: commitment.ModelRoot(testManifest), Class: ClassExact, Redundancy: 1, MaxPrice: testMoney,
				Items: []Item{{Text: "a"}, {Text: "b"}},
			}
			if r.change != nil {
				r.change(&s)
			}
			c := h.paid(testApp, testMoney)
			if r.attached != 0 {
				c.Attached = r.attached
			}
			if r.liquid != 0 {
				c.Liquid = r.liquid
			}
			if r.caller != "" {
				c.Caller = r.caller
			}
			before := h.dump()
			_, _, err := h.b.Submit(c, s)
			h.refused(r.want, before, err)
		})
	}
}

func TestSubmitIsIdempotent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	s := submission(1, 1)
	first := h.submit(s)
	r, fx, err := h.b.Submit(h.paid(testApp, testMoney), s)
	h.ok(fx, err)
	if r.Seq != first || r.Accept != 0 {
		t.Errorf("a repeated key gives job %d and takes %d cycles, want job %d and none", r.Seq, r.Accept, first)
	}
	s.Items[0].Text = "another"
	before := h.dump()
	_, _, err = h.b.Submit(h.paid(testApp, testMoney), s)
	h.refused(Duplicate, before, err)
	r, fx, err = h.b.Submit(h.paid(Principal("other\x01"), testMoney), s)
	h.liquid += r.Accept
	h.ok(fx, err)
	if r.Seq == first {
		t.Error("another caller's key names the first caller's job")
	}
}

func TestBalancePays(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	n, fx, err := h.b.Deposit(h.paid(testApp, 5e9), testAlice)
	h.liquid += n
	h.ok(fx, err)
	s := submission(1, 1)
	s.FromBalance = true
	r, fx, err := h.b.Submit(h.call(testAlice), s)
	h.ok(fx, err)
	if r.Accept != 0 || h.b.Balance(testAlice) != 5e9-r.Price {
		t.Errorf("takes %d attached, leaves %d", r.Accept, h.b.Balance(testAlice))
	}
	for name, c := range map[string]struct {
		call Call
		to   Principal
		want Code
	}{
		"nothing attached": {h.call(testApp), testAlice, NoFunds},
		"for anonymous":    {h.paid(testApp, 1), anonymous, BadInput},
		"for nobody":       {h.paid(testApp, 1), "", BadInput},
		"too much":         {h.paid(testApp, MaxCycles), testAlice, TooLarge},
		"far too much":     {h.paid(testApp, math.MaxUint64), testAlice, TooLarge},
	} {
		before := h.dump()
		_, _, err := h.b.Deposit(c.call, c.to)
		t.Log(name)
		h.refused(c.want, before, err)
	}
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
		"stranger declines":  {func() error { _, err := h.b.Decline(h.call("stranger\x02"), one, 1, ""); return err }, NotPermitted},
		"long reason":        {func() error { _, err := h.b.Decline(h.call(w1), one, 1, strings.Repeat("x", 201)); return err }, TooLarge},
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
	_, err = h.b.Decline(h.call(w2), two, 1, "too late")
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
	h.ok(h.b.Decline(h.call(first.Worker), seq, 1, "no such model here"))
	h.wantState(seq, Submitted)
	h.draw(1)
	if second := h.wantState(seq, Assigned).Assigned[0]; second == first {
		t.Error("the provider that declined was drawn again")
	}
}

func TestBeacon(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	a := h.submit(submission(1, 1))
	id, request, fx := h.b.Freeze(h.call(""))
	h.ok(fx, nil)
	if !request {
		t.Fatal("no beacon requested")
	}
	h.ok(h.b.AdmitProvider(h.call(testDAO), provider(5)))
	later := h.submit(submission(1, 1))
	if _, again, _ := h.b.Freeze(h.call("")); again {
		t.Error("a second beacon is requested while one is open")
	}
	h.b.BeaconRejected(h.call(""), id)
	if _, again, _ := h.b.Freeze(h.call("")); again {
		t.Error("a rejected request is repeated at once")
	}
	h.advance(beaconRetry)
	if again, request, _ := h.b.Freeze(h.call("")); !request || again != id {
		t.Errorf("a rejected request is repeated as %d (%v), want %d", again, request, id)
	}
	if err := h.b.StoreBeacon(h.call(""), id, beaconOf(1)); err != nil {
		t.Fatal(err)
	}
	if err := h.b.StoreBeacon(h.call(""), id, beaconOf(2)); err == nil {
		t.Error("a second answer is taken")
	}
	h.b.BeaconRejected(h.call(""), id)
	h.wantState(a, Drawing)
	_, fx = h.b.Draw(h.call(""))
	h.ok(fx, nil)
	j := h.wantState(a, Assigned)
	if !bytes.Equal(j.Beacon, beaconOf(1)) {
		t.Errorf("drawn with %x", j.Beacon)
	}
	want := slices.MinFunc([]Provider{provider(0), provider(1)}, func(x, y Provider) int {
		dx := commitment.Draw(j.Beacon, h.b.jobID(a), 0, 1, "provider", []byte(x.Operator))
		dy := commitment.Draw(j.Beacon, h.b.jobID(a), 0, 1, "provider", []byte(y.Operator))
		return bytes.Compare(dx[:], dy[:])
	})
	if j.Assigned[0].Operator != want.Operator {
		t.Errorf("drew %q, the lowest draw among those frozen is %q", j.Assigned[0].Operator, want.Operator)
	}
	h.wantState(later, Submitted)
}

func TestLostBeaconIsGivenUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	seq := h.submit(submission(1, 1))
	lost, _, fx := h.b.Freeze(h.call(""))
	h.ok(fx, nil)
	for range beaconTimeout / heartbeat {
		h.advance(heartbeat)
		h.tick()
	}
	if d := h.b.Due(h.now); !d.Beacon {
		t.Fatalf("due %+v", d)
	}
	id, request, fx := h.b.Freeze(h.call(""))
	h.ok(fx, nil)
	if !request || id == lost {
		t.Fatalf("beacon %d requested: %v", id, request)
	}
	err := h.b.StoreBeacon(h.call(""), lost, beaconOf(1))
	h.refused(StaleAttempt, h.dump(), err)
	if err := h.b.StoreBeacon(h.call(""), id, beaconOf(2)); err != nil {
		t.Fatal(err)
	}
	_, fx = h.b.Draw(h.call(""))
	h.ok(fx, nil)
	h.wantState(seq, Assigned)
}

func TestUndrawnJobFails(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	seq := h.submit(submission(1, 1))
	for range waitTimeout/heartbeat + 1 {
		h.advance(heartbeat)
		h.tick()
	}
	h.wantState(seq, Failed)
	if _, request, _ := h.b.Freeze(h.call("")); request {
		t.Error("a failed job still asks for a beacon")
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

func TestDAOAlone(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	for name, f := range map[string]func(Call) error{
		"admit provider":  func(c Call) error { _, err := h.b.AdmitProvider(c, provider(8)); return err },
		"remove provider": func(c Call) error { _, err := h.b.RemoveProvider(c, provider(0).Operator); return err },
		"admit":           func(c Call) error { _, err := h.b.Admit(c, testModel()); return err },
		"set parameters":  func(c Call) error { _, err := h.b.SetParameters(c, testParameters()); return err },
	} {
		for _, p := range []Principal{testApp, testAlice, anonymous, "market\x01"} {
			t.Log(name)
			h.refused(NotPermitted, h.dump(), f(h.call(p)))
		}
	}
}

func TestRegistryRefuses(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	dao := h.call(testDAO)
	for name, change := range map[string]func(*RegistryEntry){
		"another root":       func(r *RegistryEntry) { r.Root[0]++ },
		"no manifest":        func(r *RegistryEntry) { r.Manifest = nil },
		"long manifest":      func(r *RegistryEntry) { r.Manifest = make([]byte, MaxManifestBytes+1) },
		"another dimension":  func(r *RegistryEntry) { r.Dimension++ },
		"no dimension":       func(r *RegistryEntry) { r.Dimension = 0 },
		"great dimension":    func(r *RegistryEntry) { r.Dimension = 1 << 31 },
		"no items":           func(r *RegistryEntry) { r.MaxItems = 0 },
		"many items":         func(r *RegistryEntry) { r.MaxItems = 65 },
		"no bytes":           func(r *RegistryEntry) { r.MaxItemBytes = 0 },
		"tolerance class":    func(r *RegistryEntry) { r.Classes = []string{"tolerance"} },
		"no class":           func(r *RegistryEntry) { r.Classes = nil },
		"greedy":             func(r *RegistryEntry) { r.RoyaltyPermille = 501 },
		"dear":               func(r *RegistryEntry) { r.PricePerItem = 1e15 + 1 },
		"no name":            func(r *RegistryEntry) { r.Name = "" },
		"anonymous":          func(r *RegistryEntry) { r.Publisher = anonymous },
		"unprintable name":   func(r *RegistryEntry) { r.Name = "a\nb" },
		"unknown kind":       func(r *RegistryEntry) { r.Kind = 3 },
		"another kind":       func(r *RegistryEntry) { r.Kind = WasmKind },
		"unnamed publisher":  func(r *RegistryEntry) { r.Publisher = "" },
		"overlong publisher": func(r *RegistryEntry) { r.Publisher = Principal(make([]byte, 30)) },
	} {
		r := testModel()
		change(&r)
		before := h.dump()
		if _, err := h.b.Admit(dao, r); err == nil || h.dump() != before {
			t.Errorf("%s: admitted (%v)", name, err)
		}
	}
	for name, change := range map[string]func(*Parameters){
		"window": func(p *Parameters) { p.Window = maxWindow + 1 }, "delivery": func(p *Parameters) { p.DeliveryTimeout = 0 },
		"reveal": func(p *Parameters) { p.RevealTimeout = maxTimeout + 1 }, "no attempts": func(p *Parameters) { p.MaxAttempts = 0 },
		"attempts": func(p *Parameters) { p.MaxAttempts = 11 }, "treasury": func(p *Parameters) { p.TreasuryPermille = 501 },
		"base price": func(p *Parameters) { p.BasePrice = 1e15 + 1 }, "reserve": func(p *Parameters) { p.Reserve = MaxCycles + 1 },
	} {
		p := testParameters()
		change(&p)
		before := h.dump()
		if _, err := h.b.SetParameters(dao, p); err == nil || h.dump() != before {
			t.Errorf("%s: set (%v)", name, err)
		}
	}
	taken := provider(7)
	taken.Worker = provider(0).Worker
	_, err := h.b.AdmitProvider(dao, taken)
	h.refused(Duplicate, h.dump(), err)
	_, err = h.b.RemoveProvider(dao, "nobody\x02")
	h.refused(UnknownProvider, h.dump(), err)
}

func TestRegistryChanges(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	m := testModel()
	m.PricePerItem = 7
	h.ok(h.b.Admit(h.call(testDAO), m))
	h.ok(h.b.Admit(h.call(testDAO), RegistryEntry{Kind: WasmKind, Root: commitment.Hash{1}, Name: "module", Publisher: testAlice}))
	if got := h.b.Registry(); len(got) != 2 || h.b.counter("entries") != 2 {
		t.Errorf("registry %+v", got)
	}
	if _, err := h.b.Quote(commitment.Hash{1}, 1, 1); err == nil {
		t.Error("a module is quoted as a model")
	}
	if got := must1(h.b.Quote(m.Root, 2, 3)); got != 3*(1_000_003+14) {
		t.Errorf("quote %d", got)
	}
	rotated := provider(0)
	rotated.Worker = "new worker\x02"
	h.ok(h.b.AdmitProvider(h.call(testDAO), rotated))
	if diff := cmp.Diff([]Provider{rotated}, h.b.Providers()); diff != "" {
		t.Error(diff)
	}
	p := testParameters()
	p.Window = 77
	h.ok(h.b.SetParameters(h.call(testDAO), p))
	sum := h.b.Parameters().Sum()
	if h.b.Parameters() != p || h.tree["/"+hexOf("parameters")] != string(sum[:]) {
		t.Errorf("parameters %+v", h.b.Parameters())
	}
}

func TestRemovedProvider(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	seq := h.submit(submission(1, 1))
	h.draw(1)
	gone := h.b.job(seq).Assigned[0]
	h.ok(h.b.RemoveProvider(h.call(testDAO), gone.Operator))
	h.wantState(seq, Submitted)
	_, err := h.b.Deliver(h.call(gone.Worker), seq, 1, output(1, 1))
	h.refused(StaleAttempt, h.dump(), err)
	h.draw(1)
	if s := h.wantState(seq, Assigned).Assigned[0]; s == gone {
		t.Error("a removed provider was drawn")
	}
}

// TestRemovedBetweenFreezeAndDraw: frozen candidates are drawn only while admitted.
func TestRemovedBetweenFreezeAndDraw(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	seq := h.submit(submission(1, 1))
	id, _, fx := h.b.Freeze(h.call(""))
	h.ok(fx, nil)
	h.ok(h.b.RemoveProvider(h.call(testDAO), provider(0).Operator))
	if err := h.b.StoreBeacon(h.call(""), id, beaconOf(1)); err != nil {
		t.Fatal(err)
	}
	_, fx = h.b.Draw(h.call(""))
	h.ok(fx, nil)
	h.wantState(seq, Failed)
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	n, fx, err := h.b.Deposit(h.paid(testApp, 10e9), testAlice)
	h.liquid += n
	h.ok(fx, err)
	for name, c := range map[string]struct {
		to     Principal
		amount Cycles
		want   Code
	}{
		"to a user": {testAlice, 2e9, BadInput}, "to nobody": {"", 2e9, BadInput}, "little": {testApp, 1e9 - 1, BadInput},
		"too much": {testApp, 10e9 + 1, NoFunds}, "far too much": {testApp, math.MaxUint64, Busy},
	} {
		t.Log(name)
		before := h.dump()
		_, _, err := h.b.Withdraw(h.call(testAlice), c.to, c.amount)
		h.refused(c.want, before, err)
	}
	send := func(amount Cycles) Intent {
		w, fx, err := h.b.Withdraw(h.call(testAlice), testApp, amount)
		h.liquid -= amount // the call carries them
		h.ok(fx, err)
		return w
	}
	arrives, returns, unknown := send(2e9), send(3e9), send(4e9)
	if got := h.b.Balance(testAlice); got != 1e9 {
		t.Errorf("balance %d", got)
	}
	h.ok(h.b.WithdrawalDone(h.call(""), arrives.ID, true), nil)
	h.liquid += returns.Amount
	h.ok(h.b.WithdrawalDone(h.call(""), returns.ID, false), nil)
	h.ok(h.b.WithdrawalDone(h.call(""), returns.ID, false), nil) // a repetition pays nothing
	if got := h.b.Balance(testAlice); got != 4e9 {
		t.Errorf("balance %d", got)
	}
	if diff := cmp.Diff([]Intent{unknown}, h.b.Withdrawals()); diff != "" {
		t.Error(diff)
	}
}

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

func TestInputIsPrivate(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	seq := h.submit(submission(1, 1))
	h.draw(1)
	s := h.b.job(seq).Assigned[0]
	for _, p := range []Principal{testApp, s.Operator, s.Worker} {
		if items, err := h.b.Input(p, seq); err != nil || len(items) != 1 {
			t.Errorf("%q reads %v, %v", p, items, err)
		}
	}
	for i := range 2 {
		if p := provider(i); p.Operator != s.Operator {
			_, err := h.b.Input(p.Worker, seq)
			h.refused(NotPermitted, h.dump(), err)
		}
	}
	h.ok(h.b.Deliver(h.call(s.Worker), seq, 1, output(1, 1)))
	_, err := h.b.Input(s.Worker, seq)
	h.refused(NotPermitted, h.dump(), err)
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

func TestCreateOnceOpenWhatIsThere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	if _, _, err := Create(h.mem, "market\x01", testDAO, commitment.Hash{}, testParameters()); err == nil {
		t.Error("a second market is created in the same store")
	}
	if _, err := Open(&Memory{}); err == nil {
		t.Error("an empty store is opened")
	}
	v, _ := h.mem.Get(keyHead)
	v[0]++
	h.mem.Put(keyHead, v)
	if _, err := Open(h.mem); err == nil {
		t.Error("an unknown version is opened")
	}
}
