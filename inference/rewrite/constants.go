package rewrite

import (
	"encoding/binary"
	"math"

	"assay/inference/onnx"
)

// maxElements bounds one constant that is multiplied out. All together may take a few times what the file holds, so
// that a small file cannot ask for much.
const (
	maxElements  = 1 << 28
	perStored    = 64      // elements computed per element stored
	alwaysBudget = 1 << 20 // elements
)

// maxSteps bounds how many nodes lie between a stored constant and its use.
const maxSteps = 8

// constants finds the value of a name when it depends on the file alone.
type constants struct {
	stored  map[string]*onnx.Tensor
	makers  map[string]*onnx.Node
	readers map[string]int
	budget  int64 // elements that may still be computed
}

func newConstants(g *onnx.Graph) *constants {
	c := &constants{stored: map[string]*onnx.Tensor{}, makers: map[string]*onnx.Node{}, readers: map[string]int{}, budget: alwaysBudget}
	store := func(name string, t *onnx.Tensor) {
		c.stored[name] = t
		c.budget += perStored * int64(len(t.Raw)/max(1, t.DType.Size()))
	}
	for i := range g.Initializers {
		store(g.Initializers[i].Name, &g.Initializers[i])
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		for _, out := range n.Outputs {
			c.makers[out] = n
		}
		reads(n, func(in string) { c.readers[in]++ })
		if value := n.Attribute("value"); n.Domain == "" && n.Op == "Constant" && value != nil && value.Tensor != nil {
			store(n.Outputs[0], value.Tensor)
		}
	}
	for _, v := range g.Outputs {
		c.readers[v.Name]++
	}
	return c
}

// array is a constant of at most two dimensions, its elements as float32. Integers of 8 bits are exact in it.
type array struct {
	rows, columns int
	rank          int
	data          []float32
	dtype         onnx.DType
}

// value computes the constant of a name; nil when it is none, or of a form that weights do not have.
func (c *constants) value(name string, steps int) *array {
	if c.budget < 0 {
		return nil
	}
	var out *array
	if t, ok := c.stored[name]; ok {
		out = load(t)
	} else if n := c.makers[name]; n != nil && n.Domain == "" && steps > 0 {
		out = c.computed(n, steps)
	}
	if out != nil {
		c.budget -= int64(len(out.data))
	}
	return out
}

// computed evaluates a node of constants; only a third input may be left out.
func (c *constants) computed(n *onnx.Node, steps int) *array {
	if len(n.Inputs) > 3 {
		return nil
	}
	in := make([]*array, len(n.Inputs))
	for i, name := range n.Inputs {
		if name == "" && i == 2 {
			continue
		}
		if in[i] = c.value(name, steps-1); in[i] == nil {
			return nil
		}
	}
	return fold(n, in)
}

// fold evaluates the operators that stand between stored weights and a product.
func fold(n *onnx.Node, in []*array) *array {
	switch {
	case n.Op == "Identity" && len(in) == 1:
		return in[0]
	case n.Op == "Cast" && len(in) == 1:
		if !castsToFloat(n) {
			return nil
		}
		return &array{in[0].rows, in[0].columns, in[0].rank, in[0].data, onnx.Float32}
	case n.Op == "Mul" && len(in) == 2:
		return broadcast(in[0], in[1], func(a, b float32) float32 { return float32(a * b) })
	case n.Op == "Sub" && len(in) == 2:
		return broadcast(in[0], in[1], func(a, b float32) float32 { return a - b })
	case n.Op == "Transpose" && len(in) == 1 && in[0].rank == 2:
		if perm := n.Attribute("perm"); perm != nil && (len(perm.Ints) != 2 || perm.Ints[0] == 0) {
			return nil
		}
		return in[0].transposed()
	case n.Op == "DequantizeLinear" && len(in) >= 2 && n.Attribute("block_size") == nil:
		return dequantize(n, in)
	}
	return nil
}

func castsToFloat(n *onnx.Node) bool {
	to := n.Attribute("to")
	return to != nil && onnx.DType(to.Int) == onnx.Float32
}

// dequantize is (x - zero point)·scale, both per tensor or along an axis.
func dequantize(n *onnx.Node, in []*array) *array {
	x, scale := in[0], in[1]
	axis := int64(1)
	if a := n.Attribute("axis"); a != nil {
		axis = a.Int
	}
	along := func(v *array) *array {
		if len(v.data) > 1 && (axis+2)%2 == 0 { // over rows
			return &array{len(v.data), 1, 2, v.data, v.dtype}
		}
		return v
	}
	if len(in) > 2 && in[2] != nil {
		x = broadcast(x, along(in[2]), func(a, b float32) float32 { return a - b })
	}
	if x == nil {
		return nil
	}
	x = broadcast(x, along(scale), func(a, b float32) float32 { return float32(a * b) })
	if x != nil {
		x.dtype = onnx.Float32
	}
	return x
}

// broadcast applies f; one side has the shape of the result.
func broadcast(a, b *array, f func(a, b float32) float32) *array {
	out := &array{max(a.rows, b.rows), max(a.columns, b.columns), max(a.rank, b.rank), nil, a.dtype}
	for _, v := range []*array{a, b} {
		if v.rows != out.rows && v.rows != 1 || v.columns != out.columns && v.columns != 1 {
			return nil
		}
	}
	if int64(out.rows)*int64(out.columns) > maxElements {
		return nil
	}
	out.data = make([]float32, out.rows*out.columns)
	for i := range out.rows {
		for j := range out.columns {
			out.data[i*out.columns+j] = f(a.at(i, j), b.at(i, j))
		}
	}
	return out
}

func (a *array) at(i, j int) float32 {
	if a.rows == 1 {
		i = 0
	}
	if a.columns == 1 {
		j = 0
	}
	return a.data[i*a.columns+j]
}

func (a *array) transposed() *array {
	out := &array{a.columns, a.rows, 2, make([]float32, len(a.data)), a.dtype}
	for i := range a.rows {
		for j := range a.columns {
			out.data[j*a.rows+i] = a.data[i*a.columns+j]
		}
	}
	return out
}

// load reads a stored constant of at most two dimensions: fp32, or integers that fp32 holds exactly.
func load(t *onnx.Tensor) *array {
	a := &array{rows: 1, columns: 1, rank: len(t.Shape), dtype: t.DType}
	switch len(t.Shape) {
	case 0:
	case 1:
		a.columns = int(t.Shape[0])
	case 2:
		a.rows, a.columns = int(t.Shape[0]), int(t.Shape[1])
	default:
		return nil
	}
	n := a.rows * a.columns
	if n == 0 || n > maxElements || len(t.Raw) != n*t.DType.Size() {
		return nil
	}
	read := reader(t)
	if read == nil {
		return nil
	}
	a.data = make([]float32, n)
	for i := range a.data {
		a.data[i] = read(i)
	}
	return a
}

func reader(t *onnx.Tensor) func(i int) float32 {
	switch t.DType {
	case onnx.Float32:
		return func(i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(t.Raw[4*i:])) }
	case onnx.Int8:
		return func(i int) float32 { return float32(int8(t.Raw[i])) }
	case onnx.Uint8:
		return func(i int) float32 { return float32(t.Raw[i]) }
	}
	return nil
}
