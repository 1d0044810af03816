package lower

import (
	"errors"
	"slices"
	"strings"

	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/onnx"
	"assay/inference/onnx/shape"
	"assay/inference/tensor"
)

// lowerer builds one graph: the model's, or the body of a control-flow node.
type lowerer struct {
	model  *onnx.Graph // the whole model: operator sets
	graph  *graph
	names  map[string]*value
	parent *lowerer // of a body
	budget *budget  // of the whole model
	// inlined says that this body's nodes go into the parent's graph, so that values outside are read as they are.
	inlined bool
	// captured lists what a body uses from outside, in order of first use.
	captured []*value
	source   *onnx.Graph   // of a body
	shapes   *shape.Result // of the whole model, once a rule asks for one
}

// rule lowers the nodes of one ONNX operator.
type rule func(l *lowerer, n *onnx.Node) error

func (l *lowerer) inputs(list []onnx.Value) error {
	for _, v := range list {
		in := &value{declared: declared(v)}
		if err := l.define(v.Name, in); err != nil {
			return err
		}
		l.graph.inputs = append(l.graph.inputs, in)
	}
	return nil
}

func declared(v onnx.Value) ir.Value {
	out := ir.Value{Name: v.Name, DType: v.DType, Unranked: v.Shape == nil}
	for _, d := range v.Shape {
		out.Shape = append(out.Shape, ir.Dim(d))
	}
	return out
}

func (l *lowerer) define(name string, v *value) error {
	if _, twice := l.names[name]; twice {
		return misfit("value %q is defined twice", name)
	}
	l.names[name] = v
	return nil
}

// find gives the value of a name, from outside as well; nil when there is none.
func (l *lowerer) find(name string) *value {
	if v, ok := l.names[name]; ok {
		return v
	}
	if l.parent == nil {
		return nil
	}
	outer := l.parent.find(name)
	switch {
	case l.inlined || outer == nil || outer.constant != nil:
		return outer
	case outer.sequence:
		return l.inBody(name, outer)
	}
	return l.capturedAs(name, outer)
}

// capturedAs gives the input of a body that stands for a value outside; it is made on first use.
func (l *lowerer) capturedAs(name string, outer *value) *value {
	if outer == nil || outer.constant != nil {
		return outer
	}
	if i := slices.Index(l.captured, outer); i >= 0 {
		return l.graph.inputs[len(l.graph.inputs)-len(l.captured)+i]
	}
	in := &value{declared: ir.Value{Name: name, Unranked: true}, captured: outer}
	l.captured = append(l.captured, outer)
	l.graph.inputs = append(l.graph.inputs, in)
	return in
}

// body lowers constants, nodes and outputs of a graph.
func (l *lowerer) body(g *onnx.Graph) error {
	l.source = g
	for i := range g.Initializers {
		t := &g.Initializers[i]
		c, err := l.constant(t)
		if err != nil {
			return err
		}
		if err := l.define(t.Name, c); err != nil {
			return err
		}
	}
	for i := range g.Sparse {
		c, err := l.sparse(&g.Sparse[i])
		if err != nil {
			return err
		}
		if err := l.define(g.Sparse[i].Values.Name, c); err != nil {
			return err
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if err := l.node(n); err != nil {
			return inNode(err, n.Name, n.Op)
		}
	}
	for _, o := range g.Outputs {
		v := l.find(o.Name)
		if v == nil {
			return misfit("output %q is made by nothing", o.Name)
		}
		if v.sequence {
			return unsupported("output %q is a sequence", o.Name)
		}
		l.graph.outputs = append(l.graph.outputs, output{ir.Output{Name: o.Name, DType: o.DType}, v})
	}
	return nil
}

func (l *lowerer) node(n *onnx.Node) error {
	name := n.Op
	if n.Domain != "" {
		name = n.Domain + ":" + n.Op
	}
	lower, ok := rules[name]
	if !ok {
		return unsupported("operator %q of domain %q", n.Op, n.Domain)
	}
	for _, in := range n.Inputs {
		if in != "" && l.find(in) == nil {
			return misfit("reads %q, which nothing made before it", in)
		}
	}
	return lower(l, n)
}

// opset is the version of the operator set that the node's operator belongs to.
func (l *lowerer) opset(n *onnx.Node) int64 {
	if n.Domain == "" {
		return l.model.Opset
	}
	return l.model.Opsets[n.Domain]
}

// in gives input i, nil when it is left out.
func (l *lowerer) in(n *onnx.Node, i int) *value {
	if i >= len(n.Inputs) || n.Inputs[i] == "" {
		return nil
	}
	return l.find(n.Inputs[i])
}

// all gives every input.
func (l *lowerer) all(n *onnx.Node) []*value {
	out := make([]*value, len(n.Inputs))
	for i := range out {
		out[i] = l.in(n, i)
	}
	return out
}

// outputs names what was made as the node's outputs. Fewer may be named than were made.
func (l *lowerer) outputs(n *onnx.Node, made ...*value) error {
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		if i >= len(made) || made[i] == nil {
			return unsupported("output %d (%q)", i, name)
		}
		if err := l.define(name, made[i]); err != nil {
			return err
		}
	}
	return nil
}

// replace lowers the node to one of another operator or with other inputs and attributes, and as many outputs.
func (l *lowerer) replace(n *onnx.Node, op string, in []*value, attrs ...ir.Attr) error {
	made, err := l.emit(n, op, len(n.Outputs), in, attrs...)
	if err != nil {
		return err
	}
	return l.outputs(n, made...)
}

// emit adds a node, or computes it at once when everything it reads is constant. Nil attributes (of no kind) are left out.
func (l *lowerer) emit(n *onnx.Node, op string, outputs int, in []*value, attrs ...ir.Attr) ([]*value, error) {
	for len(in) > 0 && in[len(in)-1] == nil {
		in = in[:len(in)-1]
	}
	if slices.ContainsFunc(in, isSequence) {
		return nil, unsupported("it reads a sequence")
	}
	if least, most, known := exact.Operands(op); known && (len(in) < least || len(in) > most) {
		return nil, misfit("%d operands of %s, want %d to %d", len(in), op, least, most)
	}
	attrs = slices.DeleteFunc(slices.Clone(attrs), func(a ir.Attr) bool { return a.Kind == 0 })
	slices.SortFunc(attrs, byName)
	made := &node{op: op, name: n.Name, in: in, attrs: attrs}
	for i := range outputs {
		var v *value
		if i >= len(n.Outputs) || n.Outputs[i] != "" || outputs != len(n.Outputs) {
			v = &value{made: made}
		}
		made.out = append(made.out, v)
	}
	if folded, err := l.budget.fold(made); folded != nil || err != nil {
		return folded, err
	}
	l.graph.nodes = append(l.graph.nodes, made)
	return made.out, nil
}

func isSequence(v *value) bool { return v != nil && v.sequence }

func byName(a, b ir.Attr) int { return strings.Compare(a.Name, b.Name) }

// emit1 is emit for one output.
func (l *lowerer) emit1(n *onnx.Node, op string, in []*value, attrs ...ir.Attr) (*value, error) {
	made, err := l.emit(n, op, 1, in, attrs...)
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

// ints makes a constant list of integers.
func ints(list ...int64) *value { return known(tensor.FromInt64(list, len(list))) }

// scalar makes a float32 constant of no dimensions.
func scalar(f float32) *value { return known(tensor.FromFloat32([]float32{f})) }

func known(t tensor.Tensor) *value { return &value{constant: &ir.Constant{Data: t}} }

// data gives the elements of a plain constant, nil for anything else.
func (v *value) data() *tensor.Tensor {
	if v == nil || v.constant == nil || v.constant.Quant != nil {
		return nil
	}
	return &v.constant.Data
}

// constant is constantOf for a tensor that may be large.
func (l *lowerer) constant(t *onnx.Tensor) (*value, error) {
	l.budget.bytes += constantShare * int64(len(t.Raw))
	return constantOf(t)
}

// sparse spells out a constant that the file gives by its elements other than zero.
func (l *lowerer) sparse(s *onnx.Sparse) (*value, error) {
	t, err := s.Dense(int(max(0, min(l.budget.bytes, 1<<30))))
	switch {
	case errors.Is(err, onnx.ErrUnsupported):
		return nil, unsupported("%v", err)
	case err != nil:
		return nil, &Error{Kind: ErrLimit, Reason: err.Error(), cause: err}
	}
	l.budget.bytes -= int64(len(t.Raw))
	return constantOf(&t)
}

// constantOf turns a tensor of the file into a constant; its bytes are shared when they can be.
func constantOf(t *onnx.Tensor) (*value, error) {
	shape := make([]int, len(t.Shape))
	for i, d := range t.Shape {
		if d < 0 || d > 1<<31-1 {
			return nil, misfit("constant %q of shape %v", t.Name, t.Shape)
		}
		shape[i] = int(d)
	}
	raw := t.Raw
	if onnx.Packed(t.DType) {
		n, ok := tensor.Count(shape, 8*int64(len(raw)))
		if !ok {
			return nil, misfit("constant %q of shape %v has %d bytes", t.Name, t.Shape, len(raw))
		}
		raw = onnx.Unpack(t.DType, raw, n)
	}
	data, err := tensor.Over(t.DType, raw, shape...)
	if err != nil {
		return nil, misfit("constant %q: %v", t.Name, err)
	}
	return &value{constant: &ir.Constant{Name: t.Name, Data: data}}, nil
}

// Attribute makers.

func intAttr(name string, v int64) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindInt, Int: v} }

func floatAttr(name string, v float32) ir.Attr {
	return ir.Attr{Name: name, Kind: ir.KindFloat, Float: v}
}

func textAttr(name, v string) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindText, Text: v} }

func intsAttr(name string, v []int64) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindInts, Ints: v} }

// attr is the node's attribute, of no kind when it is not there. Tensors and graphs have no form in the IR.
func attr(n *onnx.Node, name string) (ir.Attr, error) {
	a := n.Attribute(name)
	if a == nil {
		return ir.Attr{}, nil
	}
	return converted(a)
}

func converted(a *onnx.Attribute) (ir.Attr, error) {
	out := ir.Attr{Name: a.Name}
	switch a.Kind {
	case onnx.KindInt:
		out.Kind, out.Int = ir.KindInt, a.Int
	case onnx.KindFloat:
		out.Kind, out.Float = ir.KindFloat, a.Float
	case onnx.KindString:
		out.Kind, out.Text = ir.KindText, a.String
	case onnx.KindInts:
		out.Kind, out.Ints = ir.KindInts, a.Ints
	case onnx.KindFloats:
		out.Kind, out.Floats = ir.KindFloats, a.Floats
	case onnx.KindStrings:
		out.Kind, out.Texts = ir.KindTexts, a.Strings
	default:
		return out, unsupported("attribute %q of kind %d", a.Name, a.Kind)
	}
	return out, nil
}

// attrs converts all attributes but those named.
func attrs(n *onnx.Node, but ...string) ([]ir.Attr, error) {
	var out []ir.Attr
	for i := range n.Attributes {
		a := &n.Attributes[i]
		if slices.Contains(but, a.Name) {
			continue
		}
		c, err := converted(a)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func intOf(n *onnx.Node, name string, otherwise int64) int64 {
	if a := n.Attribute(name); a != nil && a.Kind == onnx.KindInt {
		return a.Int
	}
	return otherwise
}

func floatOf(n *onnx.Node, name string, otherwise float32) float32 {
	if a := n.Attribute(name); a != nil && a.Kind == onnx.KindFloat {
		return a.Float
	}
	return otherwise
}

func intsOf(n *onnx.Node, name string) []int64 {
	if a := n.Attribute(name); a != nil && a.Kind == onnx.KindInts {
		return a.Ints
	}
	return nil
}
