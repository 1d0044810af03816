package host

import "assay/ic/replica/cycles"

// cyclesCalls read and move the canister's cycles.
var cyclesCalls = concat(
	both("msg_cycles_available", earning|ReplicatedQuery, (*Execution).available),
	both("msg_cycles_refunded", Reply|RejectCallback, func(x *Execution) cycles.Amount { return x.Input.Refunded }),
	both("canister_cycle_balance", running, func(x *Execution) cycles.Amount { return x.Balance }),
	both("canister_liquid_cycle_balance", running, (*Execution).liquid)[:1],
	[]systemCall{
		{name: "msg_cycles_accept128", params: sig(i64, i64, i32), where: earning | ReplicatedQuery, cost: costUsual, run: func(x *Execution, s []uint64) {
			x.putCycles(u32(s[2]), x.accept(cycles.Amount{Hi: s[0], Lo: s[1]}))
		}},
		{name: "msg_cycles_accept", params: sig(i64), results: sig(i64), where: earning | ReplicatedQuery, cost: costUsual, run: func(x *Execution, s []uint64) {
			s[0] = x.low64(x.accept(cycles.New(s[0])))
		}},
		{name: "cycles_burn128", params: sig(i64, i64, i32), where: Init | PreUpgrade | earning | ReplicatedQuery | Cleanup | Task, cost: costUsual, run: func(x *Execution, s []uint64) {
			a := cycles.Min(cycles.Amount{Hi: s[0], Lo: s[1]}, x.liquid())
			x.Balance, x.Burned = x.Balance.Sub(a), x.Burned.Add(a)
			x.putCycles(u32(s[2]), a)
		}},
		{name: "mint_cycles128", params: sig(i64, i64, i32), where: earning | Task, cost: costUsual, run: func(x *Execution, _ []uint64) {
			x.violate("ic0.mint_cycles128 cannot be executed on non Cycles Minting Canister: %s", x.Input.Self)
		}},
		// Not in the specification any more; old test canisters import it.
		{name: "mint_cycles", params: sig(i64), results: sig(i64), where: earning | Task, cost: costUsual, run: func(x *Execution, _ []uint64) {
			x.violate("ic0.mint_cycles cannot be executed on non Cycles Minting Canister: %s", x.Input.Self)
		}},
	},
)

// both makes the 128-bit form, which writes to memory, and the 64-bit form of a call
// that reads an amount.
func both(name string, where Context, get func(*Execution) cycles.Amount) []systemCall {
	return []systemCall{
		{name: name + "128", params: sig(i32), where: where, cost: costUsual, run: func(x *Execution, s []uint64) {
			x.putCycles(u32(s[0]), get(x))
		}},
		number(name, i64, where, func(x *Execution) uint64 { return x.low64(get(x)) }),
	}
}

// available is what was attached and can still be accepted.
func (x *Execution) available() cycles.Amount {
	if x.answered() {
		return cycles.Amount{}
	}
	return x.Input.Available.Sub(x.Accepted)
}

func (x *Execution) accept(most cycles.Amount) cycles.Amount {
	a := cycles.Min(most, x.available())
	x.Accepted, x.Balance = x.Accepted.Add(a), x.Balance.Add(a)
	return a
}
