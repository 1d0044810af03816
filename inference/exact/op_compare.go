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
		"IsNaN": {minIn: 1, maxIn: 1, out: 1, bind: plain(testEval(isNaN[float32], isNaN[float64]))},
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
		cost:    perElement(160),
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
func testEval(test32 func(out []bool, x []float32), test64 func(out []bool, x []float64)) eval {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if !in[0].DType.Float() {
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			return one(tensor.Bool, in[0].Shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			x := in[0]
			switch to := out[0].Bools(); x.DType {
			case tensor.Float64:
				from := tensor.View[float64](x)
				c.tasks(len(to), func(lo, hi int) { test64(to[lo:hi], from[lo:hi]) })
			case tensor.Float32:
				from := x.Float32s()
				c.tasks(len(to), func(lo, hi int) { test32(to[lo:hi], from[lo:hi]) })
			default:
				unaryThrough(c, out[0], x, loadFloats, storeBools, test32)
			}
			return nil
		},
		cost: perElement(30),
	}
}

func isNaN[T float32 | float64](out []bool, x []T) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = v != v
	}
}

// isInf compares with the largest finite number on either side; a side that does not count has none beyond.
func isInf[T float32 | float64](low, high T) func(out []bool, x []T) {
	return func(out []bool, x []T) {
		out = out[:len(x)]
		for i, v := range x {
			out[i] = v < low || v > high
		}
	}
}

func bindIsInf(b *binder) (eval, error) {
	low32, high32 := float32(-math.MaxFloat32), float32(math.MaxFloat32)
	low64, high64 := -math.MaxFloat64, math.MaxFloat64
	if !b.bool("detect_negative", true) {
		low32, low64 = float32(math.Inf(-1)), math.Inf(-1)
	}
	if !b.bool("detect_positive", true) {
		high32, high64 = float32(math.Inf(1)), math.Inf(1)
	}
	return testEval(isInf(low32, high32), isInf(low64, high64)), nil
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
