package exact

import (
	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// recurrence is one direction of a recurrent node at work.
type recurrence struct {
	*recurrent
	sizes
	c         *call
	direction int
	weights   *recurrentWeights
	apply     []mapper
	// input is X·W for every element and step, in the order of X. state and cell are of the step before, product is
	// what a step computes in, reset is for the GRU's state times its reset gate.
	input, state, cell, product, reset []float32
	inputBias, stateBias, bias         []float32 // nil when there is none; bias is the sum of both, rounded once
	peephole                           []float32
	lengths                            []int32
	out                                *Tensor
}

// operand gives operand i, nil when it is left out.
func operand(in []*Tensor, i int) *Tensor {
	if i < len(in) {
		return in[i]
	}
	return nil
}

func (r *recurrent) run(c *call, in, out []*Tensor) error {
	shapes := specsFor(in)
	if r.packed != nil { // taken operands are not there: their shapes were checked
		dirs, rows := len(r.reverse), r.packed[0].input.N
		shapes[inW] = Spec{DType: tensor.Float32, Shape: []int{dirs, rows, r.packed[0].input.K}}
		shapes[inR] = Spec{DType: tensor.Float32, Shape: []int{dirs, rows, rows / r.gates}}
	}
	s, err := r.sizesOf(shapes)
	if err != nil {
		return err
	}
	packed := r.packed
	if packed == nil {
		packed = r.pack(in[inW], in[inR])
	}
	var lengths []int32
	if t := operand(in, inLengths); t != nil {
		lengths = t.Int32s()
		for _, n := range lengths {
			if n < 0 || int(n) > s.steps {
				return fail(ErrInput, "a sequence of %d in %d steps", n, s.steps)
			}
		}
	}
	for d := range r.reverse {
		w := &recurrence{recurrent: r, sizes: s, c: c, direction: d, weights: &packed[d], lengths: lengths, out: out[0]}
		if err := w.run(in, out); err != nil {
			return err
		}
	}
	return nil
}

// room takes all the memory of a direction at once.
func (w *recurrence) room() (func(), error) {
	rows, states := w.gates*w.hidden, w.batch*w.hidden
	for _, n := range []int64{macs(w.steps, w.batch, rows), macs(w.batch, rows)} {
		if n > w.c.limits.Elements {
			return nil, fail(ErrLimit, "%d products in a state", n)
		}
	}
	memory, done, err := scratch[float32](w.c, w.steps*w.batch*rows+w.batch*rows+3*states)
	if err != nil {
		return nil, err
	}
	take := func(n int) []float32 {
		piece := memory[:n:n]
		memory = memory[n:]
		return piece
	}
	w.input, w.product = take(w.steps*w.batch*rows), take(w.batch*rows)
	w.state, w.cell, w.reset = take(states), take(states), take(states)
	clear(w.state)
	clear(w.cell)
	return done, nil
}

func (w *recurrence) run(in, out []*Tensor) error {
	done, err := w.room()
	if err != nil {
		return err
	}
	defer done()
	rows := w.gates * w.hidden
	for _, f := range w.activations[w.direction] {
		w.apply = append(w.apply, f(w.c))
	}
	if t := operand(in, inBias); t != nil {
		both := t.Float32s()[w.direction*2*rows : (w.direction+1)*2*rows]
		w.inputBias, w.stateBias, w.bias = both[:rows], both[rows:], make([]float32, rows)
		w.c.set.Add(w.bias, w.inputBias, w.stateBias)
	}
	if t := operand(in, inPeephole); t != nil {
		w.peephole = t.Float32s()[w.direction*3*w.hidden : (w.direction+1)*3*w.hidden]
	}
	w.states(operand(in, inState), func(state, t []float32) { copy(state, t) }, w.state)
	if w.recurrent.cell {
		w.states(operand(in, inCell), func(state, t []float32) { copy(state, t) }, w.cell)
	}
	if w.out != nil {
		w.clearOutput()
	}
	w.c.split(w.input, in[inX].Float32s(), &w.weights.input, w.steps*w.batch, nil)
	for step := range w.steps {
		w.recurrent.step(w, step)
	}
	w.states(operand(out, 1), func(state, t []float32) { copy(t, state) }, w.state)
	w.states(operand(out, 2), func(state, t []float32) { copy(t, state) }, w.cell)
	return nil
}

// states calls f with every element's state and its place in a tensor of states, unless that is nil.
func (w *recurrence) states(t *Tensor, f func(state, t []float32), state []float32) {
	if t == nil {
		return
	}
	dirs := len(w.reverse)
	for b := range w.batch {
		at := w.direction*w.batch + b
		if w.batchFirst {
			at = b*dirs + w.direction
		}
		f(state[b*w.hidden:(b+1)*w.hidden], t.Float32s()[at*w.hidden:(at+1)*w.hidden])
	}
}

// clearOutput writes zeros where a sequence has ended.
func (w *recurrence) clearOutput() {
	for b := range w.lengths {
		for t := int(w.lengths[b]); t < w.steps; t++ {
			clear(w.output(t, b))
		}
	}
}

// output is where the state of an element after time t goes.
func (w *recurrence) output(t, b int) []float32 {
	at := (t*len(w.reverse)+w.direction)*w.batch + b
	if w.batchFirst {
		at = (b*w.steps+t)*len(w.reverse) + w.direction
	}
	return w.out.Float32s()[at*w.hidden : (at+1)*w.hidden]
}

// each calls f for every element whose sequence is not over at a step, with the time that the step is for it.
func (w *recurrence) each(step int, f func(b, t int)) {
	w.c.rows(w.batch, 8*w.gates*w.hidden, func(lo, hi int) {
		for b := lo; b < hi; b++ {
			length := w.steps
			if w.lengths != nil {
				length = int(w.lengths[b])
			}
			switch {
			case step >= length:
			case w.reverse[w.direction]:
				f(b, length-1-step)
			default:
				f(b, step)
			}
		}
	})
}

// products is the row of X·W of an element at a time.
func (w *recurrence) products(b, t int) []float32 {
	at := t*w.batch + b
	if w.batchFirst {
		at = b*w.steps + t
	}
	return w.input[at*w.gates*w.hidden : (at+1)*w.gates*w.hidden]
}

// gate puts a sum through an activation, clipped before.
func (w *recurrence) gate(activation int, x []float32) {
	if w.clip > 0 {
		w.c.set.Clip(x, x, -w.clip, w.clip)
	}
	w.apply[activation](x, x)
}

// finish keeps the new state of an element.
func (w *recurrence) finish(b, t int) {
	if w.out != nil {
		copy(w.output(t, b), w.state[b*w.hidden:(b+1)*w.hidden])
	}
}

// rnn is h = f((x·W + h·R) + (Wb + Rb)).
func (w *recurrence) rnn(step int) {
	w.c.split(w.product, w.state, &w.weights.state, w.batch, nil)
	w.each(step, func(b, t int) {
		g := w.product[b*w.hidden : (b+1)*w.hidden]
		w.sum(g, w.products(b, t), g, w.bias)
		w.gate(0, g)
		copy(w.state[b*w.hidden:], g)
		w.finish(b, t)
	})
}

// sum is (x + h) + bias.
func (w *recurrence) sum(out, x, h, bias []float32) {
	w.c.set.Add(out, x[:len(out)], h)
	if bias != nil {
		w.c.set.Add(out, out, bias[:len(out)])
	}
}

// lstm: gates in the order input, output, forget, cell.
func (w *recurrence) lstm(step int) {
	n := w.hidden
	w.c.split(w.product, w.state, &w.weights.state, w.batch, nil)
	w.each(step, func(b, t int) {
		g := w.product[b*4*n : (b+1)*4*n]
		w.sum(g, w.products(b, t), g, w.bias)
		cell, state := w.cell[b*n:(b+1)*n], w.state[b*n:(b+1)*n]
		input, output, forget, fresh := g[:n], g[n:2*n], g[2*n:3*n], g[3*n:]
		w.peep(input, cell, 0)
		w.gate(0, input)
		if w.coupled {
			w.c.set.ScalarSub(forget, 1, input)
		} else {
			w.peep(forget, cell, 2)
			w.gate(0, forget)
		}
		w.gate(1, fresh)
		for i := range cell {
			cell[i] = kernel.Canon(float32(forget[i]*cell[i]) + float32(input[i]*fresh[i]))
		}
		w.peep(output, cell, 1)
		w.gate(0, output)
		copy(fresh, cell)
		w.gate(2, fresh)
		w.c.set.Mul(state, output, fresh)
		w.finish(b, t)
	})
}

// peep adds the product of the cell and peephole weights number i.
func (w *recurrence) peep(gate, cell []float32, i int) {
	if w.peephole == nil {
		return
	}
	weights := w.peephole[i*w.hidden : (i+1)*w.hidden]
	for j := range gate {
		gate[j] = kernel.Canon(gate[j] + float32(weights[j]*cell[j]))
	}
}

// gru: gates in the order update, reset, candidate.
func (w *recurrence) gru(step int) {
	if w.linearFirst {
		w.gruLinearFirst(step)
		return
	}
	n := w.hidden
	w.c.split(w.product, w.state, &w.weights.state, w.batch, nil) // two gates wide
	w.each(step, func(b, t int) {
		g := w.product[b*2*n : (b+1)*2*n]
		w.sum(g, w.products(b, t), g, w.bias)
		w.gate(0, g)
	})
	w.c.rows(w.batch, n, func(lo, hi int) {
		for b := lo; b < hi; b++ {
			w.c.set.Mul(w.reset[b*n:(b+1)*n], w.product[b*2*n+n:(b+1)*2*n], w.state[b*n:(b+1)*n])
		}
	})
	candidates := w.product[w.batch*2*n:]
	w.c.split(candidates, w.reset, &w.weights.candidate, w.batch, nil)
	w.each(step, func(b, t int) {
		fresh := candidates[b*n : (b+1)*n]
		var bias []float32
		if w.bias != nil {
			bias = w.bias[2*n:]
		}
		w.sum(fresh, w.products(b, t)[2*n:], fresh, bias)
		w.gate(1, fresh)
		w.blend(w.state[b*n:(b+1)*n], w.product[b*2*n:b*2*n+n], fresh)
		w.finish(b, t)
	})
}

func (w *recurrence) gruLinearFirst(step int) {
	n := w.hidden
	w.c.split(w.product, w.state, &w.weights.state, w.batch, nil)
	w.each(step, func(b, t int) {
		g, x := w.product[b*3*n:(b+1)*3*n], w.products(b, t)
		w.sum(g[:2*n], x, g[:2*n], w.bias)
		w.gate(0, g[:2*n])
		fresh := g[2*n:]
		if w.stateBias != nil {
			w.c.set.Add(fresh, fresh, w.stateBias[2*n:])
		}
		w.c.set.Mul(fresh, g[n:2*n], fresh)
		var bias []float32
		if w.inputBias != nil {
			bias = w.inputBias[2*n:]
		}
		w.sum(fresh, x[2*n:], fresh, bias)
		w.gate(1, fresh)
		w.blend(w.state[b*n:(b+1)*n], g[:n], fresh)
		w.finish(b, t)
	})
}

// blend is (1 - z)·fresh + z·state.
func (w *recurrence) blend(state, z, fresh []float32) {
	for i := range state {
		state[i] = kernel.Canon(float32((1-z[i])*fresh[i]) + float32(z[i]*state[i]))
	}
}
