package ir

import (
	"fmt"

	"assay/inference/tensor"
)

// The largest graphs that are read or run.
const (
	MaxNodes     = 1 << 17
	MaxValues    = 1 << 18
	MaxOperands  = 4096 // inputs or outputs of one node or graph
	MaxAttrs     = 64
	MaxDepth     = 16 // bodies in bodies
	MaxNameBytes = 1024
)

// Error says which node of a graph breaks a rule, and which.
type Error struct {
	Node   string // empty when the fault is the graph's
	Reason string
}

func (e *Error) Error() string {
	if e.Node != "" {
		return fmt.Sprintf("ir: node %q: %s", e.Node, e.Reason)
	}
	return "ir: " + e.Reason
}

// Check says whether the numbers of a graph fit together: every value is made once, before it is read, and limits hold.
// What operators mean is not looked at.
func (g *Graph) Check() error { return g.check(0) }

func (g *Graph) check(depth int) error {
	switch {
	case depth > MaxDepth:
		return &Error{Reason: fmt.Sprintf("bodies nested deeper than %d", MaxDepth)}
	case len(g.Nodes) > MaxNodes:
		return &Error{Reason: fmt.Sprintf("%d nodes, limit %d", len(g.Nodes), MaxNodes)}
	case len(g.Inputs) > MaxOperands || len(g.Outputs) > MaxOperands:
		return &Error{Reason: fmt.Sprintf("%d inputs and %d outputs, limit %d", len(g.Inputs), len(g.Outputs), MaxOperands)}
	case len(g.Inputs)+len(g.Constants) > MaxValues:
		return &Error{Reason: fmt.Sprintf("%d constants, limit %d values", len(g.Constants), MaxValues)}
	}
	for i := range g.Constants {
		if err := g.Constants[i].check(); err != nil {
			return err
		}
	}
	next := g.First()
	for i := range g.Nodes {
		var err error
		if next, err = g.Nodes[i].check(next, depth); err != nil {
			return err
		}
	}
	for _, o := range g.Outputs {
		if o.Value < 0 || o.Value >= next {
			return &Error{Reason: fmt.Sprintf("output %q is value %d of %d", o.Name, o.Value, next)}
		}
	}
	return nil
}

func (n *Node) check(next ID, depth int) (ID, error) {
	fail := func(format string, args ...any) (ID, error) {
		return 0, &Error{Node: n.Name, Reason: fmt.Sprintf(format, args...)}
	}
	if len(n.In) > MaxOperands || len(n.Out) > MaxOperands || len(n.Attrs) > MaxAttrs {
		return fail("%d inputs, %d outputs and %d attributes: too many", len(n.In), len(n.Out), len(n.Attrs))
	}
	for _, in := range n.In {
		if in != None && (in < 0 || in >= next) {
			return fail("reads value %d of %d", in, next)
		}
	}
	for _, out := range n.Out {
		if out == None {
			continue
		}
		if out != next || next >= MaxValues {
			return fail("makes value %d, want %d below %d", out, next, MaxValues)
		}
		next++
	}
	for i := range n.Attrs {
		if i > 0 && n.Attrs[i-1].Name >= n.Attrs[i].Name {
			return fail("attribute %q is out of order or double", n.Attrs[i].Name)
		}
	}
	for _, body := range n.Bodies {
		if err := body.check(depth + 1); err != nil {
			return 0, err
		}
	}
	return next, nil
}

func (c *Constant) check() error {
	fail := func(format string, args ...any) error {
		return &Error{Reason: fmt.Sprintf("constant %q: ", c.Name) + fmt.Sprintf(format, args...)}
	}
	q := c.Quant
	if q == nil {
		if c.Data.DType.Size() == 0 {
			return fail("element type %v", c.Data.DType)
		}
		return nil
	}
	switch q.Q.DType {
	case tensor.Int8, tensor.Uint8, tensor.Int4, tensor.Uint4:
	default:
		return fail("whole numbers of type %v", q.Q.DType)
	}
	want := 1
	if len(q.Scale) != 1 {
		if q.Axis < 0 || q.Axis >= len(q.Q.Shape) {
			return fail("scales along axis %d of %d", q.Axis, len(q.Q.Shape))
		}
		want = q.Q.Shape[q.Axis]
	}
	if len(q.Scale) != want || q.Zero != nil && len(q.Zero) != want {
		return fail("%d scales and %d zero points, want %d", len(q.Scale), len(q.Zero), want)
	}
	return nil
}
