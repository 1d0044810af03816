package exact

import (
	"slices"
	"sync"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

func attentionOperators() map[string]*operator {
	return map[string]*operator{
		"Attention": {minIn: 3, maxIn: 4, out: 1, attributes: []string{"causal", "k_scale", "nan_to_zero", "q_scale", "scale"}, bind: bindAttention},
	}
}

// attention is softmax(scale · (q·q_scale)(k·k_scale)ᵀ + mask) v for every head. Queries are [batch, s, heads, d], keys
// [batch, t, kvHeads, d], values [batch, t, kvHeads, e]; kvHeads divides heads, neighbouring heads share. The mask
// broadcasts to [batch, heads, s, t]. The result is [batch, s, heads, e].
type attention struct {
	scale, qScale, kScale float32
	causal, zeroNaN       bool
	buffers               *sync.Pool
}

func bindAttention(b *binder) (eval, error) {
	a := attention{
		scale: b.float("scale", 1), qScale: b.float("q_scale", 1), kScale: b.float("k_scale", 1),
		causal: b.bool("causal", false), zeroNaN: b.bool("nan_to_zero", false),
		buffers: &sync.Pool{New: func() any { return new(attentionBuffers) }},
	}
	return eval{infer: a.infer, compute: a.compute, cost: func(in, _ []Spec) Cost {
		q, v := in[0].Shape, in[2].Shape
		n := macs(q[0], q[1], q[2], v[1], q[3])
		return Cost{Multiplies: min(n, 1<<61) + min(macs(q[0], q[1], q[2], v[1], v[3]), 1<<61), Instructions: softmaxInstructions * macs(q[0], q[1], q[2], v[1])}
	}}, nil
}

// softmaxInstructions is what one weight costs in a canister, at most.
const softmaxInstructions = 450

func (a *attention) infer(in []Spec) ([]Spec, error) {
	for i := range 3 {
		if in[i].DType != tensor.Float32 || len(in[i].Shape) != 4 {
			return nil, fail(ErrShape, "operand %d is %v of shape %v", i, in[i].DType, in[i].Shape)
		}
	}
	q, k, v := in[0].Shape, in[1].Shape, in[2].Shape
	if k[0] != q[0] || v[0] != q[0] || v[1] != k[1] || v[2] != k[2] || k[3] != q[3] || k[2] == 0 || q[2]%k[2] != 0 {
		return nil, fail(ErrShape, "queries %v, keys %v and values %v", q, k, v)
	}
	if len(in) > 3 && in[3].given() {
		want := []int{q[0], q[2], q[1], k[1]}
		s, err := broadcastShape(in[3].Shape, want)
		if err != nil || !slices.Equal(s, want) || in[3].DType != tensor.Float32 && in[3].DType != tensor.Bool {
			return nil, fail(ErrShape, "a mask of %v and shape %v for scores of shape %v", in[3].DType, in[3].Shape, want)
		}
	}
	return one(tensor.Float32, []int{q[0], q[1], q[2], v[3]}), nil
}

// attentionRows is how many queries one task takes.
const attentionRows = 128

// attentionBuffers is what one task needs.
type attentionBuffers struct {
	keys, values       kernel.Packed
	scaled, scores, at []float32
}

// head is what one task works on: some queries of one head.
type head struct {
	*attention
	*attentionBuffers
	set            *kernel.Set
	q, k, v, out   kernel.Matrix
	s, t, d, e     int
	firstQuery     int // of these queries, among all
	queries        int // in all
	mask           *Tensor
	maskAt         int
	maskRow, maskT int
	finite         bool
}

func (a *attention) compute(c *call, in, out []*Tensor) error {
	q, k, v := in[0], in[1], in[2]
	batch, s, heads, d := q.Shape[0], q.Shape[1], q.Shape[2], q.Shape[3]
	t, shared, e := k.Shape[1], heads/k.Shape[2], v.Shape[3]
	if out[0].Len() == 0 {
		return nil
	}
	var mask *Tensor
	maskSteps := make([]int, 4)
	if len(in) > 3 && in[3] != nil {
		mask = in[3]
		maskSteps = broadcastStrides(mask.Shape, []int{batch, heads, s, t})
	}
	finite := v.Finite()
	blocks := (s + attentionRows - 1) / attentionRows
	c.parallel(batch*heads*blocks, func(task int) {
		b, h, first := task/blocks/heads, task/blocks%heads, task%blocks*attentionRows
		buffers := a.buffers.Get().(*attentionBuffers)
		defer a.buffers.Put(buffers)
		kv := k.Shape[2]
		w := head{
			attention: a, attentionBuffers: buffers, set: c.set, finite: finite,
			s: min(attentionRows, s-first), t: t, d: d, e: e, firstQuery: first, queries: s,
			q:    kernel.Matrix{Data: q.Float32s()[((b*s+first)*heads+h)*d:], RowStride: heads * d, ColumnStride: 1},
			k:    kernel.Matrix{Data: from(k.Float32s(), (b*t*kv+h/shared)*d), RowStride: kv * d, ColumnStride: 1},
			v:    kernel.Matrix{Data: from(v.Float32s(), (b*t*kv+h/shared)*e), RowStride: kv * e, ColumnStride: 1},
			out:  kernel.Matrix{Data: out[0].Float32s()[((b*s+first)*heads+h)*e:], RowStride: heads * e, ColumnStride: 1},
			mask: mask, maskAt: b*maskSteps[0] + h*maskSteps[1] + first*maskSteps[2], maskRow: maskSteps[2], maskT: maskSteps[3],
		}
		w.run()
	})
	return nil
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
	return kernel.Matrix{Data: h.scaled, RowStride: h.d, ColumnStride: 1}
}

// weigh turns the scores of query i into weights.
func (h *head) weigh(row []float32, i int) {
	var mask []float32
	if h.mask != nil {
		mask = h.maskRowOf(i)
	}
	if h.causal {
		seen := max(0, min(h.t, h.firstQuery+i+1+h.t-h.queries))
		clear(row[seen:])
		row = row[:seen]
		if mask != nil {
			mask = mask[:seen]
		}
	}
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
		return h.mask.Float32s()[at : at+h.t]
	}
	h.at = grow(h.at, h.t)
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
