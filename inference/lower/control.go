package lower

import (
	"slices"

	"assay/inference/ir"
	"assay/inference/onnx"
)

func controlRules() map[string]rule {
	return map[string]rule{"If": lowerIf, "Loop": lowerLoop, "Scan": lowerScan}
}

// nested lowers a body. What it uses from outside becomes its last inputs, in the order of l.captured.
func (l *lowerer) nested(g *onnx.Graph) (*lowerer, error) {
	inner := &lowerer{model: l.model, graph: &graph{}, names: map[string]*value{}, parent: l, budget: l.budget}
	if err := inner.inputs(g.Inputs); err != nil {
		return nil, err
	}
	return inner, inner.body(g)
}

func graphOf(n *onnx.Node, name string) (*onnx.Graph, error) {
	a := n.Attribute(name)
	if a == nil || a.Graph == nil {
		return nil, misfit("no body %q", name)
	}
	return a.Graph, nil
}

// lowerIf keeps one branch when the condition is a constant.
func lowerIf(l *lowerer, n *onnx.Node) error {
	if c := l.in(n, 0).data(); c != nil && c.Len() == 1 {
		name := "else_branch"
		if c.Bytes()[0] != 0 {
			name = "then_branch"
		}
		return l.inline(n, name)
	}
	var branches []*lowerer
	for _, name := range []string{"then_branch", "else_branch"} {
		g, err := graphOf(n, name)
		if err != nil {
			return err
		}
		inner, err := l.nested(g)
		if err != nil {
			return err
		}
		branches = append(branches, inner)
	}
	var outside []*value
	for _, b := range branches {
		for _, v := range b.captured {
			if !slices.Contains(outside, v) {
				outside = append(outside, v)
			}
		}
	}
	var bodies []*graph
	for _, b := range branches {
		b.capture(outside)
		bodies = append(bodies, b.graph)
	}
	return l.control(n, "If", append([]*value{l.in(n, 0)}, outside...), bodies)
}

// inline lowers a branch in place of its If.
func (l *lowerer) inline(n *onnx.Node, name string) error {
	g, err := graphOf(n, name)
	if err != nil {
		return err
	}
	made, err := l.splice(g, map[string]*value{})
	if err != nil {
		return err
	}
	return l.outputs(n, made...)
}

// splice puts the nodes of a body among those around it, and gives its outputs. Its inputs are named already.
func (l *lowerer) splice(g *onnx.Graph, names map[string]*value) ([]*value, error) {
	inner := &lowerer{model: l.model, graph: l.graph, names: names, parent: l, budget: l.budget, inlined: true}
	outputs := l.graph.outputs
	l.graph.outputs = nil
	err := inner.body(g)
	made := l.graph.outputs
	l.graph.outputs = outputs
	if err != nil {
		return nil, err
	}
	values := make([]*value, len(made))
	for i := range made {
		values[i] = made[i].value
	}
	return values, nil
}

// capture gives the body one input for each of the values, in their order, after its own inputs.
func (l *lowerer) capture(outside []*value) {
	own := len(l.graph.inputs) - len(l.captured)
	last := make([]*value, len(outside))
	for i, v := range outside {
		if at := slices.Index(l.captured, v); at >= 0 {
			last[i] = l.graph.inputs[own+at]
			continue
		}
		last[i] = &value{declared: ir.Value{Unranked: true}, captured: v}
	}
	l.graph.inputs = append(l.graph.inputs[:own:own], last...)
}

func (l *lowerer) control(n *onnx.Node, op string, in []*value, bodies []*graph, attrs ...ir.Attr) error {
	if slices.ContainsFunc(in, isSequence) {
		return unsupported("it carries a sequence")
	}
	made := &node{op: op, name: n.Name, in: in, attrs: attrs, bodies: bodies}
	for _, name := range n.Outputs {
		var v *value
		if name != "" {
			v = &value{made: made}
		}
		made.out = append(made.out, v)
	}
	l.graph.nodes = append(l.graph.nodes, made)
	return l.outputs(n, made.out...)
}

func lowerLoop(l *lowerer, n *onnx.Node) error {
	g, err := graphOf(n, "body")
	if err != nil {
		return err
	}
	inner, err := l.nested(g)
	if err != nil {
		return err
	}
	in := l.all(n)
	for len(in) < 2 {
		in = append(in, nil)
	}
	carried := len(in) - 2
	return l.control(n, "Loop", append(in, inner.captured...), []*graph{inner.graph}, intAttr("carried", int64(carried)))
}

func lowerScan(l *lowerer, n *onnx.Node) error {
	if l.opset(n) < 9 {
		return scanOfBatch(l, n)
	}
	g, err := graphOf(n, "body")
	if err != nil {
		return err
	}
	inner, err := l.nested(g)
	if err != nil {
		return err
	}
	list, err := attrs(n, "body")
	if err != nil {
		return err
	}
	in := l.all(n)
	list = append(list, intAttr("carried", int64(len(in))-intOf(n, "num_scan_inputs", 0)))
	slices.SortFunc(list, byName)
	return l.control(n, "Scan", append(in, inner.captured...), []*graph{inner.graph}, list...)
}

// scanOfBatch is the Scan of set 8, which walks along the second axis of each batch mate alone: a Scan along the first
// whose body is a Scan.
func scanOfBatch(l *lowerer, n *onnx.Node) error {
	g, err := graphOf(n, "body")
	if err != nil {
		return err
	}
	in := l.all(n)
	if len(in) < 1 || in[0] != nil {
		return unsupported("sequence_lens")
	}
	in = in[1:]
	mate := &lowerer{model: l.model, graph: &graph{}, names: map[string]*value{}, parent: l}
	for range in {
		mate.graph.inputs = append(mate.graph.inputs, &value{declared: ir.Value{Unranked: true}})
	}
	own := mate.graph.inputs
	inner, err := mate.nested(g)
	if err != nil {
		return err
	}
	scans := intOf(n, "num_scan_inputs", 0)
	walk := &node{
		op: "Scan", name: n.Name, in: append(own[:len(own):len(own)], inner.captured...), bodies: []*graph{inner.graph},
		attrs: []ir.Attr{intAttr("carried", int64(len(in))-scans), intAttr("num_scan_inputs", scans)},
	}
	if directions := intsOf(n, "directions"); directions != nil {
		walk.attrs = append(walk.attrs, intsAttr("scan_input_directions", directions))
	}
	for range n.Outputs {
		v := &value{made: walk}
		walk.out = append(walk.out, v)
		mate.graph.outputs = append(mate.graph.outputs, output{value: v})
	}
	mate.graph.nodes = append(mate.graph.nodes, walk)
	return l.control(n, "Scan", append(in, mate.captured...), []*graph{mate.graph}, intAttr("carried", 0), intAttr("num_scan_inputs", int64(len(in))))
}
