package exact

import (
	"math"
	"math/rand/v2"
	"testing"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// TestNormalisation compares with the definitions, written out step by step.
func TestNormalisation(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(19, 20))
	x := noise(r, []int{2, 6, 5, 3})
	scale, bias, mean, variance := noise(r, []int{6}), noise(r, []int{6}), noise(r, []int{6}), ramp(6)
	stats := func(g []float32) (mean, factor float32) {
		mean = sumOf(g, func(v float32) float32 { return v }) / float32(len(g))
		v := sumOf(g, func(v float32) float32 { return float32((v - mean) * (v - mean)) }) / float32(len(g))
		return mean, 1 / kernel.Sqrt(v+1e-5)
	}
	grouped := func(groups int) func(i int) float32 {
		per := 6 / groups * 15
		return func(i int) float32 {
			m, f := stats(x.Float32s()[i/per*per : i/per*per+per])
			c := i / 15 % 6
			return float32(float32((x.Float32s()[i]-m)*f)*scale.Float32s()[c]) + bias.Float32s()[c]
		}
	}
	channel := func(i int) float32 {
		c := i / 15 % 6
		a := float32(scale.Float32s()[c] * (1 / kernel.Sqrt(variance.Float32s()[c]+1e-5)))
		return float32((x.Float32s()[i]-mean.Float32s()[c])*a) + bias.Float32s()[c]
	}
	last := func(i int) float32 {
		m, f := stats(x.Float32s()[i/3*3 : i/3*3+3])
		return float32(float32((x.Float32s()[i]-m)*f)*float32(i%3)) + 1
	}
	acrossBatch := func(i int) float32 {
		var g []float32
		for k, v := range x.Float32s() {
			if k/15%6 == i/15%6 {
				g = append(g, v)
			}
		}
		m := sumOf(g, func(v float32) float32 { return v }) / float32(len(g))
		v := sumOf(g, func(v float32) float32 { return float32((v - m) * (v - m)) }) / float32(len(g))
		return (x.Float32s()[i] - m) / (kernel.Sqrt(v) + 1e-9)
	}
	for name, c := range map[string]struct {
		op    string
		attrs []ir.Attr
		in    []*Tensor
		want  func(i int) float32
	}{
		"groups":      {"GroupNormalization", []ir.Attr{aInt("num_groups", 3)}, []*Tensor{x, scale, bias}, grouped(3)},
		"instances":   {"InstanceNormalization", nil, []*Tensor{x, scale, bias}, grouped(6)},
		"channels":    {"BatchNormalization", nil, []*Tensor{x, scale, bias, mean, variance}, channel},
		"last axis":   {"LayerNormalization", nil, []*Tensor{x, ramp(3), f32s([]float32{1})}, last},
		"other axes":  {"MeanVarianceNormalization", nil, []*Tensor{x}, acrossBatch},
		"twice as it": {"SkipLayerNormalization", []ir.Attr{aFloat("epsilon", 1e-5)}, []*Tensor{halved(x), halved(x), ramp(3), f32s([]float32{1, 1, 1}, 3)}, last},
	} {
		got, err := runNode(t, c.op, c.attrs, 1, c.in...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, g := range got[0].Float32s() {
			if w := c.want(i); math.Float32bits(g) != math.Float32bits(w) {
				t.Errorf("%s: element %d is %v, want %v", name, i, g, w)
				break
			}
		}
	}
}

// halved is exact.
func halved(x *Tensor) *Tensor {
	out := x.Clone()
	for i := range out.Float32s() {
		out.Float32s()[i] /= 2
	}
	return &out
}

func TestLayerNormalizationGivesItsStatistics(t *testing.T) {
	t.Parallel()
	got, err := runNode(t, "LayerNormalization", []ir.Attr{aInt("axis", 1), aFloat("epsilon", 0)}, 3, f32s([]float32{1, 3, 5, 5}, 2, 2), f32s([]float32{1}))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []*Tensor{f32s([]float32{-1, 1, nan32, nan32}, 2, 2), f32s([]float32{2, 5}, 2, 1), f32s([]float32{1, inf}, 2, 1)} {
		if !same(&got[i], want) {
			t.Errorf("output %d is %v, want %v", i, show(&got[i]), show(want))
		}
	}
}

func TestQuantisation(t *testing.T) {
	t.Parallel()
	attrs := func(a ...ir.Attr) []ir.Attr { return a }
	zero := tensor.New(tensor.Int4)
	runTable(t, []row{
		{"ties to even", "QuantizeLinear", nil, []*Tensor{row32(1, 3, -1, 5, 1e9, nan32), f32s([]float32{2}), scalar8(10)}, []*Tensor{of[uint8](tensor.Uint8, 10, 12, 10, 12, 255, 10)}},
		{"rows", "QuantizeLinear", attrs(aInt("axis", 0)), []*Tensor{f32s([]float32{1, 2, 3, 4}, 2, 2), row32(1, 2)}, []*Tensor{bytes2x2(tensor.Uint8, 1, 2, 2, 2)}},
		{"columns", "QuantizeLinear", nil, []*Tensor{f32s([]float32{1, 2, 3, 4}, 2, 2), row32(1, 2)}, []*Tensor{bytes2x2(tensor.Uint8, 1, 1, 3, 2)}},
		{"blocks", "QuantizeLinear", attrs(aInt("axis", 1), aInt("block_size", 2), aInt("output_dtype", int64(tensor.Int8))), []*Tensor{f32s([]float32{1, 2, 3, 4, 5, 6}, 2, 3), f32s([]float32{1, 3, 2, 6}, 2, 2)}, []*Tensor{shaped(of[int8](tensor.Int8, 1, 2, 1, 2, 2, 1), 2, 3)}},
		{"four bits", "QuantizeLinear", nil, []*Tensor{row32(-9, 7.5, 3), f32s([]float32{1}), &zero}, []*Tensor{of[int8](tensor.Int4, -8, 7, 3)}},
		{"small floats", "QuantizeLinear", attrs(aInt("output_dtype", int64(tensor.Float8E4M3FN))), []*Tensor{row32(2, 1e9), f32s([]float32{2})}, []*Tensor{of[uint8](tensor.Float8E4M3FN, 0x38, 0x7e)}},
		{"back", "DequantizeLinear", nil, []*Tensor{of[uint8](tensor.Uint8, 0, 255), f32s([]float32{0.5}), scalar8(128)}, []*Tensor{row32(-64, 63.5)}},
		{"back by blocks", "DequantizeLinear", attrs(aInt("axis", 0), aInt("block_size", 2)), []*Tensor{shaped(of[int8](tensor.Int8, 1, 2, 3, 4, 5, 6), 3, 2), f32s([]float32{1, 2, 3, 4}, 2, 2)}, []*Tensor{f32s([]float32{1, 4, 3, 8, 15, 24}, 3, 2)}},
		{"sums", "DequantizeLinear", nil, []*Tensor{of[int32](tensor.Int32, -3), f32s([]float32{0.5})}, []*Tensor{row32(-1.5)}},
		{"range", "DynamicQuantizeLinear", nil, []*Tensor{row32(-1, 0, 254)}, []*Tensor{of[uint8](tensor.Uint8, 0, 1, 255), f32s([]float32{1}), scalar8(1)}},
		{"nothing but 0", "DynamicQuantizeLinear", nil, []*Tensor{row32(0, 0)}, []*Tensor{of[uint8](tensor.Uint8, 0, 0), f32s([]float32{1}), scalar8(0)}},
	})
}

func scalar8(v uint8) *Tensor {
	x := tensor.Of(tensor.Uint8, []uint8{v})
	return &x
}

func shaped(x *Tensor, shape ...int) *Tensor {
	y := x.WithShape(shape...)
	return &y
}

func bytes2x2(dtype tensor.DType, data ...uint8) *Tensor { return shaped(of(dtype, data...), 2, 2) }

// TestQuantisationGrains compares scales per axis and per block with the definition of which scale belongs where.
func TestQuantisationGrains(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(21, 22))
	for range 100 {
		shape, _ := randomShape(r, 20_000)
		if len(shape) == 0 {
			continue
		}
		x := noise(r, shape)
		a, block := r.IntN(len(shape)), r.IntN(4)
		scales := []int{shape[a]}
		if block > 0 {
			scales = append([]int(nil), shape...)
			scales[a] = (shape[a] + block - 1) / block
		}
		scale := noise(r, scales)
		if block == 0 && shape[a] == 1 {
			continue
		}
		at := []ir.Attr{aInt("axis", int64(a)), aInt("block_size", int64(block)), aInt("output_dtype", int64(tensor.Int16))}
		q, err := runNode(t, "QuantizeLinear", at, 1, x, scale)
		if err != nil {
			t.Fatal(err)
		}
		back, err := runNode(t, "DequantizeLinear", at[:2], 1, &q[0], scale)
		if err != nil {
			t.Fatal(err)
		}
		inner := tensor.Product(shape[a+1:])
		for i, v := range x.Float32s() {
			k := i / inner % shape[a]
			if block > 0 {
				k = (i/inner/shape[a]*scales[a]+k/block)*inner + i%inner
			}
			s := scale.Float32s()[k]
			want := int16(max(-32768, min(32767, math.RoundToEven(float64(v/s)))))
			if got := tensor.View[int16](&q[0])[i]; got != want {
				t.Fatalf("%v with scales %v along %d: element %d is %d, want %d", shape, scales, a, i, got, want)
			}
			if got := back[0].Float32s()[i]; got != float32(float32(want)*s) {
				t.Fatalf("%v with scales %v along %d: element %d comes back as %v", shape, scales, a, i, got)
			}
		}
	}
}
