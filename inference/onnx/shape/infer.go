package shape

import (
	"fmt"
	"slices"

	"assay/inference/onnx"
)

// scope holds the values of a graph; a body sees those of the graphs around it.
type scope struct {
	values map[string]*Info
	outer  *scope
}

func (s *scope) find(name string) *Info {
	for ; s != nil; s = s.outer {
		if v := s.values[name]; v != nil {
			return v
		}
	}
	return nil
}

type inferer struct {
	limits   Limits
	graph    *onnx.Graph
	result   *Result
	names    map[string]int // of symbols, with the number of the last variant
	steps    int
	elements int
}

// fresh makes a symbol for a size that the data decide.
func (x *inferer) fresh(name string, low int64) Expr {
	base := name
	for x.names[name] > 0 {
		x.names[base]++
		name = fmt.Sprintf("%s~%d", base, x.names[base])
	}
	x.names[name] = 1
	return symbol(name, low, true)
}

// declareSymbols notes the names that the file gives to dimensions, so that no other symbol takes one.
func (x *inferer) declareSymbols(list []onnx.Value) {
	for _, v := range list {
		for _, d := range v.Shape {
			x.names[d.Symbol] = 1
		}
	}
}

// declared is what the file says of an input.
func (x *inferer) declared(v *onnx.Value) *Info {
	if v.Type != nil {
		return x.typed(v.Type, v.Name)
	}
	if v.DType == 0 && v.Shape == nil {
		return &Info{}
	}
	info := &Info{Kind: onnx.TypeTensor, DType: v.DType, Shape: x.dims(v.Shape, v.Name)}
	info.content = x.unread(info, v.Name)
	return info
}

// unread follows a short input vector as symbols of its own, so that one number used twice is known to be the same.
func (x *inferer) unread(info *Info, name string) []elem {
	if info.DType != onnx.Int64 && info.DType != onnx.Int32 || len(info.Shape) > 1 || info.Shape == nil {
		return nil
	}
	n := int64(1)
	if len(info.Shape) == 1 {
		var ok bool
		if n, ok = info.Shape[0].Const(); !ok || n > 8 {
			return nil
		}
	}
	out := make([]elem, n)
	for i := range out {
		out[i] = exprElem(x.fresh(fmt.Sprintf("%s[%d]", name, i), anyLow), true)
	}
	return out
}

func (x *inferer) dims(list []onnx.Dim, name string) []Expr {
	if list == nil {
		return nil
	}
	out := make([]Expr, len(list))
	for axis, d := range list {
		switch {
		case d.Size >= 0:
			out[axis] = Const(d.Size)
		case d.Symbol != "":
			out[axis] = Symbol(d.Symbol)
		default: // a size that the file leaves open is no less known than one it names
			out[axis] = x.open(fmt.Sprintf("%s:%d", name, axis))
		}
	}
	return out
}

// open is a symbol for an input dimension without a name.
func (x *inferer) open(name string) Expr {
	e := x.fresh(name, 1)
	e.terms[0].atoms[0].data = false
	return e
}

func (x *inferer) typed(t *onnx.Type, name string) *Info {
	info := &Info{Kind: t.Kind}
	switch t.Kind {
	case onnx.TypeTensor, onnx.TypeSparse:
		info.DType, info.Shape = t.DType, x.dims(t.Shape, name)
	case onnx.TypeSequence, onnx.TypeOptional:
		info.Element = &Info{}
		if t.Element != nil {
			info.Element = x.typed(t.Element, name)
		}
	}
	return info
}

// body goes through a graph whose inputs are in the scope.
func (x *inferer) body(g *onnx.Graph, s *scope) error {
	for i := range g.Initializers {
		t := &g.Initializers[i]
		s.values[t.Name] = x.constant(t)
	}
	for i := range g.Sparse {
		t := &g.Sparse[i]
		s.values[t.Values.Name] = &Info{Kind: onnx.TypeTensor, DType: t.Values.DType, Shape: sizes(t.Shape)}
	}
	for i := range g.Nodes {
		if err := x.node(&g.Nodes[i], s); err != nil {
			return err
		}
	}
	return nil
}

func sizes(shape []int64) []Expr {
	out := make([]Expr, len(shape))
	for i, d := range shape {
		out[i] = Const(d)
	}
	return out
}

func (x *inferer) constant(t *onnx.Tensor) *Info {
	info := &Info{Kind: onnx.TypeTensor, DType: t.DType, Shape: sizes(t.Shape)}
	info.content = x.follow(decode(t))
	return info
}

// follow counts contents against the limit, over which they are forgotten.
func (x *inferer) follow(content []elem) []elem {
	if x.elements += len(content); x.elements > x.limits.Elements || len(content) > followed {
		return nil
	}
	return content
}

func (x *inferer) node(n *onnx.Node, s *scope) error {
	if x.steps++; x.steps > x.limits.Steps {
		return &Error{Kind: ErrLimit, Node: n.Name, Op: n.Op, Reason: fmt.Sprintf("more than %d steps", x.limits.Steps)}
	}
	c := &call{x: x, n: n, scope: s, version: x.graph.Opsets[n.Domain], in: make([]*Info, len(n.Inputs)), out: make([]*Info, len(n.Outputs))}
	for i, name := range n.Inputs {
		if name != "" {
			c.in[i] = s.find(name)
		}
		if c.in[i] != nil && x.elements > x.limits.Elements {
			c.in[i] = bare(c.in[i])
		}
	}
	for i := range c.out {
		c.out[i] = &Info{}
	}
	if err := c.run(); err != nil {
		return err
	}
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		out := c.out[i]
		if len(out.Shape) > maxRank {
			return &Error{Kind: ErrLimit, Node: n.Name, Op: n.Op, Reason: fmt.Sprintf("%d dimensions", len(out.Shape))}
		}
		if out.deeper(maxDepth) {
			return &Error{Kind: ErrLimit, Node: n.Name, Op: n.Op, Reason: "sequences in sequences without end"}
		}
		if out.Kind == onnx.TypeTensor {
			out.content = x.follow(fitting(out))
		}
		s.values[name] = out
	}
	return nil
}

// What one value may have; each node could otherwise double it.
const (
	maxRank  = 64
	maxDepth = 8 // of sequences and optionals in each other
)

// deeper reports whether a value holds others in each other more than that deep.
func (i *Info) deeper(limit int) bool {
	for ; i.Element != nil; i = i.Element {
		if limit--; limit < 0 {
			return true
		}
	}
	return false
}

// fitting is the content of a tensor, unless it has another number of elements than the shape.
func fitting(i *Info) []elem {
	n, ok := count(i.Shape)
	if i.Shape == nil || !ok || n != int64(len(i.content)) {
		return nil
	}
	return i.content
}

// count multiplies constant dimensions.
func count(shape []Expr) (int64, bool) {
	n := int64(1)
	for _, d := range shape {
		c, ok := d.Const()
		if !ok {
			return 0, false
		}
		if n, ok = mul64(n, c); !ok {
			return 0, false
		}
	}
	return n, true
}

func (c *call) run() error {
	if sig, ok := onnx.Operator(c.n.Domain, c.n.Op, c.version); ok {
		c.since = sig.Since
		if len(c.in) < sig.MinInputs || sig.MaxInputs >= 0 && len(c.in) > sig.MaxInputs {
			return c.fail("%d inputs", len(c.in))
		}
		if sig.MaxOutputs >= 0 && len(c.out) > sig.MaxOutputs {
			return c.fail("%d outputs", len(c.out))
		}
	}
	apply := ruleFor(c.n.Domain, c.n.Op)
	if apply == nil {
		if !slices.Contains(c.x.result.Unknown, c.n.Name) {
			c.x.result.Unknown = append(c.x.result.Unknown, c.n.Name)
		}
		return nil
	}
	return apply(c)
}
