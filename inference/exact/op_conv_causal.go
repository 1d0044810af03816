package exact

import (
	"slices"

	"assay/inference/tensor"
)

// bindCausalConv is a depthwise convolution that looks back only: over the state of the step before, or zeros, and then
// the data. Its second result is the state for the next step.
func bindCausalConv(b *binder) (eval, error) {
	activation := b.text("activation", "none")
	if !slices.Contains([]string{"none", "silu", "swish"}, activation) {
		return eval{}, fail(ErrUnsupported, "activation %q", activation)
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			x, w := in[0].Shape, in[1].Shape
			if len(x) != 3 || len(w) != 3 || w[0] != x[1] || w[1] != 1 || w[2] < 1 || in[1].DType != in[0].DType {
				return nil, fail(ErrShape, "data of shape %v, weights of shape %v", x, w)
			}
			if err := biasFits(in, x[1]); err != nil {
				return nil, err
			}
			state := []int{x[0], x[1], w[2] - 1}
			if past := optional(in, 3); past.given() && (past.DType != in[0].DType || !slices.Equal(past.Shape, state)) {
				return nil, fail(ErrShape, "a state of shape %v, want %v", past.Shape, state)
			}
			switch in[0].DType {
			case tensor.Float32, tensor.Float16, tensor.BFloat16:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			return []Spec{in[0].like(), {DType: in[0].DType, Shape: state}}, nil
		},
		compute: func(c *call, in, out []*Tensor) error { return c.causalConv(in, out, activation != "none") },
		cost: func(in, _ []Spec) Cost {
			n := macs(append(slices.Clone(in[0].Shape), in[1].Shape[2])...)
			return Cost{Multiplies: n, Instructions: 400 * n}
		},
	}, nil
}

func (c *call) causalConv(in, out []*Tensor, activate bool) error {
	x, past := in[0], operand(in, 3)
	keep, length := in[1].Shape[2]-1, x.Shape[2]
	whole, done, err := c.temporary(x.DType, []int{x.Shape[0], x.Shape[1], keep + length})
	if err != nil {
		return err
	}
	defer done()
	size := x.DType.Size()
	for r := range x.Shape[0] * x.Shape[1] {
		at := r * (keep + length)
		if past != nil {
			copyRun(whole, at, past, r*keep, keep)
		} else {
			clear(whole.Bytes()[at*size : (at+keep)*size])
		}
		copyRun(whole, at+keep, x, r*length, length)
		if len(out) > 1 && out[1] != nil {
			copyRun(out[1], r*keep, whole, at+length, keep)
		}
	}
	if out[0] == nil || out[0].Len() == 0 {
		return nil
	}
	one := []int{1}
	cv := &conv{batch: x.Shape[0], group: x.Shape[1], channels: 1, outputs: 1, windows: windows{
		in: []int{keep + length}, kernel: []int{keep + 1}, stride: one, dilation: one, before: []int{0}, after: []int{0}, out: []int{length},
	}}
	run := func(out *Tensor, in []*Tensor) error {
		c.conv(cv, out, in)
		if activate {
			c.eachRow(out, func(_ int, row []float32) { c.set.SiLU(row, row) })
		}
		return nil
	}
	operands := []*Tensor{whole, in[1], operand(in, 2)}
	if x.DType == tensor.Float32 {
		return run(out[0], operands)
	}
	return c.widened(out[0], operands, run)
}
