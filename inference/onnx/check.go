package onnx

import "slices"

// scope holds the names that are defined in a graph so far; a body sees those of the graphs around it.
type scope struct {
	names map[string]bool
	outer *scope
}

func newScope(outer *scope) *scope { return &scope{names: map[string]bool{}, outer: outer} }

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.names[name] {
			return true
		}
	}
	return false
}

// define adds a name; false when it is visible already.
func (s *scope) define(name string) bool {
	if s.has(name) {
		return false
	}
	s.names[name] = true
	return true
}

// checker settles names: each defined once, and before it is read.
type checker struct {
	functions map[functionKey]*Function
	opsets    map[string]int64 // of the model, or of the function being checked
	function  *Function        // being checked; nil in the model's graph
}

func fault(kind error, node, format string, args ...any) *Error {
	return &Error{Kind: kind, Offset: -1, Node: node, Reason: sprintf(format, args...)}
}

func check(g *Graph) error {
	c := checker{functions: make(map[functionKey]*Function, len(g.Functions))}
	for i := range g.Functions {
		fn := &g.Functions[i]
		if c.functions[fn.key()] != nil {
			return fault(ErrDuplicate, fn.label(), "two functions of this name")
		}
		c.functions[fn.key()] = fn
	}
	for i := range g.Functions {
		if err := c.checkFunction(&g.Functions[i]); err != nil {
			return err
		}
	}
	if err := recursion(g.Functions, c.functions); err != nil {
		return err
	}
	c.opsets, c.function = g.Opsets, nil
	return c.graph(g, nil)
}

// graph checks the model's graph, whose outer is nil, or a body.
func (c *checker) graph(g *Graph, outer *scope) error {
	names := newScope(outer)
	if err := g.constants(names); err != nil {
		return err
	}
	if err := g.inputs(names); err != nil {
		return err
	}
	if err := c.nodes(g.Nodes, names); err != nil {
		return err
	}
	seen := make(map[string]bool, len(g.Outputs))
	for _, v := range g.Outputs {
		if !names.has(v.Name) {
			return &Error{Kind: ErrDangling, Offset: -1, Reason: sprintf("output %q", v.Name), missing: v.Name}
		}
		if seen[v.Name] {
			return fault(ErrDuplicate, "", "output %q", v.Name)
		}
		seen[v.Name] = true
		if outer == nil && !v.typed() {
			return fault(ErrMalformed, "", "output %q without a type", v.Name)
		}
	}
	if len(g.Outputs) == 0 {
		return fault(ErrMalformed, "", "graph without outputs")
	}
	return nil
}

func (g *Graph) constants(names *scope) error {
	for i := range g.Initializers {
		if t := &g.Initializers[i]; !names.define(t.Name) {
			return fault(ErrDuplicate, "", "constant %q", t.Name)
		}
	}
	for i := range g.Sparse {
		if t := &g.Sparse[i].Values; !names.define(t.Name) {
			return fault(ErrDuplicate, "", "constant %q", t.Name)
		}
	}
	return nil
}

// inputs defines the inputs and, in the model's graph, drops those that are constants.
func (g *Graph) inputs(names *scope) error {
	constants := make(map[string]*Tensor, len(g.Initializers))
	for i := range g.Initializers {
		constants[g.Initializers[i].Name] = &g.Initializers[i]
	}
	var kept []Value
	seen := make(map[string]bool, len(g.Inputs))
	for _, v := range g.Inputs {
		if seen[v.Name] {
			return fault(ErrDuplicate, "", "input %q", v.Name)
		}
		seen[v.Name] = true
		if names.outer == nil && !v.typed() {
			return fault(ErrMalformed, "", "input %q without a type", v.Name)
		}
		if t, constant := constants[v.Name]; constant && names.outer == nil {
			if !v.holds(t) {
				return fault(ErrMalformed, "", "input %q declares another type or shape than its constant", v.Name)
			}
			continue
		}
		if !names.define(v.Name) {
			return fault(ErrDuplicate, "", "input %q is already defined", v.Name)
		}
		kept = append(kept, v)
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

func (c *checker) nodes(nodes []Node, names *scope) error {
	seen := make(map[string]bool, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		if seen[n.Name] {
			return fault(ErrDuplicate, n.Name, "two nodes of this name")
		}
		seen[n.Name] = true
		if err := c.operator(n); err != nil {
			return err
		}
		for _, in := range n.Inputs {
			if in != "" && !names.has(in) {
				return explain(nodes, i, in)
			}
		}
		if err := c.attributes(nodes, i, names); err != nil {
			return err
		}
		if err := n.define(names); err != nil {
			return err
		}
	}
	return nil
}

// operator checks that the node's domain is known and, when it calls a function, that the call fits.
func (c *checker) operator(n *Node) error {
	if fn := c.functions[functionKey{n.Domain, n.Op, n.Overload}]; fn != nil {
		if len(n.Inputs) > len(fn.Inputs) || len(n.Outputs) > len(fn.Outputs) {
			return fault(ErrMalformed, n.Name, "call of %s with %d inputs and %d outputs, it has %d and %d",
				fn.label(), len(n.Inputs), len(n.Outputs), len(fn.Inputs), len(fn.Outputs))
		}
		return nil
	}
	if n.Overload != "" {
		return fault(ErrDangling, n.Name, "no function %q of overload %q", n.Op, n.Overload)
	}
	version, ok := c.opsets[n.Domain]
	switch {
	case !ok && n.Domain == "":
		return fault(ErrMalformed, n.Name, "no version of the default operator set")
	case !ok:
		return fault(ErrMalformed, n.Name, "domain %q is not imported", n.Domain)
	case n.Domain == "" && version < firstOpset:
		return old(n, version)
	}
	return nil
}

// old accepts a node of an operator set before the first that is known when its operator has not changed up to there.
func old(n *Node, version int64) error {
	then, a := Operator("", n.Op, version)
	now, b := Operator("", n.Op, firstOpset)
	if !a || !b || then.Since < now.Same {
		return fault(ErrUnsupported, n.Name, "%s of version %d of the default operator set, known are %d to %d", n.Op, version, firstOpset, lastOpset)
	}
	return nil
}

// attributes checks the references and bodies among the attributes of node at.
func (c *checker) attributes(nodes []Node, at int, names *scope) error {
	n := &nodes[at]
	for i := range n.Attributes {
		a := &n.Attributes[i]
		if err := c.reference(n, a); err != nil {
			return err
		}
		for _, body := range a.bodies() {
			err := c.graph(body, names)
			if e, ok := err.(*Error); ok && e.missing != "" {
				if more := explain(nodes, at, e.missing); more.Kind != ErrDangling {
					return more
				}
			}
			if err != nil {
				return inNode(err, n.Name)
			}
		}
	}
	return nil
}

func (n *Node) define(names *scope) error {
	any := false
	for _, out := range n.Outputs {
		if out == "" {
			continue
		}
		if !names.define(out) {
			return fault(ErrDuplicate, n.Name, "value %q is already defined", out)
		}
		any = true
	}
	if !any {
		return fault(ErrMalformed, n.Name, "no outputs")
	}
	return nil
}
