package lower

import (
	"slices"
	"testing"

	"assay/inference/onnx"
	"assay/inference/tensor"
)

func someInts(name string, v ...int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInts, Ints: v}
}

func someFloats(name string, v ...float32) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindFloats, Floats: v}
}

func aText(name, v string) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindString, String: v}
}

// stump is a tree of one branch and two leaves, in the form before set 5 of ai.onnx.ml: 0.5 and below go to leaf 1.
func stump(what string, classes []int64, weights []float32, more ...onnx.Attribute) []onnx.Attribute {
	list := append(more,
		someInts("nodes_treeids", 0, 0, 0), someInts("nodes_nodeids", 0, 1, 2), someInts("nodes_featureids", 0, 0, 0),
		someFloats("nodes_values", 0.5, 0, 0), someInts("nodes_truenodeids", 1, 0, 0), someInts("nodes_falsenodeids", 2, 0, 0),
		onnx.Attribute{Name: "nodes_modes", Kind: onnx.KindStrings, Strings: []string{"BRANCH_LEQ", "LEAF", "LEAF"}},
		someInts(what+"_ids", classes...), someFloats(what+"_weights", weights...))
	if len(classes) == 2 {
		return append(list, someInts(what+"_treeids", 0, 0), someInts(what+"_nodeids", 1, 2))
	}
	return append(list, someInts(what+"_treeids", 0, 0, 0, 0), someInts(what+"_nodeids", 2, 1, 1, 2)) // not in order
}

// TestOlderMovement runs movement, windows and models of ai.onnx.ml in the forms of older operator sets.
func TestOlderMovement(t *testing.T) {
	t.Parallel()
	list := func(v ...float32) tensor.Tensor { return tensor.FromFloat32(v, len(v)) }
	image := tensor.FromFloat32([]float32{1, 2}, 1, 1, 2)
	rows := tensor.FromFloat32([]float32{0, 1}, 2, 1)
	const ml = "ai.onnx.ml"
	labels := someInts("classlabels_int64s", 10, 20)
	for name, c := range map[string]struct {
		opset int64
		node  onnx.Node
		in    []tensor.Tensor
		want  [][]float32
	}{
		"pads as attributes":   {7, onnx.Node{Op: "Pad", Attributes: []onnx.Attribute{someInts("pads", 1, 2), aFloat("value", 7)}}, []tensor.Tensor{list(1, 2)}, [][]float32{{7, 1, 2, 7, 7}}},
		"edges":                {10, onnx.Node{Op: "Pad", Attributes: []onnx.Attribute{someInts("pads", 1, 0), aText("mode", "edge")}}, []tensor.Tensor{list(1, 2)}, [][]float32{{1, 1, 2}}},
		"slice":                {9, onnx.Node{Op: "Slice", Attributes: []onnx.Attribute{someInts("starts", 1), someInts("ends", 9)}}, []tensor.Tensor{list(1, 2, 3)}, [][]float32{{2, 3}}},
		"sizes as attribute":   {11, onnx.Node{Op: "Split", Attributes: []onnx.Attribute{someInts("split", 1, 2)}}, []tensor.Tensor{list(1, 2, 3)}, [][]float32{{1}, {2, 3}}},
		"equal parts":          {7, onnx.Node{Op: "Split"}, []tensor.Tensor{list(1, 2)}, [][]float32{{1}, {2}}},
		"k as attribute":       {7, onnx.Node{Op: "TopK", Attributes: []onnx.Attribute{anInt("k", 1)}}, []tensor.Tensor{list(1, 3, 2)}, [][]float32{{3}}},
		"axes as attribute":    {11, onnx.Node{Op: "Unsqueeze", Attributes: []onnx.Attribute{someInts("axes", 0)}}, []tensor.Tensor{list(1, 3)}, [][]float32{{1, 3}}},
		"scatter":              {9, onnx.Node{Op: "Scatter"}, []tensor.Tensor{list(1, 2), tensor.FromInt64([]int64{1}, 1), list(5)}, [][]float32{{1, 5}}},
		"scales as attribute":  {7, onnx.Node{Op: "Upsample", Attributes: []onnx.Attribute{someFloats("scales", 1, 1, 2)}}, []tensor.Tensor{image}, [][]float32{{1, 1, 2, 2}}},
		"upsample by an input": {9, onnx.Node{Op: "Upsample", Attributes: []onnx.Attribute{aText("mode", "linear")}}, []tensor.Tensor{image, list(1, 1, 2)}, [][]float32{{1, 1.5, 2, 2}}},
		"resize, rounded down": {10, onnx.Node{Op: "Resize"}, []tensor.Tensor{tensor.FromFloat32([]float32{1, 2, 3, 4}, 4), list(0.75)}, [][]float32{{1, 2, 3}}},
		"regression":           {15, onnx.Node{Op: "TreeEnsembleRegressor", Domain: ml, Attributes: stump("target", []int64{0, 0}, []float32{3, 4}, someFloats("base_values", 0.5))}, []tensor.Tensor{rows}, [][]float32{{3.5, 4.5}}},
		"two targets":          {15, onnx.Node{Op: "TreeEnsembleRegressor", Domain: ml, Attributes: stump("target", []int64{0, 1, 0, 1}, []float32{1, 2, 4, 8}, anInt("n_targets", 2))}, []tensor.Tensor{rows}, [][]float32{{4, 2, 1, 8}}},
		"linear":               {15, onnx.Node{Op: "LinearRegressor", Domain: ml, Attributes: []onnx.Attribute{someFloats("coefficients", 2), someFloats("intercepts", 1)}}, []tensor.Tensor{rows}, [][]float32{{1, 3}}},
		"scaled":               {15, onnx.Node{Op: "Scaler", Domain: ml, Attributes: []onnx.Attribute{someFloats("offset", 1), someFloats("scale", 2)}}, []tensor.Tensor{rows}, [][]float32{{-2, 0}}},
		"imputed":              {15, onnx.Node{Op: "Imputer", Domain: ml, Attributes: []onnx.Attribute{someFloats("imputed_value_floats", 9), aFloat("replaced_value_float", 1)}}, []tensor.Tensor{rows}, [][]float32{{0, 9}}},
		"binary":               {15, onnx.Node{Op: "Binarizer", Domain: ml, Attributes: []onnx.Attribute{aFloat("threshold", 0.5)}}, []tensor.Tensor{rows}, [][]float32{{0, 1}}},
	} {
		got := one(t, c.opset, c.node, len(c.want), c.in...)
		for i, want := range c.want {
			if !slices.Equal(got[i].Float32s(), want) {
				t.Errorf("%s: output %d is %v, want %v", name, i, got[i].Float32s(), want)
			}
		}
	}
	for name, c := range map[string]struct {
		node   onnx.Node
		labels []int64
		scores []float32
	}{
		"one class, none below zero": {onnx.Node{Op: "TreeEnsembleClassifier", Domain: ml, Attributes: stump("class", []int64{0, 0}, []float32{0.25, 0.75}, labels)}, []int64{10, 20}, []float32{0.75, 0.25, 0.25, 0.75}},
		"one class, some below zero": {onnx.Node{Op: "TreeEnsembleClassifier", Domain: ml, Attributes: stump("class", []int64{0, 0}, []float32{-1, 2}, labels)}, []int64{10, 20}, []float32{1, -1, -2, 2}},
		"both classes":               {onnx.Node{Op: "TreeEnsembleClassifier", Domain: ml, Attributes: stump("class", []int64{0, 1, 0, 1}, []float32{1, 2, 4, 8}, labels)}, []int64{10, 20}, []float32{4, 2, 1, 8}},
		"linear": {onnx.Node{Op: "LinearClassifier", Domain: ml, Attributes: []onnx.Attribute{
			someFloats("coefficients", 2), someFloats("intercepts", -1), someInts("classlabels_ints", 10, 20),
		}}, []int64{10, 20}, []float32{2, -1, 0, 1}},
	} {
		got := one(t, 15, c.node, 2, rows)
		if !slices.Equal(got[0].Int64s(), c.labels) || !slices.Equal(got[1].Float32s(), c.scores) {
			t.Errorf("%s: labels %v, scores %v, want %v and %v", name, got[0].Int64s(), got[1].Float32s(), c.labels, c.scores)
		}
	}
}
