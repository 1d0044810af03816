package host

import "assay/ic/principal"

// canisterCalls are about the canister, its time and its words.
var canisterCalls = concat(
	blob("canister_self", running, func(x *Execution) []byte { return x.Input.Self.Bytes() }),
	blob("subnet_self", running, func(x *Execution) []byte { return x.Input.Subnet.Bytes() }),
	blob("root_key", Init|PreUpgrade|Update|ReplicatedQuery|Reply|RejectCallback|Cleanup|Task, func(x *Execution) []byte { return x.Input.RootKey }),
	[]systemCall{
		number("canister_status", i32, running, func(x *Execution) uint64 { return uint64(x.Input.Status) }),
		number("canister_version", i64, running, func(x *Execution) uint64 { return x.Input.Version }),
		number("time", i64, running, func(x *Execution) uint64 { return x.Input.Time }),
		number("in_replicated_execution", i32, everywhere, func(x *Execution) uint64 { return boolean(x.replicated()) }),
		{name: "global_timer_set", params: sig(i64), results: sig(i64), where: Init | PreUpgrade | Update | Reply | RejectCallback | Cleanup | Task, cost: costUsual, run: func(x *Execution, s []uint64) {
			s[0], x.GlobalTimer = x.GlobalTimer, s[0]
		}},
		{name: "performance_counter", params: sig(i32), results: sig(i64), where: everywhere, cost: costCount, run: performanceCounter},
		{name: "is_controller", params: sig(i32, i32), results: sig(i32), where: everywhere, cost: costLookup, run: func(x *Execution, s []uint64) {
			p, err := principal.FromBytes(x.copiedSmall(u32(s[0]), u32(s[1]), principal.MaxLen, "principal"))
			s[0] = boolean(err == nil && x.Input.Controller(p))
		}},
		{name: "debug_print", params: sig(i32, i32), where: everywhere, cost: costPrint, run: debugPrint},
		{name: "trap", params: sig(i32, i32), where: everywhere, cost: costPrint, run: func(x *Execution, s []uint64) {
			size := min(u32(s[1]), maxLogLine)
			text := toText(x.bytes(u32(s[0]), size))
			x.trap(CodeCalledTrap, "canister called `ic0.trap` with message: %s", text)
		}},
	},
)

func performanceCounter(x *Execution, s []uint64) {
	used := x.Used + x.Input.Instructions - min(x.Used, x.Input.Instructions) - x.instance.run.counter.Get()
	switch u32(s[0]) {
	case 0:
		s[0] = used
	case 1:
		s[0] = used + x.Input.SpentBefore
	default:
		x.trap(CodeContract, "performance_counter has no type %d", u32(s[0]))
	}
}

// debugPrint never traps: text outside memory is not printed.
func debugPrint(x *Execution, s []uint64) {
	if x.memory == nil {
		return
	}
	size := min(u32(s[1]), maxLogLine)
	if view, ok := x.memory.Read(u32(s[0]), size); ok {
		x.Log = append(x.Log, toText(view))
		x.charge(uint64(size))
	}
}
