//go:build !wasip1

package cdktest_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"assay/ic/certificate/hashtree"
	"assay/ic/replica/host"
)

func ask(text string) string { return far.String() + " " + text }

func TestWasmEcho(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.wantAnswer(r.start(alice, "echo", "hello", 0), "hello")
	r.wantAnswer(r.start(alice, "inc", "", 0), "1")
	r.wantAnswer(r.start(alice, "inc", "", 0), "2")
}

// Two concurrent callers, answered in the other order: each gets its own reply and its
// own cycles are taken.
func TestWasmConcurrentCallers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.start(alice, "relay", ask("A"), 10)
	b := r.start(bob, "relay", ask("B"), 200)
	r.reply(1, "for B")
	r.wantAnswer(b, "for B took 200")
	r.wantAnswer(a, "none")
	r.reply(0, "for A")
	r.wantAnswer(a, "for A took 10")
	if got := r.query("count"); !strings.HasSuffix(got, " 0") {
		t.Errorf("count %q", got)
	}
}

func TestWasmParallelCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.start(alice, "two", ask("A"), 0)
	b := r.start(bob, "two", ask("B"), 0)
	r.reply(3, "B second")
	r.reply(0, "A first")
	if trap, _ := r.finish(1, "A no", true); trap != nil {
		t.Fatal(trap)
	}
	r.wantAnswer(a, "A first <nil>; call rejected, CANISTER_REJECT: A no")
	r.wantAnswer(b, "none")
	r.reply(2, "B first")
	r.wantAnswer(b, "B first <nil>;B second <nil>")
}

// A goroutine that replies late, before and after its handler did, and while another
// caller's message is between: the reply is its own caller's or nobody's.
func TestWasmLateReply(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.start(alice, "late", ask("A"), 0)
	b := r.start(bob, "late", ask("B"), 0)
	c := r.start(bob, "relay", ask("C"), 0)
	r.reply(0, "a0")
	r.reply(3, "b1")
	first, second := "handler a0", "late a1"
	if strings.HasPrefix(string(a.answer.Data), "late") {
		first, second = "late a0", "handler a1"
	}
	_ = second
	r.wantAnswer(a, first)
	r.reply(1, "a1")
	r.reply(2, "b0")
	r.wantAnswer(a, first)
	if got := string(b.answer.Data); got != "handler b1" && got != "late b1" {
		t.Errorf("B got %q", got)
	}
	r.wantAnswer(c, "none")
	r.reply(4, "c")
	r.wantAnswer(c, "c took 0")
	if got := r.query("notes"); !strings.Contains(got, "the message has been answered") && !strings.Contains(got, "<nil> <nil>") {
		t.Errorf("notes: %s", got)
	}
}

// A lock held over a call makes the next caller trap, not wait for ever and not take over.
func TestWasmLockOverCall(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.start(alice, "lock", ask("A"), 5)
	b := r.start(bob, "lock", ask("B"), 7)
	r.wantAnswer(b, "!lock: a goroutine has neither finished nor is it parked in a call: it sleeps (time stands still in a message), waits for a lock or channel...")
	if len(r.calls) != 1 {
		t.Fatalf("%d calls were made", len(r.calls))
	}
	r.reply(0, "A's")
	r.wantAnswer(a, "A's took 5")
	c := r.start(bob, "lock", ask("B"), 7)
	r.reply(1, "B's")
	r.wantAnswer(c, "B's took 7")
}

func TestWasmLeftovers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.start(alice, "relay", ask("A"), 0) // somebody is parked meanwhile
	for _, method := range []string{"sleep", "blocked", "endless"} {
		r.wantAnswer(r.start(bob, method, "", 0), "!"+method+": a goroutine has neither finished nor is it parked in a call...")
		if r.used > 20_000_000 {
			t.Errorf("%s took %d instructions", method, r.used)
		}
	}
	if got := r.query("sleepy_query"); !strings.HasPrefix(got, "trap: sleepy_query: a goroutine") {
		t.Errorf("a query that sleeps: %q", got)
	}
	r.wantAnswer(r.start(bob, "goexit", "", 0), "!goexit: the handler ended its goroutine without returning")
	r.wantAnswer(r.start(bob, "yields", "", 0), "")
	if got := r.query("count"); !strings.HasSuffix(got, " 100") {
		t.Errorf("heap after them: %q, want 100: a trap undoes the heap", got)
	}
	r.reply(0, "A")
	r.wantAnswer(a, "A took 0")
}

func TestWasmForeignHandle(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.start(alice, "keep", ask("A"), 9)
	b := r.start(bob, "foreign", ask("B"), 3)
	r.wantAnswer(b, "")
	if len(r.calls) != 1 || r.timer != 0 {
		t.Errorf("%d calls, timer %d", len(r.calls), r.timer)
	}
	if n, _ := b.available.Uint64(); n != 3 {
		t.Errorf("%d cycles are left", n)
	}
	r.reply(0, "mine")
	r.wantAnswer(a, "mine took 9")
}

// A callback that traps: its cleanup runs deferred code, which can neither call nor
// answer, frees its lock and leaves no goroutine; the hook hears of the call.
func TestWasmCleanup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(alice, "broken", ask("A"), 5)
	trap, cleanup := r.finish(0, "late", false)
	if trap == nil || !strings.Contains(trap.Message, "panic in broken: after the call (main.go:") {
		t.Fatalf("callback: %v", trap)
	}
	if cleanup != nil {
		t.Fatalf("cleanup: %v", cleanup)
	}
	const refused = "the message is cleaning up after a trap: it cannot call or answer"
	if got := r.query("notes"); got != "cleanup: "+strings.Repeat(refused+", ", 3)+refused {
		t.Errorf("notes: %s", got)
	}
	b := r.start(bob, "lock", ask("B"), 0)
	r.reply(1, "free")
	r.wantAnswer(b, "free took 0")
	if got := r.query("count"); got != "3 0" && got != "2 0" {
		t.Errorf("goroutines and heap: %q", got)
	}
	r.tick()
	if got := r.query("notes"); !strings.HasSuffix(got, `|orphan broken A "" false true`) {
		t.Errorf("notes: %s", got)
	}
}

// An upgrade without stop while three calls are open.
func TestWasmUpgradeWithOpenCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.start(alice, "relay", ask("A"), 10)
	b := r.start(bob, "two", ask("B"), 0)
	r.install("canister_post_upgrade")
	c := r.start(bob, "relay", ask("C"), 0)
	if r.calls[3].OnReply.Env == r.calls[0].OnReply.Env {
		t.Fatal("the new module's call has the old one's environment")
	}
	const retry = "!retry: the canister was upgraded while it waited for another canister..."
	r.reply(0, "a")
	r.wantAnswer(a, retry)
	if trap, _ := r.finish(2, "b2", true); trap != nil {
		t.Fatal(trap)
	}
	r.wantAnswer(b, retry)
	r.reply(1, "b1")
	r.reply(3, "c")
	r.wantAnswer(c, "c took 0")
	want := `upgraded|orphan relay A "a" false false|orphan two B "" true false|orphan two B "b1" false false`
	if got := r.query("notes"); got != want {
		t.Errorf("notes %s, want %s", got, want)
	}
}

func TestWasmTasks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(alice, "plan", "", 0)
	r.now += 1e9
	r.install("canister_post_upgrade") // the timer is off after it; the kit arms it
	r.tick()
	if got := r.query("notes"); got != "upgraded" { // After then Every: the later interval counts
		t.Errorf("after 1 s: %s", got)
	}
	r.now += 9e9
	r.tick()
	if got := r.query("notes"); got != "upgraded|tick" {
		t.Errorf("after 10 s: %s", got)
	}
	if !strings.Contains(strings.Join(r.log, "\n"), "task trap: call rejected, CANISTER_REJECT: panic in trap: a task that traps") {
		t.Errorf("log: %q", r.log)
	}
	r.wantAnswer(r.start(alice, "__assay_task", "tick", 0), "!__assay_task is for the canister itself")
}

func TestWasmCertified(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start(alice, "certify", "hash", 0)
	r.install("canister_post_upgrade")
	certificate, w, _ := strings.Cut(r.query("witness"), "|")
	tree, err := hashtree.Decode([]byte(w))
	if err != nil || certificate != "certificate" {
		t.Fatalf("%q: %v", certificate, err)
	}
	root := tree.Digest()
	if v, found := tree.Lookup([]byte("receipts"), []byte("1")); string(v) != "hash" || found != hashtree.Found || !bytes.Equal(root[:], r.certified) {
		t.Errorf("%q %v, root %x, certified %x", v, found, root, r.certified)
	}
}

// A composite query awaits like an update, keeps no intents, and cleans up.
func TestWasmCompositeQuery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	before := r.stable.Pages()
	start := func(method string) *callContext {
		c := &callContext{composite: true}
		if trap := r.message(host.CompositeQuery, "canister_composite_query "+method, c, []byte(ask("A"))); trap != nil {
			t.Fatal(trap)
		}
		return c
	}
	c := start("compose")
	r.reply(1, "second")
	if trap, _ := r.finish(0, "no", true); trap != nil {
		t.Fatal(trap)
	}
	r.wantAnswer(c, " call rejected, CANISTER_REJECT: no;second <nil>")
	if r.stable.Pages() != before {
		t.Error("stable memory has grown")
	}
	start("compose_broken")
	if trap, cleanup := r.finish(2, "late", false); trap == nil || cleanup != nil {
		t.Errorf("trap %v, cleanup %v", trap, cleanup)
	}
}

// 1 MB of garbage a message: memory stays bounded, under the policy of package cdk.
func TestWasmGarbage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	most := uint64(0)
	for range 300 {
		r.wantAnswer(r.start(alice, "garbage", "", 0), "")
		most = max(most, r.used)
	}
	if pages := r.instance.Pages(); pages > 320 || most > 20_000_000 {
		t.Errorf("%d pages of Wasm memory, at most %d instructions a message", pages, most)
	}
}

// What the kit costs, in instructions. The figures repeat exactly for one build.
func TestWasmCost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	measure := func(name string, most uint64, f func()) {
		f()
		t.Logf("%-28s %9s instructions", name, strconv.FormatUint(r.used, 10))
		if r.used > most {
			t.Errorf("%s takes %d instructions, at most %d are expected", name, r.used, most)
		}
	}
	measure("echo, first", 400_000, func() { r.start(alice, "echo", "x", 0) })
	measure("echo", 100_000, func() { r.start(alice, "echo", "x", 0) })
	measure("query, first", 200_000, func() { r.query("count") })
	measure("query", 200_000, func() { r.query("count") })
	measure("relay, very first half", 800_000, func() { r.start(alice, "relay", ask("A"), 0) })
	measure("relay, callback", 300_000, func() { r.reply(0, "x") })
	measure("relay, first half", 400_000, func() { r.start(alice, "relay", ask("A"), 0) })
	measure("relay, callback", 300_000, func() { r.reply(1, "x") })
	measure("two, first half", 500_000, func() { r.start(alice, "two", ask("A"), 0) })
	for range 100 {
		r.start(alice, "put", strconv.Itoa(r.int()), 0)
	}
	measure("put into a map", 300_000, func() { r.start(alice, "put", "key", 0) })
	c := r.start(alice, "cost", "", 0)
	t.Logf("in one message: %s", c.answer.Data)
	measure("certified put", 1_500_000, func() { r.start(alice, "certify", "hash", 0) })
}

func (r *rig) int() int { r.now++; return int(r.now % 1_000_003 * 7919 % 1_000_003) }
