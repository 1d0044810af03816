package replicatest

import m "assay/ic/wasm/module"

// Locals of the interpreter.
const (
	pc    = iota // the parameter: where the program goes on
	op           // the step being done
	first        // pairs of address and length, one per blob operand
	word  = first + 14
	long  = word + 1 // i64
)

// buffer is the pair of locals of the last buffer.
const buffer = 6

func address(blob uint32) uint32 { return first + 2*blob }
func length(blob uint32) uint32  { return first + 2*blob + 1 }

// steps writes the interpreter: a function that runs the program at an address.
type steps struct {
	a          *assembler
	c          m.Code
	alloc      uint32 // functions that it calls
	push, pop  uint32
	call, self uint32
	fetch      uint32
}

// interpreter is a loop over steps, each a branch that ends with going on.
func (s *steps) interpreter() m.Body {
	s.c.Block(m.OpLoop)
	s.c.Get(pc).Memory(m.OpI32Load8U, 0).Set(op)
	s.skip(1)
	s.answers()
	s.memory()
	s.money()
	s.environment()
	s.step(opCall, s.perform)
	s.step(opDeny, func() {})
	s.stack()
	s.control()
	s.c.Op(m.OpEnd)
	return s.c.Body(m.Locals{N: word, Type: m.I32}, m.Locals{N: 1, Type: m.I64})
}

func (s *steps) sys(name string) { s.c.Call(s.a.imports[name]) }

// skip moves pc on.
func (s *steps) skip(n int32) { s.c.Get(pc).I32(n).Op(m.OpI32Add).Set(pc) }

// step is what one opcode does.
func (s *steps) step(o opcode, body func()) {
	s.c.Get(op).I32(int32(o)).Op(m.OpI32Eq).Block(m.OpIf)
	body()
	s.c.Index(m.OpBr, 1).Op(m.OpEnd)
}

// u32 leaves the next operand on the stack.
func (s *steps) u32() { s.c.Get(pc).Memory(m.OpI32Load, 0); s.skip(4) }
func (s *steps) u64() { s.c.Get(pc).Memory(m.OpI64Load, 0); s.skip(8) }

// blob reads an operand of bytes into a pair of locals.
func (s *steps) blob(n uint32) {
	s.u32()
	s.c.Set(length(n)).Get(pc).Set(address(n)).Get(pc).Get(length(n)).Op(m.OpI32Add).Set(pc)
}

// give leaves address and length of a blob on the stack.
func (s *steps) give(n uint32) { s.c.Get(address(n)).Get(length(n)) }

// appendScratch appends so many bytes of scratch to the reply.
func (s *steps) appendScratch(n int32) {
	s.c.I32(scratch).I32(n)
	s.sys("msg_reply_data_append")
}

func (s *steps) answers() {
	s.step(opReply, func() {
		s.blob(0)
		s.give(0)
		s.sys("msg_reply_data_append")
		s.sys("msg_reply")
	})
	s.step(opSend, func() { s.sys("msg_reply") })
	for _, each := range []named{{opAppend, "msg_reply_data_append"}, {opReject, "msg_reject"}, {opTrap, "trap"}, {opPrint, "debug_print"}, {opCertify, "certified_data_set"}} {
		s.step(each.op, func() {
			s.blob(0)
			s.give(0)
			s.sys(each.call)
		})
	}
	s.step(opUnreachable, func() { s.c.Op(m.OpUnreachable) })
	s.step(opForever, func() { s.c.Block(m.OpLoop).Index(m.OpBr, 0).Op(m.OpEnd) })
	s.step(opSpin, func() {
		s.u32()
		s.c.Set(word).Block(m.OpLoop).Get(word).Block(m.OpIf)
		s.c.Get(word).I32(1).Op(m.OpI32Sub).Set(word).Index(m.OpBr, 1).Op(m.OpEnd, m.OpEnd)
	})
	s.step(opAppendArg, func() { s.appendValue("msg_arg_data") })
	s.step(opAppendCaller, func() { s.appendValue("msg_caller") })
	s.step(opAppendCertificate, func() { s.appendValue("data_certificate") })
}

// appendValue appends what a pair of size and copy calls gives.
func (s *steps) appendValue(name string) {
	s.sys(name + "_size")
	s.c.Set(length(0)).Get(length(0)).Call(s.alloc).Set(address(0))
	s.c.Get(address(0)).I32(0).Get(length(0))
	s.sys(name + "_copy")
	s.give(0)
	s.sys("msg_reply_data_append")
}

func (s *steps) memory() {
	extend := m.OpI64ExtendI32U
	s.step(opAdd, func() {
		s.u32()
		s.c.Set(word).Get(word).Get(word).Memory(m.OpI64Load, 0)
		s.u64()
		s.c.Op(m.OpI64Add).Memory(m.OpI64Store, 0)
	})
	s.step(opAppendCell, func() {
		s.u32()
		s.c.I32(8)
		s.sys("msg_reply_data_append")
	})
	s.step(opAddGlobal, func() {
		s.c.Index(m.OpGlobalGet, globalTest)
		s.u64()
		s.c.Op(m.OpI64Add).Index(m.OpGlobalSet, globalTest)
	})
	s.step(opAppendGlobal, func() {
		s.c.I32(scratch).Index(m.OpGlobalGet, globalTest).Memory(m.OpI64Store, 0)
		s.appendScratch(8)
	})
	s.step(opHeapGrow, func() {
		s.u32()
		s.c.Index(m.OpMemoryGrow, 0).Op(m.OpDrop)
	})
	s.step(opTouch, func() {
		s.u32()
		s.c.Set(word).Get(word).Get(word).Memory(m.OpI32Load8U, 0).I32(1).Op(m.OpI32Add).Memory(m.OpI32Store8, 0)
	})
	s.step(opStableGrow, func() {
		s.u32()
		s.c.Op(extend)
		s.sys("stable64_grow")
		s.c.Op(m.OpDrop)
	})
	s.step(opStableWrite, func() {
		s.u32()
		s.c.Op(extend)
		s.blob(0)
		s.c.Get(address(0)).Op(extend).Get(length(0)).Op(extend)
		s.sys("stable64_write")
	})
	s.step(opStableAppend, func() {
		s.u32()
		s.c.Set(word)
		s.u32()
		s.c.Set(length(0)).Get(length(0)).Call(s.alloc).Set(address(0))
		s.c.Get(address(0)).Op(extend).Get(word).Op(extend).Get(length(0)).Op(extend)
		s.sys("stable64_read")
		s.give(0)
		s.sys("msg_reply_data_append")
	})
}

func (s *steps) money() {
	for _, each := range []named{{opAccept, "msg_cycles_accept128"}, {opBurn, "cycles_burn128"}} {
		s.step(each.op, func() {
			s.c.I64(0)
			s.u64()
			s.c.I32(scratch)
			s.sys(each.call)
		})
	}
	for _, each := range []named{{opAppendBalance, "canister_cycle_balance128"}, {opAppendRefunded, "msg_cycles_refunded128"}, {opAppendAvailable, "msg_cycles_available128"}} {
		s.step(each.op, func() {
			s.c.I32(scratch)
			s.sys(each.call)
			s.appendScratch(16)
		})
	}
}

func (s *steps) environment() {
	for _, each := range []named{{opAppendTime, "time"}, {opAppendStableSize, "stable64_size"}, {opAppendDeadline, "msg_deadline"}} {
		s.step(each.op, func() {
			s.c.I32(scratch)
			s.sys(each.call)
			s.c.Memory(m.OpI64Store, 0)
			s.appendScratch(8)
		})
	}
	s.step(opAppendCounter, func() {
		s.c.I32(scratch).I32(0)
		s.sys("performance_counter")
		s.c.Memory(m.OpI64Store, 0)
		s.appendScratch(8)
	})
	s.step(opAppendRejectCode, func() {
		s.c.I32(scratch)
		s.sys("msg_reject_code")
		s.c.Memory(m.OpI32Store, 0)
		s.appendScratch(4)
	})
	s.step(opAppendPerformed, func() {
		s.c.I32(atPerformed).I32(4)
		s.sys("msg_reply_data_append")
	})
	s.step(opTimer, func() {
		s.u64()
		s.sys("global_timer_set")
		s.c.Op(m.OpDrop)
	})
	s.keep(opOnTimer, atTimer)
	s.keep(opOnUpgrade, atUpgrade)
	s.keep(opOnHeartbeat, atHeartbeat)
	s.keep(opOnLowMemory, atLowMemory)
	s.keep(opOnInspect, atInspect)
	s.keep(opOnTransform, atTransform)
}

// keep stores the address of a program for later.
func (s *steps) keep(o opcode, at uint32) {
	s.step(o, func() {
		s.blob(0)
		s.c.I32(0).Get(address(0)).Memory(m.OpI32Store, at)
	})
}

// named is an opcode and the system call that does it.
type named struct {
	op   opcode
	call string
}

// perform reads callee, name, argument, cycles, timeout and three programs, and performs
// the call. A missing program is at the address of an end.
func (s *steps) perform() {
	s.blob(0)
	s.blob(1)
	s.blob(2)
	s.u64()
	s.c.Set(long)
	s.u32()
	s.c.Set(word)
	s.blob(3)
	s.blob(4)
	s.blob(5)
	for n := uint32(3); n <= 5; n++ { // without a program: an end
		s.c.Get(length(n)).Op(m.OpI32Eqz).Block(m.OpIf).I32(atNothing).Set(address(n)).Op(m.OpEnd)
	}
	s.give(0)
	s.give(1)
	s.c.I32(1).Get(address(3)).I32(1).Get(address(4))
	s.sys("call_new")
	s.c.Get(length(5)).Block(m.OpIf).I32(1).Get(address(5))
	s.sys("call_on_cleanup")
	s.c.Op(m.OpEnd)
	s.give(2)
	s.sys("call_data_append")
	s.c.Get(long).Op(m.OpI64Eqz, m.OpI32Eqz).Block(m.OpIf).I64(0).Get(long)
	s.sys("call_cycles_add128")
	s.c.Op(m.OpEnd)
	s.c.Get(word).Block(m.OpIf).Get(word)
	s.sys("call_with_best_effort_response")
	s.c.Op(m.OpEnd)
	s.c.I32(0)
	s.sys("call_perform")
	s.c.Memory(m.OpI32Store, atPerformed)
}
