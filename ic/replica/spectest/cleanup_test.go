package spectest_test

import (
	"assay/ic/replica/replicatest"
)

func init() {
	describe("cleanup", "canister interface",
		row{"Inter-canister method calls", "cleanup runs when the reply callback traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Trap("x"), OnCleanup: do.Set(1, 1)})).rejects(failed)
			if w.cell(c, 1) != 1 {
				w.Error("cleanup did not run")
			}
		}},
		row{"Inter-canister method calls", "cleanup runs when the reject callback traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "none", OnReject: do.Trap("x"), OnCleanup: do.Set(1, 1)})).rejects(failed)
			if w.cell(c, 1) != 1 {
				w.Error("cleanup did not run")
			}
		}},
		row{"Inter-canister method calls", "cleanup does not run when the reply callback returns", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Send(), OnCleanup: do.Set(1, 1)})).replies("")
			if w.cell(c, 1) != 0 {
				w.Error("cleanup ran")
			}
		}},
		row{"Inter-canister method calls", "cleanup does not run when the reject callback returns", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "none", OnReject: do.Send(), OnCleanup: do.Set(1, 1)})).replies("")
			if w.cell(c, 1) != 0 {
				w.Error("cleanup ran")
			}
		}},
		row{"Inter-canister method calls", "cleanup does not run when the method itself traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Send(), OnCleanup: do.Set(1, 1)}).Unreachable()).rejects(failed)
			w.tick()
			if w.cell(c, 1) != 0 {
				w.Error("cleanup ran")
			}
		}},
		row{"Inter-canister method calls", "a cleanup that traps is undone", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Trap("x"), OnCleanup: do.Set(1, 1).Unreachable()})).rejects(failed)
			if w.cell(c, 1) != 0 {
				w.Error("the cleanup's changes stayed")
			}
		}},
		row{"Inter-canister method calls", "cleanup sees the state without the callback's changes", func(w *world) {
			c := w.canister()
			w.update(c, do.Set(1, 1).Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Set(1, 2).Trap("x"), OnCleanup: do.Set(2, cell(1))})).rejects(failed)
			if got := w.cell(c, 2); got != 1 {
				w.Errorf("cleanup saw %d", got)
			}
		}},
		row{"Inter-canister method calls", "cleanup runs when the callback is out of its table", func(w *world) {
			c := w.canister()
			w.update(c, do.Do("call_new", c, "read", 1000, 0, 1000, 0).Do("call_on_cleanup", replicatest.RunSlot, do.Set(1, 1)).
				Do("call_data_append", []byte(reply)).Do("call_perform")).rejects(failed)
			if w.cell(c, 1) != 1 {
				w.Error("cleanup did not run")
			}
		}},
		row{"Method arguments", "cleanup after a reject callback has the reject code", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: do.Reject("no"), OnReject: do.Trap("x"), OnCleanup: do.Set(1, of("msg_reject_code"))})).rejects(failed)
			if got := w.cell(c, 1); got != rejected {
				w.Errorf("the reject code is %d", got)
			}
		}},
		row{"Method arguments", "cleanup after a reply callback has reject code 0", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Trap("x"), OnCleanup: do.Set(1, sum(of("msg_reject_code"), 10))})).rejects(failed)
			if got := w.cell(c, 1); got != 10 {
				w.Errorf("the reject code is %d", got-10)
			}
		}},
		row{"Inter-canister method calls", "cleanup cannot answer", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Trap("x"), OnCleanup: do.Reply([]byte("cleanup"))})).rejects(failed)
		}},
		row{"Inter-canister method calls", "cleanup may set the global timer", func(w *world) {
			c := w.canister(do.OnTimer(do.Set(1, 1)))
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Trap("x"), OnCleanup: do.Timer(1)})).rejects(failed)
			w.until("the timer", func() bool { return w.cell(c, 1) == 1 })
		}},
		row{"Inter-canister method calls", "each call has its own cleanup", func(w *world) {
			c := w.canister()
			one := call{To: c, Method: "read", Arg: reply, OnReply: do.Trap("x"), OnCleanup: do.Add(1, 1)}
			two := call{To: c, Method: "read", Arg: reply, OnReply: do.Send(), OnCleanup: do.Add(1, 10)}
			w.update(c, do.Call(one).Call(two)).replies("")
			if got := w.cell(c, 1); got != 1 {
				w.Errorf("cleanups left %d", got)
			}
		}},
	)
}
