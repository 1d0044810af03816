package state_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

func TestLeastCyclesOfACall(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	n.must(nil, n.set(b, managementapi.Settings{MinimumIncomingCanisterCallCycles: nat(1000)}))
	reply := program{}.Reply([]byte("taken"))
	ask := func(attached uint64) program {
		return program{}.Call(call{
			To: b, Arg: reply, Cycles: attached, OnReply: program{}.AppendArg().Send(),
			OnReject: program{}.Put(replicatest.Of("msg_reject_code")).Put(replicatest.Of("msg_cycles_refunded")).Send(),
		})
	}
	if got := replicatest.Numbers(n.reply(a, ask(999))); !slices.Equal(got, []uint64{5, 999}) {
		t.Errorf("with 999 cycles: reject code and refund %v", got)
	}
	if got := n.reply(a, ask(1000)); string(got) != "taken" {
		t.Errorf("with 1000 cycles: %q", got)
	}
	if got := n.reply(b, program{}.Call(call{To: b, Arg: reply, OnReply: program{}.AppendArg().Send()})); string(got) != "taken" {
		t.Errorf("of itself: %q", got)
	}
	if got := n.reply(b, reply); string(got) != "taken" {
		t.Errorf("of a user: %q", got)
	}
	n.balanced()
}

func TestSenderVersion(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.selfControlled()
	tell := func(version uint64) *state.Reject {
		arg := must(managementapi.EncodeUpdateSettingsArgs(managementapi.UpdateSettingsArg{CanisterId: a, SenderCanisterVersion: &version}))
		_, rej := n.update(a, program{}.Add(0, 1).Call(call{To: principal.Management, Method: "update_settings", Arg: arg, OnReply: program{}.Reply(nil)}))
		return rej
	}
	version := n.info(a).Version
	n.rejected("another version than the canister's", tell(version+1), "IC0521", "sender canister version")
	n.must(nil, tell(version))
	if got := u64Of(n.read(a, program{}.AppendCell(0).Send())); got != 1 {
		t.Errorf("%d messages changed the canister, want 1", got)
	}
}

func TestVersionRisesWithReplicatedQueries(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	before := n.info(a).Version
	id, rej := n.submit(state.Ingress{Canister: a, Method: "read", Arg: program{}.Set(3, 1).Put(replicatest.Of("msg_deadline")).Send()})
	n.must(nil, rej)
	n.rounds()
	if s := n.status(id); s.Reject != nil || u64Of(s.Reply) != 0 {
		t.Errorf("a replicated query: %x %v", s.Reply, s.Reject)
	}
	if got := n.info(a).Version; got != before+1 {
		t.Errorf("version %d after %d and a replicated query", got, before)
	}
	if got := u64Of(n.read(a, program{}.AppendCell(3).Send())); got != 0 {
		t.Error("it left something")
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	tell := program{}.Put(replicatest.Of("msg_deadline")).Send()
	ask := func(method string, timeout uint32) uint64 {
		return u64Of(n.reply(a, program{}.Call(call{To: b, Method: method, Arg: tell, Timeout: timeout, OnReply: program{}.AppendArg().Send()})))
	}
	now := uint64(n.now.UnixNano())
	for _, row := range []struct {
		method  string
		timeout uint32
		want    uint64
	}{
		{"run", 0, 0}, {"run", 10, now + 10e9}, {"run", 5000, now + host.MaxCallWait*1e9}, {"read", 10, 0},
	} {
		if got := ask(row.method, row.timeout); got != row.want {
			t.Errorf("%s with a timeout of %d s: deadline %d, want %d", row.method, row.timeout, got, row.want)
		}
	}
}

func TestStopAfterUninstall(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.selfControlled()
	n.start(a, program{}.Call(call{To: b, Arg: park(b, program{}.Reply(nil))}))
	n.rounds()
	n.must(n.manage(a, "uninstall_code", about(a)))
	id, rej := n.submit(state.Ingress{Effective: a, Method: "stop_canister", Arg: about(a)})
	n.must(nil, rej)
	n.rounds()
	if s := n.status(id); s.Phase.Final() {
		t.Errorf("stopped with an open call: %v %v", s.Phase, s.Reject)
	}
	n.pass(5 * time.Minute) // the call ends
	if got := n.info(a); !got.Status.Stopped {
		t.Errorf("after the call: %+v", got.Status)
	}
	n.balanced()
}

func TestTicks(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actorWith(replicatest.Wasm(replicatest.Options{Heartbeat: true}))
	again := program{}.Add(0, 1).Timer(1)
	n.reply(a, program{}.OnTimer(again).Timer(1).Reply(nil))
	read := func() []uint64 {
		return replicatest.Numbers(n.read(a, program{}.AppendCell(63).AppendCell(0).Send()))
	}
	before := read()
	for range 3 {
		b := n.m.Next(true)
		b.Round.Tick = true
		if _, err := n.m.Apply(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(); got[0] != before[0]+3 || got[1] != before[1]+3 {
		t.Errorf("three ticks: heartbeats and timers %v after %v", got, before)
	}
	n.m.Round(t.Context())
	if got := read(); got[0] != before[0]+3 {
		t.Error("a round that nobody asked for has a heartbeat within the second")
	}
}

func TestLogRecords(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	n.reply(a, program{}.Print("one").Reply(nil))
	n.read(a, program{}.Print("a query").Reply(nil))
	_, rej := n.update(a, program{}.Print("two").Trap("three"))
	n.rejected("the trap", rej, "IC0503", "Canister called `ic0.trap` with message: 'three'")
	_, _ = n.update(a, program{}.Unreachable())
	_, _ = n.update(a, program{}.Do("debug_print", 1<<31, 10).Reply(nil))
	want := []string{"one", "two", "[TRAP]: three", "[TRAP]: unreachable", "(debug_print message out of memory bounds)"}
	if got := n.m.Log(a); !slices.Equal(got, want) {
		t.Errorf("log %q, want %q", got, want)
	}
	n.must(nil, n.install(a, asUpgrade, replicatest.Plain(), nil))
	if got := n.m.Log(a); len(got) != len(want) {
		t.Errorf("after an upgrade: %q", got)
	}
	n.must(nil, n.install(a, asReinstall, replicatest.Plain(), nil))
	if got := n.m.Log(a); len(got) != 0 {
		t.Errorf("after a reinstallation: %q", got)
	}
	for range 3 {
		n.reply(a, program{}.Print(string(bytes.Repeat([]byte("x"), 1500))).Reply(nil))
	}
	if got := n.m.Log(a); len(got) != 2 {
		t.Errorf("%d lines of 1500 bytes are kept, want 2 within 4 KiB", len(got))
	}
}

func TestCallbackThatIsNone(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	bad := func(cleanup bool) program {
		p := program{}.Do("call_new", a, "read", 99, 0, 99, 0)
		if cleanup {
			p = p.Do("call_on_cleanup", replicatest.RunSlot, program{}.Add(0, 1))
		}
		return p.Do("call_data_append", []byte(program{}.Reply(nil))).Do("call_perform")
	}
	for _, cleanup := range []bool{false, true} {
		_, rej := n.update(a, bad(cleanup))
		n.rejected("no such function", rej, "IC0513", "function 99")
	}
	if got := u64Of(n.read(a, program{}.AppendCell(0).Send())); got != 1 {
		t.Errorf("the cleanup ran %d times, want 1", got)
	}
	n.balanced()
}

func TestPageTouchSchedules(t *testing.T) {
	t.Parallel()
	used := func(touch cycles.Touch, p program) (n uint64) {
		net := newNet(t)
		net.config.Touch = touch
		net.m = state.New(net.config)
		a := net.actor()
		net.reply(a, program{}.StableGrow(2).Reply(nil))
		net.observe = func(s state.MessageStats) { n = s.Instructions }
		net.reply(a, p)
		return n
	}
	read := program{}.AppendStable(0, 10).AppendStable(4090, 10).AppendStable(0, 1).Send() // two pages
	write := program{}.StableWrite(4090, make([]byte, 10)).StableWrite(4090, make([]byte, 10)).Reply(nil)
	for _, row := range []struct {
		name string
		p    program
		want uint64 // the difference of the schedules
	}{
		{"reads", read, 2*5000 + 1*(5000+4000)}, // the heap page of the program is touched, and dirty under both
		{"writes", write, 2*4000 + 1*(5000+4000)},
	} {
		low, high := used(cycles.TouchDirty, row.p), used(cycles.TouchBoth, row.p)
		if high-low != row.want {
			t.Errorf("%s: %d and %d instructions, %d apart, want %d", row.name, low, high, high-low, row.want)
		}
	}
}
