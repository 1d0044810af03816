package realmodel_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"assay/inference/exact"
	"assay/inference/internal/realmodel"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// run is the one place that knows how a model file becomes answers.
func run(data []byte) (func(realmodel.Inputs) (realmodel.Inputs, error), error) {
	graph, err := onnx.Parse(data, onnx.Limits{})
	if err != nil {
		return nil, err
	}
	lowered, err := lower.Lower(graph)
	if err != nil {
		return nil, err
	}
	program, err := exact.New(lowered, exact.Config{})
	if err != nil {
		return nil, err
	}
	return func(in realmodel.Inputs) (realmodel.Inputs, error) { return program.Run(in, nil) }, nil
}

// TestAgreeWithONNXRuntime holds every model to ONNX Runtime's answers on several inputs.
func TestAgreeWithONNXRuntime(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real models in Python")
	}
	for _, m := range realmodel.All() {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			cases := m.Inputs(t)
			want := realmodel.Reference(t, m.Path(t), cases)
			call, err := run(m.Bytes(t))
			if err != nil {
				t.Fatal(err)
			}
			worst := map[string]float64{}
			for i, in := range cases {
				got, err := call(in)
				if err != nil {
					t.Fatalf("case %d: %v", i, err)
				}
				for name, most := range m.Outputs {
					off, err := difference(in, got[name], want[i][name])
					if err != nil || off > most {
						t.Errorf("case %d, output %s: off by %.3g, at most %.3g: %v", i, name, off, most, err)
					}
					worst[name] = max(worst[name], off)
				}
			}
			t.Logf("%d cases, largest differences %v", len(cases), worst)
		})
	}
}

// difference is the largest one between two float tensors. Positions that the input masks do not count: their
// answers mean nothing, and nobody bounds them.
func difference(in realmodel.Inputs, got, want tensor.Tensor) (float64, error) {
	if got.DType != tensor.Float32 || fmt.Sprint(got.Shape) != fmt.Sprint(want.Shape) {
		return 0, fmt.Errorf("got %v of shape %v, want %v of %v", got.DType, got.Shape, want.DType, want.Shape)
	}
	mask, masked := in["attention_mask"]
	masked = masked && len(got.Shape) == 3 && got.Shape[1] == mask.Shape[1]
	worst := 0.0
	for i, v := range got.Float32s() {
		if masked && mask.Int64s()[i/got.Shape[2]] == 0 {
			continue
		}
		d := math.Abs(float64(v) - float64(want.Float32s()[i]))
		if math.IsNaN(d) {
			return 0, fmt.Errorf("element %d is %v, want %v", i, v, want.Float32s()[i])
		}
		worst = max(worst, d)
	}
	return worst, nil
}

// TestOutputsMean checks what the models are for, on ONNX Runtime's answers: the reference itself was fed rightly.
func TestOutputsMean(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real models in Python")
	}
	t.Parallel()
	best := func(v tensor.Tensor) int {
		at := 0
		for i, x := range v.Float32s() {
			if x > v.Float32s()[at] {
				at = i
			}
		}
		return at
	}
	digits := realmodel.MNIST()
	var seen []string
	for _, out := range realmodel.Reference(t, digits.Path(t), digits.Inputs(t))[:3] {
		seen = append(seen, fmt.Sprint(best(out["Plus214_Output_0"])))
	}
	if got := strings.Join(seen, " "); got != "1 7 0" {
		t.Errorf("the drawn digits 1 7 0 are read as %s", got)
	}
	magika := realmodel.Magika()
	types := map[int]bool{}
	for _, out := range realmodel.Reference(t, magika.Path(t), magika.Inputs(t))[:5] {
		types[best(out["target_label"])] = true
	}
	if len(types) != 5 {
		t.Errorf("five kinds of file are told apart as %d", len(types))
	}
}

// TestFloatOriginalIsTheSameModel compares our graph over the published tensors with the default model, whose
// weights are rounded to int8: sentences' vectors point the same way.
func TestFloatOriginalIsTheSameModel(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real models in Python")
	}
	t.Parallel()
	ours, published := realmodel.MiniLMFloat(), realmodel.MiniLM()
	cases := ours.Inputs(t)
	a, b := realmodel.Reference(t, ours.Path(t), cases), realmodel.Reference(t, published.Path(t), cases)
	for i, in := range cases {
		mask := in["attention_mask"]
		if c := cosine(pooled(a[i]["last_hidden_state"], mask), pooled(b[i]["last_hidden_state"], mask)); c < 0.995 {
			t.Errorf("case %d: cosine %.5f, want at least 0.995", i, c)
		}
	}
}

// pooled is the mean over the first row's tokens.
func pooled(hidden, mask tensor.Tensor) []float64 {
	width := hidden.Shape[2]
	out := make([]float64, width)
	for j := range hidden.Shape[1] {
		for k := range width {
			out[k] += float64(hidden.Float32s()[j*width+k]) * float64(mask.Int64s()[j])
		}
	}
	return out
}

func cosine(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab, aa, bb = ab+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	return ab / math.Sqrt(aa*bb)
}
