package main

import "fmt"

// A block-quantised tile of R rows and one panel reads its arguments from a blockTile structure (offsets below). For
// each block it sums products of bytes in 32 bits, takes away the zero points' part, converts, scales and adds to C.
const (
	blockC, blockLDC, blockQ, blockLDQ, blockScales, blockLDS, blockSums, blockPanel, blockCount, blockSteps = 0, 8, 16, 24, 32, 40, 48, 56, 64, 72
)

// quants is one kind of block-quantised tile: on registers Y with multiplies of bytes whose pairs cannot saturate, on
// registers Z with dot products of four bytes.
type quants struct {
	register string
	bits     int
	width    int // registers of sums for a row
}

func quantAVX2() string {
	t := newText()
	nan(t)
	constant(t, "low4", 0x0f0f0f0f)
	constant(t, "ones16", 0x00010001)
	constant(t, "flip8", 0x80808080)
	constant(t, "bias8", 128)
	for rows := 1; rows <= 4; rows++ {
		quants{"Y", 4, 2}.tile(t, rows)
		quants{"Y", 8, 2}.tile(t, rows)
	}
	floatsOfQuants(t, 4)
	floatsOfQuants(t, 8)
	return t.String()
}

func quantAVX512() string {
	t := newText()
	nan(t)
	constant(t, "low4", 0x0f0f0f0f)
	for rows := 1; rows <= 4; rows++ {
		quants{"Z", 4, 1}.tile(t, rows)
		quants{"Z", 8, 1}.tile(t, rows)
	}
	return t.String()
}

func constant(t *text, name string, value uint32) {
	t.raw("DATA %s<>+0(SB)/4, $%#x", name, value)
	t.raw("GLOBL %s<>(SB), RODATA|NOPTR, $4\n", name)
}

func (q quants) reg(i int) string         { return fmt.Sprintf("%s%d", q.register, i) }
func (q quants) sum(r, i int) string      { return q.reg(r*q.width + i) }
func (q quants) panel(i int) string       { return q.reg(8 + i) }
func (q quants) bytes() int               { return map[string]int{"Y": 32, "Z": 64}[q.register] }
func (q quants) words(y, z string) string { return map[string]string{"Y": y, "Z": z}[q.register] }

func (q quants) tile(t *text, rows int) {
	name := fmt.Sprintf("%s%dx%d", q.words("avx2Blocks", "avx512Blocks"), q.bits, rows)
	t.raw("// func %s(t *blockTile)", name)
	t.raw("TEXT ·%s(SB), NOSPLIT, $0-8", name)
	t.op("MOVQ t+0(FP), AX")
	for _, field := range []struct {
		at       int
		register string
	}{
		{blockC, "DI"},
		{blockLDC, "R15"},
		{blockQ, "R8"},
		{blockLDQ, "DX"},
		{blockScales, "R10"},
		{blockLDS, "R12"},
		{blockSums, "R11"},
		{blockPanel, "BX"},
		{blockCount, "CX"},
	} {
		t.op("MOVQ %d(AX), %s", field.at, field.register)
	}
	t.op("LEAQ (DX)(DX*2), R9")
	t.op("ADDQ R8, R9")
	q.constants(t)
	q.eachRow(t, rows, func(r int) {
		if r == 0 {
			t.op("%s %s, %[2]s, %[2]s", q.words("VXORPS", "VPXORD"), q.sum(0, 0))
		}
		for i := range q.width {
			t.op("VMOVUPS %s, %d(R14)", q.sum(0, 0), i*q.bytes())
		}
	})
	t.raw("block:")
	for r := range rows {
		for i := range q.width {
			t.op("%s %s, %[2]s, %[2]s", q.words("VPXOR", "VPXORD"), q.sum(r, i))
		}
	}
	t.op("MOVQ %d(AX), SI", blockSteps)
	t.raw("loop:")
	if q.bits == 4 {
		q.step4(t, rows)
	} else {
		q.step8(t, rows)
	}
	t.op("ADDQ $%d, R8", 32/q.bits)
	t.op("ADDQ $%d, R9", 32/q.bits)
	t.op("ADDQ $64, BX")
	t.op("DECQ SI")
	t.op("JNZ loop")
	q.scale(t, rows)
	t.op("ADDQ $4, R10")
	t.op("ADDQ $4, R11")
	t.op("ADDQ $80, BX")
	t.op("DECQ CX")
	t.op("JNZ block")
	q.canonical(t, rows)
	t.op("VZEROUPPER")
	t.op("RET")
	t.raw("")
}

// eachRow points R14 at the rows of C in turn.
func (q quants) eachRow(t *text, rows int, f func(r int)) {
	t.op("MOVQ DI, R14")
	for r := range rows {
		f(r)
		if r+1 < rows {
			t.op("ADDQ R15, R14")
		}
	}
}

// constants fills registers 12 and 13.
func (q quants) constants(t *text) {
	if q.bits == 4 {
		t.op("VPBROADCASTD low4<>(SB), %s", q.reg(12))
	} else if q.register == "Y" {
		t.op("VPBROADCASTD flip8<>(SB), %s", q.reg(12))
	}
	if q.register == "Y" {
		t.op("VPBROADCASTD ones16<>(SB), %s", q.reg(13))
	}
}

// step4 takes eight k: registers 8 to 11 of the panel are the low halves, then the high halves. The sums of both
// stay below 2^13.
func (q quants) step4(t *text, rows int) {
	mask, a, b := q.reg(12), q.reg(14), q.reg(15)
	and := q.words("VPAND", "VPANDD")
	for i := range q.width {
		low, high := q.panel(i), q.panel(q.width+i)
		t.op("%s %d(BX), %s", q.words("VMOVDQU", "VMOVDQU32"), i*q.bytes(), high)
		t.op("%s %s, %s, %s", and, mask, high, low)
		t.op("VPSRLW $4, %s, %[1]s", high)
		t.op("%s %s, %s, %[3]s", and, mask, high, high)
	}
	for r := range rows {
		if q.register == "Z" {
			t.op("VPDPBUSD.BCST %s, %s, %s", rowAt(r, 0), q.panel(0), q.sum(r, 0))
			t.op("VPDPBUSD.BCST %s, %s, %s", rowAt(r, 1), q.panel(1), q.sum(r, 0))
			continue
		}
		for i := range q.width {
			t.op("VPBROADCASTD %s, %s", rowAt(r, 0), a)
			t.op("VPMADDUBSW %s, %s, %[1]s", a, q.panel(i))
			t.op("VPBROADCASTD %s, %s", rowAt(r, 1), b)
			t.op("VPMADDUBSW %s, %s, %[1]s", b, q.panel(q.width+i))
			t.op("VPADDW %s, %s, %[1]s", a, b)
			t.op("VPMADDWD %s, %s, %[2]s", q.reg(13), a)
			t.op("VPADDD %s, %s, %[2]s", a, q.sum(r, i))
		}
	}
}

// step8 takes four k. On registers Y the panel's elements less 128 give their sign to A's, which are not below -127:
// two products of at most 128·127 do not saturate.
func (q quants) step8(t *text, rows int) {
	if q.register == "Z" {
		t.op("VMOVDQU32 (BX), %s", q.panel(0))
		for r := range rows {
			t.op("VPDPBUSD.BCST %s, %s, %s", rowAt(r, 0), q.panel(0), q.sum(r, 0))
		}
		return
	}
	a, b := q.reg(14), q.reg(15)
	for i := range q.width {
		t.op("VPXOR %d(BX), %s, %s", i*q.bytes(), q.reg(12), q.panel(i))
		t.op("VPABSB %s, %s", q.panel(i), q.panel(q.width+i))
	}
	for r := range rows {
		t.op("VPBROADCASTD %s, %s", rowAt(r, 0), a)
		for i := range q.width {
			t.op("VPSIGNB %s, %s, %s", q.panel(i), a, b)
			t.op("VPMADDUBSW %s, %s, %[1]s", b, q.panel(q.width+i))
			t.op("VPMADDWD %s, %s, %[2]s", q.reg(13), b)
			t.op("VPADDD %s, %s, %[2]s", b, q.sum(r, i))
		}
	}
}

// scale ends a block: BX points at its scales. Registers 8 and 9 take the zero points, 10 and 11 the scales.
func (q quants) scale(t *text, rows int) {
	zero, scale := func(i int) string { return q.panel(i) }, func(i int) string { return q.panel(2 + i) }
	a, b := q.reg(14), q.reg(15)
	if q.bits == 8 && q.register == "Y" {
		t.op("VPBROADCASTD bias8<>(SB), %s", a)
	}
	for i := range q.width {
		t.op("VPMOVZXBD %d(BX), %s", 64+i*q.bytes()/4, zero(i))
		if q.bits == 8 && q.register == "Y" {
			t.op("VPSUBD %s, %s, %[2]s", a, zero(i))
		}
		t.op("VMOVUPS %d(BX), %s", i*q.bytes(), scale(i))
	}
	t.op("MOVQ R11, R13")
	t.op("MOVQ R10, SI")
	q.eachRow(t, rows, func(r int) {
		t.op("VPBROADCASTD (R13), %s", a)
		for i := range q.width {
			t.op("VPMULLD %s, %s, %s", zero(i), a, b)
			t.op("VPSUBD %s, %s, %[2]s", b, q.sum(r, i))
			t.op("VCVTDQ2PS %s, %[1]s", q.sum(r, i))
		}
		t.op("VBROADCASTSS (SI), %s", a)
		for i := range q.width {
			t.op("VMULPS %s, %s, %s", scale(i), a, b)
			t.op("VMULPS %s, %s, %[2]s", b, q.sum(r, i))
			t.op("VADDPS %d(R14), %s, %[2]s", i*q.bytes(), q.sum(r, i))
			t.op("VMOVUPS %s, %d(R14)", q.sum(r, i), i*q.bytes())
		}
		if r+1 < rows {
			t.op("ADDQ R12, R13")
			t.op("ADDQ R12, SI")
		}
	})
}

// canonical gives NaN its one spelling.
func (q quants) canonical(t *text, rows int) {
	v, nan, mask := q.reg(0), q.reg(15), q.reg(14)
	t.op("VBROADCASTSS canonicalNaN<>(SB), %s", nan)
	q.eachRow(t, rows, func(int) {
		for i := range q.width {
			t.op("VMOVUPS %d(R14), %s", i*q.bytes(), v)
			if q.register == "Z" {
				t.op("VCMPPS $3, %s, %[1]s, K1", v)
				t.op("VMOVAPS %s, K1, %s", nan, v)
			} else {
				t.op("VCMPPS $3, %s, %[1]s, %s", v, mask)
				t.op("VBLENDVPS %s, %s, %s, %[3]s", mask, nan, v)
			}
			t.op("VMOVUPS %s, %d(R14)", v, i*q.bytes())
		}
	})
}

// floatsOfQuants writes the floats of blocks of a panel: a column's four bytes are 32 bits, out of which a shift takes
// each. Registers: 8 and 9 the columns' bits, 10 and 11 the scales, 12 and 13 the zero points, 15 the mask.
func floatsOfQuants(t *text, bits int) {
	t.raw("// func avx2Floats%d(out *float32, w *byte, blocks, steps int)", bits)
	t.raw("TEXT ·avx2Floats%d(SB), NOSPLIT, $0-32", bits)
	t.op("MOVQ out+0(FP), DI")
	t.op("MOVQ w+8(FP), BX")
	t.op("MOVQ blocks+16(FP), CX")
	t.op("VPCMPEQD Y15, Y15, Y15")
	t.op("VPSRLD $%d, Y15, Y15", 32-bits)
	t.raw("block:")
	t.op("MOVQ steps+24(FP), SI")
	t.op("MOVQ SI, AX")
	t.op("SHLQ $6, AX")
	t.op("ADDQ BX, AX")
	for i := range 2 {
		t.op("VMOVUPS %d(AX), Y%d", 32*i, 10+i)
		t.op("VPMOVZXBD %d(AX), Y%d", 64+8*i, 12+i)
	}
	t.raw("loop:")
	t.op("VMOVDQU (BX), Y8")
	t.op("VMOVDQU 32(BX), Y9")
	row := 0
	for half := 0; half < 8; half += bits {
		for x := range 4 {
			for i := range 2 {
				t.op("VPSRLD $%d, Y%d, Y%d", 8*x+half, 8+i, i)
				t.op("VPAND Y15, Y%d, Y%[1]d", i)
				t.op("VPSUBD Y%d, Y%d, Y%[2]d", 12+i, i)
				t.op("VCVTDQ2PS Y%d, Y%[1]d", i)
				t.op("VMULPS Y%d, Y%d, Y%[2]d", 10+i, i)
				t.op("VMOVUPS Y%d, %d(DI)", i, 64*row+32*i)
			}
			row++
		}
	}
	t.op("ADDQ $%d, DI", 64*row)
	t.op("ADDQ $64, BX")
	t.op("DECQ SI")
	t.op("JNZ loop")
	t.op("ADDQ $80, BX")
	t.op("DECQ CX")
	t.op("JNZ block")
	t.op("VZEROUPPER")
	t.op("RET")
	t.raw("")
}
