package modelfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"assay/inference/onnx"
)

// weighty is a model with a constant of n bytes.
func weighty(n int) *onnx.Graph {
	raw := make([]byte, n)
	for i := range raw {
		raw[i] = byte(i % 251)
	}
	return &onnx.Graph{
		Name: "weighty", IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17},
		Nodes:        []onnx.Node{{Name: "n", Op: "Add", Inputs: []string{"x", "w"}, Outputs: []string{"y"}}},
		Initializers: []onnx.Tensor{{Name: "w", DType: onnx.Uint8, Shape: []int64{int64(n)}, Raw: raw}},
		Inputs:       []onnx.Value{{Name: "x", DType: onnx.Uint8, Shape: []onnx.Dim{{Size: int64(n)}}}},
		Outputs:      []onnx.Value{{Name: "y", DType: onnx.Uint8, Shape: []onnx.Dim{{Size: int64(n)}}}},
	}
}

// write puts a model with its data beside it into a folder.
func write(t *testing.T, folder, location string, g *onnx.Graph) string {
	t.Helper()
	var model, data bytes.Buffer
	if err := onnx.WriteExternal(&model, &data, g, location, 1); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(folder, filepath.FromSlash(location))
	if err := os.MkdirAll(filepath.Dir(beside), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, beside, data.Bytes())
	path := filepath.Join(folder, "model.onnx")
	put(t, path, model.Bytes())
	return path
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	want := weighty(10_000)
	file, err := Open(write(t, t.TempDir(), "data/weights.bin", want), onnx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file.Graph.Initializers[0].Raw, want.Initializers[0].Raw) {
		t.Error("the tensor differs from the one written")
	}
	if !bytes.Equal(onnx.Encode(file.Graph), onnx.Encode(want)) {
		t.Error("the graph differs from the one written")
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(t *testing.T, folder string)
		want   error
		part   string
	}{
		{"no model", func(t *testing.T, folder string) { remove(t, folder, "model.onnx") }, fs.ErrNotExist, ""},
		{"no data", func(t *testing.T, folder string) { remove(t, folder, "weights.bin") }, onnx.ErrExternal, "weights.bin"},
		{"data cut short", func(t *testing.T, folder string) { put(t, filepath.Join(folder, "weights.bin"), make([]byte, 99)) }, onnx.ErrMalformed, "a file of 99"},
		{"data is a folder", func(t *testing.T, folder string) {
			remove(t, folder, "weights.bin")
			if err := os.Mkdir(filepath.Join(folder, "weights.bin"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, onnx.ErrExternal, "regular"},
		{"link out of the folder", func(t *testing.T, folder string) {
			outside := filepath.Join(t.TempDir(), "weights.bin")
			put(t, outside, make([]byte, 100))
			remove(t, folder, "weights.bin")
			if err := os.Symlink(outside, filepath.Join(folder, "weights.bin")); err != nil {
				t.Skip("no symbolic links here")
			}
		}, onnx.ErrExternal, "escapes"},
		{"empty model", func(t *testing.T, folder string) { put(t, filepath.Join(folder, "model.onnx"), nil) }, onnx.ErrMalformed, "no graph"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := write(t, folder, "weights.bin", weighty(100))
			c.change(t, folder)
			_, err := Open(path, onnx.Limits{})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.part) {
				t.Errorf("error %v, want %v with %q", err, c.want, c.part)
			}
		})
	}
}

func remove(t *testing.T, folder, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(folder, name)); err != nil {
		t.Fatal(err)
	}
}

// A model of three gigabytes, most of it holes on the disk, opens in little memory.
func TestLargeModel(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("needs maps of 64 bits and files with holes")
	}
	const tensors, each = 6, 1 << 29 // of bytes
	g := weighty(0)
	g.Initializers = nil
	for i := range tensors {
		name := string(rune('a' + i))
		g.Initializers = append(g.Initializers, onnx.Tensor{Name: name, DType: onnx.Uint8, Shape: []int64{each}})
	}
	g.Nodes[0].Inputs[1] = "a"
	folder := t.TempDir()
	path := filepath.Join(folder, "model.onnx")
	put(t, path, large(t, g, each))
	data := filepath.Join(folder, "weights.bin")
	put(t, data, nil)
	if err := os.Truncate(data, tensors*each); err != nil {
		t.Skip("no files with holes here:", err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	file, err := Open(path, onnx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("opening took %d bytes of memory", used)
	}
	if got := len(file.Graph.Initializers[tensors-1].Raw); got != each {
		t.Errorf("the last tensor has %d bytes, want %d", got, each)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

// large writes a model whose constants, given without bytes, lie one after another in weights.bin.
func large(t *testing.T, g *onnx.Graph, each int) []byte {
	t.Helper()
	shared := make([]byte, each) // never touched, so it takes no memory of its own
	for i := range g.Initializers {
		g.Initializers[i].Raw = shared
	}
	var model bytes.Buffer
	if err := onnx.WriteExternal(&model, nowhere{}, g, "weights.bin", 1); err != nil {
		t.Fatal(err)
	}
	return model.Bytes()
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
