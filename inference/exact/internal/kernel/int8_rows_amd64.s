#include "textflag.h"

DATA int8Ones<>+0(SB)/4, $0x00010001
GLOBL int8Ones<>(SB), RODATA|NOPTR, $4
DATA int8Sign<>+0(SB)/4, $0x80808080
GLOBL int8Sign<>(SB), RODATA|NOPTR, $4
DATA int8Magnitude<>+0(SB)/4, $0x7fffffff
GLOBL int8Magnitude<>(SB), RODATA|NOPTR, $4
DATA int8Top<>+0(SB)/4, $127.0
GLOBL int8Top<>(SB), RODATA|NOPTR, $4
DATA int8Bottom<>+0(SB)/4, $-127.0
GLOBL int8Bottom<>(SB), RODATA|NOPTR, $4
DATA int8NaN<>+0(SB)/4, $0x7fc00000
GLOBL int8NaN<>(SB), RODATA|NOPTR, $4
DATA int8Order<>+0(SB)/4, $0
DATA int8Order<>+4(SB)/4, $4
DATA int8Order<>+8(SB)/4, $1
DATA int8Order<>+12(SB)/4, $5
DATA int8Order<>+16(SB)/4, $2
DATA int8Order<>+20(SB)/4, $6
DATA int8Order<>+24(SB)/4, $3
DATA int8Order<>+28(SB)/4, $7
GLOBL int8Order<>(SB), RODATA|NOPTR, $32

// TOTAL leaves the sum of the eight lanes of Y0 in AX; uses Y1.
#define TOTAL \
	VEXTRACTI128 $1, Y0, X1; \
	VPADDD X1, X0, X0; \
	VPSHUFD $0x4e, X0, X1; \
	VPADDD X1, X0, X0; \
	VPSHUFD $0xb1, X0, X1; \
	VPADDD X1, X0, X0; \
	VMOVD X0, AX

// func widenBytes(to, from *byte, n int, flip, zero int32) int32
TEXT ·widenBytes(SB), NOSPLIT, $0-36
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ n+16(FP), CX
	MOVL flip+24(FP), AX
	VMOVD AX, X5
	VPBROADCASTB X5, X5
	MOVL zero+28(FP), AX
	VMOVD AX, X6
	VPBROADCASTW X6, Y6
	VPBROADCASTD int8Ones<>(SB), Y7
	VPXOR Y0, Y0, Y0

widen:
	VPXOR (SI), X5, X2
	VPMOVSXBW X2, Y2
	VPSUBW Y6, Y2, Y2
	VMOVDQU Y2, (DI)
	VPMADDWD Y7, Y2, Y2
	VPADDD Y2, Y0, Y0
	ADDQ $16, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JNZ widen
	TOTAL
	MOVL AX, ret+32(FP)
	VZEROUPPER
	RET

// func flipBytes(to, from *byte, n int, flip, bias int32) int32
TEXT ·flipBytes(SB), NOSPLIT, $0-36
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ n+16(FP), CX
	MOVL flip+24(FP), AX
	VMOVD AX, X5
	VPBROADCASTB X5, Y5
	MOVL bias+28(FP), AX
	VMOVD AX, X6
	VPBROADCASTB X6, Y6
	VPBROADCASTD int8Ones<>(SB), Y7
	VPXOR Y0, Y0, Y0

flip:
	VMOVDQU (SI), Y2
	VPXOR Y2, Y5, Y3
	VMOVDQU Y3, (DI)
	VPXOR Y2, Y6, Y2
	VPMOVSXBW X2, Y3
	VEXTRACTI128 $1, Y2, X2
	VPMOVSXBW X2, Y2
	VPADDW Y3, Y2, Y2
	VPMADDWD Y7, Y2, Y2
	VPADDD Y2, Y0, Y0
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $32, CX
	JNZ flip
	TOTAL
	MOVL AX, ret+32(FP)
	VZEROUPPER
	RET

// func largestMagnitude(x *float32, n int) uint32
TEXT ·largestMagnitude(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VPBROADCASTD int8Magnitude<>(SB), Y5
	VPXOR Y0, Y0, Y0

magnitude:
	VPAND (SI), Y5, Y2
	VPMAXSD Y2, Y0, Y0 // a NaN's bits are above infinity's
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ magnitude
	VEXTRACTI128 $1, Y0, X1
	VPMAXSD X1, X0, X0
	VPSHUFD $0x4e, X0, X1
	VPMAXSD X1, X0, X0
	VPSHUFD $0xb1, X0, X1
	VPMAXSD X1, X0, X0
	VMOVD X0, AX
	MOVL AX, ret+16(FP)
	VZEROUPPER
	RET

// QUANTISE: 8 integers in y from 8 floats at SI; NaN becomes 0. The nearest integer is the even one of two.
#define QUANTISE(offset, y, scratch) \
	VMOVUPS offset(SI), y; \
	VDIVPS Y15, y, y; \
	VCMPPS $7, y, y, scratch; \
	VANDPS scratch, y, y; \
	VMINPS Y14, y, y; \
	VMAXPS Y13, y, y; \
	VCVTPS2DQ y, y

// func quantiseFloats(q *byte, x *float32, n int, scale float32) int32
TEXT ·quantiseFloats(SB), NOSPLIT, $0-36
	MOVQ q+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS scale+24(FP), Y15
	VBROADCASTSS int8Top<>(SB), Y14
	VBROADCASTSS int8Bottom<>(SB), Y13
	VMOVDQU int8Order<>(SB), Y12
	VPXOR Y0, Y0, Y0

quantise:
	QUANTISE(0, Y2, Y6)
	QUANTISE(32, Y3, Y7)
	QUANTISE(64, Y4, Y8)
	QUANTISE(96, Y5, Y9)
	VPADDD Y2, Y0, Y0
	VPADDD Y3, Y0, Y0
	VPADDD Y4, Y0, Y0
	VPADDD Y5, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKSSDW Y5, Y4, Y4
	VPACKSSWB Y4, Y2, Y2
	VPERMD Y2, Y12, Y2
	VMOVDQU Y2, (DI)
	ADDQ $128, SI
	ADDQ $32, DI
	SUBQ $32, CX
	JNZ quantise
	TOTAL
	MOVL AX, ret+32(FP)
	VZEROUPPER
	RET

// func rescaleSums(out *float32, c *int32, columns, bias *float32, n int, row float32)
TEXT ·rescaleSums(SB), NOSPLIT, $0-44
	MOVQ out+0(FP), DI
	MOVQ c+8(FP), SI
	MOVQ columns+16(FP), BX
	MOVQ bias+24(FP), DX
	MOVQ n+32(FP), CX
	VBROADCASTSS row+40(FP), Y15
	VBROADCASTSS int8NaN<>(SB), Y14
	XORQ AX, AX

rescale:
	VCVTDQ2PS (SI)(AX*4), Y2
	VMULPS Y15, Y2, Y2
	VMULPS (BX)(AX*4), Y2, Y2
	TESTQ DX, DX
	JZ unbiased
	VADDPS (DX)(AX*4), Y2, Y2

unbiased:
	VCMPPS $3, Y2, Y2, Y3
	VBLENDVPS Y3, Y14, Y2, Y2
	VMOVUPS Y2, (DI)(AX*4)
	ADDQ $8, AX
	CMPQ AX, CX
	JLT rescale
	VZEROUPPER
	RET
