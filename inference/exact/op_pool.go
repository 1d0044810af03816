package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// poolOperators join the positions of windows, channel by channel.
func poolOperators() map[string]*operator {
	with := func(more ...string) []string { return append(more, slideAttributes...) }
	return map[string]*operator{
		"MaxPool":           {minIn: 1, maxIn: 1, out: 2, attributes: with("ceil_mode", "storage_order"), bind: bindMaxPool},
		"AveragePool":       {minIn: 1, maxIn: 1, out: 1, attributes: with("ceil_mode", "count_include_pad"), bind: bindAveragePool},
		"LpPool":            {minIn: 1, maxIn: 1, out: 1, attributes: with("ceil_mode", "p"), bind: bindLpPool},
		"GlobalAveragePool": {minIn: 1, maxIn: 1, out: 1, bind: globalPool((*kernel.Vectors).Mean)},
		"GlobalMaxPool":     {minIn: 1, maxIn: 1, out: 1, bind: globalPool((*kernel.Vectors).Highest)},
		"GlobalLpPool":      {minIn: 1, maxIn: 1, out: 1, attributes: []string{"p"}, bind: bindGlobalLpPool},
		"LRN":               {minIn: 1, maxIn: 1, out: 1, attributes: []string{"alpha", "beta", "bias", "size"}, bind: bindLRN},
		"MaxUnpool":         {minIn: 2, maxIn: 3, out: 1, attributes: []string{"kernel_shape", "pads", "strides"}, bind: bindMaxUnpool},
	}
}

// poolEval is a pool of float32 windows; 16-bit floats are computed as float32 and rounded once.
func (s *slide) poolEval(pool func(c *call, w *windows, y, x []float32)) eval {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			w, err := s.poolOver(&in[0])
			if err != nil {
				return nil, err
			}
			switch in[0].DType {
			case tensor.Float32, tensor.Float16, tensor.BFloat16:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			return one(in[0].DType, slices.Concat(in[0].Shape[:2], w.out)), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			spec := specsFor(in)[0]
			w, err := s.poolOver(&spec)
			if err != nil || out[0].Len() == 0 {
				return err
			}
			run := func(out *Tensor, in []*Tensor) error { pool(c, &w, out.Float32s(), in[0].Float32s()); return nil }
			if in[0].DType == tensor.Float32 {
				return run(out[0], in)
			}
			return c.widened(out[0], in, run)
		},
		cost: s.poolCost,
	}
}

// poolOver lays the windows over the spatial dimensions of a tensor.
func (s *slide) poolOver(x *Spec) (windows, error) {
	if len(x.Shape) < 3 {
		return windows{}, fail(ErrShape, "shape %v has no spatial dimensions", x.Shape)
	}
	return s.over(x.Shape[2:], s.kernel)
}

// poolCost counts every position of every window as a multiply-add, so that the limit on work covers large windows of
// few inputs.
func (s *slide) poolCost(in, out []Spec) Cost {
	positions := min(macs(append(slices.Clone(out[0].Shape), s.kernel...)...), 1<<52)
	cost := Cost{Multiplies: positions, Instructions: 40 * positions, counted: true}
	if w, err := s.poolOver(&in[0]); err == nil {
		cost.Instructions += macs(in[0].Shape[0], in[0].Shape[1], int(w.drawing()))
	}
	return cost
}

// pool calls f for every window, with the positions that lie inside of the input, by ascending position, and how many
// lie in the padded input.
func (c *call) pool(w *windows, y, x []float32, f func(x []float32, padded int) float32) {
	positions, inSize := w.positions(), tensor.Product(w.in)
	c.rows(len(y), w.size(), func(lo, hi int) {
		seen := make([]float32, 0, min(w.size(), inSize))
		walk := newWindowWalk(w)
		for i := lo; i < hi; i++ {
			plane := x[i/positions*inSize:][:inSize]
			seen = seen[:0]
			padded := walk.each(i%positions, func(at int) { seen = append(seen, plane[at]) })
			y[i] = f(seen, padded)
		}
	})
}

// windowWalk visits the positions of one window after the other.
type windowWalk struct {
	*windows
	index, k []int
}

func newWindowWalk(w *windows) *windowWalk {
	return &windowWalk{windows: w, index: make([]int, len(w.in)), k: make([]int, len(w.in))}
}

// each calls f with the offset of every position of window number i that lies inside of the input, in ascending order,
// and says how many lie inside of the padded input.
func (w *windowWalk) each(i int, f func(at int)) (padded int) {
	split(w.index, w.out, i)
	return w.dimension(0, 0, f)
}

func (w *windowWalk) dimension(d, offset int, f func(at int)) (padded int) {
	if d == len(w.in) {
		if offset >= 0 {
			f(offset)
		}
		return 1
	}
	at := w.index[d]*w.stride[d] - w.before[d]
	for range w.kernel[d] {
		if at >= w.in[d]+w.after[d] {
			break
		}
		next := -1
		if offset >= 0 && at >= 0 && at < w.in[d] {
			next = offset*w.in[d] + at
		}
		padded += w.dimension(d+1, next, f)
		at += w.dilation[d]
	}
	return padded
}

func bindAveragePool(b *binder) (eval, error) {
	s, err := b.slide()
	all := b.bool("count_include_pad", false)
	return s.poolEval(func(c *call, w *windows, y, x []float32) {
		positions, inSize := w.positions(), tensor.Product(w.in)
		p := pooling{
			read: func(plane int, _ *tileMemory) []float32 { return x[plane*inSize : (plane+1)*inSize] },
			join: c.set.Add,
			write: func(plane, at int, line []float32) {
				w.average(line, at, all)
				copy(y[plane*positions+at:], line)
			},
		}
		if w.size() <= kernel.BlockDepth && p.pool(c, w, len(y)/positions) {
			return
		}
		c.pool(w, y, x, func(x []float32, padded int) float32 {
			if !all {
				padded = len(x)
			}
			return kernel.Canon(blockSum(x) / float32(padded))
		})
	}), err
}

// average divides the sums of windows of one line by how many positions each has inside of the input, or of the padded
// input.
func (w *windows) average(line []float32, first int, all bool) {
	var room [tensor.MaxRank]int
	last := len(w.in) - 1
	index := room[:last+1]
	split(index, w.out, first)
	n := 1
	for d := range last {
		n *= w.overlap(d, index[d], all)
	}
	for i := range line {
		line[i] = kernel.Canon(line[i] / float32(n*w.overlap(last, index[last]+i, all)))
	}
}

// overlap is how many positions of window o lie inside along dimension d.
func (w *windows) overlap(d, o int, all bool) int {
	low, high := 0, w.in[d]
	if all {
		low, high = -w.before[d], w.in[d]+w.after[d]
	}
	n, at := 0, o*w.stride[d]-w.before[d]
	for range w.kernel[d] {
		if at >= low && at < high {
			n++
		}
		at += w.dilation[d]
	}
	return n
}

// pooling joins many windows at once, kernel position by kernel position in ascending order.
type pooling struct {
	read  func(plane int, memory *tileMemory) []float32 // a channel of the input
	start float32                                       // what is joined to, and what stands outside of the input
	join  func(out, a, b []float32)
	write func(plane, at int, line []float32) // takes a line of windows, or a part of one, whose first is number at
}

// pool reports false, with nothing done, for windows that no canvas is made for.
func (p *pooling) pool(c *call, w *windows, planes int) bool {
	tiles := w.tiles(depthwiseTile)
	if tiles == nil {
		return false
	}
	c.eachTile(tiles, planes, w.size(), func(t *tile, plane int, memory *tileMemory) {
		seen, out := memory.of(t)
		draw(t.seen, seen, p.read(plane, memory), p.start)
		setAll(out, p.start)
		for _, o := range t.seen.offsets {
			p.join(out, out, seen[o:o+len(out)])
		}
		t.pieces(func(at, from, n int) { p.write(plane, t.from+at, out[from:from+n]) })
	})
	return true
}

// blockSum adds numbers up as a contraction does: blocks of ascending elements from +0, whose sums are added.
func blockSum(x []float32) float32 {
	var total float32
	for i := 0; i < len(x); i += kernel.BlockDepth {
		var sum float32
		for _, v := range x[i:min(len(x), i+kernel.BlockDepth)] {
			sum += v
		}
		if i == 0 {
			total = sum
			continue
		}
		total += sum
	}
	return kernel.Canon(total)
}

func bindLpPool(b *binder) (eval, error) {
	s, err := b.slide()
	norm, bad := pNorm(b.int("p", 2))
	if err == nil && bad != nil {
		err = bad
	}
	return s.poolEval(func(c *call, w *windows, y, x []float32) {
		c.pool(w, y, x, func(x []float32, _ int) float32 { return norm(x, blockSum) })
	}), err
}

// pNorm is the p-th root of the sum of the p-th powers of magnitudes.
func pNorm(p int) (func(x []float32, sum func([]float32) float32) float32, error) {
	if p < 1 {
		return nil, fail(ErrShape, "p is %d", p)
	}
	return func(x []float32, sum func([]float32) float32) float32 {
		powers := make([]float32, len(x))
		for i, v := range x {
			switch p {
			case 1:
				powers[i] = kernel.Abs(v)
			case 2:
				powers[i] = float32(v * v)
			default:
				powers[i] = kernel.Pow(kernel.Abs(v), float32(p))
			}
		}
		total := sum(powers)
		switch p {
		case 1:
			return total
		case 2:
			return kernel.Sqrt(total)
		}
		return kernel.Pow(total, 1/float32(p))
	}, nil
}

func bindGlobalLpPool(b *binder) (eval, error) {
	norm, err := pNorm(b.int("p", 2))
	if err != nil {
		return eval{}, err
	}
	return globalPool(func(v *kernel.Vectors, x []float32) float32 { return norm(x, v.Sum) })(b)
}

// globalPool joins all positions of a channel, as a row reduction.
func globalPool(f func(v *kernel.Vectors, x []float32) float32) func(*binder) (eval, error) {
	return plain(eval{
		infer: func(in []Spec) ([]Spec, error) {
			if len(in[0].Shape) < 3 || tensor.Product(in[0].Shape[2:]) == 0 {
				return nil, fail(ErrShape, "shape %v has no spatial positions", in[0].Shape)
			}
			switch in[0].DType {
			case tensor.Float32, tensor.Float16, tensor.BFloat16:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			shape := slices.Clone(in[0].Shape)
			for d := 2; d < len(shape); d++ {
				shape[d] = 1
			}
			return one(in[0].DType, shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			n := tensor.Product(in[0].Shape[2:])
			run := func(out *Tensor, in []*Tensor) error {
				x, y := in[0].Float32s(), out.Float32s()
				c.rows(len(y), n, func(lo, hi int) {
					for i := lo; i < hi; i++ {
						y[i] = f(&c.set.Vectors, x[i*n:(i+1)*n])
					}
				})
				return nil
			}
			if in[0].DType == tensor.Float32 {
				return run(out[0], in)
			}
			return c.widened(out[0], in, run)
		},
		cost: func(in, _ []Spec) Cost { return Cost{Instructions: 40 * int64(tensor.Product(in[0].Shape))} },
	})
}
