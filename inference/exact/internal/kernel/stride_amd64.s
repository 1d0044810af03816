#include "textflag.h"

#define ROWS \
	MOVQ to+0(FP), DI; \
	MOVQ toStride+8(FP), R8; \
	MOVQ x+16(FP), SI; \
	MOVQ xStride+24(FP), R9; \
	MOVQ rows+32(FP), R10; \
	MOVQ n+40(FP), CX; \
	SUBQ $8, CX

// Elements AT, AT + 2, … of sixteen, to place AT of the result.
#define SECOND(AT) \
	VMOVUPS (SI)(AT*8), Y0; \
	VSHUFPS $0x88, 32(SI)(AT*8), Y0, Y0; \
	VPERMPD $0xd8, Y0, Y0; \
	VMOVUPS Y0, (DI)(AT*4)

// func copyRowsAVX2(to *float32, toStride int, x *float32, xStride int, rows, n int)
TEXT ·copyRowsAVX2(SB), NOSPLIT, $0-48
	ROWS

row1:
	XORQ AX, AX
	JMP  while1

eight1:
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX

while1:
	CMPQ    AX, CX
	JLT     eight1
	VMOVUPS (SI)(CX*4), Y0
	VMOVUPS Y0, (DI)(CX*4)
	LEAQ    (SI)(R9*4), SI
	LEAQ    (DI)(R8*4), DI
	DECQ    R10
	JNZ     row1
	VZEROUPPER
	RET

// func everySecondRowsAVX2(to *float32, toStride int, x *float32, xStride int, rows, n int)
TEXT ·everySecondRowsAVX2(SB), NOSPLIT, $0-48
	ROWS

row2:
	XORQ AX, AX
	JMP  while2

eight2:
	SECOND(AX)
	ADDQ $8, AX

while2:
	CMPQ AX, CX
	JLT  eight2
	SECOND(CX)
	LEAQ (SI)(R9*4), SI
	LEAQ (DI)(R8*4), DI
	DECQ R10
	JNZ  row2
	VZEROUPPER
	RET
