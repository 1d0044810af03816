package module

import "encoding/binary"

// Iter walks a function body:
//
//	for it := NewIter(body.Code); it.Next(); { use(it.Op) }
//	if err := it.Err() …
//
// It checks that blocks nest, that else belongs to an if, and that the body ends
// exactly with its last end. It does not check types or indices.
type Iter struct {
	Op        Opcode
	Pos, End  int    // the instruction's bytes are code[Pos:End]
	Imm, Imm2 uint64 // indices, label, type, constant bits, or memory offset and alignment
	Args      int    // where the immediates start
	r         reader
	ifs       []bool // one per open block: whether it is an if that may still have an else
	done      bool
}

// NewIter starts at the front of a body's instructions.
func NewIter(code []byte) Iter { return Iter{r: reader{b: code}, ifs: make([]bool, 1, 16)} }

// Err is the first error, a [*SyntaxError] with an offset into the body, or nil.
func (it *Iter) Err() error { return it.r.err }

// Depth is the number of blocks open after the current instruction; the function
// itself is one, so it is 0 after the last end.
func (it *Iter) Depth() int { return len(it.ifs) }

// Bits64 is the bits of a vector constant's halves, or of a shuffle's lanes.
func (it *Iter) Bits64() (lo, hi uint64) { return it.Imm, it.Imm2 }

// Next reads one instruction; false at the end of the body or after an error.
func (it *Iter) Next() bool {
	r := &it.r
	if it.done || r.err != nil {
		return false
	}
	it.Pos = r.i
	op := r.u8()
	if r.err != nil {
		return false
	}
	it.Op, it.Imm, it.Imm2, it.Args = Opcode(op), 0, 0, r.i
	f := forms[op]
	if f == formPrefix {
		f = it.prefixed(op)
	}
	if f > formNone {
		it.immediates(f)
	} else if f == formBad {
		r.fail(it.Pos, "unknown opcode %#x", uint16(it.Op))
	}
	it.End = r.i
	switch it.Op {
	case OpBlock, OpLoop:
		it.ifs = append(it.ifs, false)
	case OpIf:
		it.ifs = append(it.ifs, true)
	case OpElse:
		if !it.ifs[len(it.ifs)-1] {
			r.fail(it.Pos, "else without if")
			return false
		}
		it.ifs[len(it.ifs)-1] = false
	case OpEnd:
		it.ifs = it.ifs[:len(it.ifs)-1]
		if len(it.ifs) == 0 {
			it.done = true
			if r.left() > 0 {
				r.fail(r.i, "instructions after the end of the body")
			}
		}
	}
	return r.err == nil
}

func (it *Iter) prefixed(op byte) form {
	sub := it.r.u32()
	it.Args = it.r.i
	table := formsBulk[:]
	if op == 0xfd {
		table = formsVector[:]
	}
	if uint64(sub) >= uint64(len(table)) {
		it.r.fail(it.Pos, "unknown opcode %#x %#x", op, sub)
		return formNone
	}
	it.Op = Opcode(op)<<8 | Opcode(sub)
	return table[sub]
}

func (it *Iter) immediates(f form) {
	r := &it.r
	switch f {
	case formBlock:
		it.blockType()
	case formIndex:
		it.Imm = uint64(r.u32())
	case formTwo:
		it.Imm, it.Imm2 = uint64(r.u32()), uint64(r.u32())
	case formTargets:
		n := r.count("branch targets", maxTargets, 1)
		for range n {
			r.u32()
		}
		it.Imm, it.Imm2 = uint64(n), uint64(r.u32())
	case formTypes:
		if n := r.u32(); n != 1 {
			r.fail(it.Args, "select with %d types", n)
		}
		it.Imm = uint64(r.valType())
	case formMemory, formMemLane:
		it.memArg(f == formMemLane)
	case formI32:
		it.Imm = uint64(r.sleb(32))
	case formI64:
		it.Imm = uint64(r.sleb(64))
	case formBytes4:
		if b := r.take(4); b != nil {
			it.Imm = uint64(binary.LittleEndian.Uint32(b))
		}
	case formBytes8:
		if b := r.take(8); b != nil {
			it.Imm = binary.LittleEndian.Uint64(b)
		}
	case formBytes16:
		if b := r.take(16); b != nil {
			it.Imm, it.Imm2 = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		}
	case formLane:
		it.Imm = uint64(r.u8())
	case formHeapType:
		it.Imm = uint64(r.refType())
	case formDataMem:
		it.Imm = uint64(r.u32())
		it.memIndex()
	case formMemIndex:
		it.memIndex()
	case formTwoMemory:
		it.memIndex()
		it.memIndex()
	}
}

// blockType sets Imm to a type index, or to 0x40 or a value type with Imm2 = 1.
func (it *Iter) blockType() {
	v := it.r.sleb(33)
	if v >= 0 {
		it.Imm = uint64(v)
		return
	}
	it.Imm, it.Imm2 = uint64(v)&0x7f, 1
	if v < -64 || v != -64 && !ValType(it.Imm).valid() {
		it.r.fail(it.Args, "block type %d", v)
	}
}

// memArg sets Imm to the offset and Imm2 to the alignment's exponent.
func (it *Iter) memArg(lane bool) {
	align := it.r.u32()
	if align > 4 {
		it.r.fail(it.Args, "memory argument %#x", align)
	}
	it.Imm, it.Imm2 = it.r.uleb(64), uint64(align)
	if lane {
		it.r.u8()
	}
}

func (it *Iter) memIndex() {
	if it.r.u8() != 0 && it.r.err == nil {
		it.r.fail(it.r.i-1, "memory other than 0")
	}
}
