package spectest_test

import (
	"bytes"
	"strings"
)

func init() {
	describe("certified data", "canister interface",
		row{"Certified data", "it is empty at first", func(w *world) {
			if got := w.certified(w.canister()); len(got) != 0 {
				w.Errorf("%q", got)
			}
		}},
		row{"Certified data", "what was set last is certified", func(w *world) {
			c := w.canister()
			w.update(c, do.Certify([]byte("first")).Send()).replied()
			w.update(c, do.Certify([]byte("x")).Certify([]byte("second")).Send()).replied()
			if got := w.certified(c); string(got) != "second" {
				w.Errorf("%q", got)
			}
		}},
		row{"Certified data", "32 bytes fit, 33 trap and leave what was there", func(w *world) {
			c := w.canister()
			w.update(c, do.Certify(bytes.Repeat([]byte("x"), 32)).Send()).replied()
			w.update(c, do.Certify(bytes.Repeat([]byte("y"), 33)).Send()).rejects(failed)
			if got := w.certified(c); string(got) != strings.Repeat("x", 32) {
				w.Errorf("%q", got)
			}
		}},
		row{"Certified data", "data beyond the memory traps", func(w *world) {
			w.update(w.canister(), do.Do("certified_data_set", 4<<16-1, 2).Send()).rejects(failed)
		}},
		row{"Certified data", "a trap undoes it", func(w *world) {
			c := w.canister(do.Certify([]byte("kept")))
			w.update(c, do.Certify([]byte("lost")).Unreachable()).rejects(failed)
			if got := w.certified(c); string(got) != "kept" {
				w.Errorf("%q", got)
			}
		}},
		row{"Certified data", "init, pre_upgrade, post_upgrade and callbacks set it", func(w *world) {
			c := w.canister(do.Certify([]byte("init")).OnUpgrade(do.Certify([]byte("before"))))
			if got := w.certified(c); string(got) != "init" {
				w.Errorf("%q", got)
			}
			w.install("upgrade", c, plain(), nil).replied()
			if got := w.certified(c); string(got) != "before" {
				w.Errorf("%q", got)
			}
			w.install("upgrade", c, plain(), do.Certify([]byte("after"))).replied()
			if got := w.certified(c); string(got) != "after" {
				w.Errorf("%q", got)
			}
			w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Certify([]byte("callback")).Send()})).replied()
			if got := w.certified(c); string(got) != "callback" {
				w.Errorf("%q", got)
			}
		}},
		row{"Certified data", "it stays over upgrades and is gone after reinstall", func(w *world) {
			c := w.canister(do.Certify([]byte("data")))
			w.install("upgrade", c, plain(), nil).replied()
			if got := w.certified(c); string(got) != "data" {
				w.Errorf("%q", got)
			}
			w.install("reinstall", c, plain(), nil).replied()
			if got := w.certified(c); len(got) != 0 {
				w.Errorf("%q", got)
			}
		}},
		row{"Certified data", "a certificate is present in queries and composite queries of users alone", func(w *world) {
			c := w.canister()
			p := do.Put(of("data_certificate_present")).Send()
			w.ask(c, p).gives(1)
			w.composite(c, p).gives(1)
			w.update(c, p).gives(0)
			w.call(owner, c, c, "read", p).gives(0)
			w.update(c, relay(call{To: c, Method: "read", Arg: p})).gives(0)
		}},
		row{"Certified data", "in a composite query's callbacks and callees there is none", func(w *world) {
			c := w.canister()
			p := do.Put(of("data_certificate_present")).Send()
			w.composite(c, relay(call{To: w.friend(), Method: "read", Arg: p})).gives(0)
			w.composite(c, do.Call(call{To: w.friend(), Method: "read", Arg: reply, OnReply: p})).gives(0)
		}},
		row{"Certified data", "without a certificate its size traps", func(w *world) {
			c := w.canister()
			w.update(c, do.Put(of("data_certificate_size")).Send()).rejects(failed)
			rejectedWith(w.composite(c, relay(call{To: w.friend(), Method: "read", Arg: do.Put(of("data_certificate_size")).Send()})), failed)
		}},
		row{"Certified data", "a copy beyond the certificate traps", func(w *world) {
			w.ask(w.canister(), do.Do("data_certificate_copy", free, 1, of("data_certificate_size")).Send()).rejects(failed)
		}},
		row{"Certified data", "the certificate has the time and verifies for the canister", func(w *world) {
			c := w.canister(do.Certify([]byte("data")))
			raw := w.ask(c, do.Give(blob("data_certificate")).Send()).replied()
			w.proof(raw, c).value("time")
		}},
	)
}
