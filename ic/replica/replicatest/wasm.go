package replicatest

import (
	"maps"
	"slices"
	"sync"

	m "assay/ic/wasm/module"
)

// Options choose optional entry points.
type Options struct {
	Inspect   bool // refuse ingress whose program begins with Deny; see [Program.OnInspect]
	Heartbeat bool // add 1 to cell 63 at each heartbeat, then run [Program.OnHeartbeat]
	LowMemory bool // run [Program.OnLowMemory]
	Transform bool // have a query transform that runs [Program.OnTransform]
	Public    map[string]string
	Private   map[string]string
	BadInit   bool            // the start function traps
	Start     Program         // what the start function runs
	Exports   []string        // more names of the entry point, such as "canister_query other"
	Different byte            // makes otherwise equal modules differ
	Edit      func(*m.Module) // has the last word
}

var plain = sync.OnceValue(func() []byte { return Wasm(Options{}) })

// Plain is the module without options.
func Plain() []byte { return plain() }

// Addresses of the heap: cells, then addresses of programs, scratch, blobs put away,
// the stack, and a bump allocator for the programs of messages.
const (
	atTimer     = Cells * 8
	atUpgrade   = atTimer + 4
	atPerformed = atTimer + 8
	scratch     = atTimer + 16
	atHeartbeat = atTimer + 32
	atLowMemory = atTimer + 36
	atInspect   = atTimer + 40
	atNothing   = atTimer + 44 // a program that is empty
	atTransform = atTimer + 48
	atKept      = 1 << 10
	stackStart  = 2 << 10
	heapStart   = 4 << 10
	firstPages  = 4
)

// Slots is how many blobs can be put away.
const Slots = 32

// RunSlot is the table slot of a callback that runs the program at its address; the
// slot behind it has a function of a wrong type, and the others are empty.
const RunSlot = 1

// Globals: the allocator, one for tests, and the top of the stack.
const (
	globalFree = iota
	globalTest
	globalTop
)

type assembler struct {
	mod     m.Module
	imports map[string]uint32
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
	start := o.Start.op(opEnd)
	a.mod.AddGlobal(m.Global{GlobalType: m.GlobalType{Type: m.I32, Mutable: true}, Init: m.I32Const(int32(heapStart + len(start)))})
	a.mod.AddGlobal(m.Global{GlobalType: m.GlobalType{Type: m.I64, Mutable: true}, Init: m.I64Const(int64(o.Different))})
	a.mod.AddGlobal(m.Global{GlobalType: m.GlobalType{Type: m.I32, Mutable: true}, Init: m.I32Const(stackStart)})
	alloc := a.mod.AddFunc(m.FuncType{Params: t(m.I32), Results: t(m.I32)}, allocBody())
	run := a.machine(alloc)
	entry := a.mod.AddFunc(m.FuncType{}, a.entry(alloc, run))
	for _, name := range append([]string{"canister_init", "canister_post_upgrade", "canister_update run", "canister_query read", "canister_composite_query ask"}, o.Exports...) {
		a.export(name, entry)
	}
	a.options(o, alloc, run)
	if o.Start != nil {
		a.mod.Datas = append(a.mod.Datas, m.Data{Mode: m.Active, Offset: m.I32Const(heapStart), Bytes: start})
		a.start(func(c *m.Code) { c.I32(heapStart).Call(run) })
	}
	// The callbacks' table: slot 1 runs the program at the address in env.
	a.mod.Tables = []m.Table{{Type: m.FuncRef, Limits: m.Limits{Min: 4}}}
	a.mod.Elems = []m.Elem{{Mode: m.Active, Offset: m.I32Const(RunSlot), Type: m.FuncRef, Funcs: []uint32{run, alloc}}}
	if o.Edit != nil {
		o.Edit(&a.mod)
	}
	return a.mod.Encode()
}

// machine adds the interpreter with what it calls.
func (a *assembler) machine(alloc uint32) (run uint32) {
	push := a.mod.AddFunc(m.FuncType{Params: t(m.I64)}, pushBody())
	pop := a.mod.AddFunc(m.FuncType{Results: t(m.I64)}, popBody())
	call := a.mod.AddFunc(m.FuncType{Params: t(m.I32)}, a.caller(push, pop))
	fetch := a.mod.AddFunc(m.FuncType{Params: t(m.I32)}, a.fetcher(alloc, push, pop))
	s := &steps{a: a, alloc: alloc, push: push, pop: pop, call: call, fetch: fetch}
	s.self = fetch + 1
	return a.mod.AddFunc(m.FuncType{Params: t(m.I32)}, s.interpreter())
}

// options adds the other entry points and sections.
func (a *assembler) options(o Options, alloc, run uint32) {
	a.export("canister_global_timer", a.mod.AddFunc(m.FuncType{}, stored(run, atTimer)))
	a.export("canister_pre_upgrade", a.mod.AddFunc(m.FuncType{}, stored(run, atUpgrade)))
	if o.Inspect {
		a.export("canister_inspect_message", a.mod.AddFunc(m.FuncType{}, a.inspect(alloc, run)))
	}
	if o.Heartbeat {
		var c m.Code
		c.I32(0).I32(0).Memory(m.OpI64Load, 63*8).I64(1).Op(m.OpI64Add).Memory(m.OpI64Store, 63*8)
		c.B = append(c.B, storedCode(run, atHeartbeat)...)
		a.export("canister_heartbeat", a.mod.AddFunc(m.FuncType{}, c.Body()))
	}
	if o.LowMemory {
		a.export("canister_on_low_wasm_memory", a.mod.AddFunc(m.FuncType{}, stored(run, atLowMemory)))
	}
	if o.Transform {
		a.export("canister_query transform", a.mod.AddFunc(m.FuncType{}, stored(run, atTransform)))
	}
	if o.BadInit {
		a.start(func(c *m.Code) { c.Op(m.OpUnreachable) })
	}
	a.sections("icp:public ", o.Public)
	a.sections("icp:private ", o.Private)
}

func (a *assembler) start(body func(*m.Code)) {
	var c m.Code
	body(&c)
	start := a.mod.AddFunc(m.FuncType{}, c.Body())
	a.mod.Start = &start
}

func (a *assembler) sections(prefix string, all map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a.mod.Customs = append(a.mod.Customs, m.Custom{Name: prefix + name, Bytes: []byte(all[name])})
	}
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

// Instructions that package module does not name.
const (
	i32Mul     m.Opcode = 0x6c
	i32WrapI64 m.Opcode = 0xa7
	i64Eq      m.Opcode = 0x51
	i64LtU     m.Opcode = 0x54
)

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
	c := m.Code{B: storedCode(run, at)}
	return c.Body()
}

func storedCode(run uint32, at uint32) []byte {
	var c m.Code
	c.I32(0).Memory(m.OpI32Load, at).Block(m.OpIf).I32(0).Memory(m.OpI32Load, at).Call(run).Op(m.OpEnd)
	return c.B
}

// inspect runs the program put away for it; without one it accepts what does not
// begin with Deny.
func (a *assembler) inspect(alloc, run uint32) m.Body {
	c := m.Code{B: storedCode(run, atInspect)}
	c.I32(0).Memory(m.OpI32Load, atInspect).Block(m.OpIf).Op(m.OpReturn, m.OpEnd)
	c.I32(1).Call(alloc).Set(0)
	c.Call(a.imports["msg_arg_data_size"]).Block(m.OpIf)
	c.Get(0).I32(0).I32(1).Call(a.imports["msg_arg_data_copy"]).Op(m.OpEnd)
	c.Get(0).Memory(m.OpI32Load8U, 0).I32(int32(opDeny)).Op(m.OpI32Ne)
	c.Block(m.OpIf).Call(a.imports["accept_message"]).Op(m.OpEnd)
	return c.Body(m.Locals{N: 1, Type: m.I32})
}
