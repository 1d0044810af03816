package spectest_test

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
}
