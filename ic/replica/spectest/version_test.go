package spectest_test

import (
	"assay/ic/principal"
)

func init() {
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
}
