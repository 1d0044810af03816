package exact

import (
	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// attentionRows is how many queries one task takes.
const attentionRows = 128

// attentionBuffers is what one task needs.
type attentionBuffers struct {
	keys, values       kernel.Packed
	scaled, scores, at []float32
	wide               []float64
}

// head is what one task works on: some queries of one head, or one query of each head that shares the same keys.
type head struct {
	*attention
	*attentionBuffers
	set            *kernel.Set
	dtype          tensor.DType // that steps are rounded to
	q, k, v, out   kernel.Matrix
	s, t, d, e     int
	start, apart   int // position of the first of these queries among the keys, and from each to the next
	mask           *Tensor
	maskAt         int
	maskRow, maskT int
	seen           int       // keys that the mask is for
	sinks          []float32 // of this head or of these, or none
	kept           []float32 // the second result's rows of these queries, keptRow apart
	keptRow        int
	finite         bool
}

// from is x beginning at i, nothing when x ends before.
func from(x []float32, i int) []float32 { return x[min(i, len(x)):] }

func (h *head) run() {
	h.scores = grow(h.scores, h.s*h.t)
	if h.t > 0 {
		k := h.times(h.k, h.t, h.kScale)
		h.keys.Pack(k.Data, h.d, h.t, k.ColumnStride, k.RowStride)
		h.set.Multiply(h.scores, h.t, h.times(h.q, h.s, h.qScale), &h.keys, h.s, 0, h.keys.Panels(), nil)
	}
	for i := range h.s {
		h.weigh(h.scores[i*h.t:(i+1)*h.t], i)
	}
	h.values.Use(h.v.Data, h.t, h.e, h.v.RowStride, 1, h.s)
	weights := kernel.Matrix{Data: h.scores, RowStride: h.t, ColumnStride: 1}
	h.set.Multiply(h.out.Data, h.out.RowStride, weights, &h.values, h.s, 0, h.values.Panels(), nil)
	for i := range h.s {
		row := h.scores[i*h.t : (i+1)*h.t]
		if !h.finite || h.t > kernel.BlockDepth && row[0] == 0 {
			h.mix(row, i)
		}
	}
}

func grow(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}

// times multiplies rows of d elements by a scale, in memory of its own; by 1 it is the rows where they lie. The keys are
// packed before the queries need the same memory.
func (h *head) times(x kernel.Matrix, rows int, scale float32) kernel.Matrix {
	if scale == 1 {
		return x
	}
	h.scaled = grow(h.scaled, rows*h.d)
	for i := range rows {
		h.set.MulScalar(h.scaled[i*h.d:(i+1)*h.d], x.Data[i*x.RowStride:i*x.RowStride+h.d], scale)
	}
	h.round(h.scaled)
	return kernel.Matrix{Data: h.scaled, RowStride: h.d, ColumnStride: 1}
}

// span is which keys query i sees: those from first to before last.
func (h *head) span(i int) (first, last int) {
	first, last = 0, min(h.t, h.seen)
	at := h.start + i*h.apart
	if h.left >= 0 {
		first = max(first, at-h.left)
	}
	if h.right >= 0 {
		last = min(last, at+h.right+1)
	}
	last = max(0, last)
	return min(first, last), last
}

// weigh turns the scores of query i into weights.
func (h *head) weigh(row []float32, i int) {
	first, last := h.span(i)
	var mask []float32
	if h.mask != nil {
		mask = h.maskRowOf(i)[first:last]
	}
	if h.stepwise() {
		h.weighStepwise(row, mask, first, last, i)
		return
	}
	clear(row[:first])
	clear(row[last:])
	row = row[first:last]
	h.set.MaskedSoftmax(row, row, mask, h.scale)
	if h.zeroNaN && len(row) > 0 && row[0] != row[0] { // a row is NaN throughout or nowhere
		clear(row)
	}
}

// minusInf stands for a position that a mask of truth values leaves out.
var minusInf = kernel.Log(0)

// maskRowOf gives what is added to the scores of query i.
func (h *head) maskRowOf(i int) []float32 {
	at := h.maskAt + i*h.maskRow
	if h.mask.DType == tensor.Float32 && h.maskT == 1 {
		return h.mask.Float32s()[at : at+h.seen]
	}
	h.at = grow(h.at, h.seen)
	for j := range h.at {
		switch from := at + j*h.maskT; {
		case h.mask.DType == tensor.Float32:
			h.at[j] = h.mask.Float32s()[from]
		case h.mask.Bools()[from]:
			h.at[j] = 0
		default:
			h.at[j] = minusInf
		}
	}
	return h.at
}

// mix adds up the values of query i by their weights again where the product above is not the definition: positions
// count from the first weight that is not zero, in blocks, and those of weight zero are left out. That makes a
// difference when the first weight of more than one block is zero, or when a value is not finite.
func (h *head) mix(row []float32, i int) {
	first := 0
	for first < len(row) && row[first] == 0 {
		first++
	}
	out := h.out.Data[i*h.out.RowStride : i*h.out.RowStride+h.e]
	clear(out)
	h.at = grow(h.at, h.e)
	for block := first; block < len(row); block += kernel.BlockDepth {
		sums := h.at[:h.e]
		clear(sums)
		for j, w := range row[block:min(len(row), block+kernel.BlockDepth)] {
			if w == 0 {
				continue
			}
			for x, v := range h.v.Data[(block+j)*h.v.RowStride : (block+j)*h.v.RowStride+h.e] {
				sums[x] += float32(w * v)
			}
		}
		if block == first {
			copy(out, sums)
			continue
		}
		for x, v := range sums {
			out[x] += v
		}
	}
	kernel.Canonicalise(out)
}
