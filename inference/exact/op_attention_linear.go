package exact

import (
	"math"
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

func linearAttentionOperators() map[string]*operator {
	return map[string]*operator{
		"LinearAttention": {
			minIn: 3, maxIn: 6, out: 2, attributes: []string{"kv_num_heads", "q_num_heads", "scale", "update_rule"}, bind: bindLinearAttention,
		},
	}
}

// linearAttention keeps a matrix [d, e] for each head of keys instead of the keys and values so far. At every step it
// decays, k·vᵀ is added, and each query of the head reads scale · qᵀ·state. Queries are [batch, t, heads·d], keys
// [batch, t, kvHeads·d], values [batch, t, kvHeads·e], the state [batch, kvHeads, d, e]; decays are of a head or of each
// element of its keys, rates of a head or of all.
type linearAttention struct {
	heads, kvHeads int
	scale          float32
	gated, delta   bool
}

// Operands of LinearAttention after queries, keys and values.
const (
	stateOperand = 3
	decayOperand = 4
	rateOperand  = 5
)

func bindLinearAttention(b *binder) (eval, error) {
	a := linearAttention{heads: b.int("q_num_heads", 0), kvHeads: b.int("kv_num_heads", 0), scale: b.float("scale", 0)}
	switch rule := b.text("update_rule", "gated_delta"); rule {
	case "linear":
	case "gated":
		a.gated = true
	case "delta":
		a.delta = true
	case "gated_delta":
		a.gated, a.delta = true, true
	default:
		return eval{}, fail(ErrUnsupported, "attribute update_rule is %q", rule)
	}
	if a.kvHeads <= 0 || a.heads <= 0 || a.heads%a.kvHeads != 0 {
		return eval{}, fail(ErrShape, "%d heads of queries, %d of keys", a.heads, a.kvHeads)
	}
	return eval{infer: a.infer, compute: a.compute, cost: a.cost, scratch: a.scratch}, nil
}

func (a *linearAttention) infer(in []Spec) ([]Spec, error) {
	q, k, v := in[0].Shape, in[1].Shape, in[2].Shape
	for i := range in {
		if in[i].given() && familyOf(in[i].DType) != floatFamily {
			return nil, fail(ErrUnsupported, "operand %d is %v", i, in[i].DType)
		}
	}
	for i := range 3 {
		if s := in[i].Shape; len(s) != 3 || !slices.Equal(s[:2], q[:2]) || in[i].DType != in[0].DType {
			return nil, fail(ErrShape, "operand %d is %v of shape %v", i, in[i].DType, s)
		}
	}
	d, e := k[2]/a.kvHeads, v[2]/a.kvHeads
	if q[2] != d*a.heads || k[2] != d*a.kvHeads || v[2] != e*a.kvHeads {
		return nil, fail(ErrShape, "queries %v, keys %v and values %v of %d and %d heads", q, k, v, a.heads, a.kvHeads)
	}
	state := Spec{DType: in[0].DType, Shape: []int{q[0], a.kvHeads, d, e}}
	if s := optional(in, stateOperand); s.given() {
		if !slices.Equal(s.Shape, state.Shape) {
			return nil, fail(ErrShape, "a state of shape %v, want %v", s.Shape, state.Shape)
		}
		state.DType = s.DType
	}
	if err := a.inferGate(optional(in, decayOperand), a.gated, q, a.kvHeads, a.kvHeads*d); err != nil {
		return nil, err
	}
	if err := a.inferGate(optional(in, rateOperand), a.delta, q, a.kvHeads, 1); err != nil {
		return nil, err
	}
	return []Spec{{DType: in[0].DType, Shape: []int{q[0], q[1], a.heads * e}}, state}, nil
}

// inferGate checks decays or rates, which are there when the rule needs them, in one of two widths.
func (a *linearAttention) inferGate(s Spec, want bool, q []int, one, other int) error {
	if !want && !s.given() {
		return nil
	}
	if !want || len(s.Shape) != 3 || !slices.Equal(s.Shape[:2], q[:2]) || s.Shape[2] != one && s.Shape[2] != other {
		return fail(ErrShape, "decays or rates of shape %v", s.Shape)
	}
	return nil
}

// cost counts the four passes over the state, what a step takes once and once for each row, and the operands.
func (a *linearAttention) cost(in, out []Spec) Cost {
	state := out[1].Shape
	steps, read := macs(in[0].Shape[1], state[0], state[1]), int64(0)
	for i := range in {
		read += 100 * int64(tensor.Product(in[i].Shape))
	}
	return Cost{
		Multiplies:   min(macs(int(steps), state[2], state[3]), 1<<52) * int64(3+min(a.heads/a.kvHeads, 1<<9)),
		Instructions: 25_000*min(steps, 1<<44) + 3_000*min(macs(int(steps), state[2]), 1<<48) + read,
	}
}

// scratch holds everything in float32.
func (a *linearAttention) scratch(in, out []Spec) int64 {
	total := int64(0)
	for _, list := range [][]Spec{in, out} {
		for i := range list {
			total += handedOut(4 * int64(tensor.Product(list[i].Shape)))
		}
	}
	return total
}

// linearHead is one head of keys of one element of the batch.
type linearHead struct {
	*linearAttention
	set             *kernel.Set
	in              [][]float32
	widths          []int // last dimensions of the operands
	d, e, head      int
	state           []float32
	packed          kernel.Packed
	row, sum, value []float32
	decays          []float32
}

func (a *linearAttention) compute(c *call, in, out []*Tensor) error {
	q, k := in[0].Shape, in[1].Shape
	batch, steps, d, e := q[0], q[1], k[2]/a.kvHeads, in[2].Shape[2]/a.kvHeads
	floats, widths := make([][]float32, len(in)), make([]int, len(in))
	for i, x := range in {
		if x == nil {
			continue
		}
		list, done, err := scratch[float32](c, x.Len())
		if err != nil {
			return err
		}
		defer done()
		loadFloats(&c.set.Vectors, list, x, 0)
		floats[i], widths[i] = list, x.Shape[len(x.Shape)-1]
	}
	result, done, err := scratch[float32](c, batch*steps*a.heads*e)
	if err != nil {
		return err
	}
	defer done()
	states, done, err := scratch[float32](c, batch*a.kvHeads*d*e)
	if err != nil {
		return err
	}
	defer done()
	if s := operand(in, stateOperand); s != nil {
		copy(states, floats[stateOperand])
	} else {
		clear(states)
	}
	sized := *a
	if a.scale == 0 && d > 0 {
		sized.scale = float32(1 / math.Sqrt(float64(d)))
	}
	c.parallel(batch*a.kvHeads, func(task int) {
		h := linearHead{
			linearAttention: &sized, set: c.set, in: floats, widths: widths, d: d, e: e, head: task % a.kvHeads,
			state: states[task*d*e : (task+1)*d*e],
			row:   make([]float32, e), sum: make([]float32, e), value: make([]float32, e), decays: make([]float32, d),
		}
		for t := range steps {
			h.step(task/a.kvHeads*steps+t, result)
		}
	})
	for i, list := range [][]float32{result, states} {
		if i < len(out) && out[i] != nil {
			storeFloats(&c.set.Vectors, out[i], 0, list)
		}
	}
	return nil
}

// step takes one position; at is its number in the batch.
func (h *linearHead) step(at int, result []float32) {
	v, shared := &h.set.Vectors, h.heads/h.kvHeads
	key := h.of(1, at, h.d)
	copy(h.value, h.of(2, at, h.e))
	if h.gated {
		h.decay(at)
	}
	if h.delta {
		h.read(h.sum, key, 1)
		v.Sub(h.value, h.value, h.sum)
		v.MulScalar(h.value, h.value, h.of(rateOperand, at, 1)[0])
	}
	for i, k := range key {
		row := h.state[i*h.e : (i+1)*h.e]
		v.MulScalar(h.row, h.value, k)
		v.Add(row, row, h.row)
	}
	first := at*h.heads + h.head*shared
	out := result[first*h.e : (first+shared)*h.e]
	h.read(out, h.in[0][first*h.d:], shared)
	v.MulScalar(out, out, h.scale)
}

// of are the n elements of this head in an operand at a position; those of all heads when the operand has no more.
func (h *linearHead) of(operand, at, n int) []float32 {
	width := h.widths[operand]
	from := at * width
	if width > n {
		from += h.head * n
	}
	return h.in[operand][from : from+n]
}

// decay multiplies the state's rows by e to their decays.
func (h *linearHead) decay(at int) {
	v := &h.set.Vectors
	if h.widths[decayOperand] == h.kvHeads {
		fill(h.decays, h.of(decayOperand, at, 1)[0])
	} else {
		copy(h.decays, h.of(decayOperand, at, h.d))
	}
	v.Exp(h.decays, h.decays)
	for i, f := range h.decays {
		row := h.state[i*h.e : (i+1)*h.e]
		v.MulScalar(row, row, f)
	}
}

// read multiplies rows of d elements by the state.
func (h *linearHead) read(out, rows []float32, m int) {
	h.packed.View(h.state, h.d, h.e, h.e)
	h.set.Multiply(out, h.e, kernel.Matrix{Data: rows, RowStride: h.d, ColumnStride: 1}, &h.packed, m, 0, h.packed.Panels(), nil)
}
