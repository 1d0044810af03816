#include "textflag.h"

// These follow the Go functions of the same names step by step: the same constants, each product rounded before a
// sum, branches as blends. n is a multiple of 8 and at least 8.

#define CONSTANT(name, value) \
	DATA name<>+0(SB)/4, $value; \
	GLOBL name<>(SB), RODATA|NOPTR, $4

CONSTANT(cNaN, 0x7fc00000)
CONSTANT(cInf, 0x7f800000)
CONSTANT(cOne, 0x3f800000)
CONSTANT(cFour, 0x40800000)
CONSTANT(cSign, 0x80000000)
CONSTANT(cBias, 127)
CONSTANT(cLog2e, 0x3fb8aa3b)
CONSTANT(cMagic, 0x4b400000)
CONSTANT(cLn2High, 0x3f318000)
CONSTANT(cLn2Low, 0xb95e8083)
CONSTANT(cExp5, 0x39506967)
CONSTANT(cExp4, 0x3ab743ce)
CONSTANT(cExp3, 0x3c088908)
CONSTANT(cExp2, 0x3d2aa9c1)
CONSTANT(cExp1, 0x3e2aaaaa)
CONSTANT(cExp0, 0x3f000000)
CONSTANT(cExpTop, 0x42b17218)
CONSTANT(cExpBottom, 0xc2d00000)
CONSTANT(cErfSplit, 0x3f6d8000)
CONSTANT(cErfQ5, 0xb7910000)
CONSTANT(cErfQ4, 0x39c8e7d9)
CONSTANT(cErfU1, 0xbb7e8a1c)
CONSTANT(cErfU0, 0x3cc6b1a1)
CONSTANT(cErfQ3, 0xbddaae5c)
CONSTANT(cErfQ2, 0xbf228550)
CONSTANT(cErfQ1, 0xbe03ce86)
CONSTANT(cErfP5, 0xba1c7000)
CONSTANT(cErfP4, 0x3ba38d2c)
CONSTANT(cErfP3, 0xbcdb48d9)
CONSTANT(cErfP2, 0x3de70e22)
CONSTANT(cErfP1, 0xbec09380)
CONSTANT(cErfP0, 0x3e0375d4)

// STEP: p = p·x + constant
#define STEP(p, x, constant, scratch) \
	VMULPS x, p, p; \
	VBROADCASTSS constant<>(SB), scratch; \
	VADDPS scratch, p, p

// EXP: Y3 = e^Y0 for Y0 within the range; uses Y1, Y2, Y4.
#define EXP \
	VBROADCASTSS cLog2e<>(SB), Y1; \
	VMULPS Y0, Y1, Y1; \
	VBROADCASTSS cMagic<>(SB), Y2; \
	VADDPS Y2, Y1, Y1; \
	VSUBPS Y2, Y1, Y1; \
	VBROADCASTSS cLn2High<>(SB), Y2; \
	VMULPS Y1, Y2, Y2; \
	VSUBPS Y2, Y0, Y2; \
	VBROADCASTSS cLn2Low<>(SB), Y3; \
	VMULPS Y1, Y3, Y3; \
	VSUBPS Y3, Y2, Y2; \
	VBROADCASTSS cExp5<>(SB), Y3; \
	STEP(Y3, Y2, cExp4, Y4); \
	STEP(Y3, Y2, cExp3, Y4); \
	STEP(Y3, Y2, cExp2, Y4); \
	STEP(Y3, Y2, cExp1, Y4); \
	STEP(Y3, Y2, cExp0, Y4); \
	VMULPS Y2, Y2, Y4; \
	VMULPS Y4, Y3, Y3; \
	VADDPS Y2, Y3, Y3; \
	VBROADCASTSS cOne<>(SB), Y4; \
	VADDPS Y4, Y3, Y3; \
	VCVTTPS2DQ Y1, Y1; \
	VPSRAD $1, Y1, Y4; \
	VPSUBD Y4, Y1, Y1; \
	VPBROADCASTD cBias<>(SB), Y2; \
	VPADDD Y2, Y1, Y1; \
	VPADDD Y2, Y4, Y4; \
	VPSLLD $23, Y1, Y1; \
	VPSLLD $23, Y4, Y4; \
	VMULPS Y4, Y3, Y3; \
	VMULPS Y1, Y3, Y3

// CANON: NaN in y becomes the one in nan; uses scratch.
#define CANON(y, nan, scratch) \
	VCMPPS $3, y, y, scratch; \
	VBLENDVPS scratch, nan, y, y

// BINARY is the body of a function (out, a, b *float32, n int): out = a op b.
#define BINARY(label, op) \
	MOVQ out+0(FP), DI; \
	MOVQ a+8(FP), SI; \
	MOVQ b+16(FP), DX; \
	MOVQ n+24(FP), CX; \
	VBROADCASTSS cNaN<>(SB), Y15; \
label: \
	VMOVUPS (SI), Y0; \
	VMOVUPS (DX), Y1; \
	op Y1, Y0, Y0; \
	CANON(Y0, Y15, Y2); \
	VMOVUPS Y0, (DI); \
	ADDQ $32, SI; \
	ADDQ $32, DX; \
	ADDQ $32, DI; \
	SUBQ $8, CX; \
	JNZ label; \
	VZEROUPPER; \
	RET

// func expAVX2(out, x *float32, n int)
TEXT ·expAVX2(SB), NOSPLIT, $0-24
	MOVQ out+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS cNaN<>(SB), Y15
	VBROADCASTSS cInf<>(SB), Y14
	VBROADCASTSS cExpTop<>(SB), Y13
	VBROADCASTSS cExpBottom<>(SB), Y12

expLoop:
	VMOVUPS (SI), Y0
	EXP
	VCMPPS $0x1e, Y13, Y0, Y4 // x > top
	VBLENDVPS Y4, Y14, Y3, Y3
	VCMPPS $0x11, Y12, Y0, Y4 // x < bottom
	VANDNPS Y3, Y4, Y3
	VCMPPS $3, Y0, Y0, Y4
	VBLENDVPS Y4, Y15, Y3, Y3
	VMOVUPS Y3, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ expLoop
	VZEROUPPER
	RET

// func erfAVX2(out, x *float32, n int)
TEXT ·erfAVX2(SB), NOSPLIT, $0-24
	MOVQ out+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS cNaN<>(SB), Y15
	VBROADCASTSS cSign<>(SB), Y14
	VBROADCASTSS cErfSplit<>(SB), Y13
	VBROADCASTSS cFour<>(SB), Y12
	VBROADCASTSS cOne<>(SB), Y11

erfLoop:
	VMOVUPS (SI), Y10
	VANDNPS Y10, Y14, Y9 // |x|
	VMINPS Y12, Y9, Y8

	// far from zero: Y3 = ±(1 - e^Q)
	VMULPS Y8, Y8, Y7
	VBROADCASTSS cErfQ5<>(SB), Y0
	STEP(Y0, Y8, cErfQ4, Y4)
	VBROADCASTSS cErfU1<>(SB), Y6
	STEP(Y6, Y8, cErfU0, Y4)
	VMULPS Y7, Y0, Y0
	VADDPS Y6, Y0, Y0
	STEP(Y0, Y8, cErfQ3, Y4)
	STEP(Y0, Y8, cErfQ2, Y4)
	STEP(Y0, Y8, cErfQ1, Y4)
	VMULPS Y8, Y0, Y0
	VSUBPS Y8, Y0, Y0
	EXP
	VSUBPS Y3, Y11, Y3
	VANDPS Y14, Y10, Y4
	VORPS Y4, Y3, Y3

	// near zero: Y5 = x + x·P
	VMULPS Y10, Y10, Y7
	VBROADCASTSS cErfP5<>(SB), Y5
	STEP(Y5, Y7, cErfP4, Y4)
	STEP(Y5, Y7, cErfP3, Y4)
	STEP(Y5, Y7, cErfP2, Y4)
	STEP(Y5, Y7, cErfP1, Y4)
	STEP(Y5, Y7, cErfP0, Y4)
	VMULPS Y10, Y5, Y5
	VADDPS Y10, Y5, Y5
	CANON(Y5, Y15, Y4)

	VCMPPS $0x1e, Y13, Y9, Y4 // |x| > split
	VBLENDVPS Y4, Y3, Y5, Y5
	VMOVUPS Y5, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ erfLoop
	VZEROUPPER
	RET

// func addAVX2(out, a, b *float32, n int)
TEXT ·addAVX2(SB), NOSPLIT, $0-32
	BINARY(addLoop, VADDPS)

// func subAVX2(out, a, b *float32, n int)
TEXT ·subAVX2(SB), NOSPLIT, $0-32
	BINARY(subLoop, VSUBPS)

// func mulAVX2(out, a, b *float32, n int)
TEXT ·mulAVX2(SB), NOSPLIT, $0-32
	BINARY(mulLoop, VMULPS)

// func divAVX2(out, a, b *float32, n int)
TEXT ·divAVX2(SB), NOSPLIT, $0-32
	BINARY(divLoop, VDIVPS)
