package state_test

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"assay/ic/replica/state"
)

// While a message's code runs, queries see the state before it, and nobody waits.
func TestNobodyWaitsForAnUpdate(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	n.reply(a, program{}.StableGrow(1).StableWrite(0, []byte("old")).Add(0, 1).Reply(nil))
	look := program{}.AppendCell(0).AppendStableSize().AppendStable(0, 3).Send()
	before := n.read(a, look)
	nested := program{}.Call(call{To: b, Method: "ask", OnReply: program{}.AppendArg().Send(), Arg: program{}.Call(call{
		To: a, Method: "read", Arg: look, OnReply: program{}.AppendArg().Send(),
	})})
	seen := 0
	for round := range 100 { // each is long enough to be seen at work on any machine but a stalled one
		id := n.start(a, program{}.HeapGrow(2).StableGrow(3).StableWrite(0, []byte("new")).Add(0, 1).Spin(20_000_000).Unreachable())
		done := make(chan struct{})
		go func() {
			defer close(done)
			n.rounds()
		}()
		for s, ok := n.m.Status(id); !ok || s.Phase == state.Received; s, ok = n.m.Status(id) {
			runtime.Gosched()
		}
		for n.status(id).Phase == state.Processing {
			got := [][]byte{n.read(a, look)}
			if reply, rej := n.query(a, "ask", nested); rej == nil {
				got = append(got, reply)
			} else {
				t.Error(rej)
			}
			if i := slices.IndexFunc(got, func(b []byte) bool { return !bytes.Equal(b, before) }); i >= 0 {
				t.Fatalf("round %d: query %d sees %x, want %x", round, i, got[i], before)
			}
			if n.info(a).Status.Running == false {
				t.Error("the canister does not run")
			}
			if n.status(id).Phase == state.Processing {
				seen++
			}
		}
		<-done
		if got := n.read(a, look); !bytes.Equal(got, before) {
			t.Fatalf("after the update trapped: %x, want %x", got, before)
		}
		if seen > 0 {
			break
		}
	}
	if seen == 0 {
		t.Error("no query ended while an update ran")
	}
	n.reply(a, program{}.Add(0, 1).Reply(nil))
	if got := n.read(a, program{}.AppendCell(0).Send()); !bytes.Equal(got, u64(2)) {
		t.Errorf("the next update left %x, want %x", got, u64(2))
	}
	n.balanced()
}
