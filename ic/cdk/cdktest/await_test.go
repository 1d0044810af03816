//go:build !wasip1

package cdktest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
)

var (
	alice = principal.SelfAuthenticating([]byte("alice"))
	bob   = principal.SelfAuthenticating([]byte("bob"))
	far   = principal.Canister(900) // on no network: the test answers
)

type handle = func(m *cdk.Message, arg []byte) ([]byte, error)

// updates makes a program of update methods.
func updates(methods map[string]handle) cdk.Program {
	var p cdk.Program
	for name, h := range methods {
		p.Methods = append(p.Methods, candid.Method[*cdk.Message]{Name: name, Kind: candid.Update, Handle: h})
	}
	return p
}

func amount(n uint64) candid.Nat { return candid.NewNat(n) }

// relay asks a far canister and answers with what it said.
func relay(m *cdk.Message, arg []byte) ([]byte, error) {
	return m.Call(cdk.Call{To: far, Method: "ask", Arg: arg, Note: arg})
}

func want(t *testing.T, r *cdktest.Request, reply, failure string) {
	t.Helper()
	got, err, done := r.Result()
	switch {
	case !done:
		t.Errorf("no answer, want %q %q", reply, failure)
	case err == nil && failure != "", err != nil && !matches(err.Error(), failure):
		t.Errorf("answer %q, %v; want error %q", got, err, failure)
	case string(got) != reply:
		t.Errorf("reply %q, want %q", got, reply)
	}
}

// matches compares up to a final "...".
func matches(got, want string) bool {
	start, open := strings.CutSuffix(want, "...")
	return got == want || open && strings.HasPrefix(got, start)
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	c := n.Install(updates(map[string]handle{
		"echo":  func(m *cdk.Message, arg []byte) ([]byte, error) { return append(arg, m.Caller().Bytes()...), nil },
		"fail":  func(*cdk.Message, []byte) ([]byte, error) { return nil, errors.New("no such thing") },
		"again": func(*cdk.Message, []byte) ([]byte, error) { return nil, cdk.Retryable(errors.New("busy")) },
		"panic": func(*cdk.Message, []byte) ([]byte, error) {
			if err := cdk.Map(20).Put([]byte("k"), []byte("lost")); err != nil {
				return nil, err
			}
			panic("broken")
		},
		"early": func(m *cdk.Message, _ []byte) ([]byte, error) {
			return []byte("late"), errors.Join(m.Reply([]byte("early")), wrong(m.Reply(nil), cdk.ErrAnswered), wrong(m.Reject("x"), cdk.ErrAnswered))
		},
		"get": func(*cdk.Message, []byte) ([]byte, error) {
			v, _ := cdk.Map(20).Get([]byte("k"))
			return v, nil
		},
	}), cdktest.Options{})
	none := candid.Nat{}
	want(t, c.Start(alice, "echo", []byte("hi "), none), "hi "+string(alice.Bytes()), "")
	want(t, c.Start(alice, "fail", nil, none), "", "call rejected, CANISTER_REJECT: no such thing")
	want(t, c.Start(alice, "again", nil, none), "", "call rejected, CANISTER_REJECT: retry: busy")
	want(t, c.Start(alice, "panic", nil, none), "", "call rejected, CANISTER_ERROR: panic in panic: broken (await_test.go:...")
	want(t, c.Start(alice, "get", nil, none), "", "")
	want(t, c.Start(alice, "early", nil, none), "early", "")
	if _, err := c.Update(alice, "missing", nil); err == nil {
		t.Error("a method that does not exist answered")
	}
}

// wrong is nil when got is what a call should have returned.
func wrong(got, expected error) error {
	if errors.Is(got, expected) {
		return nil
	}
	return fmt.Errorf("got %v, want %v", got, expected)
}

// Two callers of one method are answered in the other order, each with its own reply and
// cycles.
func TestConcurrentCallersGetTheirOwn(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	c := n.Install(updates(map[string]handle{"pay": func(m *cdk.Message, arg []byte) ([]byte, error) {
		half, _ := m.CyclesAvailable().Div64(2)
		if _, err := m.Accept(half); err != nil {
			return nil, err
		}
		answer, err := relay(m, arg)
		if err != nil {
			return nil, err
		}
		rest, err := m.Accept(m.CyclesAvailable())
		return fmt.Appendf(nil, "%s for %s with %s", answer, m.Caller(), rest), err
	}}), cdktest.Options{})
	a := c.Start(alice, "pay", []byte("A"), amount(100))
	b := c.Start(bob, "pay", []byte("B"), amount(2000))
	if _, _, done := a.Result(); done {
		t.Fatal("answered before the callee did")
	}
	open := n.Open()
	if len(open) != 2 || string(open[0].Arg) != "A" || string(open[1].Arg) != "B" {
		t.Fatalf("open calls: %v", open)
	}
	open[1].Reply([]byte("to B"))
	want(t, b, fmt.Sprintf("to B for %s with 1000", bob), "")
	open[0].Reject(cdk.SysUnknown, "too late")
	want(t, a, "", "call rejected, CANISTER_REJECT: call rejected, SYS_UNKNOWN: too late")
	if a.Refund() != amount(50) || b.Refund() != amount(0) || c.Double.Balance128() != amount(2050) {
		t.Errorf("refunds %v and %v, balance %v", a.Refund(), b.Refund(), c.Double.Balance128())
	}
}

// Parallel calls come back in any order and are handed over in the order of the calls.
func TestAll(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	c := n.Install(updates(map[string]handle{"both": func(m *cdk.Message, _ []byte) ([]byte, error) {
		var out []byte
		calls := []cdk.Call{{To: far, Method: "a", Cycles: amount(10)}, {To: far, Method: "b", Arg: make([]byte, 3<<20)}, {To: far, Method: "c"}}
		for i, o := range cdk.All(m, calls...) {
			out = fmt.Appendf(out, "%d:%s,%v,%v;", i, o.Reply, o.Err, o.Refunded)
		}
		return out, nil
	}}), cdktest.Options{Cycles: amount(50)})
	r := c.Start(alice, "both", nil, candid.Nat{})
	open := n.Open()
	if len(open) != 2 || c.Double.Balance128() != amount(40) {
		t.Fatalf("%d calls open, balance %v", len(open), c.Double.Balance128())
	}
	open[1].Reply([]byte("C"))
	if _, _, done := r.Result(); done {
		t.Fatal("answered with a call open")
	}
	open[0].Reject(cdk.CanisterReject, "no")
	want(t, r, "0:,call rejected, CANISTER_REJECT: no,10;1:,call not sent: the argument has 3145728 bytes, at most 2097152 are allowed,0;2:C,<nil>,0;", "")
	if c.Double.Balance128() != amount(50) {
		t.Errorf("balance %v after the refund", c.Double.Balance128())
	}
}

// A handle used in another message returns errors or nothing, and changes nothing.
func TestForeignHandle(t *testing.T) {
	t.Parallel()
	var kept *cdk.Message
	n := cdktest.New(t)
	p := updates(map[string]handle{
		"keep": func(m *cdk.Message, arg []byte) ([]byte, error) { kept = m; return relay(m, arg) },
		"use": func(m *cdk.Message, _ []byte) ([]byte, error) {
			_, call := kept.Call(cdk.Call{To: far, Method: "x"})
			_, accept := kept.Accept(amount(5))
			_, random := kept.RandomBytes()
			errs := map[string]error{
				"call": call, "accept": accept, "random": random, "reply": kept.Reply(nil), "reject": kept.Reject("x"),
				"after": kept.After(1, "tick"), "every": kept.Every(1, "tick"), "cancel": kept.Cancel("tick"),
				"all": cdk.All(kept, cdk.Call{To: far})[0].Err,
			}
			for name, err := range errs {
				if !errors.Is(err, cdk.ErrForeign) {
					return nil, fmt.Errorf("%s: %v", name, err)
				}
			}
			if !kept.CyclesAvailable().IsZero() || !kept.Balance().IsZero() || kept.IsController(alice) || kept.RootKey() != nil {
				return nil, errors.New("a foreign handle tells something")
			}
			kept.Print("not printed")
			return m.Caller().Bytes(), nil
		},
	})
	p.Tasks = map[string]cdk.Task{"tick": func(*cdk.Message) error { return nil }}
	c := n.Install(p, cdktest.Options{Cycles: amount(7), Controllers: []principal.Principal{alice}})
	first := c.Start(alice, "keep", []byte("q"), amount(9))
	before := slices.Clone(c.Double.Stable())
	second := c.Start(bob, "use", nil, amount(3))
	want(t, second, string(bob.Bytes()), "")
	if len(n.Open()) != 1 || c.Double.TimerAt() != 0 || len(c.Double.Log) != 0 || !slices.Equal(before, c.Double.Stable()) {
		t.Error("a foreign handle changed something")
	}
	n.Open()[0].Reply([]byte("mine"))
	want(t, first, "mine", "")
	if first.Refund() != amount(9) || second.Refund() != amount(3) {
		t.Error("cycles moved")
	}
}

// A call from a goroutine that the kit does not know is refused off chain.
func TestOtherGoroutineOffChain(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	c := n.Install(updates(map[string]handle{"go": func(m *cdk.Message, arg []byte) ([]byte, error) {
		result := make(chan error)
		go func() { _, err := relay(m, arg); result <- err }()
		return nil, wrong(<-result, cdk.ErrGoroutine)
	}}), cdktest.Options{})
	want(t, c.Start(alice, "go", nil, candid.Nat{}), "", "")
}

// What the system refuses to send is an error, and its intent and slot are gone.
func TestRefusedCall(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	c := n.Install(updates(map[string]handle{
		"try": func(m *cdk.Message, arg []byte) ([]byte, error) {
			_, err := relay(m, arg)
			var e *cdk.CallError
			if !errors.As(err, &e) || e.Sent || e.Happened() != cdk.No || !e.Retry() {
				return nil, fmt.Errorf("%#v", err)
			}
			return fmt.Append(nil, len(cdk.OpenIntents(m))), nil
		},
		"poor": func(m *cdk.Message, _ []byte) ([]byte, error) {
			_, err := m.Call(cdk.Call{To: far, Cycles: amount(1e9)})
			return nil, err
		},
		"relay": relay,
	}), cdktest.Options{Cycles: amount(100)})
	c.Double.Refuse = 1
	want(t, c.Start(alice, "try", nil, candid.Nat{}), "0", "")
	want(t, c.Start(alice, "poor", nil, candid.Nat{}), "", "call rejected, CANISTER_REJECT: call not sent: fewer liquid cycles than the call attaches")
	r := c.Start(alice, "relay", nil, candid.Nat{})
	if env := n.Open()[0].ReplyEnv & 0xffff; env != 0 {
		t.Errorf("the refused call's slot was not used again: %d", env)
	}
	n.Open()[0].Reply([]byte("ok"))
	want(t, r, "ok", "")
}

// Calls between canisters of the network, with cycles both ways, and raw_rand.
func TestNetwork(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	bank := n.Install(updates(map[string]handle{"put": func(m *cdk.Message, _ []byte) ([]byte, error) {
		took, err := m.Accept(amount(30))
		return []byte(took.String()), err
	}}), cdktest.Options{})
	c := n.Install(updates(map[string]handle{"pay": func(m *cdk.Message, _ []byte) ([]byte, error) {
		random, err := m.RandomBytes()
		if err != nil || len(random) != 32 {
			return nil, fmt.Errorf("random: %d bytes, %w", len(random), err)
		}
		return cdk.Canister{ID: bank.ID, Cycles: amount(80)}.Call(m, "put", candid.Update, nil)
	}}), cdktest.Options{Cycles: amount(100)})
	reply, err := c.Update(alice, "pay", nil)
	if err != nil || string(reply) != "30" {
		t.Fatalf("%q, %v", reply, err)
	}
	if c.Double.Balance128() != amount(70) || bank.Double.Balance128() != amount(30) {
		t.Errorf("balances %v and %v", c.Double.Balance128(), bank.Double.Balance128())
	}
}

// Queries leave nothing and may not call; init may not either.
func TestQueries(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	p := cdk.Program{Methods: []candid.Method[*cdk.Message]{{Name: "look", Kind: candid.Query, Handle: func(m *cdk.Message, arg []byte) ([]byte, error) {
		_, err := relay(m, arg)
		if err := wrong(err, cdk.ErrNotAllowed); err != nil {
			return nil, err
		}
		if err := wrong(m.After(1, "t"), cdk.ErrNotAllowed); err != nil {
			return nil, err
		}
		v, _ := cdk.Map(30).Get([]byte("n"))
		if err := cdk.Map(30).Put([]byte("n"), append(v, 'x')); err != nil {
			return nil, err
		}
		certificate, ok := m.DataCertificate()
		if !ok || len(certificate) == 0 {
			return nil, errors.New("no certificate")
		}
		return append(v, 'x'), nil
	}}}, Init: func(m *cdk.Message, arg []byte) error {
		_, err := relay(m, arg)
		return wrong(err, cdk.ErrNotAllowed)
	}}
	c := n.Install(p, cdktest.Options{})
	for range 3 {
		if got, err := c.Query(alice, "look", nil); err != nil || string(got) != "x" {
			t.Errorf("query: %q, %v", got, err)
		}
	}
}

func TestInstallRefused(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	p := cdk.Program{Init: func(_ *cdk.Message, arg []byte) error {
		if len(arg) == 0 {
			return errors.New("an argument is needed")
		}
		return nil
	}, PostUpgrade: func(*cdk.Message, []byte) error { return errors.New("not today") }}
	if _, err := n.TryInstall(p, cdktest.Options{}); err == nil || err.Error() != "canister_init: an argument is needed" {
		t.Errorf("install: %v", err)
	}
	c := n.Install(p, cdktest.Options{Arg: []byte("x")})
	if err := c.Upgrade(p, nil); err == nil || err.Error() != "canister_post_upgrade: not today" {
		t.Errorf("upgrade: %v", err)
	}
}
