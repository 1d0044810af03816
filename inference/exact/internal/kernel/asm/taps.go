package main

// Sums over the taps of a small kernel, 32 elements at a time in registers: one weight for all of them, each tap from its
// own place in the data.

func tapsAVX2() string {
	t := newText()
	nan(t)
	t.raw("// func tapSumsAVX2(out, x *float32, offsets *int, weights *float32, taps, n int, bias float32)")
	t.raw("TEXT ·tapSumsAVX2(SB), NOSPLIT, $0-52")
	t.op("MOVQ out+0(FP), DI")
	t.op("MOVQ x+8(FP), SI")
	t.op("MOVQ offsets+16(FP), R8")
	t.op("MOVQ weights+24(FP), R9")
	t.op("MOVQ taps+32(FP), R10")
	t.op("MOVQ n+40(FP), CX")
	t.op("VBROADCASTSS bias+48(FP), Y15")
	t.op("VBROADCASTSS canonicalNaN<>(SB), Y14")
	t.raw("group:")
	for i := range 4 {
		t.op("VXORPS Y%d, Y%[1]d, Y%[1]d", i)
	}
	t.op("XORQ DX, DX")
	t.raw("tap:")
	t.op("MOVQ (R8)(DX*8), AX")
	t.op("VBROADCASTSS (R9)(DX*4), Y4")
	for i := range 4 {
		t.op("VMULPS %d(SI)(AX*4), Y4, Y%d", 32*i, 5+i)
		t.op("VADDPS Y%d, Y%d, Y%[2]d", 5+i, i)
	}
	t.op("INCQ DX")
	t.op("CMPQ DX, R10")
	t.op("JLT tap")
	for i := range 4 {
		t.op("VADDPS Y15, Y%d, Y%[1]d", i)
		t.op("VCMPPS $3, Y%d, Y%[1]d, Y5", i)
		t.op("VBLENDVPS Y5, Y14, Y%d, Y%[1]d", i)
		t.op("VMOVUPS Y%d, %d(DI)", i, 32*i)
	}
	t.op("ADDQ $128, SI")
	t.op("ADDQ $128, DI")
	t.op("SUBQ $32, CX")
	t.op("JNZ group")
	t.op("VZEROUPPER")
	t.op("RET")
	return t.String()
}

// tapsNEON: sums in registers 0 to 7, data in 8 to 15, products in 16 to 23, the weight in 24, the bias in 29.
func tapsNEON() string {
	t := newText()
	t.raw("// func tapSumsNEON(out, x *float32, offsets *int, weights *float32, taps, n int, bias float32)")
	t.raw("TEXT ·tapSumsNEON(SB), NOSPLIT, $0-52")
	t.op("MOVD out+0(FP), R0")
	t.op("MOVD x+8(FP), R1")
	t.op("MOVD n+40(FP), R5")
	t.op("MOVWU bias+48(FP), R6")
	t.op("VDUP R6, V29.S4")
	t.fill(31, 0x7fc00000)
	t.raw("group:")
	for i := range 8 {
		t.clear(i)
	}
	t.op("MOVD offsets+16(FP), R2")
	t.op("MOVD weights+24(FP), R3")
	t.op("MOVD taps+32(FP), R4")
	t.raw("tap:")
	t.op("MOVD.P 8(R2), R6")
	t.op("ADD R6<<2, R1, R6")
	t.op("VLD1R.P 4(R3), [V24.S4]")
	t.op("VLD1.P 64(R6), %s", four(8))
	t.op("VLD1 (R6), %s", four(12))
	for i := range 8 {
		t.fmul(16+i, 8+i, 24)
		t.fadd(i, i, 16+i)
	}
	t.op("SUBS $1, R4")
	t.op("BNE tap")
	for i := range 8 {
		t.fadd(i, i, 29)
		t.canon(i)
	}
	t.op("VST1.P %s, 64(R0)", four(0))
	t.op("VST1.P %s, 64(R0)", four(4))
	t.op("ADD $128, R1")
	t.op("SUBS $32, R5")
	t.op("BNE group")
	t.op("RET")
	return t.String()
}
