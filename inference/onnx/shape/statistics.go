package shape

import (
	"slices"

	"assay/inference/onnx"
)

// statistics are reductions, normalisations and what counts over an axis.
func statistics(op string) rule {
	switch op {
	case "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
		"ReduceProd", "ReduceSum", "ReduceSumSquare":
		return reduce
	case "ArgMax", "ArgMin":
		return argument
	case "BatchNormalization":
		return batchNormalization
	case "LayerNormalization":
		return layerNormalization
	case "Dropout":
		return dropout
	case "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss":
		return loss
	case "QuantizeLinear":
		return quantize
	case "DequantizeLinear":
		return dequantize
	case "DynamicQuantizeLinear":
		return dynamicQuantize
	}
	return nil
}

func reduce(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	list, _, known := c.axesGiven(1)
	keep := c.int("keepdims", 1) != 0
	if !known {
		if keep {
			c.set(0, c.dtype(0), c.freshDims(0, len(in)))
		} else if n, ok := c.length(1); ok && n > 0 && n <= len(in) {
			c.set(0, c.dtype(0), c.freshDims(0, len(in)-n))
		}
		return nil
	}
	if len(list) == 0 && c.int("noop_with_empty_axes", 0) != 0 {
		c.set(0, c.dtype(0), in)
		c.keep()
		return nil
	}
	gone, err := c.axes(list, len(in))
	if err != nil {
		return err
	}
	c.set(0, c.dtype(0), without(in, gone, len(list) == 0, keep))
	c.reduceContent()
	return nil
}

// without drops dimensions, or leaves 1 in their place.
func without(in []Expr, gone []bool, all, keep bool) []Expr {
	out := []Expr{}
	for i, d := range in {
		switch {
		case !all && !gone[i]:
			out = append(out, d)
		case keep:
			out = append(out, Const(1))
		}
	}
	return out
}

// reduceContent follows the product, sum or extreme of a vector of sizes.
func (c *call) reduceContent() {
	content := c.input(0).content
	step, ok := map[string]string{"ReduceProd": "Mul", "ReduceSum": "Add", "ReduceMax": "Max", "ReduceMin": "Min"}[c.n.Op]
	if !ok || len(content) == 0 || len(c.shape(0)) != 1 || c.dtype(0) != onnx.Int64 {
		return
	}
	acc := content[0]
	for _, e := range content[1:] {
		acc = combineElems(step, acc, e, false)
	}
	c.content(0, []elem{acc})
}

func argument(c *call) error {
	in := c.shape(0)
	c.set(0, onnx.Int64, nil)
	if in == nil {
		return nil
	}
	axis, err := c.axis(c.int("axis", 0), len(in))
	if err != nil {
		return err
	}
	gone := make([]bool, len(in))
	gone[axis] = true
	c.set(0, onnx.Int64, without(in, gone, false, c.int("keepdims", 1) != 0))
	return nil
}

func batchNormalization(c *call) error {
	c.set(0, c.dtype(0), c.shape(0))
	for i := 1; i < len(c.out); i++ {
		source := 3 + (i-1)%2 // mean and variance, running or saved
		shape := c.shape(source)
		if in := c.shape(0); len(in) > 1 {
			shape = []Expr{in[1]}
		}
		c.set(i, c.dtype(source), shape)
	}
	return nil
}

// layerNormalization also gives mean and inverse deviation, of the type that the sums are made in.
func layerNormalization(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), in)
	stash, err := c.dtypeAttribute("stash_type", onnx.Float32)
	if err != nil {
		return err
	}
	var out []Expr
	if in != nil {
		axis, err := c.axis(c.int("axis", -1), len(in))
		if err != nil {
			return err
		}
		out = slices.Clone(in)
		for i := axis; i < len(out); i++ {
			out[i] = Const(1)
		}
	}
	c.set(1, stash, out)
	c.set(2, stash, out)
	return nil
}

func dropout(c *call) error {
	c.set(0, c.dtype(0), c.shape(0))
	mask := onnx.Bool
	if c.since < 10 {
		mask = c.dtype(0)
	}
	c.set(1, mask, c.shape(0))
	return nil
}

func loss(c *call) error {
	c.set(0, c.dtype(0), []Expr{})
	if c.text("reduction", "mean") == "none" {
		c.set(0, c.dtype(0), c.shape(1))
	}
	if c.n.Op == "SoftmaxCrossEntropyLoss" {
		c.set(1, c.dtype(0), c.shape(0))
	}
	return nil
}

func quantize(c *call) error {
	d, err := c.dtypeAttribute("output_dtype", 0)
	if err != nil {
		return err
	}
	switch {
	case c.given(2):
		d = c.dtype(2)
	case d == 0:
		d = onnx.Uint8
	}
	c.set(0, d, c.shape(0))
	return nil
}

func dequantize(c *call) error {
	d, err := c.dtypeAttribute("output_dtype", 0)
	if d == 0 {
		d = c.dtype(1)
	}
	c.set(0, d, c.shape(0))
	return err
}

func dynamicQuantize(c *call) error {
	c.set(0, onnx.Uint8, c.shape(0))
	c.set(1, onnx.Float32, []Expr{})
	c.set(2, onnx.Uint8, []Expr{})
	return nil
}
