package book

import (
	"bytes"
	"slices"
	"testing"

	"assay/commitment"
)

func TestBeacon(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 2)
	a := h.submit(submission(1, 1))
	id, request, fx := h.b.Freeze(h.call(""))
	h.ok(fx, nil)
	if !request {
		t.Fatal("no beacon requested")
	}
	h.ok(h.b.AdmitProvider(h.call(testDAO), provider(5)))
	later := h.submit(submission(1, 1))
	if _, again, _ := h.b.Freeze(h.call("")); again {
		t.Error("a second beacon is requested while one is open")
	}
	h.b.BeaconRejected(h.call(""), id)
	if _, again, _ := h.b.Freeze(h.call("")); again {
		t.Error("a rejected request is repeated at once")
	}
	h.advance(beaconRetry)
	if again, request, _ := h.b.Freeze(h.call("")); !request || again != id {
		t.Errorf("a rejected request is repeated as %d (%v), want %d", again, request, id)
	}
	if err := h.b.StoreBeacon(h.call(""), id, beaconOf(1)); err != nil {
		t.Fatal(err)
	}
	if err := h.b.StoreBeacon(h.call(""), id, beaconOf(2)); err == nil {
		t.Error("a second answer is taken")
	}
	h.b.BeaconRejected(h.call(""), id)
	h.wantState(a, Drawing)
	_, fx = h.b.Draw(h.call(""))
	h.ok(fx, nil)
	j := h.wantState(a, Assigned)
	if !bytes.Equal(j.Beacon, beaconOf(1)) {
		t.Errorf("drawn with %x", j.Beacon)
	}
	want := slices.MinFunc([]Provider{provider(0), provider(1)}, func(x, y Provider) int {
		dx := commitment.Draw(j.Beacon, h.b.jobID(a), 0, 1, "provider", []byte(x.Operator))
		dy := commitment.Draw(j.Beacon, h.b.jobID(a), 0, 1, "provider", []byte(y.Operator))
		return bytes.Compare(dx[:], dy[:])
	})
	if j.Assigned[0].Operator != want.Operator {
		t.Errorf("drew %q, the lowest draw among those frozen is %q", j.Assigned[0].Operator, want.Operator)
	}
	h.wantState(later, Submitted)
}

func TestLostBeaconIsGivenUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	seq := h.submit(submission(1, 1))
	lost, _, fx := h.b.Freeze(h.call(""))
	h.ok(fx, nil)
	for range beaconTimeout / heartbeat {
		h.advance(heartbeat)
		h.tick()
	}
	if d := h.b.Due(h.now); !d.Beacon {
		t.Fatalf("due %+v", d)
	}
	id, request, fx := h.b.Freeze(h.call(""))
	h.ok(fx, nil)
	if !request || id == lost {
		t.Fatalf("beacon %d requested: %v", id, request)
	}
	err := h.b.StoreBeacon(h.call(""), lost, beaconOf(1))
	h.refused(StaleAttempt, h.dump(), err)
	if err := h.b.StoreBeacon(h.call(""), id, beaconOf(2)); err != nil {
		t.Fatal(err)
	}
	_, fx = h.b.Draw(h.call(""))
	h.ok(fx, nil)
	h.wantState(seq, Assigned)
}

func TestUndrawnJobFails(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	seq := h.submit(submission(1, 1))
	for range waitTimeout/heartbeat + 1 {
		h.advance(heartbeat)
		h.tick()
	}
	h.wantState(seq, Failed)
	if _, request, _ := h.b.Freeze(h.call("")); request {
		t.Error("a failed job still asks for a beacon")
	}
}
