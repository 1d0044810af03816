package spectest_test

func init() {
	describe("inspect_message", "canister interface",
		row{"Ingress message inspection", "accepted messages are executed", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.Do("accept_message")))
			w.update(c, do.Reply([]byte("in"))).replies("in")
		}},
		row{"Ingress message inspection", "without accept_message the call is refused", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do))
			w.update(c, do.Set(1, 1).Send()).refuses(rejected)
			if w.cell(c, 1) != 0 {
				w.Error("the call was executed")
			}
		}},
		row{"Ingress message inspection", "a refused call is not known", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do))
			content := w.callContent(owner, "call", c, "run", reply)
			if r := w.post(canisterPath("v2", c, "call"), envelope(content, owner)); r.status == 202 {
				w.Errorf("the answer is %d", r.status)
			}
			id := content.hash()
			w.read(owner, c, to("request_status", id[:])).absent("request_status", id[:], "status")
		}},
		row{"Ingress message inspection", "a trap refuses the call", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.Do("accept_message").Trap("no")))
			w.update(c, reply).fails(failed)
		}},
		row{"Ingress message inspection", "a second accept_message traps", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.Do("accept_message").Do("accept_message")))
			w.update(c, reply).fails(failed)
		}},
		row{"Ingress message inspection", "it sees the method's name", func(w *world) {
			c := w.canisterWith(options{Inspect: true, Exports: []string{"canister_update yes"}}, do.OnInspect(do.If(equal(of("msg_method_name_size"), 3), do.Do("accept_message"), nil)))
			w.call(owner, c, c, "run", do.Reply([]byte("three letters"))).replies("three letters")
			w.call(owner, c, c, "read", reply).refuses(rejected)
		}},
		row{"Ingress message inspection", "it sees the caller", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.If(of("is_controller", blob("msg_caller")), do.Do("accept_message"), nil)))
			w.update(c, do.Reply([]byte("controller"))).replies("controller")
			w.call(stranger, c, c, "run", reply).refuses(rejected)
		}},
		row{"Ingress message inspection", "it sees the argument", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.If(less(of("msg_arg_data_size"), 100), do.Do("accept_message"), nil)))
			w.update(c, do.Reply([]byte("short"))).replies("short")
			w.update(c, do.Reply(make([]byte, 100))).refuses(rejected)
		}},
		row{"Ingress message inspection", "it cannot change anything", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.Add(1, 1).Do("accept_message")))
			w.update(c, reply).replies("")
			if w.cell(c, 1) != 0 {
				w.Error("its changes stayed")
			}
		}},
		row{"Ingress message inspection", "queries, calls of canisters and of the management canister pass it", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do))
			w.ask(c, do.Reply([]byte("query"))).replies("query")
			w.update(w.canister(), relay(call{To: c, Arg: do.Reply([]byte("call"))})).replies("call")
			w.manage(owner, "canister_status", c).replied()
		}},
		row{"Ingress message inspection", "it holds for queries that are called as updates", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do))
			w.call(owner, c, c, "read", reply).refuses(rejected)
		}},
		row{"Resource limits", "it has 200 million instructions", func(w *world) {
			c := w.canisterWith(options{Inspect: true}, do.OnInspect(do.While(1, do.Do("msg_arg_data_copy", free, 0, 1<<16)).Do("accept_message")))
			w.update(c, append(do.Send(), make([]byte, 1<<16)...)).fails(failed)
		}},
	)
}
