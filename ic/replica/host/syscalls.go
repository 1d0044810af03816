package host

import (
	"context"

	"github.com/tetratelabs/wazero/api"
)

// systemCall is one function of ic0. Its run takes its parameters from the stack and
// leaves its result there; upper halves of i32 parameters are garbage.
type systemCall struct {
	name            string
	params, results []api.ValueType
	where           Context // contexts in which it may be called
	cost            uint64  // instructions, besides bytes copied
	run             func(x *Execution, s []uint64)
}

var (
	i32 = api.ValueTypeI32
	i64 = api.ValueTypeI64
)

func sig(types ...api.ValueType) []api.ValueType { return types }

// Costs of most calls, in instructions.
const (
	costUsual  = 500
	costNew    = 1500
	costLeave  = 5000
	costLookup = 1000
	costCount  = 200
	costPrint  = 100
	costStable = 20
)

var systemCalls = concat(messageCalls, outgoingCalls, cyclesCalls, stableCalls, canisterCalls, certifiedCalls, costCalls, environmentCalls)

func concat(groups ...[]systemCall) (all []systemCall) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

func (c *systemCall) function() api.GoFunc {
	return func(ctx context.Context, stack []uint64) {
		x := ctx.Value(executionKey{}).(*Execution)
		x.call = c.name
		if x.where&c.where == 0 {
			x.violate("%q cannot be executed in %v mode", "ic0."+c.name, x.where)
		}
		x.charge(c.cost)
		c.run(x, stack)
	}
}

func u32(v uint64) uint32 { return api.DecodeU32(v) }

// blob makes the pair of calls that give a canister some bytes: their size, and a copy.
func blob(name string, where Context, get func(*Execution) []byte) []systemCall {
	return []systemCall{
		{name: name + "_size", results: sig(i32), where: where, cost: costUsual, run: func(x *Execution, s []uint64) {
			s[0] = uint64(uint32(len(get(x))))
		}},
		{name: name + "_copy", params: sig(i32, i32, i32), where: where, cost: costUsual, run: func(x *Execution, s []uint64) {
			x.copyOut(u32(s[0]), u32(s[1]), u32(s[2]), get(x))
		}},
	}
}

// number makes a call without parameters and with one result.
func number(name string, result api.ValueType, where Context, get func(*Execution) uint64) systemCall {
	return systemCall{name: name, results: sig(result), where: where, cost: costUsual, run: func(x *Execution, s []uint64) {
		s[0] = get(x)
	}}
}

func boolean(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
