package exact

import (
	"slices"
	"sync"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// convOperators slide kernels over images and sequences.
func convOperators() map[string]*operator {
	attributes := append([]string{"group"}, slideAttributes...)
	return map[string]*operator{
		"Conv": {minIn: 2, maxIn: 3, out: 1, attributes: attributes, bind: bindConv},
		"ConvTranspose": {
			minIn: 2, maxIn: 3, out: 1, attributes: append([]string{"output_padding", "output_shape"}, attributes...), bind: bindConvTranspose,
		},
		"ConvInteger":         {minIn: 2, maxIn: 4, out: 1, attributes: attributes, bind: bindConvInteger},
		"Col2Im":              {minIn: 3, maxIn: 3, out: 1, attributes: []string{"dilations", "pads", "strides"}, bind: bindCol2Im},
		"DeformConv":          {minIn: 3, maxIn: 5, out: 1, attributes: append([]string{"offset_group"}, attributes...), bind: bindDeformConv},
		"CausalConvWithState": {minIn: 2, maxIn: 4, out: 2, attributes: []string{"activation"}, bind: bindCausalConv},
		"QLinearConv":         {minIn: 8, maxIn: 9, out: 1, attributes: attributes, bind: bindQLinearConv},
	}
}

// conv is a convolution of known shapes: batch images of channels·group channels into outputs·group channels.
type conv struct {
	windows
	batch, group, channels, outputs int
}

// convOf checks data, weights and bias of a convolution.
func (s *slide) convOf(x, weights []int, group int) (*conv, error) {
	if len(x) < 3 || len(weights) != len(x) || group < 1 {
		return nil, fail(ErrShape, "data of shape %v, weights of shape %v", x, weights)
	}
	cv := &conv{batch: x[0], group: group, channels: weights[1], outputs: weights[0] / group}
	if weights[1] < 1 || weights[0]%group != 0 || macs(weights[1], group) != int64(x[1]) {
		return nil, fail(ErrShape, "%d channels, weights of shape %v in %d groups", x[1], weights, group)
	}
	if s.kernel != nil && !slices.Equal(s.kernel, weights[2:]) {
		return nil, fail(ErrShape, "kernel %v, weights of shape %v", s.kernel, weights)
	}
	var err error
	cv.windows, err = s.over(x[2:], weights[2:])
	return cv, err
}

func (cv *conv) shape() []int { return slices.Concat([]int{cv.batch, cv.outputs * cv.group}, cv.out) }

// depth is how many products make one element.
func (cv *conv) depth() int { return cv.channels * cv.size() }

// cost counts, for canisters, panels of columns that are not whole as whole ones, and packing once for every band of 64
// outputs.
func (cv *conv) cost() Cost {
	m := macs(append([]int{cv.batch, cv.group, cv.outputs, cv.channels, cv.size()}, cv.out...)...)
	missing := int(-macs(cv.out...) & (panelWidth - 1))
	return Cost{
		Multiplies: m,
		Instructions: 40*macs(append([]int{cv.batch, cv.group, cv.depth() + cv.outputs}, cv.out...)...) +
			instructionsPerMultiply*macs(cv.batch, cv.group, cv.outputs, cv.depth(), missing) +
			macs(int(cv.drawing()), cv.batch, cv.group, cv.channels, 1+cv.outputs/64),
	}
}

func bindConv(b *binder) (eval, error) {
	s, err := b.slide()
	group := b.int("group", 1)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			cv, err := s.convOf(in[0].Shape, in[1].Shape, group)
			if err != nil {
				return nil, err
			}
			if in[1].DType != in[0].DType {
				return nil, fail(ErrShape, "data of %v, weights of %v", in[0].DType, in[1].DType)
			}
			if err := biasFits(in, cv.outputs*group); err != nil {
				return nil, err
			}
			switch in[0].DType {
			case tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			return one(in[0].DType, cv.shape()), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			cv, err := s.convOf(in[0].Shape, in[1].Shape, group)
			if err != nil || out[0].Len() == 0 {
				return err
			}
			run := func(out *Tensor, in []*Tensor) error { c.conv(cv, out, in); return nil }
			switch in[0].DType {
			case tensor.Float64:
				convPlain(c, cv, tensor.View[float64](out[0]), tensor.View[float64](in[0]), tensor.View[float64](in[1]), floats64(in))
			case tensor.Float32:
				return run(out[0], in)
			default:
				return c.widened(out[0], in, run)
			}
			return nil
		},
		cost: func(in, _ []Spec) Cost {
			cv, err := s.convOf(in[0].Shape, in[1].Shape, group)
			if err != nil {
				return Cost{}
			}
			return cv.cost()
		},
	}, err
}

// biasFits checks operand 2, one number per channel.
func biasFits(in []Spec, channels int) error {
	if bias := optional(in, 2); bias.given() && (bias.DType != in[0].DType || !slices.Equal(bias.Shape, []int{channels})) {
		return fail(ErrShape, "bias is %v of shape %v for %d channels", bias.DType, bias.Shape, channels)
	}
	return nil
}

// floats64 is the bias of a float64 convolution.
func floats64(in []*Tensor) []float64 {
	if len(in) > 2 && in[2] != nil {
		return tensor.View[float64](in[2])
	}
	return nil
}

// conv computes a float32 convolution: each element is a contraction over the group's channels and, within each, the
// kernel's positions, row-major; positions outside of the input count as +0. The bias is added to the sum.
func (c *call) conv(cv *conv, out *Tensor, in []*Tensor) {
	var bias []float32
	if len(in) > 2 && in[2] != nil {
		bias = in[2].Float32s()
	}
	x, w, y := in[0].Float32s(), in[1].Float32s(), out.Float32s()
	if c.convDepthwise(cv, y, x, w, bias) {
		return
	}
	cv = cv.flat()
	k, positions, inSize := cv.depth(), cv.positions(), tensor.Product(cv.in)
	most, rows := c.convTile(k, positions, cv.outputs)
	tiles, bands := (positions+most-1)/most, (cv.outputs+rows-1)/rows
	c.parallel(cv.batch*cv.group*tiles*bands, func(task int) {
		band, t, image := task%bands, task/bands%tiles, task/bands/tiles // image counts groups of images
		first := band * rows
		m, channel := min(rows, cv.outputs-first), image%cv.group*cv.outputs
		b := columnPool.Get().(*windowColumns)
		defer columnPool.Put(b)
		b.conv, b.from, b.n = cv, t*most, min(most, positions-t*most)
		b.seen, _ = cv.canvasOf(b.from, b.n)
		var done kernel.Epilogue
		if bias != nil {
			done = func(row []float32, i, _ int) { c.set.AddScalar(row, row, bias[channel+first+i]) }
		}
		to := y[(image/cv.group*cv.group*cv.outputs+channel+first)*positions+b.from:]
		for k0 := 0; k0 < k; k0 += kernel.BlockDepth {
			b.pack(x[image*cv.channels*inSize:], k0, min(kernel.BlockDepth, k-k0))
			last := done
			if k0+kernel.BlockDepth < k {
				last = nil
			}
			a := kernel.Matrix{Data: w[(channel+first)*k+k0 : (channel+first+m)*k], RowStride: k, ColumnStride: 1}
			if k0 == 0 {
				c.set.Multiply(to, positions, a, &b.packed, m, 0, b.packed.Panels(), last)
			} else {
				c.set.MultiplyMore(to, positions, a, &b.packed, m, last)
			}
		}
	})
}

// convTile is how many windows and output channels one task does: a block of the windows' columns and one of the weights
// stay in the cache, and packing is little beside the products. Plain kernels, those of canisters, get smaller pieces.
func (c *call) convTile(k, positions, outputs int) (tile, rows int) {
	if c.set.Name == "go" {
		return c.columnTile(k, positions), min(64, outputs)
	}
	const most = 192
	tiles := (positions + most - 1) / most
	tile = ((positions+tiles-1)/tiles + 15) &^ 15
	return min(tile, positions), min(128, outputs)
}

// columnTile is how many windows of k positions fit the cache as whole columns.
func (c *call) columnTile(k, positions int) int {
	room := 1 << 17
	if c.set.Name == "go" {
		room = 1 << 14
	}
	return min(positions, max(16, (room/max(1, k)+15)&^15))
}

// windowColumns are the windows of a tile as columns of a matrix, block by block of its depth.
type windowColumns struct {
	conv   *conv
	tile   // its canvas is nil where none will do
	packed kernel.Packed
	memory []float32
	rows   []int
}

// columnPool keeps their memory for the next task, of whatever run.
var columnPool = sync.Pool{New: func() any { return new(windowColumns) }}

// pack packs depth rows of the matrix from k0 on, at most a block, of the channels in x, which may go on behind them.
func (b *windowColumns) pack(x []float32, k0, depth int) {
	cv, inSize, size := b.conv, tensor.Product(b.conv.in), b.conv.size()
	switch {
	case cv.direct() && (k0+depth-1)*inSize+b.from+b.n+panelWidth <= len(x):
		b.rows = b.rows[:0]
		for i := range depth {
			b.rows = append(b.rows, (k0+i)*inSize)
		}
		b.packed.PackRuns(x, b.rows, []kernel.Run{{From: b.from}}, b.n)
	case b.seen != nil:
		b.paint(x, k0, depth)
	default:
		index := make([]int, len(cv.in))
		b.packed.PackRows(depth, b.n, func(i int, row []float32) {
			i += k0
			split(index, cv.kernel, i%size)
			column(row, x[i/size*inSize:(i/size+1)*inSize], &cv.windows, index, b.from)
		})
	}
}

// paint packs from a canvas of each channel that the rows are of, the first and the last perhaps in part.
func (b *windowColumns) paint(x []float32, k0, depth int) {
	size, inSize, plane := b.conv.size(), tensor.Product(b.conv.in), b.seen.plane
	first, end := k0/size, (k0+depth+size-1)/size
	need := (end-first)*plane + panelWidth
	b.memory = slices.Grow(b.memory[:0], need)[:need]
	for i := range end - first {
		draw(b.seen, b.memory[i*plane:(i+1)*plane], x[(first+i)*inSize:][:inSize], 0)
	}
	b.rows = b.rows[:0]
	for i := k0; i < k0+depth; i++ {
		b.rows = append(b.rows, (i/size-first)*plane+b.seen.offsets[i%size])
	}
	b.packed.PackRuns(b.memory, b.rows, b.seen.runs, b.n)
}

// flat is the same convolution with one spatial dimension, where it is direct.
func (cv *conv) flat() *conv {
	if !cv.direct() {
		return cv
	}
	one, none, all := []int{1}, []int{0}, []int{cv.positions()}
	flat := *cv
	flat.windows = windows{in: all, kernel: one, stride: one, dilation: one, before: none, after: none, out: all}
	return &flat
}

// direct reports whether windows are single positions, each after the other: the columns are the channels.
func (cv *conv) direct() bool {
	for d := range cv.in {
		if cv.kernel[d] != 1 || cv.stride[d] != 1 || cv.before[d] != 0 || cv.after[d] != 0 {
			return false
		}
	}
	return true
}

// convPlain is a convolution for types without kernels: products in the order of conv, one accumulator.
func convPlain[T float64 | int32](c *call, cv *conv, y, x, w, bias []T) {
	positions, inSize, size := cv.positions(), tensor.Product(cv.in), cv.size()
	tile := min(positions, max(16, 1<<14/max(1, cv.depth())))
	tiles := (positions + tile - 1) / tile
	c.parallel(cv.batch*cv.group*tiles, func(task int) {
		t, image := task%tiles, task/tiles
		from := t * tile
		n := min(tile, positions-from)
		index, seen := make([]int, len(cv.in)), make([]T, n*cv.depth())
		for i := range cv.depth() {
			split(index, cv.kernel, i%size)
			column(seen[i*n:(i+1)*n], x[(image*cv.channels+i/size)*inSize:], &cv.windows, index, from)
		}
		for o := range cv.outputs {
			channel := image%cv.group*cv.outputs + o
			row := y[(image/cv.group*cv.group*cv.outputs+channel)*positions+from:][:n]
			clear(row)
			for i, weight := range w[channel*cv.depth() : (channel+1)*cv.depth()] {
				for j, v := range seen[i*n : (i+1)*n] {
					row[j] += T(v * weight)
				}
			}
			if bias != nil {
				for j := range row {
					row[j] += bias[channel]
				}
			}
		}
	})
}
