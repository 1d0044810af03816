package rewrite_test

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"assay/inference/onnx"
	"assay/inference/rewrite"
	"assay/inference/tensor"
)

func parsed(t testing.TB, path string) *onnx.Graph {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, data)
}

func parse(t testing.TB, data []byte) *onnx.Graph {
	t.Helper()
	g, err := onnx.Parse(data, onnx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func floats(name string, shape []int64, v ...float32) onnx.Tensor {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return onnx.Tensor{Name: name, DType: onnx.Float32, Shape: shape, Raw: raw}
}

func bytesOf(name string, dtype onnx.DType, shape []int64, v ...int) onnx.Tensor {
	raw := make([]byte, len(v))
	for i, x := range v {
		raw[i] = byte(x)
	}
	return onnx.Tensor{Name: name, DType: dtype, Shape: shape, Raw: raw}
}

func node(op, out string, in ...string) onnx.Node {
	return onnx.Node{Name: "node " + out, Op: op, Inputs: in, Outputs: []string{out}}
}

func cast(out, in string) onnx.Node {
	n := node("Cast", out, in)
	n.Attributes = []onnx.Attribute{{Name: "to", Kind: onnx.KindInt, Int: int64(onnx.Float32)}}
	return n
}

// model has an input x[rows, 3] and an output y[rows, columns].
func model(columns int64, constants []onnx.Tensor, nodes ...onnx.Node) *onnx.Graph {
	return &onnx.Graph{
		Name: "m", IRVersion: 7, Opset: 13, Opsets: map[string]int64{"": 13}, Initializers: constants, Nodes: nodes,
		Inputs:  []onnx.Value{{Name: "x", DType: onnx.Float32, Shape: []onnx.Dim{{Size: -1, Symbol: "rows"}, {Size: 3}}}},
		Outputs: []onnx.Value{{Name: "y", DType: onnx.Float32, Shape: []onnx.Dim{{Size: -1, Symbol: "rows"}, {Size: columns}}}},
	}
}

// float is y = x·w.
func float() *onnx.Graph {
	return model(2, []onnx.Tensor{floats("w", []int64{3, 2}, 1, -0.5, 0.25, 3, 0, 0.75)}, node("MatMul", "y", "x", "w"))
}

// dynamic is the same quantised by a scale from the data; the order of the scales' products is given.
func dynamic(joined bool) *onnx.Graph {
	quantize := node("DynamicQuantizeLinear", "q", "x")
	quantize.Outputs = []string{"q", "scale", "zero"}
	nodes := []onnx.Node{quantize, node("MatMulInteger", "sums", "q", "w", "zero", "w zero"), cast("numbers", "sums")}
	if joined {
		nodes = append(nodes, node("Mul", "scales", "scale", "w scale"), node("Mul", "y", "numbers", "scales"))
	} else {
		nodes = append(nodes, node("Mul", "half", "numbers", "scale"), node("Mul", "y", "w scale", "half"))
	}
	return model(2, []onnx.Tensor{
		bytesOf("w", onnx.Uint8, []int64{3, 2}, 200, 100, 140, 255, 128, 0),
		bytesOf("w zero", onnx.Uint8, []int64{}, 130), floats("w scale", []int64{}, 0.03125),
	}, nodes...)
}

func ops(g *onnx.Graph) string {
	var list []string
	for _, n := range g.Nodes {
		list = append(list, n.Op)
	}
	return strings.Join(list, " ")
}

func TestForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		graph *onnx.Graph
		form  rewrite.Form
		ops   string
		was   string
		exact bool
	}{
		{"fp32 to weight-only", float(), rewrite.WeightOnly, "Cast Mul MatMul", "fp32", false},
		{"fp32 to per-row", float(), rewrite.PerRow, "PerRowMatMul", "fp32", false},
		{"fp32 to q8", float(), rewrite.Q8, "MatMulNBits", "fp32", false},
		{"fp32 to q4", float(), rewrite.Q4, "MatMulNBits", "fp32", false},
		{"dynamic, scales joined", dynamic(true), rewrite.WeightOnly, "Cast Mul MatMul", "dynamic int8", false},
		{"dynamic, scales one by one", dynamic(false), rewrite.PerRow, "PerRowMatMul", "dynamic int8", false},
		{"dynamic to q4", dynamic(true), rewrite.Q4, "MatMulNBits", "dynamic int8", false},
	} {
		before := onnx.Encode(c.graph)
		g, report, err := rewrite.Rewrite(c.graph, c.form)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if ops(g) != c.ops || len(report.Products) != 1 {
			t.Errorf("%s: operators %q, want %q; %d products", c.name, ops(g), c.ops, len(report.Products))
			continue
		}
		if p := report.Products[0]; p.Was != c.was || p.Exact != c.exact || p.Rows != 3 || p.Columns != 2 {
			t.Errorf("%s: %+v", c.name, p)
		}
		if string(onnx.Encode(c.graph)) != string(before) {
			t.Errorf("%s: the given graph was changed", c.name)
		}
		if back := parse(t, onnx.Encode(g)); !reflect.DeepEqual(ops(back), c.ops) {
			t.Errorf("%s: read back as %q", c.name, ops(back))
		}
	}
}

// TestWeightsTakenOver holds that int8 weights with a scale per column stay the same numbers.
func TestWeightsTakenOver(t *testing.T) {
	t.Parallel()
	g := model(2, []onnx.Tensor{
		bytesOf("q", onnx.Int8, []int64{3, 2}, 100, -127, 5, 6, 0, -1), floats("scale", []int64{1, 2}, 0.5, 0.25),
	}, cast("f", "q"), node("Mul", "w", "scale", "f"), node("MatMul", "y", "x", "w"))
	out, report, err := rewrite.Rewrite(g, rewrite.PerRow)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Products[0].Exact || report.Products[0].Was != "int8 weights" {
		t.Errorf("%+v", report.Products[0])
	}
	if len(out.Initializers) != 2 || string(out.Initializers[0].Raw) != string(g.Initializers[0].Raw) ||
		string(out.Initializers[1].Raw) != string(g.Initializers[1].Raw) {
		t.Errorf("constants changed: %+v", out.Initializers)
	}
	g.Initializers[0].Raw = []byte{0x80, 1, 2, 3, 4, 5} // -128 has no opposite
	if _, report, err = rewrite.Rewrite(g, rewrite.PerRow); err != nil || report.Products[0].Exact {
		t.Errorf("a weight of -128 was taken over: %+v, %v", report, err)
	}
}

// TestSharedWeights holds that two products of one matrix share what is made of it, and that names stay apart.
func TestSharedWeights(t *testing.T) {
	t.Parallel()
	square := floats("w", []int64{3, 3}, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	taken := floats("w.int8", []int64{3}, 1, 1, 1)
	g := model(3, []onnx.Tensor{square, taken}, node("MatMul", "z", "x", "w"), node("Add", "a", "z", "w.int8"), node("MatMul", "y", "a", "w"))
	out, report, err := rewrite.Rewrite(g, rewrite.PerRow)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Products) != 2 || len(out.Initializers) != 3 || out.Nodes[0].Inputs[1] != out.Nodes[2].Inputs[1] {
		t.Errorf("%d products, %d constants, %v and %v", len(report.Products), len(out.Initializers), out.Nodes[0].Inputs, out.Nodes[2].Inputs)
	}
	parse(t, onnx.Encode(out))
	if _, _, err := rewrite.Rewrite(out, rewrite.PerRow); !errors.Is(err, rewrite.ErrNothing) {
		t.Errorf("a second time: %v", err)
	}
}

// TestTables holds that a table of vectors is kept as int8 and only the rows that are looked up are multiplied out.
func TestTables(t *testing.T) {
	t.Parallel()
	values := make([]float32, 1000*66)
	for i := range values {
		values[i] = float32(i%131) - 65 // the largest magnitude of a row is 65
	}
	g := model(2, []onnx.Tensor{
		floats("vectors", []int64{1000, 66}, values...), floats("w", []int64{66, 2}, values[:132]...),
	}, node("Gather", "found", "vectors", "ids"), node("MatMul", "y", "found", "w"))
	g.Inputs = []onnx.Value{{Name: "ids", DType: onnx.Int64, Shape: []onnx.Dim{{Size: -1}}}}
	out, report, err := rewrite.Rewrite(g, rewrite.WeightOnly)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ops(out), "Gather Gather Cast Mul Cast Mul MatMul"; got != want {
		t.Errorf("operators %q, want %q", got, want)
	}
	if len(report.Tables) != 1 || report.Tables[0].Rows != 1000 || report.Tables[0].Columns != 66 || report.Tables[0].Exact {
		t.Errorf("%+v", report.Tables)
	}
	before, err := rewrite.Exact(g)
	if err != nil {
		t.Fatal(err)
	}
	after, err := rewrite.Exact(parse(t, onnx.Encode(out)))
	if err != nil {
		t.Fatal(err)
	}
	loss, err := rewrite.Compare([]rewrite.Values{{"ids": tensor.FromInt64([]int64{0, 999, 500, -1}, 4)}}, before, after)
	if err != nil || loss.MaxAbs == 0 || loss.MaxAbs > loss.Largest/50 || loss.Cosine < 0.9999 {
		t.Errorf("%+v, %v", loss, err)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	lone := dynamic(true)
	lone.Nodes = append(lone.Nodes, onnx.Node{Name: "lone", Op: "DynamicQuantizeLinear", Inputs: []string{"y"}, Outputs: []string{"yq", "", ""}})
	lone.Outputs = append(lone.Outputs, onnx.Value{Name: "yq", DType: onnx.Uint8})
	old := float()
	old.Opset, old.Opsets = 10, map[string]int64{"": 10}
	long := make([]float32, 200_000)
	for _, c := range []struct {
		name  string
		graph *onnx.Graph
		form  rewrite.Form
		want  error
	}{
		{"an unknown form", float(), "q3", rewrite.ErrForm},
		{"no products", model(3, nil, node("Relu", "y", "x")), rewrite.PerRow, rewrite.ErrNothing},
		{"a quantisation left", lone, rewrite.WeightOnly, rewrite.ErrDynamic},
		{"an old operator set", old, rewrite.PerRow, rewrite.ErrUnsupported},
		{"a sum too long", model(1, []onnx.Tensor{floats("w", []int64{200_000, 1}, long...)}, node("MatMul", "y", "x", "w")), rewrite.PerRow, rewrite.ErrUnsupported},
	} {
		if _, _, err := rewrite.Rewrite(c.graph, c.form); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// FuzzRewrite holds that no model makes a rewrite panic, and that what comes out is a model.
func FuzzRewrite(f *testing.F) {
	for _, g := range []*onnx.Graph{float(), dynamic(true), dynamic(false)} {
		f.Add(onnx.Encode(g))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := onnx.Parse(data, onnx.Limits{Elements: 1 << 16})
		if err != nil {
			return
		}
		for _, form := range rewrite.Forms() {
			out, _, err := rewrite.Rewrite(g, form)
			if err != nil {
				continue
			}
			if _, err := onnx.Parse(onnx.Encode(out), onnx.Limits{}); err != nil {
				t.Fatalf("%s makes what is refused: %v", form, err)
			}
		}
		_, _ = rewrite.Samples(g)
	})
}
