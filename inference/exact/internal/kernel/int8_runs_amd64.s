#include "textflag.h"

#define ARGUMENTS \
	MOVQ to+0(FP), DI; \
	MOVQ x+8(FP), SI; \
	MOVQ rows+16(FP), BX; \
	MOVQ groups+24(FP), CX; \
	MOVQ pieces+32(FP), R8; \
	MOVQ n+40(FP), R9; \
	MOVQ flip+48(FP), AX; \
	VMOVQ AX, X15; \
	VPBROADCASTB X15, X15

// Sixteen bytes of the row that a register points at, flipped.
#define TAKE(row, x) \
	VMOVDQU (row)(AX*1), x; \
	VPXOR X15, x, x

// func packByteGroups2AVX2(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int)
TEXT ·packByteGroups2AVX2(SB), NOSPLIT, $0-56
	ARGUMENTS

pair:
	MOVQ (BX), R10
	MOVQ 8(BX), R11
	ADDQ SI, R10
	ADDQ SI, R11
	MOVQ R8, R14
	MOVQ R9, DX

piece2:
	MOVQ (R14), R15
	MOVQ 8(R14), AX
	TAKE(R10, X0)
	TAKE(R11, X1)
	VPUNPCKLBW X1, X0, X2
	VPUNPCKHBW X1, X0, X3
	VMOVDQU X2, (DI)(R15*2)
	VMOVDQU X3, 16(DI)(R15*2)
	ADDQ $16, R14
	DECQ DX
	JNZ piece2
	ADDQ $32, DI
	ADDQ $16, BX
	DECQ CX
	JNZ pair
	RET

// func packByteGroups4AVX2(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int)
TEXT ·packByteGroups4AVX2(SB), NOSPLIT, $0-56
	ARGUMENTS

four:
	MOVQ (BX), R10
	MOVQ 8(BX), R11
	MOVQ 16(BX), R12
	MOVQ 24(BX), R13
	ADDQ SI, R10
	ADDQ SI, R11
	ADDQ SI, R12
	ADDQ SI, R13
	MOVQ R8, R14
	MOVQ R9, DX

piece4:
	MOVQ (R14), R15
	MOVQ 8(R14), AX
	TAKE(R10, X0)
	TAKE(R11, X1)
	TAKE(R12, X2)
	TAKE(R13, X3)
	VPUNPCKLBW X1, X0, X4
	VPUNPCKHBW X1, X0, X5
	VPUNPCKLBW X3, X2, X6
	VPUNPCKHBW X3, X2, X7
	VPUNPCKLWD X6, X4, X0
	VPUNPCKHWD X6, X4, X1
	VPUNPCKLWD X7, X5, X2
	VPUNPCKHWD X7, X5, X3
	VMOVDQU X0, (DI)(R15*4)
	VMOVDQU X1, 16(DI)(R15*4)
	VMOVDQU X2, 32(DI)(R15*4)
	VMOVDQU X3, 48(DI)(R15*4)
	ADDQ $16, R14
	DECQ DX
	JNZ piece4
	ADDQ $64, DI
	ADDQ $32, BX
	DECQ CX
	JNZ four
	RET

DATA requantiseTop<>+0(SB)/4, $0x49800000 // 2^20
GLOBL requantiseTop<>(SB), RODATA|NOPTR, $4
DATA requantiseBottom<>+0(SB)/4, $0xc9800000
GLOBL requantiseBottom<>(SB), RODATA|NOPTR, $4
DATA requantiseOrder<>+0(SB)/8, $0x0000000400000000
DATA requantiseOrder<>+8(SB)/8, $0x0000000500000001
DATA requantiseOrder<>+16(SB)/8, $0x0000000600000002
DATA requantiseOrder<>+24(SB)/8, $0x0000000700000003
GLOBL requantiseOrder<>(SB), RODATA|NOPTR, $32

// Eight sums and the bias, times the factor, as whole numbers plus the zero point; NaN counts as 0.
#define REQUANTISE(at, y, t) \
	VPADDD at(SI), Y15, y; \
	VCVTDQ2PS y, y; \
	VMULPS Y14, y, y; \
	VCMPPS $7, y, y, t; \
	VANDPS t, y, y; \
	VMINPS Y12, y, y; \
	VMAXPS Y11, y, y; \
	VCVTPS2DQ y, y; \
	VPADDD Y13, y, y

// func requantiseSums(out *byte, sums *int32, n int, bias int32, factor float32, zero int32, signed int32)
TEXT ·requantiseSums(SB), NOSPLIT, $0-40
	MOVQ out+0(FP), DI
	MOVQ sums+8(FP), SI
	MOVQ n+16(FP), CX
	MOVL bias+24(FP), AX
	VMOVD AX, X15
	VPBROADCASTD X15, Y15
	VBROADCASTSS factor+28(FP), Y14
	MOVL zero+32(FP), AX
	VMOVD AX, X13
	VPBROADCASTD X13, Y13
	MOVL signed+36(FP), AX
	VBROADCASTSS requantiseTop<>(SB), Y12
	VBROADCASTSS requantiseBottom<>(SB), Y11
	VMOVDQU requantiseOrder<>(SB), Y10

requantise:
	REQUANTISE(0, Y0, Y4)
	REQUANTISE(32, Y1, Y5)
	REQUANTISE(64, Y2, Y6)
	REQUANTISE(96, Y3, Y7)
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	TESTL AX, AX
	JNZ signed
	VPACKUSWB Y2, Y0, Y0
	JMP store

signed:
	VPACKSSWB Y2, Y0, Y0

store:
	VPERMD Y0, Y10, Y0
	VMOVDQU Y0, (DI)
	ADDQ $128, SI
	ADDQ $32, DI
	SUBQ $32, CX
	JNZ requantise
	VZEROUPPER
	RET
