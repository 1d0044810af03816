package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"assay/canisters/dao/daoapi"
	"assay/canisters/market/marketapi"
	"assay/canisters/root/rootapi"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
)

var (
	market = principal.Canister(50)
	root   = principal.Canister(51)
)

func member(n byte) principal.Principal { return principal.SelfAuthenticating([]byte{n}) }

// world is a dao of three members; the test plays market and root.
type world struct {
	t      *testing.T
	n      *cdktest.Network
	c      *cdktest.Canister
	calls  []string
	answer func(method string) ([]byte, error)
}

func initArg() daoapi.Init {
	a := daoapi.Init{Market: market, Root: root, VotingPeriod: uint64(time.Hour)}
	for i := range byte(3) {
		a.Members = append(a.Members, daoapi.Member{Id: member(i), Name: string('a' + rune(i)), Weight: 1})
	}
	return a
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, n: cdktest.New(t)}
	w.answer = func(string) ([]byte, error) {
		return marketapi.EncodeAdmitProviderResults(marketapi.AdmitProviderResult{Ok: true})
	}
	play := func(method string, _ []byte, _ candid.Nat) ([]byte, candid.Nat, error) {
		w.calls = append(w.calls, method)
		reply, err := w.answer(method)
		return reply, candid.Nat{}, err
	}
	w.n.Handle(market, play)
	w.n.Handle(root, play)
	arg, err := daoapi.EncodeInitArgs(initArg())
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

func admitAction(t *testing.T) daoapi.Action {
	t.Helper()
	arg, err := marketapi.EncodeAdmitProviderArgs(marketapi.ProviderEntry{Operator: member(7), Worker: member(8), Name: "north"})
	if err != nil {
		t.Fatal(err)
	}
	return daoapi.Action{Market: &daoapi.ActionMarket{Method: "admit_provider", Arg: arg}}
}

func (w *world) propose(from principal.Principal, a daoapi.Action) daoapi.ProposeResult {
	w.t.Helper()
	arg, err := daoapi.EncodeProposeArgs(daoapi.ProposeArg{Summary: "a proposal", Action: a})
	w.must(err)
	reply, err := w.c.Update(from, "propose", arg)
	w.must(err)
	r, err := daoapi.DecodeProposeResults(reply)
	w.must(err)
	return r
}

func (w *world) vote(from principal.Principal, id uint64, accept bool) daoapi.VoteResult {
	w.t.Helper()
	arg, err := daoapi.EncodeVoteArgs(daoapi.VoteArg{Proposal: id, Accept: accept})
	w.must(err)
	reply, err := w.c.Update(from, "vote", arg)
	w.must(err)
	r, err := daoapi.DecodeVoteResults(reply)
	w.must(err)
	return r
}

func (w *world) execute(from principal.Principal, id uint64) daoapi.ExecuteResult {
	w.t.Helper()
	arg, err := daoapi.EncodeExecuteArgs(id)
	w.must(err)
	reply, err := w.c.Update(from, "execute", arg)
	w.must(err)
	r, err := daoapi.DecodeExecuteResults(reply)
	w.must(err)
	return r
}

func (w *world) proposal(id uint64) daoapi.Proposal {
	w.t.Helper()
	arg, err := daoapi.EncodeProposalArgs(id)
	w.must(err)
	reply, err := w.c.Query(member(9), "proposal", arg)
	w.must(err)
	p, err := daoapi.DecodeProposalResults(reply)
	w.must(err)
	if p == nil {
		w.t.Fatalf("no proposal %d", id)
	}
	return *p
}

func TestAdoptedIsExecutedOnce(t *testing.T) {
	w := newWorld(t)
	id := *w.propose(member(0), admitAction(t)).Ok
	p := w.proposal(id)
	for _, want := range []string{"market.admit_provider", `"north"`, member(7).String(), member(8).String()} {
		if !strings.Contains(p.Rendered, want) {
			t.Errorf("%q does not say %s", p.Rendered, want)
		}
	}
	if r := w.vote(member(0), id, true); r.Err != nil || !r.Ok.State.Open {
		t.Fatalf("first vote: %+v", r)
	}
	if r := w.vote(member(0), id, true); r.Err == nil {
		t.Error("a second vote of the same member is taken")
	}
	if r := w.vote(member(5), id, true); r.Err == nil {
		t.Error("a stranger's vote is taken")
	}
	if r := w.vote(member(1), id, true); r.Err != nil || !r.Ok.State.Executed || r.Ok.Outcome != "done" {
		t.Fatalf("second vote: %+v", r)
	}
	if r := w.execute(member(0), id); r.Err == nil {
		t.Error("an executed proposal is executed again")
	}
	if len(w.calls) != 1 {
		t.Errorf("calls %v", w.calls)
	}
}

func TestRejectedIsNotExecuted(t *testing.T) {
	w := newWorld(t)
	id := *w.propose(member(0), admitAction(t)).Ok
	w.vote(member(0), id, false)
	if r := w.vote(member(1), id, false); !r.Ok.State.Rejected {
		t.Errorf("%+v", r)
	}
	late := *w.propose(member(0), admitAction(t)).Ok
	w.n.Advance(time.Hour)
	if r := w.vote(member(0), late, true); r.Err == nil || !w.proposal(late).State.Rejected {
		t.Errorf("a late vote: %+v", r)
	}
	if len(w.calls) != 0 {
		t.Errorf("calls %v", w.calls)
	}
}

// TestOutcomes: what the target answers decides whether the proposal may be executed again.
func TestOutcomes(t *testing.T) {
	refusal := func(retry bool) func(string) ([]byte, error) {
		return func(string) ([]byte, error) {
			return marketapi.EncodeAdmitProviderResults(marketapi.AdmitProviderResult{Err: &marketapi.Failure{Message: "no", Retry: retry}})
		}
	}
	for name, r := range map[string]struct {
		answer func(string) ([]byte, error)
		again  bool
	}{
		"refused":       {refusal(false), false},
		"refused now":   {refusal(true), true},
		"reject":        {func(string) ([]byte, error) { return nil, errors.New("unknown method") }, false},
		"reject, retry": {func(string) ([]byte, error) { return nil, errors.New(cdk.RetryPrefix + "upgraded") }, true},
		"stopped": {func(string) ([]byte, error) {
			return nil, &cdk.CallError{Code: cdk.CanisterError, Message: "stopped"}
		}, true},
		"queue full": {func(string) ([]byte, error) { return nil, &cdk.CallError{Code: cdk.SysTransient} }, true},
		"garbage":    {func(string) ([]byte, error) { return []byte("x"), nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			good := w.answer
			w.answer = r.answer
			id := *w.propose(member(0), admitAction(t)).Ok
			w.vote(member(0), id, true)
			w.vote(member(1), id, true)
			p := w.proposal(id)
			if p.State.Failed == r.again || p.State.Adopted != r.again || p.Outcome == "" {
				t.Fatalf("%s: %q", p.State.Tag(), p.Outcome)
			}
			w.answer = good
			if e := w.execute(member(5), id); e.Err == nil {
				t.Error("a stranger executes")
			}
			if e := w.execute(member(2), id); (e.Err == nil) != r.again || r.again && !e.Ok.State.Executed {
				t.Errorf("executed again: %+v", e)
			}
		})
	}
}

func TestUpgradeGoesToRoot(t *testing.T) {
	w := newWorld(t)
	w.answer = func(string) ([]byte, error) {
		return rootapi.EncodeUpgradeResults(rootapi.UpgradeResult{Ok: &rootapi.Upgrade{ModuleHash: make([]byte, 32)}})
	}
	id := *w.propose(member(0), daoapi.Action{Upgrade: &daoapi.ActionUpgrade{Canister: market, ModuleHash: make([]byte, 32)}}).Ok
	w.vote(member(0), id, true)
	if r := w.vote(member(1), id, true); !r.Ok.State.Executed || len(w.calls) != 1 || w.calls[0] != "upgrade" {
		t.Errorf("%+v, calls %v", r, w.calls)
	}
}

func TestProposeRefuses(t *testing.T) {
	w := newWorld(t)
	good := admitAction(t)
	for name, a := range map[string]daoapi.Action{
		"another method": {Market: &daoapi.ActionMarket{Method: "submit", Arg: good.Market.Arg}},
		"garbage":        {Market: &daoapi.ActionMarket{Method: "admit_provider", Arg: []byte("DIDL")}},
		"another type":   {Market: &daoapi.ActionMarket{Method: "set_parameters", Arg: good.Market.Arg}},
		"long argument":  {Market: &daoapi.ActionMarket{Method: "admit_provider", Arg: make([]byte, maxArgument+1)}},
		"short hash":     {Upgrade: &daoapi.ActionUpgrade{Canister: market, ModuleHash: make([]byte, 31)}},
	} {
		if r := w.propose(member(0), a); r.Err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if r := w.propose(member(5), good); r.Err == nil {
		t.Error("a stranger's proposal is taken")
	}
}

// TestUpgradedWhileExecuting: the outcome finds its proposal under the next module.
func TestUpgradedWhileExecuting(t *testing.T) {
	w := newWorld(t)
	id := *w.propose(member(0), admitAction(t)).Ok
	w.vote(member(0), id, true)
	arg, err := daoapi.EncodeVoteArgs(daoapi.VoteArg{Proposal: id, Accept: true})
	w.must(err)
	w.c.Start(member(1), "vote", arg, candid.Nat{})
	arg, err = daoapi.EncodeExecuteArgs(id)
	w.must(err)
	reply, err, done := w.c.Start(member(2), "execute", arg, candid.Nat{}).Result()
	if r, decodeErr := daoapi.DecodeExecuteResults(reply); err != nil || !done || decodeErr != nil || r.Err == nil || !r.Err.Retry {
		t.Errorf("executed twice at a time: %+v, %v, %v", r, err, decodeErr)
	}
	if len(w.n.Open()) != 1 {
		t.Fatalf("%d calls are open, want 1", len(w.n.Open()))
	}
	w.must(w.c.Upgrade(program(), nil))
	w.n.Settle()
	if p := w.proposal(id); !p.State.Executed {
		t.Errorf("%s: %q", p.State.Tag(), p.Outcome)
	}
}

func TestInitRefuses(t *testing.T) {
	twice := initArg()
	twice.Members[1] = twice.Members[0]
	nobody := initArg()
	nobody.Members = nil
	for _, a := range []daoapi.Init{twice, nobody} {
		arg, err := daoapi.EncodeInitArgs(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cdktest.New(t).TryInstall(program(), cdktest.Options{Arg: arg}); err == nil {
			t.Errorf("installed with %d members", len(a.Members))
		}
	}
}

// TestWithoutArgument: the environment names the others; who installs is the one member, and
// nobody is when that is anonymous.
func TestWithoutArgument(t *testing.T) {
	n := cdktest.New(t)
	peers := map[string]string{"PUBLIC_CANISTER_ID:market": principal.Canister(51).String()}
	if _, err := n.TryInstall(program(), cdktest.Options{Variables: peers}); err == nil || !strings.Contains(err.Error(), "PUBLIC_CANISTER_ID:root") {
		t.Errorf("without a root: %v", err)
	}
	root, installer := principal.Canister(52), principal.SelfAuthenticating([]byte("installer"))
	peers["PUBLIC_CANISTER_ID:root"] = root.String()
	for caller, member := range map[principal.Principal]principal.Principal{installer: installer, principal.Anonymous: root} {
		c := n.Install(program(), cdktest.Options{Caller: caller, Variables: peers})
		reply, err := c.Query(caller, "members", []byte("DIDL\x00\x00"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := daoapi.DecodeMembersResults(reply); err != nil || len(got) != 1 || got[0].Id != member {
			t.Errorf("installed by %s: members %+v (%v), want %s", caller, got, err, member)
		}
	}
}
