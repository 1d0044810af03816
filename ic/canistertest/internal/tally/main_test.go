package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"assay/ic/candid/gen"
	"assay/ic/canistertest"
	"assay/ic/canistertest/internal/tally/tallyapi"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
)

var (
	source = canistertest.Source{Program: program}
	alice  = canistertest.Caller("alice")
)

// rig is a tally that began with 5, as alice reaches it.
type rig struct {
	t        *testing.T
	network  canistertest.Network
	canister canistertest.Canister
	client   tallyapi.Client[context.Context]
}

func each(t *testing.T, test func(r *rig)) {
	t.Helper()
	t.Parallel()
	canistertest.Each(t, func(t *testing.T, n canistertest.Network) {
		arg, err := tallyapi.EncodeInitArgs(5)
		if err != nil {
			t.Fatal(err)
		}
		c := n.Install(source, arg)
		test(&rig{t, n, c, tallyapi.NewClient[context.Context](c.As(alice))})
	})
}

func (r *rig) want(sum uint64) {
	r.t.Helper()
	if got, err := r.client.Get(r.t.Context()); err != nil || got != sum {
		r.t.Errorf("sum = %d, %v, want %d", got, err, sum)
	}
}

func (r *rig) refused(err error, code cdk.Code, text string) {
	r.t.Helper()
	var call *cdk.CallError
	if !errors.As(err, &call) || call.Code != code || !strings.Contains(call.Message, text) {
		r.t.Errorf("error %v, want %v with %q", err, code, text)
	}
}

func TestCalls(t *testing.T) {
	each(t, func(r *rig) {
		if got, err := r.client.Add(r.t.Context(), 2); err != nil || got != 7 {
			r.t.Errorf("add = %d, %v", got, err)
		}
		if who, err := r.client.Who(r.t.Context()); err != nil || who != alice {
			r.t.Errorf("who = %s, %v", who, err)
		}
		_, err := r.client.Add(r.t.Context(), 0)
		r.refused(err, cdk.CanisterReject, "nothing to add")
		_, err = r.client.Add(r.t.Context(), 13)
		r.refused(err, cdk.CanisterError, "thirteen")
		r.want(7)
		if log := strings.Join(r.canister.Log(), "\n"); !strings.Contains(log, "add") {
			r.t.Errorf("log %q", log)
		}
	})
}

func TestTime(t *testing.T) {
	each(t, func(r *rig) {
		before := r.network.Now()
		if err := r.client.Later(r.t.Context(), 60); err != nil {
			r.t.Fatal(err)
		}
		r.network.Advance(59 * time.Second)
		r.want(5)
		r.network.Advance(2 * time.Second)
		r.want(6)
		if got := r.network.Now().Sub(before); got != 61*time.Second {
			r.t.Errorf("%s have passed", got)
		}
	})
}

func TestUpgradeAndStop(t *testing.T) {
	each(t, func(r *rig) {
		if err := r.client.Later(r.t.Context(), 60); err != nil {
			r.t.Fatal(err)
		}
		if err := r.canister.Stop(); err != nil {
			r.t.Fatal(err)
		}
		_, err := r.client.Add(r.t.Context(), 1)
		r.refused(err, cdk.CanisterError, "stopped")
		_, err = r.client.Get(r.t.Context())
		r.refused(err, cdk.CanisterError, "stopped")
		r.network.Advance(time.Minute) // the timer waits
		if err := r.canister.Upgrade(source, nil); err != nil {
			r.t.Fatal(err)
		}
		if err := r.canister.Start(); err != nil {
			r.t.Fatal(err)
		}
		if err := r.canister.Upgrade(source, []byte("DIDL\x00\x01\x7e\x01")); err == nil || !strings.Contains(err.Error(), "no argument") {
			r.t.Errorf("a refused upgrade: %v", err)
		}
		r.want(5)
		r.network.Advance(time.Second)
		r.want(6)
	})
}

// A canister that calls one that is stopped is told so.
func TestCallToStopped(t *testing.T) {
	each(t, func(r *rig) {
		arg, err := tallyapi.EncodeInitArgs(100)
		if err != nil {
			r.t.Fatal(err)
		}
		other := r.network.Install(source, arg)
		if err := other.Stop(); err != nil {
			r.t.Fatal(err)
		}
		_, err = r.client.Both(r.t.Context(), other.ID(), 2)
		r.refused(err, cdk.CanisterReject, "stopped")
		r.want(7)
	})
}

// traps asks both tallies to add 2 where the first traps after so many of its messages.
func (r *rig) traps(other canistertest.Canister, after int, own, others uint64) {
	r.t.Helper()
	r.canister.TrapNext(after)
	_, err := r.client.Both(r.t.Context(), other.ID(), 2)
	r.refused(err, cdk.CanisterError, cdktest.TrapText)
	r.want(own)
	client := tallyapi.NewClient[context.Context](other.As(alice))
	if got, err := client.Get(r.t.Context()); err != nil || got != others {
		r.t.Errorf("other sum = %d, %v, want %d", got, err, others)
	}
	if held, err := r.client.Locked(r.t.Context()); err != nil || held {
		r.t.Errorf("the lock is held: %t, %v", held, err)
	}
}

func TestTrapNext(t *testing.T) {
	each(t, func(r *rig) {
		arg, err := tallyapi.EncodeInitArgs(100)
		if err != nil {
			r.t.Fatal(err)
		}
		other := r.network.Install(source, arg)
		r.traps(other, 0, 5, 100) // nothing happened
		r.traps(other, 1, 7, 102) // what was done before the answer stays
		if n, err := r.client.Both(r.t.Context(), other.ID(), 2); err != nil || n != 11 {
			r.t.Errorf("the next: %d, %v", n, err)
		}
		other.TrapNext(0)
		_, err = r.client.Both(r.t.Context(), other.ID(), 2)
		r.refused(err, cdk.CanisterReject, cdktest.TrapText)
		r.want(13)
	})
}

func TestTwoCanisters(t *testing.T) {
	each(t, func(r *rig) {
		arg, err := tallyapi.EncodeInitArgs(100)
		if err != nil {
			r.t.Fatal(err)
		}
		other := r.network.Install(source, arg)
		n, err := tallyapi.NewClient[context.Context](other.As(alice)).Add(r.t.Context(), 1)
		if err != nil || n != 101 || other.ID() == r.canister.ID() {
			r.t.Errorf("other: %d, %v, ids %s and %s", n, err, other.ID(), r.canister.ID())
		}
		r.want(5)
	})
}

func TestGenerated(t *testing.T) {
	t.Parallel()
	want, err := gen.File("tally.did", "tallyapi")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("tallyapi/api_gen.go"); err != nil || string(got) != string(want) {
		t.Errorf("tallyapi is not what candidgen writes: run go generate; %v", err)
	}
}
