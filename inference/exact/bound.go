package exact

import (
	"assay/inference/ir"
	"assay/inference/tensor"
)

// Bound is what every run of given input shapes takes at most.
type Bound struct {
	Cost
	Bytes int64 // of tensors that live at one time, constants apart
}

// smallValue is up to how many elements a value known from shapes alone is computed rather than forgotten.
const smallValue = 4096

// Bound looks at shapes only and says what a run with them costs at most, whatever the data. Symbolic dimensions may be
// given by any input. It fails with [ErrDynamic] when a shape or a number of rounds depends on the data.
func (p *Program) Bound(shapes map[string][]int) (Bound, error) {
	in := make([]Spec, len(p.graph.Inputs))
	symbols := map[string]int{}
	for i, v := range p.graph.Inputs {
		shape, ok := shapes[v.Name]
		if !ok {
			return Bound{}, fail(ErrInput, "the shape of input %q is missing", v.Name)
		}
		if _, ok := tensor.Count(shape, p.limits.Elements); !ok || len(shape) > tensor.MaxRank {
			return Bound{}, fail(ErrInput, "input %q: shape %v", v.Name, shape)
		}
		if err := fits(v, v.DType, shape, symbols); err != nil {
			return Bound{}, fail(ErrInput, "input %q: %v", v.Name, err)
		}
		in[i] = Spec{DType: v.DType, Shape: shape}
	}
	b := &bounder{call: newCall(p, serial)}
	b.cost.Instructions = runOverhead
	if _, err := b.program(p, in); err != nil {
		return Bound{}, err
	}
	return Bound{b.cost, b.peak}, nil
}

// bounder adds up what a run takes.
type bounder struct {
	call       *call
	cost       Cost
	live, peak int64
	steps      int64
}

func (b *bounder) program(p *Program, in []Spec) ([]Spec, error) {
	specs := make([]Spec, p.values)
	copy(specs, in)
	for i, t := range p.constants {
		if t != nil {
			specs[i] = Spec{DType: t.DType, Shape: t.Shape, Value: t}
		}
	}
	held := b.live
	for i := range p.nodes {
		n := &p.nodes[i]
		if b.steps++; b.steps > b.call.limits.Steps {
			return nil, inNode(fail(ErrLimit, "more than %d nodes evaluated", b.call.limits.Steps), n.Name, n.Op)
		}
		if err := b.node(n, p.graph, specs); err != nil {
			return nil, inNode(err, n.Name, n.Op)
		}
		for _, id := range n.last {
			if id >= p.graph.First() {
				b.live -= bytesOf(&specs[id])
			}
		}
	}
	out := make([]Spec, len(p.graph.Outputs))
	for i, o := range p.graph.Outputs {
		out[i] = specs[o.Value]
	}
	b.live = held
	for i := range out {
		b.hold(&out[i])
	}
	return out, nil
}

func (b *bounder) hold(s *Spec) {
	b.live += bytesOf(s)
	b.peak = max(b.peak, b.live)
}

func bytesOf(s *Spec) int64 { return int64(class(tensor.Product(s.Shape) * s.DType.Size())) }

func (b *bounder) node(n *node, g *ir.Graph, specs []Spec) error {
	in := make([]Spec, len(n.In))
	known := true
	for i, id := range n.In {
		switch {
		case id == ir.None:
		case n.in[i] == ir.None:
			c := g.Constant(id)
			in[i], known = Spec{DType: c.DType(), Shape: c.Shape()}, false
		default:
			in[i] = specs[id]
			known = known && in[i].Value != nil
		}
	}
	if n.whole != nil {
		made, err := n.bound(b, in)
		if err != nil {
			return err
		}
		return b.keep(n, made, specs)
	}
	made, err := n.outputs(in)
	if err != nil {
		return err
	}
	for i := range made {
		if err := b.call.checkShape(&made[i]); err != nil {
			return err
		}
	}
	if err := b.charge(n, in, made); err != nil {
		return err
	}
	if known {
		if err := b.compute(n, in, made); err != nil {
			return err
		}
	}
	if err := b.keep(n, made, specs); err != nil {
		return err
	}
	b.peak = max(b.peak, b.live+n.temporary(in, made))
	return nil
}

func (b *bounder) keep(n *node, made, specs []Spec) error {
	for i, id := range n.Out {
		if id == ir.None {
			continue
		}
		if err := b.call.checkShape(&made[i]); err != nil {
			return err
		}
		specs[id] = made[i]
		b.hold(&specs[id])
	}
	return nil
}

func (b *bounder) charge(n *node, in, out []Spec) error {
	cost := Cost{Instructions: nodeOverhead}
	if n.cost != nil {
		given := n.cost(in, out)
		cost.Multiplies, cost.counted = given.Multiplies, given.counted
		cost.Instructions += given.Instructions
	}
	if n.cost == nil || cost.Instructions == nodeOverhead {
		for _, list := range [][]Spec{in, out} {
			for i := range list {
				cost.Instructions += defaultPerElement * int64(tensor.Product(list[i].Shape))
			}
		}
	}
	if !cost.counted {
		cost.Instructions += instructionsPerMultiply * cost.Multiplies
	}
	b.cost.Multiplies += cost.Multiplies
	b.cost.Instructions += cost.Instructions
	if b.cost.Multiplies < 0 || b.cost.Multiplies > b.call.limits.Work {
		return fail(ErrLimit, "more than %d multiply-adds in all", b.call.limits.Work)
	}
	return nil
}

// Estimates from above of what a canister executes, measured on the embedded network. A multiply-add is one in plain Go.
const (
	runOverhead             = 100_000
	nodeOverhead            = 20_000
	defaultPerElement       = 60
	instructionsPerMultiply = 24
)

// compute evaluates a small node whose operands are known from shapes and constants alone.
func (b *bounder) compute(n *node, in, made []Spec) error {
	total := 0
	for i := range made {
		total += tensor.Product(made[i].Shape)
	}
	for i := range in {
		total += tensor.Product(in[i].Shape)
	}
	if total > smallValue {
		return nil
	}
	operands := make([]*Tensor, len(in))
	for i := range in {
		operands[i] = in[i].Value
	}
	if n.view {
		v := operands[0].WithShape(made[0].Shape...)
		made[0].Value = &v
		return nil
	}
	out := make([]*Tensor, len(made))
	for i := range made {
		t := tensor.New(made[i].DType, made[i].Shape...)
		out[i] = &t
	}
	if err := n.compute(b.call, operands, out); err != nil {
		return err
	}
	for i := range made {
		made[i].Value = out[i]
	}
	return nil
}
