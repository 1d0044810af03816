#include "textflag.h"

// func packPiecesNEON(to, x *float32, rows *int, depth int, pieces *Run, n int)
TEXT ·packPiecesNEON(SB), NOSPLIT, $0-48
	MOVD to+0(FP), R0
	MOVD x+8(FP), R1
	MOVD rows+16(FP), R2
	MOVD depth+24(FP), R3
	MOVD pieces+32(FP), R4
	MOVD n+40(FP), R5

row:
	MOVD.P 8(R2), R6
	ADD    R6<<2, R1, R6
	MOVD   R4, R7
	MOVD   R5, R8

piece:
	LDP.P (16)(R7), (R9, R10)
	ADD   R9<<2, R0, R9
	ADD   R10<<2, R6, R10
	VLD1  (R10), [V0.S4, V1.S4, V2.S4, V3.S4]
	VST1  [V0.S4, V1.S4, V2.S4, V3.S4], (R9)
	SUBS  $1, R8
	BNE   piece
	ADD   $64, R0
	SUBS  $1, R3
	BNE   row
	RET
