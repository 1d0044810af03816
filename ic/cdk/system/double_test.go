//go:build !wasip1

package system_test

import (
	"errors"
	"strings"
	"testing"

	"assay/ic/candid"
	"assay/ic/cdk/system"
)

// What a context does not allow traps, and a trap undoes everything.
func TestDoubleContexts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		context system.Context
		do      func(d *system.Double)
		trap    string
	}{
		{"call in a query", system.Query, func(d *system.Double) { d.CallNew(nil, nil, 0, 0, 0, 0) }, "call_new is not allowed"},
		{"timer in a query", system.Query, func(d *system.Double) { d.SetTimer(1) }, "global_timer_set is not allowed"},
		{"reply in a cleanup", system.Cleanup, func(d *system.Double) { d.Reply() }, "msg_reply is not allowed"},
		{"certified data in a cleanup", system.Cleanup, func(d *system.Double) { d.SetCertifiedData(nil) }, "certified_data_set is not allowed"},
		{"refund in an update", system.Update, func(d *system.Double) { d.CyclesRefunded() }, "msg_cycles_refunded128 is not allowed"},
		{"reply twice", system.Update, func(d *system.Double) { d.Reply(); d.Reply() }, "has been answered"},
		{"reply in a timer", system.Timer, func(d *system.Double) { d.Reply() }, "not allowed"},
		{"stable bounds", system.Update, func(d *system.Double) { d.StableRead(1<<63, make([]byte, 1)) }, "beyond the stable memory"},
		{"33 certified bytes", system.Update, func(d *system.Double) { d.SetCertifiedData(make([]byte, 33)) }, "33 bytes"},
		{"too many cycles", system.Update, func(d *system.Double) { d.CallNew(nil, nil, 0, 0, 0, 0); d.CallCyclesAdd(0, 101) }, "IC0207"},
		{"data without a call", system.Update, func(d *system.Double) { d.CallDataAppend(nil) }, "without call_new"},
		{"trap", system.Update, func(d *system.Double) { d.Trap([]byte("why")) }, "why"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := &system.Double{}
			d.SetBalance(candid.NewNat(100))
			f := &system.Frame{Context: row.context, Call: &system.CallContext{Available: candid.NewNat(7)}}
			err := d.Execute(f, func() {
				if row.context == system.Update {
					d.StableGrow(1)
					d.SetTimer(5)
					d.CyclesAccept(0, 3)
					d.CallNew([]byte{1}, []byte("m"), 1, 2, 3, 4)
					d.CallCyclesAdd(0, 50)
					d.CallPerform()
				}
				row.do(d)
			})
			var trap *system.TrapError
			if !errors.As(err, &trap) || !strings.Contains(trap.Text, row.trap) {
				t.Errorf("got %v, want a trap with %q", err, row.trap)
			}
			if d.StableSize() != 0 || d.TimerAt() != 0 || d.Balance128() != candid.NewNat(100) || f.Call.Available != candid.NewNat(7) || len(f.Calls) != 0 || f.Call.Answer != nil {
				t.Errorf("after the trap: %d pages, timer %d, balance %v, %d calls", d.StableSize(), d.TimerAt(), d.Balance128(), len(f.Calls))
			}
		})
	}
}

// A call that is not performed gives its cycles back; one that is keeps what it was given.
func TestDoubleCalls(t *testing.T) {
	t.Parallel()
	d := &system.Double{}
	d.SetBalance(candid.NewNat(100))
	f := &system.Frame{Context: system.Update, Call: &system.CallContext{}}
	if err := d.Execute(f, func() {
		d.CallNew([]byte{9}, []byte("dropped"), 1, 1, 2, 1)
		d.CallCyclesAdd(0, 60)
		d.CallNew([]byte{8}, []byte("kept"), 1, 7, 2, 8)
		d.CallOnCleanup(3, 9)
		d.CallDataAppend([]byte("ab"))
		d.CallDataAppend([]byte("c"))
		d.CallCyclesAdd(0, 90)
		d.CallBestEffort(1000)
		if code := d.CallPerform(); code != system.PerformedCall {
			t.Errorf("call_perform gives %d", code)
		}
		d.Refuse = 1
		d.CallNew([]byte{8}, []byte("refused"), 1, 7, 2, 8)
		d.CallCyclesAdd(0, 10)
		if code := d.CallPerform(); code == system.PerformedCall {
			t.Error("a refused call was performed")
		}
	}); err != nil {
		t.Fatal(err)
	}
	if len(f.Calls) != 1 || d.Balance128() != candid.NewNat(10) {
		t.Fatalf("calls %+v, balance %v", f.Calls, d.Balance128())
	}
	c := f.Calls[0]
	if c.Method != "kept" || string(c.Arg) != "abc" || c.Cycles != candid.NewNat(90) || c.Seconds != 300 || c.ReplyEnv != 7 || c.RejectEnv != 8 || c.CleanupFun != 3 || c.CleanupEnv != 9 {
		t.Errorf("call %+v", c)
	}
}
