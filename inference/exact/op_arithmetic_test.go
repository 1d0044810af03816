package exact

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

func of[T int8 | uint8 | int16 | uint16 | int32 | uint32 | uint64 | float64](dtype tensor.DType, data ...T) *Tensor {
	x := tensor.Of(dtype, data, len(data))
	return &x
}

func bools(data ...bool) *Tensor {
	x := tensor.Of(tensor.Bool, data, len(data))
	return &x
}

func row32(data ...float32) *Tensor { return f32s(data, len(data)) }

var (
	inf   = float32(math.Inf(1))
	nan32 = kernel.Canon(float32(math.NaN()))
	minus = float32(math.Copysign(0, -1))
)

func TestArithmeticOperators(t *testing.T) {
	t.Parallel()
	attrs := func(a ...ir.Attr) []ir.Attr { return a }
	runTable(t, []row{
		{"wraps", "Add", nil, []*Tensor{of[int8](tensor.Int8, 127, -128), of[int8](tensor.Int8, 1, -1)}, []*Tensor{of[int8](tensor.Int8, -128, 127)}},
		{"wraps", "Mul", nil, []*Tensor{of[uint16](tensor.Uint16, 65535), of[uint16](tensor.Uint16, 65535)}, []*Tensor{of[uint16](tensor.Uint16, 1)}},
		{"towards zero", "Div", nil, []*Tensor{i64s([]int64{-7, 7, math.MinInt64}), i64s([]int64{2, -2, -1})}, []*Tensor{i64s([]int64{-3, -3, math.MinInt64})}},
		{"smallest", "Div", nil, []*Tensor{of[int32](tensor.Int32, math.MinInt32), of[int32](tensor.Int32, -1)}, []*Tensor{of[int32](tensor.Int32, math.MinInt32)}},
		{"without sign", "Div", nil, []*Tensor{of[uint64](tensor.Uint64, math.MaxUint64), of[uint64](tensor.Uint64, 2)}, []*Tensor{of[uint64](tensor.Uint64, math.MaxInt64)}},
		{"floats", "Div", nil, []*Tensor{row32(1, -1, 0, 1), row32(0, 0, 0, minus)}, []*Tensor{row32(inf, -inf, nan32, -inf)}},
		{"divisor's sign", "Mod", nil, []*Tensor{i64s([]int64{-7, 7, -6, 7}), i64s([]int64{3, -3, 3, 3})}, []*Tensor{i64s([]int64{2, -2, 0, 1})}},
		{"dividend's sign", "Mod", attrs(aInt("fmod", 1)), []*Tensor{i64s([]int64{-7, 7}), i64s([]int64{3, -3})}, []*Tensor{i64s([]int64{-1, 1})}},
		{"fmod", "Mod", attrs(aInt("fmod", 1)), []*Tensor{row32(-7.5, 7.5, inf, 1), row32(2, -2, 1, inf)}, []*Tensor{row32(-1.5, 1.5, nan32, 1)}},
		{"floats", "Mod", nil, []*Tensor{row32(-7.5, 7.5, -4, 1), row32(2, -2, 2, 0)}, []*Tensor{row32(0.5, -0.5, 0, nan32)}},
		{"zeros", "Max", nil, []*Tensor{row32(minus, 0, nan32), row32(0, minus, 1)}, []*Tensor{row32(0, 0, nan32)}},
		{"zeros", "Min", nil, []*Tensor{row32(minus, 0, 1), row32(0, minus, nan32)}, []*Tensor{row32(minus, minus, nan32)}},
		{"doubles", "Max", nil, []*Tensor{of(tensor.Float64, math.NaN(), math.Copysign(0, -1)), of(tensor.Float64, 1.0, 0)}, []*Tensor{of(tensor.Float64, nan64, 0)}},
		{"without sign", "Max", nil, []*Tensor{of[uint64](tensor.Uint64, 1<<63), of[uint64](tensor.Uint64, 1)}, []*Tensor{of[uint64](tensor.Uint64, 1<<63)}},
		{"three", "Sum", nil, []*Tensor{row32(1), ramp(2), ramp(2, 1)}, []*Tensor{f32s([]float32{1, 2, 2, 3}, 2, 2)}},
		{"one", "Mean", nil, []*Tensor{row32(3)}, []*Tensor{row32(3)}},
		{"three", "Mean", nil, []*Tensor{row32(1), row32(2), row32(4)}, []*Tensor{row32(float32(7) / 3)}},
		{"whole", "Pow", nil, []*Tensor{i64s([]int64{2, -3, -1, 1, 5}), i64s([]int64{10, 3, -3, -2, -1})}, []*Tensor{i64s([]int64{1024, -27, -1, 1, 0})}},
		{"mixed", "Pow", nil, []*Tensor{row32(2, 4), i64s([]int64{-1, 2})}, []*Tensor{row32(0.5, 16)}},
		{"into whole", "Pow", nil, []*Tensor{i64s([]int64{2, -2}), row32(0.5, 0.5)}, []*Tensor{i64s([]int64{1, 0})}},
		{"left", "BitShift", attrs(aText("direction", "LEFT")), []*Tensor{of[int8](tensor.Int8, 1, -1, 5, 3), of[int8](tensor.Int8, 7, 8, -1, 1)}, []*Tensor{of[int8](tensor.Int8, -128, 0, 0, 6)}},
		{"right", "BitShift", attrs(aText("direction", "RIGHT")), []*Tensor{of[int8](tensor.Int8, -128, -1, 5), of[int8](tensor.Int8, 7, 100, -1)}, []*Tensor{of[int8](tensor.Int8, -1, -1, 0)}},
		{"without sign", "BitShift", attrs(aText("direction", "RIGHT")), []*Tensor{of[uint8](tensor.Uint8, 128, 255), of[uint8](tensor.Uint8, 7, 8)}, []*Tensor{of[uint8](tensor.Uint8, 1, 0)}},
		{"bits", "BitwiseXor", nil, []*Tensor{of[uint8](tensor.Uint8, 0xf0), of[uint8](tensor.Uint8, 0xff)}, []*Tensor{of[uint8](tensor.Uint8, 0x0f)}},
		{"bits", "BitwiseNot", nil, []*Tensor{of[int16](tensor.Int16, 0, -1)}, []*Tensor{of[int16](tensor.Int16, -1, 0)}},
		{"one way", "PRelu", nil, []*Tensor{f32s([]float32{-1, 2, -3, 4}, 2, 2), row32(0.5, 2)}, []*Tensor{f32s([]float32{-0.5, 2, -1.5, 4}, 2, 2)}},
		{"without sign", "Less", nil, []*Tensor{of[uint64](tensor.Uint64, 1<<63), of[uint64](tensor.Uint64, 1)}, []*Tensor{bools(false)}},
		{"nan", "LessOrEqual", nil, []*Tensor{row32(nan32, 1, minus), row32(nan32, 1, 0)}, []*Tensor{bools(false, true, true)}},
		{"bools", "Equal", nil, []*Tensor{bools(true, false), bools(true)}, []*Tensor{bools(true, false)}},
		{"bools", "Xor", nil, []*Tensor{bools(true, false), bools(true)}, []*Tensor{bools(false, true)}},
		{"one side", "IsInf", attrs(aInt("detect_negative", 0)), []*Tensor{row32(inf, -inf, nan32)}, []*Tensor{bools(true, false, false)}},
		{"broadcast", "Where", nil, []*Tensor{bools(true, false), f32s([]float32{1, 2}, 2, 1), row32(9)}, []*Tensor{f32s([]float32{1, 9, 2, 9}, 2, 2)}},
	})
}

func TestUnaryOperators(t *testing.T) {
	t.Parallel()
	attrs := func(a ...ir.Attr) []ir.Attr { return a }
	third := float32(1) / 3
	runTable(t, []row{
		{"smallest", "Abs", nil, []*Tensor{of[int8](tensor.Int8, -128, -3)}, []*Tensor{of[int8](tensor.Int8, -128, 3)}},
		{"zeros", "Neg", nil, []*Tensor{row32(0, nan32)}, []*Tensor{row32(minus, nan32)}},
		{"sign", "Sign", nil, []*Tensor{row32(-2, 3, minus, nan32)}, []*Tensor{row32(-1, 1, minus, nan32)}},
		{"ties", "Round", nil, []*Tensor{row32(0.5, 1.5, 2.5, -0.5, -2.5, 1e30)}, []*Tensor{row32(0, 2, 2, minus, -2, 1e30)}},
		{"half", "Sqrt", nil, []*Tensor{of[uint16](tensor.Float16, 0x4400, 0xbc00)}, []*Tensor{of[uint16](tensor.Float16, 0x4000, 0x7e00)}},
		{"zero", "Reciprocal", nil, []*Tensor{row32(minus, 4, inf)}, []*Tensor{row32(-inf, 0.25, 0)}},
		{"infinite", "Softsign", nil, []*Tensor{row32(inf, 1)}, []*Tensor{row32(nan32, 0.5)}},
		{"edges", "ThresholdedRelu", nil, []*Tensor{row32(1, 1.5, nan32)}, []*Tensor{row32(0, 1.5, nan32)}},
		{"edges", "Shrink", attrs(aFloat("bias", 0.25)), []*Tensor{row32(-1, 0.5, 1, nan32)}, []*Tensor{row32(-0.75, 0, 0.75, nan32)}},
		{"infinite", "Elu", attrs(aFloat("alpha", 2)), []*Tensor{row32(-inf, 3)}, []*Tensor{row32(-2, 3)}},
		{"bounds", "Clip", nil, []*Tensor{row32(-5, 0.5, 5, nan32), f32s([]float32{-1}), f32s([]float32{1})}, []*Tensor{row32(-1, 0.5, 1, nan32)}},
		{"no lower bound", "Clip", nil, []*Tensor{i64s([]int64{-5, 5}), nil, i64s([]int64{1}, []int{}...)}, []*Tensor{i64s([]int64{-5, 1})}},
		{"third", "HardSigmoid", attrs(aFloat("alpha", third), aFloat("beta", 0.5)), []*Tensor{row32(-9, 0, 9)}, []*Tensor{row32(0, 0.5, 1)}},
		{"lower", "Trilu", attrs(aInt("upper", 0)), []*Tensor{ramp(2, 3), i64s([]int64{1}, []int{}...)}, []*Tensor{f32s([]float32{0, 1, 0, 3, 4, 5}, 2, 3)}},
		{"far away", "Trilu", nil, []*Tensor{ramp(2, 2), i64s([]int64{math.MinInt64}, []int{}...)}, []*Tensor{ramp(2, 2)}},
		{"backwards", "CumSum", attrs(aInt("reverse", 1), aInt("exclusive", 1)), []*Tensor{row32(1, 2, 4), i64s([]int64{0}, []int{}...)}, []*Tensor{row32(6, 4, 0)}},
		{"wraps", "CumProd", nil, []*Tensor{of[int32](tensor.Int32, 1<<30, 2, 3), i64s([]int64{-1}, []int{}...)}, []*Tensor{of[int32](tensor.Int32, 1<<30, math.MinInt32, math.MinInt32)}},
		{"first", "ArgMax", attrs(aInt("keepdims", 0)), []*Tensor{row32(1, 3, 3)}, []*Tensor{i64s([]int64{1}, []int{}...)}},
		{"last", "ArgMin", attrs(aInt("axis", 1), aInt("select_last_index", 1)), []*Tensor{f32s([]float32{1, 1, 2, 0, 0, 0}, 2, 3)}, []*Tensor{i64s([]int64{1, 2}, 2, 1)}},
		{"nan", "ArgMin", nil, []*Tensor{row32(-1, nan32, nan32, -9)}, []*Tensor{i64s([]int64{1})}},
		{"without sign", "ArgMax", nil, []*Tensor{of[uint64](tensor.Uint64, 1, 1<<63)}, []*Tensor{i64s([]int64{1})}},
		{"column", "Hardmax", attrs(aInt("axis", 0)), []*Tensor{f32s([]float32{1, 5, 2, 5}, 2, 2)}, []*Tensor{f32s([]float32{0, 1, 1, 0}, 2, 2)}},
	})
}

func TestArithmeticRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		op   string
		want error
		in   []*Tensor
	}{
		"division by zero":       {"Div", ErrInput, []*Tensor{i64s([]int64{1, 2}), i64s([]int64{1, 0})}},
		"remainder of zero":      {"Mod", ErrInput, []*Tensor{i64s([]int64{1}), i64s([]int64{0})}},
		"zero to a negative":     {"Pow", ErrInput, []*Tensor{i64s([]int64{0}), i64s([]int64{-1})}},
		"different types":        {"Add", ErrShape, []*Tensor{i64s([]int64{1}), row32(1)}},
		"shapes":                 {"Add", ErrShape, []*Tensor{ramp(2), ramp(3)}},
		"bools":                  {"Add", ErrUnsupported, []*Tensor{bools(true), bools(true)}},
		"growing slope":          {"PRelu", ErrShape, []*Tensor{ramp(1), ramp(3)}},
		"axis of a sum":          {"CumSum", ErrShape, []*Tensor{ramp(2), i64s([]int64{1}, []int{}...)}},
		"nothing to choose from": {"ArgMax", ErrShape, []*Tensor{ramp(0, 2)}},
		"axes twice":             {"ReduceSum", ErrShape, []*Tensor{ramp(2, 2), i64s([]int64{1, -1})}},
		"scales":                 {"QuantizeLinear", ErrShape, []*Tensor{ramp(2, 3), ramp(2)}},
		"cast to nothing":        {"Cast", ErrUnsupported, []*Tensor{ramp(2)}},
	} {
		_, err := runNode(t, c.op, nil, 1, c.in...)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// randomShape gives a shape and one that broadcasts to it.
func randomShape(r *rand.Rand, most int) (shape, part []int) {
	rank := r.IntN(5)
	size := 1
	for range rank {
		d := 1 + r.IntN(5)
		if r.IntN(4) == 0 {
			d = 1 + r.IntN(300)
		}
		if size*d > most {
			d = 1
		}
		size *= d
		shape = append(shape, d)
	}
	part = slices.Clone(shape)
	for i := range part {
		if r.IntN(3) == 0 {
			part[i] = 1
		}
	}
	for len(part) > 0 && r.IntN(4) == 0 {
		part = part[1:]
	}
	return shape, part
}

// at is the element of a tensor that stands for index i of a broadcast shape.
func at(x *Tensor, shape []int, i int) int {
	place, step := 0, 1
	for d := len(shape) - 1; d >= 0; d-- {
		k := i % shape[d]
		i /= shape[d]
		if own := d - (len(shape) - len(x.Shape)); own >= 0 {
			if x.Shape[own] != 1 {
				place += k * step
			}
			step *= x.Shape[own]
		}
	}
	return place
}

func noise(r *rand.Rand, shape []int) *Tensor {
	x := tensor.New(tensor.Float32, shape...)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(r.NormFloat64())
	}
	return &x
}

// threads runs tasks at the same time and in no order.
func threads(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(n - 1 - i) })
	}
	wg.Wait()
}

// TestBroadcasting compares operators on random shapes with the definition, element by element, on one thread and on many.
func TestBroadcasting(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	ops := map[string]func(a, b float32) float32{
		"Add": func(a, b float32) float32 { return a + b }, "Sub": func(a, b float32) float32 { return a - b },
		"Mul": func(a, b float32) float32 { return float32(a * b) }, "Div": func(a, b float32) float32 { return a / b },
		"Max": kernel.Max, "Min": kernel.Min, "Pow": kernel.Pow,
		"PRelu": kernel.LeakyRelu,
	}
	for range 150 {
		shape, part := randomShape(r, 100_000)
		a, b := noise(r, shape), noise(r, part)
		for op, f := range ops {
			for _, order := range [][2]*Tensor{{a, b}, {b, a}} {
				if op == "PRelu" && order[0] != a {
					continue
				}
				want := tensor.New(tensor.Float32, shape...)
				for i := range want.Float32s() {
					x, y := order[0].Float32s()[at(order[0], shape, i)], order[1].Float32s()[at(order[1], shape, i)]
					want.Float32s()[i] = kernel.Canon(f(x, y))
				}
				for name, parallel := range map[string]Parallel{"one thread": serial, "threads": threads} {
					got, err := runWith(t, op, nil, parallel, order[0], order[1])
					if err != nil {
						t.Fatal(err)
					}
					if !same(got, &want) {
						t.Fatalf("%s of %v and %v, %s: other bits", op, order[0].Shape, order[1].Shape, name)
					}
				}
			}
		}
	}
}

// runWith evaluates one operator, with its operands made by nodes before it, whose memory it may take over.
func runWith(t *testing.T, op string, attrs []ir.Attr, parallel Parallel, in ...*Tensor) (*Tensor, error) {
	t.Helper()
	g := &ir.Graph{}
	given := map[string]Tensor{}
	for i, x := range in {
		name := fmt.Sprint(i)
		given[name] = *x
		g.Inputs = append(g.Inputs, ir.Value{Name: name, DType: x.DType, Unranked: true})
	}
	last := ir.Node{Op: op, Attrs: attrs, Out: []ir.ID{ir.ID(3 * len(in))}}
	for i := range in {
		n := ir.ID(len(in))
		g.Nodes = append(g.Nodes,
			ir.Node{Op: "Neg", In: []ir.ID{ir.ID(i)}, Out: []ir.ID{n + ir.ID(2*i)}},
			ir.Node{Op: "Neg", In: []ir.ID{n + ir.ID(2*i)}, Out: []ir.ID{n + ir.ID(2*i) + 1}})
		last.In = append(last.In, n+ir.ID(2*i)+1)
	}
	g.Nodes = append(g.Nodes, last)
	g.Outputs = []ir.Output{{Name: "y", Value: last.Out[0]}}
	p, err := New(g, Config{})
	if err != nil {
		return nil, err
	}
	out, err := p.Run(given, parallel)
	if err != nil {
		return nil, err
	}
	y := out["y"]
	return &y, nil
}

// TestSameOperandTwice: an operator that may take over an operand's memory gets that operand on every side.
func TestSameOperandTwice(t *testing.T) {
	t.Parallel()
	x := noise(rand.New(rand.NewPCG(5, 6)), []int{3, 50})
	for _, op := range []string{"Add", "Sub", "Mul", "Max", "Sum", "Pow"} {
		for count := 2; count <= 3; count++ {
			if count == 3 && op != "Sum" && op != "Max" {
				continue
			}
			g := &ir.Graph{
				Inputs:  []ir.Value{{Name: "x", DType: tensor.Float32, Unranked: true}},
				Outputs: []ir.Output{{Name: "y", Value: 2}},
				Nodes:   []ir.Node{{Op: "Neg", In: []ir.ID{0}, Out: []ir.ID{1}}, {Op: op, In: slices.Repeat([]ir.ID{1}, count), Out: []ir.ID{2}}},
			}
			p, err := New(g, Config{})
			if err != nil {
				t.Fatal(err)
			}
			out, err := p.Run(map[string]Tensor{"x": *x}, nil)
			if err != nil {
				t.Fatal(err)
			}
			negative, err := runNode(t, "Neg", nil, 1, x)
			if err != nil {
				t.Fatal(err)
			}
			want, err := runNode(t, op, nil, 1, slices.Repeat([]*Tensor{&negative[0]}, count)...)
			if err != nil {
				t.Fatal(err)
			}
			y := out["y"]
			if !same(&y, &want[0]) {
				t.Errorf("%s of %d times the same: other bits in place", op, count)
			}
		}
	}
}
