package spectest_test

import (
	"time"

	"assay/ic/candid/text"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

func init() {
	describe("lifecycle", "management canister",
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
	describe("cycles", "canister interface",
		row{"Cycles", "refunds of nested self-calls are each their own", func(w *world) {
			c := w.canister()
			inner := do.Call(call{To: c, Cycles: 5, Arg: reply, OnReply: do.Put(of("msg_cycles_refunded")).Send()})
			w.update(c, do.Call(call{To: c, Cycles: 10, Arg: inner, OnReply: do.Give(blob("msg_arg_data")).Put(of("msg_cycles_refunded")).Send()})).gives(5, 10)
		}},
	)
	describe("state tree", "HTTPS interface",
		row{"Request: Read state", "flat ranges of the subnet can be had from v2", func(w *world) {
			s := w.subnet()
			r := w.post(canisterPath("v2", w.friend(), "read_state"), envelope(w.readContent(owner, to("subnet", s, "canister_ranges")), owner))
			r.certificate(w.friend()).value("subnet", s, "canister_ranges")
		}},
		row{"Request: Read state", "a prefix reveals all that is below it", func(w *world) {
			c := w.canister()
			p := w.submit(owner, c, c, "run", do.Reply([]byte("x")))
			p.ends().replied()
			proof := w.read(owner, c, to("request_status", p.id[:]))
			proof.value("request_status", p.id[:], "status")
			proof.value("request_status", p.id[:], "reply")
		}},
		row{"Lookup", "certificates do not show what was not asked for", func(w *world) {
			c := w.canister()
			p := w.read(owner, c, to("canister", c, "module_hash"))
			if _, result := p.Tree.Lookup(to("canister", c, "controllers")...); result == hashtree.Found {
				w.Error("controllers are shown")
			}
		}},
	)
}
