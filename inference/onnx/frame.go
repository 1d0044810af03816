package onnx

import "path"

// frame is one call being replaced by the function's nodes.
type frame struct {
	x        *inliner
	call     *Node
	function *Function
	names    map[string]string // of the function to those of the graph
	err      error             // the first limit that a new name broke
}

// call gives the nodes that stand for a call, whose own names and attributes are settled.
func (x *inliner) call(n *Node, fn *Function) ([]Node, error) {
	fr := &frame{x: x, call: n, function: fn, names: make(map[string]string, len(fn.Inputs)+len(fn.Outputs))}
	for i, formal := range fn.Inputs {
		fr.names[formal] = ""
		if i < len(n.Inputs) {
			fr.names[formal] = n.Inputs[i]
		}
	}
	var through []Node
	for i, formal := range fn.Outputs {
		if i >= len(n.Outputs) || n.Outputs[i] == "" {
			continue
		}
		in, isInput := fr.names[formal]
		if !isInput {
			fr.names[formal] = n.Outputs[i]
			continue
		}
		if in == "" {
			return nil, fault(ErrDangling, n.Name, "output %q is an input that the call leaves out", formal)
		}
		through = append(through, Node{Name: x.nodes.name(fr.path(formal)), Op: "Identity", Inputs: []string{in}, Outputs: []string{n.Outputs[i]}})
	}
	if len(through) > 0 && x.opsets[""] == 0 {
		x.opsets[""] = lastOpset
	}
	if x.count += len(through); x.count > x.limits.Nodes {
		return nil, fault(ErrLimit, n.Name, "more than %d nodes after inlining", x.limits.Nodes)
	}
	body, err := x.sequence(fn.Nodes, fr)
	return append(body, through...), err
}

// value gives the graph's name for one of the function's, making one where there is none yet.
func (fr *frame) value(name string) string {
	if name == "" {
		return ""
	}
	if known, ok := fr.names[name]; ok {
		return known
	}
	made := fr.x.values.name(fr.path(name))
	if err := fr.x.spend(1, fr.call.Name, made); err != nil && fr.err == nil {
		fr.err = err
	}
	fr.names[name] = made
	return made
}

func (fr *frame) list(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = fr.value(name)
	}
	return out
}

// path puts the call before a name; where that grows too long, only the last parts of both, or neither.
func (fr *frame) path(name string) string {
	const room = 12 // for the number of a variant
	for _, try := range []string{fr.call.Name + "/" + name, path.Base(fr.call.Name) + "/" + path.Base(name)} {
		if len(try)+room <= fr.x.limits.NameBytes {
			return try
		}
	}
	return "inlined"
}

// attribute finds what the call, or else the function's default, gives for a parameter.
func (fr *frame) attribute(name string) (Attribute, bool) {
	if a := fr.call.Attribute(name); a != nil {
		return *a, true
	}
	for _, a := range fr.function.Defaults {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}
