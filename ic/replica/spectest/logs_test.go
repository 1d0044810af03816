package spectest_test

import (
	"strings"

	"assay/ic/principal"
)

func init() {
	describe("logs", "management canister",
		row{"IC method fetch_canister_logs", "what was printed and why messages trapped, numbered, with times", func(w *world) {
			c := w.canister()
			w.update(c, do.Print("one").Print("two").Send()).replied()
			w.update(c, do.Trap("three")).rejects(failed)
			list := w.logs(owner, c)
			if len(list) != 3 || string(list[0].at("content").bytes()) != "one" || string(list[1].at("content").bytes()) != "two" || !strings.Contains(string(list[2].at("content").bytes()), "three") {
				w.Fatalf("logs %v", list)
			}
			for i, l := range list {
				if got := l.at("idx").number(); got != uint64(i) {
					w.Errorf("record %d has number %d", i, got)
				}
				if at := l.at("timestamp_nanos").number(); at == 0 || at > uint64(w.now().UnixNano()) {
					w.Errorf("record %d has time %d", i, at)
				}
			}
		}},
		row{"IC method fetch_canister_logs", "a runtime trap is told", func(w *world) {
			c := w.canister()
			w.update(c, do.Unreachable()).rejects(failed)
			if got := w.logs(owner, c); len(got) != 1 || len(got[0].at("content").bytes()) == 0 {
				w.Errorf("logs %v", got)
			}
		}},
		row{"IC method fetch_canister_logs", "what a message printed before its trap is there", func(w *world) {
			c := w.canister()
			w.update(c, do.Print("before").Unreachable()).rejects(failed)
			if got := w.logs(owner, c); len(got) != 2 || string(got[0].at("content").bytes()) != "before" {
				w.Errorf("logs %v", got)
			}
		}},
		row{"IC method fetch_canister_logs", "queries leave nothing in the log", func(w *world) {
			c := w.canister()
			w.ask(c, do.Print("query").Send()).replied()
			w.composite(c, do.Print("query").Trap("x")).rejects(failed)
			if got := w.logs(owner, c); len(got) != 0 {
				w.Errorf("logs %v", got)
			}
		}},
		row{"IC method fetch_canister_logs", "replicated queries do", func(w *world) {
			c := w.canister()
			w.call(owner, c, c, "read", do.Print("replicated").Send()).replied()
			if got := w.logs(owner, c); len(got) != 1 {
				w.Errorf("logs %v", got)
			}
		}},
		row{"IC method fetch_canister_logs", "init, timers and callbacks print", func(w *world) {
			c := w.canister(do.Print("init").OnTimer(do.Print("timer")).Timer(1))
			w.until("the timer", func() bool { return len(w.logs(owner, c)) == 2 })
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Print("callback").Send()})).replied()
			if got := w.logs(owner, c); string(got[len(got)-1].at("content").bytes()) != "callback" {
				w.Errorf("logs %v", got)
			}
		}},
		row{"IC method fetch_canister_logs", "controllers alone, unless log_visibility says otherwise", func(w *world) {
			c := w.canister()
			arg := argument("fetch_canister_logs", "canister_id", c)
			w.query(stranger, c, principal.Management, "fetch_canister_logs", arg).fails(destination, rejected, failed)
			w.set(c, "log_visibility", tag("public")).replied()
			w.logs(nobody, c)
			w.set(c, "log_visibility", tag("allowed_viewers", []principal.Principal{stranger.Sender()})).replied()
			w.logs(stranger, c)
			w.logs(owner, c)
			w.query(nobody, c, principal.Management, "fetch_canister_logs", arg).fails(destination, rejected, failed)
			w.set(c, "log_visibility", tag("controllers")).replied()
			w.query(stranger, c, principal.Management, "fetch_canister_logs", arg).fails(destination, rejected, failed)
		}},
		row{"IC method fetch_canister_logs", "it is a query: calls are rejected", func(w *world) {
			c := w.canister()
			w.manage(owner, "fetch_canister_logs", c).fails(destination, rejected, failed)
			rejectedWith(w.viaCanister(c, "fetch_canister_logs", "canister_id", c), destination, rejected, failed)
		}},
		row{"IC method fetch_canister_logs", "a composite query may fetch what its canister may see", func(w *world) {
			c, b := w.canister(), w.canister(do.Print("hello"))
			w.set(b, "log_visibility", tag("allowed_viewers", []principal.Principal{c})).replied()
			o := w.composite(c, relay(call{To: principal.Management, Method: "fetch_canister_logs", Arg: argument("fetch_canister_logs", "canister_id", b)}))
			if got := o.result("fetch_canister_logs").at("canister_log_records").list(); len(got) != 1 {
				w.Errorf("logs %v", got)
			}
		}},
		row{"IC method fetch_canister_logs", "they stay over upgrades and are gone after reinstall and uninstall", func(w *world) {
			c := w.canister(do.Print("one"))
			w.install("upgrade", c, plain(), do.Print("two")).replied()
			if got := w.logs(owner, c); len(got) != 2 {
				w.Errorf("after the upgrade: %v", got)
			}
			w.install("reinstall", c, plain(), nil).replied()
			if got := w.logs(owner, c); len(got) != 0 {
				w.Errorf("after the reinstall: %v", got)
			}
			w.update(c, do.Print("three").Send()).replied()
			w.manage(owner, "uninstall_code", c).replied()
			if got := w.logs(owner, c); len(got) != 0 {
				w.Errorf("after uninstalling: %v", got)
			}
		}},
		row{"IC method fetch_canister_logs", "at most 4 KiB are kept, the newest", func(w *world) {
			c := w.canister()
			for i := range 10 {
				w.update(c, do.Print(strings.Repeat(string(rune('a'+i)), 1000)).Send()).replied()
			}
			size, list := 0, w.logs(owner, c)
			for _, l := range list {
				size += len(l.at("content").bytes())
			}
			if last := list[len(list)-1]; size > 4096 || last.at("content").bytes()[0] != 'j' || last.at("idx").number() != 9 {
				w.Errorf("%d bytes, the last record is %v", size, last)
			}
		}},
	)
}
