#include "textflag.h"

// func everySecondRowsNEON(to *float32, toStride int, x *float32, xStride int, rows, n int)
TEXT ·everySecondRowsNEON(SB), NOSPLIT, $0-48
	MOVD to+0(FP), R0
	MOVD toStride+8(FP), R1
	MOVD x+16(FP), R2
	MOVD xStride+24(FP), R3
	MOVD rows+32(FP), R4
	MOVD n+40(FP), R5
	SUB  $4, R5

row:
	MOVD R0, R6
	MOVD R2, R7
	MOVD R5, R8

four:
	VLD2.P 32(R7), [V0.S4, V1.S4]
	VST1.P [V0.S4], 16(R6)
	SUBS   $4, R8
	BGT    four
	ADD    R5<<3, R2, R7
	ADD    R5<<2, R0, R6
	VLD2   (R7), [V0.S4, V1.S4]
	VST1   [V0.S4], (R6)
	ADD    R1<<2, R0
	ADD    R3<<2, R2
	SUBS   $1, R4
	BNE    row
	RET
