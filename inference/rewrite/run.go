package rewrite

import (
	"fmt"

	"assay/inference/exact"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// Exact evaluates a model with the exact executor, on one thread.
func Exact(g *onnx.Graph) (Run, error) {
	plain, err := onnx.Inline(g, onnx.Limits{})
	if err != nil {
		return nil, err
	}
	program, err := exact.Compile(plain)
	if err != nil {
		return nil, err
	}
	return func(in Values) (Values, error) {
		given := make(map[string]exact.Tensor, len(in))
		for name, v := range in {
			if given[name], err = toExact(v); err != nil {
				return nil, fmt.Errorf("input %q: %w", name, err)
			}
		}
		results, err := program.Run(given, nil)
		if err != nil {
			return nil, err
		}
		out := make(Values, len(results))
		for name, v := range results {
			if out[name], err = tensor.Over(v.DType, v.Bytes(), v.Shape...); err != nil {
				return nil, fmt.Errorf("output %q: %w", name, err)
			}
		}
		return out, nil
	}, nil
}

func toExact(v tensor.Tensor) (exact.Tensor, error) {
	out := exact.Tensor{DType: v.DType, Shape: v.Shape}
	switch v.DType {
	case tensor.Float32:
		out.F32 = v.Float32s()
	case tensor.Int64:
		out.I64 = v.Int64s()
	case tensor.Int32:
		out.I32 = v.Int32s()
	case tensor.Uint8:
		out.U8 = v.Bytes()
	case tensor.Bool:
		out.Bool = v.Bools()
	default:
		return out, fmt.Errorf("%v is not read by the executor", v.DType)
	}
	return out, nil
}
