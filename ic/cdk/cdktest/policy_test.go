//go:build !wasip1

package cdktest_test

import (
	"os"
	"strconv"
	"testing"

	"assay/ic/principal"
)

// garbageMessages are run by the sample in `go test`; ASSAY_GARBAGE sets another number.
const garbageMessages = 500

// TestWasmMemoryPolicy: 1 MB of garbage a message, and linear memory after all messages is
// what it was after the first tenth.
func TestWasmMemoryPolicy(t *testing.T) {
	t.Parallel()
	n := garbageMessages
	if s := os.Getenv("ASSAY_GARBAGE"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	r := newRig(t)
	var early uint32
	var most, sum uint64
	for i := range n {
		r.wantAnswer(r.start(alice, "garbage", "", 0), "")
		if i == n/10-1 {
			early = r.instance.Pages()
		}
		most, sum = max(most, r.used), sum+r.used
	}
	t.Logf("1 MB of garbage in each of %d messages: %d pages after a tenth, %d after all; %d instructions a message, at most %d", n, early, r.instance.Pages(), sum/uint64(n), most)
	if pages := r.instance.Pages(); pages != early || pages > 320 {
		t.Errorf("%d pages of Wasm memory after %d messages, %d after %d", pages, n, early, n/10)
	}
}

// TestWasmParkedCost: what messages that make 1 MB of garbage cost while many handlers are
// parked, whose stacks every collection walks.
func TestWasmParkedCost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	parked := 0
	for _, c := range []struct {
		parked int
		most   uint64 // instructions a message
		pages  uint32
	}{{0, 4_000_000, 200}, {100, 6_000_000, 320}, {500, 9_000_000, 560}, {1300, 9_000_000, 1000}} {
		for ; parked < c.parked; parked++ {
			callee := principal.Canister(uint64(5000 + parked/400)) // 500 calls fit to each
			if x := r.start(alice, "relay", callee.String()+" A", 0); x.answer != nil {
				t.Fatalf("call %d: %s", parked, x.answer.Data)
			}
		}
		var sum, most uint64
		const messages = 50
		for range messages {
			r.start(bob, "garbage", "", 0)
			sum, most = sum+r.used, max(most, r.used)
		}
		r.start(bob, "echo", "x", 0)
		t.Logf("%4d parked: %.1f M instructions a message of 1 MB, at most %.0f M; an empty one %d; %.1f MiB", parked, float64(sum)/messages/1e6, float64(most)/1e6, r.used, float64(r.instance.Pages())/16)
		if sum/messages > c.most || r.instance.Pages() > c.pages {
			t.Errorf("%d parked: more than %d instructions a message or %d pages", parked, c.most, c.pages)
		}
	}
}
