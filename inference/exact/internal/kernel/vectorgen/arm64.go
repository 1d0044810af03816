package main

import "fmt"

// neon writes most instructions as words, since Go's assembler lacks the vector forms of float arithmetic.
type neon struct{}

var armPointers = []string{"R0", "R1", "R2", "R3", "R4"}

// The last two registers hold constants.
const armScratch = 30

// armWords are instructions on four 32-bit elements; m, n and d go to bits 16, 5 and 0.
var armWords = map[operation]uint32{
	opAdd: 0x4e20d400, opSub: 0x4ea0d400, opMul: 0x6e20dc00, opDiv: 0x6e20fc00, opMax: 0x4e20f400, opMin: 0x4ea0f400, opSqrt: 0x6ea1f800,
	opAnd: 0x4e201c00, opOr: 0x4ea01c00, opXor: 0x6e201c00, opGreater: 0x6ea0e400, opGreaterEqual: 0x6e20e400, opEqual: 0x4e20e400,
	opOrdered: 0x4e20e400, opIntAdd: 0x4ea08400, opIntSub: 0x6ea08400, opIntMax: 0x4ea06400, opIntMin: 0x4ea06c00, opUintMax: 0x6ea06400,
	opFromInt: 0x4e21d800, opToInt: 0x4e21a800, opKeep: 0x4e201c00,
}

var armNames = map[operation]string{
	opAdd: "FADD", opSub: "FSUB", opMul: "FMUL", opDiv: "FDIV", opMax: "FMAX", opMin: "FMIN", opSqrt: "FSQRT", opAnd: "AND", opOr: "ORR", opXor: "EOR",
	opGreater: "FCMGT", opGreaterEqual: "FCMGE", opEqual: "FCMEQ", opOrdered: "FCMEQ", opIntAdd: "ADD", opIntSub: "SUB", opIntMax: "SMAX",
	opIntMin: "SMIN", opUintMax: "UMAX", opFromInt: "SCVTF", opToInt: "FCVTNS", opKeep: "AND",
}

func (neon) suffix() string { return "NEON" }
func (neon) width() int     { return 4 }
func (neon) registers() int { return armScratch }
func (neon) masks() int     { return 0 }

func word(t *text, code uint32, name string, registers ...int) {
	shifts := map[int][]uint{1: {0}, 2: {0, 5}, 3: {0, 5, 16}}[len(registers)]
	comment := name
	for i, r := range registers {
		code |= uint32(r) << shifts[i]
		comment += fmt.Sprintf(" V%d", r)
	}
	t.line("WORD $0x%08x // %s", code, comment)
}

func (neon) prologue(t *text, f function, b *builder) {
	f.each(func(i int, p parameter, offset int) {
		t.line("MOVD %s+%d(FP), %s", p.name, offset, armPointers[i])
	}, func(p parameter, offset int) {
		if p.typ == "int" {
			t.line("MOVD %s+%d(FP), R6", p.name, offset)
			return
		}
		at := b.scalars[p.name].pinned - 1
		if p.typ == "float32" {
			t.line("FMOVS %s+%d(FP), F%d", p.name, offset, at)
			t.line("VDUP V%d.S[0], V%d.S4", at, at)
			return
		}
		t.line("MOVW %s+%d(FP), R8", p.name, offset)
		t.line("VDUP R8, V%d.S4", at)
	})
	t.line("MOVD $constants<>(SB), R7")
	for _, a := range b.accumulators {
		if a.begin != nil {
			t.line("FMOVQ %d(R7), F%d", t.distance(a.begin, 16), a.value.pinned-1)
		} else {
			t.line("FMOVQ %d(%s), F%d", a.at*16, armPointers[f.pointer(a.pointer)], a.value.pinned-1)
		}
	}
}

func (n neon) turn(t *text, f function, b *builder) {
	count := f.vectors(n) * n.width()
	f.each(func(i int, p parameter, _ int) {
		if b.advances(p.name) {
			t.line("ADD $%d, %s", count*elementSize(p.typ), armPointers[i])
		}
	}, func(parameter, int) {})
	t.line("SUBS $%d, R6", count)
	t.line("BNE loop")
}

func (neon) epilogue(t *text, f function, b *builder) {
	for _, a := range b.accumulators {
		if a.begin == nil {
			t.line("FMOVQ F%d, %d(%s)", a.value.pinned-1, a.at*16, armPointers[f.pointer(a.pointer)])
		}
	}
	t.line("RET")
}

// FMAX and FMIN pass NaN on and order zeros by sign.
func (neon) extreme(b *builder, op, _ operation, x, y *value) *value { return b.canon(b.op(op, x, y)) }
func (neon) tie(b *builder, op, _ operation, x, y *value) *value     { return b.op(op, x, y) }

// held is the register of a value; constants are loaded into one of the two scratch registers.
func (neon) held(t *text, v *value, r registers, scratch int) int {
	if !v.constant {
		return r[v]
	}
	t.line("FMOVQ %d(R7), F%d", t.distance(v, 16), armScratch+scratch)
	return armScratch + scratch
}

func (n neon) instruction(t *text, i instruction, r registers) {
	switch i.op {
	case opLoad:
		n.load(t, i, r[i.dst])
	case opStore:
		n.store(t, i, r[i.args[0]])
	case opBlend:
		a, b := n.held(t, i.args[1], r, 0), n.held(t, i.args[2], r, 1)
		mask, d := r[i.args[0]], r[i.dst]
		word(t, 0x4ea01c00, "ORR", d, mask, mask)
		word(t, 0x6e601c00, "BSL", d, a, b)
	case opFirst:
		t.line("FMOVS F%d, (%s)", r[i.args[0]], armPointers[i.number])
	case opSwap:
		from := r[i.args[0]]
		if i.at == 2 {
			word(t, 0x6e004000, "EXT #8", r[i.dst], from, from)
		} else {
			word(t, 0x4ea00800, "REV64 4S", r[i.dst], from)
		}
	case opSet:
		from, to := n.held(t, i.args[0], r, 0), r[i.args[1]]
		word(t, 0x4ea01c00, "ORR", to, from, from)
	case opShiftLeft:
		word(t, 0x4f005400|uint32(32+i.at)<<16, fmt.Sprintf("SHL #%d", i.at), r[i.dst], n.held(t, i.args[0], r, 0))
	case opShiftRight:
		word(t, 0x4f000400|uint32(64-i.at)<<16, fmt.Sprintf("SSHR #%d", i.at), r[i.dst], n.held(t, i.args[0], r, 0))
	case opShiftRightLogical:
		word(t, 0x6f000400|uint32(64-i.at)<<16, fmt.Sprintf("USHR #%d", i.at), r[i.dst], n.held(t, i.args[0], r, 0))
	case opSqrt, opFromInt, opToInt:
		word(t, armWords[i.op], armNames[i.op], r[i.dst], n.held(t, i.args[0], r, 0))
	default:
		first := n.held(t, i.args[0], r, 0)
		second := first
		if len(i.args) > 1 {
			second = n.held(t, i.args[1], r, 1)
		}
		word(t, armWords[i.op], armNames[i.op], r[i.dst], first, second)
	}
}

func (neon) load(t *text, i instruction, d int) {
	from := i.place(armPointers, 4)
	switch i.kind {
	case i8:
		t.line("FMOVS %s, F%d", from, d)
		word(t, 0x0f08a400, "SXTL 8H", d, d)
		word(t, 0x0f10a400, "SXTL 4S", d, d)
	case u8:
		t.line("FMOVS %s, F%d", from, d)
		word(t, 0x2f08a400, "UXTL 8H", d, d)
		word(t, 0x2f10a400, "UXTL 4S", d, d)
	case u16:
		t.line("FMOVD %s, F%d", from, d)
		word(t, 0x2f10a400, "UXTL 4S", d, d)
	case f16:
		t.line("FMOVD %s, F%d", from, d)
		word(t, 0x0e217800, "FCVTL 4S", d, d)
	default:
		t.line("FMOVQ %s, F%d", from, d)
	}
}

func (neon) store(t *text, i instruction, from int) {
	to := i.place(armPointers, 4)
	switch i.kind {
	case i8, u8:
		word(t, 0x0e612800, "XTN 4H", armScratch, from)
		word(t, 0x0e212800, "XTN 8B", armScratch, armScratch)
		t.line("FMOVS F%d, %s", armScratch, to)
	case u16:
		word(t, 0x0e612800, "XTN 4H", armScratch, from)
		t.line("FMOVD F%d, %s", armScratch, to)
	case f16:
		word(t, 0x0e216800, "FCVTN 4H", armScratch, from)
		t.line("FMOVD F%d, %s", armScratch, to)
	default:
		t.line("FMOVQ F%d, %s", from, to)
	}
}
