package exact

import (
	"errors"
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"slices"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

// runBounded runs an operator with no more memory and multiply-adds than the bound of its operands' shapes says; those
// from index constants on are constants.
func runBounded(t *testing.T, op string, attrs []ir.Attr, constants int, in ...*Tensor) (Tensor, error) {
	t.Helper()
	b := &graphBuilder{}
	var ids []ir.ID
	given, shapes := map[string]Tensor{}, map[string][]int{}
	for i, x := range in[:min(constants, len(in))] {
		name := fmt.Sprint(i)
		given[name], shapes[name] = *x, x.Shape
		b.Inputs = append(b.Inputs, ir.Value{Name: name, DType: x.DType, Unranked: true})
		ids = append(ids, ir.ID(i))
	}
	for i := constants; i < len(in); i++ {
		if in[i] == nil {
			ids = append(ids, ir.None)
			continue
		}
		ids = append(ids, ir.ID(len(b.Inputs)+len(b.Constants)))
		b.Constants = append(b.Constants, ir.Constant{Data: *in[i]})
	}
	out := ir.ID(len(b.Inputs) + len(b.Constants))
	slices.SortFunc(attrs, func(a, b ir.Attr) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	b.Nodes = []ir.Node{{Op: op, Attrs: attrs, In: ids, Out: []ir.ID{out}}}
	b.Outputs = []ir.Output{{Name: "y", Value: out}}
	p, err := New(&b.Graph, Config{})
	if err != nil {
		return Tensor{}, err
	}
	bound, err := p.Bound(shapes)
	if err != nil {
		return Tensor{}, err
	}
	p, err = New(&b.Graph, Config{Limits: Limits{Total: max(1, bound.Bytes), Work: max(1, bound.Multiplies)}})
	if err != nil {
		t.Fatal(err)
	}
	results, err := p.Run(given, threads)
	return results["y"], err
}

// directly is a transform as its definition says.
func directly(x []complex128, inverse bool) []complex128 {
	n := len(x)
	out := make([]complex128, n)
	for k := range out {
		for j, v := range x {
			angle := -2 * math.Pi * float64(k*j%n) / float64(n)
			if inverse {
				angle = -angle
			}
			out[k] += v * cmplx.Exp(complex(0, angle))
		}
		if inverse {
			out[k] /= complex(float64(n), 0)
		}
	}
	return out
}

func drawnDoubles(r *rand.Rand, shape ...int) *Tensor {
	x := tensor.New(tensor.Float64, shape...)
	for i := range tensor.View[float64](&x) {
		tensor.View[float64](&x)[i] = r.NormFloat64()
	}
	return &x
}

// TestDFTIsItsDefinition for lengths of all kinds, along every axis, cut and padded, within its bound.
func TestDFTIsItsDefinition(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for _, length := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 30, 31, 49, 60, 64, 77, 128, 210, 400} {
		for _, parts := range []int{1, 2} {
			shape := []int{1 + r.IntN(3), 1 + r.IntN(3), 1 + r.IntN(3), parts}
			at, n, inverse := r.IntN(3), max(1, length+r.IntN(5)-2), r.IntN(2) == 1
			shape[at] = length
			x := drawnDoubles(r, shape...)
			attrs := []ir.Attr{aInt("inverse", int64(b2i(inverse)))}
			y, err := runBounded(t, "DFT", attrs, 1, x, i64s([]int64{int64(n)}, []int{}...), i64s([]int64{int64(at - 4)}, []int{}...))
			if err != nil {
				t.Fatal(err)
			}
			between := tensor.Product(shape[at+1 : 3])
			for line := range tensor.Product(shape[:3]) / length {
				from := line/between*length*between + line%between
				list := make([]complex128, n)
				for k := range min(n, length) {
					v := tensor.View[float64](x)[(from+k*between)*parts:]
					list[k] = complex(v[0], 0)
					if parts == 2 {
						list[k] = complex(v[0], v[1])
					}
				}
				for k, want := range directly(list, inverse) {
					i := (line/between*n*between + line%between + k*between) * 2
					got := complex(tensor.View[float64](&y)[i], tensor.View[float64](&y)[i+1])
					if cmplx.Abs(got-want) > 1e-12*float64(n) {
						t.Fatalf("%d of %d numbers along axis %d of %v: number %d is %v, want %v", n, length, at, shape, k, got, want)
					}
				}
			}
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestOneSideOfATransform is half of the whole, and leads back to the signal.
func TestOneSideOfATransform(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 10))
	for _, n := range []int{1, 2, 3, 8, 9, 20, 63} {
		x := drawn(r, 3, n, 1)
		axis := i64s([]int64{1})
		whole, err := runNode(t, "DFT", nil, 1, x, nil, axis)
		if err != nil {
			t.Fatal(err)
		}
		half, err := runBounded(t, "DFT", []ir.Attr{aInt("onesided", 1)}, 1, x, nil, axis)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(half.Shape, []int{3, n/2 + 1, 2}) {
			t.Fatalf("shape %v of %d numbers", half.Shape, n)
		}
		for line := range 3 {
			kept := 2 * (n/2 + 1)
			if !slices.Equal(half.Float32s()[line*kept:(line+1)*kept], whole[0].Float32s()[line*2*n:][:kept]) {
				t.Errorf("%d numbers: one side has other bits than both", n)
			}
		}
		back, err := runBounded(t, "DFT", []ir.Attr{aInt("inverse", 1), aInt("onesided", 1)}, 1, &half, i64s([]int64{int64(n)}), axis)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range x.Float32s() {
			if got := back.Float32s()[i]; math.Abs(float64(got-want)) > 1e-6 {
				t.Errorf("%d numbers: number %d is back as %v, was %v", n, i, got, want)
			}
		}
	}
}

// TestTransformsKeepTheirBits: what is written down for good.
func TestTransformsKeepTheirBits(t *testing.T) {
	t.Parallel()
	for dtype, want := range map[tensor.DType]string{tensor.Float32: "1092b4ad4b8f50a1", tensor.Float64: "be5d5b923eda6092"} {
		x := tensor.New(tensor.Float64, 1, 420, 1)
		for i := range tensor.View[float64](&x) {
			tensor.View[float64](&x)[i] = float64(i*i%17) / 8
		}
		cast, err := runNode(t, "Cast", []ir.Attr{aInt("to", int64(dtype))}, 1, &x)
		if err != nil {
			t.Fatal(err)
		}
		y, err := runNode(t, "DFT", nil, 1, &cast[0])
		if err != nil {
			t.Fatal(err)
		}
		root, err := ir.TensorRoot(&y[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", root[:8]); got != want {
			t.Errorf("%v: root %s", dtype, got)
		}
	}
}

// TestFloat32TransformsAreClose to those of float64: no further than rounding every pass would explain.
func TestFloat32TransformsAreClose(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 14))
	for _, n := range []int{8, 10, 97, 100, 400, 512, 1009, 1024} {
		x := drawn(r, 1, n, 2)
		y, err := runBounded(t, "DFT", nil, 1, x)
		if err != nil {
			t.Fatal(err)
		}
		list, size := make([]complex128, n), 0.0
		for i := range list {
			list[i] = complex(float64(x.Float32s()[2*i]), float64(x.Float32s()[2*i+1]))
			size += real(list[i])*real(list[i]) + imag(list[i])*imag(list[i])
		}
		worst := 0.0
		for k, want := range directly(list, false) {
			worst = max(worst, cmplx.Abs(complex(float64(y.Float32s()[2*k]), float64(y.Float32s()[2*k+1]))-want))
		}
		allowed := 0.0
		for _, p := range primes(n) {
			allowed += 1.5e-7 * math.Sqrt(float64(p))
		}
		if worst /= math.Sqrt(size); worst > allowed {
			t.Errorf("%d numbers: %.2g of the signal's size, want at most %.2g", n, worst, allowed)
		}
	}
}

func TestSTFTTransformsFrames(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	signal, window := drawnDoubles(r, 2, 50, 1), drawnDoubles(r, 12)
	y, err := runBounded(t, "STFT", nil, 1, signal, i64s([]int64{5}, []int{}...), window)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(y.Shape, []int{2, 8, 7, 2}) {
		t.Fatalf("shape %v", y.Shape)
	}
	got := tensor.View[float64](&y)
	for frame := range 16 {
		list := make([]complex128, 12)
		for k := range list {
			list[k] = complex(tensor.View[float64](signal)[frame/8*50+frame%8*5+k]*tensor.View[float64](window)[k], 0)
		}
		for k, want := range directly(list, false)[:7] {
			if at := got[(frame*7+k)*2:]; cmplx.Abs(complex(at[0], at[1])-want) > 1e-12 {
				t.Errorf("frame %d, number %d: %v, want %v", frame, k, at[:2], want)
			}
		}
	}
	plain, err := runBounded(t, "STFT", []ir.Attr{aInt("onesided", 0)}, 1, drawn(r, 1, 20, 2), i64s([]int64{4}), nil, i64s([]int64{10}))
	if err != nil || !slices.Equal(plain.Shape, []int{1, 3, 10, 2}) {
		t.Errorf("without a window: %v %v", plain.Shape, err)
	}
}

func TestSignalTables(t *testing.T) {
	t.Parallel()
	attrs := func(a ...ir.Attr) []ir.Attr { return a }
	doubles := func(v ...float64) *Tensor { x := tensor.Of(tensor.Float64, v, len(v)); return &x }
	number := func(n int64) *Tensor { return i64s([]int64{n}, []int{}...) }
	hertz := func(v float32) *Tensor { return f32s([]float32{v}, []int{}...) }
	wide := aInt("output_datatype", int64(tensor.Float64))
	nan := math.Float32frombits(0x7fc00000)
	a, b, c := 0.42, 0.5, 0.08 // no constants, whose sums would be exact
	runTable(t, []row{
		{"periodic", "HannWindow", nil, []*Tensor{number(4)}, []*Tensor{f32s([]float32{0, 0.5, 1, 0.5}, 4)}},
		{"symmetric", "HannWindow", attrs(aInt("periodic", 0)), []*Tensor{number(3)}, []*Tensor{f32s([]float32{0, 1, 0}, 3)}},
		{"one", "HannWindow", attrs(aInt("periodic", 0)), []*Tensor{number(1)}, []*Tensor{f32s([]float32{nan}, 1)}},
		{"wide", "HammingWindow", attrs(wide), []*Tensor{number(2)}, []*Tensor{doubles(25.0/46-21.0/46, 1)}},
		{"none", "BlackmanWindow", nil, []*Tensor{number(0)}, []*Tensor{f32s(nil, 0)}},
		{"peak", "BlackmanWindow", attrs(wide), []*Tensor{number(2)}, []*Tensor{doubles(a-b+c, a+b+c)}},
		{"two bands", "MelWeightMatrix", nil, []*Tensor{number(2), number(8), number(16), hertz(0), hertz(8)}, []*Tensor{f32s([]float32{0, 0, 1, 0, 0, 1, 0, 0, 0, 0}, 5, 2)}},
		{"wide bands", "MelWeightMatrix", nil, []*Tensor{number(1), number(15), number(16), hertz(0), hertz(8)}, []*Tensor{f32s([]float32{0, 0.5, 1, 2.0 / 3, 1.0 / 3, 0, 0, 0}, 8, 1)}},
	})
}

func TestSignalRefusals(t *testing.T) {
	t.Parallel()
	hertz := func(v float32) *Tensor { return f32s([]float32{v}, []int{}...) }
	one := func(n int64) *Tensor { return i64s([]int64{n}) }
	for i, c := range []struct {
		op    string
		attrs []ir.Attr
		in    []*Tensor
		kind  error
	}{
		{"DFT", nil, []*Tensor{ramp(2, 3, 3)}, ErrShape},
		{"DFT", nil, []*Tensor{ramp(2, 3, 1), one(0)}, ErrShape},
		{"DFT", nil, []*Tensor{ramp(2, 3, 1), one(math.MaxInt64)}, ErrShape},
		{"DFT", nil, []*Tensor{ramp(2, 3, 1), one(1 << 29)}, ErrLimit},
		{"DFT", nil, []*Tensor{ramp(2, 3, 1), nil, one(2)}, ErrShape},
		{"DFT", []ir.Attr{aInt("onesided", 1)}, []*Tensor{ramp(2, 3, 2)}, ErrShape},
		{"DFT", []ir.Attr{aInt("inverse", 1), aInt("onesided", 1)}, []*Tensor{ramp(2, 1, 2)}, ErrShape},
		{"DFT", nil, []*Tensor{i64s([]int64{1, 2}, 1, 2, 1)}, ErrUnsupported},
		{"STFT", nil, []*Tensor{ramp(1, 8, 1), one(0), nil, one(4)}, ErrShape},
		{"STFT", nil, []*Tensor{ramp(1, 8, 1), one(1), nil, one(9)}, ErrShape},
		{"STFT", nil, []*Tensor{ramp(1, 8, 1), one(1), ramp(4), one(3)}, ErrShape},
		{"HannWindow", nil, []*Tensor{one(-1)}, ErrShape},
		{"HannWindow", nil, []*Tensor{one(math.MaxInt64)}, ErrLimit},
		{"HannWindow", []ir.Attr{aInt("output_datatype", int64(tensor.Int32))}, []*Tensor{one(4)}, ErrUnsupported},
		{"MelWeightMatrix", nil, []*Tensor{one(2), one(8), one(16), hertz(0), hertz(90)}, ErrInput},
		{"MelWeightMatrix", nil, []*Tensor{one(2), one(8), one(0), hertz(0), hertz(8)}, ErrInput},
	} {
		if _, err := runNode(t, c.op, c.attrs, 1, c.in...); !errors.Is(err, c.kind) {
			t.Errorf("%d, %s: error %v, want %v", i, c.op, err, c.kind)
		}
	}
}
