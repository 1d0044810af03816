package exam

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"assay/inference/onnx"
)

// PaddedGraph is a random model over sequences with a mask: x [batch, sequence, width] and mask [batch, sequence] in,
// tokens [batch, sequence, width'] and pooled [batch, width'] out. Tokens meet only in attention, where the mask hides
// what is not there.
type PaddedGraph struct {
	random *rand.Rand
	graph  *onnx.Graph
	names  int
	width  int64 // of the newest value
	heads  int64
	styles []string
	input  int64 // width of x
	left   bool  // pooled must not depend on padding before the sequence either
}

// NewPaddedGraph makes the graph of a seed and an index.
func NewPaddedGraph(seed, index uint64) *PaddedGraph {
	random := rand.New(rand.NewPCG(seed, index))
	dims := []onnx.Dim{{Size: -1, Symbol: "batch"}, {Size: -1, Symbol: "sequence"}}
	g := &PaddedGraph{random: random, heads: 1 + random.Int64N(3), graph: &onnx.Graph{
		Name: "padded", IRVersion: 10, Opset: 20, Opsets: map[string]int64{"": 20},
	}}
	g.width = g.heads * (2 + random.Int64N(9))
	g.input = g.width
	g.graph.Inputs = []onnx.Value{
		{Name: "x", DType: onnx.Float32, Shape: append(dims[:2:2], onnx.Dim{Size: g.width})},
		{Name: "mask", DType: onnx.Int64, Shape: dims},
	}
	x := "x"
	for range 1 + random.IntN(3) {
		for range random.IntN(3) {
			x = g.token(x)
		}
		x = g.attention(x)
	}
	for range random.IntN(3) {
		x = g.token(x)
	}
	g.named("tokens", "Identity", nil, x)
	g.pool("tokens")
	width := onnx.Dim{Size: g.width}
	g.graph.Outputs = []onnx.Value{
		{Name: "tokens", DType: onnx.Float32, Shape: append(dims[:2:2], width)},
		{Name: "pooled", DType: onnx.Float32, Shape: []onnx.Dim{dims[0], width}},
	}
	return g
}

func (g *PaddedGraph) named(out, op string, attributes []onnx.Attribute, in ...string) string {
	g.graph.Nodes = append(g.graph.Nodes, onnx.Node{
		Name: fmt.Sprintf("%s_%d", op, len(g.graph.Nodes)), Op: op, Inputs: in, Outputs: []string{out}, Attributes: attributes,
	})
	return out
}

func (g *PaddedGraph) with(op string, attributes []onnx.Attribute, in ...string) string {
	g.names++
	return g.named(fmt.Sprintf("v%d", g.names), op, attributes, in...)
}

func (g *PaddedGraph) op(op string, in ...string) string { return g.with(op, nil, in...) }

func (g *PaddedGraph) constant(dtype onnx.DType, raw []byte, shape ...int64) string {
	g.names++
	name := fmt.Sprintf("c%d", g.names)
	g.graph.Initializers = append(g.graph.Initializers, onnx.Tensor{Name: name, DType: dtype, Shape: append([]int64{}, shape...), Raw: raw})
	return name
}

func (g *PaddedGraph) floats(scale float64, shape ...int64) string {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return g.constant(onnx.Float32, randomFloats(g.random, int(n), scale), shape...)
}

func (g *PaddedGraph) scalar(v float64) string {
	return g.constant(onnx.Float32, binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v))))
}

func (g *PaddedGraph) ints(v ...int64) string {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return g.constant(onnx.Int64, raw, int64(len(v)))
}

func randomFloats(random *rand.Rand, n int, scale float64) []byte {
	raw := make([]byte, 0, 4*n)
	for range n {
		v := float32(random.NormFloat64() * scale)
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return raw
}

func whole(name string, v ...int64) onnx.Attribute {
	if len(v) == 1 && name != "perm" {
		return onnx.Attribute{Name: name, Kind: onnx.KindInt, Int: v[0]}
	}
	return onnx.Attribute{Name: name, Kind: onnx.KindInts, Ints: v}
}

// token applies a random function to each token alone.
func (g *PaddedGraph) token(x string) string {
	switch g.random.IntN(6) {
	case 0:
		return g.op([]string{"Tanh", "Sigmoid", "Erf", "Gelu", "Relu", "Softplus"}[g.random.IntN(6)], x)
	case 1:
		return g.with("LayerNormalization", []onnx.Attribute{whole("axis", -1)}, x, g.floats(1, g.width), g.floats(0.2, g.width))
	case 2:
		return g.with("Softmax", []onnx.Attribute{whole("axis", -1)}, x)
	case 3:
		return g.op("Add", x, g.op("Tanh", x))
	case 4:
		return g.op("Mul", x, g.floats(1, g.width))
	}
	wide := g.heads * (2 + g.random.Int64N(9))
	x = g.linear(x, g.width, wide)
	g.width = wide
	return x
}

func (g *PaddedGraph) linear(x string, from, to int64) string {
	return g.op("Add", g.op("MatMul", x, g.floats(1/math.Sqrt(float64(from)), from, to)), g.floats(0.2, to))
}

func (g *PaddedGraph) split(x string, perm ...int64) string {
	size := g.width / g.heads
	return g.with("Transpose", []onnx.Attribute{whole("perm", perm...)}, g.op("Reshape", x, g.ints(0, 0, g.heads, size)))
}

// attention lets every token look at those that the mask does not hide, in one of the forms that exporters write.
func (g *PaddedGraph) attention(x string) string {
	q := g.split(g.linear(x, g.width, g.width), 0, 2, 1, 3)
	k := g.split(g.linear(x, g.width, g.width), 0, 2, 3, 1)
	v := g.split(g.linear(x, g.width, g.width), 0, 2, 1, 3)
	scale := 1 / math.Sqrt(float64(g.width/g.heads))
	style := []string{"Where", "WhereNaN", "Add", "Least"}[g.random.IntN(4)]
	g.styles = append(g.styles, style)
	var scores string
	divides := g.random.IntN(2) == 1
	if !divides {
		scores = g.op("Mul", g.op("MatMul", q, k), g.scalar(scale))
	} else {
		scores = g.op("Div", g.op("MatMul", q, k), g.scalar(1/scale))
	}
	wide := g.op("Unsqueeze", "mask", g.ints(1, 2))
	switch style {
	case "Where", "WhereNaN":
		allowed := g.with("Cast", []onnx.Attribute{whole("to", int64(onnx.Bool))}, wide)
		scores = g.op("Where", allowed, scores, g.scalar(math.Inf(-1)))
	default:
		least := -1e9
		if style == "Least" {
			least = -math.MaxFloat32
		}
		number := g.with("Cast", []onnx.Attribute{whole("to", int64(onnx.Float32))}, wide)
		bias := g.op("Mul", g.op("Sub", g.scalar(1), number), g.scalar(least))
		scores = g.op("Add", scores, bias)
	}
	weights := g.with("Softmax", []onnx.Attribute{whole("axis", -1)}, scores)
	if style == "WhereNaN" {
		weights = g.op("Where", g.op("IsNaN", weights), g.scalar(0), weights)
	}
	mixed := g.with("Transpose", []onnx.Attribute{whole("perm", 0, 2, 1, 3)}, g.op("MatMul", weights, v))
	out := g.linear(g.op("Reshape", mixed, g.ints(0, 0, g.width)), g.width, g.width)
	if g.random.IntN(2) == 0 {
		return out
	}
	return g.op("Add", x, out)
}

// pool takes the largest value, or the mean, of the tokens that are there.
func (g *PaddedGraph) pool(x string) {
	if g.random.IntN(2) == 0 {
		allowed := g.with("Cast", []onnx.Attribute{whole("to", int64(onnx.Bool))}, g.op("Unsqueeze", "mask", g.ints(2)))
		hidden := g.op("Where", allowed, x, g.scalar(math.Inf(-1)))
		g.named("pooled", "ReduceMax", []onnx.Attribute{whole("keepdims", 0)}, hidden, g.ints(1))
		g.left = true
		return
	}
	number := g.with("Cast", []onnx.Attribute{whole("to", int64(onnx.Float32))}, g.op("Unsqueeze", "mask", g.ints(2)))
	sum := g.with("ReduceSum", []onnx.Attribute{whole("keepdims", 0)}, g.op("Mul", x, number), g.ints(1))
	count := g.with("ReduceSum", []onnx.Attribute{whole("keepdims", 0)}, number, g.ints(1))
	g.named("pooled", "Div", nil, sum, count)
}

// Check runs three sequences of different lengths alone, and together in one batch with padding behind or before
// them that holds anything: every token that is there, and what is pooled, has the same bits.
func (g *PaddedGraph) Check() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	model := onnx.Encode(g.graph)
	longest := 1 + g.random.Int64N(40)
	if g.random.IntN(8) == 0 {
		longest = 250 + g.random.Int64N(40) // beyond a block of 256
	}
	lengths := []int64{longest, 1 + g.random.Int64N(longest), 1 + g.random.Int64N(longest)}
	total := longest + g.random.Int64N(30)
	var alone [][]Value
	var items [][]byte
	for _, n := range lengths {
		x := randomFloats(g.random, int(n*g.input), 1)
		items = append(items, x)
		out, err := Evaluate(model, g.inputs(1, n, x, ones(n)), Options{})
		if err != nil {
			return err
		}
		alone = append(alone, out)
	}
	for _, before := range []bool{false, true} {
		if err := g.together(model, items, alone, lengths, total, before); err != nil {
			return fmt.Errorf("lengths %v padded to %d, before %t, masks by %v: %w", lengths, total, before, g.styles, err)
		}
	}
	return nil
}

func ones(n int64) []byte {
	var raw []byte
	for range n {
		raw = binary.LittleEndian.AppendUint64(raw, 1)
	}
	return raw
}

func (g *PaddedGraph) inputs(batch, length int64, x, mask []byte) map[string]Value {
	return map[string]Value{
		"x":    {Name: "x", DType: onnx.Float32, Shape: []int64{batch, length, g.input}, Raw: x},
		"mask": {Name: "mask", DType: onnx.Int64, Shape: []int64{batch, length}, Raw: mask},
	}
}

func (g *PaddedGraph) together(model []byte, items [][]byte, alone [][]Value, lengths []int64, total int64, before bool) error {
	var x, mask []byte
	for i, n := range lengths {
		junk := randomFloats(g.random, int((total-n)*g.input), 3)
		none := make([]byte, 8*(total-n))
		if before {
			x, mask = append(append(x, junk...), items[i]...), append(append(mask, none...), ones(n)...)
		} else {
			x, mask = append(append(x, items[i]...), junk...), append(append(mask, ones(n)...), none...)
		}
	}
	out, err := Evaluate(model, g.inputs(int64(len(lengths)), total, x, mask), Options{})
	if err != nil {
		return err
	}
	for i, n := range lengths {
		row := 4 * g.width
		start := int64(i) * total * row
		if before {
			start += (total - n) * row
		}
		if !bytes.Equal(out[0].Raw[start:start+n*row], alone[i][0].Raw) {
			return fmt.Errorf("the tokens of sequence %d have other bits", i)
		}
		if (g.left || !before) && !bytes.Equal(out[1].Raw[int64(i)*row:int64(i+1)*row], alone[i][1].Raw) {
			return fmt.Errorf("what is pooled of sequence %d has other bits", i)
		}
	}
	return nil
}
