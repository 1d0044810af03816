package exact

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// byMinors is a determinant by its first row.
func byMinors(m []float64, n int) float64 {
	if n == 0 {
		return 1
	}
	sum, sign := 0.0, 1.0
	for k := range n {
		var minor []float64
		for i := 1; i < n; i++ {
			minor = append(append(minor, m[i*n:i*n+k]...), m[i*n+k+1:(i+1)*n]...)
		}
		sum += float64(sign * m[k] * byMinors(minor, n-1))
		sign = -sign
	}
	return sum
}

func TestDetIsTheSumOverMinors(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 7 {
		for _, batch := range [][]int{nil, {3}, {2, 0}, {2, 2}} {
			x := drawnDoubles(r, append(batch, n, n)...)
			y, err := runBounded(t, "Det", nil, 1, x)
			if err != nil {
				t.Fatal(err)
			}
			for i, got := range tensor.View[float64](&y) {
				if want := byMinors(tensor.View[float64](x)[i*n*n:(i+1)*n*n], n); math.Abs(got-want) > 1e-12*(1+math.Abs(want)) {
					t.Errorf("matrix %d of %v: %v, want %v", i, x.Shape, got, want)
				}
			}
		}
	}
	runTable(t, []row{
		{"singular", "Det", nil, []*Tensor{f32s([]float32{1, 2, 2, 4}, 2, 2)}, []*Tensor{f32s([]float32{0})}},
		{"a NaN below nothing", "Det", nil, []*Tensor{f32s([]float32{0, 1, math.Float32frombits(0x7fc00000), 1}, 2, 2)}, []*Tensor{f32s([]float32{math.Float32frombits(0x7fc00000)})}},
		{"rows change places", "Det", nil, []*Tensor{f32s([]float32{0, 1, 1, 0}, 2, 2)}, []*Tensor{f32s([]float32{-1})}},
		{"rounded once", "Det", nil, []*Tensor{f32s([]float32{1e20, 1, 1, 1e20}, 2, 2)}, []*Tensor{f32s([]float32{float32(math.Inf(1))})}},
	})
	if _, err := runNode(t, "Det", nil, 1, ramp(2, 3)); !errors.Is(err, ErrShape) {
		t.Errorf("no square: %v", err)
	}
}

// TestRoiAlign against samples taken one by one.
func TestRoiAlign(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		h, w, ratio, half := 1+r.IntN(6), 1+r.IntN(6), 1+r.IntN(3), r.IntN(2)
		x, rois, images := drawn(r, 2, 3, h, w), tensor.New(tensor.Float32, 4, 4), tensor.New(tensor.Int64, 4)
		for i := range 4 {
			images.Int64s()[i] = int64(r.IntN(2))
			y0, x0 := r.Float32()*8-2, r.Float32()*8-2
			copy(rois.Float32s()[i*4:], []float32{x0, y0, x0 + r.Float32()*6, y0 + r.Float32()*6})
		}
		mode := []string{"half_pixel", "output_half_pixel"}[half]
		attrs := []ir.Attr{aInt("output_height", 2), aInt("output_width", 3), aInt("sampling_ratio", int64(ratio)), aFloat("spatial_scale", 0.5), aText("coordinate_transformation_mode", mode)}
		y, err := runBounded(t, "RoiAlign", attrs, 3, x, &rois, &images)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range y.Float32s() {
			roi, channel, row, col := i/18, i/6%3, i/3%2, i%3
			plane := x.Float32s()[(int(images.Int64s()[roi])*3+channel)*h*w:]
			var c [4]float64
			for k := range c {
				c[k] = float64(rois.Float32s()[roi*4+k])*0.5 - 0.5*float64(1-half)
			}
			width, height := c[2]-c[0], c[3]-c[1]
			if half == 1 {
				width, height = max(width, 1), max(height, 1)
			}
			sum := 0.0
			for a := range ratio {
				for b := range ratio {
					sum += pixelAt(plane, h, w, c[1]+height/2*(float64(row)+(float64(a)+0.5)/float64(ratio)), c[0]+width/3*(float64(col)+(float64(b)+0.5)/float64(ratio)))
				}
			}
			if want := sum / float64(ratio*ratio); math.Abs(float64(got)-want) > 1e-5 {
				t.Fatalf("%d by %d, region %v, cell %d %d: %v, want %v", h, w, c, row, col, got, want)
			}
		}
	}
}

// pixelAt is an image between its pixels, 0 where it is more than one away.
func pixelAt(plane []float32, h, w int, y, x float64) float64 {
	if y < -1 || x < -1 || y > float64(h) || x > float64(w) {
		return 0
	}
	y, x = min(max(y, 0), float64(h-1)), min(max(x, 0), float64(w-1))
	sum := 0.0
	for i := range h {
		for j := range w {
			if a, b := 1-math.Abs(y-float64(i)), 1-math.Abs(x-float64(j)); a > 0 && b > 0 {
				sum += float64(float64(a*b) * float64(plane[i*w+j]))
			}
		}
	}
	return sum
}

func TestRoiAlignTakesNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	huge := f32s([]float32{0, 0, 1e30, 1e30}, 1, 4)
	if _, err := runNode(t, "RoiAlign", nil, 1, ramp(1, 1, 2, 2), huge, i64s([]int64{0})); !errors.Is(err, ErrLimit) {
		t.Errorf("a huge region: %v", err)
	}
	if _, err := runNode(t, "RoiAlign", []ir.Attr{aInt("sampling_ratio", math.MaxInt64)}, 1, ramp(1, 1, 2, 2), huge, i64s([]int64{0})); !errors.Is(err, ErrLimit) {
		t.Errorf("very many samples: %v", err)
	}
	if _, err := runNode(t, "RoiAlign", nil, 1, ramp(1, 1, 2, 2), ramp(1, 4), i64s([]int64{1})); !errors.Is(err, ErrInput) {
		t.Errorf("no such image: %v", err)
	}
	if _, err := runBounded(t, "RoiAlign", nil, 3, ramp(1, 1, 2, 2), ramp(1, 4), i64s([]int64{0})); !errors.Is(err, ErrDynamic) {
		t.Errorf("samples by the data: %v", err)
	}
	if _, err := runBounded(t, "RoiAlign", nil, 1, ramp(1, 1, 2, 2), ramp(1, 4), i64s([]int64{0})); err != nil {
		t.Errorf("samples by a constant: %v", err)
	}
}

// TestBatchNormalizationTraining against the row reductions it is made of.
func TestBatchNormalizationTraining(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	v := kernel.Named("go").Vectors
	for _, shape := range [][]int{{3, 2, 4, 5}, {7, 3}, {1, 1, 9}, {2, 4, 0}} {
		x, n := drawn(r, shape...), shape[1]
		scale, bias, mean, variance := drawn(r, n), drawn(r, n), drawn(r, n), drawn(r, n)
		attrs := []ir.Attr{aFloat("epsilon", 0.001), aFloat("momentum", 0.75)}
		out, err := runNode(t, "BatchNormalizationTraining", attrs, 3, x, scale, bias, mean, variance)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := runBounded(t, "BatchNormalizationTraining", attrs, 5, x, scale, bias, mean, variance); err != nil {
			t.Fatal(err)
		}
		inner := tensor.Product(shape[2:])
		for channel := range n {
			var list []float32
			var at []int
			for i, e := range x.Float32s() {
				if i/max(1, inner)%n == channel {
					list, at = append(list, e), append(at, i)
				}
			}
			m, s := v.MeanVariance(list)
			a := float32(scale.Float32s()[channel] * (1 / kernel.Sqrt(s+0.001)))
			for i, e := range list {
				if want := float32((e-m)*a) + bias.Float32s()[channel]; out[0].Float32s()[at[i]] != want {
					t.Errorf("%v, channel %d: %v, want %v", shape, channel, out[0].Float32s()[at[i]], want)
				}
			}
			for i, c := range []struct{ old, fresh float32 }{{mean.Float32s()[channel], m}, {variance.Float32s()[channel], s}} {
				want := float32(c.old*0.75) + float32(c.fresh*0.25)
				if got := out[1+i].Float32s()[channel]; got != want && (got == got || want == want) {
					t.Errorf("%v, channel %d, statistic %d: %v, want %v", shape, channel, i, got, want)
				}
			}
		}
	}
}
