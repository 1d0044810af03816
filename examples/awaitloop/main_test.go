package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"assay/examples/awaitloop/awaitloopapi"
	"assay/ic/candid"
	"assay/ic/canistertest"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
	"assay/internal/subnet"
)

var (
	source = canistertest.Source{Program: program}
	anyone = canistertest.Caller("anyone")
)

func client(c canistertest.Canister) awaitloopapi.Client[context.Context] {
	return awaitloopapi.NewClient[context.Context](c.As(anyone))
}

// check compares a loop's progress; a failure's text only has to contain what is wanted.
func check(t *testing.T, p awaitloopapi.Progress, done, attempts uint32, sum uint64, failure string) {
	t.Helper()
	if p.Done != done || p.Attempts != attempts || p.Sum != sum {
		t.Errorf("%d steps done by %d attempts, sum %d; want %d, %d, %d", p.Done, p.Attempts, p.Sum, done, attempts, sum)
	}
	switch {
	case failure == "" && !p.State.Finished:
		t.Errorf("state %s, want finished", p.State.Tag())
	case failure != "" && (p.State.Failed == nil || !strings.Contains(*p.State.Failed, failure)):
		t.Errorf("state %+v, want a failure with %q", p.State, failure)
	}
}

func TestLoop(t *testing.T) {
	canistertest.Each(t, func(t *testing.T, n canistertest.Network) {
		ctx := t.Context()
		a, b := n.Install(source, nil), n.Install(source, nil)
		if p, err := client(a).Progress(ctx); err != nil || p != nil {
			t.Fatalf("progress before a loop: %+v, %v", p, err)
		}
		run := func(target principal.Principal, steps, failures uint32) awaitloopapi.Progress {
			t.Helper()
			if err := client(b).FailNext(ctx, failures); err != nil {
				t.Fatal(err)
			}
			r, err := client(a).Run(ctx, target, steps)
			if err != nil || r.Ok == nil {
				t.Fatalf("run: %+v, %v", r, err)
			}
			return *r.Ok
		}
		check(t, run(b.ID(), 5, 0), 5, 5, 0+1+4+9+16, "")
		check(t, run(b.ID(), 5, 4), 5, 9, 30, "")
		check(t, run(b.ID(), 5, 5), 0, 5, 0, "step 0: call rejected, CANISTER_REJECT: told to fail, 0 times more")
		check(t, run(b.ID(), 0, 0), 0, 0, 0, "")
		if r, err := client(a).Run(ctx, b.ID(), maxSteps+1); err != nil || r.Err == nil {
			t.Errorf("too many steps: %+v, %v", r, err)
		}
		p, err := client(a).Progress(ctx)
		if err != nil || p == nil {
			t.Fatalf("progress: %+v, %v", p, err)
		}
		check(t, *p, 0, 0, 0, "")
	})
}

// TestTrapInTheLoop: after a trap in any of its callbacks the loop goes on by itself and
// ends with the same sum; after one before its first call nothing happened.
func TestTrapInTheLoop(t *testing.T) {
	canistertest.Each(t, func(t *testing.T, n canistertest.Network) {
		const steps = 3
		for after := range steps + 1 {
			a, b := n.Install(source, nil), n.Install(source, nil)
			a.TrapNext(after)
			if r, err := client(a).Run(t.Context(), b.ID(), steps); err == nil || !strings.Contains(err.Error(), cdktest.TrapText) {
				t.Errorf("trap after %d: the caller hears %+v, %v", after, r, err)
			}
			n.Advance(time.Second) // the kit hands over the lost call
			n.Advance(time.Second) // the loop is resumed
			p, err := client(a).Progress(t.Context())
			switch {
			case err != nil || (p == nil) != (after == 0):
				t.Errorf("trap after %d: progress %+v, %v", after, p, err)
			case p != nil && (p.Done != steps || p.Sum != 0+1+4 || !p.State.Finished):
				t.Errorf("trap after %d: progress %+v", after, p)
			}
		}
	})
}

// TestUpgradeInTheLoop cuts the loop off at each of its calls, before and after the
// callee ran; every time it is resumed and ends with the same sum.
func TestUpgradeInTheLoop(t *testing.T) {
	for cut := range 8 {
		n := cdktest.New(t)
		a, b := n.Install(program(), cdktest.Options{}), n.Install(program(), cdktest.Options{})
		arg, err := awaitloopapi.EncodeRunArgs(b.ID, 4)
		if err != nil {
			t.Fatal(err)
		}
		run := a.Start(anyone, "run", arg, candid.Nat{})
		for range cut / 2 {
			deliver(t, n)
			n.Open()[0].Return()
		}
		if cut%2 == 1 {
			deliver(t, n)
		}
		if err := a.Upgrade(program(), nil); err != nil {
			t.Fatal(err)
		}
		n.Settle()
		n.Advance(time.Second)
		if _, err, done := run.Result(); !done || err == nil || !err.(*cdk.CallError).Retry() {
			t.Errorf("cut at %d: the caller hears %v, %t", cut, err, done)
		}
		check(t, progress(t, a), 4, 4, 14, "")
	}
}

func deliver(t *testing.T, n *cdktest.Network) {
	t.Helper()
	if open := n.Open(); len(open) != 1 || !open[0].Deliver() {
		t.Fatalf("%d calls are open, want one to deliver", len(open))
	}
}

func progress(t *testing.T, c *cdktest.Canister) awaitloopapi.Progress {
	t.Helper()
	reply, err := c.Query(anyone, "progress", []byte("DIDL\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := awaitloopapi.DecodeProgressResults(reply)
	if err != nil || p == nil {
		t.Fatalf("progress %+v, %v", p, err)
	}
	return *p
}

// TestNoSecondLoop: while one runs, no other begins.
func TestNoSecondLoop(t *testing.T) {
	n := cdktest.New(t)
	a := n.Install(program(), cdktest.Options{})
	arg, err := awaitloopapi.EncodeRunArgs(a.ID, 2)
	if err != nil {
		t.Fatal(err)
	}
	first, second := a.Start(anyone, "run", arg, candid.Nat{}), a.Start(anyone, "run", arg, candid.Nat{})
	reply, err, _ := second.Result()
	if err != nil {
		t.Fatal(err)
	}
	if r, err := awaitloopapi.DecodeRunResults(reply); err != nil || r.Err == nil {
		t.Errorf("a second loop: %+v, %v", r, err)
	}
	n.Settle()
	if _, err, done := first.Result(); err != nil || !done {
		t.Errorf("the first loop: %v, %t", err, done)
	}
}

// TestOnTheNetwork does the same in Wasm: no stop, an upgrade every few rounds.
func TestOnTheNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the embedded network")
	}
	const steps = 20
	n := subnet.Open(t)
	module := n.Build(".").Gzip
	a, b := n.Install(module, noArg), n.Install(module, noArg)
	arg, err := awaitloopapi.EncodeRunArgs(b, steps)
	n.Must(err)
	run := n.Start(anyone, a, "run", arg)
	api := awaitloopapi.NewClient[context.Context](n.As(anyone, a))
	const upgrades = 6
	for range upgrades {
		n.Step()
		n.Step()
		n.UpgradeSoon(a, module, noArg)
	}
	n.Advance(3 * time.Second)
	if _, err := n.Await(run); err == nil || !strings.Contains(err.Error(), cdk.RetryPrefix) {
		t.Errorf("the cut off caller hears %v", err)
	}
	p, err := api.Progress(t.Context())
	if err != nil || p == nil {
		t.Fatalf("progress: %+v, %v", p, err)
	}
	sum := uint64((steps - 1) * steps * (2*steps - 1) / 6)
	if p.Done != steps || p.Sum != sum || !p.State.Finished {
		t.Errorf("after %d upgrades: %+v, want %d steps, sum %d", upgrades, *p, steps, sum)
	}
	// a target that does not exist is not asked again
	r, err := api.Run(t.Context(), principal.Canister(77777), 3)
	if err != nil || r.Ok == nil {
		t.Fatalf("run: %+v, %v", r, err)
	}
	check(t, *r.Ok, 0, 1, 0, "DESTINATION_INVALID")
}

var noArg = []byte("DIDL\x00\x00")
