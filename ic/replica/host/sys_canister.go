package host

import (
	"strings"

	"assay/ic/principal"
)

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
			p, err := principal.FromBytes(x.copied(u32(s[0]), u32(s[1])))
			if err != nil {
				x.violate("ic0.is_controller: %v", err)
			}
			s[0] = boolean(x.Input.Controller(p))
		}},
		{name: "debug_print", params: sig(i32, i32), where: everywhere, cost: costPrint, run: debugPrint},
		{name: "trap", params: sig(i32, i32), where: everywhere, cost: costPrint, run: func(x *Execution, s []uint64) {
			text := x.words(u32(s[0]), u32(s[1]), "trap")
			x.fault = &Trap{Code: CodeCalledTrap, Message: "Canister called `ic0.trap` with message: '" + text + "'", Text: text}
			panic(errTrap)
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
		x.violate("Error getting performance counter type %d", u32(s[0]))
	}
}

// debugPrint never traps for what it is given.
func debugPrint(x *Execution, s []uint64) {
	text := x.words(u32(s[0]), u32(s[1]), "debug_print")
	x.Log = append(x.Log, text)
	x.charge(uint64(len(text)))
}

// words are what a canister says, cut where it is long, or a note where its memory does
// not hold that much.
func (x *Execution) words(at, size uint32, call string) string {
	if x.memory != nil {
		if _, ok := x.memory.Read(at, size); ok {
			view, _ := x.memory.Read(at, min(size, maxLogLine))
			return toText(view)
		}
	}
	return "(" + call + " message out of memory bounds)"
}

// toText leaves out what is no text.
func toText(b []byte) string { return strings.ToValidUTF8(string(b), "") }
