package spectest_test

import (
	"strings"

	"assay/ic/replica/replicatest"
)

func init() {
	describe("building calls", "canister interface",
		row{"Inter-canister method calls", "call_data_append without call_new traps", func(w *world) {
			w.update(w.canister(), do.Do("call_data_append", "x").Reply(nil)).rejects(failed)
		}},
		row{"Inter-canister method calls", "call_on_cleanup without call_new traps", func(w *world) {
			w.update(w.canister(), do.Do("call_on_cleanup", 1, do).Reply(nil)).rejects(failed)
		}},
		row{"Inter-canister method calls", "call_cycles_add without call_new traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Do("call_cycles_add", 0).Reply(nil)).rejects(failed)
			w.update(c, do.Do("call_cycles_add128", 0, 0).Reply(nil)).rejects(failed)
		}},
		row{"Inter-canister method calls", "call_with_best_effort_response without call_new traps", func(w *world) {
			w.update(w.canister(), do.Do("call_with_best_effort_response", 1).Reply(nil)).rejects(failed)
		}},
		row{"Inter-canister method calls", "call_perform without call_new traps", func(w *world) {
			w.update(w.canister(), do.Do("call_perform").Reply(nil)).rejects(failed)
		}},
		row{"Inter-canister method calls", "after call_perform all calls but call_new trap", func(w *world) {
			c := w.canister()
			for _, again := range []program{
				do.Do("call_perform"), do.Do("call_data_append", "x"), do.Do("call_on_cleanup", 1, do),
				do.Do("call_cycles_add128", 0, 0), do.Do("call_with_best_effort_response", 1),
			} {
				w.update(c, append(begun(c).Do("call_perform"), again...)).rejects(failed)
			}
		}},
		row{"Inter-canister method calls", "call_new drops the call under construction", func(w *world) {
			c := w.canister()
			first := do.Do("call_new", c, "run", replicatest.RunSlot, do, replicatest.RunSlot, do).Do("call_data_append", []byte(do.Set(1, 1).Send()))
			w.update(c, append(first, begun(c).Do("call_perform")...)).replies("")
			if w.cell(c, 1) != 0 {
				w.Error("the dropped call was made")
			}
		}},
		row{"Inter-canister method calls", "a call that is not performed is not made", func(w *world) {
			c := w.canister()
			w.update(c, do.Do("call_new", c, "run", replicatest.RunSlot, do, replicatest.RunSlot, do).Do("call_data_append", []byte(do.Set(1, 1))).Reply([]byte("no call"))).replies("no call")
			w.tick()
			if w.cell(c, 1) != 0 {
				w.Error("the call was made")
			}
		}},
		row{"Inter-canister method calls", "call_perform returns 0", func(w *world) {
			c := w.canister()
			w.update(c, append(do.Set(1, 9), begun(c).Set(1, of("call_perform"))...)).replies("")
			if got := w.cell(c, 1); got != 0 {
				w.Errorf("call_perform returned %d", got)
			}
		}},
		row{"Inter-canister method calls", "call_data_append appends", func(w *world) {
			c := w.canister()
			p := do.Do("call_new", c, "read", replicatest.RunSlot, do.Give(blob("msg_arg_data")).Send(), replicatest.RunSlot, do)
			for _, part := range [][]byte{do.Give("abc"), nil, do.Send()} {
				p = p.Do("call_data_append", part)
			}
			w.update(c, p.Do("call_perform")).replies("abc")
		}},
		row{"Inter-canister method calls", "a second call_on_cleanup traps", func(w *world) {
			c := w.canister()
			w.update(c, begun(c).Do("call_on_cleanup", 1, do).Do("call_on_cleanup", 1, do).Do("call_perform")).rejects(failed)
		}},
		row{"Inter-canister method calls", "a second call_with_best_effort_response traps", func(w *world) {
			c := w.canister()
			w.update(c, begun(c).Do("call_with_best_effort_response", 1).Do("call_with_best_effort_response", 1).Do("call_perform")).rejects(failed)
		}},
		row{"Inter-canister method calls", "any timeout is allowed, 0 and the largest too", func(w *world) {
			c := w.canister()
			w.update(c, begun(c).Do("call_with_best_effort_response", 0xffff_ffff).Do("call_perform")).replies("")
			w.update(c, begun(c).Do("call_with_best_effort_response", 0).Do("call_perform").Reply(nil)).replies("")
		}},
		row{"Inter-canister method calls", "a callee beyond the memory traps", func(w *world) {
			w.update(w.canister(), do.Do("call_new", 4<<16-1, 10, "read", 1, do, 1, do).Reply(nil)).rejects(failed)
		}},
		row{"Inter-canister method calls", "a method name beyond the memory traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Do("call_new", c, 4<<16-1, 10, 1, do, 1, do).Reply(nil)).rejects(failed)
		}},
		row{"Inter-canister method calls", "call data beyond the memory traps", func(w *world) {
			c := w.canister()
			w.update(c, begun(c).Do("call_data_append", 4<<16-1, 2).Reply(nil)).rejects(failed)
		}},
		row{"Cycle cost calculation", "a method name of more than 20,000 bytes traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Do("call_new", c, strings.Repeat("x", 20_001), 1, do, 1, do).Reply(nil)).rejects(failed)
		}},
		row{"Resource limits", "a call of more than 10 MiB traps", func(w *world) {
			c := w.canister()
			w.update(c, do.HeapGrow(200).Do("call_new", c, "read", 1, do, 1, do).Do("call_data_append", 0, 10<<20).Do("call_data_append", 0, 1).Reply(nil)).rejects(failed)
		}},
		row{"Resource limits", "a call of almost 10 MiB arrives", func(w *world) {
			c := w.canister()
			// The argument begins with a program; its rest is never run.
			p := do.HeapGrow(200).Do("call_new", c, "read", replicatest.RunSlot, do.Give(blob("msg_arg_data")).Send(), replicatest.RunSlot, do.Reply([]byte("rejected"))).
				Do("call_data_append", []byte(append(do.Put(of("msg_arg_data_size")).Send(), 0))).
				Do("call_data_append", 0, 10<<20-1000)
			if got := w.update(c, p.Do("call_perform")).number(); got < 10<<20-1000 {
				w.Errorf("an argument of %d bytes", got)
			}
		}},
		row{"Overview of imports", "a query that calls traps, however it is called", func(w *world) {
			c := w.canister()
			w.ask(c, begun(c)).rejects(failed)
			w.call(owner, c, c, "read", begun(c)).rejects(failed)
			rejectedWith(w.update(c, relay(call{To: c, Method: "read", Arg: begun(c)})), failed)
		}},
		row{"Canister initialization", "a call in init traps", func(w *world) {
			c := w.create()
			w.install("install", c, plain(), begun(c).Do("call_perform")).rejects(failed)
		}},
	)
}
