package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// A transposed convolution is one whose windows slide over the result: in and out change places.

// transposeOf checks a ConvTranspose. The windows' in is the result's spatial shape, their out the data's.
func (s *slide) transposeOf(x, weights []int, group int, extra, want []int) (*conv, error) {
	if len(x) < 3 || len(weights) != len(x) || group < 1 || x[1] != weights[0] || weights[0]%group != 0 || x[1] == 0 {
		return nil, fail(ErrShape, "data of shape %v, weights of shape %v in %d groups", x, weights, group)
	}
	if s.kernel != nil && !slices.Equal(s.kernel, weights[2:]) {
		return nil, fail(ErrShape, "kernel %v, weights of shape %v", s.kernel, weights)
	}
	rank := len(x) - 2
	if len(want) == rank+2 {
		want = want[2:]
	}
	ones := slices.Repeat([]int{1}, rank)
	w := windows{in: make([]int, rank), kernel: weights[2:], stride: s.stride, dilation: s.dilation, before: make([]int, rank), after: make([]int, rank), out: x[2:]}
	if w.stride == nil {
		w.stride = ones
	}
	if w.dilation == nil {
		w.dilation = ones
	}
	if extra == nil {
		extra = make([]int, rank)
	}
	if len(w.stride) != rank || len(w.dilation) != rank || len(extra) != rank || want != nil && len(want) != rank || s.pads != nil && len(s.pads) != 2*rank {
		return nil, fail(ErrShape, "attributes for another rank than %d", rank)
	}
	for d := range rank {
		if err := s.grown(&w, d, extra[d], want); err != nil {
			return nil, err
		}
	}
	return &conv{windows: w, batch: x[0], group: group, channels: weights[0] / group, outputs: weights[1]}, nil
}

// grown finds size and padding of dimension d of the result.
func (s *slide) grown(w *windows, d, extra int, want []int) error {
	if w.kernel[d] < 1 || w.out[d] < 1 || extra < 0 || extra >= max(w.stride[d], w.dilation[d]) {
		return fail(ErrShape, "kernel %v over %v with %d more", w.kernel, w.out, extra)
	}
	whole := macs(w.stride[d], w.out[d]-1) + macs(w.dilation[d], w.kernel[d]-1) + 1 + int64(extra)
	same := s.autoPad == "SAME_UPPER" || s.autoPad == "SAME_LOWER"
	var size int64
	switch {
	case want != nil:
		size = int64(want[d])
	case same:
		size = macs(w.out[d], w.stride[d])
	case s.autoPad == "NOTSET" && s.pads != nil:
		if s.pads[d] < 0 || s.pads[d+len(w.in)] < 0 {
			return fail(ErrUnsupported, "negative pads %v", s.pads)
		}
		w.before[d] = s.pads[d]
		size = whole - int64(s.pads[d]) - int64(s.pads[d+len(w.in)])
	default:
		size = whole
	}
	if want != nil || same {
		total := max(0, whole-size)
		w.before[d] = clampInt(total - total/2)
		if s.autoPad == "SAME_UPPER" {
			w.before[d] = clampInt(total / 2)
		}
	}
	if size < 1 {
		return fail(ErrShape, "a result of %d positions", size)
	}
	w.in[d] = clampInt(size)
	return nil
}

func bindConvTranspose(b *binder) (eval, error) {
	s, err := b.slide()
	group, extra, want := b.int("group", 1), b.ints("output_padding"), b.ints("output_shape")
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			cv, err := s.transposeOf(in[0].Shape, in[1].Shape, group, extra, want)
			if err != nil {
				return nil, err
			}
			if in[1].DType != in[0].DType {
				return nil, fail(ErrShape, "data of %v, weights of %v", in[0].DType, in[1].DType)
			}
			switch in[0].DType {
			case tensor.Float32, tensor.Float16, tensor.BFloat16:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			if err := biasFits(in, clampInt(macs(cv.outputs, group))); err != nil {
				return nil, err
			}
			return one(in[0].DType, slices.Concat([]int{cv.batch, clampInt(macs(cv.outputs, group))}, cv.in)), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			cv, err := s.transposeOf(in[0].Shape, in[1].Shape, group, extra, want)
			if err != nil || out[0].Len() == 0 {
				return err
			}
			run := func(out *Tensor, in []*Tensor) error { c.convTranspose(cv, out, in); return nil }
			if in[0].DType == tensor.Float32 {
				return run(out[0], in)
			}
			return c.widened(out[0], in, run)
		},
		cost: func(in, _ []Spec) Cost {
			cv, err := s.transposeOf(in[0].Shape, in[1].Shape, group, extra, want)
			if err != nil {
				return Cost{}
			}
			return cv.cost()
		},
	}, err
}

// convTranspose first contracts over the channels, for each position of the kernel and of the data; then each element
// of the result adds up what reaches it, by ascending position of the kernel from +0, and the bias.
func (c *call) convTranspose(cv *conv, out *Tensor, in []*Tensor) {
	x, w, y := in[0].Float32s(), in[1].Float32s(), out.Float32s()
	var bias []float32
	if len(in) > 2 && in[2] != nil {
		bias = in[2].Float32s()
	}
	positions, size, outSize := cv.positions(), cv.size(), tensor.Product(cv.in)
	for image := range cv.batch * cv.group {
		var data kernel.Packed
		data.Pack(x[image*cv.channels*positions:], cv.channels, positions, positions, 1)
		first := image % cv.group * cv.outputs
		c.parallel(cv.outputs, func(o int) {
			parts := make([]float32, size*positions)
			a := kernel.Matrix{Data: w[(image%cv.group*cv.channels*cv.outputs+o)*size:], RowStride: 1, ColumnStride: cv.outputs * size}
			c.set.Multiply(parts, positions, a, &data, size, 0, data.Panels(), nil)
			row := y[(image/cv.group*cv.group*cv.outputs+first+o)*outSize:][:outSize]
			clear(row)
			cv.spread(row, parts)
			if bias != nil {
				c.set.AddScalar(row, row, bias[first+o])
			}
		})
	}
}

// spread adds parts[k][position] to where the kernel's position k puts it.
func (cv *conv) spread(row, parts []float32) {
	last := len(cv.in) - 1
	k, index := make([]int, last+1), make([]int, last+1)
	length := cv.out[last]
	for i := range cv.size() {
		split(k, cv.kernel, i)
		lo, hi := cv.inside(last, k[last])
		if lo == hi {
			continue
		}
		for line := range cv.positions() / length {
			split(index, cv.out, line*length)
			offset, outside := 0, false
			for d := range last {
				at := index[d]*cv.stride[d] - cv.before[d] + k[d]*cv.dilation[d]
				outside = outside || at < 0 || at >= cv.in[d]
				offset = offset*cv.in[d] + at
			}
			if outside {
				continue
			}
			at := offset*cv.in[last] + lo*cv.stride[last] - cv.before[last] + k[last]*cv.dilation[last]
			for _, v := range parts[i*cv.positions()+line*length+lo : i*cv.positions()+line*length+hi] {
				row[at] = kernel.Canon(row[at] + v)
				at += cv.stride[last]
			}
		}
	}
}
