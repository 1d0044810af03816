package exact

import (
	"assay/commitment"
	"assay/inference/ir"
)

// NodeTrace is what a trace holds of one node of the outermost graph: the commitments of its wanted outputs, in order.
type NodeTrace struct {
	Name, Op string
	Outputs  []commitment.Hash
}

// Trace runs the program and commits to the output of every node, in the graph's order. keep, when not nil, is shown
// the outputs of each node while they live; it must copy what it needs.
func (p *Program) Trace(inputs map[string]Tensor, parallel Parallel, keep func(node int, out []*Tensor)) ([]NodeTrace, map[string]Tensor, error) {
	bound, err := p.bind(inputs)
	if err != nil {
		return nil, nil, err
	}
	if parallel == nil {
		parallel = serial
	}
	var trace []NodeTrace
	c := newCall(p, parallel)
	c.watch = func(index int, out []*Tensor) error {
		n := NodeTrace{Name: p.nodes[index].Name, Op: p.nodes[index].Op}
		for i, t := range out {
			if t == nil || i >= len(p.graph.Nodes[index].Out) || p.graph.Nodes[index].Out[i] == ir.None {
				continue
			}
			root, err := ir.TensorRoot(t)
			if err != nil {
				return err
			}
			n.Outputs = append(n.Outputs, root)
		}
		if keep != nil {
			keep(index, out)
		}
		trace = append(trace, n)
		return nil
	}
	results, err := p.run(c, bound)
	return trace, results, err
}
