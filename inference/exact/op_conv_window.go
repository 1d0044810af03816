package exact

import (
	"slices"

	"assay/inference/tensor"
)

// windows is how a kernel slides over the spatial dimensions of a tensor: position o of the output sees positions
// o·stride - before + k·dilation of the input, for k below kernel.
type windows struct {
	in, kernel, stride, dilation, before, after, out []int
}

// slide reads the attributes that convolutions and pools share.
type slide struct {
	autoPad                        string
	kernel, stride, dilation, pads []int
	ceil                           bool
}

var slideAttributes = []string{"auto_pad", "dilations", "kernel_shape", "pads", "strides"}

func (b *binder) slide() (slide, error) {
	s := slide{
		autoPad: b.text("auto_pad", "NOTSET"), kernel: b.ints("kernel_shape"), stride: b.ints("strides"),
		dilation: b.ints("dilations"), pads: b.ints("pads"), ceil: b.bool("ceil_mode", false),
	}
	switch s.autoPad {
	case "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER":
	default:
		return s, fail(ErrUnsupported, "auto_pad %q", s.autoPad)
	}
	for _, list := range [][]int{s.kernel, s.stride, s.dilation} {
		if slices.ContainsFunc(list, func(v int) bool { return v < 1 }) {
			return s, fail(ErrShape, "kernel %v, strides %v, dilations %v", s.kernel, s.stride, s.dilation)
		}
	}
	return s, nil
}

// over lays the windows over spatial dimensions.
func (s *slide) over(in, kernel []int) (windows, error) {
	rank := len(in)
	w := windows{in: in, kernel: kernel, stride: s.stride, dilation: s.dilation, before: make([]int, rank), after: make([]int, rank), out: make([]int, rank)}
	if w.stride == nil {
		w.stride = slices.Repeat([]int{1}, rank)
	}
	if w.dilation == nil {
		w.dilation = slices.Repeat([]int{1}, rank)
	}
	if len(kernel) != rank || len(w.stride) != rank || len(w.dilation) != rank || s.pads != nil && len(s.pads) != 2*rank {
		return w, fail(ErrShape, "kernel %v, strides %v, dilations %v, pads %v over %v", kernel, w.stride, w.dilation, s.pads, in)
	}
	for d := range in {
		if err := s.dimension(&w, d); err != nil {
			return w, err
		}
	}
	return w, nil
}

func (s *slide) dimension(w *windows, d int) error {
	extent := macs(w.dilation[d], w.kernel[d]-1) + 1
	size, stride := int64(w.in[d]), int64(w.stride[d])
	switch s.autoPad {
	case "NOTSET":
		if s.pads != nil {
			w.before[d], w.after[d] = s.pads[d], s.pads[d+len(w.in)]
		}
	case "SAME_UPPER", "SAME_LOWER":
		total := max(0, ((size+stride-1)/stride-1)*stride+extent-size)
		w.before[d] = clampInt(total / 2)
		if s.autoPad == "SAME_LOWER" {
			w.before[d] = clampInt(total - total/2)
		}
		w.after[d] = clampInt(total) - w.before[d]
	}
	if w.before[d] < 0 || w.after[d] < 0 {
		return fail(ErrUnsupported, "negative pads %d and %d", w.before[d], w.after[d])
	}
	room := size + int64(w.before[d]) + int64(w.after[d]) - extent
	if room < 0 || w.kernel[d] < 1 || size == 0 {
		return fail(ErrShape, "a kernel over %d positions in a dimension of %d padded by %d and %d", extent, size, w.before[d], w.after[d])
	}
	n := room/stride + 1
	// A last window that is not whole must still begin before the padding behind the input.
	if s.ceil && room%stride != 0 && n*stride < size+int64(w.before[d]) {
		n++
	}
	w.out[d] = clampInt(n)
	return nil
}

// positions is how many windows there are.
func (w *windows) positions() int { return tensor.Product(w.out) }

// size is how many positions a window has.
func (w *windows) size() int { return tensor.Product(w.kernel) }

// inside gives the range of output positions along dimension d whose kernel position k lies in the input.
func (w *windows) inside(d, k int) (from, to int) {
	shift := w.before[d] - k*w.dilation[d] // input = o·stride - shift
	s := w.stride[d]
	if shift > 0 {
		from = (shift + s - 1) / s
	}
	if last := w.in[d] - 1 + shift; last >= 0 {
		to = last/s + 1
	}
	return min(from, w.out[d]), max(min(from, w.out[d]), min(to, w.out[d]))
}

// split writes a row-major position of the given dimensions into index.
func split(index, dims []int, at int) {
	for d := len(dims) - 1; d >= 0; d-- {
		index[d] = at % dims[d]
		at /= dims[d]
	}
}

// column gathers what kernel position k of the windows [from, from+len(to)) sees of one channel, zeros outside of it.
func column[T any](to, x []T, w *windows, k []int, from int) {
	last := len(w.in) - 1
	var room [tensor.MaxRank]int
	index := room[:last+1]
	lo, hi := w.inside(last, k[last])
	stride, shift := w.stride[last], w.before[last]-k[last]*w.dilation[last]
	for len(to) > 0 {
		split(index, w.out, from)
		n := min(len(to), w.out[last]-index[last])
		run := to[:n]
		to, from = to[n:], from+n
		offset, outside := 0, false
		for d := range last {
			at := index[d]*w.stride[d] - w.before[d] + k[d]*w.dilation[d]
			outside = outside || at < 0 || at >= w.in[d]
			offset = offset*w.in[d] + at
		}
		if outside {
			clear(run)
			continue
		}
		offset = offset*w.in[last] - shift
		a, b := min(max(lo-index[last], 0), n), min(max(hi-index[last], 0), n)
		clear(run[:a])
		clear(run[b:])
		if a == b {
			continue
		}
		if stride == 1 {
			copy(run[a:b], x[offset+index[last]+a:])
			continue
		}
		at := offset + (index[last]+a)*stride
		for i := a; i < b; i++ {
			run[i] = x[at]
			at += stride
		}
	}
}
