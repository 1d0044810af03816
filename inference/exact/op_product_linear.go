package exact

import (
	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// bindLinear is a product with a matrix, plus a bias per column, then an activation: the same bits as the operators one
// after the other.
func bindLinear(b *binder) (eval, error) {
	e := eval{infer: func(in []Spec) ([]Spec, error) {
		made, err := inferMatMul(in)
		if err != nil {
			return nil, err
		}
		if in[0].DType != tensor.Float32 || len(in[1].Shape) != 2 {
			return nil, fail(ErrShape, "operands are %v of %v and %v", in[0].DType, in[0].Shape, in[1].Shape)
		}
		if len(in) > 2 && in[2].given() && (in[2].DType != tensor.Float32 || len(in[2].Shape) != 1 || in[2].Shape[0] != in[1].Shape[1]) {
			return nil, fail(ErrShape, "bias is %v of shape %v for %d columns", in[2].DType, in[2].Shape, in[1].Shape[1])
		}
		return made, nil
	}}
	activation, err := activationOf(b.text("activation", ""))
	if err != nil {
		return e, err
	}
	w, err := b.weights(1, false)
	if err != nil {
		return e, err
	}
	e.cost = func(in, out []Spec) Cost {
		c := productCost(w)(in, out)
		c.Instructions += finishInstructions * min(macs(out[0].Shape...), 1<<50)
		return c
	}
	e.compute = func(c *call, in, out []*Tensor) error {
		packed, err := w.or(in[1], false)
		if err != nil {
			return err
		}
		defer w.release(packed)
		var bias []float32
		if len(in) > 2 && in[2] != nil {
			bias = in[2].Float32s()
		}
		var apply func(out, x []float32)
		if activation != nil {
			apply = activation(&c.set.Vectors)
		}
		c.split(out[0].Float32s(), in[0].Float32s(), packed, rowsOf(out[0], packed.N), c.finish(bias, apply))
		return nil
	}
	return e, nil
}

// activationOf gives the function of a name; nil for none.
func activationOf(name string) (func(v *kernel.Vectors) func(out, x []float32), error) {
	switch name {
	case "":
		return nil, nil
	case "gelu":
		return func(v *kernel.Vectors) func(out, x []float32) { return v.Gelu }, nil
	case "relu":
		return func(v *kernel.Vectors) func(out, x []float32) { return v.Relu }, nil
	case "tanh":
		return func(v *kernel.Vectors) func(out, x []float32) { return v.Tanh }, nil
	}
	return nil, fail(ErrUnsupported, "activation %q", name)
}

// finish adds a bias to a piece of a row and applies an activation; nil when there is nothing to do.
func (c *call) finish(bias []float32, apply func(out, x []float32)) kernel.Epilogue {
	if bias == nil && apply == nil {
		return nil
	}
	return func(y []float32, _, column int) {
		if bias != nil {
			c.set.Add(y, y, bias[column:column+len(y)])
		}
		if apply != nil {
			apply(y, y)
		}
	}
}
