package state_test

import (
	"fmt"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

// Programs of callbacks that tell the outcome.
var (
	tellReply  = program{}.Append([]byte("reply ")).AppendArg().Send()
	tellReject = program{}.Append([]byte("reject ")).Put(replicatest.Of("msg_reject_code")).Send()
)

// asking is a composite query that tells what a call gave.
func asking(to principal.Principal, method string, arg program) program {
	return program{}.Call(call{To: to, Method: method, Arg: arg, OnReply: tellReply, OnReject: tellReject})
}

func (n *net) ask(to principal.Principal, p program) string {
	n.t.Helper()
	b, rej := n.query(to, "ask", p)
	if rej != nil {
		return fmt.Sprintf("rejected %s", rej.ErrorCode)
	}
	return string(b)
}

func TestCompositeDepth(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	p := program{}.Reply([]byte("deep"))
	for depth := 1; depth <= 8; depth++ {
		method := "ask"
		if depth == 1 {
			method = "read"
		}
		p = program{}.Call(call{To: a, Method: method, Arg: p, OnReply: program{}.AppendArg().Send(), OnReject: tellReject})
		want := "deep"
		if depth > 6 { // the canister that would call too deep is rejected, and its caller told
			want = "reject " + string(u64(5))
		}
		if got := n.ask(a, p); got != want {
			t.Errorf("%d deep: %q, want %q", depth, got, want)
		}
	}
}

func TestCompositeBudget(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	// Each call costs 50 M: a hundred of them are the whole budget.
	again := program{}.Call(call{To: b, Method: "read", Arg: program{}.Reply(nil), OnReply: program{}.Add(0, 1).RunAt(replicatest.Cell(1)), OnReject: tellReject})
	loop := func(times int) program {
		next := program{}.If(replicatest.Less(replicatest.Cell(0), times), again, program{}.Put(replicatest.Cell(0)).Send())
		return program{}.Set(1, next).RunAt(replicatest.Cell(1))
	}
	if got := n.ask(a, loop(90)); got != string(u64(90)) {
		t.Errorf("90 calls: %q", got)
	}
	if got := n.ask(a, loop(110)); got != "rejected IC0526" {
		t.Errorf("110 calls: %q", got)
	}
}

func TestCompositeAnswersAtOnce(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	first := asking(b, "read", program{}.Reply([]byte("one")))
	if got := n.ask(a, append(first, asking(b, "read", program{}.Reply([]byte("two")))...)); got != "reply one" {
		t.Errorf("two calls, each with an answer: %q", got)
	}
	if got := n.ask(a, program{}.Reply([]byte("own")).Call(call{To: b, Method: "read", OnReply: program{}.Trap("late")})); got != "own" {
		t.Errorf("an answer before the call: %q", got)
	}
	if got := n.ask(a, program{}.Call(call{To: b, Method: "read", Arg: program{}.Reply(nil), OnReply: program{}.Print("nothing")})); got != "rejected IC0506" {
		t.Errorf("no answer: %q", got)
	}
}

func TestCompositeCleanup(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	look := program{}.Put(replicatest.Cell(0)).Put(replicatest.Cell(1)).Put(replicatest.Cell(2)).Put(replicatest.Of("stable64_size")).Send()
	reply := program{}.Reply(nil)
	failing := func(cleanup program) program {
		return program{}.Add(0, 1).Call(call{
			To: b, Method: "read", Arg: reply,
			OnReply: program{}.Add(1, 1).Do("stable64_grow", 1).Trap("no"), OnReject: tellReject, OnCleanup: cleanup,
		})
	}
	after := program{}.Call(call{To: b, Method: "read", Arg: reply, OnReply: look, OnReject: tellReject})
	if got := replicatest.Numbers([]byte(n.ask(a, append(failing(program{}.Add(2, 1)), after...)))); fmt.Sprint(got) != "[1 0 1 0]" {
		t.Errorf("after a callback that trapped and its cleanup: %v, want the query's change and the cleanup's", got)
	}
	for name, p := range map[string]program{
		"with nothing after it":    failing(program{}.Add(2, 1)),
		"without a cleanup":        append(failing(nil), after...),
		"whose cleanup traps, too": append(failing(program{}.Trap("neither")), after...),
	} {
		if got := n.ask(a, p); got != "rejected IC0503" {
			t.Errorf("a callback that traps, %s: %q", name, got)
		}
	}
	if got := replicatest.Numbers(n.read(a, look)); fmt.Sprint(got) != "[0 0 0 0]" {
		t.Errorf("it left %v", got)
	}
}

func TestCompositeCallsOfTheManagementCanister(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	out := func(about principal.Principal, method string) program {
		arg := must(managementapi.EncodeStartCanisterArgs(managementapi.Canister{CanisterId: about}))
		return program{}.Call(call{To: principal.Management, Method: method, Arg: arg, OnReply: program{}.AppendArg().Send(), OnReject: tellReject})
	}
	got := n.ask(a, out(a, "canister_status"))
	if s, err := managementapi.DecodeCanisterStatusResults([]byte(got)); err != nil || !s.Status.Running {
		t.Errorf("status of itself: %q %v", got, err)
	}
	if got := n.ask(a, out(b, "canister_status")); got != "reject "+string(u64(5)) {
		t.Errorf("status of a canister that it does not control: %q", got)
	}
	if got := n.ask(a, out(a, "start_canister")); len(got) < 7 || got[:7] != "reject " {
		t.Errorf("a method that is no query: %q", got)
	}
}

func TestQueryKnowsTheCaller(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	info := host.CallerInfo{Data: []byte("email"), Signer: principal.Canister(77)}
	tell := program{}.Give(replicatest.Blob("msg_caller_info_data")).Give(replicatest.Blob("msg_caller_info_signer")).Put(replicatest.Of("data_certificate_present"))
	inner := program{}.Call(call{To: b, Method: "read", Arg: tell.Send(), OnReply: tell.AppendArg().Send()})
	got, rej := n.m.Query(t.Context(), state.Query{Sender: user, Canister: a, Method: "ask", Arg: inner, Info: info})
	want := "email" + string(principal.Canister(77).Bytes()) + string(u64(0)) + string(u64(0))
	if rej != nil || string(got) != want {
		t.Errorf("a callback and the canister below see %q %v, want %q", got, rej, want)
	}
	id, rej := n.submit(state.Ingress{Canister: a, Method: "run", Info: info, Arg: program{}.Call(call{To: b, Method: "run", Arg: tell.Send(), OnReply: tell.AppendArg().Send()})})
	n.must(nil, rej)
	n.rounds()
	if s := n.status(id); string(s.Reply) != want {
		t.Errorf("replicated: %q %v, want %q", s.Reply, s.Reject, want)
	}
}

func TestQueryStats(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	before := n.info(a).QueryStats
	for range 3 {
		n.read(a, program{}.Reply(make([]byte, 100)))
	}
	if _, rej := n.query(a, "read", program{}.Trap("no")); rej == nil {
		t.Fatal("no trap")
	}
	if got := n.ask(a, asking(b, "read", program{}.Reply(nil))); got != "reply " {
		t.Fatalf("got %q", got)
	}
	if at, ok := n.m.NextEvent(); !ok || at.After(n.now.Add(time.Second)) {
		t.Errorf("the next round is at %v, now is %v", at, n.now)
	}
	n.rounds()
	got, below := n.info(a).QueryStats, n.info(b).QueryStats
	if got.NumCallsTotal != candid.NewNat(5) || below.NumCallsTotal != candid.NewNat(1) {
		t.Errorf("%v calls and %v below, want 5 and 1", got.NumCallsTotal, below.NumCallsTotal)
	}
	if got.NumInstructionsTotal == before.NumInstructionsTotal || got.RequestPayloadBytesTotal == before.RequestPayloadBytesTotal || cycles.Amount(got.ResponsePayloadBytesTotal).Less(cycles.New(300)) {
		t.Errorf("totals are %+v", got)
	}
}
