#include "textflag.h"

// func packPiecesAVX2(to, x *float32, rows *int, depth int, pieces *Run, n int)
TEXT ·packPiecesAVX2(SB), NOSPLIT, $0-48
	MOVQ to+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ rows+16(FP), BX
	MOVQ depth+24(FP), CX
	MOVQ pieces+32(FP), R8
	MOVQ n+40(FP), R9

row:
	MOVQ (BX), AX
	LEAQ (SI)(AX*4), R10
	MOVQ R8, R11
	MOVQ R9, R12

piece:
	MOVQ    (R11), R13
	MOVQ    8(R11), AX
	VMOVUPS (R10)(AX*4), Y0
	VMOVUPS 32(R10)(AX*4), Y1
	VMOVUPS Y0, (DI)(R13*4)
	VMOVUPS Y1, 32(DI)(R13*4)
	ADDQ    $16, R11
	DECQ    R12
	JNZ     piece
	ADDQ    $64, DI
	ADDQ    $8, BX
	DECQ    CX
	JNZ     row
	VZEROUPPER
	RET
