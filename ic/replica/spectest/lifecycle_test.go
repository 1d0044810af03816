package spectest_test

import (
	"time"

	"assay/ic/candid/text"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
)

// viaCanister makes a management call from a canister.
func (w *world) viaCanister(a principal.Principal, method string, pairs ...any) outcome {
	w.Helper()
	return w.update(a, relay(call{To: principal.Management, Method: method, Arg: argument(method, pairs...)}))
}

func (w *world) state(c principal.Principal, want string) {
	w.Helper()
	w.statusOf(c).at("status").is(tag(want))
}

// openCall gives a canister a call that stays open until the hold lets go.
func (w *world) openCall(c principal.Principal) (hold, pending) {
	w.Helper()
	h := w.hold()
	p := w.submit(owner, c, c, "run", relay(h.call(call{})))
	w.tick()
	return h, p.open()
}

func init() {
	describe("lifecycle", "management canister",
		row{"IC method stop_canister", "an idle canister stops at once", func(w *world) {
			c := w.canister()
			w.manage(owner, "stop_canister", c).replies("DIDL\x00\x00")
			w.state(c, "stopped")
		}},
		row{"IC method stop_canister", "stopping again changes nothing", func(w *world) {
			c := w.canister()
			w.manage(owner, "stop_canister", c).replied()
			w.manage(owner, "stop_canister", c).replied()
			w.state(c, "stopped")
		}},
		row{"IC method stop_canister", "an empty canister can be stopped and started", func(w *world) {
			c := w.create()
			w.manage(owner, "stop_canister", c).replied()
			w.state(c, "stopped")
			w.manage(owner, "start_canister", c).replied()
			w.state(c, "running")
		}},
		row{"Calls to stopped/stopping canisters are rejected", "a stopped canister takes no updates and no queries", func(w *world) {
			c := w.canister()
			w.manage(owner, "stop_canister", c).replied()
			w.update(c, reply).fails(failed)
			w.ask(c, reply).fails(failed)
			w.composite(c, reply).fails(failed)
		}},
		row{"Calls to stopped/stopping canisters are rejected", "a call of a stopped canister is rejected, its cycles refunded", func(w *world) {
			c := w.canister()
			w.manage(owner, "stop_canister", c).replied()
			w.update(w.canister(), do.Call(call{To: c, Cycles: 500, Arg: reply, OnReject: do.Put(of("msg_reject_code")).Give(wide(refunded)).Send()})).gives(failed, 500, 0)
		}},
		row{"IC method start_canister", "a stopped canister runs again", func(w *world) {
			c := w.canister(do.Set(1, 7))
			w.manage(owner, "stop_canister", c).replied()
			w.manage(owner, "start_canister", c).replies("DIDL\x00\x00")
			w.state(c, "running")
			w.update(c, do.Put(cell(1)).Send()).gives(7)
		}},
		row{"IC method start_canister", "starting a running canister changes nothing", func(w *world) {
			c := w.canister()
			w.manage(owner, "start_canister", c).replied()
			w.state(c, "running")
		}},
		row{"IC method stop_canister", "with a call open it is stopping until the call is answered", func(w *world) {
			c := w.canister()
			h, p := w.openCall(c)
			stop := w.begin(owner, "stop_canister", c)
			w.tick()
			stop.open()
			w.state(c, "stopping")
			h.release()
			stop.ends().replies("DIDL\x00\x00")
			p.ends().replies("released")
			w.state(c, "stopped")
		}},
		row{"IC method stop_canister", "a second stop waits too, and both are answered", func(w *world) {
			c := w.canister()
			h, p := w.openCall(c)
			one, two := w.begin(owner, "stop_canister", c), w.begin(owner, "stop_canister", c)
			w.tick()
			one.open()
			two.open()
			h.release()
			one.ends().replied()
			two.ends().replied()
			p.ends().replied()
		}},
		row{"Calls to stopped/stopping canisters are rejected", "a stopping canister takes no updates and no queries", func(w *world) {
			c := w.canister()
			h, _ := w.openCall(c)
			stop := w.begin(owner, "stop_canister", c)
			w.tick()
			w.update(c, reply).fails(failed)
			w.ask(c, reply).fails(failed)
			rejectedWith(w.update(w.canister(), relay(call{To: c, Arg: reply})), failed)
			h.release()
			stop.ends().replied()
		}},
		row{"Canister status", "a callback in a stopping canister reads status 2", func(w *world) {
			c := w.canister()
			h := w.hold()
			one := h.call(call{})
			one.OnReply = do.Put(of("canister_status")).Send()
			p := w.submit(owner, c, c, "run", do.Call(one))
			w.tick()
			stop := w.begin(owner, "stop_canister", c)
			w.tick()
			h.release()
			p.ends().gives(2)
			stop.ends().replied()
		}},
		row{"IC method stop_canister", "a callback in a stopping canister can call again, and the stop waits for it", func(w *world) {
			c, b := w.canister(), w.canister()
			h := w.hold()
			one := h.call(call{})
			one.OnReply = relay(call{To: b, Arg: do.Reply([]byte("later"))})
			p := w.submit(owner, c, c, "run", do.Call(one))
			w.tick()
			stop := w.begin(owner, "stop_canister", c)
			w.tick()
			h.release()
			p.ends().replies("later")
			stop.ends().replied()
			w.state(c, "stopped")
		}},
		row{"IC method start_canister", "starting a stopping canister rejects the stop", func(w *world) {
			c := w.canister()
			h, p := w.openCall(c)
			stop := w.begin(owner, "stop_canister", c)
			w.tick()
			w.manage(owner, "start_canister", c).replied()
			stop.ends().rejects(failed)
			w.state(c, "running")
			w.update(c, do.Reply([]byte("runs"))).replies("runs")
			h.release()
			p.ends().replied()
		}},
		row{"IC method stop_canister", "after its timeout the stop is rejected and the canister is still stopping", func(w *world) {
			c := w.canister()
			h, p := w.openCall(c)
			stop := w.begin(owner, "stop_canister", c)
			w.tick()
			w.later(330e9)
			stop.ends().rejects(transient)
			w.state(c, "stopping")
			h.release()
			p.ends().replied()
			w.until("the stop", func() bool {
				v, ok := w.statusOf(c).at("status").v.(text.Variant)
				return ok && v.ID == fieldID("stopped")
			})
		}},
		row{"IC method stop_canister", "only controllers stop, start, delete", func(w *world) {
			c := w.canister()
			for _, method := range []string{"stop_canister", "start_canister", "delete_canister"} {
				w.manage(stranger, method, c).fails(destination, failed)
				rejectedWith(w.viaCanister(w.canister(), method, "canister_id", c), destination, failed)
			}
			w.state(c, "running")
		}},
		row{"IC method stop_canister", "a canister stops and starts one that it controls", func(w *world) {
			a := w.canister()
			b := w.create("controllers", []principal.Principal{a, owner.Sender()})
			w.viaCanister(a, "stop_canister", "canister_id", b).replies("DIDL\x00\x00")
			w.state(b, "stopped")
			w.viaCanister(a, "start_canister", "canister_id", b).replies("DIDL\x00\x00")
			w.state(b, "running")
		}},
		row{"IC method delete_canister", "a running canister cannot be deleted", func(w *world) {
			c := w.canister()
			w.manage(owner, "delete_canister", c).fails(failed)
			w.state(c, "running")
		}},
		row{"IC method delete_canister", "a stopping canister cannot be deleted", func(w *world) {
			c := w.canister()
			h, _ := w.openCall(c)
			stop := w.begin(owner, "stop_canister", c)
			w.tick()
			w.manage(owner, "delete_canister", c).fails(failed)
			h.release()
			stop.ends().replied()
			w.manage(owner, "delete_canister", c).replied()
		}},
		row{"IC method delete_canister", "a deleted canister is gone", func(w *world) {
			c := w.canister()
			w.manage(owner, "stop_canister", c).replied()
			w.manage(owner, "delete_canister", c).replies("DIDL\x00\x00")
			w.ask(c, reply).fails(destination)
			rejectedWith(w.update(w.canister(), relay(call{To: c, Arg: reply})), destination)
			w.update(c, reply).fails(destination)
			w.manage(owner, "canister_status", c).fails(destination, failed)
			w.manage(owner, "delete_canister", c).fails(destination, failed)
		}},
		row{"IC method delete_canister", "its state is not in the state tree", func(w *world) {
			c := w.canister()
			w.manage(owner, "stop_canister", c).replied()
			w.manage(owner, "delete_canister", c).replied()
			p := w.read(owner, c, to("canister", c, "module_hash"), to("canister", c, "controllers"))
			p.absent("canister", c, "module_hash")
			p.absent("canister", c, "controllers")
		}},
		row{"IC method delete_canister", "its id is not given out again", func(w *world) {
			c := w.canister()
			w.manage(owner, "stop_canister", c).replied()
			w.manage(owner, "delete_canister", c).replied()
			w.manage(owner, "provisional_create_canister_with_cycles", anyID, "specified_id", c).fails(transient, destination, rejected, failed)
			if w.create() == c {
				w.Error("the id was given out again")
			}
		}},
		row{"IC method delete_canister", "a canister cannot delete itself", func(w *world) {
			c := w.canister()
			w.set(c, "controllers", []principal.Principal{c, owner.Sender()}).replied()
			rejectedWith(w.viaCanister(c, "delete_canister", "canister_id", c), failed)
			w.state(c, "running")
		}},
		row{"Callback invocation", "an answer for a deleted canister goes nowhere", func(w *world) {
			a, b := w.canister(), w.canister()
			p := w.submit(owner, a, a, "run", do.Call(call{To: b, Arg: reply, OnReply: do.Set(1, 1)}).Reply(nil))
			p.ends().replied()
			w.manage(owner, "stop_canister", a).replied()
			w.manage(owner, "delete_canister", a).replied()
			w.update(b, do.Reply([]byte("fine"))).replies("fine")
		}},
		row{"IC method create_canister", "a call to a frozen canister is rejected with SYS_TRANSIENT, as are queries", func(w *world) {
			c := w.rich(trillion)
			w.update(c, do.StableGrow(100).Send()).replied()
			w.set(c, "freezing_threshold", uint64(1)<<62).replied()
			w.update(c, reply).fails(transient)
			w.ask(c, reply).fails(transient)
			w.update(w.canister(), do.Call(call{To: c, Cycles: 10, Arg: reply, OnReject: do.Put(of("msg_reject_code")).Give(wide(refunded)).Send()})).gives(transient, 10, 0)
		}},
		row{"IC method create_canister", "a frozen canister thaws when it is topped up", func(w *world) {
			c := w.rich(trillion)
			w.set(c, "freezing_threshold", 31_536_000*1000).replied()
			w.update(c, reply).fails(transient)
			w.manage(owner, "provisional_top_up_canister", c, "amount", 10_000*trillion).replied()
			w.update(c, do.Reply([]byte("thawed"))).replies("thawed")
		}},
		row{"IC method create_canister", "a call whose cost would freeze the canister is not performed", func(w *world) {
			c := w.rich(2 * trillion)
			b := w.friend()
			p := do.Do("call_new", b, "read", replicatest.RunSlot, do, replicatest.RunSlot, do).
				Do("call_cycles_add128", 0, replicatest.Difference(of("canister_cycle_balance"), trillion/10)).Put(of("call_perform")).Send()
			w.update(c, p).gives(0)
			q := do.Do("cycles_burn128", 0, replicatest.Difference(of("canister_cycle_balance"), 100_000_000), free).
				Do("call_new", b, "read", replicatest.RunSlot, do, replicatest.RunSlot, do).Put(of("call_perform")).Send()
			w.update(c, q).gives(2)
		}},
		row{"IC method uninstall_code", "a callback of before is not taken for one of after", func(w *world) {
			one, two := w.hold(), w.hold()
			a := w.canister()
			first := w.submit(owner, a, a, "run", relay(one.call(call{})))
			w.tick()
			w.manage(owner, "uninstall_code", a).replied()
			first.ends().rejects(rejected)
			w.install("install", a, plain(), nil).replied()
			c := two.call(call{})
			c.OnReply = do.Reply([]byte("second"))
			second := w.submit(owner, a, a, "run", do.Call(c))
			w.tick()
			one.release()
			w.tick()
			w.status(first).rejects(rejected)
			second.open()
			two.release()
			second.ends().replies("second")
		}},
		row{"IC method delete_canister", "cycles that come with the call are refunded", func(w *world) {
			a := w.canister()
			for _, method := range []string{"start_canister", "stop_canister", "canister_status", "uninstall_code", "update_settings", "canister_info", "delete_canister"} {
				pairs := []any{"canister_id", w.create("controllers", []principal.Principal{a})}
				c := pairs[1].(principal.Principal)
				if method == "update_settings" {
					pairs = append(pairs, "settings", fields("freezing_threshold", 1))
				}
				if method == "delete_canister" {
					w.viaCanister(a, "stop_canister", "canister_id", c).replies("DIDL\x00\x00")
				}
				w.update(a, do.Call(call{To: principal.Management, Method: method, Cycles: 1000, Arg: argument(method, pairs...), OnReply: do.Give(wide(refunded)).Send()})).gives(1000, 0)
			}
		}},
		row{"IC method install_code", "a canister that controls itself can upgrade itself", func(w *world) {
			c := w.canister()
			w.set(c, "controllers", []principal.Principal{c, owner.Sender()}).replied()
			// The callback's program is gone with the old heap, so nobody answers.
			w.viaCanister(c, "install_code", "canister_id", c, "mode", tag("upgrade"), "wasm_module", other, "arg", do.Set(1, 7)).rejects(failed)
			w.hasModule(c, other)
			if got := w.cell(c, 1); got != 7 {
				w.Errorf("the cell holds %d", got)
			}
		}},
		row{"Call expiry", "a bounded-wait call of stop_canister ends at its deadline", func(w *world) {
			a, c := w.canister(), w.canister()
			w.set(c, "controllers", []principal.Principal{a, owner.Sender()}).replied()
			h, p := w.openCall(c)
			stop := w.submit(owner, a, a, "run", relay(call{To: principal.Management, Method: "stop_canister", Arg: argument("stop_canister", "canister_id", c), Timeout: 20}))
			w.tick()
			stop.open()
			w.later(30e9)
			rejectedWith(stop.ends(), unknown)
			w.state(c, "stopping")
			h.release()
			p.ends().replied()
		}},
		row{"Inter-canister method calls", "management methods can be called with a deadline", func(w *world) {
			o := w.update(w.canister(), relay(call{To: principal.Management, Method: "raw_rand", Arg: argument("raw_rand"), Timeout: 30}))
			if got := o.result("raw_rand").bytes(); len(got) != 32 {
				w.Errorf("%d bytes", len(got))
			}
		}},
		row{"Canister out of cycles", "a canister that cannot pay any more loses its code and its state, and keeps its controllers", func(w *world) {
			c := w.rich(trillion)
			w.manage(owner, "upload_chunk", c, "chunk", []byte("chunk")).replied()
			w.set(c, "freezing_threshold", 0).replied()
			w.update(c, do.StableGrow(2000).Send()).replied()
			version := w.statusOf(c).at("version").number()
			for range 20 {
				w.later(2000 * 24 * time.Hour)
			}
			w.read(owner, c, to("canister", c, "module_hash")).absent("canister", c, "module_hash")
			w.manage(owner, "provisional_top_up_canister", c, "amount", 10*trillion).replied()
			s := w.statusOf(c)
			s.at("module_hash").is(text.Null{})
			s.at("settings.controllers").is([]principal.Principal{owner.Sender()})
			s.at("memory_metrics.stable_memory_size").is(0)
			s.at("memory_metrics.wasm_chunk_store_size").is(0)
			if got := s.at("version").number(); got <= version {
				w.Errorf("version %d, it was %d", got, version)
			}
		}},
		row{"IC method create_canister", "a memory allocation that no subnet has is rejected", func(w *world) {
			for _, way := range []string{"provisional_create_canister_with_cycles", "create_canister", "update_settings"} {
				ways[way](w, "memory_allocation", plus(power(48), 1)).fails(rejected, failed)
			}
		}},
	)
}
