//go:build !wasip1

package cdktest_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/certificate/hashtree"
)

// An upgrade without stop while three calls are open: nothing is lost, the callers get a
// reason to try again, an answered one is left alone, and the new module's own calls are
// not mistaken for the old one's.
func TestUpgradeWithOpenCalls(t *testing.T) {
	t.Parallel()
	var told []string
	p := updates(map[string]handle{
		"relay": relay,
		"early": func(m *cdk.Message, arg []byte) ([]byte, error) {
			outcomes := make(chan []byte, 1)
			if err := m.Reply([]byte("queued")); err != nil {
				return nil, err
			}
			answer, err := relay(m, arg)
			outcomes <- answer
			return nil, err
		},
		"two": func(m *cdk.Message, arg []byte) ([]byte, error) {
			cdk.All(m, cdk.Call{To: far, Method: "l", Arg: arg, Note: []byte("L")}, cdk.Call{To: far, Method: "r", Note: []byte("R"), Cycles: amount(5)})
			return nil, nil
		},
		"intents": func(m *cdk.Message, _ []byte) ([]byte, error) {
			return fmt.Append(nil, len(cdk.OpenIntents(m))), nil
		},
	})
	p.Orphan = func(m *cdk.Message, i cdk.Intent, o cdk.Outcome) {
		told = append(told, fmt.Sprintf("%s called %s.%s about %q with %v: %q %v, caller %v, refund %v", i.Origin, i.To, i.Method, i.Note, i.Cycles, o.Reply, o.Err, m.Caller() == bob, o.Refunded))
	}
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{Cycles: amount(10)})
	relayed := c.Start(bob, "relay", []byte("1"), amount(3))
	early := c.Start(alice, "early", []byte("2"), candid.Nat{})
	two := c.Start(bob, "two", nil, candid.Nat{})
	want(t, early, "queued", "")
	if got, err := c.Update(alice, "intents", nil); err != nil || string(got) != "4" {
		t.Fatalf("open intents: %s, %v", got, err)
	}
	if err := c.Upgrade(p, nil); err != nil {
		t.Fatal(err)
	}
	fresh := c.Start(alice, "relay", []byte("new"), candid.Nat{})
	open := n.Open()
	open[4].Reply([]byte("for the new one"))
	want(t, fresh, "for the new one", "")
	open[0].Reply([]byte("late"))
	open[1].Reply([]byte("late too"))
	open[3].Reject(cdk.CanisterReject, "no")
	retry := "call rejected, CANISTER_REJECT: retry: the canister was upgraded while it waited for another canister; what it had asked for is recorded there"
	want(t, two, "", retry)
	open[2].Reply([]byte("L too"))
	want(t, relayed, "", retry)
	if _, err, _ := relayed.Result(); !errors.As(err, new(*cdk.CallError)) || !err.(*cdk.CallError).Retry() || relayed.Refund() != amount(3) { //nolint:errorlint // checked
		t.Errorf("the reject is not retryable: %v", err)
	}
	expected := []string{
		fmt.Sprintf("relay called %s.ask about \"1\" with 0: \"late\" <nil>, caller true, refund 0", far),
		fmt.Sprintf("early called %s.ask about \"2\" with 0: \"late too\" <nil>, caller false, refund 0", far),
		fmt.Sprintf("two called %s.r about \"R\" with 5: \"\" call rejected, CANISTER_REJECT: no, caller true, refund 5", far),
		fmt.Sprintf("two called %s.l about \"L\" with 0: \"L too\" <nil>, caller true, refund 0", far),
	}
	if !slices.Equal(told, expected) {
		t.Errorf("the hook was told\n%q, want\n%q", told, expected)
	}
	if got, _ := c.Update(alice, "intents", nil); string(got) != "0" {
		t.Errorf("%s intents are left", got)
	}
	for _, line := range c.Double.Log {
		t.Errorf("log: %s", line)
	}
}

// The hook may answer the caller itself, and call.
func TestOrphanAnswers(t *testing.T) {
	t.Parallel()
	p := updates(map[string]handle{"relay": relay})
	p.Orphan = func(m *cdk.Message, i cdk.Intent, o cdk.Outcome) {
		second, err := m.Call(cdk.Call{To: far, Method: "undo", Arg: i.Note})
		if err == nil {
			_ = m.Reply(append(o.Reply, second...))
		}
	}
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{})
	r := c.Start(alice, "relay", []byte("note"), candid.Nat{})
	if err := c.Upgrade(p, nil); err != nil {
		t.Fatal(err)
	}
	n.Open()[0].Reply([]byte("done "))
	if open := n.Open(); len(open) != 1 || open[0].Method != "undo" || string(open[0].Arg) != "note" {
		t.Fatalf("the hook's call: %v", open)
	}
	n.Open()[0].Reply([]byte("undone"))
	want(t, r, "done undone", "")
}

// A callback that traps loses its answer, not its intent: the hook is asked in a task, up
// to three times if it traps too.
func TestTrapInCallback(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	p := updates(map[string]handle{"pay": func(m *cdk.Message, arg []byte) ([]byte, error) {
		_, err := m.Call(cdk.Call{To: far, Method: "pay", Note: arg})
		if putErr := cdk.Map(20).Put([]byte("k"), nil); putErr != nil {
			return nil, putErr
		}
		panic(fmt.Sprint("after the call: ", err))
	}})
	p.Orphan = func(m *cdk.Message, i cdk.Intent, o cdk.Outcome) {
		asked[fmt.Sprintf("%s %v %v", i.Note, o.Lost, o.Err)]++
		if string(i.Note) == "bad" {
			panic("hook")
		}
		if cdk.Map(20).Len() != 0 {
			t.Error("what the callback wrote was not undone")
		}
	}
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{})
	bad := c.Start(alice, "pay", []byte("bad"), candid.Nat{})
	good := c.Start(alice, "pay", []byte("good"), candid.Nat{})
	n.Open()[0].Reply(nil)
	n.Open()[0].Reject(cdk.CanisterReject, "no")
	want(t, bad, "", "call rejected, CANISTER_ERROR: panic in pay: after the call: <nil> (upgrade_test.go:...")
	want(t, good, "", "call rejected, CANISTER_ERROR: panic in pay: after the call: call rejected, CANISTER_REJECT: no (upgrade_test.go:...")
	for range 200 {
		n.Advance(time.Second)
	}
	if asked["bad true <nil>"] != 3 || asked["good true call rejected, CANISTER_REJECT: the text was lost with a trap"] != 1 || len(asked) != 2 {
		t.Errorf("the hook was asked %v", asked)
	}
	if c.Double.TimerAt() != 0 {
		t.Error("the timer still runs")
	}
}

// Tasks run at their times, each in its own message; one that traps or fails is tried
// again and harms no other; none runs twice at a time; an upgrade loses none.
func TestTasks(t *testing.T) {
	t.Parallel()
	var ran []string
	n := cdktest.New(t)
	note := func(m *cdk.Message) { ran = append(ran, fmt.Sprintf("%s@%d", m.Method(), (m.Time()/1e9)%1000)) }
	failures := 2
	p := updates(map[string]handle{"plan": func(m *cdk.Message, _ []byte) ([]byte, error) {
		err := errors.Join(m.After(5e9, "once"), m.After(3e9, "once"), m.After(9e9, "once"), m.Every(4e9, "each"), m.After(3e9, "bad"),
			m.After(1e9, "gone"), m.Cancel("gone"), wrong(m.After(1, "unknown"), cdk.ErrUnknownTask))
		return nil, err
	}})
	p.Tasks = map[string]cdk.Task{
		"once": func(m *cdk.Message) error { note(m); return nil },
		"each": func(m *cdk.Message) error { note(m); return nil },
		"gone": func(m *cdk.Message) error { note(m); return nil },
		"bad": func(m *cdk.Message) error {
			note(m)
			if failures--; failures == 0 {
				return errors.New("not yet")
			} else if failures > 0 {
				panic("bad task")
			}
			return nil
		},
	}
	c := n.Install(p, cdktest.Options{})
	start := n.Now() / 1e9 % 1000
	if _, err := c.Update(alice, "plan", nil); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		n.Advance(time.Second)
	}
	var expected []string
	for _, e := range []struct {
		name string
		at   uint64
	}{{"bad", 3}, {"once", 3}, {"bad", 4}, {"each", 4}, {"bad", 6}, {"each", 8}} {
		expected = append(expected, fmt.Sprintf("%s@%d", e.name, start+e.at))
	}
	if !slices.Equal(ran, expected) {
		t.Errorf("ran %q, want %q", ran, expected)
	}
	if _, err := c.Update(alice, cdk.TaskMethod, []byte("once")); err == nil {
		t.Error("a stranger started a task")
	}
}

func TestTaskOverUpgradeAndOverlap(t *testing.T) {
	t.Parallel()
	var ran int
	p := updates(map[string]handle{"again": func(m *cdk.Message, _ []byte) ([]byte, error) { return nil, m.After(0, "slow") }})
	p.Init = func(m *cdk.Message, _ []byte) error { return m.After(1e9, "slow") }
	p.Tasks = map[string]cdk.Task{"slow": func(m *cdk.Message) error {
		ran++
		_, err := relay(m, nil)
		return err
	}}
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{})
	n.Advance(time.Second)
	if _, err := c.Update(alice, "again", nil); err != nil {
		t.Fatal(err)
	}
	n.Advance(time.Minute)
	if ran != 1 {
		t.Fatalf("the task ran %d times while its call was open", ran)
	}
	if err := c.Upgrade(p, nil); err != nil {
		t.Fatal(err)
	}
	n.Advance(time.Second)
	if ran != 2 {
		t.Fatalf("the task ran %d times, want again after the upgrade", ran)
	}
	for _, o := range n.Open() {
		if o.To() == far {
			o.Reply(nil)
		}
	}
	n.Advance(time.Minute)
	if len(n.Open()) != 0 || c.Double.TimerAt() != 0 || ran != 2 {
		t.Errorf("%d calls open, timer %d, ran %d", len(n.Open()), c.Double.TimerAt(), ran)
	}
}

// The certified tree sets the certified data at the end of a message, keeps it over an
// upgrade, and its witness is there in the first query of the new module.
func TestCertified(t *testing.T) {
	t.Parallel()
	leaf := [][]byte{[]byte("receipts"), []byte("7")}
	p := updates(map[string]handle{"put": func(m *cdk.Message, arg []byte) ([]byte, error) {
		if err := cdk.Certified(m).Put(leaf, arg); err != nil {
			return nil, err
		}
		return relay(m, nil)
	}})
	p.Methods = append(p.Methods, candid.Method[*cdk.Message]{Name: "witness", Kind: candid.Query, Handle: func(m *cdk.Message, _ []byte) ([]byte, error) {
		return cdk.Certified(m).Witness(leaf)
	}})
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{})
	r := c.Start(alice, "put", []byte("hash"), candid.Nat{})
	check := func() {
		t.Helper()
		b, err := c.Query(bob, "witness", nil)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := hashtree.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		root := tree.Digest()
		if v, found := tree.Lookup(leaf...); found != hashtree.Found || string(v) != "hash" || !slices.Equal(root[:], c.Double.Certified()) {
			t.Errorf("witness shows %q, %v, root %x, certified %x", v, found, root, c.Double.Certified())
		}
	}
	check()
	if err := c.Upgrade(p, nil); err != nil {
		t.Fatal(err)
	}
	check()
	n.Open()[0].Reply(nil)
	if _, _, done := r.Result(); !done {
		t.Error("no answer")
	}
}
