package pipeline_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/commitment"
	"assay/examples/passages"
	"assay/inference/catalog"
	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/pipeline"
	"assay/inference/tiny"
	"assay/internal/cache"
	"assay/internal/need"
)

var update = flag.Bool("update", false, "rewrite golden files")

func newFolder(t testing.TB) *catalog.Folder {
	t.Helper()
	folder, err := catalog.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func tinyModel(t testing.TB) *pipeline.Model {
	t.Helper()
	folder := newFolder(t)
	manifest, err := tiny.Install(context.Background(), folder, passages.All())
	if err != nil {
		t.Fatal(err)
	}
	return loaded(t, manifest, folder, 1)
}

func loaded(t testing.TB, manifest catalog.Manifest, folder *catalog.Folder, threads int) *pipeline.Model {
	t.Helper()
	m, err := pipeline.Load(manifest, folder, pipeline.Threads(threads))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// miniLM is the folder that holds the default model.
func miniLM(t testing.TB) *catalog.Folder {
	t.Helper()
	dir, err := cache.Dir("models")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := catalog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Ensure(t.Context(), catalog.MiniLM(), catalog.MiniLMSources(), nil); err != nil {
		need.NotRun(t, "Real model", err.Error())
	}
	return folder
}

func run(t testing.TB, m *pipeline.Model, item pipeline.Item) pipeline.Tensor {
	t.Helper()
	out, err := m.Run(context.Background(), item)
	if err != nil {
		t.Fatalf("%.60q: %v", item.Text, err)
	}
	return out
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	m := tinyModel(t)
	files, err := tiny.Make(passages.All())
	if err != nil {
		t.Fatal(err)
	}
	size := uint32(bytes.Count(files.Vocabulary, []byte{'\n'}))
	run(t, m, pipeline.Item{Tokens: []uint32{1, 2, size - 1}})
	for name, item := range map[string]pipeline.Item{
		"nothing":              {},
		"white space":          {Text: " \t\n\u3000"},
		"only invisible signs": {Text: "\u200b\ufeff"},
		"invalid UTF-8":        {Text: "caf\xe9"},
		"too much text":        {Text: strings.Repeat("a ", pipeline.MaxTextBytes/2+1)},
		"no ids":               {Tokens: []uint32{}},
		"both":                 {Text: "a", Tokens: []uint32{1}},
		"an id too large":      {Tokens: []uint32{1, 2, size}},
		"an enormous id":       {Tokens: []uint32{math.MaxUint32}},
		"too many ids":         {Tokens: make([]uint32, 257)},
	} {
		_, err := m.Run(t.Context(), item)
		var refused *pipeline.InputError
		if !errors.As(err, &refused) {
			t.Errorf("%s: got %v, want an InputError", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Run(ctx, pipeline.Item{Text: "a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestRunTruncatesText(t *testing.T) {
	t.Parallel()
	m := tinyModel(t)
	text := strings.Repeat("canister ", 300)
	ids, err := m.Tokens(pipeline.Item{Text: text})
	if err != nil || len(ids) != 256 {
		t.Fatalf("%d ids, %v, want 256", len(ids), err)
	}
	long, cut := run(t, m, pipeline.Item{Text: text}), run(t, m, pipeline.Item{Text: strings.Repeat("canister ", 254)})
	if !bytes.Equal(long.Data, cut.Data) {
		t.Error("a long text and its cut form have different vectors")
	}
}

func TestTokensAreTheSameAsTheirText(t *testing.T) {
	t.Parallel()
	m := tinyModel(t)
	for _, text := range passages.All()[:20] {
		ids, err := m.Tokens(pipeline.Item{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(run(t, m, pipeline.Item{Text: text}), run(t, m, pipeline.Item{Tokens: ids})); diff != "" {
			t.Errorf("%q by text and by ids (-text +ids):\n%s", text, diff)
		}
	}
}

func TestThreadsGiveTheSameBits(t *testing.T) {
	t.Parallel()
	folder := newFolder(t)
	manifest, err := tiny.Install(t.Context(), folder, passages.All())
	if err != nil {
		t.Fatal(err)
	}
	one, four := loaded(t, manifest, folder, 1), loaded(t, manifest, folder, 4)
	for _, text := range passages.All()[:20] {
		a, b := run(t, one, pipeline.Item{Text: text}), run(t, four, pipeline.Item{Text: text})
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%q with one and four threads:\n%s", text, diff)
		}
	}
}

func TestThreadsRunEveryPartOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3, 8} {
		for _, parts := range []int{0, 1, 2, 7, 100} {
			done := make([]int, parts)
			pipeline.Threads(n)(parts, func(i int) { done[i]++ })
			for i, times := range done {
				if times != 1 {
					t.Errorf("%d threads, %d parts: part %d ran %d times", n, parts, i, times)
				}
			}
		}
	}
	if pipeline.Threads(1) != nil {
		t.Error("one thread needs no function")
	}
}

// golden texts pin output roots: a change of any bit in tokens, graph, pooling or
// normalisation shows here, on every machine.
var golden = []string{"What is a canister?", "Zürich, 3°C: naïve café 🙂", "a", passages.All()[199], strings.Repeat("long ", 400)}

func roots(t *testing.T, m *pipeline.Model) string {
	t.Helper()
	var b strings.Builder
	for _, text := range golden {
		root, err := run(t, m, pipeline.Item{Text: text}).Root()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %.40q\n", root, text)
	}
	return b.String()
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("output roots changed, so old receipts can no longer be replayed (-want +got):\n%s", diff)
	}
}

func TestGoldenTiny(t *testing.T) {
	t.Parallel()
	compareGolden(t, "tiny.roots", roots(t, tinyModel(t)))
}

func TestGoldenMiniLM(t *testing.T) {
	t.Parallel()
	compareGolden(t, "minilm.roots", roots(t, loaded(t, catalog.MiniLM(), miniLM(t), 2)))
}

func TestPassagesAreShort(t *testing.T) {
	t.Parallel()
	m := loaded(t, catalog.MiniLM(), miniLM(t), 1)
	for i, text := range passages.All() {
		ids, err := m.Tokens(pipeline.Item{Text: text})
		if err != nil || len(ids) > 32 {
			t.Errorf("passage %d has %d tokens (%v), want 32 or fewer: %q", i, len(ids), err, text)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	folder := newFolder(t)
	good, err := tiny.Install(t.Context(), folder, passages.All())
	if err != nil {
		t.Fatal(err)
	}
	junk := []byte("no model at all")
	bad := catalog.File{Role: catalog.RoleModel, SHA256: catalog.HashOf(junk), Size: uint64(len(junk))}
	if err := folder.Put(t.Context(), bad, bytes.NewReader(junk)); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*catalog.Manifest){
		"another executor":      func(m *catalog.Manifest) { m.IR = 0 },
		"another IR root":       func(m *catalog.Manifest) { m.IRRoot = &commitment.Hash{} },
		"no IR root":            func(m *catalog.Manifest) { m.IRRoot = nil },
		"another tokenizer":     func(m *catalog.Manifest) { m.Tokenizer.Version = 2 },
		"no tokenizer":          func(m *catalog.Manifest) { m.Tokenizer.Kind = catalog.TokenizerNone },
		"no tokenizer.json":     func(m *catalog.Manifest) { m.Tokenizer.Kind = catalog.TokenizerJSON },
		"no vocabulary":         func(m *catalog.Manifest) { m.Files = m.Files[:1] },
		"a file that is absent": func(m *catalog.Manifest) { m.Files[1].SHA256[0] ^= 1 },
		"another output":        func(m *catalog.Manifest) { m.Output.Name = "logits" },
		"a model that is none":  func(m *catalog.Manifest) { m.Files[0] = bad },
		"no name":               func(m *catalog.Manifest) { m.Name = "" },
	} {
		m := good
		m.Files = append([]catalog.File{}, good.Files...)
		spoil(&m)
		if _, err := pipeline.Load(m, folder, nil); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	if _, err := pipeline.Load(dynamic(t, folder, good), folder, nil); !errors.Is(err, exact.ErrDynamic) {
		t.Errorf("a model whose shapes depend on the data: %v", err)
	}
	wrong := good
	wrong.Output.Dimension = 7
	m, err := pipeline.Load(wrong, folder, nil)
	if err == nil {
		_, err = m.Run(t.Context(), pipeline.Item{Text: "a"})
	}
	if err == nil {
		t.Error("a wrong dimension went through")
	}
}

// An item on which the model fails, or gives no finite numbers, fails for every provider: the input is at fault.
func TestFailuresAreTheSameForAll(t *testing.T) {
	t.Parallel()
	folder := newFolder(t)
	manifest, err := tiny.Install(t.Context(), folder, passages.All())
	if err != nil {
		t.Fatal(err)
	}
	open := []onnx.Dim{{Size: -1, Symbol: "batch"}, {Size: -1, Symbol: "sequence"}}
	rows := []float32{1, float32(math.NaN()), float32(math.Inf(-1))}
	table := onnx.Tensor{Name: "table", DType: onnx.Float32, Shape: []int64{int64(len(rows)), int64(manifest.Output.Dimension)}}
	for _, v := range rows {
		for range manifest.Output.Dimension {
			table.Raw = binary.LittleEndian.AppendUint32(table.Raw, math.Float32bits(v))
		}
	}
	m := loaded(t, withGraph(t, folder, manifest, &onnx.Graph{
		IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17},
		Inputs:       []onnx.Value{{Name: "input_ids", DType: onnx.Int64, Shape: open}},
		Outputs:      []onnx.Value{{Name: manifest.Output.Name, DType: onnx.Float32}},
		Initializers: []onnx.Tensor{table},
		Nodes:        []onnx.Node{{Name: "rows", Op: "Gather", Inputs: []string{"table", "input_ids"}, Outputs: []string{manifest.Output.Name}}},
	}), folder, 1)
	run(t, m, pipeline.Item{Tokens: []uint32{0, 0}})
	for what, id := range map[string]uint32{"NaN": 1, "an infinity": 2, "a row that is not there": 3} {
		_, err := m.Run(t.Context(), pipeline.Item{Tokens: []uint32{0, id}})
		var refused *pipeline.InputError
		if !errors.As(err, &refused) {
			t.Errorf("%s: got %v, want an InputError", what, err)
		}
	}
}

// dynamic is the manifest of a model that answers with the places of ids that are not zero.
func dynamic(t *testing.T, folder *catalog.Folder, m catalog.Manifest) catalog.Manifest {
	t.Helper()
	open := []onnx.Dim{{Size: -1, Symbol: "batch"}, {Size: -1, Symbol: "sequence"}}
	graph := &onnx.Graph{
		IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17},
		Inputs:  []onnx.Value{{Name: "input_ids", DType: onnx.Int64, Shape: open}},
		Outputs: []onnx.Value{{Name: m.Output.Name, DType: onnx.Float32}},
		Nodes: []onnx.Node{
			{Name: "places", Op: "NonZero", Inputs: []string{"input_ids"}, Outputs: []string{"places"}},
			{Name: "floats", Op: "Cast", Inputs: []string{"places"}, Outputs: []string{m.Output.Name}, Attributes: []onnx.Attribute{{Name: "to", Kind: onnx.KindInt, Int: 1}}},
		},
	}
	return withGraph(t, folder, m, graph)
}

// withGraph is the manifest with another graph.
func withGraph(t *testing.T, folder *catalog.Folder, m catalog.Manifest, graph *onnx.Graph) catalog.Manifest {
	t.Helper()
	file := onnx.Encode(graph)
	lowered, err := lower.Lower(graph)
	if err != nil {
		t.Fatal(err)
	}
	root, err := ir.Root(lowered)
	if err != nil {
		t.Fatal(err)
	}
	pin := catalog.File{Role: catalog.RoleModel, SHA256: catalog.HashOf(file), Size: uint64(len(file))}
	if err := folder.Put(t.Context(), pin, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	m.Files, m.IRRoot = []catalog.File{pin, m.Files[1]}, &root
	return m
}

func TestLoadNamesTheDamagedFile(t *testing.T) {
	t.Parallel()
	folder := newFolder(t)
	manifest, err := tiny.Install(t.Context(), folder, passages.All())
	if err != nil {
		t.Fatal(err)
	}
	file, _ := manifest.File(catalog.RoleModel)
	path := folder.Path(file.SHA256)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 4
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = pipeline.Load(manifest, folder, nil)
	var corrupt *catalog.CorruptError
	if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want a CorruptError that names %s", err, path)
	}
}

func BenchmarkEmbedMiniLM(b *testing.B) {
	m := loaded(b, catalog.MiniLM(), miniLM(b), 1)
	all := passages.All()
	i := 0
	for b.Loop() {
		run(b, m, pipeline.Item{Text: all[i%len(all)]})
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "embeddings/s")
}
