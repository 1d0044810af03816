package rewrite

import (
	"slices"

	"assay/inference/onnx"
)

// clean drops nodes and constants that nothing reads any more, and the types declared for values that are gone.
func clean(g *onnx.Graph) {
	needed := map[string]bool{}
	for _, v := range g.Outputs {
		needed[v.Name] = true
	}
	kept := make([]onnx.Node, 0, len(g.Nodes))
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		if !slices.ContainsFunc(n.Outputs, func(out string) bool { return needed[out] }) {
			continue
		}
		reads(&n, func(name string) { needed[name] = true })
		kept = append(kept, n)
	}
	slices.Reverse(kept)
	g.Nodes = kept
	g.Initializers = slices.DeleteFunc(g.Initializers, func(t onnx.Tensor) bool { return !needed[t.Name] })
	made := map[string]bool{}
	for i := range kept {
		for _, out := range kept[i].Outputs {
			made[out] = true
		}
	}
	g.Values = slices.DeleteFunc(slices.Clone(g.Values), func(v onnx.Value) bool { return !made[v.Name] })
}

// reads calls f for every name that a node reads, also from inside its bodies.
func reads(n *onnx.Node, f func(name string)) {
	for _, in := range n.Inputs {
		f(in)
	}
	for _, body := range bodies(n) {
		for i := range body.Nodes {
			reads(&body.Nodes[i], f)
		}
		for _, out := range body.Outputs {
			f(out.Name)
		}
	}
}

func bodies(n *onnx.Node) []*onnx.Graph {
	var list []*onnx.Graph
	for i := range n.Attributes {
		if body := n.Attributes[i].Graph; body != nil {
			list = append(list, body)
		}
		list = append(list, n.Attributes[i].Graphs...)
	}
	return list
}

// walk visits every node, also those inside bodies and functions.
func walk(g *onnx.Graph, f func(*onnx.Node) error) error {
	visit := func(nodes []onnx.Node) error {
		for i := range nodes {
			if err := f(&nodes[i]); err != nil {
				return err
			}
			for _, body := range bodies(&nodes[i]) {
				if err := walk(body, f); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := visit(g.Nodes); err != nil {
		return err
	}
	for i := range g.Functions {
		if err := visit(g.Functions[i].Nodes); err != nil {
			return err
		}
	}
	return nil
}

// usedNames are all names of values and nodes, so that new ones differ.
func usedNames(g *onnx.Graph) map[string]bool {
	names := map[string]bool{}
	add := func(g *onnx.Graph) {
		for i := range g.Initializers {
			names[g.Initializers[i].Name] = true
		}
		for _, v := range slices.Concat(g.Inputs, g.Outputs) {
			names[v.Name] = true
		}
	}
	add(g)
	// The visitor never fails, so neither does the walk.
	_ = walk(g, func(n *onnx.Node) error {
		names[n.Name] = true
		for _, out := range n.Outputs {
			names[out] = true
		}
		for _, body := range bodies(n) {
			add(body)
		}
		return nil
	})
	return names
}
