package spectest_test

import (
	"strings"

	"assay/ic/principal"
	"assay/ic/replica/replicatest"
)

// reply is what a callee does in most rows.
var reply = do.Send()

// begun is a call under construction, to a query that answers.
func begun(to principal.Principal) program {
	return do.Do("call_new", to, "read", replicatest.RunSlot, do.Send(), replicatest.RunSlot, do.Trap("rejected")).
		Do("call_data_append", []byte(reply))
}

// rejectedWith holds that a relayed call was rejected with one of these codes.
func rejectedWith(o outcome, codes ...uint64) {
	o.w.Helper()
	data := o.replied()
	if len(data) < 8 {
		o.w.Fatalf("%s: the call replied %q, want a reject", o.w.section, data)
	}
	got := replicatest.Numbers(data[:8])[0]
	for _, code := range codes {
		if got == code {
			return
		}
	}
	o.w.Errorf("%s: the call was rejected with %d (%q), want %d", o.w.section, got, data[8:], codes)
}

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
	describe("calls", "canister interface",
		row{"Inter-canister method calls", "a call of another canister's update replies", func(w *world) {
			w.update(w.canister(), relay(call{To: w.canister(), Arg: do.Reply([]byte("there"))})).replies("there")
		}},
		row{"Inter-canister method calls", "a call of another canister's query replies", func(w *world) {
			w.update(w.canister(), relay(call{To: w.canister(), Method: "read", Arg: do.Reply([]byte("there"))})).replies("there")
		}},
		row{"Inter-canister method calls", "a call of an own update replies", func(w *world) {
			c := w.canister()
			w.update(c, relay(call{To: c, Arg: do.Reply([]byte("here"))})).replies("here")
		}},
		row{"Inter-canister method calls", "a call of an own query replies", func(w *world) {
			c := w.canister()
			w.update(c, relay(call{To: c, Method: "read", Arg: do.Reply([]byte("here"))})).replies("here")
		}},
		row{"Replicated and Non-Replicated execution mode", "a call of a composite query is rejected", func(w *world) {
			rejectedWith(w.update(w.canister(), relay(call{To: w.canister(), Method: "ask", Arg: reply})), failed)
		}},
		row{"Inter-canister method calls", "a called update's changes stay", func(w *world) {
			a, b := w.canister(), w.canister()
			w.update(a, relay(call{To: b, Arg: do.Set(1, 7).Send()})).replies("")
			if got := w.cell(b, 1); got != 7 {
				w.Errorf("the cell holds %d", got)
			}
		}},
		row{"Message execution", "a called query's changes are discarded", func(w *world) {
			a, b := w.canister(), w.canister()
			w.update(a, relay(call{To: b, Method: "read", Arg: do.Set(1, 7).Send()})).replies("")
			if got := w.cell(b, 1); got != 0 {
				w.Errorf("the cell holds %d", got)
			}
		}},
		row{"Reject codes", "a call of a canister that is not there is rejected with DESTINATION_INVALID", func(w *world) {
			rejectedWith(w.update(w.canister(), relay(call{To: principal.Canister(1 << 20), Arg: reply})), destination)
		}},
		row{"Reject codes", "a call of a user is rejected with DESTINATION_INVALID", func(w *world) {
			rejectedWith(w.update(w.canister(), relay(call{To: stranger.Sender(), Arg: reply})), destination)
		}},
		row{"Reject codes", "a call of a method that is not there is rejected", func(w *world) {
			rejectedWith(w.update(w.canister(), relay(call{To: w.canister(), Method: "none"})), destination, failed)
		}},
		row{"Reject codes", "a call of a canister without code is rejected", func(w *world) {
			rejectedWith(w.update(w.canister(), relay(call{To: w.create(), Arg: reply})), destination, failed)
		}},
		row{"Reject codes", "a callee's reject has CANISTER_REJECT and its text", func(w *world) {
			w.update(w.canister(), relay(call{To: w.canister(), Arg: do.Reject("not for you")})).replies(le(rejected) + "not for you")
		}},
		row{"Reject codes", "a callee's trap is CANISTER_ERROR with its text", func(w *world) {
			o := w.update(w.canister(), relay(call{To: w.canister(), Arg: do.Trap("broken")}))
			rejectedWith(o, failed)
			if !strings.Contains(string(o.data), "broken") {
				w.Errorf("the text is %q", o.data)
			}
		}},
		row{"Call context starvation", "a callee that does not answer is CANISTER_ERROR", func(w *world) {
			rejectedWith(w.update(w.canister(), relay(call{To: w.canister(), Arg: do})), failed)
			rejectedWith(w.update(w.canister(), relay(call{To: w.canister(), Method: "read", Arg: do})), failed)
		}},
		row{"Responding", "a called query that replies twice is CANISTER_ERROR", func(w *world) {
			rejectedWith(w.update(w.canister(), relay(call{To: w.canister(), Method: "read", Arg: do.Send().Send()})), failed)
		}},
		row{"Method arguments", "the reject code is 0 in a reply callback", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Put(of("msg_reject_code")).Send()})).gives(0)
		}},
		row{"Method arguments", "a reply callback has no reject message", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Put(of("msg_reject_msg_size")).Send()})).rejects(failed)
		}},
		row{"Callbacks", "a reject callback has no argument", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "none", OnReject: do.Put(of("msg_arg_data_size")).Send()})).rejects(failed)
		}},
		row{"Responding", "a second reply, in a callback, traps and the first stands", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Set(1, 1).Send()}).Reply([]byte("first"))).replies("first")
			w.tick()
			if got := w.cell(c, 1); got != 0 {
				w.Error("the callback that replied again was not undone")
			}
		}},
		row{"Message execution", "a callback after the reply still runs and its changes stay", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Set(1, 1)}).Reply([]byte("first"))).replies("first")
			w.until("the callback", func() bool { return w.cell(c, 1) == 1 })
		}},
		row{"Message execution", "state changed before a call is there in the callback", func(w *world) {
			c := w.canister()
			w.update(c, do.Set(1, 1).Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Put(cell(1)).Send()})).gives(1)
		}},
		row{"Message execution", "a trap after call_perform makes no call", func(w *world) {
			a, b := w.canister(), w.canister()
			w.update(a, do.Call(call{To: b, Arg: do.Set(1, 1).Send()}).Unreachable()).rejects(failed)
			w.tick()
			if w.cell(b, 1) != 0 {
				w.Error("the call was made")
			}
		}},
		row{"Message execution", "a trap in a callback keeps what the method did", func(w *world) {
			c := w.canister()
			w.update(c, do.Set(1, 1).Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Set(2, 1).Trap("in the callback")})).rejects(failed, "in the callback")
			if w.cell(c, 1) != 1 || w.cell(c, 2) != 0 {
				w.Errorf("cells %d, %d", w.cell(c, 1), w.cell(c, 2))
			}
		}},
		row{"Call context starvation", "with two calls, the second callback can answer after the first traps", func(w *world) {
			c := w.canister()
			one := call{To: c, Method: "read", Arg: reply, OnReply: do.Trap("first")}
			two := call{To: c, Method: "read", Arg: reply, OnReply: do.Reply([]byte("second"))}
			w.update(c, do.Call(one).Call(two)).replies("second")
		}},
		row{"Call context starvation", "with two calls, a trap after the answer changes nothing of it", func(w *world) {
			c := w.canister()
			one := call{To: c, Method: "read", Arg: reply, OnReply: do.Reply([]byte("first"))}
			two := call{To: c, Method: "read", Arg: reply, OnReply: do.Trap("second")}
			w.update(c, do.Call(one).Call(two)).replies("first")
		}},
		row{"Call context starvation", "with two calls whose callbacks trap the call is rejected", func(w *world) {
			c := w.canister()
			one := call{To: c, Method: "read", Arg: reply, OnReply: do.Trap("both")}
			w.update(c, do.Call(one).Call(one)).rejects(failed)
		}},
		row{"Call context starvation", "a callback that does not answer rejects the call", func(w *world) {
			c := w.canister()
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do})).rejects(failed)
		}},
		row{"Callbacks", "a callback can call again", func(w *world) {
			c := w.canister()
			inner := relay(call{To: c, Method: "read", Arg: do.Reply([]byte("deep"))})
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: inner})).replies("deep")
		}},
		row{"Callbacks", "a callback at a table slot that is empty traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Do("call_new", c, "read", 3, 0, 3, 0).Do("call_data_append", []byte(reply)).Do("call_perform")).rejects(failed)
		}},
		row{"Callbacks", "a callback beyond the table traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Do("call_new", c, "read", 1000, 0, 1000, 0).Do("call_data_append", []byte(reply)).Do("call_perform")).rejects(failed)
		}},
		row{"Callbacks", "a callback of a wrong type traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Do("call_new", c, "read", replicatest.RunSlot+1, 0, replicatest.RunSlot+1, 0).Do("call_data_append", []byte(reply)).Do("call_perform")).rejects(failed)
		}},
		row{"Callbacks", "a callback gets its env", func(w *world) {
			c := w.canister()
			p := do.Do("call_new", c, "read", replicatest.RunSlot, do.Reply([]byte("mine")), replicatest.RunSlot, do.Reply([]byte("other")))
			w.update(c, p.Do("call_data_append", []byte(reply)).Do("call_perform")).replies("mine")
		}},
		row{"Ordering guarantees", "calls to one canister start in the order in which they were made", func(w *world) {
			a, b := w.canister(), w.canister()
			p := do
			for i := range 10 {
				// Cell 1 counts; the i-th call records its place in cell 10+i.
				p = p.Call(call{To: b, Arg: do.Add(1, 1).Set(uint32(10+i), cell(1)).Send(), OnReply: do})
			}
			w.update(a, p.Reply(nil)).replies("")
			w.until("all calls", func() bool { return w.cell(b, 1) == 10 })
			for i := range uint32(10) {
				if got := w.cell(b, 10+i); got != uint64(i)+1 {
					w.Errorf("call %d ran as number %d", i+1, got)
				}
			}
		}},
		row{"Resource limits", "at most 500 calls to one canister are open", func(w *world) {
			a, b := w.canister(), w.canister()
			one := do.Do("call_new", b, "read", replicatest.RunSlot, do.Add(4, 1), replicatest.RunSlot, do.Add(5, 1)).Do("call_data_append", []byte(reply)).
				Set(3, of("call_perform")).If(cell(3), do.Add(2, 1), do.Add(1, 1))
			w.update(a, do.Times(0, 510, one).Reply(nil)).replies("")
			if made, refused := w.cell(a, 1), w.cell(a, 2); made != 500 || refused != 10 {
				w.Errorf("%d calls made, %d refused", made, refused)
			}
			if got := w.cell(a, 3); got != 2 {
				w.Errorf("call_perform returned %d", got)
			}
			w.until("all answers", func() bool { return w.cell(a, 4)+w.cell(a, 5) == 500 })
			if w.cell(a, 4) != 500 {
				w.Errorf("%d calls were rejected", w.cell(a, 5))
			}
		}},
		row{"Resource limits", "when answers have come, calls can be made again", func(w *world) {
			a, b := w.canister(), w.canister()
			one := do.Do("call_new", b, "read", replicatest.RunSlot, do.Add(4, 1), replicatest.RunSlot, do).Do("call_data_append", []byte(reply)).
				Set(3, of("call_perform")).If(cell(3), do.Add(2, 1), do)
			w.update(a, do.Times(0, 500, one).Reply(nil)).replies("")
			w.until("all answers", func() bool { return w.cell(a, 4) == 500 })
			w.update(a, do.Times(0, 500, one).Reply(nil)).replies("")
			w.until("all answers", func() bool { return w.cell(a, 4) == 1000 })
			if got := w.cell(a, 2); got != 0 {
				w.Errorf("%d calls were refused", got)
			}
		}},
		row{"Message execution", "calls to many canisters are not limited by those to one", func(w *world) {
			a, b, c := w.canister(), w.canister(), w.canister()
			one := func(to principal.Principal) program {
				return do.Do("call_new", to, "read", replicatest.RunSlot, do.Add(4, 1), replicatest.RunSlot, do).Do("call_data_append", []byte(reply)).
					Set(3, of("call_perform")).If(cell(3), do.Add(2, 1), do)
			}
			w.update(a, append(do.Times(0, 400, one(b)), do.Times(0, 400, one(c)).Reply(nil)...)).replies("")
			if got := w.cell(a, 2); got != 0 {
				w.Errorf("%d calls were refused", got)
			}
			w.until("all answers", func() bool { return w.cell(a, 4) == 800 })
		}},
		row{"Call contexts", "calls nest over many canisters", func(w *world) {
			p := do.Reply([]byte("bottom"))
			for range 8 {
				p = relay(call{To: w.canister(), Arg: p})
			}
			w.update(w.canister(), p).replies("bottom")
		}},
		row{"Call contexts", "canisters that call each other do not wait for each other", func(w *world) {
			a, b := w.canister(), w.canister()
			back := relay(call{To: a, Arg: do.Reply([]byte("again here"))})
			w.update(a, relay(call{To: b, Arg: back})).replies("again here")
		}},
	)
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
	describe("best-effort calls", "canister interface",
		row{"Inter-canister method calls", "a bounded-wait call replies", func(w *world) {
			w.update(w.canister(), relay(call{To: w.canister(), Arg: do.Reply([]byte("in time")), Timeout: 10})).replies("in time")
		}},
		row{"Inter-canister method calls", "a bounded-wait call that is not answered ends with SYS_UNKNOWN", func(w *world) {
			h, a := w.hold(), w.canister()
			p := w.submit(owner, a, a, "run", relay(h.call(call{Timeout: 20})))
			w.tick()
			p.open()
			w.later(30e9)
			rejectedWith(p.ends(), unknown)
			h.release()
		}},
		row{"Inter-canister method calls", "the answer that comes later is not delivered", func(w *world) {
			h, a := w.hold(), w.canister()
			c := h.call(call{Timeout: 20})
			c.OnReply, c.OnReject = do.Add(1, 1).Send(), do.Add(2, 1).Send()
			p := w.submit(owner, a, a, "run", do.Call(c))
			w.tick()
			w.later(30e9)
			p.ends().replies("")
			h.release()
			w.tick()
			if w.cell(a, 1) != 0 || w.cell(a, 2) != 1 {
				w.Errorf("%d replies, %d rejects", w.cell(a, 1), w.cell(a, 2))
			}
		}},
		row{"Inter-canister method calls", "an unbounded-wait call is still open then", func(w *world) {
			h, a := w.hold(), w.canister()
			p := w.submit(owner, a, a, "run", relay(h.call(call{})))
			w.tick()
			w.later(60e9)
			p.open()
			h.release()
			p.ends().replies("released")
		}},
		row{"Inter-canister method calls", "timeouts are bounded from above by 300 seconds", func(w *world) {
			a, b := w.canister(), w.canister()
			got := w.update(a, relay(call{To: b, Arg: do.Put(of("msg_deadline")).Put(of("time")).Send(), Timeout: 0xffff_ffff})).numbers()
			if d := got[0] - got[1]; d > 300e9 || d < 200e9 {
				w.Errorf("the deadline is %d ns away", d)
			}
		}},
		row{"Method arguments", "the callee sees the deadline", func(w *world) {
			a, b := w.canister(), w.canister()
			got := w.update(a, relay(call{To: b, Arg: do.Put(of("msg_deadline")).Put(of("time")).Send(), Timeout: 50})).numbers()
			if d := got[0] - got[1]; d > 50e9 || d < 20e9 {
				w.Errorf("the deadline is %d ns away", d)
			}
		}},
		row{"Method arguments", "the callee's callbacks see the same deadline", func(w *world) {
			a, b := w.canister(), w.canister()
			inner := do.Set(1, of("msg_deadline")).Call(call{To: b, Method: "read", Arg: reply, OnReply: do.Put(cell(1)).Put(of("msg_deadline")).Send()})
			got := w.update(a, relay(call{To: b, Arg: inner, Timeout: 50})).numbers()
			if got[0] == 0 || got[0] != got[1] {
				w.Errorf("deadlines %d", got)
			}
		}},
		row{"Method arguments", "without a deadline it is 0", func(w *world) {
			a := w.canister()
			p := do.Put(of("msg_deadline")).Send()
			w.update(a, p).gives(0)
			w.ask(a, p).gives(0)
			w.update(a, relay(call{To: w.canister(), Arg: p})).gives(0)
		}},
		row{"Method arguments", "a query called with a timeout sees deadline 0", func(w *world) {
			w.update(w.canister(), relay(call{To: w.canister(), Method: "read", Arg: do.Put(of("msg_deadline")).Send(), Timeout: 20})).gives(0)
		}},
		row{"Call expiry", "cycles of a bounded-wait call that timed out are not refunded", func(w *world) {
			h, a := w.hold(), w.canister()
			c := h.call(call{Timeout: 20, Cycles: trillion})
			c.OnReply, c.OnReject = do.Put(99).Send(), do.Give(wide("msg_cycles_refunded128")).Send()
			p := w.submit(owner, a, a, "run", do.Call(c))
			w.tick()
			w.later(30e9)
			if got := p.ends().amounts(); got[0] != 0 {
				w.Errorf("%d cycles came back", got)
			}
			h.release()
		}},
		row{"Inter-canister method calls", "a bounded-wait call of a canister that is not there is rejected", func(w *world) {
			rejectedWith(w.update(w.canister(), relay(call{To: principal.Canister(1 << 20), Arg: reply, Timeout: 5})), destination)
		}},
	)
}
