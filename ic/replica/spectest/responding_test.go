package spectest_test

import (
	"strings"

	"assay/ic/principal"
)

func init() {
	describe("responding", "canister interface",
		row{"Responding", "an update replies", func(w *world) {
			w.update(w.canister(), do.Reply([]byte("hello"))).replies("hello")
		}},
		row{"Responding", "a query replies", func(w *world) {
			w.ask(w.canister(), do.Reply([]byte("hello"))).replies("hello")
		}},
		row{"Responding", "a reply may be empty", func(w *world) {
			w.update(w.canister(), do.Reply(nil)).replies("")
		}},
		row{"Responding", "a reply is put together of pieces", func(w *world) {
			w.update(w.canister(), do.Give("a").Put(1).Give("b").Send()).replies("a\x01\x00\x00\x00\x00\x00\x00\x00b")
		}},
		row{"Responding", "a second reply traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Set(1, 1).Send().Send()).rejects(failed)
			if w.cell(c, 1) != 0 {
				w.Error("what was done before the second reply stayed")
			}
		}},
		row{"Responding", "a second reply of a query traps", func(w *world) {
			w.ask(w.canister(), do.Send().Send()).rejects(failed)
		}},
		row{"Responding", "a reject after a reply traps", func(w *world) {
			w.update(w.canister(), do.Send().Reject("no")).rejects(failed)
		}},
		row{"Responding", "a reply after a reject traps", func(w *world) {
			w.update(w.canister(), do.Reject("no").Send()).rejects(failed)
		}},
		row{"Responding", "a second reject traps", func(w *world) {
			w.update(w.canister(), do.Reject("no").Reject("no")).rejects(failed)
		}},
		row{"Responding", "appending to a reply that is sent traps", func(w *world) {
			w.update(w.canister(), do.Send().Give("more")).rejects(failed)
		}},
		row{"Responding", "appending to a reply after a reject traps", func(w *world) {
			w.update(w.canister(), do.Reject("no").Give("more")).rejects(failed)
		}},
		row{"Responding", "appending nothing to a reply that is sent traps", func(w *world) {
			w.update(w.canister(), do.Send().Give("")).rejects(failed)
		}},
		row{"Responding", "a reject discards what was appended", func(w *world) {
			w.update(w.canister(), do.Give("data").Reject("no")).rejects(rejected, "no")
		}},
		row{"Responding", "data appended without a reply is gone in the callback", func(w *world) {
			c := w.canister()
			w.update(c, do.Give("lost").Call(call{To: c, Method: "read", Arg: do.Send(), OnReply: do.Give("kept").Send()})).replies("kept")
		}},
		row{"Responding", "a canister's reject has code CANISTER_REJECT and its text", func(w *world) {
			w.update(w.canister(), do.Reject("not today")).rejects(rejected, "not today")
		}},
		row{"Responding", "a query's reject has code CANISTER_REJECT and its text", func(w *world) {
			w.ask(w.canister(), do.Reject("not today")).rejects(rejected, "not today")
		}},
		row{"Responding", "a reject may have no text", func(w *world) {
			w.update(w.canister(), do.Reject("")).rejects(rejected)
		}},
		row{"Responding", "a reject text that is not UTF-8 traps", func(w *world) {
			w.update(w.canister(), do.Do("msg_reject", "\xff\xfe")).rejects(failed)
		}},
		row{"Responding", "a reject text beyond the memory traps", func(w *world) {
			w.update(w.canister(), do.Do("msg_reject", 4<<16, 1)).rejects(failed)
		}},
		row{"Responding", "reply data beyond the memory traps", func(w *world) {
			w.update(w.canister(), do.Do("msg_reply_data_append", 4<<16-1, 2)).rejects(failed)
		}},
		row{"Responding", "reply data whose end overflows 32 bits traps", func(w *world) {
			w.update(w.canister(), do.Do("msg_reply_data_append", 0xffff_ffff, 0xffff_ffff)).rejects(failed)
		}},
		row{"Responding", "a reply of 2 MiB fits", func(w *world) {
			o := w.update(w.canister(), do.HeapGrow(64).Do("msg_reply_data_append", 0, 2<<20).Send())
			if n := len(o.replied()); n != 2<<20 {
				w.Errorf("a reply of %d bytes", n)
			}
		}},
		row{"Responding", "a reply of more than 2 MiB traps", func(w *world) {
			w.update(w.canister(), do.HeapGrow(64).Do("msg_reply_data_append", 0, 2<<20).Give("x").Send()).rejects(failed)
		}},
		row{"Responding", "a query's reply of 3 MiB fits", func(w *world) {
			o := w.ask(w.canister(), do.HeapGrow(64).Do("msg_reply_data_append", 0, 3<<20).Send())
			if n := len(o.replied()); n != 3<<20 {
				w.Errorf("a reply of %d bytes", n)
			}
		}},
		row{"Responding", "a query's reply of more than 3 MiB traps", func(w *world) {
			w.ask(w.canister(), do.HeapGrow(64).Do("msg_reply_data_append", 0, 3<<20).Give("x").Send()).rejects(failed)
		}},
		row{"Call context starvation", "an update that does not answer is rejected", func(w *world) {
			w.update(w.canister(), do).rejects(failed)
		}},
		row{"Call context starvation", "a query that does not answer is rejected", func(w *world) {
			w.ask(w.canister(), do).rejects(failed)
		}},
		row{"Message execution", "an update that does not answer keeps what it did", func(w *world) {
			c := w.canister()
			w.update(c, do.Set(1, 5)).rejects(failed)
			if got := w.cell(c, 1); got != 5 {
				w.Errorf("the cell holds %d", got)
			}
		}},
		row{"Entry points", "a trap discards heap, globals and stable memory", func(w *world) {
			c := w.canister(do.StableGrow(1).StableWrite(0, []byte("old")))
			w.update(c, do.Set(1, 5).AddGlobal(5).StableWrite(0, []byte("new")).StableGrow(3).HeapGrow(2).Unreachable()).rejects(failed)
			w.ask(c, do.AppendStable(0, 3).Put(cell(1)).AppendGlobal().AppendStableSize().Put(heapSize()).Send()).
				replies("old" + le(0) + le(0) + le(1) + le(4))
		}},
		row{"Entry points", "a trap discards the answer", func(w *world) {
			w.update(w.canister(), do.Reply([]byte("never")).Unreachable()).rejects(failed)
		}},
		row{"Entry points", "a query's changes are discarded", func(w *world) {
			c := w.canister(do.StableGrow(1))
			w.ask(c, do.Set(1, 5).AddGlobal(5).StableWrite(0, []byte{7}).StableGrow(3).Reply(nil)).replies("")
			w.ask(c, do.Put(cell(1)).AppendGlobal().AppendStableSize().AppendStable(0, 1).Send()).replies(le(0) + le(0) + le(1) + "\x00")
		}},
		row{"Request: Call", "a query called as an update replies, and its changes are discarded", func(w *world) {
			c := w.canister()
			w.call(owner, c, c, "read", do.Set(1, 5).Put(cell(1)).Send()).gives(5)
			if w.cell(c, 1) != 0 {
				w.Error("the query changed the canister")
			}
		}},
		row{"Request: Call", "a composite query cannot be called as an update", func(w *world) {
			c := w.canister()
			w.call(owner, c, c, "ask", do.Reply(nil)).fails(failed)
		}},
		row{"Request: Query call", "an update cannot be called as a query", func(w *world) {
			c := w.canister()
			w.query(owner, c, c, "run", do.Reply(nil)).fails(destination, failed)
		}},
		row{"Public methods", "an update of a method that is not there is rejected", func(w *world) {
			c := w.canister()
			w.call(owner, c, c, "none", nil).fails(destination, failed)
		}},
		row{"Public methods", "a query of a method that is not there is rejected", func(w *world) {
			c := w.canister()
			w.query(owner, c, c, "none", nil).fails(destination, failed)
		}},
		row{"Public methods", "a method's name may be empty", func(w *world) {
			c := w.canisterWith(options{Exports: []string{"canister_query "}})
			w.query(owner, c, c, "", do.Reply([]byte("here"))).replies("here")
		}},
		row{"Public methods", "a method's name may have spaces", func(w *world) {
			c := w.canisterWith(options{Exports: []string{"canister_query name with spaces"}})
			w.query(owner, c, c, "name with spaces", do.Reply([]byte("here"))).replies("here")
		}},
		row{"Public methods", "a method's name may begin with a space", func(w *world) {
			c := w.canisterWith(options{Exports: []string{"canister_update  x"}})
			w.call(owner, c, c, " x", do.Reply([]byte("here"))).replies("here")
			w.call(owner, c, c, "x", do.Reply([]byte("here"))).fails(destination, failed)
		}},
		row{"Debugging aids", "trap always traps, and its text is in the reject", func(w *world) {
			w.update(w.canister(), do.Trap("on purpose")).rejects(failed, "on purpose")
		}},
		row{"Debugging aids", "trap in a query rejects with its text", func(w *world) {
			w.ask(w.canister(), do.Trap("on purpose")).rejects(failed, "on purpose")
		}},
		row{"Debugging aids", "trap with a text that is not UTF-8 is a reject of valid text", func(w *world) {
			w.update(w.canister(), do.Do("trap", "a\xffb")).rejects(failed)
		}},
		row{"Debugging aids", "trap with a text beyond the memory still traps", func(w *world) {
			w.update(w.canister(), do.Do("trap", 0xffff_0000, 100).Reply(nil)).rejects(failed)
		}},
		row{"Debugging aids", "debug_print does not trap", func(w *world) {
			w.update(w.canister(), do.Print("hello").Reply(nil)).replies("")
		}},
		row{"Debugging aids", "debug_print beyond the memory does not trap", func(w *world) {
			w.update(w.canister(), do.Do("debug_print", 0xffff_0000, 100).Reply(nil)).replies("")
			w.ask(w.canister(), do.Do("debug_print", 4<<16, 0xffff_ffff).Reply(nil)).replies("")
		}},
		row{"Debugging aids", "debug_print of text that is not UTF-8 does not trap", func(w *world) {
			w.update(w.canister(), do.Do("debug_print", "a\xffb").Reply(nil)).replies("")
		}},
	)
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
