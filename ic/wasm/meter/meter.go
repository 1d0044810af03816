// Package meter rewrites a canister so that it counts its own instructions.
//
// The local network calls it at install, after the acceptance checks. A global counts
// down: each basic block takes the weights of its instructions when it is entered, and
// a function or loop that finds the counter below zero stops with unreachable, so a
// message overshoots its limit by less than one run without a loop or call. Bulk
// instructions pay one more per byte. The counts equal those of the Internet Computer
// for the same module; what system calls cost is the host's to take from the counter.
//
// The host sets the counter before each message and reads it after. It can also reach
// every other mutable global, to undo a message that trapped. With [Config.TouchedPages]
// the module also tells the host which pages of memory it reads and writes: exact, the
// same on every machine, and slow.
package meter

import (
	"fmt"
	"slices"
	"strings"

	"assay/ic/wasm/module"
)

const (
	// CounterExport names the exported i64 global that counts down.
	CounterExport = "canister counter_instructions"
	// StartExport names the module's start function, which no longer runs by itself:
	// the host calls it once the counter is set.
	StartExport = "assay:start"
	// GlobalPrefix and a global's index name each of the module's own mutable globals.
	GlobalPrefix = "assay:g"

	reserved = "assay:"
)

// Config is what a module counts besides instructions.
type Config struct {
	TouchedPages bool // tell the host of pages read and written, by [TouchImport]
}

// Result is a metered module and what the host needs to know about it.
type Result struct {
	Wasm         []byte
	Instructions uint64   // in the module as given, two for each global: the base of an install's cost
	Globals      []string // exports of the mutable globals, in index order
	HasStart     bool     // whether StartExport exists
}

// Error says why a module cannot be metered: it names something that only metering
// adds, or its code does not parse.
type Error struct {
	Func int // index among the functions the module defines, -1 if none
	What string
	Err  error // the cause, where there is one
}

func (e *Error) Error() string {
	s := "meter"
	if e.Func >= 0 {
		s = fmt.Sprintf("meter function %d", e.Func)
	}
	if e.Err != nil {
		return s + ": " + e.Err.Error()
	}
	return s + ": " + e.What
}

func (e *Error) Unwrap() error { return e.Err }

// Instrument returns a metered copy of m, which stays as it is. Errors are [*Error].
func Instrument(m *module.Module, config Config) (Result, error) {
	if err := m.CheckIndices(); err != nil {
		return Result{}, &Error{Func: -1, Err: err}
	}
	for _, e := range m.Exports {
		if e.Name == CounterExport || strings.HasPrefix(e.Name, reserved) {
			return Result{}, &Error{Func: -1, What: fmt.Sprintf("the export name %q is reserved", e.Name)}
		}
	}
	if len(m.Memories) > 0 && m.Memories[0].Is64 {
		return Result{}, &Error{Func: -1, What: "memory addressed by 64 bits is not supported"}
	}
	out := *m
	w := writer{
		funcs:   m.Imported(module.KindFunc) + uint32(len(m.Funcs)),
		globals: m.Imported(module.KindGlobal) + uint32(len(m.Globals)),
	}
	if config.TouchedPages {
		w.touch = &toucher{helper: w.funcs + 1, last: w.globals + 1}
	}
	res := Result{Instructions: 2 * uint64(len(m.Globals)), HasStart: m.Start != nil}
	exportState(&out, &res)
	// Appending to a copy must not write into the caller's spare capacity.
	out.Globals = append(clip(m.Globals), module.Global{
		GlobalType: module.GlobalType{Type: module.I64, Mutable: true}, Init: module.I64Const(0),
	})
	out.Exports = append(out.Exports, module.Export{Name: CounterExport, Kind: module.KindGlobal, Index: w.globals})
	out.Code = make([]module.Body, len(m.Code), len(m.Code)+2)
	for i := range m.Code {
		params, _ := m.TypeOf(m.Imported(module.KindFunc) + uint32(i))
		b, err := w.body(m.Code[i], uint32(len(params.Params)))
		if err != nil {
			err.Func = i
			return Result{}, err
		}
		out.Code[i] = b
	}
	res.Instructions += w.seen
	out.Types, out.Funcs = clip(m.Types), clip(m.Funcs)
	out.AddFunc(module.FuncType{Params: []module.ValType{module.I32}, Results: []module.ValType{module.I32}}, w.chargeBytes())
	if w.touch == nil {
		res.Wasm = out.Encode()
		return res, nil
	}
	w.touch.add(&out)
	var err error
	if res.Wasm, err = w.touch.link(out.Encode()); err != nil {
		return Result{}, &Error{Func: -1, Err: err}
	}
	return res, nil
}

func clip[T any](s []T) []T { return s[:len(s):len(s)] }

// exportState exports the mutable globals, and the start function in place of its
// section.
func exportState(m *module.Module, res *Result) {
	m.Exports = clip(m.Exports)
	n := m.Imported(module.KindGlobal)
	for i, g := range m.Globals {
		if g.Mutable {
			name := fmt.Sprintf("%s%d", GlobalPrefix, n+uint32(i))
			res.Globals = append(res.Globals, name)
			m.Exports = append(m.Exports, module.Export{Name: name, Kind: module.KindGlobal, Index: n + uint32(i)})
		}
	}
	if m.Start != nil {
		m.Exports = append(m.Exports, module.Export{Name: StartExport, Kind: module.KindFunc, Index: *m.Start})
		m.Start = nil
	}
}

// writer rewrites bodies. The counter is global number globals and the helper that
// charges bytes is function number funcs: the first indices that m does not use.
type writer struct {
	funcs, globals uint32
	seen           uint64
	touch          *toucher // nil: touched pages are not told
	left           uint32   // local of the body being written that holds the counter in tight loops
}

// block is a run of instructions that is entered only at its front.
type block struct {
	from  int // where it starts in the body
	cost  uint64
	check bool // whether control can come back to it
	tight bool // whether it lies in a tight loop
	adds  []addition
}

// addition is code that goes before the instruction that starts at a position.
type addition struct {
	at   int
	code []byte
}

// body rewrites a body of a function with so many parameters.
func (w *writer) body(b module.Body, params uint32) (module.Body, *Error) {
	tight, err := tightLoops(b.Code)
	if err != nil {
		return module.Body{}, &Error{Err: err}
	}
	w.addLocals(&b, params, tight)
	out := module.Code{B: make([]byte, 0, len(b.Code)+len(b.Code)/4+16)}
	// A call costs at least one, even of an empty function.
	cur := block{cost: 1, check: true}
	loop := 0 // depth of the tight loop around, 0 for none
	it := module.NewIter(b.Code)
	for it.Next() {
		w.seen++
		cur.cost += Weight(it.Op)
		if err := w.checkIndex(&it); err != nil {
			return module.Body{}, err
		}
		w.addBefore(&cur, &it)
		switch {
		case it.Op == module.OpLoop:
			if tight[0] {
				cur.adds = append(cur.adds, addition{it.Pos, new(module.Code).Index(module.OpGlobalGet, w.globals).Set(w.left).B})
				loop = it.Depth()
			}
			tight = tight[1:]
		case it.Op == module.OpEnd && it.Depth() < loop:
			loop = 0
		}
		if endsBlock(it.Op) {
			w.flush(&out, &cur, b.Code[cur.from:it.End])
			cur = block{from: it.End, check: it.Op == module.OpLoop, tight: loop > 0, adds: cur.adds[:0]}
		}
	}
	b.Code = out.B
	return b, nil
}

// addLocals gives a body the locals that its rewriting takes.
func (w *writer) addLocals(b *module.Body, params uint32, tight []bool) {
	first := params
	for _, l := range b.Locals {
		first += l.N
	}
	switch {
	case w.touch != nil: // what it tells may cost something anywhere
		clear(tight)
		w.touch.base = first
		b.Locals = append(clip(b.Locals), scratch...)
	case slices.Contains(tight, true):
		w.left = first
		b.Locals = append(clip(b.Locals), module.Locals{N: 1, Type: module.I64})
	}
}

// addBefore adds what an instruction needs before it, nothing for most.
func (w *writer) addBefore(b *block, it *module.Iter) {
	var c module.Code
	if chargesBytes(it.Op) {
		c.Call(w.funcs)
	}
	if w.touch != nil && touches(it.Op) {
		c.B = append(c.B, w.touch.tell(it)...)
	}
	if c.B != nil {
		b.adds = append(b.adds, addition{it.Pos, c.B})
	}
}

// endsBlock reports whether control may part or meet after an instruction.
func endsBlock(op module.Opcode) bool {
	switch op {
	case module.OpLoop, module.OpIf, module.OpElse, module.OpEnd, module.OpBr, module.OpBrIf, module.OpBrTable,
		module.OpReturn, module.OpUnreachable, module.OpReturnCall, module.OpReturnCallIndirect:
		return true
	}
	return false
}

// chargesBytes reports whether an instruction pays for each byte or element.
func chargesBytes(op module.Opcode) bool {
	switch op {
	case module.OpMemoryInit, module.OpMemoryCopy, module.OpMemoryFill,
		module.OpTableInit, module.OpTableCopy, module.OpTableFill:
		return true
	}
	return false
}

// checkIndex refuses indices that are wrong in m but would name what metering adds:
// a canister must not reach its own counter.
func (w *writer) checkIndex(it *module.Iter) *Error {
	switch it.Op {
	case module.OpGlobalGet, module.OpGlobalSet:
		if it.Imm >= uint64(w.globals) {
			return &Error{What: fmt.Sprintf("unknown global %d", it.Imm)}
		}
	case module.OpCall, module.OpReturnCall, module.OpRefFunc:
		if it.Imm >= uint64(w.funcs) {
			return &Error{What: fmt.Sprintf("unknown function %d", it.Imm)}
		}
	}
	return nil
}

// flush writes what a block pays and then the block.
func (w *writer) flush(out *module.Code, b *block, code []byte) {
	w.pay(out, b)
	from := 0
	for _, add := range b.adds {
		out.B = append(append(out.B, code[from:add.at-b.from]...), add.code...)
		from = add.at - b.from
	}
	out.B = append(out.B, code[from:]...)
}

func (w *writer) pay(out *module.Code, b *block) {
	if b.cost > 0 {
		if b.tight {
			out.Get(w.left).I64(int64(b.cost)).Op(module.OpI64Sub).Index(module.OpLocalTee, w.left)
		} else {
			out.Index(module.OpGlobalGet, w.globals).I64(int64(b.cost)).Op(module.OpI64Sub)
		}
		out.Index(module.OpGlobalSet, w.globals)
	}
	switch {
	case b.check && b.tight:
		out.Get(w.left)
		stopBelowZero(out)
	case b.check:
		out.Index(module.OpGlobalGet, w.globals)
		stopBelowZero(out)
	}
}

// stopBelowZero stops where the number on the stack is negative.
func stopBelowZero(out *module.Code) {
	out.I64(0).Op(module.OpI64LtS).Block(module.OpIf).Op(module.OpUnreachable, module.OpEnd)
}

// chargeBytes is the helper called before a bulk instruction: it takes the size on top
// of the stack from the counter and leaves it there. The counter cannot wrap: it is
// checked after each subtraction of at most 32 bits.
func (w *writer) chargeBytes() module.Body {
	var c module.Code
	c.Index(module.OpGlobalGet, w.globals).Get(0).Op(module.OpI64ExtendI32U, module.OpI64Sub).Index(module.OpGlobalSet, w.globals)
	c.Index(module.OpGlobalGet, w.globals)
	stopBelowZero(&c)
	return c.Get(0).Body()
}
