package spectest_test

import (
	"assay/ic/principal"
)

// fired is a cell that counts how often a task ran.
const fired = 3

var count = do.Add(fired, 1)

func (w *world) hasFired(c principal.Principal, times uint64) {
	w.Helper()
	if got := w.cell(c, fired); got != times {
		w.Errorf("%s: it ran %d times, want %d", w.section, got, times)
	}
}

// in is the time after so many seconds.
func in(seconds uint64) any { return sum(of("time"), seconds*1e9) }

func setTimer(at any) program { return do.Drop(of("global_timer_set", at)) }

func init() {
	describe("timers", "canister interface",
		row{"Global timer", "setting it gives the value before", func(w *world) {
			w.update(w.canister(), do.Put(of("global_timer_set", 1<<62)).Put(of("global_timer_set", 1<<61)).Put(of("global_timer_set", 0)).Put(of("global_timer_set", 0)).Send()).
				gives(0, 1<<62, 1<<61, 0)
		}},
		row{"Global timer", "it fires when its time has come, not before, and once", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(100)).Send()).replied()
			w.later(50e9)
			w.hasFired(c, 0)
			w.later(60e9)
			w.tick()
			w.hasFired(c, 1)
			w.later(200e9)
			w.hasFired(c, 1)
		}},
		row{"Global timer", "a time in the past fires at once", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(1).Send()).replied()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "the current time fires at once", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(of("time")).Send()).replied()
			w.later(1e9)
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "0 deactivates it", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(10)).Send()).replied()
			w.update(c, setTimer(0).Send()).replied()
			w.later(20e9)
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "it is off once it fired", func(w *world) {
			c := w.canister(do.OnTimer(count.Set(1, sum(of("global_timer_set", 0), 1))).Timer(1))
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
			if got := w.cell(c, 1); got != 1 {
				w.Errorf("the timer was %d when it fired", got-1)
			}
		}},
		row{"Global timer", "it can be set again by the timer itself", func(w *world) {
			c := w.canister(do.OnTimer(count.If(less(cell(fired), 3), setTimer(in(10)), nil)).Timer(1))
			for range 5 {
				w.later(20e9)
				w.tick()
			}
			w.hasFired(c, 3)
		}},
		row{"Global timer", "it is off after a trap of the timer", func(w *world) {
			c := w.canister(do.OnTimer(count.Unreachable()).Timer(1))
			w.tick()
			w.tick()
			w.hasFired(c, 0)
			w.update(c, do.Put(of("global_timer_set", 0)).Send()).gives(0)
		}},
		row{"Global timer", "setting it in a message that traps does nothing", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(1).Unreachable()).rejects(failed)
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "init sets it", func(w *world) {
			c := w.canister(do.OnTimer(count).Timer(1))
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "post_upgrade sets it", func(w *world) {
			c := w.canister()
			w.install("upgrade", c, plain(), do.OnTimer(count).Timer(1)).replied()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "an upgrade deactivates it", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(50)).Send()).replied()
			w.install("upgrade", c, plain(), do.OnTimer(count)).replied()
			w.update(c, do.Put(of("global_timer_set", 0)).Send()).gives(0)
			w.later(100e9)
			w.hasFired(c, 0)
		}},
		row{"Global timer", "what pre_upgrade sets is deactivated, too", func(w *world) {
			c := w.canister(do.OnUpgrade(setTimer(1)))
			w.install("upgrade", c, plain(), do.OnTimer(count)).replied()
			w.tick()
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "a reinstall deactivates it", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(50)).Send()).replied()
			w.install("reinstall", c, plain(), do.OnTimer(count)).replied()
			w.later(100e9)
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "uninstalling deactivates it", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(50)).Send()).replied()
			w.manage(owner, "uninstall_code", c).replied()
			w.install("install", c, plain(), do.OnTimer(count)).replied()
			w.later(100e9)
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "a failed upgrade leaves it", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(50)).Send()).replied()
			w.install("upgrade", c, plain(), do.Trap("no")).rejects(failed)
			w.later(100e9)
			w.tick()
			w.hasFired(c, 1)
		}},
		row{"Call context creation", "a stopped canister's timer waits until it runs", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(50)).Send()).replied()
			w.manage(owner, "stop_canister", c).replied()
			w.later(100e9)
			w.tick()
			w.manage(owner, "start_canister", c).replied()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "post_upgrade of a stopped canister sets it for later", func(w *world) {
			c := w.canister()
			w.manage(owner, "stop_canister", c).replied()
			w.install("upgrade", c, plain(), do.OnTimer(count).Timer(1)).replied()
			w.tick()
			w.manage(owner, "start_canister", c).replied()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "the timer can call others", func(w *world) {
			b := w.canister()
			c := w.canister(do.OnTimer(do.Call(call{To: b, Arg: do.Add(1, 1).Reply([]byte("x")), OnReply: count})).Timer(1))
			w.until("the callback", func() bool { return w.cell(c, fired) == 1 })
			if got := w.cell(b, 1); got != 1 {
				w.Errorf("called %d times", got)
			}
		}},
		row{"Global timer", "the timer cannot answer", func(w *world) {
			c := w.canister(do.OnTimer(count.Reply(nil)).Timer(1))
			w.tick()
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "a timer's callback cannot answer", func(w *world) {
			c := w.canister(do.OnTimer(do.Call(call{To: w.friend(), Method: "read", Arg: reply, OnReply: count.Reply(nil), OnCleanup: do.Set(1, 1)})).Timer(1))
			w.until("the cleanup", func() bool { return w.cell(c, 1) == 1 })
			w.hasFired(c, 0)
		}},
		row{"Call context creation", "a frozen canister's timer waits", func(w *world) {
			c := w.rich(trillion)
			w.update(c, do.OnTimer(count).Drop(of("global_timer_set", in(50))).Send()).replied()
			w.set(c, "freezing_threshold", 31_536_000*1000).replied()
			w.later(100e9)
			w.tick()
			w.set(c, "freezing_threshold", 0).replied()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
	)
	describe("heartbeat", "canister interface",
		row{"Heartbeat", "it runs again and again", func(w *world) {
			c := w.canisterWith(options{Heartbeat: true}, do.OnHeartbeat(count))
			for range 4 {
				w.later(2e9)
			}
			if got := w.cell(c, fired); got < 3 {
				w.Errorf("it ran %d times", got)
			}
		}},
		row{"Heartbeat", "its changes stay, those of one that traps do not", func(w *world) {
			c := w.canisterWith(options{Heartbeat: true}, do.OnHeartbeat(count.If(less(1, cell(fired)), do.Unreachable(), nil)))
			for range 4 {
				w.later(2e9)
			}
			w.hasFired(c, 1)
		}},
		row{"Heartbeat", "it can call", func(w *world) {
			b := w.canister()
			c := w.canisterWith(options{Heartbeat: true}, do.OnHeartbeat(do.If(equal(cell(1), 0), do.Set(1, 1).Call(call{To: b, Arg: do.Reply([]byte("x")), OnReply: count}), nil)))
			for range 3 {
				w.later(2e9)
			}
			w.until("the callback", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Heartbeat", "it does not run in a stopped canister", func(w *world) {
			c := w.canisterWith(options{Heartbeat: true}, do.OnHeartbeat(count))
			w.later(2e9)
			w.manage(owner, "stop_canister", c).replied()
			w.later(2e9)
			w.manage(owner, "start_canister", c).replied()
			first := w.cell(c, fired)
			w.manage(owner, "stop_canister", c).replied()
			for range 5 {
				w.later(2e9)
			}
			w.manage(owner, "start_canister", c).replied()
			if got := w.cell(c, fired); got > first+3 {
				w.Errorf("it ran %d times while it was stopped", got-first)
			}
			w.manage(owner, "uninstall_code", c).replied()
		}},
		row{"Heartbeat", "its caller is the management canister", func(w *world) {
			c := w.canisterWith(options{Heartbeat: true}, do.OnHeartbeat(do.Set(1, sum(of("msg_caller_size"), 1))))
			w.later(2e9)
			w.until("the heartbeat", func() bool { return w.cell(c, 1) == 1 })
		}},
	)
	describe("low memory", "canister interface",
		row{"On Low Wasm Memory", "it runs once the rest of the memory is below the threshold", func(w *world) {
			c := w.canisterWith(options{LowMemory: true}, do.OnLowMemory(count))
			w.set(c, "wasm_memory_limit", 20<<16, "wasm_memory_threshold", 10<<16).replied()
			w.update(c, do.HeapGrow(6).Send()).replied() // 10 of 20 pages are left
			w.tick()
			w.hasFired(c, 0)
			w.update(c, do.HeapGrow(1).Send()).replied()
			w.until("the hook", func() bool { return w.cell(c, fired) == 1 })
			w.update(c, do.HeapGrow(1).Send()).replied()
			w.tick()
			w.hasFired(c, 1)
		}},
		row{"On Low Wasm Memory", "without a threshold it never runs", func(w *world) {
			c := w.canisterWith(options{LowMemory: true}, do.OnLowMemory(count))
			w.set(c, "wasm_memory_limit", 10<<16).replied()
			w.update(c, do.HeapGrow(6).Send()).replied()
			w.tick()
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Scheduling on low wasm memory hook", "a threshold that is set when memory is low already runs it", func(w *world) {
			c := w.canisterWith(options{LowMemory: true}, do.OnLowMemory(count).HeapGrow(6))
			w.set(c, "wasm_memory_limit", 20<<16, "wasm_memory_threshold", 15<<16).replied()
			w.until("the hook", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Scheduling on low wasm memory hook", "it runs again after the memory was enough in between", func(w *world) {
			c := w.canisterWith(options{LowMemory: true}, do.OnLowMemory(count))
			w.set(c, "wasm_memory_limit", 20<<16, "wasm_memory_threshold", 15<<16).replied()
			w.update(c, do.HeapGrow(3).Send()).replied()
			w.until("the hook", func() bool { return w.cell(c, fired) == 1 })
			w.set(c, "wasm_memory_limit", 100<<16).replied()
			w.update(c, do.HeapGrow(1).Send()).replied()
			w.set(c, "wasm_memory_limit", 20<<16).replied()
			w.until("the hook", func() bool { return w.cell(c, fired) == 2 })
		}},
		row{"Message execution", "it runs before the next message", func(w *world) {
			c := w.canisterWith(options{LowMemory: true}, do.OnLowMemory(count))
			w.set(c, "wasm_memory_limit", 20<<16, "wasm_memory_threshold", 15<<16).replied()
			w.update(c, do.HeapGrow(3).Send()).replied()
			w.update(c, do.Put(cell(fired)).Send()).gives(1)
		}},
	)
	describe("inspect_message", "canister interface",
		row{"Ingress message inspection", "accepted messages are executed", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.Do("accept_message")))
			w.update(c, do.Reply([]byte("in"))).replies("in")
		}},
		row{"Ingress message inspection", "without accept_message the call is refused", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do))
			w.update(c, do.Set(1, 1).Send()).refuses(rejected)
			if w.cell(c, 1) != 0 {
				w.Error("the call was executed")
			}
		}},
		row{"Ingress message inspection", "a refused call is not known", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do))
			content := w.callContent(owner, "call", c, "run", reply)
			if r := w.post(canisterPath("v2", c, "call"), envelope(content, owner)); r.status == 202 {
				w.Errorf("the answer is %d", r.status)
			}
			id := content.hash()
			w.read(owner, c, to("request_status", id[:])).absent("request_status", id[:], "status")
		}},
		row{"Ingress message inspection", "a trap refuses the call", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.Do("accept_message").Trap("no")))
			w.update(c, reply).fails(failed)
		}},
		row{"Ingress message inspection", "a second accept_message traps", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.Do("accept_message").Do("accept_message")))
			w.update(c, reply).fails(failed)
		}},
		row{"Ingress message inspection", "it sees the method's name", func(w *world) {
			c := w.canisterWith(options{Inspect: true, Exports: []string{"canister_update yes"}}, do.OnInspect(do.If(equal(of("msg_method_name_size"), 3), do.Do("accept_message"), nil)))
			w.call(owner, c, c, "run", do.Reply([]byte("three letters"))).replies("three letters")
			w.call(owner, c, c, "read", reply).refuses(rejected)
		}},
		row{"Ingress message inspection", "it sees the caller", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.If(of("is_controller", blob("msg_caller")), do.Do("accept_message"), nil)))
			w.update(c, do.Reply([]byte("controller"))).replies("controller")
			w.call(stranger, c, c, "run", reply).refuses(rejected)
		}},
		row{"Ingress message inspection", "it sees the argument", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.If(less(of("msg_arg_data_size"), 100), do.Do("accept_message"), nil)))
			w.update(c, do.Reply([]byte("short"))).replies("short")
			w.update(c, do.Reply(make([]byte, 100))).refuses(rejected)
		}},
		row{"Ingress message inspection", "it cannot change anything", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.Add(1, 1).Do("accept_message")))
			w.update(c, reply).replies("")
			if w.cell(c, 1) != 0 {
				w.Error("its changes stayed")
			}
		}},
		row{"Ingress message inspection", "queries, calls of canisters and of the management canister pass it", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do))
			w.ask(c, do.Reply([]byte("query"))).replies("query")
			w.update(w.canister(), relay(call{To: c, Arg: do.Reply([]byte("call"))})).replies("call")
			w.manage(owner, "canister_status", c).replied()
		}},
		row{"Ingress message inspection", "it holds for queries that are called as updates", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do))
			w.call(owner, c, c, "read", reply).refuses(rejected)
		}},
		row{"Resource limits", "it has 200 million instructions", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.While(1, do.Do("msg_arg_data_copy", free, 0, 1<<16)).Do("accept_message")))
			w.update(c, append(do.Send(), make([]byte, 1<<16)...)).fails(failed)
		}},
	)
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
