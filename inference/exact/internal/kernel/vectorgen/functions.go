package main

// parameter is one of a function's, in the order in which they are passed.
type parameter struct{ name, typ string }

// function is one of the vector functions: body writes the steps for one vector. unroll is how many vectors a turn of the
// loop takes; 0 stands for 16 elements, the lanes of a row reduction.
type function struct {
	name   string
	params []parameter
	unroll int
	body   func(b *builder)
	after  func(b *builder) // what follows the loop; nil for nothing
}

func unary(name string, unroll int, f func(b *builder, x *value) *value) function {
	return function{name: name, params: []parameter{{"out", "*float32"}, {"x", "*float32"}, {"n", "int"}}, unroll: unroll, body: func(b *builder) {
		b.store("out", f32, f(b, b.load("x", f32)))
	}}
}

func binary(name string, f func(b *builder, x, y *value) *value) function {
	return function{name: name, params: []parameter{{"out", "*float32"}, {"a", "*float32"}, {"b", "*float32"}, {"n", "int"}}, unroll: 2, body: func(b *builder) {
		b.store("out", f32, f(b, b.load("a", f32), b.load("b", f32)))
	}}
}

// withScalars is a unary function with further numbers.
func withScalars(name string, f func(b *builder, x *value) *value, scalars ...string) function {
	params := []parameter{{"out", "*float32"}, {"x", "*float32"}, {"n", "int"}}
	for _, s := range scalars {
		params = append(params, parameter{s, "float32"})
	}
	return function{name: name, params: params, unroll: 2, body: func(b *builder) { b.store("out", f32, f(b, b.load("x", f32))) }}
}

func arithmetic(op operation) func(b *builder, x, y *value) *value {
	return func(b *builder, x, y *value) *value { return b.canon(b.op(op, x, y)) }
}

func canonical(f func(b *builder, x *value) *value) func(b *builder, x *value) *value {
	return func(b *builder, x *value) *value { return b.canon(f(b, x)) }
}

func greater(b *builder, x, y *value) *value { return b.target.extreme(b, opMax, opAnd, x, y) }
func smaller(b *builder, x, y *value) *value { return b.target.extreme(b, opMin, opOr, x, y) }

func scalarForm(name string, f func(b *builder, x, y *value) *value) function {
	return withScalars(name, func(b *builder, x *value) *value { return f(b, x, b.scalar("s")) }, "s")
}

func reversed(name string, f func(b *builder, x, y *value) *value) function {
	return withScalars(name, func(b *builder, x *value) *value { return f(b, b.scalar("s"), x) }, "s")
}

func reduction(name string, f func(b *builder, lane, x *value) *value, scalars ...parameter) function {
	params := append([]parameter{{"l", "*float32"}, {"x", "*float32"}, {"n", "int"}}, scalars...)
	return function{name: name, params: params, body: func(b *builder) {
		lane := b.lane("l")
		b.set(lane, f(b, lane, b.load("x", f32)))
	}}
}

// whole is a reduction of a row of whole groups of 16, from begin to the one number that join makes of the lanes.
func whole(name string, begin *value, f, join func(b *builder, lane, x *value) *value, scalars ...parameter) function {
	params := append([]parameter{{"total", "*float32"}, {"x", "*float32"}, {"n", "int"}}, scalars...)
	return function{name: name, params: params, body: func(b *builder) {
		lane := b.begun(begin)
		b.set(lane, f(b, lane, b.load("x", f32)))
	}, after: func(b *builder) {
		b.join("total", b.values(), func(x, y *value) *value { return join(b, x, y) })
	}}
}

// extreme is whole for a maximum or minimum; it also gives the greatest bits without sign, doubled, which tell whether there
// was a NaN.
func extreme(name string, begin *value, f func(b *builder, x, y *value) *value) function {
	params := []parameter{{"total", "*float32"}, {"seen", "*uint32"}, {"x", "*float32"}, {"n", "int"}}
	return function{name: name, params: params, body: func(b *builder) {
		lane, seen, x := b.begun(begin), b.begun(bits(0)), b.load("x", f32)
		b.set(lane, f(b, lane, x))
		b.set(seen, b.op(opUintMax, seen, b.op(opIntAdd, x, x)))
	}, after: func(b *builder) {
		var lanes, seen []*value
		for i, v := range b.values() {
			if i%2 == 0 {
				lanes = append(lanes, v)
			} else {
				seen = append(seen, v)
			}
		}
		b.join("total", lanes, func(x, y *value) *value { return f(b, x, y) })
		b.join("seen", seen, func(x, y *value) *value { return b.op(opUintMax, x, y) })
	}}
}

func functions() []function {
	add, sub, mul, div := arithmetic(opAdd), arithmetic(opSub), arithmetic(opMul), arithmetic(opDiv)
	list := []function{
		binary("Add", add), binary("Sub", sub), binary("Mul", mul), binary("Div", div), binary("Max", greater), binary("Min", smaller),
		scalarForm("AddScalar", add), scalarForm("SubScalar", sub), scalarForm("MulScalar", mul), scalarForm("DivScalar", div),
		scalarForm("MaxScalar", greater), scalarForm("MinScalar", smaller), reversed("ScalarSub", sub), reversed("ScalarDiv", div),
		unary("Neg", 2, func(b *builder, x *value) *value { return b.canon(b.op(opXor, x, bits(1<<31))) }),
		unary("Abs", 2, func(b *builder, x *value) *value { return b.canon(b.magnitude(x)) }),
		unary("Sqrt", 2, func(b *builder, x *value) *value { return b.canon(b.op(opSqrt, x)) }),
		unary("Reciprocal", 2, func(b *builder, x *value) *value { return div(b, number(1), x) }),
		unary("Relu", 2, func(b *builder, x *value) *value { return greater(b, x, bits(0)) }),
		unary("HardSwish", 2, hardSwish),
		unary("Exp", 2, exp), unary("Log", 2, log), unary("Erf", 2, canonical(erf)), unary("Tanh", 2, canonical(tanh)),
		unary("Sigmoid", 2, sigmoid), unary("SiLU", 2, func(b *builder, x *value) *value { return mul(b, x, sigmoid(b, x)) }),
		unary("Gelu", 2, gelu), unary("GeluTanh", 2, geluTanh),
		withScalars("LeakyRelu", func(b *builder, x *value) *value {
			return b.canon(b.op(opBlend, b.op(opGreater, bits(0), x), b.mul(x, b.scalar("slope")), x))
		}, "slope"),
		withScalars("Clip", func(b *builder, x *value) *value {
			return smaller(b, greater(b, x, b.scalar("low")), b.scalar("high"))
		}, "low", "high"),
		withScalars("HardSigmoid", func(b *builder, x *value) *value {
			return smaller(b, greater(b, b.add(b.mul(x, b.scalar("alpha")), b.scalar("beta")), bits(0)), number(1))
		}, "alpha", "beta"),
		withScalars("expMinus", func(b *builder, x *value) *value { return expBelow(b, b.sub(x, b.scalar("top"))) }, "top"),
	}
	list = append(list, rowFunctions()...)
	return append(list, conversions()...)
}

func sum(b *builder, lane, x *value) *value    { return b.add(lane, x) }
func sumAbs(b *builder, lane, x *value) *value { return b.add(lane, b.magnitude(x)) }

func sumSquares(b *builder, lane, x *value) *value {
	d := b.sub(x, b.scalar("mean"))
	return b.add(lane, b.mul(d, d))
}

func rowFunctions() []function {
	normalised := func(b *builder) *value {
		return b.mul(b.mul(b.sub(b.load("x", f32), b.scalar("mean")), b.scalar("factor")), b.load("scale", f32))
	}
	return []function{
		reduction("sumLanes", sum), reduction("absLanes", sumAbs), reduction("squareLanes", sumSquares, parameter{"mean", "float32"}),
		whole("sumWhole", bits(0), sum, sum), whole("squareWhole", bits(0), sumSquares, sum, parameter{"mean", "float32"}),
		extreme("highest", bits(0xff800000), func(b *builder, x, y *value) *value { return b.target.tie(b, opMax, opAnd, x, y) }),
		extreme("lowest", bits(0x7f800000), func(b *builder, x, y *value) *value { return b.target.tie(b, opMin, opOr, x, y) }),
		{name: "scaleAdd", params: []parameter{{"out", "*float32"}, {"x", "*float32"}, {"mask", "*float32"}, {"n", "int"}, {"scale", "float32"}}, unroll: 2, body: func(b *builder) {
			b.store("out", f32, b.canon(b.add(b.mul(b.load("x", f32), b.scalar("scale")), b.load("mask", f32))))
		}},
		{name: "normalise", params: []parameter{{"out", "*float32"}, {"x", "*float32"}, {"scale", "*float32"}, {"n", "int"}, {"mean", "float32"}, {"factor", "float32"}}, unroll: 2, body: func(b *builder) {
			b.store("out", f32, b.canon(normalised(b)))
		}},
		{name: "normaliseAdd", params: []parameter{{"out", "*float32"}, {"x", "*float32"}, {"scale", "*float32"}, {"bias", "*float32"}, {"n", "int"}, {"mean", "float32"}, {"factor", "float32"}}, unroll: 2, body: func(b *builder) {
			b.store("out", f32, b.canon(b.add(normalised(b), b.load("bias", f32))))
		}},
	}
}

func conversions() []function {
	quantize := func(name, typ string, k kind, low, high int32) function {
		return function{name: name, params: []parameter{{"out", typ}, {"x", "*float32"}, {"n", "int"}, {"scale", "float32"}, {"zero", "int32"}}, unroll: 1, body: func(b *builder) {
			r := b.div(b.load("x", f32), b.scalar("scale"))
			r = b.op(opKeep, b.op(opOrdered, r), r)
			r = b.op(opMin, b.op(opMax, r, number(-1024)), number(1024))
			q := b.op(opIntAdd, b.op(opToInt, r), b.scalar("zero"))
			b.store("out", k, b.op(opIntMin, b.op(opIntMax, q, bits(uint32(low))), bits(uint32(high))))
		}}
	}
	dequantize := func(name, typ string, k kind) function {
		return function{name: name, params: []parameter{{"out", "*float32"}, {"x", typ}, {"n", "int"}, {"scale", "float32"}, {"zero", "int32"}}, unroll: 1, body: func(b *builder) {
			q := b.op(opFromInt, b.op(opIntSub, b.load("x", k), b.scalar("zero")))
			b.store("out", f32, b.canon(b.mul(q, b.scalar("scale"))))
		}}
	}
	convert := func(name, out, x string, f func(b *builder)) function {
		return function{name: name, params: []parameter{{"out", out}, {"x", x}, {"n", "int"}}, unroll: 1, body: f}
	}
	return []function{
		quantize("QuantizeInt8", "*int8", i8, -128, 127), quantize("QuantizeUint8", "*uint8", u8, 0, 255),
		dequantize("DequantizeInt8", "*int8", i8), dequantize("DequantizeUint8", "*uint8", u8),
		convert("FromFloat16", "*float32", "*uint16", func(b *builder) { b.store("out", f32, b.canon(b.load("x", f16))) }),
		convert("ToFloat16", "*uint16", "*float32", func(b *builder) { b.store("out", f16, b.canon(b.load("x", f32))) }),
		convert("FromBFloat16", "*float32", "*uint16", func(b *builder) {
			b.store("out", f32, b.canon(b.shift(opShiftLeft, b.load("x", u16), 16)))
		}),
		convert("ToBFloat16", "*uint16", "*float32", func(b *builder) {
			x := b.canon(b.load("x", f32))
			odd := b.op(opAnd, b.shift(opShiftRightLogical, x, 16), bits(1))
			x = b.op(opIntAdd, b.op(opIntAdd, x, bits(0x7fff)), odd)
			b.store("out", u16, b.shift(opShiftRightLogical, x, 16))
		}),
	}
}
