package onnx

import (
	"maps"
	"slices"
)

// Inline gives a graph of the same meaning in which no node calls a function of the model. What a function does stands
// in the place of its call, under the names "call/inner", or others where these are taken. The limits are those
// of [Parse]; they hold for the nodes and names that come out. The graph given is not changed and shares constants with the
// result.
//
// A function may be written in another version of an operator set than the model; it is refused when one of its operators means
// something else there.
func Inline(g *Graph, limits Limits) (*Graph, error) {
	x := inliner{
		limits: limits.withDefaults(), functions: make(map[functionKey]*Function, len(g.Functions)),
		opsets: map[string]int64{}, values: fresh{}, nodes: fresh{},
	}
	maps.Copy(x.opsets, g.Opsets)
	for i := range g.Functions {
		x.functions[g.Functions[i].key()] = &g.Functions[i]
	}
	if err := recursion(g.Functions, x.functions); err != nil {
		return nil, err
	}
	x.collect(g)
	out, err := x.graph(g, nil)
	if err != nil {
		return nil, err
	}
	out.Functions, out.Opsets, out.Opset = nil, x.opsets, x.opsets[""]
	return out, nil
}

// The room that inlining may take beyond the number of nodes.
const (
	entriesPerNode = 16      // names and attributes, on average
	maxFreshBytes  = 1 << 26 // of new names
)

type inliner struct {
	limits        Limits
	functions     map[functionKey]*Function
	opsets        map[string]int64 // of the result
	values, nodes fresh
	// What has been written so far.
	count, entries, bytes int
}

// fresh are the names in use, with the number of the last variant that was tried.
type fresh map[string]int

func (f fresh) name(base string) string {
	name := base
	for {
		if _, taken := f[name]; !taken {
			f[name] = 1
			return name
		}
		f[base]++
		name = sprintf("%s~%d", base, f[base])
	}
}

// collect notes every name of a graph and its bodies.
func (x *inliner) collect(g *Graph) {
	for i := range g.Initializers {
		x.values[g.Initializers[i].Name] = 1
	}
	for i := range g.Sparse {
		x.values[g.Sparse[i].Values.Name] = 1
	}
	for _, v := range g.Inputs {
		x.values[v.Name] = 1
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		x.nodes[n.Name] = 1
		for _, out := range n.Outputs {
			x.values[out] = 1
		}
		for j := range n.Attributes {
			for _, body := range n.Attributes[j].bodies() {
				x.collect(body)
			}
		}
	}
}

// graph rewrites the nodes of a graph or body; in a frame its own names become new ones too.
func (x *inliner) graph(g *Graph, fr *frame) (*Graph, error) {
	out := *g
	if fr != nil {
		if err := x.spend(len(g.Inputs)+len(g.Outputs)+len(g.Initializers)+len(g.Sparse), "", ""); err != nil {
			return nil, err
		}
		out.Initializers, out.Sparse = slices.Clone(g.Initializers), slices.Clone(g.Sparse)
		out.Inputs, out.Outputs, out.Values = slices.Clone(g.Inputs), slices.Clone(g.Outputs), nil
		for i := range out.Initializers {
			out.Initializers[i].Name = fr.value(out.Initializers[i].Name)
		}
		for i := range out.Sparse {
			out.Sparse[i].Values.Name = fr.value(out.Sparse[i].Values.Name)
		}
		for i := range out.Inputs {
			out.Inputs[i].Name = fr.value(out.Inputs[i].Name)
		}
	}
	var err error
	if out.Nodes, err = x.sequence(g.Nodes, fr); err != nil {
		return nil, err
	}
	for i := range out.Outputs {
		if fr == nil {
			break
		}
		if out.Outputs[i].Name = fr.value(out.Outputs[i].Name); out.Outputs[i].Name == "" {
			return nil, fault(ErrDangling, "", "output %q is an input that the call leaves out", g.Outputs[i].Name)
		}
	}
	if fr != nil && fr.err != nil {
		return nil, fr.err
	}
	return &out, nil
}

// sequence rewrites nodes one after another.
func (x *inliner) sequence(nodes []Node, fr *frame) ([]Node, error) {
	var out []Node
	for i := range nodes {
		n, err := x.node(&nodes[i], fr)
		if err != nil {
			return nil, err
		}
		if fn := x.functions[functionKey{n.Domain, n.Op, n.Overload}]; fn != nil {
			body, err := x.call(&n, fn)
			if err != nil {
				return nil, err
			}
			out = append(out, body...)
			continue
		}
		if err := x.compatible(&n, fr); err != nil {
			return nil, err
		}
		if x.count++; x.count > x.limits.Nodes {
			return nil, fault(ErrLimit, n.Name, "more than %d nodes after inlining", x.limits.Nodes)
		}
		out = append(out, n)
	}
	return out, nil
}

// spend counts what a node's names and attributes take.
func (x *inliner) spend(entries int, node, name string) error {
	x.entries += entries
	x.bytes += len(name)
	if x.entries > x.limits.Nodes*entriesPerNode || x.bytes > maxFreshBytes {
		return fault(ErrLimit, node, "inlining makes too many names")
	}
	return nil
}

// node gives a node in the names of the graph it goes to.
func (x *inliner) node(n *Node, fr *frame) (Node, error) {
	out := *n
	if fr != nil {
		out.Name = x.nodes.name(fr.path(n.Name))
		if err := x.spend(len(n.Inputs)+len(n.Outputs), out.Name, out.Name); err != nil {
			return out, err
		}
		out.Inputs, out.Outputs = fr.list(n.Inputs), fr.list(n.Outputs)
		if fr.err != nil {
			return out, fr.err
		}
	}
	if !rewritten(n.Attributes) {
		return out, nil
	}
	if err := x.spend(len(n.Attributes), out.Name, ""); err != nil {
		return out, err
	}
	var err error
	out.Attributes, err = x.attributes(n.Attributes, fr)
	return out, inNodeIf(err, out.Name)
}

func inNodeIf(err error, name string) error {
	if err == nil {
		return nil
	}
	return inNode(err, name)
}

// rewritten reports whether attributes can come out different from how they went in.
func rewritten(list []Attribute) bool {
	return slices.ContainsFunc(list, func(a Attribute) bool { return a.Ref != "" || len(a.bodies()) > 0 })
}

func (x *inliner) attributes(list []Attribute, fr *frame) ([]Attribute, error) {
	var out []Attribute
	for _, a := range list {
		if a.Ref != "" {
			bound, ok := fr.attribute(a.Ref)
			if !ok {
				continue // an optional attribute that the call leaves out
			}
			if bound.Kind != a.Kind {
				return nil, fault(ErrMalformed, "", "attribute %q of kind %d takes %q of kind %d", a.Name, a.Kind, a.Ref, bound.Kind)
			}
			bound.Name = a.Name
			out = append(out, bound)
			continue
		}
		if a.Graph != nil {
			body, err := x.graph(a.Graph, fr)
			if err != nil {
				return nil, err
			}
			a.Graph = body
		}
		if a.Graphs != nil {
			a.Graphs = slices.Clone(a.Graphs)
			for i, g := range a.Graphs {
				body, err := x.graph(g, fr)
				if err != nil {
					return nil, err
				}
				a.Graphs[i] = body
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// compatible makes sure that the operator means in the result what it meant where the node stood.
func (x *inliner) compatible(n *Node, fr *frame) error {
	if fr == nil {
		return nil
	}
	here, there := fr.function.Opsets[n.Domain], x.opsets[n.Domain]
	if here == 0 {
		return fault(ErrMalformed, n.Name, "domain %q is not imported by %s", n.Domain, fr.function.label())
	}
	if there == 0 {
		x.opsets[n.Domain] = here
		return nil
	}
	if here == there {
		return nil
	}
	a, known := Operator(n.Domain, n.Op, here)
	b, still := Operator(n.Domain, n.Op, there)
	if !ours(n.Domain) || !known || !still || a.Since < b.Same || a.Since > b.Since {
		return fault(ErrUnsupported, n.Name, "%s of version %d of operator set %q in %s, the model imports version %d",
			n.Op, here, n.Domain, fr.function.label(), there)
	}
	return nil
}
