package spectest_test

import (
	"crypto/sha256"

	"assay/ic/candid/text"
	"assay/ic/principal"
)

// info is canister_info of a canister, asked by another.
func (w *world) info(c principal.Principal, changes any) value {
	w.Helper()
	if changes == nil {
		changes = text.Null{}
	}
	return w.viaCanister(w.friend(), "canister_info", "canister_id", c, "num_requested_changes", changes).result("canister_info")
}

// details holds what the last change was, and gives its record.
func (w *world) lastChange(c principal.Principal, total uint64, kind string) value {
	w.Helper()
	i := w.info(c, 1)
	i.at("total_num_changes").is(total)
	list := i.at("recent_changes").list()
	if len(list) != 1 {
		w.Fatalf("%s: %d changes", w.section, len(list))
	}
	return list[0].at("details." + kind)
}

// version is a canister's version, which every other message raises.
func (w *world) version(c principal.Principal) uint64 {
	w.Helper()
	return w.ask(c, do.Put(of("canister_version")).Send()).number()
}

// raises holds that something raises the version.
func (w *world) raises(c principal.Principal, something func()) {
	w.Helper()
	before := w.statusOf(c).at("version").number()
	something()
	if after := w.statusOf(c).at("version").number(); after <= before {
		w.Errorf("%s: version %d, and %d afterwards", w.section, before, after)
	}
}

func init() {
	describe("history", "management canister",
		row{"IC method canister_info", "creation, installation, reinstallation, upgrade, uninstallation are recorded", func(w *world) {
			c := w.create()
			w.lastChange(c, 1, "creation").at("controllers").is([]principal.Principal{owner.Sender()})
			total := uint64(1)
			for _, mode := range []string{"install", "reinstall", "upgrade"} {
				w.install(mode, c, plain(), nil).replied()
				total++
				d := w.lastChange(c, total, "code_deployment")
				d.at("mode").is(tag(mode))
				h := sha256.Sum256(plain())
				d.at("module_hash").is(h[:])
			}
			w.manage(owner, "uninstall_code", c).replied()
			w.lastChange(c, 5, "code_uninstall")
		}},
		row{"IC method canister_info", "new controllers are recorded, other settings are not", func(w *world) {
			c := w.create()
			w.set(c, "freezing_threshold", 5).replied()
			w.info(c, nil).at("total_num_changes").is(1)
			w.set(c, "controllers", []principal.Principal{owner.Sender(), anyID}).replied()
			if got := w.lastChange(c, 2, "controllers_change").at("controllers").principals(); len(got) != 2 {
				w.Errorf("controllers %v", got)
			}
		}},
		row{"IC method canister_info", "the origin of a user's change is the user", func(w *world) {
			c := w.create()
			w.info(c, 1).at("recent_changes").list()[0].at("origin.from_user.user_id").is(owner.Sender())
		}},
		row{"IC method canister_info", "the origin of a canister's change is the canister, with its version if given", func(w *world) {
			a := w.canister()
			c := w.created(w.update(a, relay(call{To: principal.Management, Method: "create_canister", Cycles: 20 * trillion, Arg: argument("create_canister")})))
			o := w.info(c, 1).at("recent_changes").list()[0].at("origin.from_canister")
			o.at("canister_id").is(a)
			o.at("canister_version").is(text.Null{})
			v := w.version(a)
			w.viaCanister(a, "install_code", "canister_id", c, "mode", tag("install"), "wasm_module", plain(), "arg", []byte{}, "sender_canister_version", v).replies("DIDL\x00\x00")
			w.info(c, 1).at("recent_changes").list()[0].at("origin.from_canister.canister_version").is(text.Opt{V: candidOf(v).(text.Number)})
		}},
		row{"IC method canister_info", "changes have versions and times that do not fall", func(w *world) {
			c := w.create()
			for range 3 {
				w.install("reinstall", c, plain(), nil).replied()
			}
			version, at := uint64(0), uint64(0)
			for i, change := range w.info(c, 10).at("recent_changes").list() {
				v, t := change.at("canister_version").number(), change.at("timestamp_nanos").number()
				if i == 0 && v != 0 || i > 0 && v <= version || t < at {
					w.Errorf("change %d has version %d and time %d after %d, %d", i, v, t, version, at)
				}
				version, at = v, t
			}
		}},
		row{"IC method canister_info", "a failed installation is not recorded", func(w *world) {
			c := w.create()
			w.install("install", c, plain(), do.Trap("no")).rejects(failed)
			w.info(c, nil).at("total_num_changes").is(1)
		}},
		row{"IC method canister_info", "as many changes as asked for, the newest, or all", func(w *world) {
			c := w.canister()
			if got := w.info(c, nil).at("recent_changes").list(); len(got) != 0 {
				w.Errorf("%d changes without asking", len(got))
			}
			if got := w.info(c, 1).at("recent_changes").list(); len(got) != 1 {
				w.Errorf("%d changes", len(got))
			} else {
				got[0].at("details.code_deployment")
			}
			if got := w.info(c, 100).at("recent_changes").list(); len(got) != 2 {
				w.Errorf("%d changes", len(got))
			}
		}},
		row{"IC method canister_info", "at least the last 20 changes are kept, all are counted", func(w *world) {
			c := w.create()
			for range 25 {
				w.set(c, "controllers", []principal.Principal{owner.Sender()}).replied()
			}
			i := w.info(c, 100)
			i.at("total_num_changes").is(26)
			if got := i.at("recent_changes").list(); len(got) < 20 {
				w.Errorf("%d changes", len(got))
			}
		}},
		row{"IC method canister_info", "module hash and controllers are the current ones", func(w *world) {
			c := w.create()
			w.info(c, nil).at("module_hash").is(text.Null{})
			w.load(c, plain())
			h := sha256.Sum256(plain())
			w.info(c, nil).at("module_hash").is(text.Opt{V: text.Blob(h[:])})
			w.info(c, nil).at("controllers").is([]principal.Principal{owner.Sender()})
		}},
		row{"IC method canister_info", "users cannot call it", func(w *world) {
			w.manage(owner, "canister_info", w.canister()).fails(destination, rejected, failed)
		}},
		row{"IC method canister_info", "a canister that is not there is rejected", func(w *world) {
			rejectedWith(w.viaCanister(w.canister(), "canister_info", "canister_id", principal.Canister(1<<20)), destination, rejected, failed)
		}},
		row{"Canister creation", "a hash of environment variables given at creation is recorded", func(w *world) {
			c := w.create("environment_variables", []any{fields("name", "N", "value", "V")})
			want := record{"N": "V"}.hash()
			w.lastChange(c, 1, "creation").at("environment_variables_hash").is(text.Opt{V: text.Blob(want[:])})
		}},
	)
	describe("version", "canister interface",
		row{"Canister version", "it is 0 at creation", func(w *world) {
			w.statusOf(w.create()).at("version").is(0)
		}},
		row{"Canister version", "canister_version and canister_status agree", func(w *world) {
			c := w.canister()
			w.statusOf(c).at("version").is(w.version(c))
		}},
		row{"Canister version", "updates raise it", func(w *world) {
			c := w.canister()
			w.raises(c, func() { w.update(c, reply).replied() })
		}},
		row{"Canister version", "callbacks raise it", func(w *world) {
			c := w.canister()
			got := w.update(c, do.Set(1, of("canister_version")).Call(call{To: w.friend(), Method: "read", Arg: reply, OnReply: do.Put(cell(1)).Put(of("canister_version")).Send()})).numbers()
			if got[1] <= got[0] {
				w.Errorf("versions %d", got)
			}
			w.raises(c, func() { w.update(c, do.Call(call{To: c, Method: "none", OnReject: do.Send()})).replied() })
		}},
		row{"Canister version", "timers raise it", func(w *world) {
			c := w.canister(do.OnTimer(count).Timer(1))
			first := w.statusOf(c).at("version").number()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
			if second := w.statusOf(c).at("version").number(); second < first {
				w.Errorf("versions %d, %d", first, second)
			}
			d := w.canister(do.OnTimer(count))
			w.update(d, setTimer(in(50)).Send()).replied()
			w.raises(d, func() { w.later(100e9); w.tick() })
		}},
		row{"Canister version", "heartbeats raise it", func(w *world) {
			c := w.canisterWith(options{Heartbeat: true})
			w.raises(c, func() { w.later(3e9); w.later(3e9) })
			w.manage(owner, "uninstall_code", c).replied()
		}},
		row{"Canister version", "changes of settings raise it", func(w *world) {
			c := w.create()
			w.raises(c, func() { w.set(c, "freezing_threshold", 1).replied() })
			w.raises(c, func() { w.set(c, "controllers", []principal.Principal{owner.Sender()}).replied() })
		}},
		row{"Canister version", "installing, reinstalling, upgrading, uninstalling raise it", func(w *world) {
			c := w.create()
			for _, mode := range []string{"install", "reinstall", "upgrade"} {
				w.raises(c, func() { w.install(mode, c, plain(), nil).replied() })
			}
			w.raises(c, func() { w.manage(owner, "uninstall_code", c).replied() })
		}},
		row{"Canister version", "stopping and starting raise it", func(w *world) {
			c := w.canister()
			w.raises(c, func() { w.manage(owner, "stop_canister", c).replied() })
			w.raises(c, func() { w.manage(owner, "start_canister", c).replied() })
		}},
		row{"Canister version", "pre_upgrade sees the old one, post_upgrade the new one", func(w *world) {
			c := w.canister(do.StableGrow(1).OnUpgrade(do.Do("stable64_write", 0, wide(balance)).Set(1, of("canister_version")).Do("stable64_write", 0, at(8, 8))))
			before := w.version(c)
			w.install("upgrade", c, plain(), do.Set(1, of("canister_version"))).replied()
			got := w.ask(c, do.AppendStable(0, 8).Put(cell(1)).Send()).numbers()
			if got[0] != before || got[1] <= before {
				w.Errorf("pre_upgrade saw %d, post_upgrade %d, it was %d", got[0], got[1], before)
			}
		}},
		row{"Canister version", "init sees the new one", func(w *world) {
			c := w.canister(do.Set(1, of("canister_version")))
			if got := w.cell(c, 1); got == 0 {
				w.Errorf("init saw %d", got)
			}
		}},
		row{"Canister version", "queries see and leave it", func(w *world) {
			c := w.canister()
			first := w.version(c)
			w.ask(c, do.Trap("x")).rejects(failed)
			if second := w.version(c); second != first {
				w.Errorf("versions %d, %d", first, second)
			}
		}},
		row{"Canister version", "a failed installation leaves it", func(w *world) {
			c := w.create()
			w.install("install", c, plain(), do.Trap("no")).rejects(failed)
			w.install("install", c, []byte("no module"), nil).fails(failed)
			w.statusOf(c).at("version").is(0)
		}},
	)
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

// snapshot takes one and gives its id.
func (w *world) snapshot(c principal.Principal) []byte {
	w.Helper()
	return w.manage(owner, "take_canister_snapshot", c).result("take_canister_snapshot").at("id").bytes()
}

// copySnapshot moves a part from one snapshot to another.
func (w *world) copySnapshot(from principal.Principal, id []byte, to principal.Principal, into []byte, kind string, size int) {
	w.Helper()
	for offset := 0; offset < size; offset += 1 << 20 {
		n := min(1<<20, size-offset)
		part := w.manage(owner, "read_canister_snapshot_data", from, "snapshot_id", id, "kind", tag(kind, fields("offset", offset, "size", n))).
			result("read_canister_snapshot_data").at("chunk").bytes()
		w.manage(owner, "upload_canister_snapshot_data", to, "snapshot_id", into, "kind", tag(kind, fields("offset", offset)), "chunk", part).replied()
	}
}
