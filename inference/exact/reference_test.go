package exact_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/examples/passages"
	"assay/inference/catalog"
	"assay/inference/exact"
	"assay/inference/onnx"
	"assay/internal/cache"
	"assay/internal/need"
)

// The profile within which the real model must agree with ONNX Runtime, per text.
const (
	maxCosineLoss = 1e-9
	maxDifference = 1e-5
)

// miniLM compiles the default model from the cache folder; fetching it is left to the catalog.
func miniLM(t testing.TB, config exact.Config) (*exact.Program, string, string) {
	t.Helper()
	dir, err := cache.Dir("models")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := catalog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest := catalog.MiniLM()
	if err := folder.Ensure(t.Context(), manifest, catalog.MiniLMSources(), nil); err != nil {
		need.NotRun(t, "Real model", err.Error())
	}
	file, _ := manifest.File(catalog.RoleModel)
	vocabulary, _ := manifest.File(catalog.RoleVocabulary)
	data, err := folder.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Parse(data, onnx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := exact.CompileWith(g, config)
	if err != nil {
		t.Fatal(err)
	}
	return p, folder.Path(file.SHA256), folder.Path(vocabulary.SHA256)
}

// reference is one line of scripts/reference/embed.py.
type reference struct {
	Text   string
	IDs    []int64
	Mask   []int64
	Vector []float64
}

const scripts = "../../scripts/reference"

// produced runs a script of the reference folder. What it printed is kept in the cache folder under the hash of the
// scripts, their requirements, the arguments and the input, so Python runs once.
func produced(t *testing.T, stdin []byte, script string, args ...string) []byte {
	t.Helper()
	requirements := filepath.Join(scripts, "requirements.txt")
	key := sha256.New()
	for _, file := range []string{script, "wordpiece.py", "requirements.txt"} {
		data, err := os.ReadFile(filepath.Join(scripts, file))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(key, "%d %s", len(data), data)
	}
	fmt.Fprintf(key, "%q %s", args, stdin)
	dir, err := cache.Dir("test", "reference")
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, fmt.Sprintf("%x.jsonl", key.Sum(nil)))
	if out, err := os.ReadFile(kept); err == nil {
		return out
	}
	cmd := exec.Command(need.Python(t, requirements), append([]string{filepath.Join(scripts, script)}, args...)...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	whole := fmt.Sprintf("%s.%d", kept, os.Getpid())
	if err := os.WriteFile(whole, out, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(whole, kept); err != nil {
		t.Fatal(err)
	}
	return out
}

func references(t *testing.T, model, vocabulary string, texts []string) []reference {
	t.Helper()
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, text := range texts {
		if err := encoder.Encode(text); err != nil {
			t.Fatal(err)
		}
	}
	out := produced(t, lines.Bytes(), "embed.py", model, vocabulary, "256")
	var list []reference
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var r reference
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

func tokenInputs(ids, mask []int64) map[string]exact.Tensor {
	return map[string]exact.Tensor{
		"input_ids":      exact.NewInt64(ids, 1, len(ids)),
		"attention_mask": exact.NewInt64(mask, 1, len(ids)),
		"token_type_ids": exact.NewInt64(make([]int64, len(ids)), 1, len(ids)),
	}
}

// pooled averages token vectors and normalises, in float64, as the reference does.
func pooled(hidden exact.Tensor) []float64 {
	tokens, width := hidden.Shape[1], hidden.Shape[2]
	out := make([]float64, width)
	for i, v := range hidden.F32 {
		out[i%width] += float64(v) / float64(tokens)
	}
	square := 0.0
	for _, v := range out {
		square += v * v
	}
	for i := range out {
		out[i] /= math.Sqrt(square)
	}
	return out
}

func distance(a, b []float64) (cosineLoss, difference float64) {
	var square float64
	for i := range a {
		d := a[i] - b[i]
		square += d * d
		difference = max(difference, math.Abs(d))
	}
	return square / 2, difference // of unit vectors: 1 - cos = |a-b|²/2, without cancellation
}

// texts are our 200 passages and a few long and odd ones.
func texts() []string {
	list := passages.All()
	var long strings.Builder
	for i, p := range list[:30] {
		long.WriteString(p + " ")
		if i%10 == 9 {
			list = append(list, long.String())
		}
	}
	return append(list, "a", "?", "Ünïcödé – 日本語 тест", strings.Repeat("word ", 100))
}

func TestMiniLMAgreesWithONNXRuntime(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real model on 200 texts")
	}
	p, model, vocabulary := miniLM(t, exact.Config{})
	list := references(t, model, vocabulary, texts())
	if len(list) < 200 {
		t.Fatalf("%d reference vectors, want at least 200", len(list))
	}
	var worstCosine, worst float64
	for _, r := range list {
		out, err := p.Run(tokenInputs(r.IDs, r.Mask), nil)
		if err != nil {
			t.Fatalf("%.40q: %v", r.Text, err)
		}
		loss, difference := distance(pooled(out["last_hidden_state"]), r.Vector)
		if loss > maxCosineLoss || difference > maxDifference {
			t.Errorf("%.40q (%d tokens): 1-cos %.2g, max-abs %.2g", r.Text, len(r.IDs), loss, difference)
		}
		worstCosine, worst = max(worstCosine, loss), max(worst, difference)
	}
	t.Logf("%d texts, kernel %s: worst 1-cos %.2g, worst max-abs %.2g", len(list), p.Kernel(), worstCosine, worst)
}

// BenchmarkEmbed is one sentence of 32 tokens through the real model on one thread.
func BenchmarkEmbed(b *testing.B) {
	for _, kernel := range exact.Kernels() {
		b.Run(kernel, func(b *testing.B) {
			p, _, _ := miniLM(b, exact.Config{Kernel: kernel})
			ids, mask := make([]int64, 32), make([]int64, 32)
			for i := range ids {
				ids[i], mask[i] = int64(1000+37*i), 1
			}
			inputs := tokenInputs(ids, mask)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Run(inputs, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sentences/s")
		})
	}
}
