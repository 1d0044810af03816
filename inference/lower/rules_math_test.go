package lower

import (
	"math"
	"slices"
	"testing"

	"assay/inference/exact"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// one runs a model of one node in a given operator set. Inputs are named a, b, c …; an empty one is left out.
func one(t *testing.T, opset int64, n onnx.Node, outputs int, in ...tensor.Tensor) []tensor.Tensor {
	t.Helper()
	g := &onnx.Graph{Name: "one", IRVersion: 8, Opset: opset, Opsets: map[string]int64{"": opset, "com.microsoft": 1}}
	given := map[string]tensor.Tensor{}
	for i, x := range in {
		name := string(rune('a' + i))
		var shape []onnx.Dim
		for _, d := range x.Shape {
			shape = append(shape, onnx.Dim{Size: int64(d)})
		}
		if shape == nil {
			shape = []onnx.Dim{}
		}
		g.Inputs = append(g.Inputs, onnx.Value{Name: name, DType: x.DType, Shape: shape})
		n.Inputs = append(n.Inputs, name)
		given[name] = x
	}
	for i := range outputs {
		name := string(rune('r' + i))
		n.Outputs = append(n.Outputs, name)
		g.Outputs = append(g.Outputs, onnx.Value{Name: name})
	}
	g.Nodes = []onnx.Node{n}
	lowered, err := Lower(g)
	if err != nil {
		t.Fatal(err)
	}
	p, err := exact.New(lowered, exact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	results, err := p.Run(given, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []tensor.Tensor
	for i := range outputs {
		out = append(out, results[string(rune('r'+i))])
	}
	return out
}

func aFloat(name string, v float32) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindFloat, Float: v}
}

func anInt(name string, v int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInt, Int: v}
}

// TestOlderForms runs nodes of older operator sets.
func TestOlderForms(t *testing.T) {
	t.Parallel()
	x := tensor.FromFloat32([]float32{0, 1, 2, 3, 4, 5}, 1, 2, 3)
	four := tensor.FromFloat32([]float32{0, 3}, 2)
	half := float32(1) / 2
	e := float32(math.Exp(-1))
	for name, c := range map[string]struct {
		opset int64
		node  onnx.Node
		in    []tensor.Tensor
		want  [][]float32
	}{
		"bounds as attributes": {7, onnx.Node{Op: "Clip", Attributes: []onnx.Attribute{aFloat("min", 1), aFloat("max", 4)}}, []tensor.Tensor{x}, [][]float32{{1, 1, 2, 3, 4, 4}}},
		"one bound":            {10, onnx.Node{Op: "Clip", Attributes: []onnx.Attribute{aFloat("max", 2)}}, []tensor.Tensor{x}, [][]float32{{0, 1, 2, 2, 2, 2}}},
		"ratio as attribute":   {7, onnx.Node{Op: "Dropout", Attributes: []onnx.Attribute{aFloat("ratio", 0.5)}}, []tensor.Tensor{x}, [][]float32{{0, 1, 2, 3, 4, 5}, {1, 1, 1, 1, 1, 1}}},
		"axes as attribute":    {12, onnx.Node{Op: "ReduceSum", Attributes: []onnx.Attribute{{Name: "axes", Kind: onnx.KindInts, Ints: []int64{2}}, anInt("keepdims", 0)}}, []tensor.Tensor{x}, [][]float32{{3, 12}}},
		"rows from axis 1 on":  {12, onnx.Node{Op: "Hardmax"}, []tensor.Tensor{x}, [][]float32{{0, 0, 0, 0, 0, 1}}},
		"rows along the last":  {13, onnx.Node{Op: "Hardmax"}, []tensor.Tensor{x}, [][]float32{{0, 0, 1, 0, 0, 1}}},
		"softmax of two":       {11, onnx.Node{Op: "Softmax", Attributes: []onnx.Attribute{anInt("axis", 0)}}, []tensor.Tensor{tensor.FromFloat32([]float32{1, 1}, 2)}, [][]float32{{half, half}}},
		"statistics a channel": {7, onnx.Node{Op: "BatchNormalization", Attributes: []onnx.Attribute{anInt("spatial", 1), aFloat("momentum", 0.9), aFloat("epsilon", 0)}}, []tensor.Tensor{x, four, four, four, tensor.FromFloat32([]float32{1, 1}, 2)}, [][]float32{{0, 0, 0, 3, 6, 9}}},
		"bias and gelu":        {17, onnx.Node{Op: "BiasGelu", Domain: "com.microsoft"}, []tensor.Tensor{tensor.FromFloat32([]float32{-100, 50}, 2), tensor.FromFloat32([]float32{0, 50}, 2)}, [][]float32{{float32(math.Copysign(0, -1)), 100}}},
		"quick gelu":           {17, onnx.Node{Op: "QuickGelu", Domain: "com.microsoft", Attributes: []onnx.Attribute{aFloat("alpha", 1)}}, []tensor.Tensor{tensor.FromFloat32([]float32{0, 100}, 2)}, [][]float32{{0, 100}}},
		"axis as attribute":    {17, onnx.Node{Op: "DFT", Attributes: []onnx.Attribute{anInt("axis", 1)}}, []tensor.Tensor{tensor.FromFloat32([]float32{1, 3}, 1, 2, 1, 1)}, [][]float32{{4, 0, -2, 0}}},
		"no half a pixel":      {10, onnx.Node{Op: "RoiAlign", Attributes: []onnx.Attribute{anInt("sampling_ratio", 1)}}, []tensor.Tensor{tensor.FromFloat32([]float32{0, 1, 2, 3}, 1, 1, 2, 2), tensor.FromFloat32([]float32{0, 0, 1, 1}, 1, 4), tensor.FromInt64([]int64{0}, 1)}, [][]float32{{1.5}}},
		"own statistics":       {15, onnx.Node{Op: "BatchNormalization", Attributes: []onnx.Attribute{anInt("training_mode", 1), aFloat("momentum", 0.5), aFloat("epsilon", 0)}}, []tensor.Tensor{tensor.FromFloat32([]float32{1, 3}, 2, 1), tensor.FromFloat32([]float32{1}, 1), tensor.FromFloat32([]float32{0}, 1), tensor.FromFloat32([]float32{4}, 1), tensor.FromFloat32([]float32{3}, 1)}, [][]float32{{-1, 1}, {3}, {2}}},
		"loss of what counts":  {13, onnx.Node{Op: "NegativeLogLikelihoodLoss", Attributes: []onnx.Attribute{anInt("ignore_index", 7)}}, []tensor.Tensor{tensor.FromFloat32([]float32{-1, -2, -4, -8}, 2, 2), tensor.FromInt64([]int64{1, 7}, 2)}, [][]float32{{2}}},
		"weighted loss":        {13, onnx.Node{Op: "NegativeLogLikelihoodLoss"}, []tensor.Tensor{tensor.FromFloat32([]float32{-1, -2, -4, -8}, 2, 2), tensor.FromInt64([]int64{1, 0}, 2), tensor.FromFloat32([]float32{3, 1}, 2)}, [][]float32{{3.5}}},
		"elu":                  {12, onnx.Node{Op: "Elu"}, []tensor.Tensor{tensor.FromFloat32([]float32{-1}, 1)}, [][]float32{{e - 1}}},
	} {
		got := one(t, c.opset, c.node, len(c.want), c.in...)
		for i, want := range c.want {
			if !slices.Equal(got[i].Float32s(), want) {
				t.Errorf("%s: output %d is %v, want %v", name, i, got[i].Float32s(), want)
			}
		}
	}
}

// TestQuantizedOperators holds operators on whole numbers against the numbers they stand for.
func TestQuantizedOperators(t *testing.T) {
	t.Parallel()
	bytes := func(v ...uint8) tensor.Tensor { return tensor.Of(tensor.Uint8, v, len(v)) }
	scale := func(v float32) tensor.Tensor { return tensor.FromFloat32([]float32{v}) }
	zero := func(v uint8) tensor.Tensor { return tensor.Of(tensor.Uint8, []uint8{v}) }
	for name, c := range map[string]struct {
		node onnx.Node
		in   []tensor.Tensor
		want []uint8
	}{
		"sum":     {onnx.Node{Op: "QLinearAdd"}, []tensor.Tensor{bytes(1, 5), scale(2), zero(0), bytes(3, 4), scale(1), zero(3), scale(2), zero(10)}, []uint8{11, 16}},
		"product": {onnx.Node{Op: "QLinearMul"}, []tensor.Tensor{bytes(1, 5), scale(2), zero(0), bytes(3, 4), scale(1), zero(3), scale(1), zero(7)}, []uint8{7, 17}},
		"sigmoid": {onnx.Node{Op: "QLinearSigmoid"}, []tensor.Tensor{bytes(0, 128, 255), scale(1), zero(128), scale(1.0 / 256), zero(0)}, []uint8{0, 128, 255}},
		"leaky":   {onnx.Node{Op: "QLinearLeakyRelu", Attributes: []onnx.Attribute{aFloat("alpha", 0.5)}}, []tensor.Tensor{bytes(0, 20), scale(1), zero(10), scale(1), zero(10)}, []uint8{5, 20}},
		"softmax": {onnx.Node{Op: "QLinearSoftmax", Attributes: []onnx.Attribute{anInt("axis", -1), anInt("opset", 13)}}, []tensor.Tensor{bytes(9, 9), scale(1), zero(0), scale(1.0 / 256), zero(0)}, []uint8{128, 128}},
		"concat":  {onnx.Node{Op: "QLinearConcat", Attributes: []onnx.Attribute{anInt("axis", 0)}}, []tensor.Tensor{scale(1), zero(0), bytes(1), scale(2), zero(0), bytes(9), scale(1), zero(5)}, []uint8{2, 4}},
	} {
		c.node.Domain = "com.microsoft"
		got := one(t, 17, c.node, 1, c.in...)
		if !slices.Equal(got[0].Bytes(), c.want) {
			t.Errorf("%s: %v, want %v", name, got[0].Bytes(), c.want)
		}
	}
}
