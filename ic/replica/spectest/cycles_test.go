package spectest_test

import (
	"math/big"

	"assay/ic/principal"
	"assay/ic/replica/replicatest"
)

// rich makes a canister with so many cycles.
func (w *world) rich(cycles uint64) principal.Principal {
	w.Helper()
	c := w.createAs(owner, cycles)
	w.load(c, replicatest.Plain())
	return c
}

// balance is what canister_status says.
func (w *world) balance(c principal.Principal) uint64 {
	w.Helper()
	return w.statusOf(c).at("cycles").number()
}

// near holds that two amounts differ by fees at most.
func (w *world) near(what string, got, want uint64) {
	w.Helper()
	const fees = trillion * 2 / 5 // what an installation sets aside is 0.3 T
	if got+fees < want || got > want+fees {
		w.Errorf("%s: %s is %d, want about %d", w.section, what, got, want)
	}
}

const (
	available = "msg_cycles_available128"
	refunded  = "msg_cycles_refunded128"
	balance   = "canister_cycle_balance128"
	liquid    = "canister_liquid_cycle_balance128"
)

// accepting accepts cycles and drops what the system call gives.
func accepting(n uint64) program { return do.Drop(replicatest.Of("msg_cycles_accept", n)) }

func init() {
	describe("cycles", "canister interface",
		row{"Cycles", "a fresh canister has what it was created with", func(w *world) {
			c := w.createAs(owner, 5*trillion)
			w.near("the balance", w.balance(c), 5*trillion)
		}},
		row{"Cycles", "both balance calls agree", func(w *world) {
			c := w.rich(3 * trillion)
			got := w.ask(c, do.Put(of("canister_cycle_balance")).Give(wide(balance)).Send()).numbers()
			if got[0] != got[1] || got[2] != 0 {
				w.Errorf("balances %d", got)
			}
			w.near("the balance", got[0], 3*trillion)
		}},
		row{"Cycles", "a balance over 64 bits traps the short call alone", func(w *world) {
			c := w.canister()
			big128 := new(big.Int).Lsh(big.NewInt(1), 100)
			w.manage(owner, "provisional_top_up_canister", c, "amount", big128).replied()
			w.ask(c, do.Put(of("canister_cycle_balance")).Send()).rejects(failed)
			if got := w.ask(c, do.Give(wide(balance)).Send()).numbers(); got[1] < 1<<36-1 {
				w.Errorf("the balance is %d", got)
			}
		}},
		row{"Cycles", "more than 2^128 cycles cannot be had, asking for them succeeds", func(w *world) {
			c := w.canister()
			huge := new(big.Int).Lsh(big.NewInt(1), 130)
			w.manage(owner, "provisional_top_up_canister", c, "amount", huge).replied()
			if got := w.ask(c, do.Give(wide(balance)).Send()).numbers(); got[1] < 1<<36 {
				w.Errorf("the balance is %d", got)
			}
		}},
		row{"Cycles", "the balance can be read in init, pre_upgrade, post_upgrade, callbacks", func(w *world) {
			store := func(at int) program { return do.Do("stable64_write", at, wide(balance)) }
			c := w.createAs(owner, 3*trillion)
			w.load(c, plain(), do.StableGrow(1), store(0), do.OnUpgrade(store(16)))
			w.install("upgrade", c, plain(), store(32)).replied()
			for _, got := range w.ask(c, do.AppendStable(0, 48).Send()).amounts() {
				w.near("the balance", got, 3*trillion)
			}
			got := w.update(c, do.Call(call{To: c, Method: "read", Arg: reply, OnReply: do.Give(wide(balance)).Send()})).amounts()
			w.near("the balance", got[0], 3*trillion)
		}},
		row{"Cycles", "an update from a user has no cycles available", func(w *world) {
			w.update(w.canister(), do.Give(wide(available)).Put(of("msg_cycles_available")).Send()).gives(0, 0, 0)
		}},
		row{"Cycles", "accepting nothing gives nothing", func(w *world) {
			w.update(w.canister(), do.Put(of("msg_cycles_accept", 0)).Give(wide("msg_cycles_accept128", 0, 0)).Send()).gives(0, 0, 0)
		}},
		row{"Cycles", "accepting more than available gives what is available", func(w *world) {
			w.update(w.canister(), do.Put(of("msg_cycles_accept", trillion)).Send()).gives(0)
			got := w.update(w.canister(), relay(call{To: w.canister(), Cycles: 50, Arg: do.Put(of("msg_cycles_accept", 80)).Send()})).numbers()
			if got[0] != 50 {
				w.Errorf("accepted %d of 50", got[0])
			}
		}},
		row{"Cycles", "accepting the largest amount does not trap", func(w *world) {
			w.update(w.canister(), do.Give(wide("msg_cycles_accept128", ^uint64(0), ^uint64(0))).Send()).gives(0, 0)
		}},
		row{"Cycles", "cycles are accepted in parts", func(w *world) {
			w.update(w.canister(), relay(call{
				To: w.canister(), Cycles: 100,
				Arg: do.Put(of("msg_cycles_available")).Put(of("msg_cycles_accept", 30)).Put(of("msg_cycles_available")).
					Put(of("msg_cycles_accept", 40)).Put(of("msg_cycles_available")).Send(),
			})).gives(100, 30, 70, 40, 30)
		}},
		row{"Cycles", "accepted cycles are in the balance at once", func(w *world) {
			got := w.update(w.canister(), relay(call{
				To: w.canister(), Cycles: trillion,
				Arg: do.Set(1, of("canister_cycle_balance")).Drop(of("msg_cycles_accept", trillion)).Put(replicatest.Difference(of("canister_cycle_balance"), cell(1))).Send(),
			})).number()
			if got != trillion {
				w.Errorf("the balance grew by %d", got)
			}
		}},
		row{"Cycles", "cycles move from caller to callee", func(w *world) {
			a, b := w.rich(10*trillion), w.rich(5*trillion)
			w.update(a, relay(call{To: b, Cycles: 2 * trillion, Arg: accepting(2 * trillion).Send()})).replies("")
			w.near("the caller's balance", w.balance(a), 8*trillion)
			w.near("the callee's balance", w.balance(b), 7*trillion)
		}},
		row{"Cycles", "what is not accepted is refunded, exactly", func(w *world) {
			a := w.canister()
			got := w.update(a, do.Call(call{To: w.canister(), Cycles: 1000, Arg: accepting(300).Send(), OnReply: do.Give(wide(refunded)).Put(of("msg_cycles_refunded")).Send()})).numbers()
			if got[0] != 700 || got[1] != 0 || got[2] != 700 {
				w.Errorf("refunded %d", got)
			}
		}},
		row{"Cycles", "a refund is in the balance already", func(w *world) {
			a, b := w.rich(10*trillion), w.canister()
			w.update(a, do.Call(call{To: b, Cycles: 4 * trillion, Arg: reply, OnReply: do.Send()})).replies("")
			w.near("the caller's balance", w.balance(a), 10*trillion)
		}},
		row{"Cycles", "a reject refunds what was not accepted", func(w *world) {
			a := w.canister()
			got := w.update(a, do.Call(call{To: w.canister(), Cycles: 1000, Arg: accepting(300).Reject("no"), OnReject: do.Give(wide(refunded)).Send()})).amounts()
			if got[0] != 700 {
				w.Errorf("refunded %d", got[0])
			}
		}},
		row{"Cycles", "a trap of the callee refunds everything", func(w *world) {
			a := w.canister()
			got := w.update(a, do.Call(call{To: w.canister(), Cycles: 1000, Arg: accepting(300).Trap("x"), OnReject: do.Give(wide(refunded)).Send()})).amounts()
			if got[0] != 1000 {
				w.Errorf("refunded %d", got[0])
			}
		}},
		row{"Cycles", "a call of a canister that is not there refunds everything", func(w *world) {
			got := w.update(w.canister(), do.Call(call{To: principal.Canister(1 << 20), Cycles: 1000, OnReject: do.Give(wide(refunded)).Send()})).amounts()
			if got[0] != 1000 {
				w.Errorf("refunded %d", got[0])
			}
		}},
		row{"Cycles", "after the answer nothing is available", func(w *world) {
			b := w.canister()
			w.update(w.canister(), relay(call{To: b, Cycles: 1000, Arg: do.Send().Set(1, sum(of("msg_cycles_available"), 1)).Set(2, sum(of("msg_cycles_accept", 1000), 1))})).replies("")
			if w.cell(b, 1) != 1 || w.cell(b, 2) != 1 {
				w.Errorf("available %d, accepted %d", w.cell(b, 1)-1, w.cell(b, 2)-1)
			}
		}},
		row{"Cycles", "cycles stay available in the callee's callbacks", func(w *world) {
			b := w.canister()
			inner := do.Call(call{To: b, Method: "read", Arg: reply, OnReply: do.Put(of("msg_cycles_available")).Put(of("msg_cycles_accept", 400)).Send()})
			w.update(w.canister(), relay(call{To: b, Cycles: 1000, Arg: inner})).gives(1000, 400)
		}},
		row{"Cycles", "a trap in a callback gives back what it accepted", func(w *world) {
			a, b := w.canister(), w.canister()
			inner := do.Call(call{To: b, Method: "read", Arg: reply, OnReply: accepting(400).Trap("x")})
			got := w.update(a, do.Call(call{To: b, Cycles: 1000, Arg: inner, OnReject: do.Give(wide(refunded)).Send()})).amounts()
			if got[0] != 1000 {
				w.Errorf("refunded %d", got[0])
			}
		}},
		row{"Cycles", "attaching cycles takes them from the balance at once", func(w *world) {
			c := w.canister()
			p := do.Set(1, of("canister_cycle_balance")).Do("call_new", c, "read", 1, do, 1, do).Do("call_cycles_add", 5000).
				Put(replicatest.Difference(cell(1), of("canister_cycle_balance"))).Send()
			w.update(c, p).gives(5000)
		}},
		row{"Cycles", "call_new gives back what was attached", func(w *world) {
			c := w.canister()
			p := do.Set(1, of("canister_cycle_balance")).Do("call_new", c, "read", 1, do, 1, do).Do("call_cycles_add", 5000).
				Do("call_new", c, "read", 1, do, 1, do).Put(replicatest.Difference(cell(1), of("canister_cycle_balance"))).Send()
			w.update(c, p).gives(0)
		}},
		row{"Cycles", "a message that ends without performing gets back what was attached", func(w *world) {
			c := w.rich(10 * trillion)
			w.update(c, do.Do("call_new", c, "read", 1, do, 1, do).Do("call_cycles_add", 5*trillion).Send()).replies("")
			w.near("the balance", w.balance(c), 10*trillion)
		}},
		row{"Cycles", "cycles are attached in several steps, of both forms", func(w *world) {
			b := w.canister()
			p := do.Do("call_new", b, "run", replicatest.RunSlot, do.Give(blob("msg_arg_data")).Send(), replicatest.RunSlot, do).
				Do("call_data_append", []byte(do.Put(of("msg_cycles_available")).Send())).
				Do("call_cycles_add", 5).Do("call_cycles_add128", 0, 70).Do("call_cycles_add", 900).Do("call_perform")
			w.update(w.canister(), p).gives(975)
		}},
		row{"Cycles", "attaching more than the liquid balance traps", func(w *world) {
			c := w.rich(2 * trillion)
			w.update(c, do.Do("call_new", c, "read", 1, do, 1, do).Do("call_cycles_add", 3*trillion).Send()).rejects(failed)
			w.update(c, do.Do("call_new", c, "read", 1, do, 1, do).Do("call_cycles_add128", 1, 0).Send()).rejects(failed)
			w.near("the balance", w.balance(c), 2*trillion)
		}},
		row{"Cycles", "cycles in transit are in nobody's balance", func(w *world) {
			h, a := w.hold(), w.rich(10*trillion)
			c := h.call(call{Cycles: 4 * trillion})
			c.OnReply = do.Send()
			p := w.submit(owner, a, a, "run", do.Call(c))
			w.tick()
			w.near("the caller's balance", w.balance(a), 6*trillion)
			h.release()
			p.ends().replies("")
			w.near("the caller's balance", w.balance(a), 10*trillion)
		}},
		row{"Cycles", "relaying cycles before accepting them traps", func(w *world) {
			a, b := w.rich(30*trillion), w.rich(1*trillion)
			inner := do.Do("call_new", b, "read", 1, do, 1, do).Do("call_cycles_add", 20*trillion).Send()
			rejectedWith(w.update(a, relay(call{To: b, Cycles: 20 * trillion, Arg: inner})), failed)
		}},
		row{"Cycles", "relaying cycles after accepting them works", func(w *world) {
			a, b, c := w.rich(30*trillion), w.rich(1*trillion), w.rich(1*trillion)
			inner := accepting(20 * trillion).Call(call{To: c, Cycles: 20 * trillion, Arg: accepting(20 * trillion).Send(), OnReply: do.Send()})
			w.update(a, relay(call{To: b, Cycles: 20 * trillion, Arg: inner})).replies("")
			w.near("the last balance", w.balance(c), 21*trillion)
			w.near("the middle balance", w.balance(b), 1*trillion)
			w.near("the first balance", w.balance(a), 10*trillion)
		}},
		row{"Cycles", "refunds come back over two steps", func(w *world) {
			a, b, c := w.rich(30*trillion), w.rich(1*trillion), w.rich(1*trillion)
			inner := accepting(10 * trillion).Call(call{To: c, Cycles: 10 * trillion, Arg: accepting(4 * trillion).Send(), OnReply: do.Send()})
			w.update(a, relay(call{To: b, Cycles: 20 * trillion, Arg: inner})).replies("")
			w.near("the last balance", w.balance(c), 5*trillion)
			w.near("the middle balance", w.balance(b), 7*trillion)
			w.near("the first balance", w.balance(a), 20*trillion)
		}},
		row{"Cycles", "a self-call can carry cycles", func(w *world) {
			c := w.rich(10 * trillion)
			w.update(c, relay(call{To: c, Cycles: trillion, Arg: do.Put(of("msg_cycles_accept", trillion)).Send()})).gives(trillion)
			w.near("the balance", w.balance(c), 10*trillion)
		}},
		row{"Cycles", "a called query can accept cycles", func(w *world) {
			a, b := w.rich(10*trillion), w.rich(10*trillion)
			w.update(a, relay(call{To: b, Method: "read", Cycles: 2 * trillion, Arg: do.Put(of("msg_cycles_accept", trillion)).Send()})).gives(trillion)
			w.near("the callee's balance", w.balance(b), 11*trillion)
			w.near("the caller's balance", w.balance(a), 9*trillion)
		}},
		row{"Cycles", "burning takes cycles from the balance", func(w *world) {
			c := w.rich(10 * trillion)
			w.update(c, do.Give(wide("cycles_burn128", 0, 3*trillion)).Send()).gives(3*trillion, 0)
			w.near("the balance", w.balance(c), 7*trillion)
		}},
		row{"Cycles", "burning nothing burns nothing", func(w *world) {
			w.update(w.canister(), do.Give(wide("cycles_burn128", 0, 0)).Send()).gives(0, 0)
		}},
		row{"Cycles", "burning more than there is stops at the freezing limit", func(w *world) {
			c := w.rich(10 * trillion)
			got := w.update(c, do.Give(wide("cycles_burn128", ^uint64(0), ^uint64(0))).Give(wide(liquid)).Send()).amounts()
			w.near("what was burned", got[0], 10*trillion)
			if got[1] != 0 {
				w.Errorf("%d cycles are still liquid", got[1])
			}
		}},
		row{"Cycles", "burned cycles come back with a trap", func(w *world) {
			c := w.rich(10 * trillion)
			w.update(c, do.Do("cycles_burn128", 0, 3*trillion, free).Unreachable()).rejects(failed)
			w.near("the balance", w.balance(c), 10*trillion)
		}},
		row{"Cycles", "the liquid balance is at most the balance", func(w *world) {
			got := w.ask(w.canister(), do.Give(wide(balance)).Give(wide(liquid)).Send()).amounts()
			if got[1] > got[0] || got[1] == 0 {
				w.Errorf("balance and liquid balance: %d", got)
			}
		}},
		row{"Cycles", "a longer freezing threshold leaves less liquid", func(w *world) {
			c := w.canister()
			first := w.ask(c, do.Give(wide(liquid)).Send()).amounts()[0]
			w.set(c, "freezing_threshold", 31_536_000).replied()
			if second := w.ask(c, do.Give(wide(liquid)).Send()).amounts()[0]; second >= first {
				w.Errorf("%d, and with a longer threshold %d", first, second)
			}
		}},
		row{"Cycles", "an amount written beyond the memory traps", func(w *world) {
			c := w.canister()
			for _, name := range []string{balance, liquid, available} {
				w.update(c, do.Do(name, 4<<16-15).Send()).rejects(failed)
			}
		}},
		row{"Cycle cost calculation", "cost_call grows with the payload", func(w *world) {
			got := w.ask(w.canister(), do.Give(wide("cost_call", 10, 0)).Give(wide("cost_call", 10, 1000)).Give(wide("cost_call", 20, 990)).Send()).amounts()
			if got[0] == 0 || got[1] <= got[0] || got[2] != got[1] {
				w.Errorf("costs %d", got)
			}
		}},
		row{"Cycle cost calculation", "performing a call takes what cost_call says", func(w *world) {
			c := w.canister()
			p := do.Keep(0, wide("cost_call", 4, 3)).Do("call_new", c, "read", replicatest.RunSlot, do.Send(), replicatest.RunSlot, do).Do("call_data_append", "\x00\x00\x00").
				Set(1, of("canister_cycle_balance")).Do("call_perform").
				Give(kept(0)).Put(replicatest.Difference(cell(1), of("canister_cycle_balance"))).Send()
			got := w.update(c, p).numbers()
			if got[0] != got[2] {
				w.Errorf("the cost is %d, taken were %d", got[0], got[2])
			}
		}},
		row{"Cycle cost calculation", "cost_create_canister is what creation costs", func(w *world) {
			c := w.canister()
			cost := w.ask(c, do.Give(wide("cost_create_canister")).Send()).amounts()[0]
			create := func(cycles uint64) outcome {
				return w.update(c, relay(call{To: principal.Management, Method: "create_canister", Cycles: cycles, Arg: argument("create_canister")}))
			}
			rejectedWith(create(cost-1), rejected)
			create(cost).result("create_canister")
		}},
		row{"Cycle cost calculation", "cost_http_request grows with the request and the answer", func(w *world) {
			got := w.ask(w.canister(), do.Give(wide("cost_http_request", 100, 1000)).Give(wide("cost_http_request", 200, 1000)).Give(wide("cost_http_request", 100, 2000)).Send()).amounts()
			if got[0] == 0 || got[1] <= got[0] || got[2] <= got[0] {
				w.Errorf("costs %d", got)
			}
		}},
		row{"Cycle cost calculation", "an unknown curve gives 1, an unknown key 2", func(w *world) {
			c := w.canister()
			for _, name := range []string{"cost_sign_with_ecdsa", "cost_sign_with_schnorr", "cost_vetkd_derive_key"} {
				w.ask(c, do.Put(of(name, "no such key", 99, free)).Put(of(name, "no such key", 0, free)).Send()).gives(1, 2)
			}
		}},
		row{"Cycle cost calculation", "a cost written beyond the memory traps", func(w *world) {
			c := w.canister()
			w.ask(c, do.Do("cost_call", 1, 1, 4<<16-15).Send()).rejects(failed)
			w.ask(c, do.Do("cost_create_canister", 4<<16-15).Send()).rejects(failed)
		}},
		row{"IC method deposit_cycles", "anybody's canister can deposit", func(w *world) {
			a, b := w.rich(30*trillion), w.createAs(stranger, 1*trillion)
			w.update(a, relay(call{To: principal.Management, Method: "deposit_cycles", Cycles: 20 * trillion, Arg: argument("deposit_cycles", "canister_id", b)})).replies("DIDL\x00\x00")
			w.near("the balance", w.manage(stranger, "canister_status", b).result("canister_status").at("cycles").number(), 21*trillion)
			w.near("the caller's balance", w.balance(a), 10*trillion)
		}},
		row{"IC method deposit_cycles", "a deposit for a canister that is not there is rejected and refunded", func(w *world) {
			a := w.canister()
			got := w.update(a, do.Call(call{To: principal.Management, Method: "deposit_cycles", Cycles: 1000, Arg: argument("deposit_cycles", "canister_id", principal.Canister(1<<20)), OnReject: do.Put(of("msg_reject_code")).Give(wide(refunded)).Send()})).numbers()
			if got[0] != destination && got[0] != rejected && got[0] != failed || got[1] != 1000 {
				w.Errorf("rejected with %d, %d cycles refunded", got[0], got[1])
			}
		}},
		row{"IC method provisional_top_up_canister", "any user can top up", func(w *world) {
			c := w.createAs(owner, trillion)
			w.manage(stranger, "provisional_top_up_canister", c, "amount", 4*trillion).replied()
			w.near("the balance", w.balance(c), 5*trillion)
		}},
		row{"IC method provisional_top_up_canister", "a canister can top up another and itself, and gets its cycles back", func(w *world) {
			a, b := w.rich(10*trillion), w.createAs(stranger, trillion)
			top := func(c principal.Principal) {
				w.update(a, do.Call(call{To: principal.Management, Method: "provisional_top_up_canister", Cycles: 100, Arg: argument("provisional_top_up_canister", "canister_id", c, "amount", 5*trillion), OnReply: do.Give(wide(refunded)).Send()})).gives(100, 0)
			}
			top(a)
			top(b)
			w.near("the own balance", w.balance(a), 15*trillion)
		}},
		row{"IC method provisional_top_up_canister", "a canister that is not there cannot be topped up", func(w *world) {
			w.manage(owner, "provisional_top_up_canister", principal.Canister(1<<20), "amount", 1).fails(destination, rejected, failed)
		}},
		row{"IC method delete_canister", "creating, deleting and the cycles of it leave the creator without them", func(w *world) {
			a := w.rich(30 * trillion)
			id := w.created(w.update(a, relay(call{To: principal.Management, Method: "create_canister", Cycles: 10 * trillion, Arg: argument("create_canister")})))
			w.near("the creator's balance", w.balance(a), 20*trillion)
			for _, method := range []string{"stop_canister", "delete_canister"} {
				w.update(a, relay(call{To: principal.Management, Method: method, Arg: argument(method, "canister_id", id)})).replies("DIDL\x00\x00")
			}
			w.near("the creator's balance", w.balance(a), 20*trillion)
		}},
		row{"IC method create_canister", "minimum_incoming_canister_call_cycles rejects calls with less, and refunds them", func(w *world) {
			a, b := w.canister(), w.canister()
			w.set(b, "minimum_incoming_canister_call_cycles", 1000).replied()
			got := w.update(a, do.Call(call{To: b, Cycles: 999, Arg: reply, OnReply: do.Put(0).Send(), OnReject: do.Put(of("msg_reject_code")).Give(wide(refunded)).Send()})).numbers()
			if got[0] != failed || len(got) != 3 || got[1] != 999 {
				w.Errorf("code and refund: %d", got)
			}
		}},
		row{"IC method create_canister", "minimum_incoming_canister_call_cycles lets through enough, users, and the canister itself", func(w *world) {
			a, b := w.canister(), w.canister()
			w.set(b, "minimum_incoming_canister_call_cycles", 1000).replied()
			w.update(a, relay(call{To: b, Cycles: 1000, Arg: do.Reply([]byte("enough"))})).replies("enough")
			w.update(b, relay(call{To: b, Arg: do.Reply([]byte("itself"))})).replies("itself")
		}},
		row{"Cycles", "refunds of nested self-calls are each their own", func(w *world) {
			c := w.canister()
			inner := do.Call(call{To: c, Cycles: 5, Arg: reply, OnReply: do.Put(of("msg_cycles_refunded")).Send()})
			w.update(c, do.Call(call{To: c, Cycles: 10, Arg: inner, OnReply: do.Give(blob("msg_arg_data")).Put(of("msg_cycles_refunded")).Send()})).gives(5, 10)
		}},
	)
}
