package main

import "math"

// power is e^x, right wherever the result is finite and not rounded to nothing, that is for x in -105 … 89.
func power(b *builder, x *value) *value {
	z := b.add(b.mul(x, number(1.44269504)), number(12582912))
	k := b.op(opIntSub, z, bits(0x4b400000))
	n := b.sub(z, number(12582912))
	r := b.sub(x, b.mul(n, number(0.693359375)))
	r = b.sub(r, b.mul(n, number(-2.12194440e-4)))
	p := b.horner(r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
	p = b.add(b.add(b.mul(p, b.mul(r, r)), r), number(1))
	half := b.shift(opShiftRight, k, 1)
	scale := func(k *value) *value { return b.shift(opShiftLeft, b.op(opIntAdd, k, bits(127)), 23) }
	return b.mul(b.mul(p, scale(half)), scale(b.op(opIntSub, k, half)))
}

// atLeast and atMost keep a NaN x.
func atLeast(b *builder, x *value, low float32) *value { return b.op(opMax, number(low), x) }
func atMost(b *builder, x *value, high float32) *value { return b.op(opMin, number(high), x) }

// exp needs no comparisons: at -105 the result is rounded to 0, at 89 it overflows.
func exp(b *builder, x *value) *value {
	return b.canon(power(b, atMost(b, atLeast(b, x, -105), 89)))
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

func erf(b *builder, x *value) *value {
	magnitude := b.magnitude(x)
	t := b.op(opMin, magnitude, number(4))
	s := b.mul(t, t)
	q := b.add(b.mul(b.horner(t, -1.72853470e-5, 3.83197126e-4), s), b.horner(t, -3.88396438e-3, 2.42546219e-2))
	for _, c := range []float32{-1.06777877e-1, -6.34846687e-1, -1.28717512e-1} {
		q = b.add(b.mul(q, t), number(c))
	}
	q = b.sub(b.mul(q, t), t)
	far := b.withSign(b.sub(number(1), power(b, q)), x)
	s = b.mul(x, x)
	p := b.horner(s, -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1)
	near := b.canon(b.add(b.mul(p, x), x))
	return b.op(opBlend, b.op(opGreater, magnitude, number(0.927734375)), far, near)
}

func tanh(b *builder, x *value) *value {
	t := b.magnitude(x)
	e := power(b, atMost(b, b.add(t, t), 89))
	far := b.sub(number(1), b.div(number(2), b.add(e, number(1))))
	s := b.mul(t, t)
	p := b.horner(s, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
	near := b.add(b.mul(b.mul(p, s), t), t)
	y := b.op(opBlend, b.op(opGreaterEqual, t, number(0.625)), far, near)
	return b.canon(b.withSign(y, x))
}

func sigmoid(b *builder, x *value) *value {
	w := power(b, atLeast(b, b.op(opOr, x, bits(1<<31)), -105))
	above := b.op(opBlend, b.op(opGreater, bits(0), x), w, number(1))
	return b.canon(b.div(above, b.add(w, number(1))))
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
