package spectest_test

import (
	"assay/ic/replica/replicatest"
)

func init() {
	describe("heap", "canister interface",
		row{"Entry points", "memory.grow gives the old size", func(w *world) {
			w.update(w.canister(), do.Put(replicatest.MemoryGrow(2)).Put(heapSize()).Send()).gives(4, 6)
		}},
		row{"Resource limits", "the heap cannot have more than 4 GiB", func(w *world) {
			w.ask(w.canister(), do.Put(replicatest.MemoryGrow(65536)).Put(heapSize()).Send()).gives(0xffff_ffff, 4)
		}},
		row{"Entry points", "heap and globals are there in the next message", func(w *world) {
			c := w.canister()
			w.update(c, do.Set(1, 5).AddGlobal(6).HeapGrow(1).Send()).replies("")
			w.update(c, do.Put(cell(1)).AppendGlobal().Put(heapSize()).Send()).gives(5, 6, 5)
		}},
		row{"IC method create_canister", "an update that grows the heap over wasm_memory_limit traps", func(w *world) {
			c := w.canister()
			w.set(c, "wasm_memory_limit", 6<<16).replied()
			w.update(c, do.HeapGrow(2).Put(heapSize()).Send()).gives(6)
			w.update(c, do.HeapGrow(1).Reply(nil)).rejects(failed)
		}},
		row{"IC method create_canister", "wasm_memory_limit is ignored for queries, callbacks and timers", func(w *world) {
			c := w.create("wasm_memory_limit", 4<<16)
			w.load(c, plain(), do.OnTimer(do.HeapGrow(10).Set(1, heapSize())).Timer(1))
			w.until("the timer", func() bool { return w.cell(c, 1) != 0 })
			w.install("reinstall", c, plain(), nil).replied()
			w.ask(c, do.HeapGrow(10).Put(heapSize()).Send()).gives(14)
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.HeapGrow(1).Put(heapSize()).Send()})).gives(5)
		}},
		row{"IC method create_canister", "wasm_memory_limit holds in init and post_upgrade", func(w *world) {
			c := w.create("wasm_memory_limit", 5<<16)
			w.install("install", c, plain(), do.HeapGrow(2)).rejects(failed)
			w.install("install", c, plain(), nil).replied()
			w.install("upgrade", c, plain(), do.HeapGrow(2)).rejects(failed)
			w.install("upgrade", c, plain(), do.HeapGrow(1)).replied()
		}},
		row{"Changing settings", "a wasm_memory_limit below what the heap has is rejected", func(w *world) {
			c := w.canister()
			w.set(c, "wasm_memory_limit", 4<<16-1).fails(rejected, failed)
			w.set(c, "wasm_memory_limit", 4<<16).replied()
		}},
		row{"IC method create_canister", "wasm_memory_limit 0 is no limit", func(w *world) {
			c := w.create("wasm_memory_limit", 0)
			w.load(c, plain())
			w.update(c, do.HeapGrow(1000).Put(heapSize()).Send()).gives(1004)
		}},
		row{"Message execution", "growing over the memory that the balance pays for fails", func(w *world) {
			c := w.rich(trillion / 2)
			w.set(c, "freezing_threshold", 31_536_000*20).replied()
			o := w.update(c, do.HeapGrow(20_000).Reply(nil))
			o.fails(transient, failed)
		}},
	)
}
