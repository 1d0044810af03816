package exact

import (
	"math"
	"slices"
	"sync"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

func attentionOperators() map[string]*operator {
	return map[string]*operator{
		"Attention": {minIn: 3, maxIn: 7, out: 2, attributes: []string{
			"cache", "causal", "empty_to_zero", "k_scale", "left", "nan_to_zero", "q_scale", "right", "scale", "scores",
			"size_scale", "softcap", "softmax_precision",
		}, bind: bindAttention},
	}
}

// attention is softmax(scale · (q·q_scale)(k·k_scale)ᵀ + mask) v for every head. Queries are [batch, s, heads, d], keys
// [batch, t, kvHeads, d], values [batch, t, kvHeads, e], or [batch, kvHeads, t, ·] where they come from a cache; kvHeads
// divides heads, neighbouring heads share. The mask broadcasts to [batch, heads, s, t]. The result is
// [batch, s, heads, e]. docs/ir-v1-products.md says what the other operands and attributes mean.
type attention struct {
	scale, qScale, kScale float32
	softcap               float32
	sizeScale             string
	cache, causal         bool
	zeroNaN, zeroEmpty    bool
	left, right           int          // positions that a query sees before and after its own; -1 is all
	shown                 int          // which scores are the second result; -1 is none
	precision             tensor.DType // of the softmax: 0 is that of the operands
	buffers               *sync.Pool
}

// Operands of Attention after queries, keys and values.
const (
	maskOperand    = 3 // what is added to the scores
	startsOperand  = 4 // the first query's position among the keys, of each element of the batch
	lengthsOperand = 5 // how many keys there are, of each element of the batch
	sinksOperand   = 6 // of each head a score that has a weight and no value
)

func bindAttention(b *binder) (eval, error) {
	a := attention{
		scale: b.float("scale", 1), qScale: b.float("q_scale", 1), kScale: b.float("k_scale", 1), softcap: b.float("softcap", 0),
		sizeScale: b.text("size_scale", ""), cache: b.bool("cache", false), causal: b.bool("causal", false),
		zeroNaN: b.bool("nan_to_zero", false), zeroEmpty: b.bool("empty_to_zero", false),
		left: b.int("left", -1), right: b.int("right", -1), shown: b.int("scores", -1),
		precision: tensor.DType(b.int("softmax_precision", 0)),
		buffers:   &sync.Pool{New: func() any { return new(attentionBuffers) }},
	}
	switch {
	case a.precision != 0 && a.precision != tensor.Float32 && a.precision != tensor.Float64:
		return eval{}, fail(ErrUnsupported, "attribute softmax_precision is %d", a.precision)
	case a.sizeScale != "" && a.sizeScale != "operands" && a.sizeScale != "product":
		return eval{}, fail(ErrUnsupported, "attribute size_scale is %q", a.sizeScale)
	case !(a.softcap >= 0) || a.left < -1 || a.right < -1 || a.shown < -1 || a.shown > finalScores:
		return eval{}, fail(ErrShape, "attributes softcap %v, left %d, right %d, scores %d", a.softcap, a.left, a.right, a.shown)
	}
	if a.causal {
		a.right = 0
	}
	return eval{infer: a.infer, compute: a.compute, cost: a.cost, scratch: a.scratch}, nil
}

// What things cost in a canister, at most, measured on small shapes, where what is done once weighs most.
const (
	softmaxInstructions = 450    // a weight
	kernelInstructions  = 60     // the same where all of it has kernels
	softcapInstructions = 600    // more, where scores are capped
	doubleInstructions  = 1_500  // more, where the softmax is of float64
	narrowInstructions  = 3_000  // more, where every step is rounded
	rowInstructions     = 16_000 // a query of a head
	taskInstructions    = 60_000 // some queries of a head
)

func (a *attention) cost(in, _ []Spec) Cost {
	q, k, v := in[0].Shape, in[1].Shape, in[2].Shape
	t, _ := a.keyCount(k)
	each := int64(softmaxInstructions)
	if a.softcap > 0 {
		each += softcapInstructions
	}
	if a.precision == tensor.Float64 {
		each += doubleInstructions
	}
	if in[0].DType != tensor.Float32 {
		each += narrowInstructions
	}
	products := min(macs(q[0], q[1], q[2], t, q[3]), 1<<61) + min(macs(q[0], q[1], q[2], t, v[3]), 1<<61)
	rows, tasks := macs(q[0], q[1], q[2]), macs(q[0], (q[1]+attentionRows-1)/attentionRows, q[2])
	once := rowInstructions*min(rows, 1<<44) + taskInstructions*min(tasks, 1<<44) + packInstructions*min(macs(int(tasks), t, q[3]+v[3]), 1<<52)
	c := Cost{Multiplies: products}
	if in[0].DType == tensor.Float32 && each == softmaxInstructions {
		heads := int(min(macs(q[0], q[2]), 1<<50))
		each, c.counted = kernelInstructions, true
		once += productInstructions(heads, q[1], q[3], t, floatTenths) + productInstructions(heads, q[1], t, v[3], floatTenths)
	}
	c.Instructions = each*min(macs(int(rows), t), 1<<48) + once
	return c
}

// keyCount gives the number of keys and of their heads.
func (a *attention) keyCount(k []int) (t, heads int) {
	if a.cache {
		return k[2], k[1]
	}
	return k[1], k[2]
}

func (a *attention) infer(in []Spec) ([]Spec, error) {
	dtype := in[0].DType
	if dtype == tensor.Float64 {
		return nil, fail(ErrUnsupported, "element type %v", dtype)
	}
	for i := range 3 {
		if familyOf(dtype) != floatFamily || in[i].DType != dtype || len(in[i].Shape) != 4 {
			return nil, fail(ErrShape, "operand %d is %v of shape %v", i, in[i].DType, in[i].Shape)
		}
	}
	q, k, v := in[0].Shape, in[1].Shape, in[2].Shape
	t, kvHeads := a.keyCount(k)
	if vt, vHeads := a.keyCount(v); k[0] != q[0] || v[0] != q[0] || vt != t || vHeads != kvHeads || k[3] != q[3] || kvHeads == 0 || q[2]%kvHeads != 0 {
		return nil, fail(ErrShape, "queries %v, keys %v and values %v", q, k, v)
	}
	if err := a.inferMask(in, t); err != nil {
		return nil, err
	}
	if err := a.inferRest(in); err != nil {
		return nil, err
	}
	out := one(dtype, []int{q[0], q[1], q[2], v[3]})
	if a.shown >= 0 {
		out = append(out, Spec{DType: dtype, Shape: []int{q[0], q[2], q[1], t}})
	}
	return out, nil
}

// inferMask checks the mask, which may end before the keys do.
func (a *attention) inferMask(in []Spec, t int) error {
	mask := optional(in, maskOperand)
	if !mask.given() {
		return nil
	}
	q := in[0].Shape
	want := []int{q[0], q[2], q[1], maskLength(mask.Shape, t)}
	s, err := broadcastShape(mask.Shape, want)
	if err != nil || !slices.Equal(s, want) || mask.DType != in[0].DType && mask.DType != tensor.Bool {
		return fail(ErrShape, "a mask of %v and shape %v for scores of shape %v", mask.DType, mask.Shape, []int{q[0], q[2], q[1], t})
	}
	return nil
}

// maskLength is how many keys a mask is for: those after its end are left out.
func maskLength(mask []int, t int) int {
	if n := len(mask); n > 0 && mask[n-1] > 1 && mask[n-1] < t {
		return mask[n-1]
	}
	return t
}

func (a *attention) inferRest(in []Spec) error {
	q := in[0].Shape
	starts, lengths, sinks := optional(in, startsOperand), optional(in, lengthsOperand), optional(in, sinksOperand)
	for _, s := range []Spec{starts, lengths} {
		if s.given() && (s.DType != tensor.Int64 || len(s.Shape) != 1 || s.Shape[0] != 1 && s.Shape[0] != q[0]) {
			return fail(ErrShape, "positions are %v of shape %v for a batch of %d", s.DType, s.Shape, q[0])
		}
	}
	if sinks.given() && (sinks.DType != tensor.Float32 || !slices.Equal(sinks.Shape, []int{q[2]})) {
		return fail(ErrShape, "sinks are %v of shape %v for %d heads", sinks.DType, sinks.Shape, q[2])
	}
	return nil
}

func (a *attention) compute(c *call, in, out []*Tensor) error {
	if out[0] == nil || out[0].Len() == 0 && (len(out) < 2 || out[1] == nil || out[1].Len() == 0) {
		return nil
	}
	if in[0].DType != tensor.Float32 {
		return a.computeNarrow(c, in, out)
	}
	return a.computeWide(c, in, out, tensor.Float32)
}

// computeWide computes in float32, each step rounded to the type.
func (a *attention) computeWide(c *call, in, out []*Tensor, dtype tensor.DType) error {
	q, k, v := in[0], in[1], in[2]
	batch, s, heads, d := q.Shape[0], q.Shape[1], q.Shape[2], q.Shape[3]
	t, kv := a.keyCount(k.Shape)
	e, shared := v.Shape[3], heads/kv
	starts, err := integers(operand(in, startsOperand), batch, t-s, -1<<30, 1<<30)
	if err != nil {
		return err
	}
	lengths, err := integers(operand(in, lengthsOperand), batch, t, 0, t)
	if err != nil {
		return err
	}
	mask, maskSteps, seen := operand(in, maskOperand), make([]int, 4), t
	if mask != nil {
		seen = maskLength(mask.Shape, t)
		maskSteps = broadcastStrides(mask.Shape, []int{batch, heads, s, seen})
	}
	kept := operand(out, 1)
	scaled := a.sized(d, dtype)
	finite := v.Finite()
	blocks, group := (s+attentionRows-1)/attentionRows, 1
	if s == 1 {
		group = shared // the queries of all heads that share keys are the rows of one product
	}
	c.parallel(batch*heads/group*blocks, func(task int) {
		b, h, first := task/blocks/(heads/group), task/blocks%(heads/group)*group, task%blocks*attentionRows
		buffers := a.buffers.Get().(*attentionBuffers)
		defer a.buffers.Put(buffers)
		w := head{
			attention: scaled, attentionBuffers: buffers, set: c.set, finite: finite, dtype: dtype,
			s: min(attentionRows, s-first), t: lengths[b], d: d, e: e, start: starts[b] + first, apart: 1,
			q:    kernel.Matrix{Data: q.Float32s()[((b*s+first)*heads+h)*d:], RowStride: heads * d, ColumnStride: 1},
			k:    a.rowsOf(k, b, h/shared, t, kv, d),
			v:    a.rowsOf(v, b, h/shared, t, kv, e),
			out:  kernel.Matrix{Data: from(out[0].Float32s(), ((b*s+first)*heads+h)*e), RowStride: heads * e, ColumnStride: 1},
			mask: mask, maskAt: b*maskSteps[0] + h*maskSteps[1] + first*maskSteps[2], maskRow: maskSteps[2], maskT: maskSteps[3],
			seen: min(seen, lengths[b]),
		}
		if group > 1 {
			w.s, w.apart, w.q.RowStride, w.out.RowStride, w.maskRow = group, 0, d, e, maskSteps[1]
		}
		if sinks := operand(in, sinksOperand); sinks != nil {
			w.sinks = sinks.Float32s()[h : h+group]
		}
		if kept != nil {
			w.t, w.kept, w.keptRow = t, from(kept.Float32s(), ((b*heads+h)*s+first)*t), t
		}
		w.run()
	})
	return nil
}

// sized is a with the scales that follow from the size of a head.
func (a *attention) sized(d int, dtype tensor.DType) *attention {
	if a.sizeScale == "" || d == 0 {
		return a
	}
	out, root := *a, 1/math.Sqrt(float64(d))
	if a.sizeScale == "product" {
		out.scale = float32(root)
		return &out
	}
	scale := float32(math.Sqrt(root))
	switch dtype {
	case tensor.Float16:
		scale = kernel.FromFloat16(kernel.ToFloat16(scale))
	case tensor.BFloat16:
		scale = kernel.FromBFloat16(kernel.ToBFloat16(scale))
	}
	out.qScale, out.kScale = scale, scale
	return &out
}

// rowsOf are the keys or the values of one head.
func (a *attention) rowsOf(x *Tensor, b, h, t, heads, d int) kernel.Matrix {
	if a.cache {
		return kernel.Matrix{Data: from(x.Float32s(), (b*heads+h)*t*d), RowStride: d, ColumnStride: 1}
	}
	return kernel.Matrix{Data: from(x.Float32s(), (b*t*heads+h)*d), RowStride: heads * d, ColumnStride: 1}
}

// integers reads one number for each element of the batch, between low and high; otherwise where x is left out.
func integers(x *Tensor, batch, otherwise, low, high int) ([]int, error) {
	out := make([]int, batch)
	for i := range out {
		out[i] = otherwise
		if x == nil {
			continue
		}
		n := x.Int64s()[i%x.Len()]
		if n < int64(low) || n > int64(high) {
			return nil, fail(ErrInput, "position or length %d, want %d to %d", n, low, high)
		}
		out[i] = int(n)
	}
	return out, nil
}
