package spectest_test

import (
	"assay/ic/principal"
)

func init() {
	describe("composite queries", "canister interface",
		row{"Request: Query call", "a composite query calls queries of others and itself", func(w *world) {
			c := w.canister()
			w.composite(c, relay(call{To: w.friend(), Method: "read", Arg: do.Reply([]byte("other"))})).replies("other")
			w.composite(c, relay(call{To: c, Method: "read", Arg: do.Reply([]byte("own"))})).replies("own")
		}},
		row{"Request: Query call", "a composite query calls composite queries", func(w *world) {
			a, b := w.canister(), w.canister()
			inner := relay(call{To: w.friend(), Method: "read", Arg: do.Reply([]byte("deep"))})
			w.composite(a, relay(call{To: b, Method: "ask", Arg: inner})).replies("deep")
		}},
		row{"Request: Query call", "a composite query cannot call updates", func(w *world) {
			rejectedWith(w.composite(w.canister(), relay(call{To: w.friend(), Method: "run", Arg: reply})), destination, failed)
		}},
		row{"Query call", "a called canister's reject reaches the callback", func(w *world) {
			w.composite(w.canister(), relay(call{To: w.friend(), Method: "read", Arg: do.Reject("no")})).replies(le(rejected) + "no")
		}},
		row{"Query call", "a trap of a callee is CANISTER_ERROR", func(w *world) {
			rejectedWith(w.composite(w.canister(), relay(call{To: w.friend(), Method: "read", Arg: do.Trap("x")})), failed)
		}},
		row{"Query call", "a callee that is not there is rejected", func(w *world) {
			rejectedWith(w.composite(w.canister(), relay(call{To: principal.Canister(1 << 20), Method: "read", Arg: reply})), destination, failed)
		}},
		row{"Query call", "the caller of a callee is the calling canister", func(w *world) {
			c := w.canister()
			w.composite(c, relay(call{To: w.friend(), Method: "read", Arg: do.Give(blob("msg_caller")).Send()})).replies(string(c.Bytes()))
		}},
		row{"Query call", "changes before a call are there in the callback, and gone afterwards", func(w *world) {
			c := w.canister()
			w.composite(c, do.Set(1, 5).Call(call{To: w.friend(), Method: "read", Arg: reply, OnReply: do.Put(cell(1)).Send()})).gives(5)
			if w.cell(c, 1) != 0 {
				w.Error("the changes stayed")
			}
		}},
		row{"Query call", "calls of one query are all made, one after the other", func(w *world) {
			c := w.canister()
			one := call{To: w.friend(), Method: "read", Arg: reply, OnReply: do.Add(1, 1).If(equal(cell(1), 3), do.Put(cell(1)).Send(), nil)}
			w.composite(c, do.Call(one).Call(one).Call(one)).gives(3)
		}},
		row{"Query call", "an answer given beside calls ends the query", func(w *world) {
			w.composite(w.canister(), do.Call(call{To: w.friend(), Method: "read", Arg: reply, OnReply: do.Trap("never")}).Reply([]byte("now"))).replies("now")
		}},
		row{"Query call", "a callback can call again", func(w *world) {
			inner := relay(call{To: w.friend(), Method: "read", Arg: do.Reply([]byte("twice"))})
			w.composite(w.canister(), do.Call(call{To: w.friend(), Method: "read", Arg: reply, OnReply: inner})).replies("twice")
		}},
		row{"Query call", "a callback that traps rejects the query", func(w *world) {
			w.composite(w.canister(), do.Call(call{To: w.friend(), Method: "read", Arg: reply, OnReply: do.Trap("x")})).rejects(failed)
		}},
		row{"Query call", "a query that never answers is rejected", func(w *world) {
			w.composite(w.canister(), do.Call(call{To: w.friend(), Method: "read", Arg: reply, OnReply: do})).rejects(failed)
		}},
		row{"Query call", "calls that nest too deep are rejected", func(w *world) {
			p := do.Reply([]byte("bottom"))
			for range 12 {
				p = relay(call{To: w.canister(), Method: "ask", Arg: p})
			}
			o := w.composite(w.canister(), p)
			if o.kind == "replied" && string(o.data) == "bottom" {
				w.Error("twelve nested calls went through")
			}
		}},
		row{"Query call", "four nested calls are not too deep", func(w *world) {
			p := do.Reply([]byte("bottom"))
			for range 4 {
				p = relay(call{To: w.canister(), Method: "ask", Arg: p})
			}
			w.composite(w.canister(), p).replies("bottom")
		}},
		row{"Overview of imports", "cycles cannot be attached in a composite query", func(w *world) {
			w.composite(w.canister(), do.Do("call_new", w.friend(), "read", 1, do, 1, do).Do("call_cycles_add", 1).Send()).rejects(failed)
		}},
		row{"Query call", "a composite query of a management method that is no query is rejected", func(w *world) {
			rejectedWith(w.composite(w.canister(), relay(call{To: principal.Management, Method: "raw_rand", Arg: argument("raw_rand")})), destination, rejected, failed)
		}},
		row{"Calls to stopped/stopping canisters are rejected", "a stopped callee is rejected", func(w *world) {
			b := w.canister()
			w.manage(owner, "stop_canister", b).replied()
			rejectedWith(w.composite(w.canister(), relay(call{To: b, Method: "read", Arg: reply})), failed)
		}},
	)
}
