package exact

import (
	"math"
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// gridSample is a GridSample node.
type gridSample struct {
	mode, padding string
	align         bool
}

func bindGridSample(b *binder) (eval, error) {
	g := &gridSample{mode: b.text("mode", "linear"), padding: b.text("padding_mode", "zeros"), align: b.bool("align_corners", false)}
	if !slices.Contains([]string{"nearest", "linear", "cubic"}, g.mode) || !slices.Contains([]string{"zeros", "border", "reflection"}, g.padding) {
		return eval{}, fail(ErrUnsupported, "mode %q with %q outside", g.mode, g.padding)
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			x, grid := in[0].Shape, in[1].Shape
			rank := len(x) - 2
			if rank < 1 || len(grid) != len(x) || grid[0] != x[0] || grid[len(grid)-1] != rank || slices.Contains(x[2:], 0) {
				return nil, fail(ErrShape, "a grid of shape %v over %v", grid, x)
			}
			if in[0].DType != in[1].DType {
				return nil, fail(ErrShape, "data of %v, grid of %v", in[0].DType, in[1].DType)
			}
			switch in[0].DType {
			case tensor.Float32, tensor.Float16, tensor.BFloat16:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			return one(in[0].DType, slices.Concat(x[:2], grid[1:len(grid)-1])), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			if out[0].Len() == 0 {
				return nil
			}
			run := func(out *Tensor, in []*Tensor) error { g.run(c, out, in[0], in[1]); return nil }
			if in[0].DType == tensor.Float32 {
				return run(out[0], in)
			}
			return c.widened(out[0], in, run)
		},
		cost: func(in, out []Spec) Cost {
			return Cost{Instructions: macs(tensor.Product(out[0].Shape), 400, 1<<(2*len(in[0].Shape)-4))}
		},
	}, nil
}

// gridTap is an input position along one dimension and its weight.
type gridTap struct {
	at     int
	weight float32
}

func (g *gridSample) run(c *call, out, x, grid *Tensor) {
	dims, rank := x.Shape[2:], len(x.Shape)-2
	positions, inSize, channels := tensor.Product(out.Shape[2:]), tensor.Product(dims), x.Shape[1]
	c.rows(x.Shape[0]*positions, channels*64, func(lo, hi int) {
		taps := make([][]gridTap, rank)
		for i := lo; i < hi; i++ {
			for d := range rank { // the grid names the last dimension first
				taps[d] = g.taps(taps[d][:0], float64(grid.Float32s()[i*rank+rank-1-d]), dims[d])
			}
			n, position := i/positions, i%positions
			for ch := range channels {
				plane := x.Float32s()[(n*channels+ch)*inSize:][:inSize]
				out.Float32s()[(n*channels+ch)*positions+position] = kernel.Canon(sampled(plane, dims, taps, 0))
			}
		}
	})
}

// sampled is the sum over the taps of the first dimension, ascending from +0, of weight times what the other
// dimensions give there.
func sampled(plane []float32, dims []int, taps [][]gridTap, offset int) float32 {
	if len(taps) == 0 {
		return plane[offset]
	}
	var sum float32
	for _, t := range taps[0] {
		sum += float32(t.weight * sampled(plane, dims[1:], taps[1:], offset*dims[0]+t.at))
	}
	return sum
}

// taps finds the positions for a coordinate between -1 and 1. Those outside count as zero and are left out, as are those
// without weight, unless the padding says where they come from.
func (g *gridSample) taps(taps []gridTap, v float64, size int) []gridTap {
	low, high := -0.5, float64(size)-0.5
	x := float64((float64((v+1)*float64(size)) - 1) / 2)
	if g.align {
		low, high = 0, float64(size-1)
		x = float64(float64((v+1)/2) * float64(size-1))
	}
	if x != x {
		x = -1 << 30
	}
	x = min(max(x, -1<<30), 1<<30)
	if g.mode == "nearest" {
		x = math.RoundToEven(x)
	}
	if x < low || x > high {
		switch g.padding {
		case "border":
			x = min(max(x, 0), float64(size-1))
		case "reflection":
			x = reflected(x, low, high)
		}
	}
	left := math.Floor(x)
	ratio := x - left
	add := func(i int, weight float64) {
		at, ok := g.inside(int(left)+i, size, low, high)
		if w := float32(weight); ok && w != 0 {
			taps = append(taps, gridTap{at, w})
		}
	}
	switch g.mode {
	case "nearest":
		add(0, 1)
	case "linear":
		add(0, 1-ratio)
		add(1, ratio)
	default:
		cubic := resize{cubic: -0.75}
		for i := -1; i <= 2; i++ {
			add(i, cubic.cubicAt(math.Abs(float64(i)-ratio)))
		}
	}
	return taps
}

// inside brings a position into the dimension, or says that it counts as zero.
func (g *gridSample) inside(at, size int, low, high float64) (int, bool) {
	if at >= 0 && at < size {
		return at, true
	}
	switch g.padding {
	case "border":
		return min(max(at, 0), size-1), true
	case "reflection":
		return min(max(int(reflected(float64(at), low, high)), 0), size-1), true
	}
	return 0, false
}

// reflected mirrors a coordinate at both ends until it lies between them.
func reflected(x, low, high float64) float64 {
	reach := high - low
	if reach <= 0 {
		return low
	}
	distance := low - x
	if x > high {
		distance = x - high
	} else if x >= low {
		return x
	}
	turns := math.Floor(distance / reach)
	rest := distance - float64(turns*reach)
	if (x < low) == (math.Mod(turns, 2) == 0) {
		return low + rest
	}
	return high - rest
}

func bindAffineGrid(b *binder) (eval, error) {
	align := b.bool("align_corners", false)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			size, err := in[1].ints("size", 5)
			if err != nil {
				return nil, err
			}
			rank := len(size) - 2
			if in[0].DType != tensor.Float32 {
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			if rank != 2 && rank != 3 || !slices.Equal(in[0].Shape, []int{size[0], rank, rank + 1}) {
				return nil, fail(ErrShape, "transformations of shape %v for size %v", in[0].Shape, size)
			}
			return one(tensor.Float32, slices.Concat(size[:1], size[2:], []int{rank})), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			rank := len(out[0].Shape) - 2
			dims := out[0].Shape[1 : 1+rank]
			positions := tensor.Product(dims)
			theta, y := in[0].Float32s(), out[0].Float32s()
			c.rows(out[0].Shape[0]*positions, 10*rank, func(lo, hi int) {
				index := make([]int, rank)
				for i := lo; i < hi; i++ {
					split(index, dims, i%positions)
					for row := range rank {
						t := theta[(i/positions*rank+row)*(rank+1):][:rank+1]
						var sum float32
						for k := range rank { // the last dimension comes first
							d := rank - 1 - k
							sum += float32(t[k] * center(index[d], dims[d], align))
						}
						y[i*rank+row] = kernel.Canon(sum + t[rank])
					}
				}
			})
			return nil
		},
		cost: perElement(300),
	}, nil
}

// center is the coordinate between -1 and 1 of a position in a dimension, rounded once.
func center(i, size int, align bool) float32 {
	switch {
	case align && size == 1:
		return -1
	case align:
		return float32(float64(2*i)/float64(size-1) - 1)
	}
	return float32(float64(2*i+1)/float64(size) - 1)
}
