//go:build !wasip1

package cdktest_test

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
)

const friends = cdk.AllowList("friends")

func guarded() cdk.Program {
	echo := func(_ *cdk.Message, arg []byte) ([]byte, error) { return arg, nil }
	p := updates(map[string]handle{
		"open": echo, "own": echo, "listed": echo, "either": echo, "loop": echo,
		"add": func(m *cdk.Message, arg []byte) ([]byte, error) {
			who, err := principal.FromBytes(arg)
			return nil, errors.Join(err, friends.Add(who), cdk.AllowList("others").Add(bob))
		},
		"remove": func(m *cdk.Message, _ []byte) ([]byte, error) { friends.Remove(bob); return nil, nil },
	})
	p.Methods = append(p.Methods, candid.Method[*cdk.Message]{Name: "look", Kind: candid.Query, Handle: func(*cdk.Message, []byte) ([]byte, error) {
		return fmt.Append(nil, friends.Members(10)), nil
	}})
	p.Guards = map[string][]cdk.Guard{
		cdk.EveryMethod: {cdk.NotAnonymous},
		"own":           {cdk.OnlyControllers}, "add": {cdk.OnlyControllers}, "remove": {cdk.OnlyControllers},
		"listed": {friends.Guard}, "look": {friends.Guard},
		"either": {cdk.Either(cdk.OnlyControllers, friends.Guard)},
		"loop":   {cdk.OnlySelf},
	}
	return p
}

// Guards refuse by method, the same in calls, queries and inspections, over an upgrade.
func TestGuards(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	c := n.Install(guarded(), cdktest.Options{Controllers: []principal.Principal{alice}})
	check := func(who principal.Principal, method string, refusal error) {
		t.Helper()
		_, err := c.Update(who, method, []byte("x"))
		text := ""
		if err != nil {
			text = err.Error()
		}
		expected := ""
		if refusal != nil {
			expected = "call rejected, CANISTER_REJECT: " + refusal.Error()
		}
		if text != expected {
			t.Errorf("%s by %s: %q, want %q", method, who, text, expected)
		}
		if got := c.Inspect(who, method, nil); got != (refusal == nil) {
			t.Errorf("%s by %s: inspection lets in %v", method, who, got)
		}
	}
	check(principal.Anonymous, "open", cdk.ErrAnonymous)
	check(bob, "open", nil)
	check(alice, "own", nil)
	check(bob, "own", cdk.ErrNotController)
	check(bob, "listed", cdk.ErrNotListed)
	check(alice, "either", nil)
	check(bob, "either", cdk.ErrNotListed)
	check(alice, "loop", cdk.ErrNotAllowed)
	check(c.ID, "loop", nil)
	if _, err := c.Update(alice, "add", bob.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := c.Upgrade(guarded(), nil); err != nil {
		t.Fatal(err)
	}
	check(bob, "listed", nil)
	check(bob, "either", nil)
	check(alice, "listed", cdk.ErrNotListed)
	if got, err := c.Query(bob, "look", nil); err != nil || string(got) != fmt.Sprint([]principal.Principal{bob}) {
		t.Errorf("members %s, %v", got, err)
	}
	if _, err := c.Query(alice, "look", nil); err == nil {
		t.Error("a query ran past its guard")
	}
	if _, err := c.Update(alice, "remove", nil); err != nil {
		t.Fatal(err)
	}
	check(bob, "listed", cdk.ErrNotListed)
}

// A guard of a method that does not exist is a mistake that must not pass silently.
func TestGuardsOfUnknownMethod(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("the program starts")
		}
	}()
	p := guarded()
	p.Guards["opne"] = nil
	cdk.NewInstance(p, nil)
}

// A rate lets so many calls in at once and then one each interval; what a model with
// tokens says, it says.
func TestRate(t *testing.T) {
	t.Parallel()
	own, all := cdk.Rate{Name: "own", Calls: 3, Per: 30 * time.Second}, cdk.Rate{Name: "all", Calls: 5, Per: time.Second, Shared: true}
	done := func(*cdk.Message, []byte) ([]byte, error) { return nil, nil }
	p := updates(map[string]handle{"own": done, "all": done})
	p.Guards = map[string][]cdk.Guard{"own": {own.Guard}, "all": {all.Guard}}
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{})
	rng := rand.New(rand.NewSource(5))
	type bucket struct {
		tokens float64
		at     uint64
	}
	buckets := map[string]*bucket{}
	allowed := func(key string, r cdk.Rate) bool {
		b, ok := buckets[key]
		if !ok {
			b = &bucket{tokens: float64(r.Calls)}
			buckets[key] = b
		} else {
			b.tokens = min(float64(r.Calls), b.tokens+float64(n.Now()-b.at)*float64(r.Calls)/float64(r.Per))
		}
		if b.at = n.Now(); b.tokens < 1-1e-9 {
			return false
		}
		b.tokens--
		return true
	}
	refused := 0
	for step := range 800 {
		n.Advance(time.Duration(rng.Intn(8)) * time.Second / 4)
		who := []principal.Principal{alice, bob}[rng.Intn(2)]
		method, key, r := "own", "own "+who.String(), own
		if rng.Intn(2) == 0 {
			method, key, r = "all", "all", all
		}
		inspected := c.Inspect(who, method, nil)
		_, err := c.Update(who, method, nil)
		want := allowed(key, r)
		if (err == nil) != want || inspected != want {
			t.Fatalf("step %d, %s: %v, inspected %v, want %v", step, key, err, inspected, want)
		}
		if !want {
			refused++
		}
		if step == 400 {
			if err := c.Upgrade(p, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if refused < 100 {
		t.Errorf("only %d calls were refused", refused)
	}
}

// Far more callers than the table holds: it does not grow, and the one who calls most
// stays held back.
func TestRateTableIsBounded(t *testing.T) {
	t.Parallel()
	r := cdk.Rate{Name: "r", Calls: 2, Per: time.Hour}
	p := updates(map[string]handle{
		"one": func(*cdk.Message, []byte) ([]byte, error) { return nil, nil },
		"many": func(m *cdk.Message, _ []byte) ([]byte, error) {
			for i := range uint64(20_000) {
				if err := r.Take(m, principal.Canister(1000+i)); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
	})
	p.Guards = map[string][]cdk.Guard{"one": {r.Guard}}
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{})
	for i := range 3 {
		if _, err := c.Update(alice, "one", nil); (err == nil) != (i < 2) {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	pages := len(c.Double.Stable())
	if _, err := c.Update(bob, "many", nil); err != nil {
		t.Fatal(err)
	}
	if len(c.Double.Stable()) != pages {
		t.Errorf("stable memory grew from %d to %d bytes", pages, len(c.Double.Stable()))
	}
	_, err := c.Update(alice, "one", nil)
	if want := "call rejected, CANISTER_REJECT: too many calls: the next is let in after 30m0s"; err == nil || err.Error() != want {
		t.Errorf("after the others: %v, want %s", err, want)
	}
}

// The log keeps what fits, the newest, over an upgrade, for controllers.
func TestLogs(t *testing.T) {
	t.Parallel()
	var seen []cdk.Entry
	p := updates(map[string]handle{
		"fill": func(m *cdk.Message, _ []byte) ([]byte, error) {
			m.Log(cdk.Debug, "dropped")
			for i := range 1000 {
				m.Log(cdk.Info+cdk.Level(i%2), fmt.Sprintf("%d %s", i, slices.Repeat([]byte("é"), rand.New(rand.NewSource(int64(i))).Intn(1500))))
			}
			return nil, nil
		},
		"trap": func(m *cdk.Message, _ []byte) ([]byte, error) { m.Log(cdk.Failure, "undone"); panic("x") },
		"read": func(m *cdk.Message, _ []byte) (_ []byte, err error) {
			seen, err = cdk.Logs(m, 0, cdk.Warning, 1e6)
			return nil, err
		},
		"tail": func(m *cdk.Message, _ []byte) (_ []byte, err error) {
			seen, err = cdk.Logs(m, 998, cdk.Debug, 1)
			return nil, err
		},
	})
	p.LogLevel = cdk.Info
	p.Tasks = map[string]cdk.Task{"bad": func(*cdk.Message) error { return errors.New("not today") }}
	p.PostUpgrade = func(m *cdk.Message, _ []byte) error { return m.After(0, "bad") }
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{Controllers: []principal.Principal{alice}})
	call := func(who principal.Principal, method string) error {
		t.Helper()
		_, err := c.Update(who, method, nil)
		return err
	}
	if err := errors.Join(call(alice, "read"), call(alice, "fill")); err != nil || len(seen) != 0 {
		t.Fatalf("%v, %d entries before the first", err, len(seen))
	}
	if call(alice, "trap") == nil || call(bob, "read") == nil {
		t.Fatal("a trap or a stranger passed")
	}
	if err := c.Upgrade(p, nil); err != nil {
		t.Fatal(err)
	}
	n.Advance(0)
	if err := call(alice, "read"); err != nil {
		t.Fatal(err)
	}
	size := 0
	for i, e := range seen {
		size += len(e.Text)
		if i > 0 && e.Number != seen[i-1].Number+2 && e.Number != 1000 {
			t.Fatalf("entry %d follows %d", e.Number, seen[i-1].Number)
		}
	}
	last, before := seen[len(seen)-1], seen[len(seen)-2]
	if last.Method != "task ended" || last.Text != "task bad: call rejected, CANISTER_REJECT: not today" || last.Number != 1000 {
		t.Errorf("last entry %+v", last)
	}
	if before.Number != 999 || before.Method != "fill" || before.Time != n.Now() || before.Level != cdk.Warning || len(before.Text) > 2048 {
		t.Errorf("entry before %+v", before)
	}
	if size < 200_000 || size > 300_000 { // half of 512 KiB
		t.Errorf("%d bytes of warnings are kept", size)
	}
	if err := call(alice, "tail"); err != nil || len(seen) != 1 || seen[0].Number != 998 {
		t.Errorf("tail: %v, %d entries", err, len(seen))
	}
}
