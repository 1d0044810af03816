package onnx

// explain says why the name in, which node at or its bodies read, is undefined there: nobody makes it, a later
// node makes it from this node's own output, or the nodes are merely out of order.
func explain(nodes []Node, at int, in string) *Error {
	n := &nodes[at]
	maker := make(map[string]int, len(nodes))
	for i := range nodes {
		for _, out := range nodes[i].Outputs {
			if _, ok := maker[out]; !ok && out != "" {
				maker[out] = i
			}
		}
	}
	start, ok := maker[in]
	if !ok {
		return &Error{Kind: ErrDangling, Offset: -1, Node: n.Name, Reason: sprintf("input %q", in), missing: in}
	}
	if reaches(nodes, maker, start, at) {
		return fault(ErrCycle, n.Name, "input %q depends on this node", in)
	}
	return fault(ErrOrder, n.Name, "input %q is made by the later node %q", in, nodes[start].Name)
}

// reaches reports whether node from needs, through others or at once, what node to makes.
func reaches(nodes []Node, maker map[string]int, from, to int) bool {
	visited := make([]bool, len(nodes))
	for queue := []int{from}; len(queue) > 0; {
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if i == to {
			return true
		}
		if visited[i] {
			continue
		}
		visited[i] = true
		nodes[i].reads(func(need string) {
			if j, ok := maker[need]; ok && !visited[j] {
				queue = append(queue, j)
			}
		})
	}
	return false
}

// reads calls visit with each name that the node takes from its graph: its inputs, and what its bodies read
// without defining it.
func (n *Node) reads(visit func(string)) {
	for _, in := range n.Inputs {
		if in != "" {
			visit(in)
		}
	}
	for i := range n.Attributes {
		for _, body := range n.Attributes[i].bodies() {
			body.captures(visit)
		}
	}
}

// captures calls visit with each name that a body reads from the graphs around it.
func (g *Graph) captures(visit func(string)) {
	own := map[string]bool{}
	for i := range g.Initializers {
		own[g.Initializers[i].Name] = true
	}
	for i := range g.Sparse {
		own[g.Sparse[i].Values.Name] = true
	}
	for _, v := range g.Inputs {
		own[v.Name] = true
	}
	for i := range g.Nodes {
		for _, out := range g.Nodes[i].Outputs {
			own[out] = true
		}
	}
	outside := func(name string) {
		if !own[name] {
			visit(name)
		}
	}
	for i := range g.Nodes {
		g.Nodes[i].reads(outside)
	}
	for _, v := range g.Outputs {
		outside(v.Name)
	}
}
