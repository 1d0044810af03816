package host

import (
	"assay/ic/principal"
	"assay/ic/replica/cycles"
)

// outgoingCalls build and send one call at a time.
var outgoingCalls = []systemCall{
	{name: "call_new", params: sig(i32, i32, i32, i32, i32, i32, i32, i32), where: calling, cost: costNew, run: callNew},
	{name: "call_on_cleanup", params: sig(i32, i32), where: calling, cost: costUsual, run: func(x *Execution, s []uint64) {
		c := x.open("call_on_cleanup")
		if c.HasCleanup {
			x.violate("ic0.call_on_cleanup can be called at most once between `ic0.call_new` and `ic0.call_perform`")
		}
		c.OnCleanup, c.HasCleanup = Callback{u32(s[0]), u32(s[1])}, true
	}},
	{name: "call_data_append", params: sig(i32, i32), where: calling, cost: costUsual, run: callAppend},
	{name: "call_with_best_effort_response", params: sig(i32), where: calling, cost: costUsual, run: func(x *Execution, s []uint64) {
		c := x.open("call_with_best_effort_response")
		if c.Bounded {
			x.violate("ic0.call_with_best_effort_response can be called at most once between `ic0.call_new` and `ic0.call_perform`")
		}
		c.Bounded, c.Timeout = true, min(u32(s[0]), MaxCallWait)
	}},
	{name: "call_cycles_add128", params: sig(i64, i64), where: earning | Task, cost: costUsual, run: func(x *Execution, s []uint64) {
		x.attach(cycles.Amount{Hi: s[0], Lo: s[1]})
	}},
	{name: "call_cycles_add", params: sig(i64), where: earning | Task, cost: costUsual, run: func(x *Execution, s []uint64) {
		x.attach(cycles.New(s[0]))
	}},
	{name: "call_perform", results: sig(i32), where: calling, cost: costLeave, run: callPerform},
}

func callNew(x *Execution, s []uint64) {
	x.drop()
	callee, err := principal.FromBytes(x.copied(u32(s[0]), u32(s[1])))
	if err != nil {
		x.violate("ic0.call_new: callee: %v", err)
	}
	if callee == x.Input.Subnet { // the subnet's id is another name of its management canister
		callee = principal.Management
	}
	if size := u32(s[3]); size > MaxMethodName {
		x.violate("Size of method_name %d exceeds the allowed limit of %d.", size, MaxMethodName)
	}
	name := toText(x.copied(u32(s[2]), u32(s[3])))
	x.pending = &Call{
		Callee: callee, Method: name,
		OnReply:  Callback{u32(s[4]), u32(s[5])},
		OnReject: Callback{u32(s[6]), u32(s[7])},
	}
}

// copiedSmall copies memory that may not be longer than limit.
func (x *Execution) copiedSmall(at, size, limit uint32, what string) []byte {
	if size > limit {
		x.violate("ic0.%s: %s of %d bytes is over the limit of %d", x.call, what, size, limit)
	}
	return x.copied(at, size)
}

// open is the call being built.
func (x *Execution) open(name string) *Call {
	if x.pending == nil {
		x.violate("ic0.%s called when no call is under construction.", name)
	}
	return x.pending
}

// drop gives up the call being built; its cycles come back.
func (x *Execution) drop() {
	if x.pending != nil {
		x.Balance = x.Balance.Add(x.pending.Cycles)
		x.pending = nil
	}
}

func callAppend(x *Execution, s []uint64) {
	c := x.open("call_data_append")
	at, size := u32(s[0]), u32(s[1])
	if uint64(len(c.Method))+uint64(len(c.Arg))+uint64(size) > MaxPayload {
		x.violate("Request to %s:%s has a payload size of %d, which exceeds the allowed limit of %d.", c.Callee, c.Method, uint64(len(c.Method))+uint64(len(c.Arg))+uint64(size), MaxPayload)
	}
	view := x.bytes(at, size)
	x.charge(uint64(size))
	c.Arg = append(c.Arg, view...)
}

func (x *Execution) attach(a cycles.Amount) {
	c := x.open(x.call)
	if !x.spend(a) {
		x.violate("ic0.%s: cannot attach %v cycles to a call: %v of the balance of %v may be spent", x.call, a, x.liquid(), x.Balance)
	}
	c.Cycles = c.Cycles.Add(a)
}

// Results of call_perform.
const (
	performed = 0
	notSent   = uint64(2) // system transient: no callback will run
)

func callPerform(x *Execution, s []uint64) {
	c := x.open("call_perform")
	if x.where&(CompositeQuery|CompositeReply|CompositeReject) != 0 {
		x.pending = nil
		x.Calls = append(x.Calls, *c)
		s[0] = performed
		return
	}
	cost := x.Input.Prices.Call(uint64(len(c.Method)), uint64(len(c.Arg)))
	if x.perCall == nil {
		x.perCall = map[principal.Principal]int{}
	}
	if x.Input.Room(c.Callee) <= x.perCall[c.Callee] || !x.spend(cost.Total()) {
		x.drop()
		s[0] = notSent
		return
	}
	c.Cost = cost
	x.perCall[c.Callee]++
	x.pending = nil
	x.Calls = append(x.Calls, *c)
	s[0] = performed
}
