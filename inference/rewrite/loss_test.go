package rewrite_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"assay/inference/onnx"
	"assay/inference/rewrite"
	"assay/inference/tensor"
)

func answering(out rewrite.Values, err error) rewrite.Run {
	return func(rewrite.Values) (rewrite.Values, error) { return out, err }
}

func TestCompare(t *testing.T) {
	t.Parallel()
	y := func(v ...float32) rewrite.Values { return rewrite.Values{"y": tensor.FromFloat32(v, 1, 2, 2)} }
	nan := float32(math.NaN())
	masked := rewrite.Values{"attention_mask": tensor.FromInt64([]int64{1, 0}, 1, 2)}
	for _, c := range []struct {
		name        string
		in, a, b    rewrite.Values
		off, cosine float64
	}{
		{"the same", nil, y(1, 2, 3, 4), y(1, 2, 3, 4), 0, 1},
		{"one number off", nil, y(3, 4, 1, 1), y(3, 4, 1, 1.5), 0.5, 2.5 / math.Sqrt(2*3.25)},
		{"a row turned round", nil, y(3, 4, 1, 1), y(-3, -4, 1, 1), 8, -1},
		{"off in padding alone", masked, y(3, 4, 1, 1), y(3, 4, 9, 9), 0, 1},
		{"not a number", nil, y(3, 4, 1, 1), y(3, nan, 1, 1), nan64, 1},
	} {
		loss, err := rewrite.Compare([]rewrite.Values{c.in}, answering(c.a, nil), answering(c.b, nil))
		same := loss.MaxAbs == c.off || c.off != c.off && loss.MaxAbs != loss.MaxAbs
		if err != nil || !same || math.Abs(loss.Cosine-c.cosine) > 1e-12 {
			t.Errorf("%s: %+v, %v; want %v and %v", c.name, loss, err, c.off, c.cosine)
		}
	}
	broken := errors.New("broken")
	if _, err := rewrite.Compare([]rewrite.Values{nil}, answering(nil, broken), answering(nil, nil)); !errors.Is(err, broken) {
		t.Errorf("a failing original: %v", err)
	}
	if _, err := rewrite.Compare([]rewrite.Values{nil}, answering(y(1, 2, 3, 4), nil), answering(nil, nil)); err == nil {
		t.Error("a missing output passes")
	}
}

var nan64 = math.NaN()

func TestSamples(t *testing.T) {
	t.Parallel()
	table := floats("table", []int64{10, 3}, make([]float32, 30)...)
	unknown := func(symbols ...string) (shape []onnx.Dim) {
		for _, s := range symbols {
			shape = append(shape, onnx.Dim{Size: -1, Symbol: s})
		}
		return shape
	}
	g := model(3, []onnx.Tensor{table}, node("Gather", "y", "table", "ids"))
	g.Inputs = []onnx.Value{
		{Name: "ids", DType: onnx.Int64, Shape: unknown("batch", "length")},
		{Name: "attention_mask", DType: onnx.Int64, Shape: unknown("batch", "length")},
		{Name: "x", DType: onnx.Float32, Shape: []onnx.Dim{{Size: -1, Symbol: "batch"}, {Size: 5}}},
	}
	samples, err := rewrite.Samples(g)
	if err != nil || len(samples) < 3 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	batches := map[int]bool{}
	for _, in := range samples {
		ids, mask, x := in["ids"], in["attention_mask"], in["x"]
		batches[ids.Shape[0]] = true
		if ids.Shape[0] != mask.Shape[0] || ids.Shape[1] != mask.Shape[1] || x.Shape[0] != ids.Shape[0] || x.Shape[1] != 5 {
			t.Errorf("shapes %v, %v, %v", ids.Shape, mask.Shape, x.Shape)
		}
		for i, id := range ids.Int64s() {
			if id < 0 || id >= 10 || mask.Int64s()[i] != 1 {
				t.Errorf("id %d, mask %d", id, mask.Int64s()[i])
			}
		}
	}
	if len(batches) < 2 {
		t.Errorf("batches of %v alone", batches)
	}
	g.Inputs[2].Shape = []onnx.Dim{{Size: 1 << 30}}
	if _, err := rewrite.Samples(g); err == nil {
		t.Error("an input of 2^30 elements is made up")
	}
}

func TestReadSamples(t *testing.T) {
	t.Parallel()
	good := `{"a": {"type": "int64", "shape": [1, 2], "data": "AQAAAAAAAAACAAAAAAAAAA=="}}` + "\n" + `{"b": {"type": "float32", "shape": [], "data": "AACAPw=="}}`
	samples, err := rewrite.ReadSamples(strings.NewReader(good))
	if err != nil || len(samples) != 2 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	a, b := samples[0]["a"], samples[1]["b"]
	if a.Int64s()[1] != 2 || b.Float32s()[0] != 1 {
		t.Errorf("read %v and %v", a.Int64s(), b.Float32s())
	}
	for name, bad := range map[string]string{
		"no JSON":         `ids`,
		"a list":          `[1]`,
		"an unknown type": `{"a": {"type": "int65", "shape": [], "data": ""}}`,
		"too few bytes":   `{"a": {"type": "int64", "shape": [2], "data": "AQAAAAAAAAA="}}`,
		"a negative size": `{"a": {"type": "int8", "shape": [-1], "data": ""}}`,
		"no base64":       `{"a": {"type": "int8", "shape": [1], "data": "?"}}`,
	} {
		if _, err := rewrite.ReadSamples(strings.NewReader(bad)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}
