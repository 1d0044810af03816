package replica_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/replicatest"
)

// creation is a request for a new canister.
func creation(t testing.TB, n *replica.Network, id byte) replica.Ingress {
	t.Helper()
	arg, err := managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(managementapi.ProvisionalCreateCanisterWithCyclesArg{})
	if err != nil {
		t.Fatal(err)
	}
	return replica.Ingress{
		ID: replica.RequestID{id}, Sender: user, Effective: principal.Canister(0),
		Method: "provisional_create_canister_with_cycles", Arg: arg, Expiry: n.Time().Add(time.Minute),
	}
}

func TestManualPaceWaitsForTicks(t *testing.T) {
	t.Parallel()
	c, _ := running(t, replica.Config{Pace: replica.Manual})
	begin := c.n.Time()
	in := creation(t, c.n, 1)
	if rej := c.n.Submit(t.Context(), in); rej != nil {
		t.Fatal(rej)
	}
	if err := c.n.Kept(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
	if s, ok := c.n.Status(in.ID); !ok || s.Phase != replica.Received {
		t.Errorf("before the first tick: %v %v", s.Phase, ok)
	}
	if now := c.n.Time(); !now.Equal(begin) {
		t.Errorf("time moved by itself from %v to %v", begin, now)
	}
	if err := c.n.Tick(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if s, _ := c.n.Status(in.ID); s.Phase != replica.Replied {
		t.Errorf("after the ticks: %v", s.Phase)
	}
	if now := c.n.Time(); !now.Equal(begin.Add(3 * time.Nanosecond)) {
		t.Errorf("three ticks moved the time by %v", now.Sub(begin))
	}
}

func TestFirstTickTakesOver(t *testing.T) {
	t.Parallel()
	c, _ := running(t, replica.Config{})
	a := c.actor() // live so far
	if err := c.n.Tick(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if p := c.n.Pace(); p != replica.Manual {
		t.Errorf("after a tick the pace is %v", p)
	}
	later := c.n.Time().Add(time.Hour)
	if err := c.n.SetTime(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if now := c.n.Time(); !now.Equal(later) {
		t.Errorf("time is %v, set to %v", now, later)
	}
	if len(c.n.Canisters()) != 1 || c.n.Canisters()[0] != a {
		t.Error("what happened before is gone")
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	c, _ := running(t, replica.Config{Pace: replica.Manual})
	now := c.n.Time()
	err := c.n.SetTime(t.Context(), now.Add(-1))
	var back *replica.TimeError
	if !errors.As(err, &back) || !back.Now.Equal(now) {
		t.Errorf("got %v", err)
	}
	if err := c.n.SetTime(t.Context(), now); err != nil {
		t.Errorf("to the same time: %v", err)
	}
}

func TestLivePaceGoesOnFromTheTimeThatWasSet(t *testing.T) {
	t.Parallel()
	c, _ := running(t, replica.Config{Pace: replica.Live})
	a := c.actor()
	at := c.n.Time().Add(10 * time.Hour)
	c.update(a, program{}.Timer(uint64(at.UnixNano())).OnTimer(program{}.Add(1, 1)).Reply(nil))
	if err := c.n.SetTime(t.Context(), at.Add(-50*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if p := c.n.Pace(); p != replica.Live {
		t.Errorf("the pace is %v", p)
	}
	for binary.LittleEndian.Uint64(c.read(a, replicatest.Program{}.AppendCell(1).Send())) == 0 {
		if t.Context().Err() != nil || c.n.Time().Sub(at) > 10*time.Second {
			t.Fatal("the timer does not fire")
		}
	}
}

func TestTimeStaysSetOverARestart(t *testing.T) {
	t.Parallel()
	config := replica.Config{Dir: t.TempDir(), Pace: replica.Manual}
	c, stop := running(t, config)
	later := c.n.Time().Add(24 * time.Hour)
	if err := c.n.SetTime(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, pace := range []replica.Pace{replica.Manual, replica.Live} {
		config.Pace = pace
		c, stop = running(t, config)
		if now := c.n.Time(); now.Before(later) || pace == replica.Manual && !now.Equal(later) {
			t.Errorf("%v: time is %v after a restart, was set to %v", pace, now, later)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
}
