package onnx

import (
	"strings"
	"unicode"

	"google.golang.org/protobuf/encoding/protowire"
)

type numbers = []protowire.Number

const (
	bytesType  = protowire.BytesType
	varintType = protowire.VarintType
)

// The versions that this reader knows.
const (
	firstFormat, lastFormat = 3, 14
	firstOpset, lastOpset   = 7, 28
)

type parser struct {
	limits Limits
	files  External
	opened map[string][]byte
	model  *Graph
	// What the limits count over the whole model, and how deep the reading is.
	nodes, constants, depth, typeDepth int
}

func (p *parser) readModel(data []byte) error {
	g := p.model
	hasGraph := false
	err := walk(data, 0, "ModelProto", numbers{1, 2, 3, 4, 5, 6, 7}, func(f field) error {
		switch f.num {
		case 1:
			return f.int(&g.IRVersion)
		case 2, 3, 4, 5, 6, 14, 26: // producer, domain, model version, documentation, metadata, device hints
			return nil
		case 7:
			hasGraph = true
			return p.graph(f, g)
		case 8:
			return p.opset(f, g.Opsets)
		case 20:
			return f.fail(ErrUnsupported, "training information")
		case 25:
			return p.function(f)
		}
		return f.unknown()
	})
	if err != nil {
		return err
	}
	if !hasGraph {
		return &Error{Kind: ErrMalformed, Offset: len(data), Reason: "no graph"}
	}
	if g.IRVersion < firstFormat || g.IRVersion > lastFormat {
		return &Error{Kind: ErrUnsupported, Offset: -1, Reason: sprintf("format version %d, known are %d to %d", g.IRVersion, firstFormat, lastFormat)}
	}
	return nil
}

// defaultDomain maps the two spellings of the default operator set to one.
func defaultDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

func (p *parser) opset(f field, into map[string]int64) error {
	if err := f.want(bytesType); err != nil {
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
	if version < 1 {
		return f.fail(ErrMalformed, "version %d of operator set %q", version, domain)
	}
	if domain == "" && version > lastOpset {
		return f.fail(ErrUnsupported, "version %d of the default operator set, known are %d to %d", version, firstOpset, lastOpset)
	}
	if before, twice := into[domain]; twice && before != version { // some exporters say the same twice
		return f.fail(ErrDuplicate, "operator set %q imported as version %d and %d", domain, before, version)
	}
	if len(into) >= p.limits.Attributes {
		return f.fail(ErrLimit, "more than %d operator sets", p.limits.Attributes)
	}
	into[domain] = version
	return nil
}

// body reads a graph inside an attribute.
func (p *parser) body(f field) (*Graph, error) {
	if p.depth >= p.limits.Depth {
		return nil, f.fail(ErrLimit, "bodies more than %d deep", p.limits.Depth)
	}
	p.depth++
	defer func() { p.depth-- }()
	g := &Graph{}
	return g, p.graph(f, g)
}

func (p *parser) graph(f field, g *Graph) error {
	if err := f.want(bytesType); err != nil {
		return err
	}
	return walk(f.bytes, f.offset, "GraphProto", numbers{2, 10}, func(f field) error {
		switch f.num {
		case 1:
			return p.node(f, &g.Nodes)
		case 2:
			return p.text(f, &g.Name)
		case 5:
			return p.initializer(f, g)
		case 10, 14, 16: // documentation, quantisation notes, metadata
			return nil
		case 11:
			return p.value(f, &g.Inputs, p.limits.Names)
		case 12:
			return p.value(f, &g.Outputs, p.limits.Names)
		case 13:
			return p.value(f, &g.Values, p.limits.Nodes*2)
		case 15:
			return p.sparseInitializer(f, g)
		}
		return f.unknown()
	})
}

// constant counts one more constant of the model.
func (p *parser) constant(f field) error {
	if p.constants >= p.limits.Initializers {
		return f.fail(ErrLimit, "more than %d constants", p.limits.Initializers)
	}
	p.constants++
	return nil
}

func (p *parser) initializer(f field, g *Graph) error {
	if err := p.constant(f); err != nil {
		return err
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

func (p *parser) node(f field, into *[]Node) error {
	if p.nodes >= p.limits.Nodes {
		return f.fail(ErrLimit, "more than %d nodes", p.limits.Nodes)
	}
	p.nodes++
	if err := f.want(bytesType); err != nil {
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
			return p.attribute(f, &n.Attributes)
		case 6, 9, 10: // documentation, metadata, device hints
			return nil
		case 7:
			return p.text(f, &n.Domain)
		case 8:
			return p.text(f, &n.Overload)
		}
		return f.unknown()
	})
	if n.Name == "" {
		n.Name = unnamed(n.Op, len(*into))
	}
	switch {
	case err != nil:
	case n.Op == "":
		err = f.fail(ErrMalformed, "node without an operator")
	case strings.ContainsFunc(n.Op, unicode.IsControl): // errors and reports print it as a word
		err = f.fail(ErrMalformed, "operator %q", n.Op)
	}
	if err != nil {
		return inNode(err, n.Name)
	}
	n.Domain = defaultDomain(n.Domain)
	*into = append(*into, n)
	return nil
}

// unnamed is the name of a node that the file gives none.
func unnamed(op string, index int) string { return sprintf("%s#%d", op, index) }

// inNode puts the node's name before what an error says of the place, which may be a node of the node's body.
func inNode(err error, name string) error {
	e, ok := err.(*Error)
	switch {
	case !ok:
	case e.Node == "":
		e.Node = name
	default:
		e.Node = name + "/" + e.Node
	}
	return err
}
