package main

import "fmt"

// An amd64 tile of R rows and P panels reads its arguments from a tile structure (offsets below), keeps R·P·16 sums in
// registers and, per k, broadcasts one element of each row and multiplies it with the panels' columns: a multiply
// and an add, never fused.
const (
	tileC, tileLDC, tileA, tileLDA, tileB, tileLDB, tilePanel, tileK, tileAdd, tileNext = 0, 8, 16, 24, 32, 40, 48, 56, 64, 72
)

// vectors describes the registers of one extension.
type vectors struct {
	prefix   string // of the functions
	register string // Y or Z
	bytes    int    // of a register
	total    int    // registers
	perPanel int    // registers that hold a panel's 16 columns
	zero     string // instruction that clears a register
	temps    int    // registers for products, beside the one for the element of A
}

func productAVX2() string {
	t := newText()
	nan(t)
	v := vectors{prefix: "avx2", register: "Y", bytes: 32, total: 16, perPanel: 2, zero: "VXORPS", temps: 1}
	for rows := 1; rows <= 6; rows++ {
		v.tile(t, rows, 1)
	}
	v.tile(t, 1, 2)
	v.tile(t, 2, 2)
	v.tile(t, 1, 4)
	transpose(t)
	return t.String()
}

func productAVX512() string {
	t := newText()
	nan(t)
	v := vectors{prefix: "avx512", register: "Z", bytes: 64, total: 32, perPanel: 1, zero: "VPXORD", temps: 4}
	for rows := 1; rows <= 8; rows++ {
		v.tile(t, rows, 1)
		v.tile(t, rows, 2)
	}
	v.tile(t, 1, 4)
	return t.String()
}

func nan(t *text) {
	t.raw("DATA canonicalNaN<>+0(SB)/4, $0x7fc00000")
	t.raw("GLOBL canonicalNaN<>(SB), RODATA|NOPTR, $4\n")
}

// rowAt addresses element x of row r of A: R8, R9 and R10 point at rows 0, 3 and 6, DX is the row stride in bytes.
func rowAt(r, x int) string {
	base := []string{"R8", "R9", "R10"}[r/3]
	return []string{fmt.Sprintf("%d(%s)", 4*x, base), fmt.Sprintf("%d(%s)(DX*1)", 4*x, base), fmt.Sprintf("%d(%s)(DX*2)", 4*x, base)}[r%3]
}

// panelAt addresses register i of panel p: R11 is the distance of panels, R12 points at the fourth one.
func (v vectors) panelAt(p, i int) string {
	return fmt.Sprintf([]string{"%d(BX)", "%d(BX)(R11*1)", "%d(BX)(R11*2)", "%d(R12)"}[p], i*v.bytes)
}

func (v vectors) tile(t *text, rows, panels int) {
	name := fmt.Sprintf("%sTile%dx%d", v.prefix, rows, panels)
	t.raw("// func %s(t *tile)", name)
	t.raw("TEXT ·%s(SB), NOSPLIT, $0-8", name)
	t.op("MOVQ t+0(FP), AX")
	t.op("MOVQ %d(AX), DI", tileC)
	t.op("MOVQ %d(AX), R8", tileA)
	t.op("MOVQ %d(AX), DX", tileLDA)
	t.op("MOVQ %d(AX), BX", tileB)
	t.op("MOVQ %d(AX), SI", tileLDB)
	t.op("MOVQ %d(AX), R11", tilePanel)
	t.op("MOVQ %d(AX), CX", tileK)
	t.op("MOVQ %d(AX), R13", tileNext)
	if rows > 3 {
		t.op("LEAQ (DX)(DX*2), R9")
		t.op("LEAQ (R8)(R9*2), R10")
		t.op("ADDQ R8, R9")
	}
	if panels == 4 {
		t.op("LEAQ (R11)(R11*2), R12")
		t.op("ADDQ BX, R12")
	}
	// Registers: sums first, then panels, then temporaries.
	width := panels * v.perPanel
	sum := func(r, i int) string { return fmt.Sprintf("%s%d", v.register, r*width+i) }
	next := rows * width
	inMemory := next+width+1+v.temps > v.total || rows == 1
	panel := make([]string, width)
	for i := range panel {
		if inMemory {
			panel[i] = v.panelAt(i/v.perPanel, i%v.perPanel)
			continue
		}
		panel[i] = fmt.Sprintf("%s%d", v.register, next)
		next++
	}
	a := fmt.Sprintf("%s%d", v.register, next)
	next++
	temp := func(i int) string { return fmt.Sprintf("%s%d", v.register, next+i%max(1, min(4, v.total-next))) }
	for r := range rows {
		for i := range width {
			t.op("%s %s, %[2]s, %[2]s", v.zero, sum(r, i))
		}
	}
	t.op("MOVQ %d(AX), R15", tileLDC)
	t.op("MOVQ DI, R14")
	for r := range rows {
		t.op("PREFETCHT0 (R14)")
		if r+1 < rows {
			t.op("ADDQ R15, R14")
		}
	}
	step := func(x int) {
		t.op("PREFETCHT0 %d(R13)", 64*x)
		if !inMemory {
			for i := range panel {
				t.op("VMOVUPS %s, %s", v.panelAt(i/v.perPanel, i%v.perPanel), panel[i])
			}
		}
		n := 0
		for r := range rows {
			t.op("VBROADCASTSS %s, %s", rowAt(r, x), a)
			for i := range width {
				to := temp(n)
				if v.total == 16 && i == width-1 {
					to = a
				}
				n++
				t.op("VMULPS %s, %s, %s", panel[i], a, to)
				t.op("VADDPS %s, %s, %[2]s", to, sum(r, i))
			}
		}
		t.op("ADDQ SI, BX")
		if panels == 4 {
			t.op("ADDQ SI, R12")
		}
	}
	advance := func(n int) {
		t.op("ADDQ $%d, R8", 4*n)
		if rows > 3 {
			t.op("ADDQ $%d, R9", 4*n)
		}
		if rows > 6 {
			t.op("ADDQ $%d, R10", 4*n)
		}
		t.op("ADDQ $%d, R13", 64*n)
	}
	t.op("SUBQ $4, CX")
	t.op("JLT tail")
	t.op("PCALIGN $32")
	t.raw("loop:")
	for x := range 4 {
		step(x)
	}
	advance(4)
	t.op("SUBQ $4, CX")
	t.op("JGE loop")
	t.raw("tail:")
	t.op("ADDQ $4, CX")
	t.op("JZ done")
	t.raw("single:")
	step(0)
	advance(1)
	t.op("DECQ CX")
	t.op("JNZ single")
	t.raw("done:")
	v.finish(t, rows, panels, sum)
}

// finish adds what stands in C if asked to, gives NaN its one spelling and stores.
func (v vectors) finish(t *text, rows, panels int, sum func(r, i int) string) {
	width := panels * v.perPanel
	last := v.total - 1
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
	nan, mask := fmt.Sprintf("%s%d", v.register, last), fmt.Sprintf("%s%d", v.register, last-1)
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
			t.op("VMOVUPS %s, %d(DI)", s, i*v.bytes)
		}
		if r+1 < rows {
			t.op("ADDQ R15, DI")
		}
	}
	t.op("VZEROUPPER")
	t.op("RET")
	t.raw("")
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
