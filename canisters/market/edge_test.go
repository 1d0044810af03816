package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

func user(n byte) principal.Principal { return principal.SelfAuthenticating([]byte{n}) }

var (
	dao   = principal.Canister(100)
	app   = principal.Canister(101)
	alice = user(1)
)

// world is a market on a network of doubles, with the app canister played by the test.
type world struct {
	t        *testing.T
	n        *cdktest.Network
	c        *cdktest.Canister
	outcomes []marketapi.Outcome
	appFails error
}

func testParameters() marketapi.Parameters {
	return marketapi.Parameters{
		Window: 5e9, DeliveryTimeout: 30e9, RevealTimeout: 20e9, MaxAttempts: 3, TreasuryPermille: 100,
		BasePrice: candid.NewNat(1e9), Reserve: candid.NewNat(1e11),
	}
}

func newWorld(t *testing.T, providers int) *world {
	t.Helper()
	w := &world{t: t, n: cdktest.New(t)}
	arg, err := marketapi.EncodeInitArgs(marketapi.Init{Dao: dao, Parameters: testParameters()})
	w.must(err)
	w.c = w.n.Install(program(), cdktest.Options{Arg: arg, Cycles: candid.NewNat(1e12)})
	w.n.Handle(app, func(method string, arg []byte, cycles candid.Nat) ([]byte, candid.Nat, error) {
		if method != "result" || !cycles.IsZero() {
			t.Errorf("callback %s with %s cycles", method, cycles)
		}
		o, err := marketapi.DecodeOutcome(arg)
		w.must(err)
		w.outcomes = append(w.outcomes, o)
		return []byte("DIDL\x00\x00"), candid.Nat{}, w.appFails
	})
	for i := range providers {
		r := update(w, dao, marketapi.ProviderEntry{Operator: operator(i), Worker: worker(i), Name: fmt.Sprintf("provider %d", i)},
			"admit_provider", marketapi.EncodeAdmitProviderArgs, marketapi.DecodeAdmitProviderResults)
		if !r.Ok {
			t.Fatalf("admit: %+v", r.Err)
		}
	}
	if r := update(w, dao, marketapi.Entry{Model: testModel()}, "admit", marketapi.EncodeAdmitArgs, marketapi.DecodeAdmitResults); !r.Ok {
		t.Fatalf("admit: %+v", r.Err)
	}
	return w
}

func operator(i int) principal.Principal { return user(byte(10 + i)) }
func worker(i int) principal.Principal   { return user(byte(20 + i)) }

var manifest = []byte("manifest of a test")

func testModel() *marketapi.ModelEntry {
	root := commitment.ModelRoot(manifest)
	return &marketapi.ModelEntry{
		Root: root[:], Name: "tiny", Manifest: manifest, Publisher: user(3), Classes: []marketapi.Class{{Exact: true}},
		PricePerItem: candid.NewNat(1e8), RoyaltyPermille: 50, Dimension: 2, MaxItems: 8, MaxItemBytes: 100,
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// update makes an update with generated codecs.
func update[A, R any](w *world, from principal.Principal, a A, method string, enc func(A) ([]byte, error), dec func([]byte) (R, error), cycles ...candid.Nat) R {
	w.t.Helper()
	arg, err := enc(a)
	w.must(err)
	reply, err := w.c.Update(from, method, arg, cycles...)
	if err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
	r, err := dec(reply)
	w.must(err)
	return r
}

// ask makes a query.
func ask[A, R any](w *world, from principal.Principal, a A, method string, enc func(A) ([]byte, error), dec func([]byte) (R, error)) R {
	w.t.Helper()
	arg, err := enc(a)
	w.must(err)
	reply, err := w.c.Query(from, method, arg)
	if err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
	r, err := dec(reply)
	w.must(err)
	return r
}

func submission(key string, redundancy uint8, texts ...string) marketapi.SubmitArg {
	root := commitment.ModelRoot(manifest)
	items := make([]marketapi.Item, len(texts))
	for i := range texts {
		items[i].Text = &texts[i]
	}
	return marketapi.SubmitArg{
		Key: []byte(key), Model: root[:], Input: marketapi.Input{Inline: &items}, Class: marketapi.Class{Exact: true}, Redundancy: redundancy,
		MaxPrice: candid.NewNat(1e12), Currency: marketapi.Currency{Cycles: true}, Payment: marketapi.Payment{Attached: true},
		Callback: &marketapi.Callback{Method: "result", At: marketapi.CallbackAt{Provisional: true}},
	}
}

func (w *world) submit(a marketapi.SubmitArg) marketapi.Submitted {
	w.t.Helper()
	r := update(w, app, a, "submit", marketapi.EncodeSubmitArgs, marketapi.DecodeSubmitResults, candid.NewNat(1e11))
	if r.Err != nil {
		w.t.Fatalf("submit: %s", r.Err.Message)
	}
	return *r.Ok
}

func (w *world) job(seq uint64) marketapi.Job {
	w.t.Helper()
	j := ask(w, alice, seq, "job", marketapi.EncodeJobArgs, marketapi.DecodeJobResults)
	if j == nil {
		w.t.Fatalf("no job %d", seq)
	}
	return *j
}

func (w *world) wantState(seq uint64, tag string) marketapi.Job {
	w.t.Helper()
	j := w.job(seq)
	if j.State.Tag() != tag {
		w.t.Fatalf("job %d is %s (%s), want %s", seq, j.State.Tag(), j.Message, tag)
	}
	return j
}

func (w *world) books() marketapi.Books {
	w.t.Helper()
	reply, err := w.c.Query(alice, "books", []byte("DIDL\x00\x00"))
	w.must(err)
	b, err := marketapi.DecodeBooksResults(reply)
	w.must(err)
	if !b.Sum.IsZero() || !b.Covered {
		w.t.Fatalf("books: sum %s, covered %v", b.Sum, b.Covered)
	}
	return b
}

func vector(v float32) marketapi.Tensor {
	data := binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))
	return marketapi.Tensor{Dtype: marketapi.DType{F32: true}, Shape: []uint64{2}, Data: append(data, 0, 0, 0, 0)}
}

// seat is the index of the provider at a place in a job's draw.
func (w *world) seat(j marketapi.Job, at int) int {
	for i := range 10 {
		if j.Assigned[at] == operator(i) {
			return i
		}
	}
	w.t.Fatal("assigned to a stranger")
	return 0
}

// checkAssignments compares an operator's assignments with the certified tree.
func (w *world) checkAssignments(i, want int) {
	w.t.Helper()
	r := ask(w, worker(i), operator(i), "assignments", marketapi.EncodeAssignmentsArgs, marketapi.DecodeAssignmentsResults)
	if len(r.Assignments) != want || len(r.Certificate) == 0 {
		w.t.Fatalf("%d assignments, want %d; certificate of %d bytes", len(r.Assignments), want, len(r.Certificate))
	}
	tree, err := hashtree.Decode(r.Witness)
	w.must(err)
	if got := tree.Digest(); string(got[:]) != string(w.c.Double.Certified()) {
		w.t.Fatalf("witness digest %x is not the certified data %x", got, w.c.Double.Certified())
	}
	for _, a := range r.Assignments {
		sum := assignmentSum(a)
		v, result := tree.Lookup([]byte("assignments"), operator(i).Bytes(), commitment.SeqLabel(a.Job.Seq))
		if result != hashtree.Found || !bytes.Equal(v, sum[:]) {
			w.t.Errorf("assignment of job %d is not certified: %v", a.Job.Seq, result)
		}
	}
}

func toHash(b []byte) (h commitment.Hash) {
	copy(h[:], b)
	return h
}

func assignmentSum(a marketapi.Assignment) commitment.Hash {
	return commitment.Assignment{
		Work: work(a), Operator: a.Operator.Bytes(), Parameters: toHash(a.ParametersHash), Phase: a.Phase.Tag(), Deadline: a.Deadline,
	}.Sum()
}

func work(a marketapi.Assignment) commitment.Work {
	return commitment.Work{
		Network: commitment.NetworkID([]byte("root key of a test")), Job: commitment.JobID{Market: string(a.Job.Market.Bytes()), Seq: a.Job.Seq},
		Attempt: a.Attempt, Executor: a.Worker.Bytes(), Model: toHash(a.Model), Input: toHash(a.InputHash),
	}
}

func outputRoot(t *testing.T, out marketapi.Output) commitment.Hash {
	t.Helper()
	var roots []commitment.Hash
	for _, x := range out {
		h, err := commitment.TensorRoot(commitment.Float32, x.Shape, x.Data)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, h)
	}
	return commitment.OutputRoot(roots)
}

func TestJobEndToEnd(t *testing.T) {
	w := newWorld(t, 2)
	before := w.c.Double.Balance128()
	s := w.submit(submission("k", 1, "one", "two"))
	price := candid.NewNat(1e9 + 2e8)
	after := w.c.Double.Balance128()
	if took, _ := after.Sub(before); took != price || s.Price != price {
		t.Errorf("took %s for a price of %s, want %s", took, s.Price, price)
	}
	w.wantState(s.Job.Seq, "submitted")
	w.n.Advance(time.Second)
	j := w.wantState(s.Job.Seq, "assigned")
	if j.Beacon == nil || len(*j.Beacon) != 32 {
		t.Errorf("beacon %v", j.Beacon)
	}
	i := w.seat(j, 0)
	w.checkAssignments(i, 1)
	w.checkAssignments(1-i, 0)
	out := marketapi.Output{vector(1), vector(2)}
	in := ask(w, worker(i), s.Job.Seq, "job_input", marketapi.EncodeJobInputArgs, marketapi.DecodeJobInputResults)
	if in.Err != nil || len(*in.Ok.Inline) != 2 || *(*in.Ok.Inline)[1].Text != "two" {
		t.Errorf("input %+v", in)
	}
	if in := ask(w, worker(1-i), s.Job.Seq, "job_input", marketapi.EncodeJobInputArgs, marketapi.DecodeJobInputResults); in.Err == nil || !in.Err.Code.NotPermitted {
		t.Errorf("another provider reads the input: %+v", in)
	}
	d := marketapi.DeliverArg{Job: s.Job.Seq, Attempt: 1, Output: out}
	if r := update(w, worker(1-i), d, "deliver", marketapi.EncodeDeliverArgs, marketapi.DecodeDeliverResults); r.Err == nil || !r.Err.Code.NotPermitted {
		t.Errorf("another provider delivers: %+v", r)
	}
	if r := update(w, worker(i), d, "deliver", marketapi.EncodeDeliverArgs, marketapi.DecodeDeliverResults); !r.Ok {
		t.Fatalf("deliver: %+v", r.Err)
	}
	w.wantState(s.Job.Seq, "provisional")
	w.n.Advance(time.Second)
	if len(w.outcomes) != 1 || string(w.outcomes[0].Key) != "k" || len(w.outcomes[0].Output) != 2 || !w.outcomes[0].State.Provisional {
		t.Errorf("outcomes %+v", w.outcomes)
	}
	w.n.Advance(5 * time.Second)
	j = w.wantState(s.Job.Seq, "final")
	if j.Callback == nil || *j.Callback != "delivered" {
		t.Errorf("callback %v", j.Callback)
	}
	w.checkReceipt(s.Job.Seq, "final")
	if len(w.outcomes) != 1 {
		t.Errorf("%d callbacks, want one", len(w.outcomes))
	}
	w.books()
}

// checkReceipt compares a receipt with the certified tree.
func (w *world) checkReceipt(seq uint64, state string) marketapi.Receipt {
	w.t.Helper()
	r := ask(w, alice, seq, "receipt", marketapi.EncodeReceiptArgs, marketapi.DecodeReceiptResults)
	if r.Err != nil || r.Ok.Receipt.State != state {
		w.t.Fatalf("receipt %+v", r)
	}
	tree, err := hashtree.Decode(r.Ok.Witness)
	w.must(err)
	if got := tree.Digest(); string(got[:]) != string(w.c.Double.Certified()) {
		w.t.Error("the witness is of another tree")
	}
	sum := receiptSum(r.Ok.Receipt)
	if v, result := tree.Lookup([]byte("receipts"), commitment.SeqLabel(seq)); result != hashtree.Found || !bytes.Equal(v, sum[:]) {
		w.t.Errorf("the receipt of job %d is not certified: %v", seq, result)
	}
	return r.Ok.Receipt
}

func receiptSum(r marketapi.Receipt) commitment.Hash {
	c := commitment.Receipt{
		Network: toHash(r.Network), Job: commitment.JobID{Market: string(r.Job.Market.Bytes()), Seq: r.Job.Seq}, Requester: r.Requester.Bytes(),
		Model: toHash(r.Model), Input: toHash(r.Input), Parameters: toHash(r.Parameters), State: r.State, Price: r.Price.String(),
		Submitted: r.Submitted, Settled: r.Settled, Window: r.Window,
	}
	if r.Output != nil {
		c.Output = toHash(*r.Output)
	}
	for _, e := range r.Executors {
		c.Executors = append(c.Executors, e.Bytes())
	}
	for _, e := range r.Evidence {
		c.Evidence = append(c.Evidence, commitment.Claim{Word: e.Word, Detail: e.Detail})
	}
	for _, s := range r.Shares {
		share := commitment.Share{Account: s.Account, Cycles: s.Cycles.String()}
		if s.Owner != nil {
			share.Owner = s.Owner.Bytes()
		}
		c.Shares = append(c.Shares, share)
	}
	return c.Sum()
}

// commitReveal takes a job of two providers through both phases with the outputs given.
func (w *world) commitReveal(seq uint64, outputs ...marketapi.Output) {
	w.t.Helper()
	w.n.Advance(time.Second)
	j := w.wantState(seq, "assigned")
	salt := []byte("a salt of sixteen bytes or more")
	for at, out := range outputs {
		i := w.seat(j, at)
		as := ask(w, worker(i), operator(i), "assignments", marketapi.EncodeAssignmentsArgs, marketapi.DecodeAssignmentsResults)
		c := commitment.Commit(work(as.Assignments[0]), outputRoot(w.t, out), salt)
		if r := update(w, worker(i), marketapi.CommitArg{Job: seq, Attempt: j.Attempt, Commit: c[:]}, "commit", marketapi.EncodeCommitArgs, marketapi.DecodeCommitResults); !r.Ok {
			w.t.Fatalf("commit: %+v", r.Err)
		}
	}
	for at, out := range outputs {
		i := w.seat(j, at)
		w.checkAssignments(i, 1)
		if r := update(w, worker(i), marketapi.RevealArg{Job: seq, Attempt: j.Attempt, Output: out, Salt: salt}, "reveal", marketapi.EncodeRevealArgs, marketapi.DecodeRevealResults); !r.Ok {
			w.t.Fatalf("reveal: %+v", r.Err)
		}
	}
}

func TestAgreedAndDisputed(t *testing.T) {
	w := newWorld(t, 2)
	agreed := w.submit(submission("a", 2, "text"))
	w.commitReveal(agreed.Job.Seq, marketapi.Output{vector(1)}, marketapi.Output{vector(1)})
	w.wantState(agreed.Job.Seq, "provisional")
	w.n.Advance(6 * time.Second)
	if r := w.checkReceipt(agreed.Job.Seq, "final"); len(r.Executors) != 2 || r.Evidence[1].Word != "agreed" {
		t.Errorf("receipt %+v", r)
	}
	disputed := w.submit(submission("b", 2, "text"))
	w.commitReveal(disputed.Job.Seq, marketapi.Output{vector(1)}, marketapi.Output{vector(2)})
	w.wantState(disputed.Job.Seq, "disputed")
	if r := w.checkReceipt(disputed.Job.Seq, "disputed"); len(r.Shares) != 1 || r.Shares[0].Account != "refund" {
		t.Errorf("receipt %+v", r)
	}
	balance := ask(w, app, nil, "balance", marketapi.EncodeBalanceArgs, marketapi.DecodeBalanceResults)
	if balance != disputed.Price {
		t.Errorf("refund %s, want %s", balance, disputed.Price)
	}
	w.n.Advance(time.Second)
	if last := w.outcomes[len(w.outcomes)-1]; !last.State.Disputed || len(last.Output) != 0 {
		t.Errorf("last outcome %+v", last)
	}
	w.books()
}

func TestCallbackFailureLeavesTheResult(t *testing.T) {
	w := newWorld(t, 1)
	w.appFails = errors.New("not today")
	s := w.submit(submission("k", 1, "text"))
	w.n.Advance(time.Second)
	update(w, worker(0), marketapi.DeliverArg{Job: s.Job.Seq, Attempt: 1, Output: marketapi.Output{vector(1)}}, "deliver", marketapi.EncodeDeliverArgs, marketapi.DecodeDeliverResults)
	w.n.Advance(time.Second)
	if j := w.job(s.Job.Seq); !strings.Contains(*j.Callback, "not today") {
		t.Errorf("callback %q", *j.Callback)
	}
	r := ask(w, alice, s.Job.Seq, "result", marketapi.EncodeResultArgs, marketapi.DecodeResultResults)
	if r.Err != nil || len(r.Ok.Output) != 1 {
		t.Errorf("result %+v", r)
	}
}

// TestSilentCalleeHoldsUpNobody: a callback that is not answered blocks neither others
// nor, after an upgrade, its own record.
func TestSilentCalleeHoldsUpNobody(t *testing.T) {
	w := newWorld(t, 1)
	silent, s := principal.Canister(200), submission("s", 1, "text")
	r := update(w, silent, s, "submit", marketapi.EncodeSubmitArgs, marketapi.DecodeSubmitResults, candid.NewNat(1e11))
	other := w.submit(submission("k", 1, "text"))
	w.n.Advance(time.Second)
	for _, seq := range []uint64{r.Ok.Job.Seq, other.Job.Seq} {
		d := marketapi.DeliverArg{Job: seq, Attempt: 1, Output: marketapi.Output{vector(1)}}
		update(w, worker(0), d, "deliver", marketapi.EncodeDeliverArgs, marketapi.DecodeDeliverResults)
		w.n.Advance(time.Second)
	}
	if len(w.outcomes) != 1 {
		t.Fatalf("%d callbacks arrived while another is open, want 1", len(w.outcomes))
	}
	if err := w.c.Upgrade(program(), nil); err != nil {
		t.Fatal(err)
	}
	w.n.Open()[0].Reject(cdk.SysUnknown, "no answer in time")
	w.n.Settle()
	if j := w.job(r.Ok.Job.Seq); !strings.HasPrefix(*j.Callback, "to be repeated") {
		t.Errorf("callback %q", *j.Callback)
	}
}

func TestOnlyTheDAO(t *testing.T) {
	w := newWorld(t, 1)
	for _, p := range []principal.Principal{alice, app, principal.Anonymous, w.c.ID} {
		a := marketapi.ProviderEntry{Operator: user(50), Worker: user(51), Name: "intruder"}
		if r := update(w, p, a, "admit_provider", marketapi.EncodeAdmitProviderArgs, marketapi.DecodeAdmitProviderResults); r.Err == nil || !r.Err.Code.NotPermitted {
			t.Errorf("%s admits a provider: %+v", p, r)
		}
		if r := update(w, p, testParameters(), "set_parameters", marketapi.EncodeSetParametersArgs, marketapi.DecodeSetParametersResults); r.Err == nil || !r.Err.Code.NotPermitted {
			t.Errorf("%s sets parameters: %+v", p, r)
		}
	}
}

func TestWithdrawals(t *testing.T) {
	w := newWorld(t, 1)
	fails := false
	received := candid.Nat{}
	w.n.Handle(principal.Management, func(method string, _ []byte, cycles candid.Nat) ([]byte, candid.Nat, error) {
		if fails || method != "deposit_cycles" {
			return nil, candid.Nat{}, errors.New("no such canister")
		}
		received, _ = received.Add(cycles)
		return []byte("DIDL\x00\x00"), cycles, nil
	})
	update(w, app, alice, "deposit", marketapi.EncodeDepositArgs, marketapi.DecodeDepositResults, candid.NewNat(5e10))
	arg := marketapi.WithdrawArg{To: app, Amount: candid.NewNat(2e10)}
	if r := update(w, alice, arg, "withdraw", marketapi.EncodeWithdrawArgs, marketapi.DecodeWithdrawResults); r.Err != nil {
		t.Fatalf("withdraw: %s", r.Err.Message)
	}
	fails = true
	if r := update(w, alice, arg, "withdraw", marketapi.EncodeWithdrawArgs, marketapi.DecodeWithdrawResults); r.Err == nil {
		t.Fatal("a failed withdrawal is reported as done")
	}
	left := ask(w, alice, nil, "balance", marketapi.EncodeBalanceArgs, marketapi.DecodeBalanceResults)
	if left != candid.NewNat(3e10) || received != candid.NewNat(2e10) {
		t.Errorf("left %s, received %s", left, received)
	}
	w.books()
	// an upgrade while the call is open: the answer finds its record all the same
	raw, err := marketapi.EncodeWithdrawArgs(arg)
	w.must(err)
	open := w.c.Start(alice, "withdraw", raw, candid.Nat{})
	w.must(w.c.Upgrade(program(), nil))
	fails = false
	w.n.Settle()
	if _, err, done := open.Result(); err == nil || !done {
		t.Errorf("the caller got %v, %v; want a reject that says to look again", err, done)
	}
	for _, a := range w.books().Accounts {
		if strings.HasPrefix(a.Name, "withdrawal") || a.Name == "in flight" {
			t.Errorf("%s still holds %s", a.Name, a.Balance)
		}
	}
	if received != candid.NewNat(4e10) {
		t.Errorf("received %s", received)
	}
}

// TestUpgradeWithOpenJobs: jobs in every open state go on under the next module.
func TestUpgradeWithOpenJobs(t *testing.T) {
	w := newWorld(t, 2)
	delivered := w.submit(submission("a", 1, "text"))
	w.n.Advance(time.Second)
	j := w.job(delivered.Job.Seq)
	update(w, worker(w.seat(j, 0)), marketapi.DeliverArg{Job: delivered.Job.Seq, Attempt: 1, Output: marketapi.Output{vector(1)}}, "deliver", marketapi.EncodeDeliverArgs, marketapi.DecodeDeliverResults)
	assigned := w.submit(submission("b", 2, "text"))
	w.n.Advance(time.Second)
	waiting := w.submit(submission("c", 1, "text"))
	w.must(w.c.Upgrade(program(), nil))
	w.checkAssignments(w.seat(w.job(assigned.Job.Seq), 0), 1)
	w.n.Advance(5 * time.Second)
	w.wantState(delivered.Job.Seq, "final")
	w.wantState(waiting.Job.Seq, "assigned")
	for range 3 {
		w.n.Advance(10 * time.Second)
	}
	if j := w.wantState(assigned.Job.Seq, "assigned"); j.Attempt != 2 {
		t.Errorf("attempt %d after the deadline passed, want 2", j.Attempt)
	}
	w.books()
}

func TestNotServed(t *testing.T) {
	w := newWorld(t, 1)
	hash, sealed, other := submission("a", 1, "x"), submission("b", 1, "x"), submission("c", 1, "x")
	hash.Input = marketapi.Input{Hash: &marketapi.InputHash{Hash: make([]byte, 32), Items: 1}}
	sealed.Input = marketapi.Input{Sealed: &marketapi.InputSealed{Hash: make([]byte, 32), Items: 1}}
	other.Currency = marketapi.Currency{Icrc2: new(user(9))}
	tolerance := submission("d", 1, "x")
	tolerance.Class = marketapi.Class{Tolerance: true}
	for _, a := range []marketapi.SubmitArg{hash, sealed, other, tolerance} {
		r := update(w, app, a, "submit", marketapi.EncodeSubmitArgs, marketapi.DecodeSubmitResults, candid.NewNat(1e11))
		if r.Err == nil || !r.Err.Code.NotSupported {
			t.Errorf("%s: %+v", a.Key, r)
		}
	}
	if w.books(); w.c.Double.Balance128() != candid.NewNat(1e12) {
		t.Errorf("refused orders left %s cycles", w.c.Double.Balance128())
	}
}
