package rewrite

import (
	"strings"

	"assay/inference/onnx"
)

// weight is the constant side of a product.
type weight struct {
	values *array // what it means
	// integers and scale are set where the file holds symmetric int8 with a scale per column, or one for all:
	// values = integers·scale exactly.
	integers []int8
	scale    []float32
}

// product is what will be replaced by new nodes that make out of in.
type product struct {
	node          string
	in, out       string
	was           string
	constant      string // the weights' name
	key           string // by which products of the same weights are known
	rows, columns int    // of the weights
	exact         bool   // the weights are symmetric int8 already
	// load multiplies the weights out when they are wanted: one product after the other, not all at once.
	load func() weight
	// convolution is set for an integer convolution, whose weights stay as they are stored.
	convolution *integerProduct
}

// findProducts gives the products with constant weights by the index of the node that makes their result, and
// those that look like one but stay.
func findProducts(g *onnx.Graph, c *constants) (map[int]product, []Left) {
	found := map[int]product{}
	var left []Left
	at := map[string]int{}
	for i := range g.Nodes {
		for _, out := range g.Nodes[i].Outputs {
			at[out] = i
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Domain != "" {
			continue
		}
		switch n.Op {
		case "MatMul":
			p, why := c.product(n)
			if why != "" {
				left = append(left, Left{n.Name, why})
				continue
			}
			found[i] = p
		case "MatMulInteger", "ConvInteger":
			p, why := c.dynamic(g, n)
			if why != "" {
				left = append(left, Left{n.Name, why})
				continue
			}
			found[at[p.out]] = p
		case "Gemm", "Conv":
			left = append(left, Left{n.Name, "fp32 " + n.Op})
		}
	}
	return found, left
}

// product says what a product by a constant matrix is, or why it stays.
func (c *constants) product(n *onnx.Node) (product, string) {
	if len(n.Inputs) != 2 || n.Inputs[0] == "" || n.Outputs[0] == "" {
		return product{}, "not a product of two"
	}
	name := n.Inputs[1]
	values := c.value(name, maxSteps)
	switch {
	case values == nil:
		return product{}, "not a constant matrix"
	case values.rank != 2 || values.dtype != onnx.Float32:
		return product{}, "constant, but not an fp32 matrix"
	}
	p := product{node: n.Name, in: n.Inputs[0], out: n.Outputs[0], was: "fp32"}
	if _, stored := c.stored[name]; !stored {
		p.was = "int8 weights"
	}
	integers, scale := c.integers(name, values.rows, values.columns)
	p.key = name
	p.constant, p.rows, p.columns, p.exact = name, values.rows, values.columns, integers != nil
	p.load = func() weight { return weight{c.value(name, maxSteps), integers, scale} }
	return p, ""
}

// integers recognises Mul(Cast(int8), scale per column).
func (c *constants) integers(name string, rows, columns int) ([]int8, []float32) {
	mul := c.makers[name]
	if mul == nil || mul.Op != "Mul" || len(mul.Inputs) != 2 {
		return nil, nil
	}
	for i, in := range mul.Inputs {
		cast := c.makers[in]
		if cast == nil || cast.Op != "Cast" || len(cast.Inputs) != 1 {
			continue
		}
		stored, scale := c.stored[cast.Inputs[0]], c.value(mul.Inputs[1-i], maxSteps)
		whole := stored != nil && stored.DType == onnx.Int8 && len(stored.Raw) == rows*columns && len(stored.Shape) == 2
		if whole && scale != nil && scale.rows == 1 {
			return symmetric(stored.Raw), spread(scale.data, columns)
		}
	}
	return nil, nil
}

// symmetric is the int8 elements, unless one is -128, which has no opposite.
func symmetric(raw []byte) []int8 {
	out := make([]int8, len(raw))
	for i, b := range raw {
		if out[i] = int8(b); out[i] == -128 {
			return nil
		}
	}
	return out
}

func spread(scale []float32, columns int) []float32 {
	if len(scale) == columns {
		return scale
	}
	out := make([]float32, columns)
	for i := range out {
		out[i] = scale[0]
	}
	return out
}

// leftDynamic names what is still quantised by scales from the data.
func leftDynamic(g *onnx.Graph) error {
	return walk(g, func(n *onnx.Node) error {
		if n.Op == "DynamicQuantizeLinear" || strings.HasPrefix(n.Op, "DynamicQuantize") {
			return nodeError(n, ErrDynamic)
		}
		return nil
	})
}
