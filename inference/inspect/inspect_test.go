package inspect

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"assay/inference/lower"
	"assay/inference/onnx"
)

func value(name string, dtype onnx.DType, dims ...onnx.Dim) onnx.Value {
	return onnx.Value{Name: name, DType: dtype, Shape: dims}
}

// model is x[batch, 4] times a matrix, after the nodes given.
func model(nodes ...onnx.Node) *onnx.Graph {
	batch := onnx.Dim{Size: -1, Symbol: "batch"}
	return &onnx.Graph{
		Name: "a <model> & more", IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17},
		Inputs:       []onnx.Value{value("x", onnx.Float32, batch, onnx.Dim{Size: 4})},
		Outputs:      []onnx.Value{value("y", onnx.Float32, batch, onnx.Dim{Size: 4})},
		Initializers: []onnx.Tensor{{Name: "w", DType: onnx.Float32, Shape: []int64{4, 4}, Raw: make([]byte, 64)}},
		Nodes:        nodes,
	}
}

func node(op string, in, out []string) onnx.Node {
	return onnx.Node{Name: "the " + op, Op: op, Inputs: in, Outputs: out}
}

func class(r *Report, name string) Class {
	i := slices.IndexFunc(r.Classes, func(c Class) bool { return c.Name == name })
	return r.Classes[i]
}

func TestReport(t *testing.T) {
	r := Model(model(node("MatMul", []string{"x", "w"}, []string{"z"}), node("Relu", []string{"z"}, []string{"y"})))
	if r.Parameters != 16 || r.ParameterBytes != 64 || r.Inputs[0].Shape != "[batch,4]" || len(r.Operators) != 2 {
		t.Errorf("report %+v", r)
	}
	if r.Lowered == nil || len(r.Lowered.RootText) != 64 {
		t.Fatalf("not lowered: %+v", r.Classes)
	}
	if len(r.Costs) != 1 || r.Costs[0].Multiplies != 16 || r.Costs[0].Sizes["batch"] != 1 {
		t.Errorf("costs %+v", r.Costs)
	}
	for _, c := range r.Classes {
		if !c.Served {
			t.Errorf("class %+v", c)
		}
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	given := Model(model(node("MatMul", []string{"x", "w"}, []string{"y"})), map[string]int{"batch": 10}, map[string]int{"other": 1})
	if given.Costs[0].Multiplies != 160 || given.Costs[1].Problem == "" {
		t.Errorf("costs of given sizes %+v", given.Costs)
	}
}

func TestClassesThatCannotBeServed(t *testing.T) {
	quantised := Model(model(
		node("DynamicQuantizeLinear", []string{"x"}, []string{"q", "s", "z"}),
		node("DequantizeLinear", []string{"q", "s", "z"}, []string{"y"}),
	))
	for _, name := range []string{"exact", "tolerance"} {
		if c := class(quantised, name); c.Served || !strings.Contains(c.Reason, "rewrite") {
			t.Errorf("dynamically quantised: %+v", c)
		}
	}
	strange := Model(model(node("ImageDecoder", []string{"x"}, []string{"y"})))
	if c := class(strange, "exact"); c.Served || !strings.Contains(c.Reason, "ImageDecoder") || strange.Lowered != nil {
		t.Errorf("an operator that is missing: %+v", c)
	}
	if c := class(strange, "tolerance"); !c.Served || c.Reason == "" {
		t.Errorf("an operator that is missing: %+v", c)
	}
	dynamic := Model(model(node("NonZero", []string{"x"}, []string{"i"}), node("Cast", []string{"i"}, []string{"y"})))
	if c := class(dynamic, "exact"); c.Served {
		t.Errorf("a shape that depends on data: %+v", c)
	}
}

// Constants count wherever the file keeps them.
func TestParametersOfAttributesAndBodies(t *testing.T) {
	weights := func(name string, n int64) onnx.Tensor {
		return onnx.Tensor{Name: name, DType: onnx.Float32, Shape: []int64{n}, Raw: make([]byte, 4*n)}
	}
	held := weights("", 3)
	body := &onnx.Graph{Initializers: []onnx.Tensor{weights("v", 5)}, Nodes: []onnx.Node{node("Neg", []string{"v"}, []string{"n"})}}
	g := model(
		onnx.Node{Name: "c", Op: "Constant", Outputs: []string{"c"}, Attributes: []onnx.Attribute{{Name: "value", Kind: onnx.KindTensor, Tensor: &held}}},
		onnx.Node{Name: "i", Op: "If", Inputs: []string{"x"}, Outputs: []string{"y"}, Attributes: []onnx.Attribute{{Name: "then_branch", Kind: onnx.KindGraph, Graph: body}}},
	)
	if r := Model(g); r.Parameters != 16+3+5 || r.ParameterBytes != 4*r.Parameters || len(r.Operators) != 3 {
		t.Errorf("%d parameters in %d bytes, operators %v", r.Parameters, r.ParameterBytes, r.Operators)
	}
}

// Where nothing was computed, nothing is promised.
func TestNoSizeFits(t *testing.T) {
	g := model(node("MatMul", []string{"x", "w"}, []string{"y"}))
	g.Inputs[0].Shape[1] = onnx.Dim{Size: -1, Symbol: "width"}
	if c := class(Model(g), "exact"); c.Served || !strings.Contains(c.Reason, "--size") {
		t.Errorf("at lengths that do not fit: %+v", c)
	}
	if c := class(Model(g, map[string]int{"batch": 1, "width": 4}), "exact"); !c.Served {
		t.Errorf("at the width that fits: %+v", c)
	}
}

// Inputs and outputs may be called by numbers, as the values inside are.
func TestDrawLoweredByNumbers(t *testing.T) {
	g := model(node("Relu", []string{"1"}, []string{"a"}), node("Neg", []string{"a"}, []string{"0"}), node("Add", []string{"0", "2"}, []string{"y"}))
	g.Inputs = []onnx.Value{value("1", onnx.Float32), value("2", onnx.Float32)}
	g.Outputs = []onnx.Value{value("y", onnx.Float32), value("0", onnx.Float32)}
	l, err := lower.Lower(g)
	if err != nil {
		t.Fatal(err)
	}
	var byNumber, byName bytes.Buffer
	if err := DrawLowered(&byNumber, l, g.Name); err != nil {
		t.Fatal(err)
	}
	l.Inputs[0].Name, l.Inputs[1].Name, l.Outputs[1].Name = "p", "q", "r"
	if err := DrawLowered(&byName, l, g.Name); err != nil {
		t.Fatal(err)
	}
	if a, b := lines(byNumber.String()), lines(byName.String()); a != b {
		t.Errorf("lines drawn:\n%s\nwant:\n%s", a, b)
	}
}

// lines are the parts of a picture that join boxes.
func lines(picture string) string {
	_, rest, _ := strings.Cut(picture, "<g fill")
	joined, _, _ := strings.Cut(rest, "</g>")
	return joined
}

func TestDraw(t *testing.T) {
	g := model(node("MatMul", []string{"x", "w"}, []string{"z"}), node("Relu", []string{"z"}, []string{"a"}), node("Add", []string{"a", "z"}, []string{"y"}))
	var one, two bytes.Buffer
	for _, w := range []*bytes.Buffer{&one, &two} {
		if err := Draw(w, g); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two pictures of one model differ")
	}
	// x, three nodes and y; x→MatMul, MatMul→Relu, MatMul→Add, Relu→Add, Add→y
	if texts, paths := elements(t, one.Bytes(), "rect"), elements(t, one.Bytes(), "path"); texts != 6 || paths != 5 {
		t.Errorf("%d boxes and %d lines", texts, paths)
	}
	l, err := lower.Lower(g)
	if err != nil {
		t.Fatal(err)
	}
	var lowered bytes.Buffer
	if err := DrawLowered(&lowered, l, g.Name); err != nil {
		t.Fatal(err)
	}
	if n := elements(t, lowered.Bytes(), "rect"); n != len(l.Nodes)+3 {
		t.Errorf("%d boxes for %d nodes", n, len(l.Nodes))
	}
}

// elements counts the elements of a name in what must be well-formed XML.
func elements(t *testing.T, picture []byte, name string) (n int) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(picture))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(xml.StartElement); ok && s.Name.Local == name {
			n++
		}
	}
}
