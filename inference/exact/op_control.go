package exact

import (
	"slices"

	"assay/inference/tensor"
)

// controlOperators evaluate bodies: If chooses one, Loop repeats one, Scan repeats one over slices of its inputs.
func controlOperators() map[string]*operator {
	return map[string]*operator{
		"If":   {minIn: 1, maxIn: many, bodies: 2, bind: bindIf},
		"Loop": {minIn: 2, maxIn: many, bodies: 1, attributes: []string{"carried"}, bind: bindLoop, optional: true},
		"Scan": {minIn: 1, maxIn: many, bodies: 1, attributes: []string{
			"carried", "num_scan_inputs", "scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions",
		}, bind: bindScan},
	}
}

func (b *binder) programs() ([]*Program, error) {
	var out []*Program
	for _, body := range b.node.Bodies {
		p, err := load(body, b.config)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// truth reads a condition.
func truth(t *Tensor) (bool, error) {
	if t.DType != tensor.Bool || t.Len() != 1 {
		return false, fail(ErrShape, "condition is %v of shape %v", t.DType, t.Shape)
	}
	return t.Bools()[0], nil
}

func values(in []*Tensor) []Tensor {
	out := make([]Tensor, len(in))
	for i, t := range in {
		out[i] = *t
	}
	return out
}

func bindIf(b *binder) (eval, error) {
	branches, err := b.programs()
	if err != nil {
		return eval{}, err
	}
	for _, p := range branches {
		if len(p.graph.Inputs) != len(b.node.In)-1 || len(p.graph.Outputs) < len(b.node.Out) {
			return eval{}, fail(ErrShape, "a branch of %d inputs and %d outputs", len(p.graph.Inputs), len(p.graph.Outputs))
		}
	}
	choose := func(t *Tensor) (*Program, error) {
		yes, err := truth(t)
		if yes {
			return branches[0], err
		}
		return branches[1], err
	}
	return eval{
		whole: func(c *call, in []*Tensor) ([]Tensor, error) {
			p, err := choose(in[0])
			if err != nil {
				return nil, err
			}
			return p.evaluate(c, values(in[1:]))
		},
		bound: func(b *bounder, in []Spec) ([]Spec, error) {
			if in[0].Value != nil {
				p, err := choose(in[0].Value)
				if err != nil {
					return nil, err
				}
				return b.program(p, in[1:])
			}
			return b.either(branches, in[1:])
		},
	}, nil
}

// either bounds a choice that is not known: the dearer branch, and only if both give the same types and shapes.
func (b *bounder) either(branches []*Program, in []Spec) ([]Spec, error) {
	before := b.cost
	var most Cost
	var made []Spec
	for i, p := range branches {
		b.cost = before
		out, err := b.program(p, in)
		if err != nil {
			return nil, err
		}
		most.Multiplies = max(most.Multiplies, b.cost.Multiplies)
		most.Instructions = max(most.Instructions, b.cost.Instructions)
		for j := range out {
			out[j] = out[j].like()
			if i > 0 && (j >= len(made) || out[j].DType != made[j].DType || !slices.Equal(out[j].Shape, made[j].Shape)) {
				return nil, fail(ErrDynamic, "the shape of output %d differs between the branches", j)
			}
		}
		made = out
	}
	b.cost = most
	return made, nil
}

// loop is the part of a Loop that does not change.
type loop struct {
	body          *Program
	carried, scan int
}

func bindLoop(b *binder) (eval, error) {
	bodies, err := b.programs()
	if err != nil {
		return eval{}, err
	}
	l := loop{body: bodies[0], carried: b.int("carried", 0)}
	l.scan = len(l.body.graph.Outputs) - 1 - l.carried
	if l.carried < 0 || l.scan < 0 || len(l.body.graph.Inputs) != len(b.node.In) || l.carried > len(b.node.In)-2 ||
		len(b.node.Out) > l.carried+l.scan {
		return eval{}, fail(ErrShape, "a body of %d inputs and %d outputs carries %d values", len(l.body.graph.Inputs), len(l.body.graph.Outputs), l.carried)
	}
	return eval{whole: l.run, bound: l.bound}, nil
}

// rounds reads how often to go round at most and whether to go round at all.
func (l *loop) rounds(limit, condition *Tensor) (int64, bool, error) {
	n, on := int64(1<<62), true
	if limit != nil {
		if limit.DType != tensor.Int64 || limit.Len() != 1 {
			return 0, false, fail(ErrShape, "number of rounds is %v of shape %v", limit.DType, limit.Shape)
		}
		n = limit.Int64s()[0]
	}
	if condition != nil {
		var err error
		if on, err = truth(condition); err != nil {
			return 0, false, err
		}
	}
	return n, on, nil
}

func (l *loop) run(c *call, in []*Tensor) ([]Tensor, error) {
	n, on, err := l.rounds(in[0], in[1])
	if err != nil {
		return nil, err
	}
	state := values(in[2 : 2+l.carried])
	stacks := make([]stack, l.scan)
	for i := int64(0); i < n && on; i++ {
		args := []Tensor{tensor.FromInt64([]int64{i}), tensor.Of(tensor.Bool, []bool{on})}
		args = append(append(args, state...), values(in[2+l.carried:])...)
		out, err := l.body.evaluate(c, args)
		if err != nil {
			return nil, err
		}
		if on, err = truth(&out[0]); err != nil {
			return nil, err
		}
		state = out[1 : 1+l.carried]
		for j := range stacks {
			if err := stacks[j].push(c, out[1+l.carried+j]); err != nil {
				return nil, err
			}
		}
	}
	results := slices.Clone(state)
	for j := range stacks {
		t, err := stacks[j].tensor(c, 0)
		if err != nil {
			return nil, err
		}
		if len(stacks[j].rows) == 0 { // nothing ever told its shape but the declaration
			t = l.body.nothing(1 + l.carried + j)
		}
		results = append(results, t)
	}
	return results, nil
}

// nothing is an output that was never made: no rows of what its type says.
func (p *Program) nothing(output int) Tensor {
	dtype := p.graph.Outputs[output].DType
	if dtype == 0 {
		dtype = tensor.Float32
	}
	return tensor.New(dtype, 0)
}

func (l *loop) bound(b *bounder, in []Spec) ([]Spec, error) {
	if in[0].given() && in[0].Value == nil || in[1].given() && in[1].Value == nil {
		return nil, fail(ErrDynamic, "the number of rounds depends on the data")
	}
	n, on, err := l.rounds(in[0].Value, in[1].Value)
	if err != nil {
		return nil, err
	}
	state := slices.Clone(in[2 : 2+l.carried])
	scans := make([]Spec, l.scan)
	rounds := 0
	for i := int64(0); i < n && on; i++ {
		count, condition := tensor.FromInt64([]int64{i}), tensor.Of(tensor.Bool, []bool{on})
		args := []Spec{{tensor.Int64, nil, &count}, {tensor.Bool, nil, &condition}}
		args = append(append(args, state...), in[2+l.carried:]...)
		out, err := b.program(l.body, args)
		if err != nil {
			return nil, err
		}
		if out[0].Value == nil {
			return nil, fail(ErrDynamic, "the number of rounds depends on the data")
		}
		if on, err = truth(out[0].Value); err != nil {
			return nil, err
		}
		state = out[1 : 1+l.carried]
		for j := range scans {
			s := out[1+l.carried+j].like()
			if rounds > 0 && !slices.Equal(s.Shape, scans[j].Shape) {
				return nil, fail(ErrShape, "rows of shapes %v and %v", scans[j].Shape, s.Shape)
			}
			scans[j] = s
		}
		rounds++
	}
	results := slices.Clone(state)
	for j := range scans {
		if rounds == 0 {
			t := l.body.nothing(1 + l.carried + j)
			results = append(results, Spec{DType: t.DType, Shape: t.Shape})
			continue
		}
		results = append(results, Spec{DType: scans[j].DType, Shape: append([]int{rounds}, scans[j].Shape...)})
	}
	return results, nil
}

// stack collects the rows of a scan output.
type stack struct {
	rows []Tensor
	size int64
}

func (s *stack) push(c *call, t Tensor) error {
	if len(s.rows) > 0 && (t.DType != s.rows[0].DType || !slices.Equal(t.Shape, s.rows[0].Shape)) {
		return fail(ErrShape, "rows of shapes %v and %v", s.rows[0].Shape, t.Shape)
	}
	if s.size += int64(t.Len()); s.size > c.limits.Elements || len(t.Shape) >= tensor.MaxRank {
		return fail(ErrLimit, "rows of %d elements in all, limit %d", s.size, c.limits.Elements)
	}
	s.rows = append(s.rows, t)
	return nil
}

// tensor joins the rows along a new dimension.
func (s *stack) tensor(c *call, along int) (Tensor, error) {
	if len(s.rows) == 0 {
		return tensor.New(tensor.Float32, 0), nil
	}
	row := &s.rows[0]
	a, err := axis(along, len(row.Shape)+1)
	if err != nil {
		return Tensor{}, err
	}
	shape := slices.Insert(slices.Clone(row.Shape), a, len(s.rows))
	out := tensor.New(row.DType, shape...)
	outer, inner := tensor.Product(row.Shape[:a]), tensor.Product(row.Shape[a:])
	for o := range outer {
		for i := range s.rows {
			copyRun(&out, (o*len(s.rows)+i)*inner, &s.rows[i], o*inner, inner)
		}
	}
	return out, nil
}
