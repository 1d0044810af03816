package rewrite

import (
	"fmt"
	"strings"

	"assay/inference/onnx"
	"assay/inference/tensor"
)

// maxSample bounds the elements of one made input.
const maxSample = 1 << 24

// Samples makes inputs for a model by its declarations: ids within the tables that they are looked up in, masks of
// ones, small whole numbers, floats between -1 and 1. Unknown dimensions get a few sizes; the same symbol the
// same one. It is no substitute for inputs that mean something, but needs none.
func Samples(g *onnx.Graph) ([]Values, error) {
	tables := tableRows(g)
	var list []Values
	for seed, sizes := range [][2]int{{1, 7}, {2, 16}, {1, 64}} {
		random := generator(uint32(seed + 1))
		symbols := map[string]int{}
		in := Values{}
		for _, v := range g.Inputs {
			shape, err := sampleShape(v, sizes, symbols)
			if err != nil {
				return nil, err
			}
			if in[v.Name], err = sample(v, shape, tables[v.Name], &random); err != nil {
				return nil, err
			}
		}
		list = append(list, in)
	}
	return list, nil
}

// sampleShape gives the first unknown dimension the batch's size and later ones the length's.
func sampleShape(v onnx.Value, sizes [2]int, symbols map[string]int) ([]int, error) {
	shape := make([]int, len(v.Shape))
	for i, d := range v.Shape {
		size := int(d.Size)
		if d.Size < 0 {
			size = sizes[min(i, 1)]
			if known, ok := symbols[d.Symbol]; ok && d.Symbol != "" {
				size = known
			}
			symbols[d.Symbol] = size
		}
		shape[i] = size
	}
	if _, ok := tensor.Count(shape, maxSample); !ok {
		return nil, fmt.Errorf("input %q of shape %v is too large to make up", v.Name, shape)
	}
	return shape, nil
}

func sample(v onnx.Value, shape []int, rows int, random *generator) (tensor.Tensor, error) {
	t := tensor.New(v.DType, shape...)
	mask := strings.Contains(v.Name, "mask")
	whole := func() int64 {
		switch {
		case mask:
			return 1
		case rows > 2:
			return int64(random.below(rows))
		}
		return 0
	}
	switch v.DType {
	case tensor.Float32:
		for i := range t.Float32s() {
			t.Float32s()[i] = float32(float32(random.below(1<<16))/(1<<15)) - 1
		}
	case tensor.Int64:
		for i := range t.Int64s() {
			t.Int64s()[i] = whole()
		}
	case tensor.Int32:
		for i := range t.Int32s() {
			t.Int32s()[i] = int32(whole())
		}
	case tensor.Bool:
		for i := range t.Bools() {
			t.Bools()[i] = true
		}
	default:
		return tensor.Tensor{}, fmt.Errorf("input %q of %v: inputs must be given", v.Name, v.DType)
	}
	return t, nil
}

// tableRows says how many rows the constant has that an input is looked up in.
func tableRows(g *onnx.Graph) map[string]int {
	c := newConstants(g)
	rows := map[string]int{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Op != "Gather" || n.Domain != "" {
			continue
		}
		if size := c.rows(n.Inputs[0], maxSteps); size > 0 {
			rows[n.Inputs[1]] = size
		}
	}
	return rows
}

// rows is the first dimension of a constant, looking through what is computed element by element.
func (c *constants) rows(name string, steps int) int {
	if t, ok := c.stored[name]; ok && len(t.Shape) > 0 {
		return int(t.Shape[0])
	}
	n := c.makers[name]
	if n == nil || steps == 0 || len(n.Inputs) == 0 {
		return 0
	}
	switch n.Op {
	case "Cast", "Mul", "Sub", "DequantizeLinear", "Identity":
		return c.rows(n.Inputs[0], steps-1)
	}
	return 0
}

// generator is a linear congruential one: the same samples everywhere.
type generator uint32

func (g *generator) below(n int) int {
	*g = *g*1664525 + 1013904223
	return int(uint64(*g>>8) * uint64(n) >> 24)
}
