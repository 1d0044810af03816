package exact

import (
	"math"
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// roiAlign is a RoiAlign node: samples of an image on a grid in every cell of regions.
type roiAlign struct {
	highest       bool // the greatest instead of the average
	offset, scale float64
	height, width int // cells of a region
	ratio         int // samples of a cell along each dimension; 0 is one for every pixel of its size
}

func bindRoiAlign(b *binder) (eval, error) {
	r := &roiAlign{
		scale: float64(b.float("spatial_scale", 1)), ratio: b.int("sampling_ratio", 0),
		height: b.int("output_height", 1), width: b.int("output_width", 1),
	}
	switch mode := b.text("coordinate_transformation_mode", "half_pixel"); mode {
	case "half_pixel":
		r.offset = 0.5
	case "output_half_pixel":
	default:
		return eval{}, fail(ErrUnsupported, "attribute coordinate_transformation_mode is %q", mode)
	}
	switch mode := b.text("mode", "avg"); mode {
	case "avg":
	case "max":
		r.highest = true
	default:
		return eval{}, fail(ErrUnsupported, "attribute mode is %q", mode)
	}
	if r.height < 1 || r.width < 1 || r.ratio < 0 {
		return eval{}, fail(ErrShape, "%d by %d cells, %d samples", r.height, r.width, r.ratio)
	}
	return eval{infer: r.infer, compute: r.compute, cost: r.cost}, nil
}

func (r *roiAlign) infer(in []Spec) ([]Spec, error) {
	x, rois, at := &in[0], &in[1], &in[2]
	if familyOf(x.DType) != floatFamily {
		return nil, fail(ErrUnsupported, "element type %v", x.DType)
	}
	if rois.DType != x.DType || at.DType != tensor.Int64 {
		return nil, fail(ErrShape, "images of %v, regions of %v, their images of %v", x.DType, rois.DType, at.DType)
	}
	if len(x.Shape) != 4 || len(at.Shape) != 1 || !slices.Equal(rois.Shape, []int{at.Shape[0], 4}) {
		return nil, fail(ErrShape, "regions of shape %v and %v over %v", rois.Shape, at.Shape, x.Shape)
	}
	if r.ratio == 0 {
		if _, err := rois.known("the number of samples"); err != nil {
			return nil, err
		}
	}
	return one(x.DType, []int{at.Shape[0], x.Shape[1], r.height, r.width}), nil
}

// region is where the cells of a region lie.
type region struct {
	y, x         float64 // its corner
	down, across float64 // size of a cell
	rows, cols   int     // samples of a cell
}

func (r *roiAlign) region(rois *Tensor, i int) region {
	corner := func(k int) float64 { return float64(floatAt(rois, i*4+k)*r.scale) - r.offset }
	out := region{y: corner(1), x: corner(0)}
	down, across := corner(3)-out.y, corner(2)-out.x
	if r.offset == 0 {
		down, across = max(down, 1), max(across, 1)
	}
	out.down, out.across = down/float64(r.height), across/float64(r.width)
	out.rows, out.cols = r.samples(out.down), r.samples(out.across)
	return out
}

// samples is how many samples a cell of some length takes.
func (r *roiAlign) samples(length float64) int {
	switch {
	case r.ratio > 0:
		return r.ratio
	case !(length > 0):
		return 0
	}
	return int(min(math.Ceil(length), 1<<30))
}

func (r *roiAlign) cost(in, out []Spec) Cost {
	channels := in[0].Shape[1]
	samples := int64(0) // of all cells
	if r.ratio > 0 {
		samples = macs(out[0].Shape[0], r.height, r.width, r.ratio, r.ratio)
	} else {
		for i := range out[0].Shape[0] {
			a := r.region(in[1].Value, i)
			samples = min(samples+macs(r.height, r.width, a.rows, a.cols), 1<<62)
		}
	}
	samples = min(samples, 1<<40)
	taps := macs(int(min(samples, 1<<31-1)), channels, 4)
	if samples >= 1<<31 {
		taps = 1 << 62
	}
	each := int64(150) // of a tap
	if r.highest {
		each = 450
	}
	return Cost{Multiplies: taps, Instructions: 2500*samples + each*min(taps, 1<<50) + 300*int64(tensor.Product(out[0].Shape))}
}

func (r *roiAlign) compute(c *call, in, out []*Tensor) error {
	for _, image := range in[2].Int64s() {
		if image < 0 || image >= int64(in[0].Shape[0]) {
			return fail(ErrInput, "image %d of %d", image, in[0].Shape[0])
		}
	}
	if out[0].Len() == 0 {
		return nil
	}
	run := func(out *Tensor, wide []*Tensor) error {
		r.run(c, out, wide[0], in[1], in[2].Int64s())
		return nil
	}
	if in[0].DType == tensor.Float32 {
		return run(out[0], in[:1])
	}
	return c.widened(out[0], in[:1], run)
}

func (r *roiAlign) run(c *call, out, x, rois *Tensor, images []int64) {
	channels, cells := x.Shape[1], r.height*r.width
	size := tensor.Product(x.Shape[2:])
	c.rows(len(images)*cells, channels*16, func(lo, hi int) {
		sums := make([]float32, channels)
		for i := lo; i < hi; i++ {
			roi, cell := i/cells, i%cells
			clear(sums)
			r.cell(sums, x.Float32s()[int(images[roi])*channels*size:], x.Shape[2:], r.region(rois, roi), cell)
			for ch, v := range sums {
				out.Float32s()[(roi*channels+ch)*cells+cell] = kernel.Canon(v)
			}
		}
	})
}

// cell takes the samples of one cell, row by row, for all channels.
func (r *roiAlign) cell(sums, image []float32, dims []int, a region, cell int) {
	top := a.y + float64(float64(cell/r.width)*a.down)
	left := a.x + float64(float64(cell%r.width)*a.across)
	size := dims[0] * dims[1]
	for row := range a.rows {
		y := tapsAt(top+float64((float64(row)+0.5)*a.down)/float64(a.rows), dims[0])
		for col := range a.cols {
			x := tapsAt(left+float64((float64(col)+0.5)*a.across)/float64(a.cols), dims[1])
			var at [4]int
			var weight [4]float32
			for k := range 4 {
				at[k] = y.at[k/2]*dims[1] + x.at[k%2]
				weight[k] = float32(float64(y.weight[k/2] * x.weight[k%2]))
			}
			if !r.highest {
				addTaps(sums, image, size, at, weight)
				continue
			}
			first := row == 0 && col == 0
			for ch := range sums {
				sums[ch] = highestTap(sums[ch], image[ch*size:(ch+1)*size], &at, &weight, first)
			}
		}
	}
	if n := float32(max(1, float64(float64(a.rows)*float64(a.cols)))); !r.highest {
		for ch := range sums {
			sums[ch] /= n
		}
	}
}

// addTaps adds to every channel the sum over pixels ascending of pixel · weight; those without weight are left out.
func addTaps(sums, image []float32, size int, at [4]int, weight [4]float32) {
	w0, w1, w2, w3 := weight[0], weight[1], weight[2], weight[3]
	for ch := range sums {
		plane := image[ch*size : (ch+1)*size]
		v := float32(0)
		if w0 != 0 {
			v = float32(plane[at[0]] * w0)
		}
		if w1 != 0 {
			v += float32(plane[at[1]] * w1)
		}
		if w2 != 0 {
			v += float32(plane[at[2]] * w2)
		}
		if w3 != 0 {
			v += float32(plane[at[3]] * w3)
		}
		sums[ch] += v
	}
}

// highestTap is the greatest of what there was and of the pixels, each times its weight.
func highestTap(best float32, plane []float32, at *[4]int, weight *[4]float32, first bool) float32 {
	for k, w := range weight {
		v := float32(0)
		if w != 0 {
			v = float32(plane[at[k]] * w)
		}
		if first && k == 0 {
			best = v
		}
		best = max(best, v)
	}
	return best
}

// pairOfTaps are the two positions around a coordinate, and how much of each.
type pairOfTaps struct {
	at     [2]int
	weight [2]float64
}

// tapsAt finds them in a dimension. Up to one position outside counts as the edge; what is farther has no weight.
func tapsAt(v float64, size int) pairOfTaps {
	if !(v >= -1 && v <= float64(size)) || size == 0 {
		return pairOfTaps{}
	}
	v = max(v, 0)
	low := int(v)
	if low >= size-1 {
		return pairOfTaps{at: [2]int{size - 1, size - 1}, weight: [2]float64{1, 0}}
	}
	part := v - float64(low)
	return pairOfTaps{at: [2]int{low, low + 1}, weight: [2]float64{1 - part, part}}
}
