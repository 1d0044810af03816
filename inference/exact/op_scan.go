package exact

import (
	"slices"

	"assay/inference/tensor"
)

// scan is the part of a Scan that does not change.
type scan struct {
	body                 *Program
	states, inputs, outs int
	axes, directions     []int // of scan inputs
	outAxes, outBack     []int
}

func bindScan(b *binder) (eval, error) {
	bodies, err := b.programs()
	if err != nil {
		return eval{}, err
	}
	s := scan{body: bodies[0], states: b.int("carried", 0), inputs: b.int("num_scan_inputs", 0)}
	s.outs = len(s.body.graph.Outputs) - s.states
	if s.states < 0 || s.inputs < 1 || s.outs < 0 || s.states+s.inputs > len(b.node.In) || len(s.body.graph.Inputs) != len(b.node.In) ||
		len(b.node.Out) > len(s.body.graph.Outputs) {
		return eval{}, fail(ErrShape, "a body of %d inputs and %d outputs with %d states and %d scanned inputs",
			len(s.body.graph.Inputs), len(s.body.graph.Outputs), s.states, s.inputs)
	}
	for _, list := range []struct {
		to   *[]int
		name string
		n    int
	}{
		{&s.axes, "scan_input_axes", s.inputs},
		{&s.directions, "scan_input_directions", s.inputs},
		{&s.outAxes, "scan_output_axes", s.outs},
		{&s.outBack, "scan_output_directions", s.outs},
	} {
		*list.to = b.ints(list.name)
		if *list.to == nil {
			*list.to = make([]int, list.n)
		}
		if len(*list.to) != list.n {
			return eval{}, fail(ErrShape, "%d %s, want %d", len(*list.to), list.name, list.n)
		}
	}
	return eval{whole: s.run, bound: s.bound}, nil
}

// length is how many slices the scanned inputs have.
func (s *scan) length(shapes [][]int) (int, error) {
	n := -1
	for i, shape := range shapes {
		a, err := axis(s.axes[i], len(shape))
		if err != nil {
			return 0, err
		}
		if n >= 0 && shape[a] != n {
			return 0, fail(ErrShape, "scanned inputs of %d and %d slices", n, shape[a])
		}
		n = shape[a]
	}
	return n, nil
}

func (s *scan) run(c *call, in []*Tensor) ([]Tensor, error) {
	scanned := in[s.states : s.states+s.inputs]
	shapes := make([][]int, len(scanned))
	for i, t := range scanned {
		shapes[i] = t.Shape
	}
	n, err := s.length(shapes)
	if err != nil {
		return nil, err
	}
	state := values(in[:s.states])
	stacks := make([]stack, s.outs)
	for round := range n {
		args := slices.Clone(state)
		for i, t := range scanned {
			at := round
			if s.directions[i] == 1 {
				at = n - 1 - round
			}
			args = append(args, slice(t, s.axes[i], at))
		}
		out, err := s.body.evaluate(c, append(args, values(in[s.states+s.inputs:])...))
		if err != nil {
			return nil, err
		}
		state = out[:s.states]
		for j := range stacks {
			if err := stacks[j].push(c, out[s.states+j]); err != nil {
				return nil, err
			}
		}
	}
	results := slices.Clone(state)
	for j := range stacks {
		if s.outBack[j] == 1 {
			slices.Reverse(stacks[j].rows)
		}
		t, err := stacks[j].tensor(c, s.outAxes[j])
		if err != nil {
			return nil, err
		}
		results = append(results, t)
	}
	return results, nil
}

// slice is one position along an axis, which is known to be right.
func slice(t *Tensor, along, at int) Tensor {
	a, err := axis(along, len(t.Shape))
	if err != nil {
		panic(err)
	}
	v := view{shape: slices.Delete(slices.Clone(t.Shape), a, a+1), strides: strides(t.Shape)}
	v.offset = at * v.strides[a]
	v.strides = slices.Delete(v.strides, a, a+1)
	out := tensor.New(t.DType, v.shape...)
	moved(&out, t, v)
	return out
}

func (s *scan) bound(b *bounder, in []Spec) ([]Spec, error) {
	scanned := in[s.states : s.states+s.inputs]
	shapes := make([][]int, len(scanned))
	for i := range scanned {
		shapes[i] = scanned[i].Shape
	}
	n, err := s.length(shapes)
	if err != nil {
		return nil, err
	}
	state := slices.Clone(in[:s.states])
	outs := make([]Spec, s.outs)
	for j := range outs {
		outs[j] = Spec{DType: tensor.Float32, Shape: []int{0}}
	}
	for range n {
		args := slices.Clone(state)
		for i := range scanned {
			a, err := axis(s.axes[i], len(shapes[i]))
			if err != nil {
				return nil, err
			}
			args = append(args, Spec{DType: scanned[i].DType, Shape: slices.Delete(slices.Clone(shapes[i]), a, a+1)})
		}
		out, err := b.program(s.body, append(args, in[s.states+s.inputs:]...))
		if err != nil {
			return nil, err
		}
		state = out[:s.states]
		for j := range outs {
			o := out[s.states+j]
			a, err := axis(s.outAxes[j], len(o.Shape)+1)
			if err != nil {
				return nil, err
			}
			outs[j] = Spec{DType: o.DType, Shape: slices.Insert(slices.Clone(o.Shape), a, n)}
		}
	}
	return append(slices.Clone(state), outs...), nil
}
