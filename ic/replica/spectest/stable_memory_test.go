package spectest_test

const minus1 = ^uint64(0)

func init() {
	describe("stable memory", "canister interface",
		row{"Stable memory", "it is empty at first", func(w *world) {
			w.ask(w.canister(), do.Put(of("stable64_size")).Put(of("stable_size")).Send()).gives(0, 0)
		}},
		row{"Stable memory", "growing gives the old size, the new pages are zeros", func(w *world) {
			c := w.canister()
			w.update(c, do.Put(of("stable64_grow", 1)).Put(of("stable64_grow", 2)).Put(of("stable64_size")).AppendStable(3<<16-4, 4).Send()).
				replies(le(0) + le(1) + le(3) + "\x00\x00\x00\x00")
		}},
		row{"Stable memory", "growing by nothing gives the size", func(w *world) {
			w.update(w.canister(), do.Put(of("stable64_grow", 5)).Put(of("stable64_grow", 0)).Put(of("stable_grow", 0)).Send()).gives(0, 5, 5)
		}},
		row{"Stable memory", "the 32-bit grow gives the old size", func(w *world) {
			w.update(w.canister(), do.Put(of("stable_grow", 1)).Put(of("stable_grow", 1)).Put(of("stable_size")).Send()).gives(0, 1, 2)
		}},
		row{"Stable memory", "growing beyond what there is gives -1 and changes nothing", func(w *world) {
			w.update(w.canister(), do.Put(of("stable64_grow", 1)).Put(of("stable64_grow", minus1)).Put(of("stable64_grow", 1<<40)).Put(of("stable64_size")).Send()).
				gives(0, minus1, minus1, 1)
		}},
		row{"Stable memory", "the 32-bit grow beyond 4 GiB gives -1", func(w *world) {
			w.update(w.canister(), do.Put(of("stable_grow", 1)).Put(of("stable_grow", 65536)).Put(of("stable_grow", 0xffff_ffff)).Put(of("stable_size")).Send()).
				gives(0, 0xffff_ffff, 0xffff_ffff, 1)
		}},
		row{"Stable memory", "the 32-bit calls trap when it is larger than 4 GiB", func(w *world) {
			c := w.canister(do.Do("stable64_grow", 65537))
			w.ask(c, do.Put(of("stable64_size")).Send()).gives(65537)
			for _, p := range []program{
				do.Put(of("stable_size")), do.Put(of("stable_grow", 0)),
				do.Do("stable_read", free, 0, 0), do.Do("stable_write", 0, free, 0),
			} {
				w.update(c, p.Send()).rejects(failed)
			}
		}},
		row{"Stable memory", "the 32-bit calls work up to 4 GiB", func(w *world) {
			c := w.canister(do.Do("stable64_grow", 65536))
			w.update(c, do.Put(of("stable_size")).Do("stable_write", 0xffff_fffc, "last").Do("stable_read", free, 0xffff_fffc, 4).Give(at(free, 4)).Send()).
				replies(le(65536) + "last")
		}},
		row{"Stable memory", "offsets beyond 4 GiB work with the 64-bit calls", func(w *world) {
			c := w.canister(do.Do("stable64_grow", 65600))
			w.update(c, do.Do("stable64_write", 1<<32+5, "far").Send()).replies("")
			w.ask(c, do.Do("stable64_read", free, 1<<32+5, 3).Give(at(free, 3)).Send()).replies("far")
		}},
		row{"Stable memory", "what was written is read, by either form", func(w *world) {
			c := w.canister(do.StableGrow(1))
			w.update(c, do.Do("stable_write", 10, "abc").Do("stable64_write", 13, "def").Send()).replies("")
			w.ask(c, do.Do("stable_read", free, 10, 6).Give(at(free, 6)).Do("stable64_read", free+10, 10, 6).Give(at(free+10, 6)).Send()).replies("abcdefabcdef")
		}},
		row{"Stable memory", "a write reads back over a page boundary", func(w *world) {
			c := w.canister(do.StableGrow(2))
			w.update(c, do.Do("stable64_write", 1<<16-3, "abcdef").Send()).replies("")
			w.ask(c, do.AppendStable(1<<16-4, 8).Send()).replies("\x00abcdef\x00")
		}},
		row{"Stable memory", "a write to the last byte works, one beyond traps", func(w *world) {
			c := w.canister(do.StableGrow(1))
			w.update(c, do.Do("stable64_write", 1<<16-1, "x").Send()).replies("")
			w.update(c, do.Do("stable64_write", 1<<16, "x").Send()).rejects(failed)
			w.update(c, do.Do("stable_write", 1<<16, "x").Send()).rejects(failed)
			w.update(c, do.Do("stable64_write", 1<<16-1, "xy").Send()).rejects(failed)
		}},
		row{"Stable memory", "a read beyond the end traps", func(w *world) {
			c := w.canister(do.StableGrow(1))
			w.ask(c, do.Do("stable64_read", free, 1<<16, 1).Send()).rejects(failed)
			w.ask(c, do.Do("stable_read", free, 1<<16-1, 2).Send()).rejects(failed)
		}},
		row{"Stable memory", "reading and writing nothing works at the end and traps behind it", func(w *world) {
			c := w.canister(do.StableGrow(1))
			w.ask(c, do.Do("stable64_read", free, 1<<16, 0).Do("stable64_write", 1<<16, free, 0).Send()).replies("")
			w.ask(c, do.Do("stable64_read", free, 1<<16+1, 0).Send()).rejects(failed)
			w.ask(c, do.Do("stable64_write", 1<<16+1, free, 0).Send()).rejects(failed)
		}},
		row{"Stable memory", "a write from beyond the heap traps", func(w *world) {
			c := w.canister(do.StableGrow(1))
			w.update(c, do.Do("stable64_write", 0, 4<<16-1, 2).Send()).rejects(failed)
			w.update(c, do.Do("stable64_write", 0, 1<<40, 1).Send()).rejects(failed)
			w.update(c, do.Do("stable_write", 0, 4<<16-1, 2).Send()).rejects(failed)
		}},
		row{"Stable memory", "a read to beyond the heap traps", func(w *world) {
			c := w.canister(do.StableGrow(1))
			w.update(c, do.Do("stable64_read", 4<<16-1, 0, 2).Send()).rejects(failed)
			w.update(c, do.Do("stable64_read", 1<<40, 0, 1).Send()).rejects(failed)
		}},
		row{"Stable memory", "offsets and sizes that overflow trap", func(w *world) {
			c := w.canister(do.StableGrow(1))
			for _, p := range []program{
				do.Do("stable64_read", free, minus1, 2), do.Do("stable64_read", free, 2, minus1), do.Do("stable64_write", minus1, free, 2),
				do.Do("stable_read", free, 0xffff_ffff, 2), do.Do("stable_write", 0xffff_ffff, free, 2),
			} {
				w.update(c, p.Send()).rejects(failed)
			}
		}},
		row{"Stable memory", "it is there after an upgrade", func(w *world) {
			c := w.canister(do.StableGrow(1).StableWrite(100, []byte("kept")))
			w.install("upgrade", c, plain(), nil).replied()
			w.ask(c, do.AppendStable(100, 4).AppendStableSize().Send()).replies("kept" + le(1))
		}},
		row{"Stable memory", "growing in a trapped message is undone", func(w *world) {
			c := w.canister()
			w.update(c, do.StableGrow(3).Unreachable()).rejects(failed)
			w.ask(c, do.AppendStableSize().Send()).gives(0)
		}},
		row{"Stable memory", "a callback sees what the method wrote", func(w *world) {
			c := w.canister(do.StableGrow(1))
			w.update(c, do.StableWrite(0, []byte("x")).Call(call{To: c, Method: "read", Arg: reply, OnReply: do.AppendStable(0, 1).Send()})).replies("x")
		}},
	)
}
