package main

import "fmt"

// An amd64 tile of R rows and P panels reads its arguments from a tile structure (offsets below) and keeps R·P·16
// sums in registers. Each step takes four bytes of every row of A, the same in all lanes, and a register or two of
// every panel: for floats one k, a multiply and an add, never fused; for integers two or four k.
const (
	tileC, tileLDC, tileA, tileLDA, tileB, tileLDB, tilePitch, tileSteps, tileAdd, tileNext = 0, 8, 16, 24, 32, 40, 48, 56, 64, 72
	tileRowTerms, tileColumnSums, tileColumnZeros                                           = 80, 88, 96
)

// vectors describes the registers and instructions of one kind of tile.
type vectors struct {
	prefix    string // of the functions
	register  string // Y or Z
	bytes     int    // of a register of sums
	total     int    // registers
	perPanel  int    // registers that hold the sums of a panel's 16 columns
	fromPanel int    // bytes of a panel that one register takes
	zero      string // instruction that clears a register
	broadcast string // instruction that loads four bytes of a row
	load      string // instruction that loads a register of a panel
	temps     int    // registers for products, beside the one for A
	direct    bool   // a panel can be an operand in memory
	multiply  func(t *text, panel, a, temp, sum string)
	finish    func(v vectors, t *text, rows, panels int, sum func(r, i int) string)
}

func mulAdd(t *text, panel, a, temp, sum string) {
	t.op("VMULPS %s, %s, %s", panel, a, temp)
	t.op("VADDPS %s, %s, %[2]s", temp, sum)
}

func words(t *text, panel, a, temp, sum string) {
	t.op("VPMADDWD %s, %s, %s", panel, a, temp)
	t.op("VPADDD %s, %s, %[2]s", temp, sum)
}

// dots is not the saturating form.
func dots(t *text, panel, a, _, sum string) { t.op("VPDPBUSD %s, %s, %s", panel, a, sum) }

var (
	floatsY = vectors{
		prefix: "avx2Tile", register: "Y", bytes: 32, total: 16, perPanel: 2, fromPanel: 32, zero: "VXORPS",
		broadcast: "VBROADCASTSS", load: "VMOVUPS", temps: 1, direct: true, multiply: mulAdd, finish: finishFloats,
	}
	floatsZ = vectors{
		prefix: "avx512Tile", register: "Z", bytes: 64, total: 32, perPanel: 1, fromPanel: 64, zero: "VPXORD",
		broadcast: "VBROADCASTSS", load: "VMOVUPS", temps: 4, direct: true, multiply: mulAdd, finish: finishFloats,
	}
	wordsY = vectors{
		prefix: "avx2Words", register: "Y", bytes: 32, total: 16, perPanel: 2, fromPanel: 16, zero: "VPXOR",
		broadcast: "VPBROADCASTD", load: "VPMOVSXBW", temps: 1, multiply: words, finish: finishInts,
	}
	wordsZ = vectors{
		prefix: "avx512Words", register: "Z", bytes: 64, total: 32, perPanel: 1, fromPanel: 32, zero: "VPXORD",
		broadcast: "VPBROADCASTD", load: "VPMOVSXBW", temps: 4, multiply: words, finish: finishInts,
	}
	dotsZ = vectors{
		prefix: "avx512Dots", register: "Z", bytes: 64, total: 32, perPanel: 1, fromPanel: 64, zero: "VPXORD",
		broadcast: "VPBROADCASTD", load: "VMOVDQU32", temps: 1, multiply: dots, finish: finishInts,
	}
)

func productAVX2() string {
	t := newText()
	nan(t)
	floatsY.shapesY(t)
	transpose(t)
	return t.String()
}

func productAVX512() string {
	t := newText()
	nan(t)
	floatsZ.shapesZ(t)
	return t.String()
}

func int8AVX2() string {
	t := newText()
	wordsY.shapesY(t)
	return t.String()
}

func int8AVX512() string {
	t := newText()
	wordsZ.shapesZ(t)
	dotsZ.shapesZ(t)
	return t.String()
}

func (v vectors) shapesY(t *text) {
	for rows := 1; rows <= 6; rows++ {
		v.tile(t, rows, 1)
	}
	v.tile(t, 1, 2)
	v.tile(t, 2, 2)
	v.tile(t, 1, 4)
}

func (v vectors) shapesZ(t *text) {
	for rows := 1; rows <= 8; rows++ {
		v.tile(t, rows, 1)
		v.tile(t, rows, 2)
	}
	v.tile(t, 1, 4)
}

func nan(t *text) {
	t.raw("DATA canonicalNaN<>+0(SB)/4, $0x7fc00000")
	t.raw("GLOBL canonicalNaN<>(SB), RODATA|NOPTR, $4\n")
}

// rowAt addresses step x of row r of A: R8, R9 and R10 point at rows 0, 3 and 6, DX is the row stride in bytes.
func rowAt(r, x int) string {
	base := []string{"R8", "R9", "R10"}[r/3]
	return fmt.Sprintf([]string{"%d(%s)", "%d(%s)(DX*1)", "%d(%s)(DX*2)"}[r%3], 4*x, base)
}

// panelAt addresses register i of panel p: R11 is the distance of panels, R12 points at the fourth one.
func (v vectors) panelAt(p, i int) string {
	return fmt.Sprintf([]string{"%d(BX)", "%d(BX)(R11*1)", "%d(BX)(R11*2)", "%d(R12)"}[p], i*v.fromPanel)
}

// arguments loads what the loop needs.
func (v vectors) arguments(t *text, rows, panels int) {
	t.op("MOVQ t+0(FP), AX")
	for _, field := range []struct {
		at       int
		register string
	}{
		{tileC, "DI"},
		{tileA, "R8"},
		{tileLDA, "DX"},
		{tileB, "BX"},
		{tileLDB, "SI"},
		{tilePitch, "R11"},
		{tileSteps, "CX"},
		{tileNext, "R13"},
		{tileLDC, "R15"},
	} {
		t.op("MOVQ %d(AX), %s", field.at, field.register)
	}
	if rows > 3 {
		t.op("LEAQ (DX)(DX*2), R9")
		t.op("LEAQ (R8)(R9*2), R10")
		t.op("ADDQ R8, R9")
	}
	if panels == 4 {
		t.op("LEAQ (R11)(R11*2), R12")
		t.op("ADDQ BX, R12")
	}
	t.op("MOVQ DI, R14")
	for r := range rows {
		t.op("PREFETCHT0 (R14)")
		if r+1 < rows {
			t.op("ADDQ R15, R14")
		}
	}
}

// tile writes one function. Registers: sums first, then panels, the element of A, temporaries.
func (v vectors) tile(t *text, rows, panels int) {
	name := fmt.Sprintf("%s%dx%d", v.prefix, rows, panels)
	t.raw("// func %s(t *tile)", name)
	t.raw("TEXT ·%s(SB), NOSPLIT, $0-8", name)
	v.arguments(t, rows, panels)
	width := panels * v.perPanel
	sum := func(r, i int) string { return fmt.Sprintf("%s%d", v.register, r*width+i) }
	for r := range rows {
		for i := range width {
			t.op("%s %s, %[2]s, %[2]s", v.zero, sum(r, i))
		}
	}
	step := v.step(t, rows, panels, sum)
	t.op("SUBQ $4, CX")
	t.op("JLT tail")
	t.op("PCALIGN $32")
	t.raw("loop:")
	for x := range 4 {
		step(x)
	}
	v.advance(t, rows, 4)
	t.op("SUBQ $4, CX")
	t.op("JGE loop")
	t.raw("tail:")
	t.op("ADDQ $4, CX")
	t.op("JZ done")
	t.raw("single:")
	step(0)
	v.advance(t, rows, 1)
	t.op("DECQ CX")
	t.op("JNZ single")
	t.raw("done:")
	v.finish(v, t, rows, panels, sum)
	t.op("VZEROUPPER")
	t.op("RET")
	t.raw("")
}

// step gives the writer of one step of the loop.
func (v vectors) step(t *text, rows, panels int, sum func(r, i int) string) func(x int) {
	width := panels * v.perPanel
	free := rows * width
	inMemory := rows == 1 // each panel register serves once
	panel := make([]string, width)
	for i := range panel {
		panel[i] = fmt.Sprintf("%s%d", v.register, free)
		if !inMemory {
			free++
		}
	}
	a := fmt.Sprintf("%s%d", v.register, free)
	free++
	temps := max(1, min(v.temps, v.total-free))
	if free == v.total {
		panic("no register left")
	}
	temp := func(i int) string { return fmt.Sprintf("%s%d", v.register, free+i%temps) }
	return func(x int) {
		t.op("PREFETCHT0 %d(R13)", x*v.perPanel*v.fromPanel)
		at := func(i int) string { return v.panelAt(i/v.perPanel, i%v.perPanel) }
		for i := range panel {
			if !inMemory {
				t.op("%s %s, %s", v.load, at(i), panel[i])
			}
		}
		n := 0
		for r := range rows {
			t.op("%s %s, %s", v.broadcast, rowAt(r, x), a)
			for i := range width {
				to, from := temp(n), panel[i]
				if inMemory && v.direct {
					from = at(i)
				} else if inMemory {
					t.op("%s %s, %s", v.load, at(i), to)
					from = to
				}
				if !inMemory && v.temps == 1 && i == width-1 {
					to = a // its last use
				}
				n++
				v.multiply(t, from, a, to, sum(r, i))
			}
		}
		t.op("ADDQ SI, BX")
		if panels == 4 {
			t.op("ADDQ SI, R12")
		}
	}
}

func (v vectors) advance(t *text, rows, n int) {
	for i, r := range []string{"R8", "R9", "R10"} {
		if rows > 3*i {
			t.op("ADDQ $%d, %s", 4*n, r)
		}
	}
	t.op("ADDQ $%d, R13", n*v.perPanel*v.fromPanel)
}

// finishFloats adds what stands in C if asked to, gives NaN its one spelling and stores.
func finishFloats(v vectors, t *text, rows, panels int, sum func(r, i int) string) {
	width := panels * v.perPanel
	t.op("CMPQ %d(AX), $0", tileAdd)
	t.op("JEQ store")
	t.op("MOVQ DI, R14")
	for r := range rows {
		for i := range width {
			t.op("VADDPS %d(R14), %s, %[2]s", i*v.bytes, sum(r, i))
		}
		if r+1 < rows {
			t.op("ADDQ R15, R14")
		}
	}
	t.raw("store:")
	nan, mask := fmt.Sprintf("%s%d", v.register, v.total-1), fmt.Sprintf("%s%d", v.register, v.total-2)
	t.op("VBROADCASTSS canonicalNaN<>(SB), %s", nan)
	for r := range rows {
		for i := range width {
			s := sum(r, i)
			if v.register == "Z" {
				t.op("VCMPPS $3, %s, %[1]s, K1", s)
				t.op("VMOVAPS %s, K1, %s", nan, s)
			} else {
				t.op("VCMPPS $3, %s, %[1]s, %s", s, mask)
				t.op("VBLENDVPS %s, %s, %s, %[3]s", mask, nan, s)
			}
		}
	}
	v.store(t, rows, width, "VMOVUPS", sum)
}

func (v vectors) store(t *text, rows, width int, move string, sum func(r, i int) string) {
	for r := range rows {
		for i := range width {
			t.op("%s %s, %d(DI)", move, sum(r, i), i*v.bytes)
		}
		if r+1 < rows {
			t.op("ADDQ R15, DI")
		}
	}
}

// finishInts subtracts, if asked to, for each row its first term times the columns' sums and its second times the
// columns' zero points, and stores.
func finishInts(v vectors, t *text, rows, panels int, sum func(r, i int) string) {
	width := panels * v.perPanel
	move := map[string]string{"Y": "VMOVDQU", "Z": "VMOVDQU32"}[v.register]
	t.op("CMPQ %d(AX), $0", tileAdd)
	t.op("JEQ store")
	last := v.total - 1
	row, term := fmt.Sprintf("%s%d", v.register, last), fmt.Sprintf("%s%d", v.register, last-1)
	t.op("MOVQ %d(AX), CX", tileRowTerms)
	for at, columns := range []int{tileColumnSums, tileColumnZeros} {
		t.op("MOVQ %d(AX), R14", columns)
		for r := range rows {
			t.op("VPBROADCASTD %d(CX), %s", 8*r+4*at, row)
			for i := range width {
				t.op("VPMULLD %d(R14), %s, %s", i*v.bytes, row, term)
				t.op("VPSUBD %s, %s, %[2]s", term, sum(r, i))
			}
		}
	}
	t.raw("store:")
	v.store(t, rows, width, move, sum)
}

// transpose copies 8 columns, contiguous each, into rows.
func transpose(t *text) {
	t.raw("// func transpose8avx2(to *float32, stride uintptr, from *float32, fromStride uintptr, rows int)")
	t.raw("TEXT ·transpose8avx2(SB), NOSPLIT, $0-40")
	t.op("MOVQ to+0(FP), DI")
	t.op("MOVQ stride+8(FP), SI")
	t.op("MOVQ from+16(FP), R8")
	t.op("MOVQ fromStride+24(FP), DX")
	t.op("MOVQ rows+32(FP), CX")
	t.op("LEAQ (DX)(DX*2), R9")
	t.op("LEAQ (R8)(R9*2), R10")
	t.op("ADDQ R8, R9")
	t.raw("loop:")
	for i := range 8 {
		t.op("VMOVUPS %s, Y%d", rowAt(i, 0), i)
	}
	for i := 0; i < 8; i += 2 {
		t.op("VUNPCKLPS Y%d, Y%d, Y%d", i+1, i, 8+i)
		t.op("VUNPCKHPS Y%d, Y%d, Y%d", i+1, i, 9+i)
	}
	for half := range 2 {
		low, high := 8+4*half, 10+4*half // pairs 01 and 23, or 45 and 67
		for i := range 2 {
			t.op("VSHUFPS $0x44, Y%d, Y%d, Y%d", high+i, low+i, 4*half+2*i)
			t.op("VSHUFPS $0xee, Y%d, Y%d, Y%d", high+i, low+i, 4*half+2*i+1)
		}
	}
	for i := range 8 {
		control := 0x20 + 0x11*(i/4)
		t.op("VPERM2F128 $%#x, Y%d, Y%d, Y8", control, 4+i%4, i%4)
		t.op("VMOVUPS Y8, (DI)")
		t.op("ADDQ SI, DI")
	}
	for _, r := range []string{"R8", "R9", "R10"} {
		t.op("ADDQ $32, %s", r)
	}
	t.op("SUBQ $8, CX")
	t.op("JNZ loop")
	t.op("VZEROUPPER")
	t.op("RET")
	t.raw("")
}
