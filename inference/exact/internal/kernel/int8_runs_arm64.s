#include "textflag.h"

// func packByteGroups4NEON(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int)
TEXT ·packByteGroups4NEON(SB), NOSPLIT, $0-56
	MOVD to+0(FP), R0
	MOVD x+8(FP), R1
	MOVD rows+16(FP), R2
	MOVD groups+24(FP), R3
	MOVD pieces+32(FP), R4
	MOVD n+40(FP), R5
	MOVD flip+48(FP), R6
	VDUP R6, V31.B16

four:
	LDP.P (16)(R2), (R6, R7)
	LDP.P (16)(R2), (R8, R9)
	ADD   R1, R6
	ADD   R1, R7
	ADD   R1, R8
	ADD   R1, R9
	MOVD  R4, R10
	MOVD  R5, R11

piece:
	LDP.P (16)(R10), (R12, R13)
	ADD   R12<<2, R0, R12
	ADD   R13, R6, R14
	VLD1  (R14), [V0.B16]
	ADD   R13, R7, R14
	VLD1  (R14), [V1.B16]
	ADD   R13, R8, R14
	VLD1  (R14), [V2.B16]
	ADD   R13, R9, R14
	VLD1  (R14), [V3.B16]
	VEOR  V31.B16, V0.B16, V0.B16
	VEOR  V31.B16, V1.B16, V1.B16
	VEOR  V31.B16, V2.B16, V2.B16
	VEOR  V31.B16, V3.B16, V3.B16
	VST4  [V0.B16, V1.B16, V2.B16, V3.B16], (R12)
	SUBS  $1, R11
	BNE   piece
	ADD   $64, R0
	SUBS  $1, R3
	BNE   four
	RET
