package main

import "math"

const roundMagic = 12582912

// expParts is e^x = p·2^k, with k in the low bits of z, of which shift is added.
func expParts(b *builder, x *value, shift float32) (p, z *value) {
	z = b.add(b.mul(x, number(1.44269504)), number(roundMagic+shift))
	n := b.sub(z, number(roundMagic+shift))
	r := b.sub(x, b.mul(n, number(0.693359375)))
	r = b.sub(r, b.mul(n, number(-2.12194440e-4)))
	p = b.horner(r, 0x1.6a2432p-10, 0x1.1239e2p-7, 0x1.5558f2p-5, 0x1.555492p-3, 0x1.fffffcp-2)
	return b.add(b.add(b.mul(p, b.mul(r, r)), r), number(1)), z
}

// raised is p·2^k where that is normal: the low bits of k are added to the exponent.
func raised(b *builder, p, k *value) *value { return b.op(opIntAdd, p, b.shift(opShiftLeft, k, 23)) }

// atLeast and atMost keep a NaN x.
func atLeast(b *builder, x *value, low float32) *value { return b.op(opMax, number(low), x) }
func atMost(b *builder, x *value, high float32) *value { return b.op(opMin, number(high), x) }

// exp needs no comparisons with its bounds: at -105 the result is rounded to 0, at 89 it overflows. Adding to the
// exponent of a NaN would make a number of it.
func exp(b *builder, x *value) *value {
	p, k := expParts(b, atMost(b, atLeast(b, x, -105), 89), 0)
	half := b.shift(opShiftRight, k, 1)
	rest := b.op(opIntAdd, b.shift(opShiftLeft, b.op(opIntSub, k, half), 23), number(1))
	return b.like(x, b.mul(raised(b, p, half), rest))
}

// expBelow is e^x for x <= 0, of a NaN anything: 2^(k+64) is always normal and 2^-64 rounds once.
func expBelow(b *builder, x *value) *value {
	p, k := expParts(b, atLeast(b, x, -105), 64)
	return b.mul(raised(b, p, k), number(0x1p-64))
}

func log(b *builder, x *value) *value {
	small := b.op(opGreater, number(0x1p-126), x)
	scaled := b.op(opBlend, small, b.mul(x, number(0x1p23)), x)
	shifted := b.op(opIntSub, scaled, bits(0x3f3504f3))
	e := b.add(b.op(opFromInt, b.shift(opShiftRight, shifted, 23)), b.op(opKeep, small, number(-23)))
	f := b.sub(b.op(opIntAdd, b.op(opAnd, shifted, bits(1<<23-1)), bits(0x3f3504f3)), number(1))
	p := b.horner(f, 0x1.1457acp-4, -0x1.de3c16p-4, 0x1.e6f06ap-4, -0x1.fc2206p-4, 0x1.233768p-3, -0x1.555c4ep-3, 0x1.99a4b6p-3,
		-0x1.000006p-2, 0x1.555548p-2)
	square := b.mul(f, f)
	y := b.mul(b.mul(p, f), square)
	y = b.add(y, b.mul(e, number(-2.12194440e-4)))
	y = b.sub(y, b.mul(square, number(0.5)))
	y = b.add(y, f)
	y = b.add(y, b.mul(e, number(0.693359375)))
	y = b.op(opBlend, b.op(opGreater, x, number(math.MaxFloat32)), x, y)
	y = b.op(opBlend, b.op(opGreater, x, bits(0)), y, bits(0x7fc00000))
	return b.op(opBlend, b.op(opEqual, x, bits(0)), bits(0xff800000), y)
}

// erf leaves a NaN as it is.
func erf(b *builder, x *value) *value {
	t := b.magnitude(x)
	s := b.mul(x, x)
	p := b.horner(s, -0x1.38b2e0p-11, 0x1.46e4d4p-8, -0x1.b67caep-6, 0x1.ce196cp-4, -0x1.8126e0p-2, 0x1.06eba6p-3)
	near := b.add(b.mul(p, x), x)
	far := b.withSign(b.sub(number(1), erfc(b, b.op(opMin, t, number(4)))), x)
	return b.op(opBlend, b.op(opGreater, t, number(0.927734375)), far, near)
}

func erfc(b *builder, t *value) *value {
	q := b.horner(t, -0x1.ce8e44p-10, 0x1.6b01c4p-6, -0x1.0b3648p-3, -0x1.e16b22p-1, -0x1.9d74e2p+0, -0x1.89007ep-9)
	z := b.add(q, number(roundMagic))
	r := b.sub(q, b.sub(z, number(roundMagic)))
	return raised(b, b.horner(r, 0x1.5bb9e4p-10, 0x1.3ceab4p-7, 0x1.c6b754p-5, 0x1.ebf9bcp-3, 0x1.62e42ap-1, 1), z)
}

// tanh leaves a NaN as it is.
func tanh(b *builder, x *value) *value {
	t := b.magnitude(x)
	high := b.op(opMin, t, number(10))
	p, k := expParts(b, b.add(high, high), 0)
	far := b.sub(number(1), b.div(number(2), b.add(raised(b, p, k), number(1))))
	s := b.mul(t, t)
	q := b.horner(s, -0x1.76ac1ap-8, 0x1.5256d8p-6, -0x1.b84448p-5, 0x1.110768p-3, -0x1.555534p-2)
	near := b.add(b.mul(b.mul(q, s), t), t)
	y := b.op(opBlend, b.op(opGreaterEqual, t, number(0.625)), far, near)
	return b.withSign(y, x)
}

func sigmoid(b *builder, x *value) *value {
	w := expBelow(b, b.op(opOr, x, bits(1<<31)))
	above := b.op(opBlend, b.op(opGreater, bits(0), x), w, number(1))
	return b.like(x, b.div(above, b.add(w, number(1))))
}

func gelu(b *builder, x *value) *value {
	e := b.add(erf(b, b.div(x, number(1.41421354))), number(1))
	return b.canon(b.mul(b.mul(x, e), number(0.5)))
}

func geluTanh(b *builder, x *value) *value {
	cube := b.mul(b.mul(x, x), x)
	inner := b.add(x, b.mul(cube, number(0.044715)))
	e := b.add(tanh(b, b.mul(inner, number(0.79788458))), number(1))
	return b.canon(b.mul(b.mul(x, number(0.5)), e))
}

func hardSwish(b *builder, x *value) *value {
	h := b.add(b.mul(x, number(1.0/6)), number(0.5))
	h = smaller(b, greater(b, h, bits(0)), number(1))
	return b.canon(b.mul(x, h))
}
