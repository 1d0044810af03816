package exact

import "assay/inference/onnx"

// The operator-set versions whose definitions of our operators are the ones implemented here.
const (
	minOpset = 13
	maxOpset = 21
)

// compiler holds the state of one Compile.
type compiler struct {
	graph   *onnx.Graph
	program *Program
	call    *call
	slots   map[string]int
	weights map[int]*onnx.Tensor // constants of the file not yet loaded
	uses    map[int]int          // how many nodes still to be compiled read a slot, and outputs
	made    map[int]bool         // slots that an input, a constant or a compiled node fills
	kept    map[int]bool         // slots that a step reads
}

// Compile prepares a graph with the default Config.
func Compile(g *onnx.Graph) (*Program, error) { return CompileWith(g, Config{}) }

// CompileWith checks every node, computes what does not depend on the input, and packs constant matrices. The
// graph is not needed afterwards. Errors are [*Error].
func CompileWith(g *onnx.Graph, config Config) (*Program, error) {
	k, err := kernelNamed(config.Kernel)
	if err != nil {
		return nil, err
	}
	limits := config.Limits.withDefaults()
	c := &compiler{
		graph:   g,
		program: &Program{kernel: k, limits: limits},
		call:    &call{kernel: k, parallel: serial, limits: limits},
		slots:   map[string]int{},
		weights: map[int]*onnx.Tensor{},
		uses:    map[int]int{},
		made:    map[int]bool{},
		kept:    map[int]bool{},
	}
	if g.Opset < minOpset || g.Opset > maxOpset {
		return nil, fail(ErrUnsupported, "operator set %d, known are %d to %d", g.Opset, minOpset, maxOpset)
	}
	if err := c.declare(); err != nil {
		return nil, err
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if err := c.node(n); err != nil {
			return nil, inNode(err, n.Name, n.Op)
		}
	}
	return c.program, c.finish()
}

func (c *compiler) slot(name string) int {
	if i, ok := c.slots[name]; ok {
		return i
	}
	i := len(c.slots)
	c.slots[name] = i
	c.program.constants = append(c.program.constants, nil)
	return i
}

// declare names the slots of constants and inputs and counts the readers of every value.
func (c *compiler) declare() error {
	for i := range c.graph.Initializers {
		t := &c.graph.Initializers[i]
		slot := c.slot(t.Name)
		c.weights[slot] = t
		c.made[slot] = true
	}
	for _, v := range c.graph.Inputs {
		slot := c.slot(v.Name)
		if c.made[slot] {
			return fail(ErrShape, "input %q is defined twice", v.Name)
		}
		c.made[slot] = true
		c.program.inputs = append(c.program.inputs, declared{v, slot})
	}
	for i := range c.graph.Nodes {
		for _, in := range c.graph.Nodes[i].Inputs {
			if in != "" {
				c.uses[c.slot(in)]++
			}
		}
	}
	for _, v := range c.graph.Outputs {
		c.uses[c.slot(v.Name)]++
	}
	return nil
}

// constant gives the value of a slot if it is known before a Run.
func (c *compiler) constant(slot int) (*Tensor, error) {
	if w, ok := c.weights[slot]; ok {
		t, err := c.call.load(w)
		if err != nil {
			return nil, err
		}
		delete(c.weights, slot)
		c.program.constants[slot] = t
	}
	return c.program.constants[slot], nil
}

func (c *compiler) node(n *onnx.Node) error {
	spec, ok := operators[n.Op]
	if n.Domain != "" || !ok {
		return fail(ErrUnsupported, "operator %q of domain %q", n.Op, n.Domain)
	}
	b := &binder{node: n, opset: c.graph.Opset, kernel: c.program.kernel, constants: make([]*Tensor, len(n.Inputs))}
	if err := spec.fits(n, c.graph.Opset); err != nil {
		return err
	}
	in := make([]int, len(n.Inputs))
	known := true
	for i, name := range n.Inputs {
		if name == "" {
			in[i] = -1
			continue
		}
		in[i] = c.slot(name)
		if !c.made[in[i]] {
			return fail(ErrShape, "reads %q, which nothing made before it", name)
		}
		t, err := c.constant(in[i])
		if err != nil {
			return err
		}
		b.constants[i] = t
		known = known && t != nil
	}
	b.folding = known
	eval, err := spec.bind(b)
	if err != nil {
		return err
	}
	out, err := c.define(n)
	if err != nil {
		return err
	}
	if known {
		err = c.fold(out, eval, b.constants)
	} else {
		c.emit(n, eval, in, out, b.unused)
	}
	for _, slot := range in {
		c.release(slot)
	}
	return err
}

// define gives the outputs of a node their slots, -1 for one left out.
func (c *compiler) define(n *onnx.Node) ([]int, error) {
	out := make([]int, len(n.Outputs))
	for i, name := range n.Outputs {
		if name == "" {
			out[i] = -1
			continue
		}
		out[i] = c.slot(name)
		if c.made[out[i]] {
			return nil, fail(ErrShape, "value %q is defined twice", name)
		}
		c.made[out[i]] = true
	}
	return out, nil
}

// release forgets a constant that no later node and no step reads.
func (c *compiler) release(slot int) {
	if slot < 0 {
		return
	}
	if c.uses[slot]--; c.uses[slot] == 0 && !c.kept[slot] {
		c.program.constants[slot] = nil
	}
}

// fold evaluates a node whose inputs are all constants.
func (c *compiler) fold(out []int, eval evalFunc, in []*Tensor) error {
	results, err := eval(c.call, in)
	if err != nil {
		return err
	}
	for i, slot := range out {
		if slot >= 0 {
			c.program.constants[slot] = results[i]
		}
	}
	return nil
}

// emit adds a step. Inputs that the operator took in when it was bound are not read again.
func (c *compiler) emit(n *onnx.Node, eval evalFunc, in, out []int, unused map[int]bool) {
	s := step{name: n.Name, op: n.Op, eval: eval, in: make([]int, len(in)), out: out}
	for i, slot := range in {
		s.in[i] = slot
		if unused[i] {
			s.in[i] = -1
		} else if slot >= 0 {
			c.kept[slot] = true
		}
	}
	c.program.steps = append(c.program.steps, s)
}

// finish drops steps that nobody needs and notes after which step a slot can be emptied.
func (c *compiler) finish() error {
	p := c.program
	needed := map[int]bool{}
	for _, v := range c.graph.Outputs {
		slot := c.slot(v.Name)
		if !c.made[slot] {
			return fail(ErrShape, "output %q is made by nothing", v.Name)
		}
		if _, err := c.constant(slot); err != nil {
			return err
		}
		p.outputs = append(p.outputs, declared{v, slot})
		needed[slot] = true
	}
	for i := len(p.steps) - 1; i >= 0; i-- {
		s := &p.steps[i]
		if !s.wanted(needed) {
			p.steps = append(p.steps[:i], p.steps[i+1:]...)
			continue
		}
		for _, slot := range s.in {
			if slot >= 0 && !needed[slot] {
				needed[slot] = true
				if p.constants[slot] == nil {
					s.done = append(s.done, slot)
				}
			}
		}
	}
	for slot, t := range p.constants {
		if t != nil && !needed[slot] {
			p.constants[slot] = nil
		}
	}
	return nil
}

// wanted marks the outputs that nobody needs and reports whether any is left.
func (s *step) wanted(needed map[int]bool) bool {
	wanted := false
	for j, slot := range s.out {
		if slot >= 0 && needed[slot] {
			wanted = true
		} else {
			s.out[j] = -1
		}
	}
	return wanted
}

// operator is the definition of one ONNX operator.
type operator struct {
	minIn, maxIn int      // number of inputs; only the first minIn must be given
	out          int      // number of outputs that eval returns; a node may name fewer
	since        int64    // first operator set that has it, if later than minOpset
	attributes   []string // those it knows; any other is refused
	bind         func(*binder) (evalFunc, error)
}

func (o *operator) fits(n *onnx.Node, opset int64) error {
	if opset < o.since {
		return fail(ErrUnsupported, "operator of set %d in a model of set %d", o.since, opset)
	}
	if len(n.Inputs) < o.minIn || len(n.Inputs) > o.maxIn {
		return fail(ErrShape, "%d inputs, want %d to %d", len(n.Inputs), o.minIn, o.maxIn)
	}
	for _, in := range n.Inputs[:o.minIn] {
		if in == "" {
			return fail(ErrShape, "a required input is left out")
		}
	}
	if len(n.Outputs) < 1 || len(n.Outputs) > o.out {
		return fail(ErrUnsupported, "%d outputs, want %d", len(n.Outputs), o.out)
	}
	for _, a := range n.Attributes {
		known := false
		for _, name := range o.attributes {
			known = known || name == a.Name
		}
		if !known {
			return fail(ErrUnsupported, "attribute %q", a.Name)
		}
	}
	return nil
}

// binder is what an operator sees of its node when it is compiled.
type binder struct {
	node      *onnx.Node
	opset     int64
	kernel    *kernel
	constants []*Tensor // per input; nil where not known yet
	folding   bool      // all inputs are known and the node is evaluated once, now
	unused    map[int]bool
	err       error
}

// absorb says that the operator keeps what it needs of constant input i and will not read it in a Run.
func (b *binder) absorb(i int) {
	if b.unused == nil {
		b.unused = map[int]bool{}
	}
	b.unused[i] = true
}

func (b *binder) attribute(name string, kind onnx.AttributeKind) *onnx.Attribute {
	a := b.node.Attribute(name)
	if a != nil && a.Kind != kind {
		b.err = fail(ErrShape, "attribute %q is of kind %d, want %d", name, a.Kind, kind)
		return nil
	}
	return a
}

func (b *binder) int(name string, otherwise int64) int64 {
	if a := b.attribute(name, onnx.KindInt); a != nil {
		return a.Int
	}
	return otherwise
}

func (b *binder) float(name string, otherwise float32) float32 {
	if a := b.attribute(name, onnx.KindFloat); a != nil {
		return a.Float
	}
	return otherwise
}

func (b *binder) ints(name string) ([]int, error) {
	a := b.attribute(name, onnx.KindInts)
	if a == nil {
		return nil, b.err
	}
	out := make([]int, len(a.Ints))
	for i, v := range a.Ints {
		if v < -1<<31 || v > 1<<31-1 {
			return nil, fail(ErrShape, "attribute %q holds %d", name, v)
		}
		out[i] = int(v)
	}
	return out, b.err
}
