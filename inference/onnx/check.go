package onnx

import "slices"

// check settles names: each defined once, and before it is read.
func (p *parser) check() error {
	g := p.graph
	defined := make(map[string]bool, len(g.Initializers)+len(g.Inputs)+len(g.Nodes))
	for _, t := range g.Initializers {
		if defined[t.Name] {
			return &Error{Kind: ErrDuplicate, Offset: -1, Reason: sprintf("constant %q", t.Name)}
		}
		defined[t.Name] = true
	}
	if err := p.inputs(defined); err != nil {
		return err
	}
	if err := g.nodes(defined); err != nil {
		return err
	}
	seen := make(map[string]bool, len(g.Outputs))
	for _, v := range g.Outputs {
		if !defined[v.Name] {
			return &Error{Kind: ErrDangling, Offset: -1, Reason: sprintf("output %q", v.Name)}
		}
		if seen[v.Name] {
			return &Error{Kind: ErrDuplicate, Offset: -1, Reason: sprintf("output %q", v.Name)}
		}
		seen[v.Name] = true
	}
	if len(g.Outputs) == 0 {
		return &Error{Kind: ErrMalformed, Offset: -1, Reason: "graph without outputs"}
	}
	return nil
}

// inputs defines the inputs and drops those that are constants.
func (p *parser) inputs(defined map[string]bool) error {
	g := p.graph
	constants := make(map[string]*Tensor, len(g.Initializers))
	for i := range g.Initializers {
		constants[g.Initializers[i].Name] = &g.Initializers[i]
	}
	var kept []Value
	seen := make(map[string]bool, len(g.Inputs))
	for _, v := range g.Inputs {
		if seen[v.Name] {
			return &Error{Kind: ErrDuplicate, Offset: -1, Reason: sprintf("input %q", v.Name)}
		}
		seen[v.Name] = true
		t, constant := constants[v.Name]
		if !constant {
			defined[v.Name] = true
			kept = append(kept, v)
			continue
		}
		if !v.holds(t) {
			return &Error{Kind: ErrMalformed, Offset: -1, Reason: sprintf("input %q declares another type or shape than its constant", v.Name)}
		}
	}
	g.Inputs = kept
	return nil
}

func (v Value) holds(t *Tensor) bool {
	if v.DType != t.DType {
		return false
	}
	if v.Shape == nil {
		return true
	}
	return slices.EqualFunc(v.Shape, t.Shape, func(d Dim, size int64) bool { return d.Size < 0 || d.Size == size })
}

func (g *Graph) nodes(defined map[string]bool) error {
	names := make(map[string]bool, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if names[n.Name] {
			return &Error{Kind: ErrDuplicate, Offset: -1, Node: n.Name, Reason: "two nodes of this name"}
		}
		names[n.Name] = true
		if _, ok := g.Opsets[n.Domain]; !ok {
			return &Error{Kind: ErrMalformed, Offset: -1, Node: n.Name, Reason: sprintf("domain %q is not imported", n.Domain)}
		}
		for _, in := range n.Inputs {
			if in != "" && !defined[in] {
				return g.explain(i, in)
			}
		}
		if err := n.define(defined); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) define(defined map[string]bool) error {
	any := false
	for _, out := range n.Outputs {
		if out == "" {
			continue
		}
		if defined[out] {
			return &Error{Kind: ErrDuplicate, Offset: -1, Node: n.Name, Reason: sprintf("value %q is already defined", out)}
		}
		defined[out] = true
		any = true
	}
	if !any {
		return &Error{Kind: ErrMalformed, Offset: -1, Node: n.Name, Reason: "no outputs"}
	}
	return nil
}

// explain says why the input in of node at is undefined there: nobody makes it, a later node makes it from
// this node's own output, or the nodes are merely out of order.
func (g *Graph) explain(at int, in string) error {
	n := &g.Nodes[at]
	maker := make(map[string]int, len(g.Nodes))
	for i := range g.Nodes {
		for _, out := range g.Nodes[i].Outputs {
			if _, ok := maker[out]; !ok && out != "" {
				maker[out] = i
			}
		}
	}
	start, ok := maker[in]
	if !ok {
		return &Error{Kind: ErrDangling, Offset: -1, Node: n.Name, Reason: sprintf("input %q", in)}
	}
	visited := make([]bool, len(g.Nodes))
	for queue := []int{start}; len(queue) > 0; {
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if i == at {
			return &Error{Kind: ErrCycle, Offset: -1, Node: n.Name, Reason: sprintf("input %q depends on this node", in)}
		}
		if visited[i] {
			continue
		}
		visited[i] = true
		for _, need := range g.Nodes[i].Inputs {
			if j, ok := maker[need]; ok && !visited[j] {
				queue = append(queue, j)
			}
		}
	}
	return &Error{Kind: ErrOrder, Offset: -1, Node: n.Name, Reason: sprintf("input %q is made by the later node %q", in, g.Nodes[start].Name)}
}
