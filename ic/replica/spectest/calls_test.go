package spectest_test

import (
	"strings"

	"assay/ic/principal"
	"assay/ic/replica/replicatest"
)

func init() {
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
}

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
