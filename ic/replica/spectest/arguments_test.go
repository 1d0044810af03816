package spectest_test

import (
	"strings"

	"assay/ic/principal"
)

func init() {
	describe("arguments", "canister interface",
		row{"Method arguments", "the argument arrives whole", func(w *world) {
			c := w.canister()
			p := do.Give(blob("msg_arg_data")).Send()
			w.update(c, p).replies(string(p))
		}},
		row{"Method arguments", "an empty argument has size 0", func(w *world) {
			c := w.canister(do.OnInspect(nil))
			w.update(c, do.Call(call{To: c, Method: "read", Arg: do.Send(), OnReply: do.Put(of("msg_arg_data_size")).Send()})).gives(0)
		}},
		row{"Blob-typed arguments and results", "a copy from an offset gives the rest", func(w *world) {
			c := w.canister()
			w.update(c, do.Do("msg_arg_data_copy", free, 2, 2).Give(at(free, 2)).Send()).replies("\x00\x02")
		}},
		row{"Blob-typed arguments and results", "a copy beyond the argument's end traps", func(w *world) {
			w.update(w.canister(), do.Do("msg_arg_data_copy", free, 0, of("msg_arg_data_size")).Reply(nil)).replies("")
			w.update(w.canister(), do.Do("msg_arg_data_copy", free, 1, of("msg_arg_data_size")).Reply(nil)).rejects(failed)
		}},
		row{"Blob-typed arguments and results", "a copy of nothing from behind the end traps", func(w *world) {
			w.update(w.canister(), do.Do("msg_arg_data_copy", free, 1000, 0).Reply(nil)).rejects(failed)
		}},
		row{"Blob-typed arguments and results", "a copy beyond the memory traps", func(w *world) {
			w.update(w.canister(), do.Do("msg_arg_data_copy", 4<<16-1, 0, 2).Reply(nil)).rejects(failed)
		}},
		row{"Blob-typed arguments and results", "a copy whose offset and size overflow traps", func(w *world) {
			w.update(w.canister(), do.Do("msg_arg_data_copy", free, 0xffff_ffff, 2).Reply(nil)).rejects(failed)
		}},
		row{"Method arguments", "the caller of an update is the user", func(w *world) {
			w.update(w.canister(), do.Give(blob("msg_caller")).Send()).replies(string(owner.Sender().Bytes()))
		}},
		row{"Method arguments", "the caller of a query is the user", func(w *world) {
			w.ask(w.canister(), do.Give(blob("msg_caller")).Send()).replies(string(owner.Sender().Bytes()))
		}},
		row{"Method arguments", "an anonymous caller is the anonymous principal", func(w *world) {
			c := w.canister()
			w.call(nobody, c, c, "run", do.Give(blob("msg_caller")).Send()).replies("\x04")
			w.query(nobody, c, c, "read", do.Give(blob("msg_caller")).Send()).replies("\x04")
		}},
		row{"Method arguments", "the caller of another canister's call is that canister", func(w *world) {
			a, b := w.canister(), w.canister()
			w.update(a, relay(call{To: b, Arg: do.Give(blob("msg_caller")).Send()})).replies(string(a.Bytes()))
		}},
		row{"Method arguments", "the caller in a callback is who called the method", func(w *world) {
			a := w.canister()
			w.update(a, do.Call(call{To: a, Method: "read", Arg: do.Send(), OnReply: do.Give(blob("msg_caller")).Send()})).replies(string(owner.Sender().Bytes()))
		}},
		row{"Method arguments", "the caller in init, pre_upgrade and post_upgrade is who installs", func(w *world) {
			keep := do.Do("stable64_grow", 1).Do("stable64_write", 0, blob("msg_caller"))
			c := w.canister(keep.OnUpgrade(do.Do("stable64_write", 100, blob("msg_caller"))))
			w.set(c, "controllers", []principal.Principal{owner.Sender(), stranger.Sender()}).replied()
			w.installAs(stranger, "upgrade", c, plain(), do.Do("stable64_write", 200, blob("msg_caller"))).replied()
			who := string(stranger.Sender().Bytes())
			w.ask(c, do.AppendStable(0, 29).AppendStable(100, 29).AppendStable(200, 29).Send()).replies(string(owner.Sender().Bytes()) + who + who)
		}},
		row{"Method arguments", "the caller of a timer is the management canister", func(w *world) {
			c := w.canister(do.OnTimer(do.Set(1, sum(of("msg_caller_size"), 1))).Timer(1))
			w.until("the timer", func() bool { return w.cell(c, 1) != 0 })
			if got := w.cell(c, 1); got != 1 {
				w.Errorf("the caller has %d bytes", got-1)
			}
		}},
		row{"Self-identification", "a canister knows its id", func(w *world) {
			c := w.canister()
			w.ask(c, do.Give(blob("canister_self")).Send()).replies(string(c.Bytes()))
		}},
		row{"Self-identification", "a canister knows its id in init", func(w *world) {
			c := w.canister(do.StableGrow(1).Do("stable64_write", 0, blob("canister_self")))
			w.ask(c, do.AppendStable(0, uint32(len(c.Bytes()))).Send()).replies(string(c.Bytes()))
		}},
		row{"Self-identification", "a canister knows its subnet", func(w *world) {
			got := w.ask(w.canister(), do.Give(blob("subnet_self")).Send()).replied()
			w.read(owner, anyID, to("subnet")).value("subnet", got, "public_key")
		}},
		row{"Certified data", "a canister knows the root key in updates", func(w *world) {
			w.update(w.canister(), do.Give(blob("root_key")).Send()).replies(string(w.root))
		}},
		row{"Method arguments", "a caller without canister signature has no info", func(w *world) {
			w.update(w.canister(), do.Put(of("msg_caller_info_data_size")).Put(of("msg_caller_info_signer_size")).Send()).gives(0, 0)
		}},
		row{"Replicated execution check", "an update is replicated, a query is not", func(w *world) {
			c := w.canister()
			p := do.Put(of("in_replicated_execution")).Send()
			w.update(c, p).gives(1)
			w.call(owner, c, c, "read", p).gives(1)
			w.ask(c, p).gives(0)
			w.composite(c, p).gives(0)
		}},
		row{"Controller check", "a controller is one", func(w *world) {
			w.ask(w.canister(), do.Put(of("is_controller", owner.Sender())).Send()).gives(1)
		}},
		row{"Controller check", "others are not", func(w *world) {
			w.ask(w.canister(), do.Put(of("is_controller", stranger.Sender())).Put(of("is_controller", "")).Send()).gives(0, 0)
		}},
		row{"Controller check", "it follows the settings", func(w *world) {
			c := w.canister()
			w.set(c, "controllers", []principal.Principal{stranger.Sender()}).replied()
			w.ask(c, do.Put(of("is_controller", owner.Sender())).Put(of("is_controller", stranger.Sender())).Send()).gives(0, 1)
		}},
		row{"Controller check", "29 bytes are a principal, 30 trap", func(w *world) {
			c := w.canister()
			w.ask(c, do.Put(of("is_controller", strings.Repeat("x", 29))).Send()).gives(0)
			w.ask(c, do.Put(of("is_controller", strings.Repeat("x", 30))).Send()).rejects(failed)
		}},
		row{"Controller check", "a principal beyond the memory traps", func(w *world) {
			w.ask(w.canister(), do.Put(of("is_controller", 4<<16-1, 10)).Send()).rejects(failed)
		}},
		row{"Canister status", "a running canister reads 1", func(w *world) {
			w.ask(w.canister(), do.Put(of("canister_status")).Send()).gives(1)
		}},
		row{"System time", "the time is constant within a message", func(w *world) {
			got := w.update(w.canister(), do.Put(of("time")).Spin(100_000).Put(of("time")).Send()).numbers()
			if got[0] != got[1] || got[0] == 0 {
				w.Errorf("times %d", got)
			}
		}},
		row{"System time", "the time does not go back, over upgrades too", func(w *world) {
			c := w.canister()
			p := do.Put(of("time")).Send()
			first := w.update(c, p).number()
			w.install("upgrade", c, plain(), do.Set(1, of("time"))).replied()
			second := w.cell(c, 1)
			if third := w.ask(c, p).number(); first > second || second > third {
				w.Errorf("times %d, %d, %d", first, second, third)
			}
		}},
		row{"System time", "the time follows the clock", func(w *world) {
			c := w.canister()
			p := do.Put(of("time")).Send()
			first := w.update(c, p).number()
			w.later(3_600e9)
			if second := w.update(c, p).number(); second < first+3_600e9 {
				w.Errorf("%d and an hour later %d", first, second)
			}
		}},
		row{"Performance counter", "type 0 counts the message's instructions", func(w *world) {
			got := w.update(w.canister(), do.Put(of("performance_counter", 0)).Spin(1000).Put(of("performance_counter", 0)).Send()).numbers()
			if got[0] == 0 || got[1] < got[0]+3000 {
				w.Errorf("counters %d", got)
			}
		}},
		row{"Performance counter", "type 1 goes on counting in callbacks", func(w *world) {
			c := w.canister()
			got := w.update(c, do.Spin(100_000).Call(call{To: c, Method: "read", Arg: do.Send(), OnReply: do.Put(of("performance_counter", 0)).Put(of("performance_counter", 1)).Send()})).numbers()
			if got[1] < got[0]+300_000 {
				w.Errorf("the callback's counters are %d", got)
			}
		}},
		row{"Performance counter", "type 1 goes on counting in callbacks of composite queries", func(w *world) {
			c := w.canister()
			got := w.composite(c, do.Spin(100_000).Call(call{To: w.friend(), Method: "read", Arg: do.Send(), OnReply: do.Put(of("performance_counter", 0)).Put(of("performance_counter", 1)).Send()})).numbers()
			if got[1] < got[0]+300_000 {
				w.Errorf("the callback's counters are %d", got)
			}
		}},
		row{"Performance counter", "another type traps", func(w *world) {
			w.ask(w.canister(), do.Put(of("performance_counter", 2)).Send()).rejects(failed)
		}},
		row{"Resource limits", "an update over 40 billion instructions traps", func(w *world) {
			c := w.canister()
			w.update(c, exhausting(do.Set(1, 1))).rejects(failed)
			if w.cell(c, 1) != 0 {
				w.Error("what it did stayed")
			}
		}},
		row{"Request: Query call", "a query over its limit of instructions traps", func(w *world) {
			w.ask(w.canister(), exhausting(do)).rejects(failed)
		}},
	)
}

// exhausting copies its own long argument for ever: each byte is an instruction, so the
// limit is near in little time.
func exhausting(p program) program {
	size := 3 << 19
	p = p.HeapGrow(32).While(1, do.Do("msg_arg_data_copy", free, 0, size))
	return append(p, make(program, size-len(p))...)
}
