package replicatest

import m "assay/ic/wasm/module"

// pushed leaves the number on Wasm's stack on the program's.
func (s *steps) pushed() { s.c.Call(s.push) }

// pushed32 does it with an i32.
func (s *steps) pushed32() { s.c.Op(m.OpI64ExtendI32U).Call(s.push) }

// popped leaves the top of the program's stack on Wasm's.
func (s *steps) popped() { s.c.Call(s.pop) }

func (s *steps) popped32() { s.c.Call(s.pop).Op(i32WrapI64) }

// poppedBlob takes length and address into a pair of locals.
func (s *steps) poppedBlob(n uint32) {
	s.popped32()
	s.c.Set(length(n))
	s.popped32()
	s.c.Set(address(n))
}

// stack is the steps that work on the program's stack.
func (s *steps) stack() {
	s.step(opPush, func() {
		s.u64()
		s.pushed()
	})
	for _, o := range []opcode{opPushBlob, opPushProgram} {
		s.step(o, func() {
			s.blob(0)
			s.c.Get(address(0))
			s.pushed32()
			if o == opPushBlob {
				s.c.Get(length(0))
				s.pushed32()
			}
		})
	}
	s.step(opPushCell, func() {
		s.u32()
		s.c.Memory(m.OpI64Load, 0)
		s.pushed()
	})
	s.step(opPushKept, func() {
		s.u32()
		s.c.Set(word)
		for _, offset := range []uint32{0, 8} {
			s.c.Get(word).Memory(m.OpI64Load, offset)
			s.pushed()
		}
	})
	s.step(opBuffer, func() { // its address and length stay in locals
		s.u32()
		s.c.Set(length(buffer)).Get(length(buffer)).Call(s.alloc).Set(address(buffer)).Get(address(buffer))
		s.pushed32()
	})
	s.step(opPushBuffer, func() {
		s.c.Get(address(buffer))
		s.pushed32()
		s.c.Get(length(buffer))
		s.pushed32()
	})
	s.step(opSystem, func() { s.numbered(s.call) })
	s.step(opFetch, func() { s.numbered(s.fetch) })
	s.step(opDrop, func() {
		s.popped()
		s.c.Op(m.OpDrop)
	})
	s.arithmetic()
	s.results()
}

// numbered calls a function with the next byte as its argument.
func (s *steps) numbered(f uint32) {
	s.c.Get(pc).Memory(m.OpI32Load8U, 0).Set(word)
	s.skip(1)
	s.c.Get(word).Call(f)
}

func (s *steps) arithmetic() {
	for _, each := range []struct {
		op    opcode
		do    m.Opcode
		truth bool
	}{{opSum, m.OpI64Add, false}, {opDifference, m.OpI64Sub, false}, {opLess, i64LtU, true}, {opEqual, i64Eq, true}} {
		s.step(each.op, func() {
			s.popped()
			s.c.Set(long)
			s.popped()
			s.c.Get(long).Op(each.do)
			if each.truth {
				s.c.Op(m.OpI64ExtendI32U)
			}
			s.pushed()
		})
	}
	s.step(opMemorySize, func() {
		s.c.Index(m.OpMemorySize, 0)
		s.pushed32()
	})
	s.step(opMemoryGrow, func() {
		s.popped32()
		s.c.Index(m.OpMemoryGrow, 0)
		s.pushed32()
	})
}

// results is what becomes of values.
func (s *steps) results() {
	s.step(opGive, func() {
		s.poppedBlob(0)
		s.give(0)
		s.sys("msg_reply_data_append")
	})
	s.step(opPut, func() {
		s.c.I32(scratch)
		s.popped()
		s.c.Memory(m.OpI64Store, 0)
		s.appendScratch(8)
	})
	s.step(opSetCell, func() {
		s.u32()
		s.popped()
		s.c.Memory(m.OpI64Store, 0)
	})
	s.step(opKeep, func() {
		s.u32()
		s.c.Set(word)
		for _, offset := range []uint32{8, 0} {
			s.c.Get(word)
			s.popped()
			s.c.Memory(m.OpI64Store, offset)
		}
	})
	s.step(opPoke, func() {
		s.poppedBlob(0)
		s.popped32()
		s.give(0)
		s.c.Copy()
	})
}

// control is the steps that decide what comes next. Jumps are relative to the step
// behind them.
func (s *steps) control() {
	s.step(opJump, func() {
		s.u32()
		s.c.Get(pc).Op(m.OpI32Add).Set(pc)
	})
	s.step(opUnless, func() {
		s.u32()
		s.c.Set(word)
		s.popped()
		s.c.Op(m.OpI64Eqz).Block(m.OpIf).Get(pc).Get(word).Op(m.OpI32Add).Set(pc).Op(m.OpEnd)
	})
	s.step(opRunArg, func() {
		s.sys("msg_arg_data_size")
		s.c.Set(length(0)).Get(length(0)).I32(1).Op(m.OpI32Add).Call(s.alloc).Set(address(0))
		s.c.Get(address(0)).I32(0).Get(length(0))
		s.sys("msg_arg_data_copy")
		s.c.Get(address(0)).Call(s.self)
	})
	s.step(opRunAt, func() {
		s.popped32()
		s.c.Call(s.self)
	})
}
