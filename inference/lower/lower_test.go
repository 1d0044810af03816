package lower_test

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// model builds ONNX graphs for tests: every node is named by its one output.
type model struct{ onnx.Graph }

func newModel(opset int64) *model {
	return &model{onnx.Graph{IRVersion: 8, Opset: opset, Opsets: map[string]int64{"": opset}}}
}

func (m *model) input(name string, dtype onnx.DType, dims ...int64) string {
	v := onnx.Value{Name: name, DType: dtype, Shape: []onnx.Dim{}}
	for _, d := range dims {
		v.Shape = append(v.Shape, onnx.Dim{Size: d})
	}
	m.Inputs = append(m.Inputs, v)
	return name
}

func (m *model) floats(name string, values []float32, shape ...int64) string {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	m.Initializers = append(m.Initializers, onnx.Tensor{Name: name, DType: onnx.Float32, Shape: shape, Raw: raw})
	return name
}

// number is a scalar constant.
func (m *model) number(name string, v float32) string { return m.floats(name, []float32{v}) }

func (m *model) ints(name string, values ...int64) string {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	m.Initializers = append(m.Initializers, onnx.Tensor{Name: name, DType: onnx.Int64, Shape: []int64{int64(len(values))}, Raw: raw})
	return name
}

func (m *model) node(out, op string, in []string, attributes ...onnx.Attribute) string {
	m.Nodes = append(m.Nodes, onnx.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attributes: attributes})
	return out
}

func (m *model) output(name string) *onnx.Graph {
	m.Outputs = append(m.Outputs, onnx.Value{Name: name, DType: onnx.Float32})
	return &m.Graph
}

func perm(list ...int64) onnx.Attribute {
	return onnx.Attribute{Name: "perm", Kind: onnx.KindInts, Ints: list}
}

// wave is a row of unlike numbers.
func wave(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(math.Sin(float64(3*i + 1)))
	}
	return out
}

func operators(g *ir.Graph) (out []string) {
	for i := range g.Nodes {
		out = append(out, g.Nodes[i].Op)
	}
	return out
}

// gelu writes the chain with its factors in one of the orders of exporters.
func gelu(m *model, x string, order int) string {
	half, root, one := m.number("half", 0.5), m.number("root", math.Sqrt2), m.number("one", 1)
	e := m.node("e", "Erf", []string{m.node("d", "Div", []string{x, root})})
	s := m.node("s", "Add", []string{e, one})
	switch order {
	case 0:
		return m.node("y", "Mul", []string{m.node("p", "Mul", []string{x, s}), half})
	case 1:
		return m.node("y", "Mul", []string{x, m.node("p", "Mul", []string{half, s})})
	}
	return m.node("y", "Mul", []string{m.node("p", "Mul", []string{x, half}), s})
}

// attention writes q·kᵀ with a scale and a mask, softmax, and the product with v.
func attention(m *model, divide bool, mask string) string {
	x := m.input("x", onnx.Float32, 2, 5, 2, 4)
	q := m.node("q", "Transpose", []string{x}, perm(0, 2, 1, 3))
	k := m.node("k", "Transpose", []string{x}, perm(0, 2, 3, 1))
	v := m.node("v", "Transpose", []string{x}, perm(0, 2, 1, 3))
	s := m.node("qk", "MatMul", []string{q, k})
	if divide {
		s = m.node("scaled", "Div", []string{s, m.number("c", 1.7)})
	} else {
		s = m.node("scaled", "Mul", []string{m.number("c", 0.6), s})
	}
	keep := make([]byte, 10)
	for i := range keep {
		keep[i] = byte(1 - i%5/4) // the last position of each is masked
	}
	least := m.number("least", float32(math.Inf(-1)))
	switch mask {
	case "add":
		s = m.node("masked", "Add", []string{s, m.floats("mask", wave(5), 1, 1, 1, 5)})
	case "keep", "drop":
		m.Initializers = append(m.Initializers, onnx.Tensor{Name: "mask", DType: onnx.Bool, Shape: []int64{2, 1, 1, 5}, Raw: keep})
		in := []string{"mask", s, least}
		if mask == "drop" {
			in = []string{"mask", least, s}
		}
		s = m.node("masked", "Where", in)
	}
	w := m.node("w", "Softmax", []string{s})
	return m.node("y", "Transpose", []string{m.node("wv", "MatMul", []string{w, v})}, perm(0, 2, 1, 3))
}

func TestFusion(t *testing.T) {
	cases := []struct {
		name  string
		build func(m *model) string
		want  string
	}{
		{"gelu, last half", func(m *model) string { return gelu(m, m.input("x", onnx.Float32, 2, 5, 2, 4), 0) }, "Gelu"},
		{"gelu, inner half", func(m *model) string { return gelu(m, m.input("x", onnx.Float32, 2, 5, 2, 4), 1) }, "Gelu"},
		{"gelu, first half", func(m *model) string { return gelu(m, m.input("x", onnx.Float32, 2, 5, 2, 4), 2) }, "Gelu"},
		{"bias and activation", func(m *model) string {
			x := m.input("x", onnx.Float32, 2, 5, 2, 4)
			p := m.node("p", "MatMul", []string{x, m.floats("w", wave(12), 4, 3)})
			return m.node("y", "Relu", []string{m.node("b", "Add", []string{m.floats("bias", wave(3), 3), p})})
		}, "Linear"},
		{"layer normalisation", func(m *model) string {
			x, two := m.input("x", onnx.Float32, 2, 5, 2, 4), m.number("two", 2)
			last := onnx.Attribute{Name: "axes", Kind: onnx.KindInts, Ints: []int64{-1}}
			d := m.node("d", "Sub", []string{x, m.node("mean", "ReduceMean", []string{x}, last)})
			v := m.node("v", "ReduceMean", []string{m.node("d2", "Pow", []string{d, two})}, last)
			r := m.node("r", "Sqrt", []string{m.node("ve", "Add", []string{v, m.number("eps", 1e-5)})})
			n := m.node("n", "Mul", []string{m.node("q", "Div", []string{d, r}), m.floats("scale", wave(4), 4)})
			return m.node("y", "Add", []string{n, m.floats("shift", wave(4), 4)})
		}, "LayerNormalization"},
		{"attention", func(m *model) string { return attention(m, false, "") }, "Attention"},
		{"attention, quotient and mask", func(m *model) string { return attention(m, true, "add") }, "Attention"},
		{"attention, what to keep", func(m *model) string { return attention(m, false, "keep") }, "Attention"},
		{"attention, what to drop", func(m *model) string { return attention(m, false, "drop") }, "Attention"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newModel(17)
			g := m.output(c.build(m))
			fused, err := lower.Lower(g)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(operators(fused), " "); got != c.want && got != "Not "+c.want {
				t.Errorf("operators %s, want %s", got, c.want)
			}
			plain, err := lower.With(g, lower.Options{Plain: true})
			if err != nil {
				t.Fatal(err)
			}
			x := map[string]tensor.Tensor{"x": tensor.FromFloat32(wave(80), 2, 5, 2, 4)}
			near(t, run(t, fused, x), run(t, plain, x))
		})
	}
}

func run(t *testing.T, g *ir.Graph, in map[string]tensor.Tensor) tensor.Tensor {
	t.Helper()
	p, err := exact.New(g, exact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Run(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out["y"]
}

func near(t *testing.T, a, b tensor.Tensor) {
	t.Helper()
	if !slices.Equal(a.Shape, b.Shape) {
		t.Fatalf("shapes %v and %v", a.Shape, b.Shape)
	}
	for i, v := range a.Float32s() {
		w := b.Float32s()[i]
		if !(math.Abs(float64(v-w)) <= 2e-6) {
			t.Fatalf("element %d is %v, without fusion %v", i, v, w)
		}
	}
}

// What others read as well is not fused away.
func TestFusionKeepsWhatIsRead(t *testing.T) {
	m := newModel(17)
	gelu(m, m.input("x", onnx.Float32, 2, 5, 2, 4), 0)
	m.Outputs = append(m.Outputs, onnx.Value{Name: "e", DType: onnx.Float32})
	g, err := lower.Lower(m.output("y"))
	if err != nil {
		t.Fatal(err)
	}
	if ops := operators(g); !slices.Contains(ops, "Erf") || len(g.Outputs) != 2 {
		t.Errorf("operators %v, outputs %v", ops, g.Outputs)
	}
}

func TestFolding(t *testing.T) {
	m := newModel(17)
	x := m.input("x", onnx.Float32, 2, 3)
	shape := m.node("shape", "Concat", []string{m.ints("three", 3), m.ints("two", 2)}, onnx.Attribute{Name: "axis", Kind: onnx.KindInt})
	g, err := lower.Lower(m.output(m.node("y", "Reshape", []string{x, shape})))
	if err != nil {
		t.Fatal(err)
	}
	if ops := operators(g); len(ops) != 1 || len(g.Constants) != 1 {
		t.Errorf("operators %v and %d constants, want a Reshape and its shape", ops, len(g.Constants))
	}
	// A constant that would grow large is left for the run; one of a billion elements is refused.
	expanded := func(rows, columns int64) (*ir.Graph, error) {
		m := newModel(17)
		shape := m.ints("shape", rows, columns)
		return lower.Lower(m.output(m.node("y", "Expand", []string{m.number("one", 1), shape})))
	}
	if g, err = expanded(2000, 1000); err != nil || len(g.Nodes) != 1 {
		t.Errorf("a large constant: %v", err)
	}
	if _, err = expanded(100_000, 10_000); !errors.Is(err, lower.ErrLimit) {
		t.Errorf("a billion elements: %v", err)
	}
}

// Weights that a model keeps as whole numbers stay so.
func TestWholeNumbersStay(t *testing.T) {
	m := newModel(17)
	x := m.input("x", onnx.Float32, 2, 64)
	m.Initializers = append(m.Initializers, onnx.Tensor{Name: "q", DType: onnx.Int8, Shape: []int64{64, 32}, Raw: make([]byte, 64*32)})
	w := m.node("w", "Mul", []string{
		m.node("f", "Cast", []string{"q"}, onnx.Attribute{Name: "to", Kind: onnx.KindInt, Int: 1}), m.floats("scale", wave(32), 32),
	})
	g, err := lower.Lower(m.output(m.node("y", "MatMul", []string{x, w})))
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Constants) != 1 || g.Constants[0].Quant == nil || len(g.Constants[0].Quant.Scale) != 32 {
		t.Errorf("constants %+v", g.Constants)
	}
}

func TestConstantConditionIsInlined(t *testing.T) {
	for _, yes := range []byte{0, 1} {
		m := newModel(17)
		x := m.input("x", onnx.Float32, 2)
		m.Initializers = append(m.Initializers, onnx.Tensor{Name: "c", DType: onnx.Bool, Shape: []int64{}, Raw: []byte{yes}})
		branch := func(op string) *onnx.Graph {
			b := newModel(17)
			b.node(op+" out", op, []string{x})
			return b.output(op + " out")
		}
		y := m.node("y", "If", []string{"c"},
			onnx.Attribute{Name: "then_branch", Kind: onnx.KindGraph, Graph: branch("Abs")},
			onnx.Attribute{Name: "else_branch", Kind: onnx.KindGraph, Graph: branch("Neg")})
		g, err := lower.Lower(m.output(y))
		if err != nil {
			t.Fatal(err)
		}
		want := map[byte]string{0: "Neg", 1: "Abs"}[yes]
		if ops := operators(g); len(ops) != 1 || ops[0] != want {
			t.Errorf("operators %v, want %s", ops, want)
		}
	}
}

// Weights that might stay whole numbers, with operands missing.
func TestOperandsMissing(t *testing.T) {
	for _, c := range []struct {
		op string
		in []string
	}{{"DequantizeLinear", []string{"q"}}, {"Mul", []string{"", "q"}}, {"Mul", []string{"q"}}, {"Mul", []string{"q", "q", "q"}}, {"Transpose", []string{"", "q"}}} {
		m := newModel(17)
		m.Initializers = []onnx.Tensor{{Name: "q", DType: onnx.Uint8, Shape: []int64{2048}, Raw: make([]byte, 2048)}}
		_, err := lower.Lower(m.output(m.node("y", c.op, c.in)))
		var e *lower.Error
		if !errors.As(err, &e) || e.Node != "y" {
			t.Errorf("%s of %q: %v", c.op, c.in, err)
		}
	}
}

func TestSparseConstants(t *testing.T) {
	sparse := func(name string, rows int64) onnx.Sparse {
		ones := onnx.Tensor{Name: name, DType: onnx.Float32, Shape: []int64{1}, Raw: binary.LittleEndian.AppendUint32(nil, math.Float32bits(1))}
		at := onnx.Tensor{DType: onnx.Int64, Shape: []int64{1}, Raw: binary.LittleEndian.AppendUint64(nil, 2)}
		return onnx.Sparse{Values: ones, Indices: at, Shape: []int64{rows, 2}}
	}
	sum := func(rows int64) *onnx.Graph {
		m := newModel(17)
		held := sparse("", rows)
		m.Sparse = []onnx.Sparse{sparse("s", rows)}
		c := m.node("c", "Constant", nil, onnx.Attribute{Name: "sparse_value", Kind: onnx.KindSparse, Sparse: &held})
		return m.output(m.node("y", "Add", []string{m.input("x", onnx.Float32, rows, 2), m.node("twice", "Add", []string{"s", c})}))
	}
	g, err := lower.Lower(sum(2))
	if err != nil {
		t.Fatal(err)
	}
	zeros := tensor.New(tensor.Float32, 2, 2)
	if y := run(t, g, map[string]tensor.Tensor{"x": zeros}); !slices.Equal(y.Float32s(), []float32{0, 0, 2, 0}) {
		t.Errorf("sum %v", y.Float32s())
	}
	if _, err := lower.Lower(sum(1 << 28)); !errors.Is(err, lower.ErrLimit) {
		t.Errorf("sparse constants of a billion elements: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	build := func(opset int64, op string, in []string) *onnx.Graph {
		m := newModel(opset)
		m.input("x", onnx.Float32, 2)
		return m.output(m.node("y", op, in))
	}
	for name, c := range map[string]struct {
		g    *onnx.Graph
		want error
		node string
	}{
		"unknown operator": {build(17, "Telepathy", []string{"x"}), lower.ErrUnsupported, "y"},
		"old set":          {build(6, "Abs", []string{"x"}), lower.ErrUnsupported, ""},
		"new set":          {build(99, "Abs", []string{"x"}), lower.ErrUnsupported, ""},
		"dangling":         {build(17, "Abs", []string{"z"}), lower.ErrModel, "y"},
	} {
		_, err := lower.Lower(c.g)
		var e *lower.Error
		if !errors.Is(err, c.want) || !errors.As(err, &e) || e.Node != c.node {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The same model gives the same graph.
func TestRepeats(t *testing.T) {
	m := newModel(17)
	g := m.output(attention(m, true, "drop"))
	var roots []string
	for range 3 {
		l, err := lower.Lower(g)
		if err != nil {
			t.Fatal(err)
		}
		root, err := ir.Root(l)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root.String())
	}
	if roots[0] != roots[1] || roots[1] != roots[2] {
		t.Errorf("roots %v", roots)
	}
}
