package state_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/ic/principal"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

// look reads all kinds of state of an actor.
var look = program{}.AppendCell(0).AppendGlobal().AppendStable(0, 3).AppendBalance().Send()

var change = program{}.Add(0, 1).AddGlobal(1).StableGrow(1).StableWrite(0, []byte("abc")).Certify([]byte("data")).Timer(1).OnTimer(program{}.Add(9, 1))

func TestTrapUndoesEverything(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	n.reply(a, program{}.StableGrow(1).Reply(nil))
	before := n.read(a, look)
	version := n.info(a).Version
	bad := change.Call(call{To: b, Arg: program{}.Add(0, 1).Reply(nil), Cycles: 1e9}).Burn(1e6).Reply(nil).Trap("on purpose")
	_, rej := n.update(a, bad)
	n.refused(rej, "IC0503")
	if !strings.Contains(rej.Message, "on purpose") {
		t.Errorf("message %q does not say why", rej.Message)
	}
	after := n.read(a, look)
	if !bytes.Equal(before[:19], after[:19]) {
		t.Errorf("state %x, before the trap %x", after[:19], before[:19])
	}
	if got := n.read(b, program{}.AppendCell(0).Send()); !bytes.Equal(got, u64(0)) {
		t.Error("the call of a trapped message arrived")
	}
	n.pass(time.Minute)
	if got := n.read(a, program{}.AppendCell(9).Send()); !bytes.Equal(got, u64(0)) {
		t.Error("the timer of a trapped message fired")
	}
	if got := n.read(a, program{}.AppendCertificate().Send()); !strings.Contains(string(got), "  ") {
		t.Errorf("certified data of a trapped message are kept: %s", got)
	}
	if got := n.info(a).Version; got != version {
		t.Errorf("version %d, before the trap %d", got, version)
	}
	n.balanced()
}

func TestQueryLeavesNoEffect(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	n.reply(a, change.Timer(0).Reply(nil))
	before := n.read(a, look)
	for name, p := range map[string]program{
		"plain":         program{}.Add(0, 5).AddGlobal(5).StableWrite(0, []byte("xyz")).Reply(nil),
		"with growth":   program{}.Add(0, 5).HeapGrow(5).StableGrow(7).Reply(nil),
		"that traps":    program{}.Add(0, 5).AddGlobal(5).Unreachable(),
		"that rejects":  program{}.Add(0, 5).Reject("no"),
		"without reply": program{}.Add(0, 5),
	} {
		_, rej := n.query(a, "read", p)
		if (rej == nil) != strings.HasPrefix(name, "plain") && (rej == nil) != strings.HasPrefix(name, "with growth") {
			t.Errorf("query %s: %v", name, rej)
		}
		if after := n.read(a, look); !bytes.Equal(before, after) {
			t.Errorf("state after a query %s: %x, want %x", name, after, before)
		}
	}
	// As an update, a query method may answer but still changes nothing.
	id, rej := n.submit(state.Ingress{Canister: a, Method: "read", Arg: program{}.Add(0, 5).Reply([]byte("yes"))})
	n.must(nil, rej)
	n.rounds()
	if s := n.status(id); string(s.Reply) != "yes" {
		t.Errorf("replicated query: %+v", s)
	}
	if after := n.read(a, program{}.AppendCell(0).Send()); !bytes.Equal(after, u64(1)) {
		t.Errorf("a replicated query changed the heap: %x", after)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	for name, row := range map[string]struct {
		p    program
		code string
	}{
		"reject":   {program{}.Reject("no"), "IC0406"},
		"silence":  {program{}.Add(0, 1), "IC0506"},
		"wasm":     {program{}.Unreachable(), "IC0502"},
		"forever":  {program{}.Append([]byte("x")).Forever(), "IC0522"},
		"contract": {program{}.AppendCertificate(), "IC0504"},
	} {
		if name == "forever" && testing.Short() {
			continue
		}
		_, rej := n.query(a, "read", row.p)
		if name == "contract" {
			_, rej = n.update(a, row.p)
		}
		if rej == nil || rej.ErrorCode != row.code {
			t.Errorf("%s: got %v, want %s", name, rej, row.code)
		}
	}
	for method, code := range map[string]string{"none": "IC0536", "ask": "IC0527"} {
		id, rej := n.submit(state.Ingress{Canister: a, Method: method})
		n.must(nil, rej)
		n.rounds()
		n.refused(n.status(id).Reject, code)
	}
	_, rej := n.query(a, "run", nil)
	n.refused(rej, "IC0536")
	_, rej = n.submit(state.Ingress{Canister: principal.Canister(77), Method: "run"})
	n.refused(rej, "IC0301")
}

func TestCallWithCycles(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	for name, timeout := range map[string]uint32{"unbounded": 0, "bounded": 10} {
		got := n.reply(a, program{}.Call(call{
			To: b, Cycles: 1000, Timeout: timeout,
			Arg:     program{}.AppendCaller().AppendAvailable().Accept(600).AppendDeadline().Send(),
			OnReply: program{}.AppendArg().AppendRefunded().Append([]byte("!")).Send(),
		}))
		deadline := uint64(0)
		if timeout != 0 {
			deadline = uint64(n.now.UnixNano()) + uint64(timeout)*1e9
		}
		want := append(append(append(append(a.Bytes(), u128(1000)...), u64(deadline)...), u128(400)...), '!')
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", name, got, want)
		}
		n.balanced()
	}
	// Rejected calls give everything back.
	for name, arg := range map[string]program{"reject": program{}.Accept(5).Reject("no"), "trap": program{}.Accept(5).Trap("no")} {
		got := n.reply(a, program{}.Call(call{To: b, Cycles: 1000, Arg: arg, OnReject: program{}.AppendRejectCode().AppendRefunded().Send()}))
		want := append(u32(4), u128(995)...)
		if name == "trap" {
			want = append(u32(5), u128(1000)...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", name, got, want)
		}
		n.balanced()
	}
}

func TestCallReservesAndRefunds(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	before := n.info(a).Cycles
	id := n.start(a, program{}.Call(call{To: b, Arg: program{}.Reply(nil), OnReply: program{}.Reply(nil)}))
	n.m.Round(t.Context())
	during, _ := before.Sub(n.info(a).Cycles)
	if got, _ := during.Uint64(); got < 42_100_000_000 || got > 42_200_000_000 {
		t.Errorf("an open call holds %d cycles, want about 42.1 B", got)
	}
	n.rounds()
	spent, _ := before.Sub(n.info(a).Cycles)
	if got, _ := spent.Uint64(); got < 10_000_000 || got > 100_000_000 {
		t.Errorf("a finished call cost %d cycles", got)
	}
	if n.status(id).Phase != state.Replied {
		t.Error(n.status(id))
	}
	n.balanced()
}

func TestQueueLimit(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	p := program{}
	for range state.QueueLimit {
		p = p.Call(call{To: b, Arg: program{}.Reply(nil)})
	}
	p = p.AppendPerformed()                                              // the last that fits
	p = p.Call(call{To: b, Cycles: 77}).AppendPerformed()                // one too many
	p = p.Call(call{To: a, Arg: program{}.Reply(nil)}).AppendPerformed() // another pair has room
	got := n.reply(a, p.Send())
	if want := append(append(u32(0), u32(2)...), u32(0)...); !bytes.Equal(got, want) {
		t.Errorf("call_perform gave %x, want %x", got, want)
	}
	if got := n.reply(a, program{}.Call(call{To: b, Arg: program{}.Reply(nil)}).AppendPerformed().Send()); !bytes.Equal(got, u32(0)) {
		t.Errorf("no room after the responses came: %x", got)
	}
	n.balanced()
}

func TestCleanup(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	_, rej := n.update(a, program{}.Add(0, 1).Call(call{
		To: b, Arg: program{}.Reply(nil), OnReply: program{}.Add(1, 1).Trap("in callback"), OnCleanup: program{}.Add(2, 1).AddGlobal(7),
	}))
	n.refused(rej, "IC0503")
	got := n.read(a, program{}.AppendCell(0).AppendCell(1).AppendCell(2).AppendGlobal().Send())
	if want := bytes.Join([][]byte{u64(1), u64(0), u64(1), u64(7)}, nil); !bytes.Equal(got, want) {
		t.Errorf("cells after cleanup %x, want %x", got, want)
	}
	// A cleanup that traps is undone too, and one that replies is refused.
	_, rej = n.update(a, program{}.Call(call{
		To: b, Arg: program{}.Reply(nil), OnReply: program{}.Trap("first"), OnCleanup: program{}.Add(2, 1).Reply(nil),
	}))
	n.refused(rej, "IC0503")
	if !strings.Contains(rej.Message, "first") {
		t.Errorf("reject %q, want the callback's reason", rej.Message)
	}
	if got := n.read(a, program{}.AppendCell(2).Send()); !bytes.Equal(got, u64(1)) {
		t.Errorf("a trapping cleanup left %x", got)
	}
	n.balanced()
}

func TestContextWaitsForOtherCalls(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	// The first callback traps, the second replies.
	got := n.reply(a, program{}.
		Call(call{To: b, Arg: program{}.Reply(nil), OnReply: program{}.Trap("one")}).
		Call(call{To: b, Arg: program{}.Reply(nil), OnReply: program{}.Reply([]byte("two"))}))
	if string(got) != "two" {
		t.Errorf("got %q", got)
	}
	// A callback after the answer cannot answer again.
	n.reply(a, program{}.Reply(nil).Call(call{To: b, Arg: program{}.Reply(nil), OnReply: program{}.Add(3, 1).Reply(nil)}))
	if got := n.read(a, program{}.AppendCell(3).Send()); !bytes.Equal(got, u64(0)) {
		t.Error("a second answer was allowed")
	}
	n.balanced()
}

func TestBoundedWait(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.selfControlled()
	got := program{}.AppendRejectCode().AppendRefunded().Send()
	id := n.start(a, program{}.Call(call{
		To: b, Timeout: 10, Cycles: 1000, Arg: park(b, program{}.Accept(50).Add(0, 1).Reply(nil)), OnReply: got, OnReject: got,
	}))
	n.rounds()
	if s := n.status(id); s.Phase != state.Processing {
		t.Fatalf("answered at once: %+v", s)
	}
	n.pass(11 * time.Second)
	if s, want := n.status(id), append(u32(6), u128(0)...); !bytes.Equal(s.Reply, want) {
		t.Errorf("after the deadline: %+v, want a reject 6 without refund", s)
	}
	n.balanced()
	n.pass(5 * time.Minute) // the late answer comes and is dropped
	n.balanced()
	n.must(n.manage(b, "start_canister", about(b)))
	if got := n.read(b, program{}.AppendCell(0).Send()); !bytes.Equal(got, u64(1)) {
		t.Error("the callee did not go on after the deadline")
	}
	// A request that was never delivered in time is not executed at all.
	id = n.start(a, program{}.Call(call{To: b, Timeout: 1, Arg: program{}.Add(0, 1).Reply(nil), OnReject: got}))
	n.m.Round(t.Context())
	n.pass(2 * time.Second)
	if s := n.status(id); u64Of(append(s.Reply, 0, 0, 0, 0)[:8])&0xff != 6 {
		t.Errorf("undelivered: %+v", s)
	}
	if got := n.read(b, program{}.AppendCell(0).Send()); !bytes.Equal(got, u64(1)) {
		t.Error("a call was executed after its deadline")
	}
	n.balanced()
}

func TestIngressRequests(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	in := state.Ingress{ID: state.RequestID{1}, Sender: user, Canister: a, Method: "run", Arg: program{}.Add(0, 1).Reply([]byte("ok")), Expiry: n.now.Add(4 * time.Minute)}
	for range 3 { // a replay is not executed again
		if rej := n.m.Submit(t.Context(), in); rej != nil {
			t.Fatal(rej)
		}
		n.rounds()
	}
	if got := n.read(a, program{}.AppendCell(0).Send()); !bytes.Equal(got, u64(1)) {
		t.Errorf("executed %x times", got)
	}
	if s, err := n.m.Await(t.Context(), in.ID); err != nil || string(s.Reply) != "ok" || s.Sender != user {
		t.Errorf("await: %+v, %v", s, err)
	}
	n.pass(4*time.Minute + 50*time.Second)
	if s := n.status(in.ID); s.Phase != state.Replied {
		t.Errorf("after 5 minutes: %v", s.Phase)
	}
	n.pass(time.Minute)
	if s := n.status(in.ID); s.Phase != state.Done || s.Reply != nil {
		t.Errorf("later: %+v, want done", s)
	}
	n.pass(10 * time.Minute)
	if _, ok := n.m.Status(in.ID); ok {
		t.Error("never forgotten")
	}
	rej := n.m.Submit(t.Context(), in) // too old to be replayed
	n.refused(rej, "IC0202")
	if _, err := n.m.Await(t.Context(), in.ID); err == nil {
		t.Error("awaited a forgotten request")
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actorWith(replicatest.Wasm(replicatest.Options{Inspect: true}))
	b := n.actor()
	if _, rej := n.submit(state.Ingress{Canister: a, Method: "run", Arg: program{}.Deny().Reply(nil)}); rej == nil || rej.ErrorCode != "IC0406" {
		t.Errorf("denied message: %v", rej)
	}
	n.reply(a, program{}.Reply(nil))
	// It is asked for ingress only.
	if got := n.reply(b, program{}.Call(call{To: a, Arg: program{}.Deny().Reply(nil), OnReply: program{}.Reply([]byte("in"))})); string(got) != "in" {
		t.Errorf("got %q", got)
	}
}

func TestTimersAndHeartbeats(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actorWith(replicatest.Wasm(replicatest.Options{Heartbeat: true}))
	at := uint64(n.now.Add(time.Minute).UnixNano())
	n.reply(a, program{}.Timer(at).OnTimer(program{}.Add(0, 1)).Reply(nil))
	cell := func(i uint32) uint64 {
		return u64Of(n.read(a, program{}.AppendCell(i).Send()))
	}
	next, ok := n.m.NextEvent()
	if !ok || next.After(n.now.Add(time.Second)) {
		t.Errorf("next event at %v, want the heartbeat within a second of %v", next, n.now)
	}
	n.pass(59 * time.Second)
	if got := cell(0); got != 0 {
		t.Errorf("timer fired %d times too early", got)
	}
	beats := cell(63)
	n.pass(2 * time.Second)
	n.pass(2 * time.Second)
	if got := cell(0); got != 1 {
		t.Errorf("timer fired %d times, want once", got)
	}
	if got := cell(63) - beats; got != 2 {
		t.Errorf("%d heartbeats in two looks, want 2", got)
	}
	// A timer whose message traps is off as well.
	n.reply(a, program{}.Timer(1).OnTimer(program{}.Add(1, 1).Trap("in timer")).Reply(nil))
	n.pass(time.Second)
	n.pass(time.Second)
	if got := n.m.Log(a); len(got) != 1 || !strings.Contains(got[0], "in timer") {
		t.Errorf("log is %q, want one trap", got)
	}
}

func TestTimerThatIsAlwaysDue(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	again := program{}.Add(0, 1).Timer(1)
	n.reply(a, program{}.OnTimer(again).Timer(1).Reply(nil))
	for range 5 { // each pass ends: the timer waits for time to move on
		n.pass(10 * time.Millisecond)
	}
	if got := u64Of(n.read(a, program{}.AppendCell(0).Send())); got != 6 {
		t.Errorf("fired %d times in 50 ms, want 6", got)
	}
}

func TestCompositeQuery(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	n.reply(b, program{}.Add(0, 42).Reply(nil))
	ask := func(to principal.Principal, method string, inner program) program {
		return program{}.Add(5, 1).Call(call{
			To: to, Method: method, Arg: inner,
			OnReply:  program{}.Append([]byte("reply ")).AppendArg().AppendCell(5).Send(),
			OnReject: program{}.Append([]byte("reject ")).AppendRejectCode().Send(),
		})
	}
	got, rej := n.query(a, "ask", ask(b, "read", program{}.Add(0, 1).AppendCell(0).Send()))
	if want := append(append([]byte("reply "), u64(43)...), u64(1)...); rej != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q %v, want %q", got, rej, want)
	}
	if got := n.read(b, program{}.AppendCell(0).Send()); !bytes.Equal(got, u64(42)) {
		t.Error("the callee was changed")
	}
	got, rej = n.query(a, "ask", ask(b, "ask", ask(a, "read", program{}.AppendCell(5).Send())))
	if want := append([]byte("reply reply "), make([]byte, 8)...); rej != nil || !bytes.HasPrefix(got, want) {
		t.Errorf("a canister above its own call sees %q %v, want what is committed", got, rej)
	}
	got, _ = n.query(a, "ask", ask(b, "run", nil))
	if want := append([]byte("reject "), u32(5)...); !bytes.Equal(got, want) {
		t.Errorf("call of an update: %q", got)
	}
}

func u64Of(b []byte) (n uint64) {
	for i := range 8 {
		n |= uint64(b[i]) << (8 * i)
	}
	return n
}

func TestDeterminism(t *testing.T) {
	t.Parallel()
	run := func() string {
		n := newNet(t)
		var trace []string
		n.observe = func(s state.MessageStats) {
			trace = append(trace, fmt.Sprint(s.Canister, s.Kind, s.Method, s.Instructions, s.HeapPages, s.StablePages, s.DirtyPages, s.Failed))
		}
		ids := []principal.Principal{n.actor(), n.actor(), n.actor()}
		for i := range 20 {
			n.start(ids[i%3], randomProgram(uint64(i), ids))
		}
		n.rounds()
		n.pass(time.Minute)
		return strings.Join(trace, "\n") + fmt.Sprint(n.m.Books())
	}
	if a, b := run(), run(); a != b {
		t.Error("the same messages ran differently")
	}
}
