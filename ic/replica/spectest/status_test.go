package spectest_test

import (
	"assay/ic/candid/text"
	"assay/ic/principal"
)

func init() {
	describe("status", "management canister",
		row{"IC method canister_status", "controllers see status, settings, no module of an empty canister", func(w *world) {
			c := w.create()
			s := w.statusOf(c)
			s.at("status").is(tag("running"))
			s.at("module_hash").is(text.Null{})
			s.at("settings.controllers").is([]principal.Principal{owner.Sender()})
			s.at("settings.freezing_threshold").is(2592000)
			s.at("settings.compute_allocation").is(0)
			s.at("settings.memory_allocation").is(0)
			s.at("settings.wasm_memory_threshold").is(0)
			s.at("settings.minimum_incoming_canister_call_cycles").is(0)
			s.at("settings.reserved_cycles_limit").is(5 * trillion)
			for _, name := range []string{"log_visibility", "snapshot_visibility", "status_visibility"} {
				s.at("settings." + name).is(tag("controllers"))
			}
			s.at("ready_for_migration").is(false)
		}},
		row{"IC method canister_status", "others do not", func(w *world) {
			c := w.canister()
			w.manage(stranger, "canister_status", c).fails(destination, failed)
			w.manage(nobody, "canister_status", c).fails(destination, failed)
			rejectedWith(w.viaCanister(w.canister(), "canister_status", "canister_id", c), destination, failed)
		}},
		row{"IC method canister_status", "a canister sees its own status without controlling itself", func(w *world) {
			c := w.canister()
			w.viaCanister(c, "canister_status", "canister_id", c).result("canister_status").at("status").is(tag("running"))
		}},
		row{"IC method canister_status", "status_visibility public lets anybody see it", func(w *world) {
			c := w.create("status_visibility", tag("public"))
			w.manage(stranger, "canister_status", c).result("canister_status").at("status").is(tag("running"))
			w.viaCanister(w.canister(), "canister_status", "canister_id", c).result("canister_status").at("status").is(tag("running"))
		}},
		row{"IC method canister_status", "status_visibility allowed_viewers lets those see it", func(w *world) {
			c := w.create("status_visibility", tag("allowed_viewers", []principal.Principal{stranger.Sender()}))
			w.manage(stranger, "canister_status", c).replied()
			w.manage(owner, "canister_status", c).replied()
			w.manage(nobody, "canister_status", c).fails(destination, failed)
		}},
		row{"IC method canister_status", "it can be asked by a query", func(w *world) {
			c := w.canister()
			arg := argument("canister_status", "canister_id", c)
			w.query(owner, c, principal.Management, "canister_status", arg).result("canister_status").at("status").is(tag("running"))
			w.query(stranger, c, principal.Management, "canister_status", arg).fails(destination, rejected, failed)
		}},
		row{"IC method canister_status", "a composite query can ask it of a canister that may", func(w *world) {
			c := w.canister()
			o := w.composite(c, relay(call{To: principal.Management, Method: "canister_status", Arg: argument("canister_status", "canister_id", c)}))
			o.result("canister_status").at("status").is(tag("running"))
		}},
		row{"IC method canister_status", "a composite query may not ask it of others", func(w *world) {
			rejectedWith(w.composite(w.canister(), relay(call{To: principal.Management, Method: "canister_status", Arg: argument("canister_status", "canister_id", w.friend())})), destination, rejected, failed)
		}},
		row{"IC method canister_status", "memory is told by its parts", func(w *world) {
			c := w.canister(do.StableGrow(3).HeapGrow(2))
			s := w.statusOf(c).at("memory_metrics")
			s.at("wasm_memory_size").is(6 << 16)
			s.at("stable_memory_size").is(3 << 16)
			s.at("wasm_binary_size").is(len(plain()))
			s.at("wasm_chunk_store_size").is(0)
			s.at("snapshots_size").is(0)
			total := uint64(0)
			for _, name := range []string{"wasm_memory_size", "stable_memory_size", "global_memory_size", "wasm_binary_size", "custom_sections_size", "canister_history_size", "wasm_chunk_store_size", "snapshots_size"} {
				total += s.at(name).number()
			}
			if got := w.statusOf(c).at("memory_size").number(); got != total {
				w.Errorf("memory_size %d, the parts sum up to %d", got, total)
			}
		}},
		row{"IC method canister_status", "idle_cycles_burned_per_day grows with the memory", func(w *world) {
			c := w.canister()
			first := w.statusOf(c).at("idle_cycles_burned_per_day").number()
			w.update(c, do.StableGrow(1000).Send()).replied()
			if second := w.statusOf(c).at("idle_cycles_burned_per_day").number(); second <= first {
				w.Errorf("%d, and with more memory %d", first, second)
			}
		}},
		row{"IC method canister_status", "the module hash is there with a module", func(w *world) {
			c := w.canister()
			if got := w.statusOf(c).at("module_hash").bytes(); string(got) != string(w.hash(c)) {
				w.Errorf("module hash %x", got)
			}
		}},
		row{"IC method canister_metrics", "others do not get them", func(w *world) {
			c := w.canister()
			w.manage(stranger, "canister_metrics", c).fails(destination, rejected, failed)
		}},
		row{"IC method canister_metrics", "a query gets them too", func(w *world) {
			c := w.canister()
			w.query(owner, c, principal.Management, "canister_metrics", argument("canister_metrics", "canister_id", c)).result("canister_metrics").at("cycles_consumed.instructions")
		}},
		row{"IC method canister_metrics", "controllers get counters of what was consumed", func(w *world) {
			c := w.canister()
			m := w.manage(owner, "canister_metrics", c).result("canister_metrics").at("cycles_consumed")
			if m.at("instructions").number() == 0 {
				w.Error("no instructions were consumed")
			}
			first := m.at("burned_cycles").number()
			w.update(c, do.Do("cycles_burn128", 0, 1000, free).Send()).replied()
			w.manage(owner, "canister_metrics", c).result("canister_metrics").at("cycles_consumed.burned_cycles").is(first + 1000)
		}},
		row{"IC method canister_status", "queries are counted", func(w *world) {
			c := w.canister()
			for range 3 {
				w.ask(c, do.Reply([]byte("four"))).replies("four")
			}
			w.tick()
			s := w.statusOf(c).at("query_stats")
			if n, out := s.at("num_calls_total").number(), s.at("response_payload_bytes_total").number(); n != 3 || out != 12 {
				w.Errorf("%d calls, %d bytes of responses", n, out)
			}
		}},
	)
}
