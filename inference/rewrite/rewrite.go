// Package rewrite turns a model into another one of the same meaning up to a stated loss: products with constant
// weights are given a form that is smaller, faster, or that others can check. Tables of vectors become int8 with a scale per row.
//
// Dynamically quantised graphs take the scale of their activations from a whole tensor, so padding and batch mates
// change every answer, and no referee can repeat it. [Rewrite] makes such products weight-only (integers in the
// file, fp32 arithmetic) or per-row (a scale per row of the activations, by which a row's answer depends on
// itself alone), and refuses a graph in which one is left. Models in fp32 or with int8 weights can be rewritten too.
// What comes out is a valid ONNX file: the per-row product is a function of the model (see [PerRowOp]) in standard
// operators, which any runtime executes and inference/exact recognises.
//
//	out, report, err := rewrite.Rewrite(graph, rewrite.PerRow)
//	loss, err := rewrite.Compare(samples, runOriginal, runRewritten)
//
// `assay model rewrite` is its command line.
package rewrite

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"assay/inference/onnx"
)

// Form is what products with constant weights become.
type Form string

// The forms.
const (
	WeightOnly Form = "weight-only" // int8 weights in the file, multiplied out before an fp32 product
	PerRow     Form = "per-row"     // int8 weights per column, activations int8 per row: [PerRowOp]
	Q8         Form = "q8"          // com.microsoft MatMulNBits: 8 bits, a scale per block of 32
	Q4         Form = "q4"          // the same with 4 bits
)

// Forms are all forms.
func Forms() []Form { return []Form{WeightOnly, PerRow, Q8, Q4} }

// What can be wrong; errors wrap one of these and name the node.
var (
	ErrNothing     = errors.New("nothing to rewrite")          // no product with constant weights
	ErrDynamic     = errors.New("still dynamically quantised") // a form of dynamic quantisation that is not understood
	ErrUnsupported = errors.New("not supported by this form")  // an operator set too old for it, sums too long
	ErrForm        = errors.New("unknown form")                // not one of [Forms]
)

// Report says what was done.
type Report struct {
	Form     Form      `json:"form"`
	Products []Product `json:"products"`
	Tables   []Table   `json:"tables,omitempty"`
	Left     []Left    `json:"left,omitempty"`
}

// Table is a matrix whose rows are looked up, kept as int8 with a scale per row whatever the form.
type Table struct {
	Node    string `json:"node"`
	Rows    int    `json:"rows"`
	Columns int    `json:"columns"`
	// Exact says that its numbers are the same as before.
	Exact bool `json:"exact"`
}

// Product is one that was rewritten.
type Product struct {
	Node    string `json:"node"`
	Was     string `json:"was"`     // "fp32", "int8 weights" or "dynamic int8"
	Rows    int    `json:"rows"`    // of the weights: the length of each sum
	Columns int    `json:"columns"` // of the weights
	// Exact says that the weights are the same numbers as before.
	Exact bool `json:"exact"`
}

// Left is a product that stayed as it was.
type Left struct {
	Node string `json:"node"`
	Why  string `json:"why"`
}

// rewriter holds the state of one Rewrite.
type rewriter struct {
	form    Form
	graph   *onnx.Graph
	weights *constants
	names   map[string]bool
	made    map[string][]string // constants made of a weight, by its key
	report  Report
}

// Rewrite gives the model in another form; the one given is not changed and shares constants with the result.
func Rewrite(g *onnx.Graph, form Form) (*onnx.Graph, Report, error) {
	if !slices.Contains(Forms(), form) {
		return nil, Report{}, fmt.Errorf("%w %q, want one of %q", ErrForm, form, Forms())
	}
	out := *g
	out.Opsets = maps.Clone(g.Opsets)
	out.Initializers = slices.Clone(g.Initializers)
	out.Functions = slices.Clone(g.Functions)
	r := &rewriter{
		form: form, graph: &out, weights: newConstants(g), names: usedNames(g), made: map[string][]string{},
		report: Report{Form: form},
	}
	nodes, err := r.nodes(g)
	if err != nil {
		return nil, Report{}, err
	}
	if len(r.report.Products) == 0 {
		return nil, r.report, fmt.Errorf("%w: %d products stay as they are", ErrNothing, len(r.report.Left))
	}
	out.Nodes = nodes
	if err := r.declare(); err != nil {
		return nil, Report{}, err
	}
	clean(&out)
	return &out, r.report, leftDynamic(&out)
}

// nodes replaces one product after the other.
func (r *rewriter) nodes(g *onnx.Graph) ([]onnx.Node, error) {
	found, left := findProducts(g, r.weights)
	r.report.Left = left
	tables := findTables(g, r.weights)
	r.weights.budget = math.MaxInt64 // what is wanted now was within it, and is made once
	nodes := make([]onnx.Node, 0, len(g.Nodes))
	for i := range g.Nodes {
		p, ok := found[i]
		if t, is := tables[i]; is {
			nodes = append(nodes, r.lookUp(&g.Nodes[i], t)...)
			continue
		}
		if !ok {
			nodes = append(nodes, g.Nodes[i])
			continue
		}
		replaced, err := r.product(p)
		if err != nil {
			return nil, fmt.Errorf("node %q: %w", p.node, err)
		}
		nodes = append(nodes, replaced...)
	}
	return nodes, nil
}

// product writes one product in the new form.
func (r *rewriter) product(p product) ([]onnx.Node, error) {
	if p.convolution != nil {
		return r.weightOnlyConvolution(p)
	}
	switch r.form {
	case WeightOnly:
		return r.weightOnly(p)
	case PerRow:
		return r.perRow(p)
	case Q8:
		return r.blocks(p, 8)
	default:
		return r.blocks(p, 4)
	}
}

// done notes a product.
func (r *rewriter) done(p product, exact bool) {
	r.report.Products = append(r.report.Products, Product{Node: p.node, Was: p.was, Rows: p.rows, Columns: p.columns, Exact: exact})
}

// declare adds the function and the operator sets that the new nodes need.
func (r *rewriter) declare() error {
	switch r.form {
	case PerRow:
		return r.declarePerRow()
	case Q8, Q4:
		if _, ok := r.graph.Opsets[microsoft]; !ok {
			r.graph.Opsets[microsoft] = 1
		}
	}
	return nil
}

// constant adds an initializer under a name of its own.
func (r *rewriter) constant(t onnx.Tensor) string {
	t.Name = r.fresh(t.Name)
	r.graph.Initializers = append(r.graph.Initializers, t)
	return t.Name
}

// fresh is a name that nothing bears yet.
func (r *rewriter) fresh(base string) string {
	name := base
	for i := 2; r.names[name]; i++ {
		name = fmt.Sprintf("%s.%d", base, i)
	}
	r.names[name] = true
	return name
}

// once makes the constants of a weight the first time that a product reads it.
func (r *rewriter) once(key string, makeThem func() []string) []string {
	if _, ok := r.made[key]; !ok {
		r.made[key] = makeThem()
	}
	return r.made[key]
}
