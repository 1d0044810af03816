package lower

import (
	"slices"

	"assay/inference/ir"
)

// graph is what is being built: the same as an ir.Graph, but with pointers instead of numbers, so that nodes can be
// replaced.
type graph struct {
	inputs  []*value
	nodes   []*node
	outputs []output
}

// value is an input, a constant or an output of a node.
type value struct {
	declared ir.Value     // of an input
	constant *ir.Constant // of a constant
	made     *node        // of an output of a node
	// captured is the value outside that an input of a body stands for.
	captured *value
	// sequence says that this is one, of these elements; no node of the graph ever reads it.
	sequence bool
	elements []*value
}

type output struct {
	ir.Output
	value *value
}

type node struct {
	op, name string
	in       []*value // nil where left out
	out      []*value
	attrs    []ir.Attr
	bodies   []*graph
}

// users lists the nodes that read each value, and how many outputs of the graph it is.
func (g *graph) users() (nodes map[*value][]*node, outputs map[*value]int) {
	nodes, outputs = map[*value][]*node{}, map[*value]int{}
	for _, n := range g.nodes {
		for _, in := range n.in {
			if in != nil {
				nodes[in] = append(nodes[in], n)
			}
		}
	}
	for _, o := range g.outputs {
		outputs[o.value]++
	}
	return nodes, outputs
}

// sweep drops nodes that nobody needs.
func (g *graph) sweep() {
	needed := map[*value]bool{}
	for _, o := range g.outputs {
		needed[o.value] = true
	}
	kept := make([]*node, 0, len(g.nodes))
	for i := len(g.nodes) - 1; i >= 0; i-- {
		n := g.nodes[i]
		wanted := false
		for j, out := range n.out {
			if out != nil && !needed[out] {
				n.out[j] = nil
			}
			wanted = wanted || n.out[j] != nil
		}
		if !wanted {
			continue
		}
		for _, b := range n.bodies {
			b.sweep()
		}
		for _, in := range n.in {
			if in != nil {
				needed[in] = true
			}
		}
		kept = append(kept, n)
	}
	slices.Reverse(kept)
	g.nodes = kept
}

// number turns pointers into the numbers of an ir.Graph. Constants are numbered as nodes first read them.
func (g *graph) number() *ir.Graph {
	out := &ir.Graph{}
	ids := map[*value]ir.ID{}
	for i, v := range g.inputs {
		ids[v] = ir.ID(i)
		out.Inputs = append(out.Inputs, v.declared)
	}
	constant := func(v *value) {
		if _, ok := ids[v]; v == nil || v.constant == nil || ok {
			return
		}
		ids[v] = ir.ID(len(out.Inputs) + len(out.Constants))
		out.Constants = append(out.Constants, *v.constant)
	}
	for _, n := range g.nodes {
		for _, in := range n.in {
			constant(in)
		}
	}
	for _, o := range g.outputs {
		constant(o.value)
	}
	next := out.First()
	for _, n := range g.nodes {
		made := ir.Node{Op: n.op, Name: n.name, Attrs: n.attrs}
		for _, in := range n.in {
			if in == nil {
				made.In = append(made.In, ir.None)
				continue
			}
			made.In = append(made.In, ids[in])
		}
		for _, v := range n.out {
			if v == nil {
				made.Out = append(made.Out, ir.None)
				continue
			}
			ids[v] = next
			made.Out = append(made.Out, next)
			next++
		}
		for _, b := range n.bodies {
			made.Bodies = append(made.Bodies, b.number())
		}
		out.Nodes = append(out.Nodes, made)
	}
	for _, o := range g.outputs {
		o.Output.Value = ids[o.value]
		out.Outputs = append(out.Outputs, o.Output)
	}
	return out
}
