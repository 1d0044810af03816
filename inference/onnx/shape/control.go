package shape

import (
	"errors"
	"slices"

	"assay/inference/onnx"
)

// control are the operators with bodies.
func control(op string) rule {
	switch op {
	case "If":
		return branch
	case "Loop":
		return loop
	case "Scan":
		return scan
	case "SequenceMap":
		return sequenceMap
	}
	return nil
}

// graph finds a body among the attributes.
func (c *call) graph(name string) (*onnx.Graph, error) {
	a := c.n.Attribute(name)
	if a == nil || a.Graph == nil {
		return nil, c.fail("no body %s", name)
	}
	return a.Graph, nil
}

// run goes through a body and gives its outputs.
func (c *call) body(g *onnx.Graph, in []*Info) ([]*Info, error) {
	if len(in) != len(g.Inputs) {
		return nil, c.fail("%d values for a body of %d inputs", len(in), len(g.Inputs))
	}
	s := &scope{values: map[string]*Info{}, outer: c.scope}
	for i, v := range g.Inputs {
		s.values[v.Name] = in[i]
	}
	if err := c.x.body(g, s); err != nil {
		if e, ok := err.(*Error); ok {
			e.Node = c.n.Name + "/" + e.Node
		}
		return nil, err
	}
	c.x.result.Bodies[g] = s.values
	out := make([]*Info, len(g.Outputs))
	for i, v := range g.Outputs {
		out[i] = s.find(v.Name)
		if out[i] == nil {
			out[i] = &Info{}
		}
	}
	return out, nil
}

// branch merges both bodies of an If, or takes one when the condition is known or no run can go through the other.
func branch(c *call) error {
	condition, known := c.constant(0)
	var both [2][]*Info
	var faults [2]error
	for i, name := range []string{"else_branch", "then_branch"} {
		g, err := c.graph(name)
		if err != nil {
			return err
		}
		if len(g.Outputs) != len(c.out) {
			return c.fail("%s has %d outputs, the node %d", name, len(g.Outputs), len(c.out))
		}
		if both[i], faults[i] = c.body(g, nil); faults[i] == nil {
			delete(c.x.result.Dead, g)
			continue
		}
		if !errors.Is(faults[i], ErrShape) || known && (condition != 0) == (i == 1) {
			return faults[i]
		}
		c.x.result.Dead[g] = faults[i]
	}
	if faults[0] != nil && faults[1] != nil {
		return faults[1]
	}
	for i := range c.out {
		switch {
		case known && condition == 0, faults[1] != nil:
			*c.out[i] = *both[0][i]
		case known, faults[0] != nil:
			*c.out[i] = *both[1][i]
		default:
			*c.out[i] = *c.merge(i, both[1][i], both[0][i])
		}
	}
	return nil
}

// turns is how often the carried values of a loop are widened before what still changes counts as unknown.
const turns = 4

// settle goes through a body until what is known of the carried values before it holds after it as well. The body
// is called with them and gives them and the rest of its outputs.
func (c *call) settle(carried []*Info, run func([]*Info) (after, rest []*Info, err error)) (state, rest []*Info, err error) {
	state = make([]*Info, len(carried))
	for i, v := range carried {
		state[i] = bare(v)
	}
	wild := map[string]bool{} // symbols made here, which stand for whatever size the turn has
	for turn := 0; ; turn++ {
		after, rest, err := run(state)
		if err != nil {
			return nil, nil, err
		}
		stable := true
		for i := range state {
			if holds(state[i], after[i], wild) {
				continue
			}
			stable = false
			wider := c.merge(i, state[i], after[i])
			for axis, d := range wider.Shape {
				if !d.Equal(state[i].Shape[axis]) {
					wild[d.String()] = true
				}
			}
			if turn >= turns {
				wider = &Info{Kind: wider.Kind, DType: wider.DType}
			}
			if turn > turns {
				wider = &Info{}
			}
			state[i] = bare(wider)
		}
		if stable {
			return state, rest, nil
		}
	}
}

// holds reports whether everything that a says is true of b as well; a wild size holds for any.
func holds(a, b *Info, wild map[string]bool) bool {
	if a.Kind == 0 {
		return true
	}
	if a.Kind != b.Kind || a.DType != 0 && a.DType != b.DType {
		return false
	}
	if a.Element != nil && a.Element.Kind != 0 {
		return b.Element != nil && holds(a.Element, b.Element, wild)
	}
	if a.Shape == nil {
		return true
	}
	if b.Shape == nil || len(a.Shape) != len(b.Shape) {
		return false
	}
	for i, d := range a.Shape {
		if !d.Equal(b.Shape[i]) && !wild[d.String()] {
			return false
		}
	}
	return true
}

// loop has the inputs trip count, condition and carried values, and the body iteration, condition and carried values.
func loop(c *call) error {
	g, err := c.graph("body")
	if err != nil {
		return err
	}
	carried := make([]*Info, max(len(c.in)-2, 0))
	for i := range carried {
		carried[i] = c.input(2 + i)
	}
	if len(g.Outputs) < 1+len(carried) || len(c.out) > len(g.Outputs)-1 {
		return c.fail("body of %d outputs for %d carried values and %d outputs", len(g.Outputs), len(carried), len(c.out))
	}
	head := []*Info{
		{Kind: onnx.TypeTensor, DType: onnx.Int64, Shape: []Expr{}},
		{Kind: onnx.TypeTensor, DType: onnx.Bool, Shape: []Expr{}},
	}
	always := false
	state, rows, err := c.settle(carried, func(state []*Info) ([]*Info, []*Info, error) {
		out, err := c.body(g, slices.Concat(head, state))
		if err != nil {
			return nil, nil, err
		}
		always = goesOn(g, out[0])
		return out[1 : 1+len(state)], out[1+len(state):], nil
	})
	if err != nil {
		return err
	}
	trips := c.trips(always)
	for i := range c.out {
		if i < len(state) {
			*c.out[i] = *state[i]
			continue
		}
		row := rows[i-len(state)]
		c.set(i, row.DType, nil)
		if row.Shape != nil {
			c.set(i, row.DType, append([]Expr{trips(i)}, row.Shape...))
		}
	}
	return nil
}

// goesOn reports whether a body never ends its loop: its condition is constant true or the one it was given.
func goesOn(g *onnx.Graph, condition *Info) bool {
	if v := condition.content; len(v) == 1 && v[0].kind == isExpr && v[0].expr.is(1) {
		return true
	}
	name := g.Outputs[0].Name
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		if n := &g.Nodes[i]; n.Op == "Identity" && n.Domain == "" && n.Outputs[0] == name && len(n.Inputs) == 1 {
			name = n.Inputs[0]
		}
	}
	return name == g.Inputs[1].Name
}

// trips is the number of turns of a Loop, which is its trip count when no condition can end it earlier.
func (c *call) trips(always bool) func(i int) Expr {
	known := always
	if c.given(1) {
		v, ok := c.constant(1)
		known = known && ok && v == 1
	}
	count := c.input(0).content
	if known && len(count) == 1 && count[0].kind == isExpr {
		if n, ok := maximum(count[0].expr, Expr{}); ok {
			return func(int) Expr { return n }
		}
	}
	n := c.fresh(len(c.out)-1, 0)
	return func(int) Expr { return n }
}
