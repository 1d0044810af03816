package rewrite

import (
	"fmt"

	"assay/inference/onnx"
)

// integerProduct is the chain that dynamic quantisation makes of a product:
//
//	q, scale, zero = DynamicQuantizeLinear(x)
//	y = Cast(MatMulInteger(q, w, zero, w's zero)) · (scale · w's scale)
type integerProduct struct {
	op         *onnx.Node
	zero       string // of the weights; may be empty
	scale      string // of the weights
	attributes []onnx.Attribute
}

// dynamic recognises the chain around an integer product.
func (c *constants) dynamic(g *onnx.Graph, n *onnx.Node) (product, string) {
	if len(n.Inputs) < 2 || n.Outputs[0] == "" {
		return product{}, "an integer product of fewer than two"
	}
	quantize := c.makers[n.Inputs[0]]
	if quantize == nil || quantize.Op != "DynamicQuantizeLinear" || len(quantize.Inputs) != 1 || quantize.Outputs[0] != n.Inputs[0] {
		return product{}, "an integer product of something other than DynamicQuantizeLinear"
	}
	if len(n.Inputs) < 3 || len(quantize.Outputs) < 3 || n.Inputs[2] != quantize.Outputs[2] {
		return product{}, "an integer product without the zero point of its activations"
	}
	cast := c.only(g, n.Outputs[0], "Cast")
	if cast == nil || !castsToFloat(cast) {
		return product{}, "an integer product that is not cast to fp32"
	}
	scale, last := c.scales(g, cast, quantize.Outputs[1])
	if last == nil {
		return product{}, "an integer product without scales"
	}
	p := product{node: n.Name, in: quantize.Inputs[0], out: last.Outputs[0], was: "dynamic int8"}
	chain := &integerProduct{op: n, scale: scale, attributes: n.Attributes}
	if len(n.Inputs) > 3 {
		chain.zero = n.Inputs[3]
	}
	if n.Op == "ConvInteger" {
		return c.convolution(p, chain)
	}
	w, why := c.integerWeight(n.Inputs[1], chain)
	if why != "" {
		return p, why
	}
	p.key = n.Inputs[1] + "\x00" + chain.zero + "\x00" + chain.scale
	p.constant, p.rows, p.columns, p.exact = n.Inputs[1], w.values.rows, w.values.columns, w.integers != nil
	p.load = func() weight { w, _ := c.integerWeight(n.Inputs[1], chain); return w }
	return p, ""
}

// only is the one reader of a value, if it is of that operator.
func (c *constants) only(g *onnx.Graph, name, op string) *onnx.Node {
	if name == "" || c.readers[name] != 1 {
		return nil
	}
	for i := range g.Nodes {
		for _, in := range g.Nodes[i].Inputs {
			if in == name && g.Nodes[i].Op == op && g.Nodes[i].Domain == "" {
				return &g.Nodes[i]
			}
		}
	}
	return nil
}

// scales follows the cast sums through their multiplications by the two scales, in either order. It gives the
// name of the weights' scale and the last node.
func (c *constants) scales(g *onnx.Graph, cast *onnx.Node, activations string) (string, *onnx.Node) {
	first := c.only(g, cast.Outputs[0], "Mul")
	if first == nil {
		return "", nil
	}
	factor := other(first, cast.Outputs[0])
	if both := c.makers[factor]; both != nil && both.Op == "Mul" {
		if w := other(both, activations); w != "" && c.value(w, maxSteps) != nil {
			return w, first
		}
	}
	second := c.only(g, first.Outputs[0], "Mul")
	if second == nil {
		return "", nil
	}
	rest := other(second, first.Outputs[0])
	switch {
	case factor == activations && c.value(rest, maxSteps) != nil:
		return rest, second
	case rest == activations && c.value(factor, maxSteps) != nil:
		return factor, second
	}
	return "", nil
}

// other is the input of a node of two that is not this one; empty when neither is.
func other(n *onnx.Node, name string) string {
	switch {
	case len(n.Inputs) != 2:
		return ""
	case n.Inputs[0] == name:
		return n.Inputs[1]
	case n.Inputs[1] == name:
		return n.Inputs[0]
	}
	return ""
}

// integerWeight multiplies out the weights of an integer product.
func (c *constants) integerWeight(name string, chain *integerProduct) (weight, string) {
	stored, scale := c.value(name, maxSteps), c.value(chain.scale, maxSteps)
	if stored == nil || stored.rank != 2 || scale == nil || scale.rows != 1 {
		return weight{}, "an integer product whose weights are not a constant matrix with a scale per column"
	}
	centred := stored
	if chain.zero != "" {
		zero := c.value(chain.zero, maxSteps)
		if zero == nil || zero.rows != 1 {
			return weight{}, "weights with a zero point that is not a constant per column"
		}
		centred = broadcast(stored, zero, func(a, b float32) float32 { return a - b })
	}
	if centred == nil {
		return weight{}, "weights and zero point of different shapes"
	}
	values := broadcast(centred, scale, func(a, b float32) float32 { return float32(a * b) })
	if values == nil {
		return weight{}, "weights and scale of different shapes"
	}
	values.dtype = onnx.Float32
	w := weight{values: values}
	if ints := narrow(centred.data); ints != nil {
		w.integers, w.scale = ints, spread(scale.data, values.columns)
	}
	return w, ""
}

// narrow gives numbers as int8 when all lie within ±127.
func narrow(data []float32) []int8 {
	out := make([]int8, len(data))
	for i, v := range data {
		if v < -127 || v > 127 {
			return nil
		}
		out[i] = int8(v)
	}
	return out
}

// convolution keeps what a convolution's weights are made of; they have more than two dimensions.
func (c *constants) convolution(p product, chain *integerProduct) (product, string) {
	stored, scale := c.stored[chain.op.Inputs[1]], c.value(chain.scale, maxSteps)
	if stored == nil || stored.DType.Size() != 1 || scale == nil || len(scale.data) != 1 {
		return p, "an integer convolution whose weights are not constant with one scale"
	}
	if chain.zero != "" {
		if zero := c.value(chain.zero, maxSteps); zero == nil || len(zero.data) != 1 {
			return p, "an integer convolution whose weights have several zero points"
		}
	}
	p.convolution = chain
	p.key = chain.op.Inputs[1] + "\x00" + chain.zero + "\x00" + chain.scale
	p.constant, p.rows, p.columns, p.exact = chain.op.Inputs[1], 1, 1, true
	if len(stored.Shape) > 0 {
		p.columns = int(stored.Shape[0])
		p.rows = len(stored.Raw) / max(1, p.columns)
	}
	return p, ""
}

func nodeError(n *onnx.Node, err error) error {
	return fmt.Errorf("node %q (%s): %w", n.Name, n.Op, err)
}
