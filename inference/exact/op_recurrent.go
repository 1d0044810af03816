package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// recurrentOperators walk along sequences and keep a state.
func recurrentOperators() map[string]*operator {
	attributes := func(more ...string) []string {
		return append(more, "activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout")
	}
	return map[string]*operator{
		"RNN": {minIn: 3, maxIn: 6, out: 2, spare: true, attributes: attributes(), bind: func(b *binder) (eval, error) {
			return bindRecurrent(b, &recurrent{gates: 1, defaults: []string{"Tanh"}, step: (*recurrence).rnn})
		}},
		"GRU": {minIn: 3, maxIn: 6, out: 2, spare: true, attributes: attributes("linear_before_reset"), bind: func(b *binder) (eval, error) {
			r := &recurrent{gates: 3, defaults: []string{"Sigmoid", "Tanh"}, step: (*recurrence).gru}
			r.linearFirst = b.bool("linear_before_reset", false)
			return bindRecurrent(b, r)
		}},
		"LSTM": {minIn: 3, maxIn: 8, out: 3, spare: true, attributes: attributes("input_forget"), bind: func(b *binder) (eval, error) {
			r := &recurrent{gates: 4, defaults: []string{"Sigmoid", "Tanh", "Tanh"}, step: (*recurrence).lstm, cell: true}
			r.coupled = b.bool("input_forget", false)
			return bindRecurrent(b, r)
		}},
	}
}

// recurrent is an RNN, GRU or LSTM node.
type recurrent struct {
	gates       int
	defaults    []string
	step        func(*recurrence, int)
	cell        bool // it has a second state
	linearFirst bool // GRU: the reset gate works on the product with the state
	coupled     bool // LSTM: the forget gate is 1 less the input gate

	reverse     []bool // for each direction
	activations [][]func(c *call) mapper
	clip        float32 // 0 is none
	batchFirst  bool
	declared    int // hidden size, 0 when not declared
	packed      []recurrentWeights
}

// recurrentWeights are the transposed matrices of one direction. A GRU whose reset gate works on the state keeps the
// part of its candidate apart.
type recurrentWeights struct{ input, state, candidate kernel.Packed }

// The inputs of the three operators.
const (
	inX = iota
	inW
	inR
	inBias
	inLengths
	inState
	inCell
	inPeephole
)

func bindRecurrent(b *binder, r *recurrent) (eval, error) {
	switch direction := b.text("direction", "forward"); direction {
	case "forward":
		r.reverse = []bool{false}
	case "reverse":
		r.reverse = []bool{true}
	case "bidirectional":
		r.reverse = []bool{false, true}
	default:
		return eval{}, fail(ErrUnsupported, "direction %q", direction)
	}
	r.clip, r.batchFirst, r.declared = b.float("clip", 0), b.bool("layout", false), b.int("hidden_size", 0)
	if r.clip < 0 || r.clip != r.clip {
		return eval{}, fail(ErrShape, "clip %v", r.clip)
	}
	if err := r.readActivations(b); err != nil {
		return eval{}, err
	}
	r.takeWeights(b)
	return eval{infer: r.infer, compute: r.compute, cost: r.cost}, nil
}

// takeWeights packs constant float32 matrices once.
func (r *recurrent) takeWeights(b *binder) {
	w, h := b.isConstant(inW), b.isConstant(inR)
	if !w || !h {
		return
	}
	input, state := b.constant(inW), b.constant(inR)
	dirs := len(r.reverse)
	if input.DType != tensor.Float32 || state.DType != tensor.Float32 || len(input.Shape) != 3 || len(state.Shape) != 3 ||
		input.Shape[0] != dirs || state.Shape[0] != dirs || input.Shape[1] != r.gates*state.Shape[2] || state.Shape[1] != input.Shape[1] {
		return
	}
	r.packed = r.pack(input, state)
	b.take(inW)
	b.take(inR)
}

func (r *recurrent) pack(w, h *Tensor) []recurrentWeights {
	out := make([]recurrentWeights, len(r.reverse))
	rows, depth, hidden := w.Shape[1], w.Shape[2], h.Shape[2]
	for d := range out {
		input, state := w.Float32s()[d*rows*depth:], h.Float32s()[d*rows*hidden:]
		out[d].input.Pack(input, depth, rows, 1, depth)
		if r.gates == 3 && !r.linearFirst {
			out[d].state.Pack(state, hidden, 2*hidden, 1, hidden)
			out[d].candidate.Pack(state[2*hidden*hidden:], hidden, hidden, 1, hidden)
			continue
		}
		out[d].state.Pack(state, hidden, rows, 1, hidden)
	}
	return out
}

// sizes are those of one evaluation.
type sizes struct{ steps, batch, depth, hidden int }

func (r *recurrent) sizesOf(in []Spec) (s sizes, err error) {
	x, w, h := in[inX].Shape, in[inW].Shape, in[inR].Shape
	if len(x) != 3 || len(w) != 3 || len(h) != 3 {
		return s, fail(ErrShape, "data of shape %v, weights of %v and %v", x, w, h)
	}
	s = sizes{steps: x[0], batch: x[1], depth: x[2], hidden: h[2]}
	if r.batchFirst {
		s.steps, s.batch = s.batch, s.steps
	}
	dirs := len(r.reverse)
	if r.declared != 0 && r.declared != s.hidden || s.hidden < 1 || s.hidden > 1<<24 || s.depth < 1 {
		return s, fail(ErrShape, "%d hidden, weights of shape %v", r.declared, h)
	}
	states := []int{dirs, s.batch, s.hidden}
	if r.batchFirst {
		states = []int{s.batch, dirs, s.hidden}
	}
	for i, want := range [][]int{
		inX: x, inW: {dirs, r.gates * s.hidden, s.depth}, inR: {dirs, r.gates * s.hidden, s.hidden}, inBias: {dirs, 2 * r.gates * s.hidden},
		inLengths: {s.batch}, inState: states, inCell: states, inPeephole: {dirs, 3 * s.hidden},
	} {
		operand := optional(in, i)
		if !operand.given() {
			continue
		}
		dtype := in[inX].DType
		if i == inLengths {
			dtype = tensor.Int32
		}
		if operand.DType != dtype || !slices.Equal(operand.Shape, want) {
			return s, fail(ErrShape, "operand %d is %v of shape %v, want %v of %v", i, operand.DType, operand.Shape, dtype, want)
		}
	}
	return s, nil
}

func (r *recurrent) infer(in []Spec) ([]Spec, error) {
	s, err := r.sizesOf(in)
	if err != nil {
		return nil, err
	}
	dtype, dirs := in[inX].DType, len(r.reverse)
	switch dtype {
	case tensor.Float32, tensor.Float16, tensor.BFloat16:
	default:
		return nil, fail(ErrUnsupported, "element type %v", dtype)
	}
	all, last := []int{s.steps, dirs, s.batch, s.hidden}, []int{dirs, s.batch, s.hidden}
	if r.batchFirst {
		all, last = []int{s.batch, s.steps, dirs, s.hidden}, []int{s.batch, dirs, s.hidden}
	}
	made := []Spec{{DType: dtype, Shape: all}, {DType: dtype, Shape: last}}
	if r.cell {
		made = append(made, Spec{DType: dtype, Shape: last})
	}
	return made, nil
}

func (r *recurrent) cost(in, _ []Spec) Cost {
	s, err := r.sizesOf(in)
	if err != nil {
		return Cost{}
	}
	dirs := len(r.reverse)
	return Cost{
		Multiplies:   macs(dirs, s.steps, s.batch, r.gates, s.hidden, s.depth+s.hidden),
		Instructions: 700 * macs(dirs, s.steps, s.batch, r.gates, s.hidden),
	}
}

func (r *recurrent) compute(c *call, in, out []*Tensor) error {
	if in[inX].DType == tensor.Float32 {
		return r.run(c, in, out)
	}
	wide, results := make([]*Tensor, len(in)), make([]*Tensor, len(out))
	for i, t := range in {
		if wide[i] = t; t == nil || i == inLengths {
			continue
		}
		w := tensor.New(tensor.Float32, t.Shape...)
		c.widen(w.Float32s(), t)
		wide[i] = &w
	}
	for i, t := range out {
		if t != nil {
			y := tensor.New(tensor.Float32, t.Shape...)
			results[i] = &y
		}
	}
	if err := r.run(c, wide, results); err != nil {
		return err
	}
	for i, t := range out {
		if t != nil {
			c.narrow(t, results[i].Float32s())
		}
	}
	return nil
}
