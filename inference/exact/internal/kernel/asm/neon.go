package main

import "fmt"

// The arm64 tiles read the same structures as those of amd64. What Go's assembler has no name for is written as the
// instruction's bits.
//
// Registers: R1 is C and R9 its row stride, R2 the panel and R3 its step, R4 to R7 the rows, R8 the steps left.

// word adds an instruction by its bits.
func (t *text) word(bits uint32, meaning string, v ...any) {
	t.op("WORD $%#08x // %s", bits, fmt.Sprintf(meaning, v...))
}

func three(base uint32, d, n, m int) uint32 { return base | uint32(m)<<16 | uint32(n)<<5 | uint32(d) }

func (t *text) fmul(d, n, m int) {
	t.word(three(0x6e20dc00, d, n, m), "FMUL V%d.S4, V%d.S4, V%d.S4", m, n, d)
}

func (t *text) fmulLane(d, n, m, lane int) {
	bits := three(0x4f809000, d, n, m) | uint32(lane&1)<<21 | uint32(lane>>1)<<11
	t.word(bits, "FMUL V%d.S[%d], V%d.S4, V%d.S4", m, lane, n, d)
}

func (t *text) fadd(d, n, m int) {
	t.word(three(0x4e20d400, d, n, m), "FADD V%d.S4, V%d.S4, V%d.S4", m, n, d)
}

func (t *text) mul(d, n, m int) {
	t.word(three(0x4ea09c00, d, n, m), "MUL V%d.S4, V%d.S4, V%d.S4", m, n, d)
}

func (t *text) sdot(d, n, m int) {
	t.word(three(0x4e809400, d, n, m), "SDOT V%d.B16, V%d.B16, V%d.S4", m, n, d)
}

func (t *text) smull(d, n, m int) {
	t.word(three(0x0e20c000, d, n, m), "SMULL V%d.B8, V%d.B8, V%d.H8", m, n, d)
}

func (t *text) smull2(d, n, m int) {
	t.word(three(0x4e20c000, d, n, m), "SMULL2 V%d.B16, V%d.B16, V%d.H8", m, n, d)
}

func (t *text) sadalp(d, n int) { t.word(three(0x4e606800, d, n, 0), "SADALP V%d.H8, V%d.S4", n, d) }
func (t *text) scvtf(d, n int)  { t.word(three(0x4e21d800, d, n, 0), "SCVTF V%d.S4, V%d.S4", n, d) }

func (t *text) addp(d, n, m int) {
	t.word(three(0x4ea0bc00, d, n, m), "ADDP V%d.S4, V%d.S4, V%d.S4", m, n, d)
}

// canon gives NaN in register v its one spelling, which register 31 holds; uses register 30.
func (t *text) canon(v int) {
	t.word(three(0x4e20e400, 30, v, v), "FCMEQ V%d.S4, V%d.S4, V30.S4", v, v)
	t.word(three(0x6ee01c00, v, 31, 30), "BIF V30.B16, V31.B16, V%d.B16", v)
}

func (t *text) clear(v int)     { t.op("VEOR V%d.B16, V%d.B16, V%d.B16", v, v, v) }
func (t *text) sub(d, m int)    { t.op("VSUB V%d.S4, V%d.S4, V%d.S4", m, d, d) }
func four(v int) string         { return fmt.Sprintf("[V%d.S4, V%d.S4, V%d.S4, V%d.S4]", v, v+1, v+2, v+3) }
func (t *text) fill(v, n int)   { t.op("MOVD $%#x, R15", n); t.op("VDUP R15, V%d.S4", v) }
func rowRegister(r int) string  { return fmt.Sprintf("R%d", 4+r) }
func (t *text) take(row, v int) { t.op("VLD1R.P 4(%s), [V%d.S4]", rowRegister(row), v) }

// head begins a function of a tile structure and loads what all of them need; pairs are offsets and registers.
func (t *text) head(name, kind string, fields [][2]int) {
	t.raw("// func %s(t *%s)", name, kind)
	t.raw("TEXT ·%s(SB), NOSPLIT, $0-8", name)
	t.op("MOVD t+0(FP), R0")
	for _, f := range fields {
		t.op("MOVD %d(R0), R%d", f[0], f[1])
	}
}

// rows points R4 to R7 at rows whose stride is in R10.
func (t *text) rows(n int) {
	for r := 1; r < n; r++ {
		t.op("ADD R10, %s, %s", rowRegister(r-1), rowRegister(r))
	}
}

// eachRow points R10 at the rows of C in turn.
func (t *text) eachRow(rows int, f func(r int)) {
	t.op("MOVD R1, R10")
	for r := range rows {
		f(r)
		if r+1 < rows {
			t.op("ADD R9, R10, R10")
		}
	}
}

func productNEON() string {
	t := newText()
	for rows := 1; rows <= 4; rows++ {
		floatsNEON(t, rows)
	}
	return t.String()
}

// floatsNEON: sums in registers 0 to 15, rows of A in 16 to 19, the panel in 20 to 23, products from 24 on.
func floatsNEON(t *text, rows int) {
	t.head(fmt.Sprintf("neonTile%d", rows), "tile", [][2]int{
		{tileC, 1}, {tileLDC, 9}, {tileA, 4}, {tileLDA, 10}, {tileB, 2}, {tileLDB, 3}, {tileSteps, 8}, {tileAdd, 11},
	})
	t.rows(rows)
	for i := range 4 * rows {
		t.clear(i)
	}
	multiply := func(product func(r, i, temp int)) {
		t.op("VLD1.P (R2)(R3), %s", four(20))
		for r := range rows {
			for i := range 4 {
				temp := 24 + (4*r+i)%8
				product(r, i, temp)
				t.fadd(4*r+i, 4*r+i, temp)
			}
		}
	}
	t.op("SUBS $4, R8, R8")
	t.op("BLT tail")
	t.raw("loop:")
	for r := range rows {
		t.op("VLD1.P 16(%s), [V%d.S4]", rowRegister(r), 16+r)
	}
	for x := range 4 {
		multiply(func(r, i, temp int) { t.fmulLane(temp, 20+i, 16+r, x) })
	}
	t.op("SUBS $4, R8, R8")
	t.op("BGE loop")
	t.raw("tail:")
	t.op("ADDS $4, R8, R8")
	t.op("BEQ done")
	t.raw("single:")
	for r := range rows {
		t.take(r, 16+r)
	}
	multiply(func(r, i, temp int) { t.fmul(temp, 20+i, 16+r) })
	t.op("SUBS $1, R8, R8")
	t.op("BNE single")
	t.raw("done:")
	t.op("CBZ R11, store")
	t.eachRow(rows, func(r int) {
		t.op("VLD1 (R10), %s", four(20))
		for i := range 4 {
			t.fadd(4*r+i, 20+i, 4*r+i)
		}
	})
	t.raw("store:")
	t.fill(31, 0x7fc00000)
	t.eachRow(rows, func(r int) {
		for i := range 4 {
			t.canon(4*r + i)
		}
		t.op("VST1 %s, (R10)", four(4*r))
	})
	t.op("RET")
	t.raw("")
}

// bytesNEON says how to sum products of bytes: with dot products of four, or as 16-bit products added in pairs,
// whose sums take two registers for four columns until they are joined.
type bytesNEON struct {
	prefix string
	each   int // registers of sums for a row
	rows   int // at most
}

var (
	dotNEON  = bytesNEON{"neonDot", 4, 4}
	pairNEON = bytesNEON{"neonPair", 8, 2}
)

func (b bytesNEON) sum(r, i int) int { return r*b.each + i*b.each/4 }

// multiply adds the products of panel registers from v on and the four bytes that register a repeats to row r's sums;
// uses registers 25 and 26.
func (b bytesNEON) multiply(t *text, r, v, a int) {
	for i := range 4 {
		s := b.sum(r, i)
		if b.each == 4 {
			t.sdot(s, v+i, a)
			continue
		}
		t.smull(25, v+i, a)
		t.sadalp(s, 25)
		t.smull2(26, v+i, a)
		t.sadalp(s+1, 26)
	}
}

// join leaves the sums of row r in registers 4r to 4r+3.
func (b bytesNEON) join(t *text, r int) {
	for i := range 4 {
		if b.each == 8 {
			t.addp(4*r+i, b.sum(r, i), b.sum(r, i)+1)
		}
	}
}

func int8NEON() string {
	t := newText()
	for _, b := range []bytesNEON{dotNEON, pairNEON} {
		for rows := 1; rows <= b.rows; rows++ {
			b.tile(t, rows)
		}
	}
	return t.String()
}

// tile: sums from register 0 on, the panel in 16 to 19, a row in 20.
func (b bytesNEON) tile(t *text, rows int) {
	t.head(fmt.Sprintf("%s%d", b.prefix, rows), "tile", [][2]int{
		{tileC, 1},
		{tileLDC, 9},
		{tileA, 4},
		{tileLDA, 10},
		{tileB, 2},
		{tileSteps, 8},
		{tileAdd, 11},
		{tileRowTerms, 12},
		{tileColumnSums, 13},
		{tileColumnZeros, 14},
	})
	t.rows(rows)
	for i := range b.each * rows {
		t.clear(i)
	}
	t.raw("loop:")
	t.op("VLD1.P 64(R2), %s", four(16))
	for r := range rows {
		t.take(r, 20)
		b.multiply(t, r, 16, 20)
	}
	t.op("SUBS $1, R8, R8")
	t.op("BNE loop")
	for r := range rows {
		b.join(t, r)
	}
	t.op("CBZ R11, store")
	t.op("VLD1 (R13), %s", four(16))
	t.op("VLD1 (R14), %s", four(20))
	for r := range rows {
		for _, columns := range []int{16, 20} {
			t.op("VLD1R.P 4(R12), [V24.S4]")
			for i := range 4 {
				t.mul(25, columns+i, 24)
				t.sub(4*r+i, 25)
			}
		}
	}
	t.raw("store:")
	t.eachRow(rows, func(r int) { t.op("VST1 %s, (R10)", four(4*r)) })
	t.op("RET")
	t.raw("")
}

func quantNEON() string {
	t := newText()
	for _, b := range []bytesNEON{dotNEON, pairNEON} {
		for rows := 1; rows <= 2; rows++ {
			b.block(t, rows, 4)
			b.block(t, rows, 8)
		}
	}
	return t.String()
}

// block: sums from register 0 on, the panel from 16 on, a row in 24, constants in 30 and 31.
func (b bytesNEON) block(t *text, rows, bits int) {
	t.head(fmt.Sprintf("%sBlocks%dx%d", b.prefix, bits, rows), "blockTile", [][2]int{
		{blockC, 1},
		{blockLDC, 9},
		{blockQ, 4},
		{blockLDQ, 10},
		{blockScales, 11},
		{blockSums, 12},
		{blockLDS, 13},
		{blockPanel, 2},
		{blockCount, 14},
	})
	t.rows(rows)
	for i := range 4 {
		t.clear(i)
	}
	t.eachRow(rows, func(int) { t.op("VST1 %s, (R10)", four(0)) })
	t.raw("block:")
	t.fill(31, map[int]int{4: 0x0f0f0f0f, 8: 0x80808080}[bits])
	for i := range b.each * rows {
		t.clear(i)
	}
	t.op("MOVD %d(R0), R8", blockSteps)
	t.raw("loop:")
	t.op("VLD1.P 64(R2), %s", four(16))
	for i := range 4 {
		if bits == 8 {
			t.op("VEOR V31.B16, V%d.B16, V%[1]d.B16", 16+i)
			continue
		}
		t.op("VAND V31.B16, V%d.B16, V%d.B16", 16+i, 20+i)
		t.op("VUSHR $4, V%d.B16, V%[1]d.B16", 16+i)
	}
	for r := range rows {
		t.take(r, 24)
		if bits == 8 {
			b.multiply(t, r, 16, 24)
			continue
		}
		b.multiply(t, r, 20, 24)
		t.take(r, 24)
		b.multiply(t, r, 16, 24)
	}
	t.op("SUBS $1, R8, R8")
	t.op("BNE loop")
	b.scale(t, rows, bits)
	t.op("SUBS $1, R14, R14")
	t.op("BNE block")
	t.fill(31, 0x7fc00000)
	t.eachRow(rows, func(int) {
		t.op("VLD1 (R10), %s", four(0))
		for i := range 4 {
			t.canon(i)
		}
		t.op("VST1 %s, (R10)", four(0))
	})
	t.op("RET")
	t.raw("")
}

// scale ends a block: scales in registers 16 to 19, zero points in 20 to 23.
func (b bytesNEON) scale(t *text, rows, bits int) {
	t.op("VLD1.P 64(R2), %s", four(16))
	t.op("VLD1.P 16(R2), [V20.B16]")
	t.word(0x2f08a400|20<<5|21, "USHLL $0, V20.B8, V21.H8")
	t.word(0x6f08a400|20<<5|23, "USHLL2 $0, V20.B16, V23.H8")
	t.word(0x2f10a400|21<<5|20, "USHLL $0, V21.H4, V20.S4")
	t.word(0x6f10a400|21<<5|21, "USHLL2 $0, V21.H8, V21.S4")
	t.word(0x2f10a400|23<<5|22, "USHLL $0, V23.H4, V22.S4")
	t.word(0x6f10a400|23<<5|23, "USHLL2 $0, V23.H8, V23.S4")
	if bits == 8 { // the panel's elements were taken less 128
		t.fill(30, 128)
		for i := range 4 {
			t.sub(20+i, 30)
		}
	}
	for r := range rows {
		b.join(t, r)
	}
	t.op("MOVD R12, R3")
	t.op("MOVD R11, R15")
	t.eachRow(rows, func(r int) {
		t.op("VLD1R (R3), [V24.S4]")
		t.op("VLD1R (R15), [V25.S4]")
		t.op("VLD1 (R10), %s", four(26))
		for i := range 4 {
			s := 4*r + i
			t.mul(30, 20+i, 24)
			t.sub(s, 30)
			t.scvtf(s, s)
			t.fmul(30, 16+i, 25)
			t.fmul(s, s, 30)
			t.fadd(s, 26+i, s)
		}
		t.op("VST1 %s, (R10)", four(4*r))
		if r+1 < rows {
			t.op("ADD R13, R3, R3")
			t.op("ADD R13, R15, R15")
		}
	})
	t.op("ADD $4, R11, R11")
	t.op("ADD $4, R12, R12")
}
