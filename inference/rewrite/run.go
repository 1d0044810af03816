package rewrite

import (
	"assay/inference/exact"
	"assay/inference/lower"
	"assay/inference/onnx"
)

// Exact evaluates a model with the exact executor, on one thread.
func Exact(g *onnx.Graph) (Run, error) {
	lowered, err := lower.Lower(g)
	if err != nil {
		return nil, err
	}
	program, err := exact.New(lowered, exact.Config{})
	if err != nil {
		return nil, err
	}
	return func(in Values) (Values, error) { return program.Run(in, nil) }, nil
}
