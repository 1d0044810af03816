//go:build !wasip1

package cdktest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
)

const held = 42_102_415_000 // by an open call, on the double

// A call that would touch the reserve is refused before it leaves, and may be retried.
func TestReserve(t *testing.T) {
	t.Parallel()
	p := updates(map[string]handle{"pay": func(m *cdk.Message, arg []byte) ([]byte, error) {
		_, err := m.Call(cdk.Call{To: far, Method: "pay", Cycles: amount(uint64(len(arg)) * 1e9)})
		var e *cdk.CallError
		if errors.As(err, &e) && (e.Sent || !e.Retry() || e.Happened() != cdk.No) {
			return nil, fmt.Errorf("not a refusal: %w", err)
		}
		return fmt.Append(nil, m.Refunded(), " ", err), nil
	}})
	p.Reserve = amount(1e12)
	n := cdktest.New(t)
	poor := n.Install(p, cdktest.Options{Cycles: amount(1e12 + held + 2e9)})
	n.Handle(far, func(_ string, _ []byte, cycles candid.Nat) ([]byte, candid.Nat, error) { return nil, amount(1e9), nil })
	call := func(arg string) string {
		got, err := poor.Update(alice, "pay", []byte(arg))
		if err != nil {
			t.Error(err)
		}
		return string(got)
	}
	if got := call("xx"); got != "1000000000 <nil>" {
		t.Errorf("the call it can afford: %s", got)
	}
	const refusal = "call not sent: the canister keeps a reserve of 1000000000000 cycles: of 1043"
	if got := call("xx"); !strings.HasPrefix(got, "2000000000 "+refusal) {
		t.Errorf("one too dear: %s", got)
	}
	if got := call("x"); got != "0 <nil>" {
		t.Errorf("one less dear: %s", got)
	}
}

// The 501st call to a canister is refused, those to another are not; answers
// make room and an upgrade keeps the count.
func TestOpenCallsPerCallee(t *testing.T) {
	t.Parallel()
	other := principal.Canister(901)
	p := updates(map[string]handle{
		"many": func(m *cdk.Message, arg []byte) ([]byte, error) {
			calls := make([]cdk.Call, 100)
			for i := range calls {
				calls[i] = cdk.Call{To: far, Method: "m"}
			}
			cdk.All(m, calls...)
			return nil, nil
		},
		"one": func(m *cdk.Message, arg []byte) ([]byte, error) {
			_, err := m.Call(cdk.Call{To: far, Method: "m"})
			return nil, err
		},
		"other": func(m *cdk.Message, arg []byte) ([]byte, error) { return m.Call(cdk.Call{To: other, Method: "m"}) },
	})
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{})
	n.Handle(other, func(string, []byte, candid.Nat) ([]byte, candid.Nat, error) { return []byte("ok"), candid.Nat{}, nil })
	for range 5 {
		c.Start(alice, "many", nil, candid.Nat{})
	}
	full := fmt.Sprintf("call rejected, CANISTER_REJECT: call not sent: 500 calls to %s are open, as many as fit", far)
	want(t, c.Start(bob, "one", nil, candid.Nat{}), "", full)
	if got, err := c.Update(bob, "other", nil); err != nil || string(got) != "ok" {
		t.Errorf("to another canister: %s, %v", got, err)
	}
	if err := c.Upgrade(p, nil); err != nil {
		t.Fatal(err)
	}
	want(t, c.Start(bob, "one", nil, candid.Nat{}), "", full)
	n.Open()[7].Reply(nil)
	r := c.Start(bob, "one", nil, candid.Nat{})
	want(t, c.Start(bob, "one", nil, candid.Nat{}), "", full)
	n.Open()[499].Reply(nil)
	want(t, r, "", "")
	for _, o := range n.Open() {
		o.Reject(cdk.CanisterReject, "no")
	}
	for range 5 {
		c.Start(alice, "many", nil, candid.Nat{})
	}
	if got := len(n.Open()); got != 500 {
		t.Errorf("%d calls are open, want 500 again", got)
	}
}

// What each method used is counted; traps are not.
func TestMetrics(t *testing.T) {
	t.Parallel()
	p := updates(map[string]handle{
		"relay": relay,
		"trap":  func(*cdk.Message, []byte) ([]byte, error) { panic("x") },
	})
	p.Methods = append(p.Methods, candid.Method[*cdk.Message]{Name: "metrics", Kind: candid.Query, Handle: func(m *cdk.Message, _ []byte) ([]byte, error) {
		var out []byte
		for _, u := range cdk.Metrics(m) {
			out = fmt.Appendf(out, "%s %d %d,", u.Method, u.Calls, u.Messages)
		}
		return append(out, cdk.Prometheus(m)...), nil
	}})
	p.Tasks = map[string]cdk.Task{`a "task"`: func(*cdk.Message) error { return errors.New("no") }}
	p.Init = func(m *cdk.Message, _ []byte) error { return m.After(0, `a "task"`) }
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{Cycles: amount(77)})
	a := c.Start(alice, "relay", nil, candid.Nat{})
	b := c.Start(bob, "relay", nil, candid.Nat{})
	c.Start(bob, "trap", nil, candid.Nat{})
	n.Open()[0].Reply(nil)
	n.Advance(0)
	want(t, a, "", "")
	if _, _, done := b.Result(); done {
		t.Error("answered")
	}
	got, err := c.Query(alice, "metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`relay 2 3,task a "task" 1 1,`, "\ncanister_cycles 77\n", "\ncanister_calls_open 1\n", `canister_method_calls_total{method="relay"} 2`,
		`canister_method_messages_total{method="task a \"task\""} 1`, `canister_task_failures{task="a \"task\""} 1`, "# TYPE canister_method_instructions_total counter\n",
	} {
		if !strings.Contains("\n"+string(got), line) && !strings.HasPrefix(string(got), line) {
			t.Errorf("no %q in\n%s", line, got)
		}
	}
}

// The hook before an upgrade runs in the old program; its error or panic keeps it.
func TestPreUpgrade(t *testing.T) {
	t.Parallel()
	var log []string
	refuse := errors.New("not now")
	old := cdk.Program{PreUpgrade: func(m *cdk.Message) error {
		_, err := m.Call(cdk.Call{To: far})
		log = append(log, "old")
		return errors.Join(refuse, wrong(err, cdk.ErrNotAllowed), wrong(m.Reply(nil), cdk.ErrNotAllowed), cdk.Map(20).Put([]byte("k"), []byte("v")))
	}}
	next := cdk.Program{PostUpgrade: func(*cdk.Message, []byte) error {
		v, _ := cdk.Map(20).Get([]byte("k"))
		log = append(log, "new "+string(v))
		return nil
	}}
	c := cdktest.New(t).Install(old, cdktest.Options{})
	if err := c.Upgrade(next, nil); err == nil || err.Error() != "canister_pre_upgrade: not now" {
		t.Errorf("upgrade: %v", err)
	}
	refuse = nil
	if err := c.Upgrade(next, nil); err != nil {
		t.Error(err)
	}
	if want := []string{"old", "old", "new v"}; !slices.Equal(log, want) {
		t.Errorf("ran %q, want %q", log, want)
	}
}

// The heartbeat may change, call and plan; what it returns is for people.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	beats, heard := 0, ""
	p := cdk.Program{Heartbeat: func(m *cdk.Message) error {
		beats++
		switch beats {
		case 1:
			reply, err := m.Call(cdk.Call{To: far, Method: "beat"})
			heard = string(reply)
			return errors.Join(err, wrong(m.Reply(nil), cdk.ErrNotAllowed))
		case 2:
			return errors.New("arrhythmia")
		}
		panic("stop")
	}}
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{})
	if err := errors.Join(c.Heartbeat(), c.Heartbeat()); err != nil {
		t.Fatal(err)
	}
	n.Open()[0].Reply([]byte("boom"))
	if err := c.Heartbeat(); err == nil || !strings.HasPrefix(err.Error(), "panic in canister_heartbeat: stop") {
		t.Errorf("third beat: %v", err)
	}
	if heard != "boom" || !slices.Equal(c.Double.Log, []string{"heartbeat: arrhythmia"}) {
		t.Errorf("heard %q, log %q", heard, c.Double.Log)
	}
}

// Composite queries call queries of other canisters, in parallel too, and leave nothing.
func TestCompositeQuery(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	leaf := updates(map[string]handle{"write": func(*cdk.Message, []byte) ([]byte, error) { return nil, nil }})
	leaf.Methods = append(leaf.Methods, candid.Method[*cdk.Message]{Name: "look", Kind: candid.Query, Handle: func(_ *cdk.Message, arg []byte) ([]byte, error) {
		return append([]byte("saw "), arg...), nil
	}})
	l := n.Install(leaf, cdktest.Options{})
	below := func(m *cdk.Message, arg []byte) ([]byte, error) {
		return m.Call(cdk.Call{To: l.ID, Method: "look", Arg: append(arg, '!')})
	}
	middle := n.Install(cdk.Program{Methods: []candid.Method[*cdk.Message]{{Name: "below", Kind: candid.CompositeQuery, Handle: below}}}, cdktest.Options{})
	var root cdk.Program
	root.Methods = append(root.Methods,
		candid.Method[*cdk.Message]{Name: "all", Kind: candid.CompositeQuery, Handle: func(m *cdk.Message, arg []byte) ([]byte, error) {
			if err := errors.Join(cdk.Map(20).Put([]byte("k"), nil), wrong(m.After(0, "t"), cdk.ErrNotAllowed)); err != nil {
				return nil, err
			}
			var out []byte
			for _, o := range cdk.All(m, cdk.Call{To: l.ID, Method: "look", Arg: arg}, cdk.Call{To: l.ID, Method: "write"}, cdk.Call{To: l.ID, Cycles: amount(1)}, cdk.Call{To: m.Self(), Method: "len"}) {
				out = fmt.Appendf(out, "%s %v;", o.Reply, o.Err)
			}
			second, err := cdk.Canister{ID: middle.ID}.Call(m, "below", candid.CompositeQuery, arg)
			return append(out, second...), err
		}},
		candid.Method[*cdk.Message]{Name: "len", Kind: candid.Query, Handle: func(*cdk.Message, []byte) ([]byte, error) {
			return fmt.Append(nil, cdk.Map(20).Len()), nil
		}})
	c := n.Install(root, cdktest.Options{Cycles: amount(10)})
	got, err := c.CompositeQuery(alice, "all", []byte("x"))
	expected := "saw x <nil>; call rejected, CANISTER_ERROR: IC0536: no query method of this name; not allowed in this kind of message; call rejected, CANISTER_ERROR: the canister is called in a loop of queries;saw x!"
	if err != nil || string(got) != expected {
		t.Errorf("%q, %v; want %q", got, err, expected)
	}
	if got, err := c.Query(alice, "len", nil); err != nil || string(got) != "0" {
		t.Errorf("%s entries, %v", got, err)
	}
}

// Tasks planned by calendar run at their minutes, once for what was missed, and survive
// an upgrade; the list shows them.
func TestCalendarTasks(t *testing.T) {
	t.Parallel()
	var ran []string
	var list []cdk.TaskState
	p := updates(map[string]handle{
		"plan": func(m *cdk.Message, _ []byte) ([]byte, error) {
			return nil, errors.Join(m.Every(1, "quarter"), m.Calendar("*/15 * * * *", "quarter"), m.Calendar("30 4 * * 1", "monday"), m.Calendar("0 0 1 1 *", "gone"), m.Cancel("gone"))
		},
		"bad":  func(m *cdk.Message, _ []byte) ([]byte, error) { return nil, m.Calendar("61 * * * *", "monday") },
		"list": func(m *cdk.Message, _ []byte) ([]byte, error) { list = cdk.Tasks(m); return nil, nil },
	})
	note := func(m *cdk.Message) error {
		ran = append(ran, m.Method()+" "+time.Unix(0, int64(m.Time())).UTC().Format("Mon 15:04"))
		return nil
	}
	p.Tasks = map[string]cdk.Task{"quarter": note, "monday": note, "gone": note}
	n := cdktest.New(t) // Thursday 1 January 2026, midnight
	c := n.Install(p, cdktest.Options{})
	if _, err := c.Update(alice, "plan", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Update(alice, "bad", nil); err == nil || !strings.Contains(err.Error(), `calendar: minute "61"`) {
		t.Errorf("a bad line: %v", err)
	}
	for range 16 {
		n.Advance(2 * time.Minute)
	}
	n.Advance(3 * time.Hour) // 12 quarters are one run
	if err := c.Upgrade(p, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Update(alice, "list", nil); err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute int) uint64 {
		return uint64(time.Date(2026, 1, day, hour, minute, 0, 0, time.UTC).UnixNano())
	}
	if want := []cdk.TaskState{
		{Name: "monday", Due: at(5, 4, 30), Calendar: "30 4 * * 1"}, {Name: "quarter", Due: at(1, 3, 45), Calendar: "0,15,30,45 * * * *"},
	}; !slices.Equal(list, want) {
		t.Errorf("tasks %+v, want %+v", list, want)
	}
	n.Advance(5*24*time.Hour + 58*time.Minute) // Tuesday 4:30
	if want := []string{"quarter Thu 00:16", "quarter Thu 00:30", "quarter Thu 03:32", "monday Tue 04:30", "quarter Tue 04:30"}; !slices.Equal(ran, want) {
		t.Errorf("ran %q, want %q", ran, want)
	}
}
