package link

import (
	"fmt"
	"strings"

	w "assay/ic/wasm/module"
)

// Go's wasip1 port keeps nil dereferences in the first 4 KiB and leaves the next 8 KiB
// free (another port passes arguments there). The polyfills use them:
//
//	4096  a line of output on its way to debug_print
//	8192  the last words on standard error, for the trap text
//	9216  constant texts
const (
	lineAt     = 4096
	lineMax    = 4096
	errorAt    = 8192
	errorMax   = 1024
	textAt     = 9216
	scratchEnd = 12288
)

const (
	exitText  = "the program ended itself with an exit code"
	sleepText = "canisters cannot sleep or wait for time, a lock or a channel that no running goroutine serves: " +
		"time stands still in a message, use a timer"
	maxNaps = 1000 // sleeps of at most a millisecond in one message
)

// WASI error numbers.
const (
	errnoBadDescriptor = 8
	errnoNotSupported  = 52
)

func texts() []w.Data {
	return []w.Data{{Offset: w.I32Const(textAt), Bytes: []byte(exitText + sleepText)}}
}

// polyfill writes the bodies that stand in for WASI.
type polyfill struct {
	time, trap, print uint32 // system calls
	flush, put        uint32 // helpers
	seed              uint32 // global i64: state of random_get, 0 before its first use
	line, errs        uint32 // globals i32: bytes waiting at lineAt and errorAt
	naps              uint32 // global i32: short sleeps of this message
}

// declare reserves the globals and the helpers' function indices from next on, and
// returns how many there are.
func (p *polyfill) declare(m *w.Module, next uint32) uint32 {
	p.seed = m.AddGlobal(w.Global{GlobalType: w.GlobalType{Type: w.I64, Mutable: true}, Init: w.I64Const(0)})
	for _, g := range []*uint32{&p.line, &p.errs, &p.naps} {
		*g = m.AddGlobal(w.Global{GlobalType: w.GlobalType{Type: w.I32, Mutable: true}, Init: w.I32Const(0)})
	}
	p.flush, p.put = next, next+1
	return 2
}

// helpers appends the functions that declare promised.
func (p *polyfill) helpers(m *w.Module) {
	m.AddFunc(w.FuncType{}, p.flushBody())
	m.AddFunc(w.FuncType{Params: []w.ValType{w.I32, w.I32, w.I32}}, p.putBody())
}

// enter begins an entry point: nothing is left of earlier messages' last words.
func (p *polyfill) enter() *w.Code {
	return new(w.Code).I32(0).Index(w.OpGlobalSet, p.errs).I32(0).Index(w.OpGlobalSet, p.naps)
}

// leave ends an entry point: a line without its newline is printed.
func (p *polyfill) leave(c *w.Code) w.Body { return c.Call(p.flush).Body() }

// flushBody prints the waiting line: () -> ().
func (p *polyfill) flushBody() w.Body {
	c := new(w.Code).Index(w.OpGlobalGet, p.line).Block(w.OpIf)
	c.I32(lineAt).Index(w.OpGlobalGet, p.line).Call(p.print)
	c.I32(0).Index(w.OpGlobalSet, p.line)
	return c.Op(w.OpEnd).Body()
}

// putBody takes written bytes: (fd, pointer, length) -> ().
func (p *polyfill) putBody() w.Body {
	const fd, ptr, n, k = 0, 1, 2, 3
	c := new(w.Code)
	c.Get(fd).I32(2).Op(w.OpI32Eq).Block(w.OpIf)
	p.putError(c, ptr, n, k)
	c.Op(w.OpEnd)
	c.Block(w.OpBlock).Block(w.OpLoop)
	c.Get(n).Op(w.OpI32Eqz).Index(w.OpBrIf, 1)
	least(c, func() { c.Get(n) }, func() { c.I32(lineMax).Index(w.OpGlobalGet, p.line).Op(w.OpI32Sub) })
	c.Set(k)
	c.I32(lineAt).Index(w.OpGlobalGet, p.line).Op(w.OpI32Add).Get(ptr).Get(k).Copy()
	c.Index(w.OpGlobalGet, p.line).Get(k).Op(w.OpI32Add).Index(w.OpGlobalSet, p.line)
	c.Get(ptr).Get(k).Op(w.OpI32Add).Set(ptr)
	c.Get(n).Get(k).Op(w.OpI32Sub).Set(n)
	// A full buffer is printed as it is.
	c.Index(w.OpGlobalGet, p.line).I32(lineMax).Op(w.OpI32Eq).Block(w.OpIf).Call(p.flush).Index(w.OpBr, 1).Op(w.OpEnd)
	// The last byte a newline: print the line without it.
	c.Index(w.OpGlobalGet, p.line).Memory(w.OpI32Load8U, lineAt-1).I32('\n').Op(w.OpI32Eq).Block(w.OpIf)
	c.Index(w.OpGlobalGet, p.line).I32(1).Op(w.OpI32Sub).Index(w.OpGlobalSet, p.line).Call(p.flush)
	c.Op(w.OpEnd).Index(w.OpBr, 0).Op(w.OpEnd, w.OpEnd)
	return c.Body(w.Locals{N: 1, Type: w.I32})
}

// putError keeps standard error for the trap text, from "panic: " or "fatal error: "
// on, which Go writes as one piece.
func (p *polyfill) putError(c *w.Code, ptr, n, k uint32) {
	c.Get(n).I32(4).Op(w.OpI32GeU).Block(w.OpIf)
	c.Get(ptr).Memory(w.OpI32Load, 0).I32(le32("pani")).Op(w.OpI32Eq)
	c.Get(ptr).Memory(w.OpI32Load, 0).I32(le32("fata")).Op(w.OpI32Eq, w.OpI32Or)
	c.Block(w.OpIf).I32(0).Index(w.OpGlobalSet, p.errs).Op(w.OpEnd, w.OpEnd)
	least(c, func() { c.Get(n) }, func() { c.I32(errorMax).Index(w.OpGlobalGet, p.errs).Op(w.OpI32Sub) })
	c.Set(k)
	c.I32(errorAt).Index(w.OpGlobalGet, p.errs).Op(w.OpI32Add).Get(ptr).Get(k).Copy()
	c.Index(w.OpGlobalGet, p.errs).Get(k).Op(w.OpI32Add).Index(w.OpGlobalSet, p.errs)
}

func le32(s string) int32 {
	return int32(uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24)
}

// least leaves the smaller of two unsigned numbers on the stack.
func least(c *w.Code, a, b func()) {
	a()
	b()
	a()
	b()
	c.Op(w.OpI32LtU, w.OpSelect)
}

// body is the stand-in for one WASI function.
func (p *polyfill) body(name string, t w.FuncType) (w.Body, error) {
	switch name {
	case "sched_yield", "args_get", "environ_get":
		return answer(new(w.Code), 0), nil
	case "args_sizes_get", "environ_sizes_get":
		c := new(w.Code).Get(0).I32(0).Memory(w.OpI32Store, 0).Get(1).I32(0).Memory(w.OpI32Store, 0)
		return answer(c, 0), nil
	case "clock_time_get": // (clock, precision, out): the message's time, whichever clock
		return answer(new(w.Code).Get(2).Call(p.time).Memory(w.OpI64Store, 0), 0), nil
	case "random_get":
		return p.randomGet(), nil
	case "fd_write":
		return p.fdWrite(), nil
	case "poll_oneoff":
		return p.pollOneoff(), nil
	case "proc_exit":
		return p.procExit(), nil
	}
	if len(t.Results) != 1 || t.Results[0] != w.I32 {
		return w.Body{}, fmt.Errorf("no stand-in for the WASI function %s of type %s", name, t)
	}
	if strings.HasPrefix(name, "fd_") || strings.HasPrefix(name, "path_") {
		return answer(new(w.Code), errnoBadDescriptor), nil // there are no files
	}
	return answer(new(w.Code), errnoNotSupported), nil
}

func answer(c *w.Code, errno int32, locals ...w.Locals) w.Body { return c.I32(errno).Body(locals...) }

// fdWrite: (fd, iovs, count, written). Only standard output and error exist.
func (p *polyfill) fdWrite() w.Body {
	const fd, iovs, count, written, total = 0, 1, 2, 3, 4
	c := new(w.Code)
	c.Get(fd).I32(1).Op(w.OpI32Sub).I32(1).Op(w.OpI32GtU).Block(w.OpIf).I32(errnoBadDescriptor).Op(w.OpReturn, w.OpEnd)
	c.Block(w.OpBlock).Block(w.OpLoop)
	c.Get(count).Op(w.OpI32Eqz).Index(w.OpBrIf, 1)
	c.Get(fd).Get(iovs).Memory(w.OpI32Load, 0).Get(iovs).Memory(w.OpI32Load, 4).Call(p.put)
	c.Get(total).Get(iovs).Memory(w.OpI32Load, 4).Op(w.OpI32Add).Set(total)
	c.Get(iovs).I32(8).Op(w.OpI32Add).Set(iovs)
	c.Get(count).I32(1).Op(w.OpI32Sub).Set(count)
	c.Index(w.OpBr, 0).Op(w.OpEnd, w.OpEnd)
	c.Get(written).Get(total).Memory(w.OpI32Store, 0)
	return answer(c, 0, w.Locals{N: 1, Type: w.I32})
}

// randomGet: (pointer, length). A splitmix64 sequence that starts from the time of its
// first use: every replica draws the same, nobody should take it for a secret.
func (p *polyfill) randomGet() w.Body {
	const ptr, n, z = 0, 1, 2
	c := new(w.Code)
	c.Index(w.OpGlobalGet, p.seed).Op(w.OpI64Eqz).Block(w.OpIf).Call(p.time).Index(w.OpGlobalSet, p.seed).Op(w.OpEnd)
	c.Block(w.OpBlock).Block(w.OpLoop)
	c.Get(n).Op(w.OpI32Eqz).Index(w.OpBrIf, 1)
	c.Index(w.OpGlobalGet, p.seed).I64(-0x61c8864680b583eb).Op(w.OpI64Add).Index(w.OpLocalTee, z).Index(w.OpGlobalSet, p.seed)
	mix(c, z, 30, -0x40a7b892e31b1a47)
	mix(c, z, 27, -0x6b2fb644ecceee15)
	c.Get(ptr).Get(z).Get(z).I64(31).Op(w.OpI64ShrU, w.OpI64Xor).Memory(w.OpI64Store8, 0)
	c.Get(ptr).I32(1).Op(w.OpI32Add).Set(ptr)
	c.Get(n).I32(1).Op(w.OpI32Sub).Set(n)
	c.Index(w.OpBr, 0).Op(w.OpEnd, w.OpEnd)
	return answer(c, 0, w.Locals{N: 1, Type: w.I64})
}

// mix is z = (z ^ z>>shift) * factor.
func mix(c *w.Code, z uint32, shift, factor int64) {
	c.Get(z).Get(z).I64(shift).Op(w.OpI64ShrU, w.OpI64Xor).I64(factor).Op(w.OpI64Mul).Set(z)
}

// pollOneoff: (subscriptions, events, count, nevents). Go's scheduler looks for events
// without waiting once a timer exists (its memory scavenger has one), and naps for
// microseconds while it prints a fatal error; both get no event. A wait for longer
// means that nothing can run until time passes, which it never does in a message.
func (p *polyfill) pollOneoff() w.Body {
	const subs, nevents = 0, 3
	const kind, timeout = 8, 24 // offsets in a subscription; kind 0 is a clock
	c := new(w.Code)
	c.Get(subs).Memory(w.OpI32Load8U, kind).Op(w.OpI32Eqz)
	c.Get(subs).Memory(w.OpI64Load, timeout).I64(1_000_000).Op(w.OpI64LeU)
	c.Index(w.OpGlobalGet, p.naps).I32(maxNaps).Op(w.OpI32LtU, w.OpI32And, w.OpI32And)
	c.Op(w.OpI32Eqz).Block(w.OpIf)
	c.Call(p.flush).I32(textAt+int32(len(exitText))).I32(int32(len(sleepText))).Call(p.trap).Op(w.OpUnreachable, w.OpEnd)
	c.Index(w.OpGlobalGet, p.naps).Get(subs).Memory(w.OpI64Load, timeout).I64(0).Op(w.OpI64Ne, w.OpI32Add).Index(w.OpGlobalSet, p.naps)
	c.Get(nevents).I32(0).Memory(w.OpI32Store, 0)
	return answer(c, 0)
}

// procExit: (code) -> ().
func (p *polyfill) procExit() w.Body { return p.lastWords() }

// lastWords traps with what Go said last, or with a fixed text. It fits any type of
// function, because it does not return.
func (p *polyfill) lastWords() w.Body {
	c := new(w.Code).Call(p.flush)
	c.Index(w.OpGlobalGet, p.errs).Block(w.OpIf).I32(errorAt).Index(w.OpGlobalGet, p.errs).Call(p.trap).Op(w.OpEnd)
	c.I32(textAt).I32(int32(len(exitText))).Call(p.trap)
	return c.Op(w.OpUnreachable).Body()
}
