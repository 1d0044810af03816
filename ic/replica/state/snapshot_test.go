package state_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"assay/ic/principal"
	"assay/ic/replica/state"
)

func inState(to principal.Principal, p program) state.Ingress {
	return state.Ingress{Canister: to, Method: "run", Arg: p}
}

func TestRestartGoesOn(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.selfControlled()
	done := n.start(a, change.Timer(uint64(n.now.Add(time.Hour).UnixNano())).OnTimer(program{}.Add(8, 1)).HeapGrow(3).Reply([]byte("kept")))
	open := n.start(a, program{}.Add(1, 5).Call(call{To: b, Cycles: 100, Arg: park(b, program{}.Accept(30).Reply([]byte("late"))), OnReply: program{}.AppendArg().AppendCell(1).AppendRefunded().Send()}))
	n.rounds()
	bounded := n.start(a, program{}.Call(call{To: b, Timeout: 60, Arg: program{}.Reply(nil), OnReply: program{}.AppendArg().Send(), OnReject: program{}.AppendRejectCode().Send()}))
	n.m.Round(t.Context())
	queued := n.start(a, program{}.Reply([]byte("from the queue")))
	before, info := n.read(a, look), n.info(a)
	n.restart()
	n.balanced()
	if after := n.read(a, look); !bytes.Equal(before, after) {
		t.Errorf("state %x, before %x", after, before)
	}
	if after := n.info(a); after.Version != info.Version || after.Cycles != info.Cycles || after.MemorySize != info.MemorySize {
		t.Errorf("status %+v, before %+v", after, info)
	}
	if s := n.status(done); string(s.Reply) != "kept" || s.Sender != user || s.Canister != a {
		t.Errorf("status of a finished request: %+v", s)
	}
	n.rounds()
	if s := n.status(queued); string(s.Reply) != "from the queue" {
		t.Errorf("queued request: %+v", s)
	}
	if s := n.status(bounded); !bytes.Equal(s.Reply, u32(5)) { // b is stopping
		t.Errorf("bounded call: %+v", s)
	}
	n.pass(5*time.Minute + time.Second)
	if s, want := n.status(open), append(append([]byte("late"), u64(5)...), u128(70)...); !bytes.Equal(s.Reply, want) {
		t.Errorf("parked call: %q, want %q", s.Reply, want)
	}
	n.pass(time.Hour)
	if got := n.read(a, program{}.AppendCell(8).Send()); !bytes.Equal(got, u64(1)) {
		t.Error("the timer is lost")
	}
	n.balanced()
	if id := n.create(1); id != principal.Canister(0x8000_0000_0010_0003) {
		t.Errorf("next canister is %v: ids start again", id)
	}
}

func TestRestartTwiceIsTheSame(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.selfControlled()
	n.start(a, program{}.Call(call{To: b, Timeout: 300, Cycles: 10, Arg: park(b, program{}.Reply(nil))}).Append([]byte("x")))
	n.rounds()
	n.start(a, program{}.Reply(nil))
	n.keep()
	take := func() (all []byte) {
		records, err := n.m.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		for r := range records {
			if all == nil { // maps are in no order in the first record
				r = slices.Sorted(slices.Values(r))
			}
			all = append(all, r...)
		}
		return all
	}
	first := take()
	n.restart()
	if second := take(); !bytes.Equal(first, second) {
		t.Errorf("a snapshot of %d bytes became one of %d", len(first), len(second))
	}
}

func TestRestoreRefusesNonsense(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	n.actor()
	records, err := n.m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Collect(records)
	for name, bad := range map[string][][]byte{
		"nothing":  {},
		"noise":    {[]byte("noise")},
		"too few":  all[:len(all)-1],
		"too many": append(slices.Clone(all), []byte("x")),
	} {
		if _, err := state.Restore(t.Context(), n.config, bad); !errors.Is(err, state.ErrBadSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
