package rewrite

import (
	"fmt"

	"assay/inference/lower"
	"assay/inference/onnx"
)

// The product whose activations are quantised row by row, see lower.PerRowFunction.
const (
	Domain   = lower.PerRowDomain
	PerRowOp = lower.PerRowOp
	version  = 1
)

// The oldest format version and operator set that can hold the function.
const (
	functionsSince = 8  // of the format
	roundSince     = 11 // Round; Clip with inputs
)

// perRow writes a call of the function.
func (r *rewriter) perRow(p product) ([]onnx.Node, error) {
	if p.rows > maxSum {
		return nil, fmt.Errorf("sums of %d products, at most %d fit 32 bits: %w", p.rows, maxSum, ErrUnsupported)
	}
	constants := r.once(p.key, func() []string {
		integers, scale := p.load().perColumn()
		return []string{
			r.constant(int8Tensor(p.constant+".int8", integers, p.rows, p.columns)),
			r.constant(floatTensor(p.constant+".scale", scale, len(scale))),
		}
	})
	r.done(p, p.exact)
	return []onnx.Node{{
		Name: p.node, Domain: Domain, Op: PerRowOp, Inputs: append([]string{p.in}, constants...), Outputs: []string{p.out},
	}}, nil
}

// maxSum is the longest sum of products within ±127² that stays in 32 bits.
const maxSum = (1<<31 - 1) / (127 * 127)

func (r *rewriter) declarePerRow() error {
	if r.graph.Opset < roundSince {
		return fmt.Errorf("operator set %d, the per-row form needs %d: %w", r.graph.Opset, roundSince, ErrUnsupported)
	}
	for i := range r.graph.Functions {
		if f := &r.graph.Functions[i]; f.Domain == Domain && f.Name == PerRowOp {
			return nil
		}
	}
	r.graph.IRVersion = max(r.graph.IRVersion, functionsSince)
	r.graph.Opsets[Domain] = version
	r.graph.Functions = append(r.graph.Functions, lower.PerRowFunction(r.graph.Opset))
	return nil
}
