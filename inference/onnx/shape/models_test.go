package shape_test

import (
	"testing"

	"assay/inference/internal/realmodel"
	"assay/inference/onnx"
	"assay/inference/onnx/shape"
)

// Published models: every operator has a rule, nothing contradicts the types that the files declare for inner
// values and outputs, and the outputs are known down to the last dimension.
func TestRealModels(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches models")
	}
	for _, m := range realmodel.All() {
		t.Run(m.Name, func(t *testing.T) {
			g, err := onnx.Parse(m.Bytes(t), onnx.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			result, err := shape.Infer(g, shape.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Unknown) > 0 {
				t.Errorf("no rule for %v", result.Unknown)
			}
			var counts [conflict + 1]int
			for _, v := range append(g.Values, g.Outputs...) {
				got, said := result.Values[v.Name], declared(v)
				if got == nil || v.Type != nil {
					continue
				}
				verdict := compare(got, said)
				counts[verdict]++
				if verdict == conflict || verdict == less && m.Name != rankDependent {
					t.Errorf("%s is %v, the file says %v", v.Name, got, said)
				}
			}
			for _, v := range g.Outputs {
				t.Logf("%s: %v", v.Name, result.Values[v.Name])
				for _, d := range result.Values[v.Name].Shape {
					if _, computed := m.Outputs[v.Name]; computed && d.DataDependent() {
						t.Errorf("%s depends on the data: %v", v.Name, d)
					}
				}
			}
			t.Logf("of what the file declares we know as much %d, more %d", counts[equal], counts[more])
		})
	}
}

// rankDependent decides by a size whether to drop a dimension, so the ranks of its inner values are open.
var rankDependent = realmodel.VoiceActivity().Name

// With the sizes of its inputs given, every If of that model but the one on the sample rate is decided, and the
// shapes of its outputs are.
func TestSizesDecideBranches(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches a model")
	}
	g, err := onnx.Parse(realmodel.VoiceActivity().Bytes(t), onnx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range g.Inputs {
		switch v.Name {
		case "input":
			g.Inputs[i].Shape = []onnx.Dim{{Size: 1}, {Size: 576}}
		case "state":
			g.Inputs[i].Shape = []onnx.Dim{{Size: 2}, {Size: 1}, {Size: 128}}
		}
	}
	result, err := shape.Infer(g, shape.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"output": "float32 [1, 1]", "stateN": "float32 [2, 1, 128]"} {
		if got := result.Values[name].String(); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func declared(v onnx.Value) told {
	out := told{DType: v.DType, Ranked: v.Shape != nil}
	for _, d := range v.Shape {
		out.Shape = append(out.Shape, d.Size)
	}
	return out
}
