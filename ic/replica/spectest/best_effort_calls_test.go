package spectest_test

import (
	"assay/ic/principal"
)

func init() {
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
