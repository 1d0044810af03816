package state_test

import (
	"bytes"
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
	first := n.hash()
	core, _ := n.checkpoint()
	n.restart()
	if second := n.hash(); second != first {
		t.Errorf("hash %x became %x", first, second)
	}
	if again, _ := n.checkpoint(); !bytes.Equal(core, again) {
		t.Errorf("a core of %d bytes became one of %d", len(core), len(again))
	}
}

func TestRestoreRefusesNonsense(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	n.actor()
	core, read := n.checkpoint()
	damaged := func(change func(record []byte) [][]byte) reader {
		return func(name string, visit func([]byte) error) error {
			return read(name, func(record []byte) error {
				for _, r := range change(slices.Clone(record)) {
					if err := visit(r); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	for name, bad := range map[string]struct {
		core []byte
		read reader
	}{
		"no core":        {nil, read},
		"noise":          {[]byte("noise"), read},
		"no contents":    {core, damaged(func([]byte) [][]byte { return nil })},
		"cut contents":   {core, damaged(func(r []byte) [][]byte { return [][]byte{r[:len(r)-1]} })},
		"twice the same": {core, damaged(func(r []byte) [][]byte { return [][]byte{r, r} })},
	} {
		if _, err := state.Restore(t.Context(), n.config, bad.core, bad.read); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
