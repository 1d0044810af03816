package spectest_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"

	"assay/ic/candid/text"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
)

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(b)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // a buffer in memory
	}
	return out.Bytes()
}

// other is the same module with another hash.
var other = replicatest.Wasm(options{Different: 1})

func (w *world) hash(c principal.Principal) []byte {
	w.Helper()
	return w.read(owner, c, to("canister", c, "module_hash")).value("canister", c, "module_hash")
}

func (w *world) hasModule(c principal.Principal, wasm []byte) {
	w.Helper()
	if want := sha256.Sum256(wasm); !bytes.Equal(w.hash(c), want[:]) {
		w.Errorf("%s: module hash %x, want %x", w.section, w.hash(c), want)
	}
}

// upgrade with flags.
func (w *world) upgrade(c principal.Principal, wasm []byte, arg program, flags ...any) outcome {
	w.Helper()
	return w.manage(owner, "install_code", c, "mode", tag("upgrade", fields(flags...)), "wasm_module", wasm, "arg", append(program{}, arg...))
}

func init() {
	describe("install", "management canister",
		row{"IC method install_code", "an empty canister takes a module, whose init gets the argument", func(w *world) {
			c := w.create()
			w.install("install", c, plain(), do.Set(1, 7)).replies("DIDL\x00\x00")
			w.hasModule(c, plain())
			if got := w.cell(c, 1); got != 7 {
				w.Errorf("init left %d", got)
			}
		}},
		row{"IC method install_code", "a canister with a module refuses another install", func(w *world) {
			c := w.canister(do.Set(1, 7))
			w.install("install", c, other, nil).fails(failed)
			w.hasModule(c, plain())
			if w.cell(c, 1) != 7 {
				w.Error("the state changed")
			}
		}},
		row{"IC method install_code", "reinstall replaces code, heap, stable memory", func(w *world) {
			c := w.canister(do.Set(1, 7).StableGrow(2).AddGlobal(3))
			w.install("reinstall", c, other, nil).replied()
			w.hasModule(c, other)
			w.ask(c, do.Put(cell(1)).AppendStableSize().AppendGlobal().Send()).gives(0, 0, 1)
		}},
		row{"IC method install_code", "reinstall works on an empty canister", func(w *world) {
			c := w.create()
			w.install("reinstall", c, plain(), do.Set(1, 7)).replied()
			if w.cell(c, 1) != 7 {
				w.Error("init did not run")
			}
		}},
		row{"IC method install_code", "upgrade replaces code, runs post_upgrade and not init, keeps stable memory", func(w *world) {
			c := w.canister(do.Set(1, 7).StableGrow(1).StableWrite(0, []byte("kept")))
			w.install("upgrade", c, other, do.Set(2, 8)).replied()
			w.hasModule(c, other)
			w.ask(c, do.Put(cell(1)).Put(cell(2)).AppendStable(0, 4).Send()).replies(le(0) + le(8) + "kept")
		}},
		row{"IC method install_code", "upgrade of an empty canister is rejected", func(w *world) {
			w.install("upgrade", w.create(), plain(), nil).fails(failed)
		}},
		row{"IC method install_code", "only controllers install", func(w *world) {
			c := w.canister()
			for _, mode := range []string{"install", "reinstall", "upgrade"} {
				w.installAs(stranger, mode, c, other, nil).fails(destination, failed)
				w.installAs(nobody, mode, c, other, nil).fails(destination, failed)
			}
			w.hasModule(c, plain())
		}},
		row{"IC method install_code", "a new controller installs, the old one no more", func(w *world) {
			c := w.canister()
			w.set(c, "controllers", []principal.Principal{stranger.Sender()}).replied()
			w.install("reinstall", c, plain(), nil).fails(destination, failed)
			w.installAs(stranger, "reinstall", c, plain(), nil).replied()
		}},
		row{"IC method install_code", "a canister that is not there is rejected", func(w *world) {
			w.install("install", principal.Canister(1<<20), plain(), nil).fails(destination, failed)
		}},
		row{"Canister module format", "a compressed module is installed, its hash is of the compressed bytes", func(w *world) {
			c := w.create()
			z := zipped(plain())
			w.install("install", c, z, do.Set(1, 7)).replied()
			w.hasModule(c, z)
			w.install("reinstall", c, z, nil).replied()
			w.install("reinstall", c, plain(), nil).replied()
			w.hasModule(c, plain())
			w.install("upgrade", c, z, nil).replied()
			w.hasModule(c, z)
		}},
		row{"Canister module format", "bytes that are no module are rejected", func(w *world) {
			c := w.create()
			for _, b := range [][]byte{nil, []byte("hello"), []byte("\x00asm\x02\x00\x00\x00"), {0x1f, 0x8b, 0x08, 1, 2, 3}, zipped([]byte("hello")), zipped(plain())[:1000], plain()[:1000]} {
				w.install("install", c, b, nil).fails(failed)
			}
			w.read(owner, c, to("canister", c, "module_hash")).absent("canister", c, "module_hash")
		}},
		row{"Canister initialization", "a trap in init leaves the canister empty", func(w *world) {
			c := w.create()
			w.install("install", c, plain(), do.StableGrow(1).Trap("no")).rejects(failed, "no")
			w.read(owner, c, to("canister", c, "module_hash")).absent("canister", c, "module_hash")
		}},
		row{"Canister initialization", "a trap in init of a reinstall leaves everything", func(w *world) {
			c := w.canister(do.Set(1, 7).StableGrow(1))
			w.install("reinstall", c, other, do.Trap("no")).rejects(failed)
			w.hasModule(c, plain())
			w.ask(c, do.Put(cell(1)).AppendStableSize().Send()).gives(7, 1)
		}},
		row{"Canister initialization", "replying in init traps", func(w *world) {
			w.install("install", w.create(), plain(), do.Reply(nil)).rejects(failed)
		}},
		row{"Canister initialization", "rejecting in init traps", func(w *world) {
			w.install("install", w.create(), plain(), do.Reject("no")).rejects(failed)
		}},
		row{"Module requirements", "the start function runs before init", func(w *world) {
			c := w.create()
			w.install("install", c, replicatest.Wasm(options{Start: do.Set(1, 3)}), do.Set(2, cell(1))).replied()
			w.ask(c, do.Put(cell(1)).Put(cell(2)).Send()).gives(3, 3)
		}},
		row{"Module requirements", "a trap in the start function fails the installation", func(w *world) {
			c := w.create()
			w.install("install", c, replicatest.Wasm(options{BadInit: true}), nil).rejects(failed)
			w.read(owner, c, to("canister", c, "module_hash")).absent("canister", c, "module_hash")
		}},
		row{"Canister upgrades", "the start function runs on the new instance, after pre_upgrade", func(w *world) {
			c := w.canister(do.StableGrow(1).OnUpgrade(do.StableWrite(0, []byte{9})))
			start := do.Do("stable64_read", free, 0, 1)
			w.install("upgrade", c, replicatest.Wasm(options{Start: start}), do.Keep(0, at(free, 1))).replied()
			w.ask(c, do.Give(kept(0)).Send()).replies("\x09")
		}},
		row{"Canister upgrades", "pre_upgrade runs on the old instance", func(w *world) {
			c := w.canister(do.Set(1, 7).StableGrow(1).OnUpgrade(do.Keep(1, wide(balance)).StableWrite(0, []byte("saved"))))
			w.install("upgrade", c, other, nil).replied()
			w.ask(c, do.AppendStable(0, 5).Send()).replies("saved")
		}},
		row{"Canister upgrades", "a trap in pre_upgrade leaves everything", func(w *world) {
			c := w.canister(do.Set(1, 7).StableGrow(1).OnUpgrade(do.StableWrite(0, []byte("lost")).Set(1, 8).Trap("no")))
			w.install("upgrade", c, other, nil).rejects(failed, "no")
			w.hasModule(c, plain())
			w.ask(c, do.Put(cell(1)).AppendStable(0, 4).Send()).replies(le(7) + "\x00\x00\x00\x00")
		}},
		row{"Canister upgrades", "a trap in post_upgrade undoes pre_upgrade too", func(w *world) {
			c := w.canister(do.Set(1, 7).StableGrow(1).OnUpgrade(do.StableWrite(0, []byte("lost"))))
			w.install("upgrade", c, other, do.StableGrow(5).Trap("no")).rejects(failed, "no")
			w.hasModule(c, plain())
			w.ask(c, do.Put(cell(1)).AppendStable(0, 4).AppendStableSize().Send()).replies(le(7) + "\x00\x00\x00\x00" + le(1))
		}},
		row{"Canister upgrades", "pre_upgrade that calls or reads its argument traps", func(w *world) {
			for _, p := range []program{begun(anyID).Do("call_perform"), do.Drop(of("msg_arg_data_size")), do.Reply(nil)} {
				c := w.canister(do.OnUpgrade(p))
				w.install("upgrade", c, other, nil).rejects(failed)
				w.hasModule(c, plain())
			}
		}},
		row{"Canister upgrades", "post_upgrade that calls or replies traps", func(w *world) {
			c := w.canister(do.StableGrow(1))
			for _, p := range []program{begun(anyID).Do("call_perform"), do.Reply(nil)} {
				w.install("upgrade", c, other, p).rejects(failed)
				w.hasModule(c, plain())
			}
		}},
		row{"IC method install_code", "skip_pre_upgrade skips it", func(w *world) {
			c := w.canister(do.Set(1, 7).StableGrow(1).OnUpgrade(do.Trap("always")))
			w.upgrade(c, other, nil).rejects(failed)
			w.upgrade(c, other, nil, "skip_pre_upgrade", false).rejects(failed)
			w.upgrade(c, other, nil, "skip_pre_upgrade", true).replied()
			w.hasModule(c, other)
		}},
		row{"Canister upgrades", "heap and globals are fresh after an upgrade", func(w *world) {
			c := w.canister(do.Set(1, 7).AddGlobal(7).HeapGrow(3))
			w.upgrade(c, plain(), nil, "wasm_memory_persistence", tag("replace")).replied()
			w.ask(c, do.Put(cell(1)).AppendGlobal().Put(heapSize()).Send()).gives(0, 0, 4)
		}},
		row{"IC method install_code", "calls that are open over an upgrade find the new code", func(w *world) {
			h := w.hold()
			a := w.canister()
			// The callback's program lies in the old heap; the new one has zeros there, an end.
			p := w.submit(owner, a, a, "run", relay(h.call(call{})))
			w.tick()
			w.install("upgrade", a, plain(), nil).replied()
			h.release()
			p.ends().rejects(failed)
		}},
		row{"IC method install_code", "upgrading a stopped canister leaves it stopped, and pre_upgrade and post_upgrade see it", func(w *world) {
			c := w.canister(do.StableGrow(1).OnUpgrade(do.If(replicatest.Equal(of("canister_status"), 3), do.StableWrite(0, []byte{3}), nil)))
			w.manage(owner, "stop_canister", c).replied()
			w.install("upgrade", c, plain(), do.Set(1, of("canister_status"))).replied()
			w.manage(owner, "start_canister", c).replied()
			w.ask(c, do.Put(cell(1)).AppendStable(0, 1).Send()).replies(le(3) + "\x03")
		}},
		row{"IC method install_code", "an argument that is not Candid is rejected", func(w *world) {
			c := w.create()
			w.call(owner, c, principal.Management, "install_code", []byte("nonsense")).fails(rejected, failed)
		}},
		row{"IC method install_code", "a canister installs into one that it controls, with cycles refunded", func(w *world) {
			a := w.canister()
			b := w.create("controllers", []principal.Principal{a})
			install := func(mode string, arg program) outcome {
				return w.update(a, relay(call{To: principal.Management, Method: "install_code", Arg: argument("install_code", "canister_id", b, "mode", tag(mode), "wasm_module", plain(), "arg", append(program{}, arg...))}))
			}
			install("install", do.Set(1, 7)).replies("DIDL\x00\x00")
			if w.cell(b, 1) != 7 {
				w.Error("init did not run")
			}
			rejectedWith(install("install", nil), failed)
			install("reinstall", nil).replies("DIDL\x00\x00")
			install("upgrade", nil).replies("DIDL\x00\x00")
		}},
		row{"IC method install_code", "a canister that is not a controller cannot install", func(w *world) {
			rejectedWith(w.update(w.canister(), relay(call{To: principal.Management, Method: "install_code", Arg: argument("install_code", "canister_id", w.canister(), "mode", tag("reinstall"), "wasm_module", plain(), "arg", program{})})), destination, failed)
		}},
		row{"IC method install_code", "a wrong sender_canister_version of a canister is a trap, the right one works", func(w *world) {
			a := w.canister()
			b := w.create("controllers", []principal.Principal{a})
			version := w.ask(a, do.Put(of("canister_version")).Send()).number()
			install := func(version uint64) outcome {
				return w.update(a, relay(call{To: principal.Management, Method: "install_code", Arg: argument("install_code", "canister_id", b, "mode", tag("reinstall"), "wasm_module", plain(), "arg", []byte{}, "sender_canister_version", version)}))
			}
			if o := install(version + 1000); o.kind == "replied" {
				rejectedWith(o, rejected, failed)
			} else {
				o.rejects(failed)
			}
			install(w.ask(a, do.Put(of("canister_version")).Send()).number()).replies("DIDL\x00\x00")
		}},
		row{"IC method install_code", "the mode upgrade may be a variant without payload", func(w *world) {
			c := w.canister()
			w.call(owner, c, principal.Management, "install_code", olderArgument("install_code", "mode", tag("upgrade"), "canister_id", c, "wasm_module", other, "arg", do.Set(1, 7))).replies("DIDL\x00\x00")
			w.hasModule(c, other)
			if got := w.cell(c, 1); got != 7 {
				w.Errorf("the cell holds %d", got)
			}
		}},
		row{"Interface overview", "fields and arguments that a method does not know are ignored", func(w *world) {
			c := w.create()
			arg := olderArgument("canister_status", "canister_id", c, "what", "ever")
			w.call(owner, c, principal.Management, "canister_status", arg).replied()
			w.query(owner, c, principal.Management, "canister_status", arg).replied()
		}},
		row{"IC method uninstall_code", "the canister is empty then, and takes no calls", func(w *world) {
			c := w.canister()
			w.manage(owner, "uninstall_code", c).replies("DIDL\x00\x00")
			w.read(owner, c, to("canister", c, "module_hash")).absent("canister", c, "module_hash")
			w.update(c, reply).fails(destination, failed)
			w.ask(c, reply).fails(destination, failed)
		}},
		row{"IC method uninstall_code", "an empty canister can be uninstalled", func(w *world) {
			c := w.create()
			w.manage(owner, "uninstall_code", c).replied()
			w.manage(owner, "uninstall_code", c).replied()
		}},
		row{"IC method uninstall_code", "only controllers uninstall", func(w *world) {
			c := w.canister()
			w.manage(stranger, "uninstall_code", c).fails(destination, failed)
			w.hasModule(c, plain())
		}},
		row{"IC method uninstall_code", "heap, stable memory and certified data are gone, controllers and cycles stay", func(w *world) {
			c := w.canister(do.Set(1, 7).StableGrow(1).Certify([]byte("data")))
			w.manage(owner, "uninstall_code", c).replied()
			w.install("install", c, plain(), nil).replied()
			w.ask(c, do.Put(cell(1)).AppendStableSize().Send()).gives(0, 0)
			if got := w.certified(c); len(got) != 0 {
				w.Errorf("certified data %q", got)
			}
			if got := w.balance(c); got < 90*trillion {
				w.Errorf("%d cycles", got)
			}
		}},
		row{"IC method uninstall_code", "open calls are rejected", func(w *world) {
			h, a := w.hold(), w.canister()
			p := w.submit(owner, a, a, "run", relay(h.call(call{})))
			w.tick()
			p.open()
			w.manage(owner, "uninstall_code", a).replied()
			p.ends().rejects(rejected)
			h.release()
		}},
		row{"IC method uninstall_code", "callbacks of calls made before do not run, even with code again", func(w *world) {
			h, a := w.hold(), w.canister()
			c := h.call(call{})
			c.OnReply, c.OnReject = do.Set(1, 1), do.Set(1, 1)
			w.submit(owner, a, a, "run", do.Call(c))
			w.tick()
			w.manage(owner, "uninstall_code", a).replied()
			w.install("install", a, plain(), nil).replied()
			h.release()
			w.tick()
			w.tick()
			if w.cell(a, 1) != 0 {
				w.Error("the callback ran")
			}
		}},
		row{"IC method uninstall_code", "cycles in answers that come later are refunded", func(w *world) {
			h, a := w.hold(), w.rich(10*trillion)
			c := h.call(call{Cycles: 5 * trillion})
			c.OnReply = do.Send()
			w.submit(owner, a, a, "run", do.Call(c))
			w.tick()
			w.manage(owner, "uninstall_code", a).replied()
			w.near("the balance", w.balance(a), 5*trillion)
			h.release()
			w.until("the refund", func() bool { return w.balance(a) > 9*trillion })
		}},
		row{"IC method uninstall_code", "a deleted call context keeps a canister from stopping until its call is answered", func(w *world) {
			h, a := w.hold(), w.canister()
			w.submit(owner, a, a, "run", relay(h.call(call{})))
			w.tick()
			w.manage(owner, "uninstall_code", a).replied()
			w.install("install", a, plain(), nil).replied()
			stop := w.begin(owner, "stop_canister", a)
			w.tick()
			stop.open()
			h.release()
			stop.ends().replied()
		}},
		row{"IC method uninstall_code", "a canister uninstalls one that it controls", func(w *world) {
			a := w.canister()
			b := w.createAs(owner, trillion, "controllers", []principal.Principal{a, owner.Sender()})
			w.load(b, plain())
			w.update(a, relay(call{To: principal.Management, Method: "uninstall_code", Arg: argument("uninstall_code", "canister_id", b)})).replies("DIDL\x00\x00")
			w.statusOf(b).at("module_hash").is(text.Null{})
		}},
	)
}

// certified is a canister's certified data, read through its certificate.
func (w *world) certified(c principal.Principal) []byte {
	w.Helper()
	raw := w.ask(c, do.Give(blob("data_certificate")).Send()).replied()
	return w.proof(raw, c).value("canister", c, "certified_data")
}
