// Package inspect says what a model is before anybody runs it: what goes in and comes out, which operators it has,
// what a run costs, and which job classes it can serve. `assay model inspect` prints a [Report]; [Draw] writes the graph
// as a picture.
package inspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/commitment"
	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// Report is what is known of a model. Its JSON form only ever grows.
type Report struct {
	Name      string           `json:"name,omitempty"`
	IRVersion int64            `json:"onnx_format"`
	Opsets    map[string]int64 `json:"operator_sets"` // "" is the default domain
	Inputs    []Value          `json:"inputs"`
	Outputs   []Value          `json:"outputs"`
	Operators []Count          `json:"operators"`
	// Parameters are the elements of the tensors that the file holds, in bodies, functions and attributes too;
	// ParameterBytes is what they take there.
	Parameters     int64 `json:"parameters"`
	ParameterBytes int64 `json:"parameter_bytes"`
	// Lowered is nil when Assay-IR cannot express the model; Classes say why.
	Lowered *Lowered `json:"assay_ir,omitempty"`
	Costs   []Cost   `json:"costs,omitempty"`
	Classes []Class  `json:"classes"`
}

// Value is an input or output.
type Value struct {
	Name  string `json:"name"`
	DType string `json:"type"`
	Shape string `json:"shape"`
}

// Count is how often an operator occurs.
type Count struct {
	Operator string `json:"operator"`
	Nodes    int    `json:"nodes"`
}

// Lowered is the model as it is computed.
type Lowered struct {
	Version   int             `json:"version"`
	Lowering  int             `json:"lowering"`
	Root      commitment.Hash `json:"-"`
	RootText  string          `json:"root"`
	Operators []Count         `json:"operators"`
	Bytes     int64           `json:"constant_bytes"`
}

// Cost is what one run takes at most when the open dimensions have the given sizes.
type Cost struct {
	Sizes        map[string]int `json:"sizes"`
	Multiplies   int64          `json:"multiply_adds"`
	Instructions int64          `json:"canister_instructions"`
	Messages     int64          `json:"canister_messages"`
	Bytes        int64          `json:"bytes"`
	Problem      string         `json:"problem,omitempty"`
}

// Class says whether the model can serve a job class, and if not, or not fully, why.
type Class struct {
	Name   string `json:"class"`
	Served bool   `json:"served"`
	Reason string `json:"reason,omitempty"`
}

// messageInstructions is what a canister may execute in one update message, with a margin under the limit of 40 billion.
const messageInstructions = 37_000_000_000

// Model looks at a parsed model. sizes are the lists of sizes of open dimensions to give costs for; none means batch 1 and
// lengths 8, 32, 128 and 256.
func Model(g *onnx.Graph, sizes ...map[string]int) *Report {
	r := &Report{
		Name: g.Name, IRVersion: g.IRVersion, Opsets: g.Opsets,
		Inputs: declared(g.Inputs), Outputs: declared(g.Outputs),
	}
	r.count(g)
	lowered, err := lower.Lower(g)
	if err != nil {
		r.classify(err, nil)
		return r
	}
	r.classify(r.lowered(lowered, sizes), lowered)
	return r
}

func declared(list []onnx.Value) []Value {
	out := []Value{}
	for _, v := range list {
		out = append(out, Value{v.Name, v.DType.String(), shapeText(v)})
	}
	return out
}

func shapeText(v onnx.Value) string {
	if v.Shape == nil {
		return "?"
	}
	var dims []string
	for _, d := range v.Shape {
		switch {
		case d.Size >= 0:
			dims = append(dims, fmt.Sprint(d.Size))
		case d.Symbol != "":
			dims = append(dims, d.Symbol)
		default:
			dims = append(dims, "?")
		}
	}
	return "[" + strings.Join(dims, ",") + "]"
}

// count takes stock of the nodes and tensors of a model, those in bodies and functions too.
func (r *Report) count(g *onnx.Graph) {
	operators := map[string]int{}
	r.countGraph(g, operators)
	for i := range g.Functions {
		r.countNodes(g.Functions[i].Nodes, operators)
	}
	r.Operators = sorted(operators)
}

func (r *Report) countGraph(g *onnx.Graph, operators map[string]int) {
	for i := range g.Initializers {
		r.countTensor(&g.Initializers[i])
	}
	for i := range g.Sparse {
		r.countTensor(&g.Sparse[i].Values)
	}
	r.countNodes(g.Nodes, operators)
}

func (r *Report) countNodes(nodes []onnx.Node, operators map[string]int) {
	for i := range nodes {
		name := nodes[i].Op
		if nodes[i].Domain != "" {
			name = nodes[i].Domain + "." + name
		}
		operators[name]++
		for j := range nodes[i].Attributes {
			a := &nodes[i].Attributes[j]
			if a.Tensor != nil {
				r.countTensor(a.Tensor)
			}
			if a.Graph != nil {
				r.countGraph(a.Graph, operators)
			}
			for _, body := range a.Graphs {
				r.countGraph(body, operators)
			}
		}
	}
}

func (r *Report) countTensor(t *onnx.Tensor) {
	n := int64(1)
	for _, d := range t.Shape {
		n *= d
	}
	r.Parameters += n
	r.ParameterBytes += int64(len(t.Raw))
}

// sorted puts the most frequent first.
func sorted(counts map[string]int) []Count {
	out := []Count{}
	for name, n := range counts {
		out = append(out, Count{name, n})
	}
	slices.SortFunc(out, func(a, b Count) int {
		if a.Nodes != b.Nodes {
			return b.Nodes - a.Nodes
		}
		return strings.Compare(a.Operator, b.Operator)
	})
	return out
}

// lowered fills in what the executor computes and what it costs. The error says why the class exact is not served.
func (r *Report) lowered(g *ir.Graph, sizes []map[string]int) error {
	root, err := ir.Root(g)
	if err != nil {
		return err
	}
	l := &Lowered{Version: ir.Version, Lowering: lower.Version, Root: root, RootText: root.String()}
	counts := map[string]int{}
	countNodes(g, counts, l)
	l.Operators = sorted(counts)
	r.Lowered = l
	program, err := exact.New(g, exact.Config{})
	if err != nil {
		return err
	}
	if sizes == nil {
		sizes = usual(g)
	}
	var dynamic error
	for _, s := range sizes {
		cost, err := costOf(program, g, s)
		if err != nil && dynamic == nil {
			dynamic = err
		}
		r.Costs = append(r.Costs, cost)
	}
	if dynamic == nil && !slices.ContainsFunc(r.Costs, func(c Cost) bool { return c.Problem == "" }) {
		return fmt.Errorf("not known: none of the sizes tried fits (--size gives others): %s", r.Costs[0].Problem)
	}
	return dynamic
}

func countNodes(g *ir.Graph, counts map[string]int, l *Lowered) {
	for i := range g.Constants {
		c := &g.Constants[i]
		l.Bytes += int64(len(c.Data.Bytes()))
		if c.Quant != nil {
			l.Bytes += int64(len(c.Quant.Q.Bytes()) + 4*len(c.Quant.Scale) + 4*len(c.Quant.Zero))
		}
	}
	for i := range g.Nodes {
		counts[g.Nodes[i].Op]++
		for _, b := range g.Nodes[i].Bodies {
			countNodes(b, counts, l)
		}
	}
}

// open lists the names of dimensions that a run must fix. A dimension without a name is called by its input.
func open(g *ir.Graph) []string {
	var names []string
	for _, v := range g.Inputs {
		for i, d := range v.Shape {
			if name := openName(v, i, d); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func openName(v ir.Value, i int, d ir.Dim) string {
	switch {
	case d.Size >= 0:
		return ""
	case d.Symbol != "":
		return d.Symbol
	}
	return fmt.Sprintf("%s.%d", v.Name, i)
}

// usual are the sizes that costs are given for when nobody names any: the first dimension of inputs is a batch of one.
func usual(g *ir.Graph) []map[string]int {
	names := open(g)
	batch := map[string]bool{}
	for _, v := range g.Inputs {
		if len(v.Shape) > 1 {
			batch[openName(v, 0, v.Shape[0])] = true
		}
	}
	var out []map[string]int
	for _, length := range []int{8, 32, 128, 256} {
		sizes := map[string]int{}
		varies := false
		for _, name := range names {
			sizes[name] = length
			if batch[name] {
				sizes[name] = 1
				continue
			}
			varies = true
		}
		out = append(out, sizes)
		if !varies {
			break
		}
	}
	return out
}

func costOf(p *exact.Program, g *ir.Graph, sizes map[string]int) (Cost, error) {
	c := Cost{Sizes: sizes}
	shapes := map[string][]int{}
	for _, v := range g.Inputs {
		shape := []int{}
		for i, d := range v.Shape {
			size := int(d.Size)
			if name := openName(v, i, d); name != "" {
				var ok bool
				if size, ok = sizes[name]; !ok {
					c.Problem = fmt.Sprintf("no size for dimension %q of input %q", name, v.Name)
					return c, nil
				}
			}
			shape = append(shape, size)
		}
		shapes[v.Name] = shape
	}
	bound, err := p.Bound(shapes)
	if err != nil {
		c.Problem = err.Error()
		if errors.Is(err, exact.ErrDynamic) {
			return c, err
		}
		return c, nil
	}
	c.Multiplies, c.Instructions, c.Bytes = bound.Multiplies, bound.Instructions, bound.Bytes
	c.Messages = (bound.Instructions + messageInstructions - 1) / messageInstructions
	return c, nil
}

// classify says which job classes the model can serve; problem is why not the class exact, nil when nothing is.
func (r *Report) classify(problem error, g *ir.Graph) {
	var coupled *ir.Node
	if g != nil {
		coupled = ir.Coupled(g)
	}
	exactClass, tolerance := Class{Name: "exact", Served: true}, Class{Name: "tolerance", Served: true}
	switch {
	case coupled != nil:
		reason := fmt.Sprintf("node %q takes one scale from all rows, so batch mates and padding change the answer; `assay model rewrite` makes it weight-only or per row", coupled.Name)
		exactClass.Served, exactClass.Reason = false, reason
		tolerance.Served, tolerance.Reason = false, reason
	case problem != nil:
		exactClass.Served, exactClass.Reason = false, problem.Error()
		tolerance.Reason = "judged by a committee, as the executor cannot replay it for every input"
	case !r.answersInFloats():
		tolerance.Served, tolerance.Reason = false, "no output is of floats, so there is nothing to tolerate: use exact"
	}
	r.Classes = []Class{exactClass, tolerance, {Name: "attested", Served: true, Reason: "evidence only: nothing is computed again"}}
}

func (r *Report) answersInFloats() bool {
	for _, o := range r.Outputs {
		if o.DType == tensor.Float32.String() || o.DType == tensor.Float16.String() {
			return true
		}
	}
	return false
}
