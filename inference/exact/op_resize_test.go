package exact

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

func TestResizeOperators(t *testing.T) {
	t.Parallel()
	attrs := func(a ...ir.Attr) []ir.Attr { return a }
	inf := float32(math.Inf(1))
	bytes := tensor.Of(tensor.Uint8, []uint8{7, 8}, 2)
	wide := tensor.Of(tensor.Uint8, []uint8{7, 7, 8, 8}, 4)
	runTable(t, []row{
		{"any element type", "Resize", nil, []*Tensor{&bytes, nil, f32s([]float32{2}, 1)}, []*Tensor{&wide}},
		{"halves go down", "Resize", attrs(aText("coordinate_transformation_mode", "asymmetric")), []*Tensor{ramp(4), nil, nil, i64s([]int64{2})}, []*Tensor{f32s([]float32{0, 2}, 2)}},
		{"between", "Resize", attrs(aText("mode", "linear")), []*Tensor{f32s([]float32{0, 4}, 2), nil, f32s([]float32{2}, 1)}, []*Tensor{f32s([]float32{0, 1, 3, 4}, 4)}},
		{"no weight, no infinity", "Resize", attrs(aText("mode", "linear"), aText("coordinate_transformation_mode", "align_corners")), []*Tensor{f32s([]float32{1, inf, 2}, 3), nil, nil, i64s([]int64{2})}, []*Tensor{f32s([]float32{1, 2}, 2)}},
		{"all pixels count", "Resize", attrs(aText("mode", "linear"), aInt("antialias", 1)), []*Tensor{f32s([]float32{8, 8, 8, 8, 0, 0, 0, 0}, 8), nil, nil, i64s([]int64{2})}, []*Tensor{f32s([]float32{7, 1}, 2)}},
		{"outside", "Resize", attrs(aText("mode", "linear"), aText("coordinate_transformation_mode", "tf_crop_and_resize"), aFloat("extrapolation_value", 9)), []*Tensor{f32s([]float32{1, 2, 3}, 3), f32s([]float32{0, 2}, 2), nil, i64s([]int64{3})}, []*Tensor{f32s([]float32{1, 3, 9}, 3)}},
		{"kept shape", "Resize", attrs(aText("keep_aspect_ratio_policy", "not_larger")), []*Tensor{ramp(1, 2), nil, nil, i64s([]int64{7, 4})}, []*Tensor{f32s([]float32{0, 0, 1, 1, 0, 0, 1, 1}, 2, 4)}},
		{"corners", "GridSample", attrs(aInt("align_corners", 1)), []*Tensor{ramp(1, 1, 2, 2), f32s([]float32{-1, -1, 1, -1, 0, 0, 3, 3}, 1, 1, 4, 2)}, []*Tensor{f32s([]float32{0, 1, 1.5, 0}, 1, 1, 1, 4)}},
		{"mirrored", "GridSample", attrs(aText("mode", "nearest"), aText("padding_mode", "reflection")), []*Tensor{ramp(1, 1, 4), f32s([]float32{-1.25, 1.25, 2.75}, 1, 3, 1)}, []*Tensor{f32s([]float32{0, 3, 0}, 1, 1, 3)}},
		{"identity", "AffineGrid", attrs(aInt("align_corners", 1)), []*Tensor{f32s([]float32{1, 0, 0, 0, 1, 0}, 1, 2, 3), i64s([]int64{1, 1, 2, 2})}, []*Tensor{f32s([]float32{-1, -1, 1, -1, -1, 1, 1, 1}, 1, 2, 2, 2)}},
	})
}

// TestResizeBits: all kernels give the bits of the definition, axis by axis from the last.
func TestResizeBits(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(16, 17))
	for i := range 60 {
		x := noiseTensor(r, 2, 1+r.IntN(3), 2+r.IntN(8), 2+r.IntN(8))
		sizes := []int64{2, int64(x.Shape[1]), int64(1 + r.IntN(12)), int64(1 + r.IntN(12))}
		mode, anti := []string{"linear", "cubic"}[i%2], int64(i/2%2)
		node := &resize{mode: mode, coordinates: "half_pixel", cubic: -0.75, antialias: anti == 1}
		values, shape := x.Float32s(), append([]int(nil), x.Shape...)
		for d := 3; d >= 0; d-- {
			t := node.axisTaps(&resampled{in: shape[d], out: int(sizes[d]), scale: float64(sizes[d]) / float64(shape[d]), end: 1})
			inner, size := tensor.Product(shape[d+1:]), shape[d]
			shape[d] = int(sizes[d])
			next := make([]float32, tensor.Product(shape))
			for at := range next {
				o := at / inner % shape[d]
				for k := t.first[o]; k < t.first[o+1]; k++ {
					next[at] += float32(values[(at/inner/shape[d]*size+int(t.at[k]))*inner+at%inner] * t.weight[k])
				}
			}
			values = next
		}
		want := tensor.FromFloat32(values, shape...)
		for _, name := range Kernels() {
			got, err := runNodeOn(t, name, "Resize", []ir.Attr{aText("mode", mode), aInt("antialias", anti)}, 1, x, nil, nil, i64s(sizes))
			if err != nil {
				t.Fatal(err)
			}
			if !same(&got[0], &want) {
				t.Fatalf("%s %s of %v to %v:\n got %v\nwant %v", name, mode, x.Shape, sizes, show(&got[0]), show(&want))
			}
		}
	}
}

func TestResizeRefusals(t *testing.T) {
	t.Parallel()
	nan := float32(math.NaN())
	for i, r := range []struct {
		in   []*Tensor
		kind error
	}{
		{[]*Tensor{ramp(2)}, ErrShape},
		{[]*Tensor{ramp(2), nil, f32s([]float32{2}, 1), i64s([]int64{2})}, ErrShape},
		{[]*Tensor{ramp(2), nil, f32s([]float32{nan}, 1)}, ErrShape},
		{[]*Tensor{ramp(2), nil, f32s([]float32{-1}, 1)}, ErrShape},
		{[]*Tensor{ramp(2), nil, f32s([]float32{1e9}, 1)}, ErrLimit},
		{[]*Tensor{ramp(2), nil, f32s([]float32{float32(math.Inf(1))}, 1)}, ErrShape},
		{[]*Tensor{ramp(2), nil, nil, i64s([]int64{math.MaxInt64})}, ErrLimit},
		{[]*Tensor{ramp(2), nil, nil, i64s([]int64{-1})}, ErrShape},
		{[]*Tensor{ramp(0), nil, nil, i64s([]int64{2})}, ErrShape},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			if _, err := runNode(t, "Resize", nil, 1, r.in...); !errors.Is(err, r.kind) {
				t.Fatalf("error %v, want %v", err, r.kind)
			}
		})
	}
}

// TestResizeAlone: a picture has the same bits alone as among others.
func TestResizeAlone(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(41, 42))
	x := noise(r, []int{3, 4, 6, 11})
	alone := tensor.FromFloat32(x.Float32s()[2*264:], 1, 4, 6, 11)
	for _, coordinates := range []string{"half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "half_pixel_symmetric"} {
		for _, mode := range []string{"linear", "cubic"} {
			attrs := []ir.Attr{aText("coordinate_transformation_mode", coordinates), aText("mode", mode)}
			scales := f32s([]float32{1, 0.25, 1.3, 0.8}, 4)
			all, err := runNode(t, "Resize", attrs, 1, x, nil, scales)
			if err != nil {
				t.Fatal(err)
			}
			one, err := runNode(t, "Resize", attrs, 1, &alone, nil, scales)
			if err != nil {
				t.Fatal(err)
			}
			if part := all[0].Float32s()[2*one[0].Len():]; !slices.Equal(part, one[0].Float32s()) {
				t.Errorf("%s, %s: other bits alone", coordinates, mode)
			}
		}
	}
}
