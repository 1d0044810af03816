package pipeline_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/examples/passages"
	"assay/inference/catalog"
	"assay/inference/pipeline"
	"assay/internal/need"
)

// The profile within which whole vectors must agree with ONNX Runtime, text by text.
const (
	maxCosineLoss = 1e-9
	maxDifference = 1e-5
)

// TestAgainstONNXRuntime goes the whole way from text to vector on every passage.
func TestAgainstONNXRuntime(t *testing.T) {
	t.Parallel()
	folder := miniLM(t)
	python := need.Python(t, "../../scripts/reference/requirements.txt")
	manifest := catalog.MiniLM()
	m := loaded(t, manifest, folder, 2)
	texts := passages.All()
	var worstLoss, worstDifference float64
	for i, want := range reference(t, python, manifest, folder, texts) {
		item := pipeline.Item{Text: texts[i]}
		ids, err := m.Tokens(item)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.IDs, ids); diff != "" {
			t.Errorf("%q: ids (-want +got):\n%s", texts[i], diff)
		}
		got, err := run(t, m, item).Floats()
		if err != nil {
			t.Fatal(err)
		}
		loss, difference := deviation(want.Vector, got)
		if loss > maxCosineLoss || difference > maxDifference {
			t.Errorf("%q: 1 - cosine %.2g, largest difference %.2g", texts[i], loss, difference)
		}
		worstLoss, worstDifference = max(worstLoss, loss), max(worstDifference, difference)
	}
	t.Logf("%d texts: 1 - cosine at most %.2g, difference at most %.2g", len(texts), worstLoss, worstDifference)
}

type referenceLine struct {
	IDs    []uint32
	Vector []float64
}

func reference(t *testing.T, python string, m catalog.Manifest, folder *catalog.Folder, texts []string) []referenceLine {
	t.Helper()
	model, _ := m.File(catalog.RoleModel)
	vocabulary, _ := m.File(catalog.RoleVocabulary)
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, text := range texts {
		if err := encoder.Encode(text); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command(python, "../../scripts/reference/embed.py", folder.Path(model.SHA256), folder.Path(vocabulary.SHA256), "256")
	command.Stdin, command.Stderr = &lines, os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []referenceLine
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var line referenceLine
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		list = append(list, line)
	}
	if len(list) != len(texts) {
		t.Fatalf("%d reference vectors of %d texts", len(list), len(texts))
	}
	return list
}

// deviation is 1 - cosine and the largest difference. The cosine's complement is taken
// from the difference of the unit vectors, where it is not lost in rounding.
func deviation(want []float64, got []float32) (loss, difference float64) {
	var ww, gg float64
	for i, w := range want {
		g := float64(got[i])
		ww, gg = ww+w*w, gg+g*g
		difference = max(difference, math.Abs(w-g))
	}
	for i, w := range want {
		d := w/math.Sqrt(ww) - float64(got[i])/math.Sqrt(gg)
		loss += d * d / 2
	}
	return loss, difference
}
