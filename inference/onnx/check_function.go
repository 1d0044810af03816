package onnx

// checkFunction settles the names of one function. Its body sees nothing of the model's graph.
func (c *checker) checkFunction(fn *Function) error {
	c.opsets, c.function = fn.Opsets, fn
	err := c.functionBody(fn)
	if err != nil {
		return inNode(err, fn.label())
	}
	return nil
}

func (c *checker) functionBody(fn *Function) error {
	if len(fn.Outputs) == 0 {
		return fault(ErrMalformed, "", "function without outputs")
	}
	parameters := newScope(nil)
	for _, name := range fn.Attributes {
		if name == "" || !parameters.define(name) {
			return fault(ErrDuplicate, "", "attribute parameter %q", name)
		}
	}
	for i := range fn.Defaults {
		a := &fn.Defaults[i]
		if !parameters.define(a.Name) {
			return fault(ErrDuplicate, "", "attribute parameter %q", a.Name)
		}
		if a.Ref != "" || len(a.bodies()) > 0 {
			return fault(ErrUnsupported, "", "default of attribute parameter %q is a reference or a graph", a.Name)
		}
	}
	names := newScope(nil)
	for _, in := range fn.Inputs {
		if in == "" || !names.define(in) {
			return fault(ErrDuplicate, "", "input %q", in)
		}
	}
	if err := c.nodes(fn.Nodes, names); err != nil {
		return err
	}
	seen := newScope(nil)
	for _, out := range fn.Outputs {
		if !names.has(out) {
			return fault(ErrDangling, "", "output %q", out)
		}
		if !seen.define(out) {
			return fault(ErrDuplicate, "", "output %q", out)
		}
	}
	return nil
}

// reference checks an attribute that stands for one of the call.
func (c *checker) reference(n *Node, a *Attribute) error {
	switch {
	case a.Ref == "":
		return nil
	case c.function == nil:
		return fault(ErrMalformed, n.Name, "attribute %q refers to %q outside a function", a.Name, a.Ref)
	}
	for _, name := range c.function.Attributes {
		if name == a.Ref {
			return nil
		}
	}
	for i := range c.function.Defaults {
		if d := &c.function.Defaults[i]; d.Name == a.Ref {
			if d.Kind != a.Kind {
				return fault(ErrMalformed, n.Name, "attribute %q of kind %d refers to %q of kind %d", a.Name, a.Kind, a.Ref, d.Kind)
			}
			return nil
		}
	}
	return fault(ErrDangling, n.Name, "attribute %q refers to %q, no parameter of the function", a.Name, a.Ref)
}

// recursion refuses functions that call each other in a circle.
func recursion(functions []Function, byKey map[functionKey]*Function) error {
	const open, done = 1, 2
	state := make(map[*Function]int, len(functions))
	var visit func(fn *Function) error
	visit = func(fn *Function) error {
		state[fn] = open
		err := calls(fn.Nodes, byKey, func(n *Node, called *Function) error {
			switch state[called] {
			case open:
				return inNode(fault(ErrCycle, n.Name, "calls %s, which calls this function", called.label()), fn.label())
			case done:
				return nil
			}
			return visit(called)
		})
		state[fn] = done
		return err
	}
	for i := range functions {
		if fn := &functions[i]; state[fn] == 0 {
			if err := visit(fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// calls visits the nodes that call functions, those in bodies too.
func calls(nodes []Node, byKey map[functionKey]*Function, visit func(*Node, *Function) error) error {
	for i := range nodes {
		n := &nodes[i]
		if fn := byKey[functionKey{n.Domain, n.Op, n.Overload}]; fn != nil {
			if err := visit(n, fn); err != nil {
				return err
			}
		}
		for j := range n.Attributes {
			for _, body := range n.Attributes[j].bodies() {
				if err := calls(body.Nodes, byKey, visit); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
