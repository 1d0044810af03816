package spectest_test

import (
	"assay/ic/principal"
)

func init() {
	describe("timers", "canister interface",
		row{"Global timer", "setting it gives the value before", func(w *world) {
			w.update(w.canister(), do.Put(of("global_timer_set", 1<<62)).Put(of("global_timer_set", 1<<61)).Put(of("global_timer_set", 0)).Put(of("global_timer_set", 0)).Send()).
				gives(0, 1<<62, 1<<61, 0)
		}},
		row{"Global timer", "it fires when its time has come, not before, and once", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(100)).Send()).replied()
			w.later(50e9)
			w.hasFired(c, 0)
			w.later(60e9)
			w.tick()
			w.hasFired(c, 1)
			w.later(200e9)
			w.hasFired(c, 1)
		}},
		row{"Global timer", "a time in the past fires at once", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(1).Send()).replied()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "the current time fires at once", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(of("time")).Send()).replied()
			w.later(1e9)
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "0 deactivates it", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(10)).Send()).replied()
			w.update(c, setTimer(0).Send()).replied()
			w.later(20e9)
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "it is off once it fired", func(w *world) {
			c := w.canister(do.OnTimer(count.Set(1, sum(of("global_timer_set", 0), 1))).Timer(1))
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
			if got := w.cell(c, 1); got != 1 {
				w.Errorf("the timer was %d when it fired", got-1)
			}
		}},
		row{"Global timer", "it can be set again by the timer itself", func(w *world) {
			c := w.canister(do.OnTimer(count.If(less(cell(fired), 3), setTimer(in(10)), nil)).Timer(1))
			for range 5 {
				w.later(20e9)
				w.tick()
			}
			w.hasFired(c, 3)
		}},
		row{"Global timer", "it is off after a trap of the timer", func(w *world) {
			c := w.canister(do.OnTimer(count.Unreachable()).Timer(1))
			w.tick()
			w.tick()
			w.hasFired(c, 0)
			w.update(c, do.Put(of("global_timer_set", 0)).Send()).gives(0)
		}},
		row{"Global timer", "setting it in a message that traps does nothing", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(1).Unreachable()).rejects(failed)
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "init sets it", func(w *world) {
			c := w.canister(do.OnTimer(count).Timer(1))
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "post_upgrade sets it", func(w *world) {
			c := w.canister()
			w.install("upgrade", c, plain(), do.OnTimer(count).Timer(1)).replied()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "an upgrade deactivates it", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(50)).Send()).replied()
			w.install("upgrade", c, plain(), do.OnTimer(count)).replied()
			w.update(c, do.Put(of("global_timer_set", 0)).Send()).gives(0)
			w.later(100e9)
			w.hasFired(c, 0)
		}},
		row{"Global timer", "what pre_upgrade sets is deactivated, too", func(w *world) {
			c := w.canister(do.OnUpgrade(setTimer(1)))
			w.install("upgrade", c, plain(), do.OnTimer(count)).replied()
			w.tick()
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "a reinstall deactivates it", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(50)).Send()).replied()
			w.install("reinstall", c, plain(), do.OnTimer(count)).replied()
			w.later(100e9)
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "uninstalling deactivates it", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(50)).Send()).replied()
			w.manage(owner, "uninstall_code", c).replied()
			w.install("install", c, plain(), do.OnTimer(count)).replied()
			w.later(100e9)
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "a failed upgrade leaves it", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(50)).Send()).replied()
			w.install("upgrade", c, plain(), do.Trap("no")).rejects(failed)
			w.later(100e9)
			w.tick()
			w.hasFired(c, 1)
		}},
		row{"Call context creation", "a stopped canister's timer waits until it runs", func(w *world) {
			c := w.canister(do.OnTimer(count))
			w.update(c, setTimer(in(50)).Send()).replied()
			w.manage(owner, "stop_canister", c).replied()
			w.later(100e9)
			w.tick()
			w.manage(owner, "start_canister", c).replied()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "post_upgrade of a stopped canister sets it for later", func(w *world) {
			c := w.canister()
			w.manage(owner, "stop_canister", c).replied()
			w.install("upgrade", c, plain(), do.OnTimer(count).Timer(1)).replied()
			w.tick()
			w.manage(owner, "start_canister", c).replied()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
		row{"Global timer", "the timer can call others", func(w *world) {
			b := w.canister()
			c := w.canister(do.OnTimer(do.Call(call{To: b, Arg: do.Add(1, 1).Reply([]byte("x")), OnReply: count})).Timer(1))
			w.until("the callback", func() bool { return w.cell(c, fired) == 1 })
			if got := w.cell(b, 1); got != 1 {
				w.Errorf("called %d times", got)
			}
		}},
		row{"Global timer", "the timer cannot answer", func(w *world) {
			c := w.canister(do.OnTimer(count.Reply(nil)).Timer(1))
			w.tick()
			w.tick()
			w.hasFired(c, 0)
		}},
		row{"Global timer", "a timer's callback cannot answer", func(w *world) {
			c := w.canister(do.OnTimer(do.Call(call{To: w.friend(), Method: "read", Arg: reply, OnReply: count.Reply(nil), OnCleanup: do.Set(1, 1)})).Timer(1))
			w.until("the cleanup", func() bool { return w.cell(c, 1) == 1 })
			w.hasFired(c, 0)
		}},
		row{"Call context creation", "a frozen canister's timer waits", func(w *world) {
			c := w.rich(trillion)
			w.update(c, do.OnTimer(count).Drop(of("global_timer_set", in(50))).Send()).replied()
			w.set(c, "freezing_threshold", 31_536_000*1000).replied()
			w.later(100e9)
			w.tick()
			w.set(c, "freezing_threshold", 0).replied()
			w.until("the timer", func() bool { return w.cell(c, fired) == 1 })
		}},
	)
}

// fired is a cell that counts how often a task ran.
const fired = 3

var count = do.Add(fired, 1)

func (w *world) hasFired(c principal.Principal, times uint64) {
	w.Helper()
	if got := w.cell(c, fired); got != times {
		w.Errorf("%s: it ran %d times, want %d", w.section, got, times)
	}
}

// in is the time after so many seconds.
func in(seconds uint64) any { return sum(of("time"), seconds*1e9) }

func setTimer(at any) program { return do.Drop(of("global_timer_set", at)) }
