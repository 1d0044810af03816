package spectest_test

import (
	"crypto/sha256"

	"assay/ic/candid/text"
	"assay/ic/principal"
)

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
}

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
