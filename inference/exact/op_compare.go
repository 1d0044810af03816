package exact

import (
	"math"

	"assay/inference/tensor"
)

// compareOperators give or take truth values.
func compareOperators() map[string]*operator {
	logic := func(f func(a, b bool) bool) *operator {
		c := comparison{bools: f}
		return &operator{minIn: 2, maxIn: 2, out: 1, bind: plain(c.eval())}
	}
	compare := func(c comparison) *operator {
		return &operator{minIn: 2, maxIn: 2, out: 1, bind: plain(c.eval())}
	}
	return map[string]*operator{
		"And": logic(func(a, b bool) bool { return a && b }),
		"Or":  logic(func(a, b bool) bool { return a || b }),
		"Xor": logic(func(a, b bool) bool { return a != b }),
		"Equal": compare(comparison{
			f64: func(a, b float64) bool { return a == b }, bools: func(a, b bool) bool { return a == b },
			signed: func(a, b int64) bool { return a == b }, unsigned: func(a, b uint64) bool { return a == b },
		}),
		"Greater": compare(comparison{
			f64:    func(a, b float64) bool { return a > b },
			signed: func(a, b int64) bool { return a > b }, unsigned: func(a, b uint64) bool { return a > b },
		}),
		"GreaterOrEqual": compare(comparison{
			f64:    func(a, b float64) bool { return a >= b },
			signed: func(a, b int64) bool { return a >= b }, unsigned: func(a, b uint64) bool { return a >= b },
		}),
		"Less": compare(comparison{
			f64:    func(a, b float64) bool { return a < b },
			signed: func(a, b int64) bool { return a < b }, unsigned: func(a, b uint64) bool { return a < b },
		}),
		"LessOrEqual": compare(comparison{
			f64:    func(a, b float64) bool { return a <= b },
			signed: func(a, b int64) bool { return a <= b }, unsigned: func(a, b uint64) bool { return a <= b },
		}),
		"Not":   {minIn: 1, maxIn: 1, out: 1, bind: plain(notEval())},
		"IsNaN": {minIn: 1, maxIn: 1, out: 1, bind: plain(testEval(func(x float64) bool { return x != x }))},
		"IsInf": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"detect_negative", "detect_positive"}, bind: bindIsInf},
		"Where": {minIn: 3, maxIn: 3, out: 1, bind: plain(whereEval())},
	}
}

// comparison is a question about two elements, for each family it can be asked of. Every float is a float64.
type comparison struct {
	f64      func(a, b float64) bool
	signed   func(a, b int64) bool
	unsigned func(a, b uint64) bool
	bools    func(a, b bool) bool
}

func (op *comparison) eval() eval {
	return eval{
		infer:   op.infer,
		compute: func(c *call, in, out []*Tensor) error { op.compute(c, out[0], in[0], in[1]); return nil },
		cost:    perElement(60),
	}
}

func (op *comparison) infer(in []Spec) ([]Spec, error) {
	if in[0].DType != in[1].DType {
		return nil, fail(ErrShape, "operands are %v and %v", in[0].DType, in[1].DType)
	}
	ok := false
	switch familyOf(in[0].DType) {
	case floatFamily, doubleFamily:
		ok = op.f64 != nil
	case signedFamily:
		ok = op.signed != nil
	case unsignedFamily:
		ok = op.unsigned != nil
	case boolFamily:
		ok = op.bools != nil
	}
	if !ok {
		return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
	}
	shape, err := broadcastShape(in[0].Shape, in[1].Shape)
	return one(tensor.Bool, shape), err
}

func (op *comparison) compute(c *call, out, a, b *Tensor) {
	switch familyOf(a.DType) {
	case floatFamily:
		binaryThrough(c, out, a, b, loadFloats, storeBools, zipWith(func(a, b float32) bool { return op.f64(float64(a), float64(b)) }))
	case doubleFamily:
		binaryThrough(c, out, a, b, loadDoubles, storeBools, zipWith(op.f64))
	case signedFamily:
		binaryThrough(c, out, a, b, loadInts, storeBools, zipWith(op.signed))
	case unsignedFamily:
		binaryThrough(c, out, a, b, loadInts, storeBools, zipWith(func(a, b int64) bool { return op.unsigned(uint64(a), uint64(b)) }))
	case boolFamily:
		binaryThrough(c, out, a, b, loadBools, storeBools, zipWith(op.bools))
	}
}

func notEval() eval {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if in[0].DType != tensor.Bool {
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			return []Spec{in[0].like()}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			unaryThrough(c, out[0], in[0], loadBools, storeBools, each(func(b bool) bool { return !b }))
			return nil
		},
		inPlace: []int{0},
		cost:    perElement(30),
	}
}

// testEval asks a question about every float, of any width.
func testEval(f func(x float64) bool) eval {
	test32 := func(out []bool, x []float32) {
		for i, v := range x {
			out[i] = f(float64(v))
		}
	}
	test64 := func(out []bool, x []float64) {
		for i, v := range x {
			out[i] = f(v)
		}
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if !in[0].DType.Float() {
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			return one(tensor.Bool, in[0].Shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			if in[0].DType == tensor.Float64 {
				unaryThrough(c, out[0], in[0], loadDoubles, storeBools, test64)
			} else {
				unaryThrough(c, out[0], in[0], loadFloats, storeBools, test32)
			}
			return nil
		},
		cost: perElement(60),
	}
}

func bindIsInf(b *binder) (eval, error) {
	negative, positive := b.bool("detect_negative", true), b.bool("detect_positive", true)
	return testEval(func(x float64) bool {
		return positive && x > math.MaxFloat64 || negative && x < -math.MaxFloat64
	}), nil
}

// whereEval picks from the second or the third operand; elements are only moved.
func whereEval() eval {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if in[0].DType != tensor.Bool || in[1].DType != in[2].DType {
				return nil, fail(ErrShape, "operands are %v, %v and %v", in[0].DType, in[1].DType, in[2].DType)
			}
			shape, err := broadcastShape(in[1].Shape, in[2].Shape)
			if err == nil {
				shape, err = broadcastShape(shape, in[0].Shape)
			}
			return one(in[1].DType, shape), err
		},
		compute: func(c *call, in, out []*Tensor) error {
			o, x, y := out[0], in[1], in[2]
			byWidth(x.DType,
				func() { choose(c, o, in, tensor.View[uint8](o), tensor.View[uint8](x), tensor.View[uint8](y)) },
				func() { choose(c, o, in, tensor.View[uint16](o), tensor.View[uint16](x), tensor.View[uint16](y)) },
				func() { choose(c, o, in, tensor.View[uint32](o), tensor.View[uint32](x), tensor.View[uint32](y)) },
				func() { choose(c, o, in, tensor.View[uint64](o), tensor.View[uint64](x), tensor.View[uint64](y)) })
			return nil
		},
		inPlace: []int{1, 2},
		cost:    perElement(40),
	}
}

func choose[T width](c *call, o *Tensor, in []*Tensor, out, x, y []T) {
	condition := in[0].Bools()
	w := newWalk(o.Shape, in[0].Shape, in[1].Shape, in[2].Shape)
	step := [3]int{}
	for i, follows := range w.follows {
		if follows {
			step[i] = 1
		}
	}
	w.each(c, func(at, n int, from []int) {
		k, i, j := from[0], from[1], from[2]
		for p := range out[at : at+n] {
			if condition[k] {
				out[at+p] = x[i]
			} else {
				out[at+p] = y[j]
			}
			k, i, j = k+step[0], i+step[1], j+step[2]
		}
	})
}
