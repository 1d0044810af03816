#include "textflag.h"

// Twelve accumulators hide the latency of every unit; each line is one round of all of them.
#define ADDED(A) VMULPS Y13, Y14, Y15; VADDPS Y15, A, A
#define FUSED(A) VFMADD231PS Y13, Y14, A
#define EACH(OP) OP(Y0); OP(Y1); OP(Y2); OP(Y3); OP(Y4); OP(Y5); OP(Y6); OP(Y7); OP(Y8); OP(Y9); OP(Y10); OP(Y11)

// func multiplyAddAVX2(rounds int)
TEXT ·multiplyAddAVX2(SB), NOSPLIT, $0-8
	MOVQ rounds+0(FP), CX
	VXORPS Y13, Y13, Y13
	VXORPS Y14, Y14, Y14
added:
	EACH(ADDED)
	DECQ CX
	JNZ  added
	VZEROUPPER
	RET

// func fusedAVX2(rounds int)
TEXT ·fusedAVX2(SB), NOSPLIT, $0-8
	MOVQ rounds+0(FP), CX
	VXORPS Y13, Y13, Y13
	VXORPS Y14, Y14, Y14
fused:
	EACH(FUSED)
	DECQ CX
	JNZ  fused
	VZEROUPPER
	RET

#define ADDED512(A) VMULPS Z13, Z14, Z15; VADDPS Z15, A, A
#define FUSED512(A) VFMADD231PS Z13, Z14, A
#define EACH512(OP) OP(Z0); OP(Z1); OP(Z2); OP(Z3); OP(Z4); OP(Z5); OP(Z6); OP(Z7); OP(Z8); OP(Z9); OP(Z10); OP(Z11)

// func multiplyAddAVX512(rounds int)
TEXT ·multiplyAddAVX512(SB), NOSPLIT, $0-8
	MOVQ rounds+0(FP), CX
	VXORPS Y13, Y13, Y13
	VXORPS Y14, Y14, Y14
added512:
	EACH512(ADDED512)
	DECQ CX
	JNZ  added512
	VZEROUPPER
	RET

// func fusedAVX512(rounds int)
TEXT ·fusedAVX512(SB), NOSPLIT, $0-8
	MOVQ rounds+0(FP), CX
	VXORPS Y13, Y13, Y13
	VXORPS Y14, Y14, Y14
fused512:
	EACH512(FUSED512)
	DECQ CX
	JNZ  fused512
	VZEROUPPER
	RET
