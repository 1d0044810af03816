package exact

import (
	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// arithmeticOperators take two operands that broadcast.
func arithmeticOperators() map[string]*operator {
	binary := func(op arithmetic) *operator {
		return &operator{minIn: 2, maxIn: 2, out: 1, bind: plain(op.eval())}
	}
	return map[string]*operator{
		"Add": binary(arithmetic{
			f32:    func(v *kernel.Vectors) pairs { return pairs{v.Add, v.AddScalar, swapped(v.AddScalar)} },
			f64:    func(a, b float64) float64 { return a + b },
			signed: func(a, b int64) int64 { return a + b }, unsigned: func(a, b uint64) uint64 { return a + b },
		}),
		"Sub": binary(arithmetic{
			f32:    func(v *kernel.Vectors) pairs { return pairs{v.Sub, v.SubScalar, v.ScalarSub} },
			f64:    func(a, b float64) float64 { return a - b },
			signed: func(a, b int64) int64 { return a - b }, unsigned: func(a, b uint64) uint64 { return a - b },
		}),
		"Mul": binary(arithmetic{
			f32:    func(v *kernel.Vectors) pairs { return pairs{v.Mul, v.MulScalar, swapped(v.MulScalar)} },
			f64:    func(a, b float64) float64 { return float64(a * b) },
			signed: func(a, b int64) int64 { return a * b }, unsigned: func(a, b uint64) uint64 { return a * b },
		}),
		"Div": binary(arithmetic{
			f32:    func(v *kernel.Vectors) pairs { return pairs{v.Div, v.DivScalar, v.ScalarDiv} },
			f64:    func(a, b float64) float64 { return a / b },
			signed: func(a, b int64) int64 { return a / b }, unsigned: func(a, b uint64) uint64 { return a / b },
			divides: true,
		}),
		"PRelu": binary(arithmetic{
			f32: func(*kernel.Vectors) pairs { return eachPair(kernel.LeakyRelu) },
			f64: func(x, slope float64) float64 {
				if x < 0 {
					return float64(x * slope)
				}
				return x
			},
			signed: func(x, slope int64) int64 {
				if x < 0 {
					return x * slope
				}
				return x
			},
			unsigned: func(x, _ uint64) uint64 { return x },
			oneWay:   true,
		}),
		"Mod":        {minIn: 2, maxIn: 2, out: 1, attributes: []string{"fmod"}, bind: bindMod},
		"Pow":        {minIn: 2, maxIn: 2, out: 1, bind: plain(powEval())},
		"Max":        {minIn: 1, maxIn: many, out: 1, bind: bindFold(greater, false)},
		"Min":        {minIn: 1, maxIn: many, out: 1, bind: bindFold(smaller, false)},
		"Sum":        {minIn: 1, maxIn: many, out: 1, bind: bindFold(added, false)},
		"Mean":       {minIn: 1, maxIn: many, out: 1, bind: bindFold(added, true)},
		"BitShift":   {minIn: 2, maxIn: 2, out: 1, attributes: []string{"direction"}, bind: bindBitShift},
		"BitwiseAnd": binary(bitwise(func(a, b int64) int64 { return a & b })),
		"BitwiseOr":  binary(bitwise(func(a, b int64) int64 { return a | b })),
		"BitwiseXor": binary(bitwise(func(a, b int64) int64 { return a ^ b })),
	}
}

// arithmetic is one operation on two numbers, for each family it exists for. Whole numbers wrap.
type arithmetic struct {
	f32      func(v *kernel.Vectors) pairs
	f64      func(a, b float64) float64
	signed   func(a, b int64) int64
	unsigned func(a, b uint64) uint64
	divides  bool // whole numbers must not be divided by 0
	oneWay   bool // the second operand broadcasts to the first, which has the result's shape
}

func swapped(f func(out, b []float32, a float32)) func(out []float32, a float32, b []float32) {
	return func(out []float32, a float32, b []float32) { f(out, b, a) }
}

// eachPair applies a function of two numbers element by element.
func eachPair(f func(a, b float32) float32) pairs {
	return pairs{
		both: func(out, a, b []float32) {
			a, b = a[:len(out)], b[:len(out)]
			for i := range out {
				out[i] = f(a[i], b[i])
			}
		},
		right: func(out, a []float32, b float32) {
			for i, v := range a[:len(out)] {
				out[i] = f(v, b)
			}
		},
		left: func(out []float32, a float32, b []float32) {
			for i, v := range b[:len(out)] {
				out[i] = f(a, v)
			}
		},
	}
}

func zipWith[W, R wide](f func(a, b W) R) func(out []R, a, b []W) {
	return func(out []R, a, b []W) {
		a, b = a[:len(out)], b[:len(out)]
		for i := range out {
			out[i] = f(a[i], b[i])
		}
	}
}

// zipUnsigned works on the bits that 64-bit whole numbers without a sign share with those that have one.
func zipUnsigned(f func(a, b uint64) uint64) func(out, a, b []int64) {
	return zipWith(func(a, b int64) int64 { return int64(f(uint64(a), uint64(b))) })
}

func (op *arithmetic) eval() eval {
	return eval{
		infer:   op.infer,
		compute: func(c *call, in, out []*Tensor) error { return op.compute(c, in, out) },
		inPlace: []int{0, 1},
		cost:    elementCost(40, 200),
	}
}

func (op *arithmetic) supports(dtype tensor.DType) bool {
	switch familyOf(dtype) {
	case floatFamily:
		return op.f32 != nil
	case doubleFamily:
		return op.f64 != nil
	case signedFamily:
		return op.signed != nil
	case unsignedFamily:
		return op.unsigned != nil
	}
	return false
}

func (op *arithmetic) infer(in []Spec) ([]Spec, error) {
	if in[0].DType != in[1].DType {
		return nil, fail(ErrShape, "operands are %v and %v", in[0].DType, in[1].DType)
	}
	if !op.supports(in[0].DType) {
		return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
	}
	shape, err := broadcastShape(in[0].Shape, in[1].Shape)
	if err == nil && op.oneWay && !sameShape(shape, in[0].Shape) {
		err = fail(ErrShape, "shape %v does not broadcast to %v", in[1].Shape, in[0].Shape)
	}
	if err != nil {
		return nil, err
	}
	return one(in[0].DType, shape), nil
}

func (op *arithmetic) compute(c *call, in, out []*Tensor) error {
	o, a, b := out[0], in[0], in[1]
	if op.divides && o.Len() > 0 && holdsZero(b) {
		return fail(ErrInput, "a whole number is divided by 0")
	}
	switch familyOf(a.DType) {
	case floatFamily:
		f := op.f32(&c.set.Vectors)
		if a.DType == tensor.Float32 {
			f.zip(c, o, a, b)
			return nil
		}
		binaryThrough(c, o, a, b, loadFloats, storeFloats, f.both)
	case doubleFamily:
		binaryThrough(c, o, a, b, loadDoubles, storeDoubles, zipWith(op.f64))
	case signedFamily:
		binaryThrough(c, o, a, b, loadInts, storeInts, zipWith(op.signed))
	case unsignedFamily:
		binaryThrough(c, o, a, b, loadInts, storeInts, zipUnsigned(op.unsigned))
	}
	return nil
}

// holdsZero looks for a whole number that is 0.
func holdsZero(x *Tensor) bool {
	switch familyOf(x.DType) {
	case signedFamily, unsignedFamily:
	default:
		return false
	}
	var list [chunk]int64
	for at := 0; at < x.Len(); at += chunk {
		n := min(chunk, x.Len()-at)
		loadInts(nil, list[:n], x, at)
		for _, v := range list[:n] {
			if v == 0 {
				return true
			}
		}
	}
	return false
}

func sameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func bitwise(f func(a, b int64) int64) arithmetic {
	return arithmetic{signed: f, unsigned: func(a, b uint64) uint64 { return uint64(f(int64(a), int64(b))) }}
}

// bindBitShift: a shift by a negative number, or by as many bits as the type has, leaves only copies of the sign.
func bindBitShift(b *binder) (eval, error) {
	direction := b.text("direction", "")
	if direction != "LEFT" && direction != "RIGHT" {
		return eval{}, fail(ErrShape, "attribute direction is %q", direction)
	}
	var op arithmetic
	if direction == "LEFT" {
		op.unsigned = func(a, n uint64) uint64 { return a << min(n, 64) }
		op.signed = func(a, n int64) int64 { return int64(op.unsigned(uint64(a), uint64(n))) }
	} else {
		op.unsigned = func(a, n uint64) uint64 { return a >> min(n, 64) }
		op.signed = func(a, n int64) int64 { return a >> min(uint64(n), 63) }
	}
	return op.eval(), nil
}
