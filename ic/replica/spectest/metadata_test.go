package spectest_test

import (
	"assay/ic/principal"
)

func init() {
	describe("metadata", "HTTPS interface",
		row{"Canister information", "a public section is read by anybody", func(w *world) {
			c := w.canisterWith(options{Public: map[string]string{"hello": "world"}})
			if got := w.read(nobody, c, to("canister", c, "metadata", "hello")).value("canister", c, "metadata", "hello"); string(got) != "world" {
				w.Errorf("section %q", got)
			}
		}},
		row{"Canister information", "a private section is read by controllers", func(w *world) {
			c := w.canisterWith(options{Private: map[string]string{"secret": "word"}})
			if got := w.read(owner, c, to("canister", c, "metadata", "secret")).value("canister", c, "metadata", "secret"); string(got) != "word" {
				w.Errorf("section %q", got)
			}
			w.tryRead(stranger, c, to("canister", c, "metadata", "secret")).refused()
			w.tryRead(nobody, c, to("canister", c, "metadata", "secret")).refused()
		}},
		row{"Canister information", "a section that is not there is absent", func(w *world) {
			c := w.canister()
			w.read(nobody, c, to("canister", c, "metadata", "none")).absent("canister", c, "metadata", "none")
			d := w.create()
			w.read(nobody, d, to("canister", d, "metadata", "none")).absent("canister", d, "metadata", "none")
			e := principal.Canister(1 << 20)
			w.read(nobody, e, to("canister", e, "metadata", "none")).absent("canister", e, "metadata", "none")
		}},
		row{"Canister information", "names may be empty, have spaces, and any script", func(w *world) {
			all := map[string]string{"": "a", "name with spaces": "b", "☃": "c"}
			c := w.canisterWith(options{Public: all})
			for name, want := range all {
				if got := w.read(nobody, c, to("canister", c, "metadata", name)).value("canister", c, "metadata", name); string(got) != want {
					w.Errorf("section %q is %q", name, got)
				}
			}
		}},
		row{"Request: Read state", "a name that is not UTF-8 is refused", func(w *world) {
			c := w.canister()
			w.tryRead(owner, c, to("canister", c, "metadata", "\xff\xfe")).refused()
		}},
		row{"Canister information", "sections are replaced by an upgrade and gone after uninstall", func(w *world) {
			c := w.canisterWith(options{Public: map[string]string{"a": "old", "b": "old"}})
			w.install("upgrade", c, assemble(options{Public: map[string]string{"a": "new"}}), nil).replied()
			p := w.read(nobody, c, to("canister", c, "metadata", "a"), to("canister", c, "metadata", "b"))
			if got := p.value("canister", c, "metadata", "a"); string(got) != "new" {
				w.Errorf("section %q", got)
			}
			p.absent("canister", c, "metadata", "b")
			w.manage(owner, "uninstall_code", c).replied()
			w.read(nobody, c, to("canister", c, "metadata", "a")).absent("canister", c, "metadata", "a")
		}},
		row{"IC method canister_metadata", "canisters read public sections", func(w *world) {
			c := w.canisterWith(options{Public: map[string]string{"hello": "world"}})
			if got := w.viaCanister(w.canister(), "canister_metadata", "canister_id", c, "name", "hello").result("canister_metadata").at("value").bytes(); string(got) != "world" {
				w.Errorf("section %q", got)
			}
		}},
		row{"IC method canister_metadata", "controllers alone read private ones", func(w *world) {
			c := w.canisterWith(options{Private: map[string]string{"secret": "word"}})
			a := w.canister()
			rejectedWith(w.viaCanister(a, "canister_metadata", "canister_id", c, "name", "secret"), destination, rejected, failed)
			w.set(c, "controllers", []principal.Principal{a}).replied()
			if got := w.viaCanister(a, "canister_metadata", "canister_id", c, "name", "secret").result("canister_metadata").at("value").bytes(); string(got) != "word" {
				w.Errorf("section %q", got)
			}
		}},
		row{"IC method canister_metadata", "a section or module that is not there is rejected", func(w *world) {
			a := w.canister()
			rejectedWith(w.viaCanister(a, "canister_metadata", "canister_id", w.canister(), "name", "none"), destination, rejected, failed)
			rejectedWith(w.viaCanister(a, "canister_metadata", "canister_id", w.create(), "name", "none"), destination, rejected, failed)
		}},
		row{"IC method canister_metadata", "users cannot call it", func(w *world) {
			c := w.canisterWith(options{Public: map[string]string{"hello": "world"}})
			w.manage(owner, "canister_metadata", c, "name", "hello").fails(destination, rejected, failed)
		}},
	)
}
