package replicatest

import (
	"sync"

	m "assay/ic/wasm/module"
)

// Options choose optional entry points.
type Options struct {
	Inspect   bool // refuse ingress whose program begins with Deny
	Heartbeat bool // add 1 to cell 63 at each heartbeat
	Public    map[string]string
	BadInit   bool // the start function traps
	Different byte // makes otherwise equal modules differ
}

var plain = sync.OnceValue(func() []byte { return Wasm(Options{}) })

// Plain is the module without options.
func Plain() []byte { return plain() }

// Addresses of the heap: cells, then two program addresses, scratch, and a bump
// allocator for the programs of messages.
const (
	atTimer     = Cells * 8
	atUpgrade   = atTimer + 4
	atPerformed = atTimer + 8
	scratch     = atTimer + 16
	heapStart   = 1 << 12
	firstPages  = 4
)

// Globals: the allocator, and one for tests.
const (
	globalFree = iota
	globalTest
)

type assembler struct {
	mod     m.Module
	imports map[string]uint32
}

var systemCalls = []struct {
	name    string
	params  []m.ValType
	results []m.ValType
}{
	{"msg_arg_data_size", nil, t(m.I32)},
	{"msg_arg_data_copy", t(m.I32, m.I32, m.I32), nil},
	{"msg_caller_size", nil, t(m.I32)},
	{"msg_caller_copy", t(m.I32, m.I32, m.I32), nil},
	{"msg_reply_data_append", t(m.I32, m.I32), nil},
	{"msg_reply", nil, nil},
	{"msg_reject", t(m.I32, m.I32), nil},
	{"msg_reject_code", nil, t(m.I32)},
	{"msg_deadline", nil, t(m.I64)},
	{"msg_cycles_available128", t(m.I32), nil},
	{"msg_cycles_refunded128", t(m.I32), nil},
	{"msg_cycles_accept128", t(m.I64, m.I64, m.I32), nil},
	{"cycles_burn128", t(m.I64, m.I64, m.I32), nil},
	{"canister_cycle_balance128", t(m.I32), nil},
	{"call_new", t(m.I32, m.I32, m.I32, m.I32, m.I32, m.I32, m.I32, m.I32), nil},
	{"call_on_cleanup", t(m.I32, m.I32), nil},
	{"call_data_append", t(m.I32, m.I32), nil},
	{"call_with_best_effort_response", t(m.I32), nil},
	{"call_cycles_add128", t(m.I64, m.I64), nil},
	{"call_perform", nil, t(m.I32)},
	{"stable64_size", nil, t(m.I64)},
	{"stable64_grow", t(m.I64), t(m.I64)},
	{"stable64_write", t(m.I64, m.I64, m.I64), nil},
	{"stable64_read", t(m.I64, m.I64, m.I64), nil},
	{"certified_data_set", t(m.I32, m.I32), nil},
	{"data_certificate_size", nil, t(m.I32)},
	{"data_certificate_copy", t(m.I32, m.I32, m.I32), nil},
	{"global_timer_set", t(m.I64), t(m.I64)},
	{"performance_counter", t(m.I32), t(m.I64)},
	{"time", nil, t(m.I64)},
	{"debug_print", t(m.I32, m.I32), nil},
	{"trap", t(m.I32, m.I32), nil},
	{"accept_message", nil, nil},
}

func t(types ...m.ValType) []m.ValType { return types }

// Wasm assembles the module.
func Wasm(o Options) []byte {
	a := &assembler{imports: map[string]uint32{}}
	for i, c := range systemCalls {
		a.imports[c.name] = uint32(i)
		typ := a.mod.TypeIndex(m.FuncType{Params: c.params, Results: c.results})
		a.mod.Imports = append(a.mod.Imports, m.Import{Module: "ic0", Name: c.name, Kind: m.KindFunc, Func: typ})
	}
	a.mod.Memories = []m.Limits{{Min: firstPages}}
	a.mod.AddGlobal(m.Global{GlobalType: m.GlobalType{Type: m.I32, Mutable: true}, Init: m.I32Const(heapStart)})
	a.mod.AddGlobal(m.Global{GlobalType: m.GlobalType{Type: m.I64, Mutable: true}, Init: m.I64Const(int64(o.Different))})
	alloc := a.mod.AddFunc(m.FuncType{Params: t(m.I32), Results: t(m.I32)}, allocBody())
	run := a.mod.AddFunc(m.FuncType{Params: t(m.I32)}, a.interpreter(alloc))
	entry := a.mod.AddFunc(m.FuncType{}, a.entry(alloc, run))
	for _, name := range []string{"canister_init", "canister_post_upgrade", "canister_update run", "canister_query read", "canister_composite_query ask"} {
		a.export(name, entry)
	}
	a.export("canister_global_timer", a.mod.AddFunc(m.FuncType{}, stored(run, atTimer)))
	a.export("canister_pre_upgrade", a.mod.AddFunc(m.FuncType{}, stored(run, atUpgrade)))
	if o.Inspect {
		a.export("canister_inspect_message", a.mod.AddFunc(m.FuncType{}, a.inspect(alloc)))
	}
	if o.Heartbeat {
		var c m.Code
		c.I32(0).I32(0).Memory(m.OpI64Load, 63*8).I64(1).Op(m.OpI64Add).Memory(m.OpI64Store, 63*8)
		a.export("canister_heartbeat", a.mod.AddFunc(m.FuncType{}, c.Body()))
	}
	if o.BadInit {
		var c m.Code
		start := a.mod.AddFunc(m.FuncType{}, c.Op(m.OpUnreachable).Body())
		a.mod.Start = &start
	}
	// The callbacks' table: slot 1 runs the program at the address in env.
	a.mod.Tables = []m.Table{{Type: m.FuncRef, Limits: m.Limits{Min: 4}}}
	a.mod.Elems = []m.Elem{{Mode: m.Active, Offset: m.I32Const(1), Type: m.FuncRef, Funcs: []uint32{run, alloc}}}
	for name, value := range o.Public {
		a.mod.Customs = append(a.mod.Customs, m.Custom{Name: "icp:public " + name, Bytes: []byte(value)})
	}
	return a.mod.Encode()
}

func (a *assembler) export(name string, f uint32) {
	a.mod.Exports = append(a.mod.Exports, m.Export{Name: name, Kind: m.KindFunc, Index: f})
}

// allocBody takes a size and returns fresh memory, growing it as needed.
func allocBody() m.Body {
	var c m.Code
	c.Index(m.OpGlobalGet, globalFree).Index(m.OpGlobalGet, globalFree).Get(0).Op(m.OpI32Add).Index(m.OpGlobalSet, globalFree)
	c.Block(m.OpLoop)
	c.Index(m.OpGlobalGet, globalFree).Index(m.OpMemorySize, 0).I32(1<<16).Op(i32Mul, m.OpI32GtU)
	c.Block(m.OpIf).I32(1).Index(m.OpMemoryGrow, 0).Op(m.OpDrop).Index(m.OpBr, 1).Op(m.OpEnd)
	c.Op(m.OpEnd)
	return c.Body()
}

const i32Mul m.Opcode = 0x6c

// entry copies the argument to fresh memory, with an end behind it, and runs it.
func (a *assembler) entry(alloc, run uint32) m.Body {
	var c m.Code
	c.Call(a.imports["msg_arg_data_size"]).I32(1).Op(m.OpI32Add).Call(alloc).Set(0)
	c.Get(0).I32(0).Call(a.imports["msg_arg_data_size"]).Call(a.imports["msg_arg_data_copy"])
	c.Get(0).Call(run)
	return c.Body(m.Locals{N: 1, Type: m.I32})
}

// stored runs the program whose address is in memory, if there is one.
func stored(run uint32, at uint32) m.Body {
	var c m.Code
	c.I32(0).Memory(m.OpI32Load, at).Block(m.OpIf).I32(0).Memory(m.OpI32Load, at).Call(run).Op(m.OpEnd)
	return c.Body()
}

func (a *assembler) inspect(alloc uint32) m.Body {
	var c m.Code
	c.I32(1).Call(alloc).Set(0)
	c.Call(a.imports["msg_arg_data_size"]).Block(m.OpIf)
	c.Get(0).I32(0).I32(1).Call(a.imports["msg_arg_data_copy"]).Op(m.OpEnd)
	c.Get(0).Memory(m.OpI32Load8U, 0).I32(int32(opDeny)).Op(m.OpI32Ne)
	c.Block(m.OpIf).Call(a.imports["accept_message"]).Op(m.OpEnd)
	return c.Body(m.Locals{N: 1, Type: m.I32})
}
