package onnx

// function reads an operator that the model defines itself.
func (p *parser) function(f field) error {
	if len(p.model.Functions) >= p.limits.Functions {
		return f.fail(ErrLimit, "more than %d functions", p.limits.Functions)
	}
	if err := f.want(bytesType); err != nil {
		return err
	}
	fn := Function{Opsets: map[string]int64{}}
	err := walk(f.bytes, f.offset, "FunctionProto", numbers{1, 8, 10, 13}, func(f field) error {
		switch f.num {
		case 1:
			return p.text(f, &fn.Name)
		case 4:
			return p.appendText(f, &fn.Inputs, p.limits.Names)
		case 5:
			return p.appendText(f, &fn.Outputs, p.limits.Names)
		case 6:
			return p.appendText(f, &fn.Attributes, p.limits.Attributes)
		case 7:
			return p.node(f, &fn.Nodes)
		case 8, 14: // documentation, metadata
			return nil
		case 9:
			return p.opset(f, fn.Opsets)
		case 10:
			return p.text(f, &fn.Domain)
		case 11:
			return p.attribute(f, &fn.Defaults)
		case 12:
			return p.value(f, &fn.Values, p.limits.Nodes*2)
		case 13:
			return p.text(f, &fn.Overload)
		}
		return f.unknown()
	})
	fn.Domain = defaultDomain(fn.Domain)
	if err == nil && fn.Name == "" {
		err = f.fail(ErrMalformed, "function without a name")
	}
	if err != nil {
		return inNode(err, fn.label())
	}
	p.model.Functions = append(p.model.Functions, fn)
	return nil
}

// label names a function in errors.
func (fn *Function) label() string {
	text := fn.Name
	if fn.Domain != "" {
		text = fn.Domain + "." + text
	}
	if fn.Overload != "" {
		text += ":" + fn.Overload
	}
	return text + "()"
}

// functionKey is what tells functions apart.
type functionKey struct{ domain, name, overload string }

func (fn *Function) key() functionKey { return functionKey{fn.Domain, fn.Name, fn.Overload} }

// Function finds the function that a node calls; nil when its operator is none of the model's own.
func (g *Graph) Function(n *Node) *Function {
	for i := range g.Functions {
		if g.Functions[i].key() == (functionKey{n.Domain, n.Op, n.Overload}) {
			return &g.Functions[i]
		}
	}
	return nil
}
