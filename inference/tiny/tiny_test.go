package tiny_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"assay/examples/passages"
	"assay/inference/catalog"
	"assay/inference/pipeline"
	"assay/inference/tiny"
)

func install(t testing.TB) *pipeline.Model {
	t.Helper()
	folder, err := catalog.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := tiny.Install(context.Background(), folder, passages.All())
	if err != nil {
		t.Fatalf("%v\nrun `go generate ./inference/tiny` after a change of passages or recipe", err)
	}
	if again, err := tiny.Install(context.Background(), folder, nil); err != nil || again.Name != manifest.Name {
		t.Errorf("an installed model was made again: %v", err)
	}
	model, err := pipeline.Load(manifest, folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

func embed(t testing.TB, m *pipeline.Model, text string) []float32 {
	t.Helper()
	out, err := m.Run(context.Background(), pipeline.Item{Text: text})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	v, err := out.Floats()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestSearchMeansSomething(t *testing.T) {
	m := install(t)
	all := passages.All()
	vectors := make([][]float32, len(all))
	for i, p := range all {
		vectors[i] = embed(t, m, p)
		if length := dot(vectors[i], vectors[i]); math.Abs(length-1) > 1e-5 {
			t.Errorf("%q has squared length %v", p, length)
		}
	}
	first := 0
	for _, q := range passages.Questions() {
		v := embed(t, m, q.Text)
		order := make([]int, len(all))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			if dot(v, vectors[a]) > dot(v, vectors[b]) {
				return -1
			}
			return 1
		})
		rank := slices.IndexFunc(order, func(i int) bool { return strings.HasPrefix(all[i], q.Answer) })
		if rank == 0 {
			first++
		}
		if rank >= 5 {
			t.Errorf("%q: the answer has rank %d; before it stands %q", q.Text, rank+1, all[order[0]])
		}
	}
	t.Logf("%d of %d answers come first", first, len(passages.Questions()))
}

func TestMakeRepeats(t *testing.T) {
	a, err := tiny.Make(passages.All())
	if err != nil {
		t.Fatal(err)
	}
	b, err := tiny.Make(passages.All())
	if err != nil || !bytes.Equal(a.Model, b.Model) || !bytes.Equal(a.Vocabulary, b.Vocabulary) {
		t.Errorf("two runs differ: %v", err)
	}
	if _, err := tiny.Make(passages.All()[:10]); err == nil {
		t.Error("made a model of ten texts")
	}
}

func TestAnyTextHasAVector(t *testing.T) {
	m := install(t)
	for _, text := range []string{"zyzzyva", "Übergrößenträger", "你好", "🙂", "?", "42", "[MASK]"} {
		v := embed(t, m, text)
		if length := dot(v, v); math.Abs(length-1) > 1e-5 {
			t.Errorf("%q has squared length %v, want 1", text, length)
		}
	}
}

func TestOtherTextsAreRefused(t *testing.T) {
	folder, err := catalog.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	texts := passages.All()
	texts[0] = "Another text altogether."
	var corrupt *catalog.CorruptError
	if _, err := tiny.Install(t.Context(), folder, texts); !errors.As(err, &corrupt) {
		t.Errorf("a model of other texts under the pinned name: %v, want a CorruptError", err)
	}
}
