// Package shape infers the element types and shapes of all values of an ONNX graph from those of its inputs, without
// running it. A dimension is an [Expr]: a number, a symbol such as the batch size, or arithmetic of both; the contents
// of small integer tensors are followed too, so that the reshapes of a transformer, whose targets are computed from Shape
// nodes, come out as "batch" and "4*d" and not as unknown.
//
//	result, err := shape.Infer(graph, shape.Limits{})
//	info := result.Values["last_hidden_state"]   // float32 [batch seq 384]
//
// What no rule can know without the data (how many elements are not zero) becomes a fresh symbol that says so
// ([Expr.DataDependent]). Symbols that the file names stand for sizes of at least 1, and the same name for the same size.
// A graph whose shapes contradict each other is refused with an [*Error] that names the node. The types that the
// file declares for inner values and outputs are not believed, nor looked at.
//
// Inspection of models, static cost bounds and tests call it; the executor infers the concrete shapes of a run itself.
package shape

import (
	"errors"
	"fmt"
	"strings"

	"assay/inference/onnx"
)

// What can be wrong; an [*Error] wraps one of these.
var (
	ErrShape = errors.New("shapes do not fit") // contradicting shapes, types or attributes
	ErrLimit = errors.New("over a limit")
)

// Error says what is wrong with a graph and at which node. Inferring again fails the same way.
type Error struct {
	Kind   error
	Node   string // with those whose bodies it is in before it, separated by slashes
	Op     string
	Reason string
}

func (e *Error) Error() string {
	return fmt.Sprintf("shape of node %q (%s): %v: %s", e.Node, e.Op, e.Kind, e.Reason)
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Limits bounds what [Infer] does. A zero field means the default in its comment.
type Limits struct {
	Steps    int         // nodes, those of bodies as often as they are gone through; 1,048,576
	Elements int         // elements of integer tensors that are followed, all together; 1,048,576
	Graph    onnx.Limits // of what inlining functions may make
}

func (l Limits) withDefaults() Limits {
	if l.Steps <= 0 {
		l.Steps = 1 << 20
	}
	if l.Elements <= 0 {
		l.Elements = 1 << 20
	}
	return l
}

// Info is what is known of a value.
type Info struct {
	// Kind is 0 when not even that is known.
	Kind  onnx.TypeKind
	DType onnx.DType // of a tensor; 0 when unknown
	// Shape is nil when the number of dimensions is unknown.
	Shape []Expr
	// Element describes what a sequence or an optional holds.
	Element *Info

	content []elem // of a small tensor; nil when unknown
}

// String writes "float32 [batch 384]", with "?" for what is unknown.
func (i *Info) String() string {
	switch {
	case i == nil || i.Kind == 0:
		return "?"
	case i.Kind == onnx.TypeSequence:
		return "sequence of " + i.Element.String()
	case i.Kind == onnx.TypeOptional:
		return "optional " + i.Element.String()
	case i.Kind != onnx.TypeTensor:
		return "no tensor"
	}
	text := "?"
	if i.DType != 0 {
		text = i.DType.String()
	}
	if i.Shape == nil {
		return text + " of unknown rank"
	}
	parts := make([]string, len(i.Shape))
	for axis, d := range i.Shape {
		parts[axis] = d.String()
	}
	return text + " [" + strings.Join(parts, ", ") + "]"
}

// Values gives the elements of an integer tensor when all are known, in terms of symbols.
func (i *Info) Values() ([]Expr, bool) {
	if i == nil || i.content == nil {
		return nil, false
	}
	out := make([]Expr, len(i.content))
	for j, e := range i.content {
		if e.kind != isExpr {
			return nil, false
		}
		out[j] = e.expr
	}
	return out, true
}

// Result is what [Infer] found.
type Result struct {
	// Graph is the graph gone through: the one given, with its functions inlined.
	Graph *onnx.Graph
	// Values describes inputs, constants and every node's outputs by name.
	Values map[string]*Info
	// Bodies holds the same for the bodies of If, Loop, Scan and SequenceMap nodes; for one gone through more than
	// once, as it was found last, which holds for every turn.
	Bodies map[*onnx.Graph]map[string]*Info
	// Dead are the branches of Ifs whose shapes contradict each other, so that no run gets through them, and how. The
	// If then has the outputs of its other branch.
	Dead map[*onnx.Graph]error
	// Unknown are the names of nodes whose operator no rule covers.
	Unknown []string
}

// Infer goes through the graph once. Errors are [*Error], and [*onnx.Error] where functions cannot be inlined.
func Infer(g *onnx.Graph, limits Limits) (*Result, error) {
	if len(g.Functions) > 0 {
		flat, err := onnx.Inline(g, limits.Graph)
		if err != nil {
			return nil, err
		}
		g = flat
	}
	x := &inferer{
		limits: limits.withDefaults(), graph: g, names: map[string]int{},
		result: &Result{Graph: g, Values: map[string]*Info{}, Bodies: map[*onnx.Graph]map[string]*Info{}, Dead: map[*onnx.Graph]error{}},
	}
	top := &scope{values: x.result.Values}
	x.declareSymbols(g.Inputs)
	for i := range g.Inputs {
		v := &g.Inputs[i]
		top.values[v.Name] = x.declared(v)
	}
	return x.result, x.body(g, top)
}
