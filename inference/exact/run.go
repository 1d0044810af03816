package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// call is what one run may use.
type call struct {
	set      *kernel.Set
	parallel Parallel
	limits   Limits
	memory   memory
	work     int64 // multiply-adds so far
	steps    int64 // nodes so far
	// watch, when not nil, sees every node of the outermost graph after its evaluation.
	watch func(index int, out []*Tensor) error
	depth int
}

func newCall(p *Program, parallel Parallel) *call {
	return &call{set: p.set, parallel: parallel, limits: p.limits, memory: memory{limit: p.limits.Total, free: p.pool.take()}}
}

// slot is a value while it lives: its tensor, and the buffer under it when that belongs to the run.
type slot struct {
	tensor *Tensor
	buffer *buffer
}

// evaluate runs the nodes in order and gives the outputs, which belong to the caller.
func (p *Program) evaluate(c *call, inputs []Tensor) ([]Tensor, error) {
	slots := make([]slot, p.values)
	for i := range inputs {
		slots[i].tensor = &inputs[i]
	}
	for i, t := range p.constants {
		if t != nil {
			slots[i].tensor = t
		}
	}
	for i := range p.nodes {
		n := &p.nodes[i]
		if c.steps++; c.steps > c.limits.Steps {
			return nil, inNode(fail(ErrLimit, "more than %d nodes evaluated", c.limits.Steps), n.Name, n.Op)
		}
		out, err := n.run(c, p.graph, slots)
		if err == nil && c.watch != nil && c.depth == 0 {
			err = c.watch(i, out)
		}
		if err != nil {
			return nil, inNode(err, n.Name, n.Op)
		}
		c.parallel(1, func(int) {}) // a node is a piece of its own to whoever counts pieces
		for _, id := range n.last {
			c.memory.release(slots[id].buffer)
			slots[id] = slot{}
		}
	}
	out := make([]Tensor, len(p.graph.Outputs))
	for i, o := range p.graph.Outputs {
		s := slots[o.Value]
		if s.buffer == nil || s.buffer.refs > 1 { // an input, a constant, or given twice
			out[i] = s.tensor.Clone()
			continue
		}
		out[i] = *s.tensor
		c.memory.detach(s.buffer)
		slots[o.Value].buffer = nil
	}
	return out, nil
}

// run evaluates one node and puts its outputs into their slots.
func (n *node) run(c *call, g *ir.Graph, slots []slot) ([]*Tensor, error) {
	in := make([]*Tensor, len(n.in))
	for i, id := range n.in {
		if id != ir.None {
			in[i] = slots[id].tensor
		}
	}
	if n.whole != nil {
		return n.runWhole(c, in, slots)
	}
	specs := specsOf(n, g, in)
	made, err := n.outputs(specs)
	if err != nil {
		return nil, err
	}
	if err := c.charge(n, specs, made); err != nil {
		return nil, err
	}
	out := make([]*Tensor, len(made))
	buffers := make([]*buffer, len(made))
	for i := range made {
		if i >= len(n.Out) || n.Out[i] == ir.None {
			continue
		}
		if err := c.checkShape(&made[i]); err != nil {
			return nil, err
		}
		if i == 0 && n.view {
			v := in[0].WithShape(made[0].Shape...)
			out[0], buffers[0] = &v, slots[n.in[0]].buffer
			if buffers[0] != nil {
				buffers[0].refs++
			}
			continue
		}
		size := tensor.Product(made[i].Shape) * made[i].DType.Size()
		if i == 0 {
			buffers[0] = n.reuse(slots, size)
		}
		if buffers[i] == nil {
			if buffers[i], err = c.memory.get(size); err != nil {
				return nil, err
			}
		}
		t, err := tensor.Over(made[i].DType, buffers[i].data[:size:size], made[i].Shape...)
		if err != nil {
			return nil, fail(ErrLimit, "%v", err)
		}
		out[i] = &t
	}
	if !n.view {
		if err := n.compute(c, in, out); err != nil {
			return nil, err
		}
	}
	for i, id := range n.Out {
		if id != ir.None {
			slots[id] = slot{out[i], buffers[i]}
		}
	}
	return out, nil
}

// outputs describes what the node makes: at least what is wanted of it.
func (n *node) outputs(in []Spec) ([]Spec, error) {
	made, err := n.infer(in)
	if err == nil && len(made) < len(n.Out) {
		return nil, fail(ErrShape, "%d outputs, it makes %d", len(n.Out), len(made))
	}
	return made, err
}

// reuse finds an operand whose memory the result can take over: nobody reads it afterwards, and it is as large.
func (n *node) reuse(slots []slot, size int) *buffer {
	for _, i := range n.inPlace {
		if i >= len(n.in) || n.in[i] == ir.None || !slices.Contains(n.last, n.in[i]) {
			continue
		}
		s := slots[n.in[i]]
		if s.buffer == nil || s.buffer.refs != 1 || len(s.tensor.Bytes()) != size {
			continue
		}
		s.buffer.refs++
		return s.buffer
	}
	return nil
}

// runWhole evaluates control flow, whose outputs are its own.
func (n *node) runWhole(c *call, in []*Tensor, slots []slot) ([]*Tensor, error) {
	c.depth++
	made, err := n.whole(c, in)
	c.depth--
	if err != nil {
		return nil, err
	}
	out := make([]*Tensor, len(made))
	for i, id := range n.Out {
		if id == ir.None {
			continue
		}
		out[i] = &made[i]
		slots[id] = slot{tensor: out[i]}
	}
	return out, nil
}

// specsOf describes the operands; of a constant that bind took in, type and shape.
func specsOf(n *node, g *ir.Graph, in []*Tensor) []Spec {
	specs := make([]Spec, len(in))
	for i, t := range in {
		switch {
		case t != nil:
			specs[i] = Spec{DType: t.DType, Shape: t.Shape, Value: t}
		case n.In[i] != ir.None:
			c := g.Constant(n.In[i])
			specs[i] = Spec{DType: c.DType(), Shape: c.Shape()}
		}
	}
	return specs
}

func (c *call) checkShape(s *Spec) error {
	if len(s.Shape) > tensor.MaxRank {
		return fail(ErrLimit, "a tensor of %d dimensions, limit %d", len(s.Shape), tensor.MaxRank)
	}
	if _, ok := tensor.Count(s.Shape, c.limits.Elements); !ok {
		return fail(ErrLimit, "a tensor of shape %v, limit %d elements", s.Shape, c.limits.Elements)
	}
	return nil
}

// mostInstructions bounds the estimate of one node, for the operators that do much with few multiply-adds.
const mostInstructions = 1 << 50

// charge counts the multiply-adds against the limit.
func (c *call) charge(n *node, in, out []Spec) error {
	if n.cost == nil {
		return nil
	}
	cost := n.cost(in, out)
	if cost.Multiplies < 0 || cost.Multiplies > c.limits.Work-c.work {
		return fail(ErrLimit, "more than %d multiply-adds in all", c.limits.Work)
	}
	if cost.Instructions < 0 || cost.Instructions > mostInstructions {
		return fail(ErrLimit, "more than %d instructions", int64(mostInstructions))
	}
	c.work += cost.Multiplies
	return nil
}

// macs multiplies sizes without overflow: anything too large is the largest number.
func macs(sizes ...int) int64 {
	n := int64(1)
	for _, s := range sizes {
		if s > 0 && n > (1<<62)/int64(s) {
			return 1 << 62
		}
		n *= int64(s)
	}
	return n
}
