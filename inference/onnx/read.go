package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"
)

type numbers = []protowire.Number

type parser struct {
	limits   Limits
	graph    *Graph
	hasGraph bool
}

func (p *parser) model(data []byte) error {
	g := p.graph
	err := walk(data, 0, "ModelProto", numbers{1, 2, 3, 4, 5, 6, 7}, func(f field) error {
		switch f.num {
		case 1:
			return f.int(&g.IRVersion)
		case 2, 3, 4, 5, 6, 14: // producer, domain, model version, documentation, metadata
			return nil
		case 7:
			p.hasGraph = true
			return p.readGraph(f)
		case 8:
			return p.opset(f)
		case 20:
			return f.fail(ErrUnsupported, "training information")
		case 25:
			return f.fail(ErrUnsupported, "functions local to the model")
		}
		return f.unknown()
	})
	if err != nil {
		return err
	}
	if !p.hasGraph {
		return &Error{Kind: ErrMalformed, Offset: len(data), Reason: "no graph"}
	}
	if g.IRVersion < 3 || g.IRVersion > 14 {
		return &Error{Kind: ErrUnsupported, Offset: -1, Reason: sprintf("format version %d, known are 3 to 14", g.IRVersion)}
	}
	version, ok := g.Opsets[""]
	if !ok || version < 1 {
		return &Error{Kind: ErrMalformed, Offset: -1, Reason: "no version of the default operator set"}
	}
	g.Opset = version
	return nil
}

// defaultDomain maps the two spellings of the default operator set to one.
func defaultDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

func (p *parser) opset(f field) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	var domain string
	var version int64
	err := walk(f.bytes, f.offset, "OperatorSetIdProto", numbers{1, 2}, func(f field) error {
		switch f.num {
		case 1:
			return p.text(f, &domain)
		case 2:
			return f.int(&version)
		}
		return f.unknown()
	})
	if err != nil {
		return err
	}
	domain = defaultDomain(domain)
	if _, twice := p.graph.Opsets[domain]; twice {
		return f.fail(ErrDuplicate, "operator set %q imported twice", domain)
	}
	if len(p.graph.Opsets) >= p.limits.Attributes {
		return f.fail(ErrLimit, "more than %d operator sets", p.limits.Attributes)
	}
	p.graph.Opsets[domain] = version
	return nil
}

func (p *parser) readGraph(f field) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	g := p.graph
	return walk(f.bytes, f.offset, "GraphProto", numbers{2, 10}, func(f field) error {
		switch f.num {
		case 1:
			return p.node(f)
		case 2:
			return p.text(f, &g.Name)
		case 5:
			return p.initializer(f)
		case 10, 13, 14, 16: // documentation, shapes of inner values, quantisation notes, metadata
			return nil
		case 11:
			return p.value(f, &g.Inputs)
		case 12:
			return p.value(f, &g.Outputs)
		case 15:
			return f.fail(ErrUnsupported, "sparse constants")
		}
		return f.unknown()
	})
}

func (p *parser) initializer(f field) error {
	g := p.graph
	if len(g.Initializers) >= p.limits.Initializers {
		return f.fail(ErrLimit, "more than %d constants", p.limits.Initializers)
	}
	t, err := p.tensor(f)
	if err != nil {
		return err
	}
	if t.Name == "" {
		return f.fail(ErrMalformed, "constant without a name")
	}
	g.Initializers = append(g.Initializers, t)
	return nil
}

func (p *parser) node(f field) error {
	g := p.graph
	if len(g.Nodes) >= p.limits.Nodes {
		return f.fail(ErrLimit, "more than %d nodes", p.limits.Nodes)
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	var n Node
	err := walk(f.bytes, f.offset, "NodeProto", numbers{3, 4, 6, 7, 8}, func(f field) error {
		switch f.num {
		case 1:
			return p.appendText(f, &n.Inputs, p.limits.Names)
		case 2:
			return p.appendText(f, &n.Outputs, p.limits.Names)
		case 3:
			return p.text(f, &n.Name)
		case 4:
			return p.text(f, &n.Op)
		case 5:
			return p.attribute(f, &n)
		case 6, 9: // documentation, metadata
			return nil
		case 7:
			return p.text(f, &n.Domain)
		case 8:
			return f.fail(ErrUnsupported, "overloaded functions")
		}
		return f.unknown()
	})
	if n.Name == "" {
		n.Name = sprintf("%s#%d", n.Op, len(g.Nodes))
	}
	if err == nil && n.Op == "" {
		err = f.fail(ErrMalformed, "node without an operator")
	}
	if err != nil {
		return inNode(err, n.Name)
	}
	n.Domain = defaultDomain(n.Domain)
	g.Nodes = append(g.Nodes, n)
	return nil
}

// inNode adds the node's name to an error that has none.
func inNode(err error, name string) error {
	if e, ok := err.(*Error); ok && e.Node == "" {
		e.Node = name
	}
	return err
}

func (p *parser) value(f field, into *[]Value) error {
	if len(*into) >= p.limits.Names {
		return f.fail(ErrLimit, "more than %d declared values", p.limits.Names)
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	var v Value
	err := walk(f.bytes, f.offset, "ValueInfoProto", numbers{1, 2, 3}, func(f field) error {
		switch f.num {
		case 1:
			return p.text(f, &v.Name)
		case 2:
			return p.valueType(f, &v)
		case 3, 4: // documentation, metadata
			return nil
		}
		return f.unknown()
	})
	if err != nil {
		return err
	}
	if v.Name == "" || v.DType.Size() == 0 {
		return f.fail(ErrMalformed, "declared value %q without a name or a tensor type", v.Name)
	}
	*into = append(*into, v)
	return nil
}

func (p *parser) valueType(f field, v *Value) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	return walk(f.bytes, f.offset, "TypeProto", numbers{1, 6}, func(f field) error {
		switch f.num {
		case 1:
			return p.tensorType(f, v)
		case 6: // denotation
			return nil
		case 4, 5, 8, 9:
			return f.fail(ErrUnsupported, "value %q is not a dense tensor", v.Name)
		}
		return f.unknown()
	})
}

func (p *parser) tensorType(f field, v *Value) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	return walk(f.bytes, f.offset, "TypeProto.Tensor", numbers{1, 2}, func(f field) error {
		switch f.num {
		case 1:
			return f.dtype(&v.DType)
		case 2:
			return p.shape(f, v)
		}
		return f.unknown()
	})
}

func (f field) dtype(into *DType) error {
	if err := f.want(protowire.VarintType); err != nil {
		return err
	}
	if f.bits > 64 || DType(f.bits).Size() == 0 {
		return f.fail(ErrUnsupported, "element type %d", f.bits)
	}
	*into = DType(f.bits)
	return nil
}

func (p *parser) shape(f field, v *Value) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	v.Shape = []Dim{}
	return walk(f.bytes, f.offset, "TensorShapeProto", nil, func(f field) error {
		if f.num != 1 {
			return f.unknown()
		}
		if len(v.Shape) >= p.limits.Rank {
			return f.fail(ErrLimit, "more than %d dimensions", p.limits.Rank)
		}
		if err := f.want(protowire.BytesType); err != nil {
			return err
		}
		d, err := p.dim(f)
		v.Shape = append(v.Shape, d)
		return err
	})
}

func (p *parser) dim(f field) (Dim, error) {
	d := Dim{Size: -1}
	given := 0
	err := walk(f.bytes, f.offset, "TensorShapeProto.Dimension", numbers{1, 2, 3}, func(f field) error {
		switch f.num {
		case 1:
			given++
			if err := f.int(&d.Size); err != nil {
				return err
			}
			if d.Size < 0 || d.Size > int64(p.limits.Elements) {
				return f.fail(ErrLimit, "dimension %d, limit %d", d.Size, p.limits.Elements)
			}
			return nil
		case 2:
			given++
			return p.text(f, &d.Symbol)
		case 3: // denotation
			return nil
		}
		return f.unknown()
	})
	if err == nil && given > 1 {
		err = f.fail(ErrMalformed, "dimension with both a size and a symbol")
	}
	return d, err
}
