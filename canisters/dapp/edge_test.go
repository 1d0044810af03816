package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/canisters/dapp/dappapi"
	"assay/canisters/market/marketapi"
	"assay/canisters/vectors/vectorsapi"
	"assay/ic/candid"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
)

var (
	market   = principal.Canister(50)
	vectors  = principal.Canister(51)
	owner    = principal.SelfAuthenticating([]byte{1})
	stranger = principal.SelfAuthenticating([]byte{2})
	price    = candid.NewNat(1e9)
)

// world is the dApp with a market and vectors that the test plays.
type world struct {
	t       *testing.T
	n       *cdktest.Network
	c       *cdktest.Canister
	jobs    []marketapi.SubmitArg
	stored  []string // texts by upsert
	calls   []string
	refusal *marketapi.Failure
	fails   map[string]error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, n: cdktest.New(t), fails: map[string]error{}}
	w.n.Handle(market, w.market)
	w.n.Handle(vectors, w.vectors)
	arg, err := dappapi.EncodeInitArgs(dappapi.Init{
		Owner: owner, Market: market, Vectors: vectors, Model: make([]byte, 32), Dimension: 2, Collection: "passages",
	})
	w.must(err)
	w.c = w.n.Install(program(), cdktest.Options{Arg: arg, Cycles: candid.NewNat(1e12)})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) market(method string, arg []byte, cycles candid.Nat) (reply []byte, accepted candid.Nat, err error) {
	w.calls = append(w.calls, method)
	switch method {
	case "quote":
		reply, err = marketapi.EncodeQuoteResults(marketapi.QuoteResult{Ok: &price})
	case "submit":
		a, decodeErr := marketapi.DecodeSubmitArgs(arg)
		w.must(decodeErr)
		if w.refusal != nil {
			reply, err = marketapi.EncodeSubmitResults(marketapi.SubmitResult{Err: w.refusal})
			return reply, candid.Nat{}, err
		}
		w.jobs = append(w.jobs, a)
		accepted = cycles
		reply, err = marketapi.EncodeSubmitResults(marketapi.SubmitResult{Ok: &marketapi.Submitted{
			Job: marketapi.JobId{Market: market, Seq: uint64(len(w.jobs))}, Price: price, InputHash: make([]byte, 32),
		}})
	case "deposit":
		accepted = cycles
		reply, err = marketapi.EncodeDepositResults(marketapi.DepositResult{Ok: &cycles})
	}
	return reply, accepted, err
}

func (w *world) vectors(method string, arg []byte, _ candid.Nat) (reply []byte, accepted candid.Nat, err error) {
	w.calls = append(w.calls, method)
	if err := w.fails[method]; err != nil {
		return nil, accepted, err
	}
	switch method {
	case "create_collection":
		reply, err = vectorsapi.EncodeCreateCollectionResults(vectorsapi.CreateCollectionResult{Err: &vectorsapi.Failure{Message: "exists"}})
	case "upsert":
		a, decodeErr := vectorsapi.DecodeUpsertArgs(arg)
		w.must(decodeErr)
		for _, e := range a.Entries {
			w.stored = append(w.stored, e.Id+" "+e.Text)
		}
		reply, err = vectorsapi.EncodeUpsertResults(vectorsapi.UpsertResult{Ok: new(uint64)})
	case "search":
		reply, err = vectorsapi.EncodeSearchResults(vectorsapi.SearchResult{Ok: &[]vectorsapi.Hit{{Id: "1-0", Text: "near", Score: 0.5}}})
	}
	return reply, accepted, err
}

func (w *world) index(from principal.Principal, passages ...string) dappapi.IndexResult {
	w.t.Helper()
	arg, err := dappapi.EncodeIndexArgs(dappapi.IndexArg{Passages: passages, Redundancy: 1})
	w.must(err)
	reply, err := w.c.Update(from, "index", arg)
	w.must(err)
	r, err := dappapi.DecodeIndexResults(reply)
	w.must(err)
	return r
}

func (w *world) ask(from principal.Principal, text string) dappapi.AskResult {
	w.t.Helper()
	arg, err := dappapi.EncodeAskArgs(text)
	w.must(err)
	reply, err := w.c.Update(from, "ask", arg)
	w.must(err)
	r, err := dappapi.DecodeAskResults(reply)
	w.must(err)
	return r
}

// deliver plays the market's callback for a job.
func (w *world) deliver(from principal.Principal, job int, state dappapi.JobState, items int) error {
	w.t.Helper()
	o := dappapi.Outcome{Job: dappapi.JobId{Market: market, Seq: uint64(job)}, Key: w.jobs[job-1].Key, State: &state, Message: "why"}
	for range items {
		o.Output = append(o.Output, dappapi.Tensor{Dtype: dappapi.DType{F32: true}, Shape: []uint64{2}, Data: make([]byte, 8)})
	}
	arg, err := dappapi.EncodeAssayResultArgs(o)
	w.must(err)
	_, err = w.c.Update(from, "assay_result", arg)
	return err
}

func (w *world) status() dappapi.Status {
	w.t.Helper()
	reply, err := w.c.Query(stranger, "status", []byte("DIDL\x00\x00"))
	w.must(err)
	s, err := dappapi.DecodeStatusResults(reply)
	w.must(err)
	return s
}

func (w *world) question(id uint64) dappapi.Question {
	w.t.Helper()
	arg, err := dappapi.EncodeAnswerArgs(id)
	w.must(err)
	reply, err := w.c.Query(stranger, "answer", arg)
	w.must(err)
	q, err := dappapi.DecodeAnswerResults(reply)
	w.must(err)
	return *q
}

var provisional = dappapi.JobState{Provisional: true}

func TestIndex(t *testing.T) {
	w := newWorld(t)
	if r := w.index(owner, "one", "two"); r.Err != nil || r.Ok.Seq != 1 {
		t.Fatalf("%+v", r)
	}
	if s := w.status(); s.Passages != 2 || s.Indexed != 0 || s.Batches[0].State != "submitted" || s.Batches[0].Job.Seq != 1 {
		t.Errorf("%+v", s)
	}
	if spent, _ := candid.NewNat(1e12).Sub(w.c.Double.Balance128()); spent != price {
		t.Errorf("spent %s", spent)
	}
	if err := w.deliver(stranger, 1, provisional, 2); err == nil {
		t.Error("a stranger's result is taken")
	}
	if err := w.deliver(market, 1, provisional, 1); err == nil {
		t.Error("a result of another length is taken")
	}
	for range 2 { // a repeated callback changes nothing
		w.must(w.deliver(market, 1, provisional, 2))
	}
	if !slices.Equal(w.stored, []string{"1-0 one", "1-1 two"}) {
		t.Errorf("stored %q", w.stored)
	}
	if s := w.status(); s.Indexed != 2 || s.Batches[0].State != "indexed" {
		t.Errorf("%+v", s)
	}
}

func TestAsk(t *testing.T) {
	w := newWorld(t)
	w.index(owner, "one")
	r := w.ask(owner, "which?")
	if r.Err != nil {
		t.Fatalf("%+v", r)
	}
	w.must(w.deliver(market, 2, provisional, 1))
	q := w.question(*r.Ok)
	if q.State != "answered" || len(q.Hits) != 1 || q.Hits[0].Text != "near" || q.Job.Seq != 2 {
		t.Errorf("%+v", q)
	}
	if slices.Contains(w.calls, "upsert") {
		t.Error("a question is stored")
	}
}

// TestStoringFails: the market is told, so that it sends the result again.
func TestStoringFails(t *testing.T) {
	w := newWorld(t)
	w.index(owner, "one")
	w.fails["upsert"] = errors.New("full")
	if err := w.deliver(market, 1, provisional, 1); err == nil {
		t.Error("a result that was not stored is taken")
	}
	if s := w.status(); s.Indexed != 0 || !strings.HasPrefix(s.Batches[0].State, "not stored") {
		t.Errorf("%+v", s)
	}
	delete(w.fails, "upsert")
	w.must(w.deliver(market, 1, provisional, 1))
	if s := w.status(); s.Indexed != 1 {
		t.Errorf("%+v", s)
	}
}

func TestBadEnds(t *testing.T) {
	w := newWorld(t)
	w.index(owner, "one")
	w.must(w.deliver(market, 1, dappapi.JobState{Disputed: true}, 0))
	if s := w.status(); s.Batches[0].State != "disputed: why" {
		t.Errorf("%+v", s)
	}
	w.refusal = &marketapi.Failure{Code: &marketapi.FailureCode{NoProviders: true}, Message: "nobody", Retry: true}
	r := w.index(owner, "two")
	if r.Err == nil || !r.Err.Code.NoProviders || !r.Err.Retry {
		t.Errorf("%+v", r)
	}
	if s := w.status(); s.Batches[1].State != "not submitted: nobody" {
		t.Errorf("%+v", s)
	}
}

func TestRefuses(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x", maxText+1)
	for name, r := range map[string]dappapi.IndexResult{
		"stranger": w.index(stranger, "one"), "nothing": w.index(owner), "empty": w.index(owner, "one", ""), "long": w.index(owner, long),
		"many": w.index(owner, slices.Repeat([]string{"x"}, maxPassages+1)...),
	} {
		if r.Err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if r := w.ask(stranger, "which?"); r.Err == nil {
		t.Error("a stranger asks")
	}
	if len(w.calls) != 0 {
		t.Errorf("calls %v", w.calls)
	}
	for _, key := range []string{"", "b", "x12345678", "b1234567"} {
		arg, err := dappapi.EncodeAssayResultArgs(dappapi.Outcome{Key: []byte(key), State: &provisional})
		w.must(err)
		if _, err := w.c.Update(market, "assay_result", arg); err == nil {
			t.Errorf("a result for %q is taken", key)
		}
	}
}

func TestSponsor(t *testing.T) {
	w := newWorld(t)
	for from, want := range map[principal.Principal]bool{owner: true, stranger: false} {
		arg, err := dappapi.EncodeSponsorArgs(dappapi.SponsorArg{User: stranger, Cycles: candid.NewNat(5e9)})
		w.must(err)
		reply, err := w.c.Update(from, "sponsor", arg)
		w.must(err)
		r, err := dappapi.DecodeSponsorResults(reply)
		w.must(err)
		if (r.Ok != nil && *r.Ok == candid.NewNat(5e9)) != want {
			t.Errorf("%s: %+v", from, r)
		}
	}
	if spent, _ := candid.NewNat(1e12).Sub(w.c.Double.Balance128()); spent != candid.NewNat(5e9) {
		t.Errorf("spent %s", spent)
	}
}

// TestUpgradedWhileSubmitting: the market's answer finds its record under the next module.
func TestUpgradedWhileSubmitting(t *testing.T) {
	w := newWorld(t)
	arg, err := dappapi.EncodeIndexArgs(dappapi.IndexArg{Passages: []string{"one"}, Redundancy: 1})
	w.must(err)
	w.c.Start(owner, "index", arg, candid.Nat{})
	for _, o := range w.n.Open() { // the quote; the submission stays open
		o.Deliver()
	}
	if open := w.n.Open(); len(open) != 1 || open[0].Method != "submit" {
		t.Fatalf("open calls %v", fmt.Sprint(open))
	}
	w.must(w.c.Upgrade(program(), nil))
	w.n.Settle()
	if s := w.status(); s.Batches[0].State != "submitted" || s.Batches[0].Job.Seq != 1 {
		t.Errorf("%+v", s)
	}
}

// TestWithoutArgument: the environment names the others and the model.
func TestWithoutArgument(t *testing.T) {
	n := cdktest.New(t)
	variables := map[string]string{
		"PUBLIC_CANISTER_ID:market": principal.Canister(51).String(), "PUBLIC_CANISTER_ID:vectors": principal.Canister(52).String(),
		"ASSAY_MODEL": strings.Repeat("ab", 32), "ASSAY_DIMENSION": "384",
	}
	install := func() error {
		_, err := n.TryInstall(program(), cdktest.Options{Caller: principal.Anonymous, Variables: variables})
		return err
	}
	if err := install(); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{"ASSAY_MODEL": "ab", "ASSAY_DIMENSION": "-1", "PUBLIC_CANISTER_ID:market": "market", "PUBLIC_CANISTER_ID:vectors": ""} {
		good := variables[name]
		variables[name] = bad
		if err := install(); err == nil {
			t.Errorf("%s=%q was taken", name, bad)
		}
		variables[name] = good
	}
}
