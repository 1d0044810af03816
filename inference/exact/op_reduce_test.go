package exact

import (
	"math"
	"math/rand/v2"
	"testing"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

func TestReductions(t *testing.T) {
	t.Parallel()
	attrs := func(a ...ir.Attr) []ir.Attr { return a }
	flat := attrs(aInt("keepdims", 0))
	one := func(v float32) *Tensor { return f32s([]float32{v}) }
	whole := func(v int64) *Tensor { return i64s([]int64{v}, []int{}...) }
	runTable(t, []row{
		{"all", "ReduceSum", flat, []*Tensor{ramp(2, 3)}, []*Tensor{one(15)}},
		{"kept", "ReduceSum", nil, []*Tensor{ramp(2, 3), i64s([]int64{-1})}, []*Tensor{f32s([]float32{3, 12}, 2, 1)}},
		{"apart", "ReduceMax", flat, []*Tensor{ramp(2, 3, 2), i64s([]int64{0, 2})}, []*Tensor{row32(7, 9, 11)}},
		{"no axes", "ReduceSumSquare", attrs(aInt("noop_with_empty_axes", 1)), []*Tensor{row32(2, 3), i64s(nil, 0)}, []*Tensor{row32(4, 9)}},
		{"of nothing", "ReduceMax", nil, []*Tensor{ramp(0, 2), i64s([]int64{0})}, []*Tensor{f32s([]float32{-inf, -inf}, 1, 2)}},
		{"of nothing", "ReduceProd", flat, []*Tensor{i64s(nil, 0)}, []*Tensor{whole(1)}},
		{"of nothing", "ReduceMin", flat, []*Tensor{of[uint64](tensor.Uint64)}, []*Tensor{scalar64(math.MaxUint64)}},
		{"of nothing", "ReduceMean", flat, []*Tensor{ramp(0)}, []*Tensor{one(nan32)}},
		{"wraps", "ReduceSum", nil, []*Tensor{of[int8](tensor.Int8, 127, 1)}, []*Tensor{of[int8](tensor.Int8, -128)}},
		{"towards zero", "ReduceMean", flat, []*Tensor{i64s([]int64{-3, -4})}, []*Tensor{whole(-3)}},
		{"whole root", "ReduceL2", flat, []*Tensor{i64s([]int64{3, -4, 3})}, []*Tensor{whole(5)}},
		{"without sign", "ReduceMax", flat, []*Tensor{of[uint64](tensor.Uint64, 1, 1<<63)}, []*Tensor{scalar64(1 << 63)}},
		{"truth", "ReduceMin", nil, []*Tensor{bools(true, false)}, []*Tensor{bools(false)}},
		{"nan", "ReduceMin", flat, []*Tensor{row32(1, nan32, 0)}, []*Tensor{one(nan32)}},
		{"zeros", "ReduceMax", flat, []*Tensor{row32(minus, 0, minus)}, []*Tensor{one(0)}},
		{"masked", "ReduceLogSumExp", flat, []*Tensor{row32(-inf, 2, -inf)}, []*Tensor{one(2)}},
	})
}

func scalar64(v uint64) *Tensor {
	x := tensor.Of(tensor.Uint64, []uint64{v})
	return &x
}

// sumOf is the row rule as docs/ir-v1.md words it.
func sumOf(x []float32, f func(float32) float32) float32 {
	var total float32
	for len(x) > 0 {
		n := min(4096, len(x))
		var lane [16]float32
		for i, v := range x[:n] {
			lane[i%16] += f(v)
		}
		for _, half := range []int{8, 4, 2, 1} {
			for i := range half {
				lane[i] += lane[i+half]
			}
		}
		total += lane[0]
		x = x[n:]
	}
	return kernel.Canon(total)
}

// TestReductionsOfAnyAxes gathers the elements of each result by their definition: row-major over the reduced axes.
func TestReductionsOfAnyAxes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 14))
	plain := func(v float32) float32 { return v }
	square := func(v float32) float32 { return float32(v * v) }
	ops := map[string]func(x []float32) float32{
		"ReduceSum":       func(x []float32) float32 { return sumOf(x, plain) },
		"ReduceMean":      func(x []float32) float32 { return sumOf(x, plain) / float32(len(x)) },
		"ReduceSumSquare": func(x []float32) float32 { return sumOf(x, square) },
		"ReduceL1":        func(x []float32) float32 { return sumOf(x, kernel.Abs) },
		"ReduceL2":        func(x []float32) float32 { return kernel.Sqrt(sumOf(x, square)) },
		"ReduceLogSum":    func(x []float32) float32 { return kernel.Log(sumOf(x, plain)) },
		"ReduceMax": func(x []float32) float32 {
			top := -inf
			for _, v := range x {
				top = max(top, v)
			}
			return top
		},
	}
	for range 120 {
		shape, _ := randomShape(r, 30_000)
		x := noise(r, shape)
		var axes []int64
		set := make([]bool, len(shape))
		for i := range shape {
			if r.IntN(2) == 0 {
				axes, set[i] = append(axes, int64(i)), true
			}
		}
		if len(axes) == 0 {
			continue
		}
		kept := reducedShape(shape, set, true)
		groups := make([][]float32, tensor.Product(kept))
		for i, v := range x.Float32s() {
			mark := tensor.New(tensor.Float32, kept...)
			o := at(&mark, shape, i)
			groups[o] = append(groups[o], v)
		}
		for op, f := range ops {
			want := tensor.New(tensor.Float32, kept...)
			for o := range groups {
				want.Float32s()[o] = kernel.Canon(f(groups[o]))
			}
			got, err := runNode(t, op, nil, 1, x, i64s(axes))
			if err != nil {
				t.Fatal(err)
			}
			if !same(&got[0], &want) {
				t.Fatalf("%s of %v along %v: other bits", op, shape, axes)
			}
		}
	}
}

// TestRowsAlongAnyAxis compares Softmax along every axis with Softmax of the gathered row.
func TestRowsAlongAnyAxis(t *testing.T) {
	t.Parallel()
	x := noise(rand.New(rand.NewPCG(15, 16)), []int{3, 5, 7})
	for _, op := range []string{"Softmax", "LogSoftmax", "LpNormalization"} {
		for a, n := range x.Shape {
			got, err := runNode(t, op, []ir.Attr{aInt("axis", int64(a))}, 1, x)
			if err != nil {
				t.Fatal(err)
			}
			step := tensor.Product(x.Shape[a+1:])
			for i := range x.Len() {
				if i/step%n != 0 {
					continue
				}
				line := make([]float32, n)
				for k := range line {
					line[k] = x.Float32s()[i+k*step]
				}
				want, err := runNode(t, op, nil, 1, row32(line...))
				if err != nil {
					t.Fatal(err)
				}
				for k, w := range want[0].Float32s() {
					if g := got[0].Float32s()[i+k*step]; g != w {
						t.Fatalf("%s along %d, element %d: %v, want %v", op, a, i+k*step, g, w)
					}
				}
			}
		}
	}
}

// TestPaddingChangesNoSoftmax: masked positions on either side leave every bit of the others.
func TestPaddingChangesNoSoftmax(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(17, 18))
	for _, dtype := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.Float64} {
		for _, n := range []int{1, 15, 40, 5000} {
			var padded []float32
			left, right := r.IntN(40), r.IntN(40)
			for i := range left + n + right {
				v := float32(r.NormFloat64())
				if i < left || i >= left+n {
					v = -inf
				}
				padded = append(padded, v)
			}
			result := func(x []float32) []byte {
				to := []ir.Attr{aInt("to", int64(dtype))}
				cast, err := runNode(t, "Cast", to, 1, row32(x...))
				if err != nil {
					t.Fatal(err)
				}
				out, err := runNode(t, "Softmax", nil, 1, &cast[0])
				if err != nil {
					t.Fatal(err)
				}
				return out[0].Bytes()
			}
			size := dtype.Size()
			if got, want := result(padded)[left*size:(left+n)*size], result(padded[left:left+n]); string(got) != string(want) {
				t.Errorf("%v, %d positions between %d and %d masked ones: other bits", dtype, n, left, right)
			}
		}
	}
}
