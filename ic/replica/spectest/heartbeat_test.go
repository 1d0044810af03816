package spectest_test

func init() {
	describe("heartbeat", "canister interface",
		row{"Heartbeat", "it runs again and again", func(w *world) {
			c := w.canisterWith(options{Heartbeat: true}, do.OnHeartbeat(count))
			for range 4 {
				w.later(2e9)
			}
			if got := w.cell(c, fired); got < 3 {
				w.Errorf("it ran %d times", got)
			}
		}},
		row{"Heartbeat", "its changes stay, those of one that traps do not", func(w *world) {
			c := w.canisterWith(options{Heartbeat: true}, do.OnHeartbeat(count.If(less(1, cell(fired)), do.Unreachable(), nil)))
			for range 4 {
				w.later(2e9)
			}
			w.hasFired(c, 1)
		}},
		row{"Heartbeat", "it can call", func(w *world) {
			b := w.canister()
			c := w.canisterWith(options{Heartbeat: true}, do.OnHeartbeat(do.If(equal(cell(1), 0), do.Set(1, 1).Call(call{To: b, Arg: do.Reply([]byte("x")), OnReply: count}), nil)))
			for range 3 {
				w.later(2e9)
			}
			w.until("the callback", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Heartbeat", "it does not run in a stopped canister", func(w *world) {
			c := w.canisterWith(options{Heartbeat: true}, do.OnHeartbeat(count))
			w.later(2e9)
			w.manage(owner, "stop_canister", c).replied()
			w.later(2e9)
			w.manage(owner, "start_canister", c).replied()
			first := w.cell(c, fired)
			w.manage(owner, "stop_canister", c).replied()
			for range 5 {
				w.later(2e9)
			}
			w.manage(owner, "start_canister", c).replied()
			if got := w.cell(c, fired); got > first+3 {
				w.Errorf("it ran %d times while it was stopped", got-first)
			}
			w.manage(owner, "uninstall_code", c).replied()
		}},
		row{"Heartbeat", "its caller is the management canister", func(w *world) {
			c := w.canisterWith(options{Heartbeat: true}, do.OnHeartbeat(do.Set(1, sum(of("msg_caller_size"), 1))))
			w.later(2e9)
			w.until("the heartbeat", func() bool { return w.cell(c, 1) == 1 })
		}},
	)
}
