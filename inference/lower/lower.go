// Package lower turns an ONNX model into Assay-IR: operators of older operator sets become their newest form, functions
// are replaced by their bodies, what does not depend on an input is computed once, dequantised weights stay whole
// numbers, and the parts of transformers that exporters write out (attention, GELU, layer normalisation) become one
// node each. The same file gives the same graph always: a model's manifest binds the root of the result.
package lower

import (
	"assay/inference/ir"
	"assay/inference/onnx"
)

// Version of the lowering. It changes when the graph made of any model may change.
const Version = 1

// The default operator set's versions that are understood.
const (
	minOpset = 7
	maxOpset = 28
)

// Options change what [Lower] makes; the zero value is what manifests mean.
type Options struct {
	// Plain leaves out fusion: every node of the model stays one node. For tests.
	Plain bool
}

// Lower makes the graph. Errors are [*Error].
func Lower(g *onnx.Graph) (*ir.Graph, error) { return With(g, Options{}) }

// With is Lower with options.
func With(g *onnx.Graph, options Options) (*ir.Graph, error) {
	if g.Opset != 0 && (g.Opset < minOpset || g.Opset > maxOpset) { // 0 is a model without operators of the default set
		return nil, &Error{Kind: ErrUnsupported, Reason: sprintf("operator set %d, known are %d to %d", g.Opset, minOpset, maxOpset)}
	}
	if g = withoutPerRow(g); len(g.Functions) > 0 {
		inlined, err := onnx.Inline(g, onnx.Limits{})
		if err != nil {
			return nil, &Error{Kind: ErrModel, Reason: err.Error(), cause: err}
		}
		g = inlined
	}
	l := &lowerer{model: g, graph: &graph{}, names: map[string]*value{}, budget: newBudget()}
	if err := l.inputs(g.Inputs); err != nil {
		return nil, err
	}
	if err := l.body(g); err != nil {
		return nil, err
	}
	if !options.Plain {
		fuse(l.graph)
	}
	l.graph.sweep()
	out := l.graph.number()
	if err := out.Check(); err != nil {
		return nil, &Error{Kind: ErrLimit, Reason: err.Error()}
	}
	return out, nil
}
