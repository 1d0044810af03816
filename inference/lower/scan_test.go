package lower_test

import (
	"slices"
	"testing"

	"assay/inference/exact"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// TestScanOfSet8 walks along the second axis of every batch mate, forward and backward, and reads values from outside.
func TestScanOfSet8(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		directions  []int64
		final, seen []float32
	}{
		"forward":  {nil, []float32{16, 160}, []float32{11, 13, 16, 50, 100, 160}},
		"backward": {[]int64{1}, []float32{16, 160}, []float32{13, 15, 16, 70, 120, 160}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, body := newModel(8), newModel(8)
			body.input("sum", onnx.Float32, 1)
			body.input("x", onnx.Float32, 1)
			body.node("next", "Add", []string{"sum", "x"})
			body.node("out", "Mul", []string{body.node("half", "Mul", []string{"next", "outer"}), "one"})
			body.output("next")
			body.output("out")
			attributes := []onnx.Attribute{whole("num_scan_inputs", 1), {Name: "body", Kind: onnx.KindGraph, Graph: &body.Graph}}
			if c.directions != nil {
				attributes = append(attributes, onnx.Attribute{Name: "directions", Kind: onnx.KindInts, Ints: c.directions})
			}
			m.number("one", 1)
			m.input("start", onnx.Float32, 2, 1)
			m.input("list", onnx.Float32, 2, 3, 1)
			m.input("outer", onnx.Float32, 1)
			m.Nodes = append(m.Nodes, onnx.Node{Name: "walk", Op: "Scan", Inputs: []string{"", "start", "list"}, Outputs: []string{"final", "seen"}, Attributes: attributes})
			m.output("final")
			g, err := lower.Lower(m.output("seen"))
			if err != nil {
				t.Fatal(err)
			}
			p, err := exact.New(g, exact.Config{})
			if err != nil {
				t.Fatal(err)
			}
			out, err := p.Run(map[string]exact.Tensor{
				"start": tensor.FromFloat32([]float32{10, 10}, 2, 1), "list": tensor.FromFloat32([]float32{1, 2, 3, 40, 50, 60}, 2, 3, 1),
				"outer": tensor.FromFloat32([]float32{1}, 1),
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string][]float32{"final": c.final, "seen": c.seen} {
				if got := out[name]; !slices.Equal(got.Float32s(), want) {
					t.Errorf("%s of shape %v is %v, want %v", name, got.Shape, got.Float32s(), want)
				}
			}
		})
	}
}
