package cdk

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"assay/ic/candid"
	"assay/ic/cdk/calendar"
	"assay/ic/cdk/stable"
	"assay/ic/principal"
)

var sample = record{
	flags: flagAnswered, asked: 2, code: 4, context: 0x0001_0000_0000_0007,
	intent: Intent{Origin: "pay", To: principal.Canister(5), Method: "transfer", Cycles: candid.Nat{Hi: 1, Lo: 2}, Note: []byte("note"), Time: 99},
}

// The layouts of version 1 in the kit's regions.
func TestRecordLayouts(t *testing.T) {
	t.Parallel()
	const intent = "0101020407000000000001006300000000000000" + "01000000000000000200000000000000" +
		"0300706179" + "0a0000000000000000050101" + "08007472616e73666572" + "04006e6f7465"
	if got := hex.EncodeToString(sample.encode()); got != intent {
		t.Errorf("intent\n%s, want\n%s", got, intent)
	}
	task := taskRecord{running: true, failures: 3, due: 0x1122334455667788, every: 10}
	if got, want := hex.EncodeToString(task.encode()), "0101030088776655443322110a00000000000000"; got != want {
		t.Errorf("task %s, want %s", got, want)
	}
	plan, err := calendar.Parse("0 4 * * 1")
	if err != nil {
		t.Fatal(err)
	}
	planned := taskRecord{due: 1, plan: plan}
	if got, want := hex.EncodeToString(planned.encode()), "0200000001000000000000000000000000000000"+"010000000000000010000000feffffff"+"fe1f02"; got != want {
		t.Errorf("planned task %s, want %s", got, want)
	}
	for _, want := range []taskRecord{task, planned} {
		if back, err := decodeTask(want.encode()); err != nil || back != want {
			t.Errorf("task read as %+v, %v", back, err)
		}
	}
	if got := openKey(0x00010002); !bytes.Equal(got, []byte{0, 0, 1, 0, 2}) {
		t.Errorf("key %x", got)
	}
}

// FuzzRecords decodes anything: no panic, and what is accepted encodes to the same bytes.
func FuzzRecords(f *testing.F) {
	f.Add(sample.encode())
	f.Add((&taskRecord{running: true, due: 7}).encode())
	plan, _ := calendar.Parse("*/5 * 1-15 * *")
	f.Add((&taskRecord{due: 7, plan: plan}).encode())
	f.Add(sample.encode()[:50])
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeRecord(b); err == nil && !bytes.Equal(r.encode(), b) {
			t.Errorf("intent %x encodes to %x", b, r.encode())
		}
		if r, err := decodeTask(b); err == nil && !bytes.Equal(r.encode(), b) {
			t.Errorf("task %x encodes to %x", b, r.encode())
		}
	})
}

// The layouts of the log and the rates, version 1: head and first entry, and one slot.
func TestRegionLayouts(t *testing.T) {
	t.Parallel()
	mem := &stable.Heap{}
	r := openRing(mem)
	for range 2 {
		if err := r.append(&Entry{Time: 5, Level: Warning, Method: "pay", Text: "low"}); err != nil {
			t.Fatal(err)
		}
	}
	const head = "52494e4701000000" + "0000000000000000" + "0200000000000000" + "0000000000000000" + "2800000000000000"
	const entry = "10000000" + "0500000000000000" + "02" + "03" + "706179" + "6c6f77"
	if got := hex.EncodeToString(mem.Bytes[:40]); got != head {
		t.Errorf("log head %s, want %s", got, head)
	}
	if got := hex.EncodeToString(mem.Bytes[ringHead : ringHead+20]); got != entry {
		t.Errorf("log entry %s, want %s", got, entry)
	}
	slot := rateEntry(0x01020304, principal.Canister(5), 9)
	const want = "0b" + "00000000000000050101" + "00000000000000000000000000000000000000" + "0000" + "04030201" + "00000000" + "0900000000000000"
	if got := hex.EncodeToString(slot[:]); got != want {
		t.Errorf("rate slot %s, want %s", got, want)
	}
}

// FuzzLog opens anything as a log: it is read and written, or refused with a LayoutError.
func FuzzLog(f *testing.F) {
	mem := &stable.Heap{}
	r := openRing(mem)
	_ = r.append(&Entry{Method: "m", Text: "text"})
	f.Add(mem.Bytes[:200])
	f.Add([]byte("RING\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(*stable.LayoutError); !ok {
					t.Errorf("%x: %v", b, r)
				}
			}
		}()
		mem := &stable.Heap{}
		_ = mem.Grow(ringPages)
		copy(mem.Bytes, b[:min(len(b), 1<<12)])
		r := openRing(mem)
		n := 0
		r.scan(0, func(Entry) bool { n++; return n < 100 })
		_ = r.append(&Entry{Text: "more"})
	})
}

func TestCallErrors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err      CallError
		text     string
		happened Happened
		retry    bool
	}{
		{CallError{Code: SysFatal, Message: "no", Sent: true}, "call rejected, SYS_FATAL: no", No, false},
		{CallError{Code: SysTransient, Message: "busy", Sent: true}, "call rejected, SYS_TRANSIENT: busy", No, true},
		{CallError{Code: SysTransient, Message: "full"}, "call not sent: full", No, true},
		{CallError{Code: DestinationInvalid, Message: "who", Sent: true}, "call rejected, DESTINATION_INVALID: who", No, false},
		{CallError{Code: CanisterReject, Message: "never", Sent: true}, "call rejected, CANISTER_REJECT: never", Yes, false},
		{CallError{Code: CanisterReject, Message: RetryPrefix + "later", Sent: true}, "call rejected, CANISTER_REJECT: retry: later", Yes, true},
		{CallError{Code: CanisterError, Message: "trap", Sent: true}, "call rejected, CANISTER_ERROR: trap", Unknown, false},
		{CallError{Code: SysUnknown, Message: "late", Sent: true}, "call rejected, SYS_UNKNOWN: late", Unknown, false},
		{CallError{Code: 77, Message: "x", Sent: true}, "call rejected, reject code 77: x", Unknown, false},
	} {
		if e := &row.err; e.Error() != row.text || e.Happened() != row.happened || e.Retry() != row.retry {
			t.Errorf("%q: happened %v, retry %v; want %q, %v, %v", e.Error(), e.Happened(), e.Retry(), row.text, row.happened, row.retry)
		}
	}
	cause := errors.New("a lock is held")
	marked := fmt.Errorf("transfer: %w", Retryable(cause))
	if got := rejectText(marked); got != "retry: transfer: a lock is held" || !errors.Is(marked, cause) {
		t.Errorf("reject text %q", got)
	}
}

// Two methods with one hash cannot both be called; neither can one with the task method's.
func TestMethodHashes(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"a", "a"}, {TaskMethod}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("methods %q are accepted", names)
				}
			}()
			var p Program
			for _, n := range names {
				p.Methods = append(p.Methods, candid.Method[*Message]{Name: n})
			}
			p.table()
		}()
	}
}
