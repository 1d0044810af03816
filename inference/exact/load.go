package exact

import (
	"slices"
	"sync"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// New checks every node of a graph and packs its constant matrices. The graph must not change afterwards. Errors are
// [*Error], or *ir.Error when the graph does not fit together.
func New(g *ir.Graph, config Config) (*Program, error) {
	if err := g.Check(); err != nil {
		return nil, err
	}
	return load(g, config)
}

func load(g *ir.Graph, config Config) (*Program, error) {
	set := kernel.Named(config.Kernel)
	if set == nil {
		return nil, fail(ErrUnsupported, "kernels %q on this CPU, which has %v", config.Kernel, Kernels())
	}
	l := &loader{
		graph:   g,
		config:  config,
		program: &Program{graph: g, set: set, limits: config.Limits.withDefaults(), values: g.Values()},
		cache:   map[ir.ID]*Tensor{},
		packed:  &sync.Pool{New: func() any { return new(kernel.Packed) }},
	}
	for i := range g.Nodes {
		if err := l.node(&g.Nodes[i]); err != nil {
			return nil, inNode(err, g.Nodes[i].Name, g.Nodes[i].Op)
		}
	}
	return l.program, l.finish()
}

// loader holds the state of one New.
type loader struct {
	graph   *ir.Graph
	config  Config
	program *Program
	cache   map[ir.ID]*Tensor // constants expanded so far
	packed  *sync.Pool        // see [weights]
	err     error             // the first constant that could not be read
}

// constant expands a constant once.
func (l *loader) constant(id ir.ID) *Tensor {
	if t, ok := l.cache[id]; ok {
		return t
	}
	c := l.graph.Constant(id)
	if c == nil {
		return nil
	}
	t, err := Expand(c)
	if err != nil && l.err == nil {
		l.err = err
	}
	l.cache[id] = &t
	return &t
}

// Expand gives the elements of a constant as operators see them. It fails only when stored elements cannot be read.
func Expand(c *ir.Constant) (Tensor, error) {
	elements, err := c.Elements()
	if err != nil {
		return tensor.New(c.DType(), c.Shape()...), fail(ErrInput, "%v", err)
	}
	if c.Quant == nil {
		return canonical(elements), nil
	}
	out := tensor.New(tensor.Float32, elements.Shape...)
	expand(c.Quant, out.Float32s(), elements.Bytes(), 0)
	return out, nil
}

// expand turns whole numbers, of which the first has the given index in the constant, into floats: one rounded product
// each.
func expand(q *ir.Quant, out []float32, raw []byte, first int) {
	inner := max(1, tensor.Product(q.Q.Shape)) // how many neighbours share a scale
	if len(q.Scale) > 1 {
		inner = tensor.Product(q.Q.Shape[q.Axis+1:])
	}
	for at := 0; at < len(raw); {
		k, within := (first+at)/inner%len(q.Scale), (first+at)%inner
		if inner == 1 { // a scale for each
			n := min(len(raw)-at, len(q.Scale)-k)
			expandEach(q, out[at:at+n], raw[at:at+n], k)
			at += n
			continue
		}
		n := min(len(raw)-at, inner-within)
		expandAlike(q, out[at:at+n], raw[at:at+n], k)
		at += n
	}
}

func isSigned(q *ir.Quant) bool { return q.Q.DType == tensor.Int8 || q.Q.DType == tensor.Int4 }

// expandAlike is for elements that share the scale of index k.
func expandAlike(q *ir.Quant, out []float32, raw []byte, k int) {
	scale, zero := q.Scale[k], int32(0)
	if q.Zero != nil {
		zero = q.Zero[k]
	}
	out = out[:len(raw)]
	if isSigned(q) {
		for i, v := range raw {
			out[i] = kernel.Canon(float32(float32(int32(int8(v))-zero) * scale))
		}
		return
	}
	for i, v := range raw {
		out[i] = kernel.Canon(float32(float32(int32(v)-zero) * scale))
	}
}

// expandEach is for neighbours that have the scales from index k on.
func expandEach(q *ir.Quant, out []float32, raw []byte, k int) {
	scales := q.Scale[k : k+len(raw)]
	out = out[:len(raw)]
	switch {
	case q.Zero != nil:
		for i := range raw {
			expandAlike(q, out[i:i+1], raw[i:i+1], k+i)
		}
	case isSigned(q):
		for i, v := range raw {
			out[i] = kernel.Canon(float32(float32(int8(v)) * scales[i]))
		}
	default:
		for i, v := range raw {
			out[i] = kernel.Canon(float32(float32(v) * scales[i]))
		}
	}
}

func (l *loader) node(n *ir.Node) error {
	op, ok := operators[n.Op]
	if !ok {
		return fail(ErrUnsupported, "operator %q", n.Op)
	}
	if err := op.fits(n); err != nil {
		return err
	}
	b := &binder{node: n, set: l.program.set, limits: l.program.limits, graph: l.graph, config: l.config, loader: l}
	e, err := op.bind(b)
	if err == nil {
		err = b.err
	}
	if err == nil {
		err = l.err
	}
	if err != nil {
		return err
	}
	bound := node{Node: n, eval: e, in: n.In}
	if op.bodies == 0 && !op.spare && (len(n.Out) == 0 || n.Out[0] == ir.None) {
		bound.Node = l.withFirst(n)
	}
	if len(b.taken) > 0 {
		bound.in = append([]ir.ID(nil), n.In...)
		for i := range b.taken {
			bound.in[i] = ir.None
		}
	}
	l.program.nodes = append(l.program.nodes, bound)
	return nil
}

// withFirst is the node with its first output made, for itself alone: the other outputs come of it.
func (l *loader) withFirst(n *ir.Node) *ir.Node {
	out := *n
	out.Out = append([]ir.ID{ir.ID(l.program.values)}, n.Out[min(1, len(n.Out)):]...)
	l.program.values++
	return &out
}

// Operands is the least and the greatest number of operands of an operator; known is false for a name that is none.
func Operands(op string) (least, most int, known bool) {
	o, known := operators[op]
	if !known {
		return 0, 0, false
	}
	return o.minIn, o.maxIn, true
}

func (o *operator) fits(n *ir.Node) error {
	if len(n.In) < o.minIn || len(n.In) > o.maxIn {
		return fail(ErrShape, "%d inputs, want %d to %d", len(n.In), o.minIn, o.maxIn)
	}
	for _, in := range n.In[:o.minIn] {
		if in == ir.None && !o.optional {
			return fail(ErrShape, "a required input is left out")
		}
	}
	if o.bodies > 0 && slices.Contains(n.In[o.minIn:], ir.None) {
		return fail(ErrShape, "a value for the body is left out")
	}
	if o.bodies == 0 && len(n.Out) > o.out {
		return fail(ErrShape, "%d outputs, want at most %d", len(n.Out), o.out)
	}
	if len(n.Bodies) != o.bodies {
		return fail(ErrShape, "%d bodies, want %d", len(n.Bodies), o.bodies)
	}
	for i := range n.Attrs {
		known := false
		for _, name := range o.attributes {
			known = known || name == n.Attrs[i].Name
		}
		if !known {
			return fail(ErrUnsupported, "attribute %q", n.Attrs[i].Name)
		}
	}
	return nil
}

// finish keeps the constants that are read at run time and notes after which node a value can be given back.
func (l *loader) finish() error {
	p := l.program
	p.constants = make([]*Tensor, p.values)
	needed := make([]bool, p.values)
	keep := func(id ir.ID) {
		needed[id] = true
		if p.graph.Constant(id) != nil {
			p.constants[id] = l.constant(id)
		}
	}
	for _, o := range p.graph.Outputs {
		keep(o.Value)
	}
	first := p.graph.First()
	for i := len(p.nodes) - 1; i >= 0; i-- {
		n := &p.nodes[i]
		for _, out := range n.Out {
			if out != ir.None && !needed[out] {
				n.last = append(n.last, out)
			}
		}
		for _, in := range n.in {
			if in == ir.None || needed[in] {
				continue
			}
			keep(in)
			if in >= first {
				n.last = append(n.last, in)
			}
		}
	}
	return l.err
}
