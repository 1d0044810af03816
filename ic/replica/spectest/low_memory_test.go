package spectest_test

func init() {
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
}
