package spectest_test

import (
	"assay/ic/candid/text"
	"assay/ic/principal"
)

func init() {
	describe("snapshots", "management canister",
		row{"IC method take_canister_snapshot", "it has an id, a time, a size, and is listed", func(w *world) {
			c := w.canister(do.StableGrow(1))
			s := w.manage(owner, "take_canister_snapshot", c).result("take_canister_snapshot")
			if s.at("taken_at_timestamp").number() == 0 || s.at("total_size").number() < 5<<16 {
				w.Errorf("snapshot %v", s)
			}
			list := w.manage(owner, "list_canister_snapshots", c).result("list_canister_snapshots").list()
			if len(list) != 1 || list[0].String() != s.String() {
				w.Errorf("listed %v", list)
			}
		}},
		row{"IC method load_canister_snapshot", "heap, stable memory, globals, code and certified data are as they were", func(w *world) {
			c := w.canister(do.Set(1, 7).AddGlobal(8).StableGrow(1).StableWrite(0, []byte("old")).Certify([]byte("old")))
			id := w.snapshot(c)
			w.install("reinstall", c, other, do.Set(1, 1).StableGrow(3).Certify([]byte("new"))).replied()
			w.manage(owner, "load_canister_snapshot", c, "snapshot_id", id).replies("DIDL\x00\x00")
			w.hasModule(c, plain())
			w.ask(c, do.Put(cell(1)).AppendGlobal().AppendStableSize().AppendStable(0, 3).Send()).replies(le(7) + le(8) + le(1) + "old")
			if got := w.certified(c); string(got) != "old" {
				w.Errorf("certified data %q", got)
			}
		}},
		row{"IC method load_canister_snapshot", "it can be loaded again after more changes", func(w *world) {
			c := w.canister(do.Set(1, 7))
			id := w.snapshot(c)
			for range 3 {
				w.update(c, do.Add(1, 5).HeapGrow(1).Send()).replied()
				w.manage(owner, "load_canister_snapshot", c, "snapshot_id", id).replied()
				w.ask(c, do.Put(cell(1)).Put(heapSize()).Send()).gives(7, 4)
			}
		}},
		row{"IC method load_canister_snapshot", "onto another canister of the same controller", func(w *world) {
			a, b := w.canister(do.Set(1, 7)), w.create()
			w.manage(owner, "load_canister_snapshot", b, "snapshot_id", w.snapshot(a)).replied()
			if got := w.cell(b, 1); got != 7 {
				w.Errorf("the cell holds %d", got)
			}
		}},
		row{"IC method load_canister_snapshot", "not of a canister that the caller does not control", func(w *world) {
			a, b := w.canister(), w.createAs(stranger, 10*trillion)
			w.manage(stranger, "load_canister_snapshot", b, "snapshot_id", w.snapshot(a)).fails(destination, rejected, failed)
		}},
		row{"IC method load_canister_snapshot", "a snapshot that is not there is rejected", func(w *world) {
			c := w.canister()
			w.manage(owner, "load_canister_snapshot", c, "snapshot_id", []byte("none")).fails(destination, rejected, failed)
		}},
		row{"IC method load_canister_snapshot", "it is in the history and raises the version", func(w *world) {
			c := w.canister()
			id := w.snapshot(c)
			w.raises(c, func() { w.manage(owner, "load_canister_snapshot", c, "snapshot_id", id).replied() })
			d := w.lastChange(c, 3, "load_snapshot")
			d.at("snapshot_id").is(id)
			d.at("from_canister_id").is(text.Null{})
		}},
		row{"IC method take_canister_snapshot", "controllers take, load, delete; others do not", func(w *world) {
			c := w.canister()
			id := w.snapshot(c)
			w.manage(stranger, "take_canister_snapshot", c).fails(destination, failed)
			w.manage(stranger, "load_canister_snapshot", c, "snapshot_id", id).fails(destination, failed)
			w.manage(stranger, "delete_canister_snapshot", c, "snapshot_id", id).fails(destination, failed)
			w.manage(stranger, "list_canister_snapshots", c).fails(destination, failed)
			w.manage(stranger, "read_canister_snapshot_metadata", c, "snapshot_id", id).fails(destination, failed)
		}},
		row{"IC method take_canister_snapshot", "ten at most, then one must be replaced", func(w *world) {
			c := w.canister()
			var id []byte
			for range 10 {
				id = w.snapshot(c)
			}
			w.manage(owner, "take_canister_snapshot", c).fails(rejected, failed)
			w.manage(owner, "take_canister_snapshot", c, "replace_snapshot", id).replied()
			if got := w.manage(owner, "list_canister_snapshots", c).result("list_canister_snapshots").list(); len(got) != 10 {
				w.Errorf("%d snapshots", len(got))
			}
			w.manage(owner, "load_canister_snapshot", c, "snapshot_id", id).fails(destination, rejected, failed)
		}},
		row{"IC method take_canister_snapshot", "replacing one that is not there is rejected", func(w *world) {
			c := w.canister()
			w.manage(owner, "take_canister_snapshot", c, "replace_snapshot", []byte("none")).fails(destination, rejected, failed)
		}},
		row{"IC method take_canister_snapshot", "an empty canister has nothing to take", func(w *world) {
			w.manage(owner, "take_canister_snapshot", w.create()).fails(rejected, failed)
		}},
		row{"IC method take_canister_snapshot", "uninstall_code empties the canister afterwards", func(w *world) {
			c := w.canister(do.Set(1, 7))
			id := w.manage(owner, "take_canister_snapshot", c, "uninstall_code", true).result("take_canister_snapshot").at("id").bytes()
			w.read(owner, c, to("canister", c, "module_hash")).absent("canister", c, "module_hash")
			w.manage(owner, "load_canister_snapshot", c, "snapshot_id", id).replied()
			if got := w.cell(c, 1); got != 7 {
				w.Errorf("the cell holds %d", got)
			}
		}},
		row{"IC method delete_canister_snapshot", "it is gone then", func(w *world) {
			c := w.canister()
			id := w.snapshot(c)
			w.manage(owner, "delete_canister_snapshot", c, "snapshot_id", id).replies("DIDL\x00\x00")
			w.manage(owner, "load_canister_snapshot", c, "snapshot_id", id).fails(destination, rejected, failed)
			w.manage(owner, "delete_canister_snapshot", c, "snapshot_id", id).fails(destination, rejected, failed)
		}},
		row{"IC method delete_canister_snapshot", "another canister's is not found", func(w *world) {
			a, b := w.canister(), w.canister()
			w.manage(owner, "delete_canister_snapshot", b, "snapshot_id", w.snapshot(a)).fails(destination, rejected, failed)
		}},
		row{"Memory Metrics", "snapshots are counted in canister_status", func(w *world) {
			c := w.canister()
			id := w.snapshot(c)
			if w.statusOf(c).at("memory_metrics.snapshots_size").number() == 0 {
				w.Error("snapshots have size 0")
			}
			w.manage(owner, "delete_canister_snapshot", c, "snapshot_id", id).replied()
			w.statusOf(c).at("memory_metrics.snapshots_size").is(0)
		}},
		row{"IC method read_canister_snapshot_metadata", "sizes, globals, source, certified data, timer", func(w *world) {
			c := w.canister(do.AddGlobal(8).StableGrow(2).HeapGrow(1).Certify([]byte("data")))
			id := w.snapshot(c)
			m := w.manage(owner, "read_canister_snapshot_metadata", c, "snapshot_id", id).result("read_canister_snapshot_metadata")
			m.at("source.taken_from_canister")
			m.at("wasm_module_size").is(len(plain()))
			m.at("wasm_memory_size").is(5 << 16)
			m.at("stable_memory_size").is(2 << 16)
			m.at("certified_data").is([]byte("data"))
			m.at("global_timer").is(text.Opt{V: tag("inactive")})
			m.at("wasm_chunk_store").is(text.Vec{})
			if got := m.at("globals").list(); len(got) != 3 {
				w.Errorf("globals %v", got)
			}
		}},
		row{"IC method read_canister_snapshot_data", "module, heap and stable memory by parts", func(w *world) {
			c := w.canister(do.StableGrow(1).StableWrite(100, []byte("stable")))
			w.update(c, do.Poke(free, "heap").Send()).replied()
			id := w.snapshot(c)
			read := func(kind string, offset, size int) outcome {
				return w.manage(owner, "read_canister_snapshot_data", c, "snapshot_id", id, "kind", tag(kind, fields("offset", offset, "size", size)))
			}
			for _, each := range []struct {
				kind         string
				offset, size int
				want         string
			}{{"wasm_module", 0, 4, "\x00asm"}, {"wasm_memory", free, 4, "heap"}, {"stable_memory", 99, 8, "\x00stable\x00"}} {
				if got := read(each.kind, each.offset, each.size).result("read_canister_snapshot_data").at("chunk").bytes(); string(got) != each.want {
					w.Errorf("%s: %q", each.kind, got)
				}
			}
			read("wasm_module", len(plain())-1, 2).fails(rejected, failed)
			read("stable_memory", 1<<16, 1).fails(rejected, failed)
			read("wasm_memory", 4<<16-1, 2).fails(rejected, failed)
		}},
		row{"IC method read_canister_snapshot_data", "snapshot_visibility public lets anybody read", func(w *world) {
			c := w.canister()
			id := w.snapshot(c)
			w.set(c, "snapshot_visibility", tag("public")).replied()
			w.manage(stranger, "list_canister_snapshots", c).replied()
			w.manage(stranger, "read_canister_snapshot_metadata", c, "snapshot_id", id).replied()
			w.manage(stranger, "read_canister_snapshot_data", c, "snapshot_id", id, "kind", tag("wasm_module", fields("offset", 0, "size", 4))).replied()
			w.manage(stranger, "delete_canister_snapshot", c, "snapshot_id", id).fails(destination, failed)
		}},
		row{"IC method upload_canister_snapshot_metadata", "a snapshot that is uploaded in parts can be loaded", func(w *world) {
			source := w.canister(do.Set(1, 7).AddGlobal(8).StableGrow(1).StableWrite(0, []byte("moved")))
			id := w.snapshot(source)
			m := w.manage(owner, "read_canister_snapshot_metadata", source, "snapshot_id", id).result("read_canister_snapshot_metadata")
			c := w.create()
			up := w.manage(owner, "upload_canister_snapshot_metadata", c, "wasm_module_size", len(plain()), "globals", m.at("globals").v,
				"wasm_memory_size", 4<<16, "stable_memory_size", 1<<16, "certified_data", []byte("cert")).result("upload_canister_snapshot_metadata").at("snapshot_id").bytes()
			w.copySnapshot(source, id, c, up, "wasm_module", len(plain()))
			w.copySnapshot(source, id, c, up, "wasm_memory", 4<<16)
			w.copySnapshot(source, id, c, up, "stable_memory", 1<<16)
			w.manage(owner, "load_canister_snapshot", c, "snapshot_id", up).replied()
			w.hasModule(c, plain())
			w.ask(c, do.Put(cell(1)).AppendGlobal().AppendStable(0, 5).Send()).replies(le(7) + le(8) + "moved")
			if got := w.certified(c); string(got) != "cert" {
				w.Errorf("certified data %q", got)
			}
		}},
		row{"IC method upload_canister_snapshot_data", "parts beyond the sizes, and of snapshots that were taken, are rejected", func(w *world) {
			c := w.canister()
			up := w.manage(owner, "upload_canister_snapshot_metadata", c, "wasm_module_size", 10, "globals", []any{}, "wasm_memory_size", 1<<16, "stable_memory_size", 0, "certified_data", []byte{}).
				result("upload_canister_snapshot_metadata").at("snapshot_id").bytes()
			upload := func(id []byte, kind string, offset int, chunk string) outcome {
				return w.manage(owner, "upload_canister_snapshot_data", c, "snapshot_id", id, "kind", tag(kind, fields("offset", offset)), "chunk", []byte(chunk))
			}
			upload(up, "wasm_module", 0, "0123456789").replied()
			upload(up, "wasm_module", 1, "0123456789").fails(rejected, failed)
			upload(up, "stable_memory", 0, "x").fails(rejected, failed)
			upload(w.snapshot(c), "wasm_module", 0, "x").fails(rejected, failed)
			upload([]byte("none"), "wasm_module", 0, "x").fails(destination, rejected, failed)
			w.manage(stranger, "upload_canister_snapshot_data", c, "snapshot_id", up, "kind", tag("wasm_module", fields("offset", 0)), "chunk", []byte("x")).fails(destination, failed)
		}},
		row{"IC method load_canister_snapshot", "a snapshot whose module is none is rejected and changes nothing", func(w *world) {
			c := w.canister(do.Set(1, 7))
			up := w.manage(owner, "upload_canister_snapshot_metadata", c, "wasm_module_size", 10, "globals", []any{}, "wasm_memory_size", 1<<16, "stable_memory_size", 0, "certified_data", []byte{}).
				result("upload_canister_snapshot_metadata").at("snapshot_id").bytes()
			w.manage(owner, "load_canister_snapshot", c, "snapshot_id", up).fails(rejected, failed)
			w.hasModule(c, plain())
			if got := w.cell(c, 1); got != 7 {
				w.Errorf("the cell holds %d", got)
			}
		}},
		row{"IC method take_canister_snapshot", "a canister takes and loads those of one that it controls", func(w *world) {
			a := w.canister()
			c := w.canister(do.Set(1, 7))
			w.set(c, "controllers", []principal.Principal{a, owner.Sender()}).replied()
			id := w.viaCanister(a, "take_canister_snapshot", "canister_id", c).result("take_canister_snapshot").at("id").bytes()
			w.update(c, do.Set(1, 8).Send()).replied()
			w.viaCanister(a, "load_canister_snapshot", "canister_id", c, "snapshot_id", id).replies("DIDL\x00\x00")
			if got := w.cell(c, 1); got != 7 {
				w.Errorf("the cell holds %d", got)
			}
		}},
	)
}
