package main

import "fmt"

// x86 is what AVX2 and AVX-512 share: three-operand instructions of the same names.
type x86 struct {
	letter  string
	scratch int // the first of two registers for constants and conversions
}

var x86Pointers = []string{"DI", "SI", "DX", "R8", "R9"}

var x86Names = map[operation]string{
	opAdd: "VADDPS", opSub: "VSUBPS", opMul: "VMULPS", opDiv: "VDIVPS", opMax: "VMAXPS", opMin: "VMINPS", opIntAdd: "VPADDD", opIntSub: "VPSUBD",
	opIntMax: "VPMAXSD", opIntMin: "VPMINSD", opUintMax: "VPMAXUD", opShiftLeft: "VPSLLD", opShiftRight: "VPSRAD",
	opShiftRightLogical: "VPSRLD", opSqrt: "VSQRTPS", opFromInt: "VCVTDQ2PS", opToInt: "VCVTPS2DQ",
}

var x86Loads = map[kind]string{f32: "VMOVUPS", i8: "VPMOVSXBD", u8: "VPMOVZXBD", u16: "VPMOVZXWD", f16: "VCVTPH2PS"}

func (x x86) register(i int) string { return fmt.Sprintf("%s%d", x.letter, i) }

func (x x86) start(t *text, f function, b *builder, bytes int) {
	f.each(func(i int, p parameter, offset int) {
		t.line("MOVQ %s+%d(FP), %s", p.name, offset, x86Pointers[i])
	}, func(p parameter, offset int) {
		if p.typ == "int" {
			t.line("MOVQ %s+%d(FP), CX", p.name, offset)
			return
		}
		t.line("VBROADCASTSS %s+%d(FP), %s", p.name, offset, x.register(b.scalars[p.name].pinned-1))
	})
	for _, a := range b.accumulators {
		from := ""
		if a.begin != nil {
			from = t.constant(a.begin)
		} else {
			from = fmt.Sprintf("%d(%s)", a.at*bytes, x86Pointers[f.pointer(a.pointer)])
		}
		t.line("VMOVUPS %s, %s", from, x.register(a.value.pinned-1))
	}
}

func (x x86) turn(t *text, f function, b *builder, target target) {
	count := f.vectors(target) * target.width()
	f.each(func(i int, p parameter, _ int) {
		if b.advances(p.name) {
			t.line("ADDQ $%d, %s", count*elementSize(p.typ), x86Pointers[i])
		}
	}, func(parameter, int) {})
	t.line("SUBQ $%d, CX", count)
	t.line("JNZ loop")
}

func (x x86) finish(t *text, f function, b *builder, target target) {
	for _, a := range b.accumulators {
		if a.begin == nil {
			t.line("VMOVUPS %s, %d(%s)", x.register(a.value.pinned-1), a.at*4*target.width(), x86Pointers[f.pointer(a.pointer)])
		}
	}
	t.line("VZEROUPPER")
	t.line("RET")
}

// memory is an operand that may be a constant in memory.
func (x x86) memory(t *text, v *value, r registers) string {
	if v.constant {
		return t.constant(v)
	}
	return x.register(r[v])
}

// held is an operand that must be a register.
func (x x86) held(t *text, v *value, r registers) string {
	if !v.constant {
		return x.register(r[v])
	}
	scratch := x.register(x.scratch)
	t.line("VMOVUPS %s, %s", t.constant(v), scratch)
	return scratch
}

// swap exchanges neighbouring groups of so many elements.
func (x x86) swap(t *text, distance int, from, to string) {
	switch {
	case distance == 8:
		t.line("VSHUFF64X2 $0x4e, %s, %s, %s", from, from, to)
	case distance == 4 && x.letter == "Z":
		t.line("VSHUFF64X2 $0xb1, %s, %s, %s", from, from, to)
	case distance == 4:
		t.line("VPERM2F128 $1, %s, %s, %s", from, from, to)
	case distance == 2:
		t.line("VPERMILPS $0x4e, %s, %s", from, to)
	default:
		t.line("VPERMILPS $0xb1, %s, %s", from, to)
	}
}

var commutative = map[operation]bool{opAdd: true, opMul: true, opAnd: true, opOr: true, opXor: true, opIntAdd: true, opIntMax: true, opIntMin: true, opUintMax: true}

// plain writes the instructions that AVX2 and AVX-512 have in common.
func (x x86) plain(t *text, i instruction, r registers, name string) {
	switch i.op {
	case opSqrt, opFromInt, opToInt:
		t.line("%s %s, %s", name, x.memory(t, i.args[0], r), x.register(r[i.dst]))
	case opShiftLeft, opShiftRight, opShiftRightLogical:
		t.line("%s $%d, %s, %s", name, i.at, x.held(t, i.args[0], r), x.register(r[i.dst]))
	case opFirst:
		t.line("VMOVSS X%d, (%s)", r[i.args[0]], x86Pointers[i.number])
	case opSwap:
		x.swap(t, i.at, x.register(r[i.args[0]]), x.register(r[i.dst]))
	case opSet:
		t.line("VMOVAPS %s, %s", x.held(t, i.args[0], r), x.register(r[i.args[1]]))
	default:
		first, second := i.args[0], i.args[1]
		if commutative[i.op] && first.constant {
			first, second = second, first
		}
		held := x.held(t, first, r)
		t.line("%s %s, %s, %s", name, x.memory(t, second, r), held, x.register(r[i.dst]))
	}
}

// compare gives the predicate and the operands of a comparison, of which the second may be a constant.
func compare(i instruction) (predicate int, first, second *value) {
	first, second = i.args[0], i.args[len(i.args)-1]
	swapped := first.constant
	if swapped {
		first, second = second, first
	}
	switch {
	case i.op == opOrdered:
		return 7, first, second
	case i.op == opEqual:
		return 0, first, second
	case i.op == opGreater && swapped:
		return 0x11, first, second
	case i.op == opGreater:
		return 0x1e, first, second
	case swapped:
		return 0x12, first, second
	}
	return 0x1d, first, second
}

func (x x86) extreme(b *builder, op, join operation, p, q *value) *value {
	return b.op(opBlend, b.op(opOrdered, p, q), x.tie(b, op, join, p, q), bits(0x7fc00000))
}

func (x x86) tie(b *builder, op, join operation, p, q *value) *value {
	return b.op(join, b.op(op, p, q), b.op(op, q, p))
}

type avx2 struct{}

var avx2x86 = x86{"Y", 14}

func (avx2) suffix() string { return "AVX2" }
func (avx2) width() int     { return 8 }
func (avx2) registers() int { return 14 }
func (avx2) masks() int     { return 0 }

func (avx2) prologue(t *text, f function, b *builder) { avx2x86.start(t, f, b, 32) }
func (avx2) turn(t *text, f function, b *builder)     { avx2x86.turn(t, f, b, avx2{}) }
func (avx2) epilogue(t *text, f function, b *builder) { avx2x86.finish(t, f, b, avx2{}) }

func (avx2) extreme(b *builder, op, join operation, x, y *value) *value {
	return avx2x86.extreme(b, op, join, x, y)
}

func (avx2) tie(b *builder, op, join operation, x, y *value) *value {
	return avx2x86.tie(b, op, join, x, y)
}

func (a avx2) instruction(t *text, i instruction, r registers) {
	x := avx2x86
	switch i.op {
	case opLoad:
		t.line("%s %s, %s", x86Loads[i.kind], i.place(x86Pointers, 8), x.register(r[i.dst]))
	case opStore:
		a.store(t, i, x.register(r[i.args[0]]))
	case opGreater, opGreaterEqual, opEqual, opOrdered:
		predicate, first, second := compare(i)
		t.line("VCMPPS $0x%x, %s, %s, %s", predicate, x.memory(t, second, r), x.held(t, first, r), x.register(r[i.dst]))
	case opBlend:
		held := x.held(t, i.args[2], r)
		t.line("VBLENDVPS %s, %s, %s, %s", x.register(r[i.args[0]]), x.memory(t, i.args[1], r), held, x.register(r[i.dst]))
	case opKeep:
		t.line("VANDPS %s, %s, %s", x.memory(t, i.args[1], r), x.register(r[i.args[0]]), x.register(r[i.dst]))
	case opAnd, opOr, opXor:
		x.plain(t, i, r, map[operation]string{opAnd: "VANDPS", opOr: "VORPS", opXor: "VXORPS"}[i.op])
	default:
		x.plain(t, i, r, x86Names[i.op])
	}
}

// store narrows to bytes by a shuffle that brings each half's four low bytes together, to words by packing each half.
func (avx2) store(t *text, i instruction, from string) {
	switch i.kind {
	case i8, u8:
		t.line("VPSHUFB %s, %s, Y15", t.constant(bits(0x0c080400)), from)
		t.line("VEXTRACTI128 $1, Y15, X14")
		t.line("VPUNPCKLDQ X14, X15, X15")
		t.line("VMOVQ X15, %s", i.place(x86Pointers, 8))
	case u16:
		t.line("VPACKUSDW %s, %s, Y15", from, from)
		t.line("VPERMQ $8, Y15, Y15")
		t.line("VMOVDQU X15, %s", i.place(x86Pointers, 8))
	case f16:
		t.line("VCVTPS2PH $0, %s, %s", from, i.place(x86Pointers, 8))
	default:
		t.line("VMOVUPS %s, %s", from, i.place(x86Pointers, 8))
	}
}

type avx512 struct{}

var avx512x86 = x86{"Z", 30}

func (avx512) suffix() string { return "AVX512" }
func (avx512) width() int     { return 16 }
func (avx512) registers() int { return 30 }
func (avx512) masks() int     { return 7 }

func (avx512) prologue(t *text, f function, b *builder) { avx512x86.start(t, f, b, 64) }
func (avx512) turn(t *text, f function, b *builder)     { avx512x86.turn(t, f, b, avx512{}) }
func (avx512) epilogue(t *text, f function, b *builder) { avx512x86.finish(t, f, b, avx512{}) }

func (avx512) extreme(b *builder, op, join operation, x, y *value) *value {
	return avx512x86.extreme(b, op, join, x, y)
}

func (avx512) tie(b *builder, op, join operation, x, y *value) *value {
	return avx512x86.tie(b, op, join, x, y)
}

func (a avx512) instruction(t *text, i instruction, r registers) {
	x := avx512x86
	mask := func(v *value) string { return fmt.Sprintf("K%d", r[v]+1) } // K0 means no mask
	switch i.op {
	case opLoad:
		t.line("%s %s, %s", x86Loads[i.kind], i.place(x86Pointers, 16), x.register(r[i.dst]))
	case opStore:
		a.store(t, i, x.register(r[i.args[0]]))
	case opGreater, opGreaterEqual, opEqual, opOrdered:
		predicate, first, second := compare(i)
		t.line("VCMPPS $0x%x, %s, %s, %s", predicate, x.memory(t, second, r), x.held(t, first, r), mask(i.dst))
	case opBlend:
		held := x.held(t, i.args[2], r)
		t.line("VBLENDMPS %s, %s, %s, %s", x.memory(t, i.args[1], r), held, mask(i.args[0]), x.register(r[i.dst]))
	case opKeep:
		t.line("VMOVUPS.Z %s, %s, %s", x.memory(t, i.args[1], r), mask(i.args[0]), x.register(r[i.dst]))
	case opAnd, opOr, opXor:
		x.plain(t, i, r, map[operation]string{opAnd: "VPANDD", opOr: "VPORD", opXor: "VPXORD"}[i.op])
	default:
		x.plain(t, i, r, x86Names[i.op])
	}
}

func (avx512) store(t *text, i instruction, from string) {
	switch i.kind {
	case i8, u8:
		t.line("VPMOVDB %s, %s", from, i.place(x86Pointers, 16))
	case u16:
		t.line("VPMOVDW %s, %s", from, i.place(x86Pointers, 16))
	case f16:
		t.line("VCVTPS2PH $0, %s, %s", from, i.place(x86Pointers, 16))
	default:
		t.line("VMOVUPS %s, %s", from, i.place(x86Pointers, 16))
	}
}
