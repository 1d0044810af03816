package realmodel

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/internal/cache"
	"assay/internal/need"
)

// Scripts is the folder of reference scripts.
func Scripts(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if found := filepath.Join(dir, "scripts", "reference"); exists(filepath.Join(found, "requirements.txt")) {
			return found
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			err = os.ErrNotExist
		}
		dir = parent
	}
	t.Fatalf("find scripts/reference above the test: %v", err)
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Python is an interpreter with ONNX Runtime.
func Python(t testing.TB) string {
	t.Helper()
	return need.Python(t, filepath.Join(Scripts(t), "requirements.txt"))
}

// Script runs a reference script and gives what it prints, kept in the cache folder under the hash of script,
// requirements, input and whatever else key names.
func Script(t testing.TB, script string, stdin []byte, args []string, key any) []byte {
	t.Helper()
	kept := keptUnder(t, script, fmt.Appendf(nil, "%v %s", key, stdin))
	if out, err := os.ReadFile(kept); err == nil {
		return out
	}
	out := python(t, script, stdin, args)
	write(t, kept, out)
	return out
}

// Quantized is the path of a model after ONNX Runtime's own quantisation, of a kind that
// scripts/reference/bench_quantize.py knows, calibrated with inputs.
func Quantized(t testing.TB, path, kind string, inputs []Inputs) string {
	t.Helper()
	stdin := lines(t, inputs)
	return made(t, "bench_quantize.py", fmt.Appendf(nil, "%s %x %s", kind, fileHash(t, path), stdin), stdin, func(out string) []string {
		return []string{path, out, kind}
	})
}

// Convolutional is the path of a network with random weights, of a kind that scripts/reference/bench_convolutions.py
// knows.
func Convolutional(t testing.TB, kind string) string {
	t.Helper()
	return made(t, "bench_convolutions.py", []byte(kind), nil, func(out string) []string { return []string{kind, out} })
}

// made is the path of a file that a script writes, kept in the cache folder.
func made(t testing.TB, script string, key, stdin []byte, args func(out string) []string) string {
	t.Helper()
	kept := keptUnder(t, script, key)
	if !exists(kept) {
		whole := fmt.Sprintf("%s.%d", kept, os.Getpid())
		python(t, script, stdin, args(whole))
		if err := os.Rename(whole, kept); err != nil {
			t.Fatal(err)
		}
	}
	return kept
}

func keptUnder(t testing.TB, script string, key []byte) string {
	t.Helper()
	hash := sha256.New()
	for _, file := range []string{script, "requirements.txt"} {
		data, err := os.ReadFile(filepath.Join(Scripts(t), file))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(hash, "%d %s", len(data), data)
	}
	hash.Write(key)
	folder, err := cache.Dir("test", "reference")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, fmt.Sprintf("%x", hash.Sum(nil)))
}

func python(t testing.TB, script string, stdin []byte, args []string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), Python(t), append([]string{filepath.Join(Scripts(t), script)}, args...)...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, stderr.Bytes())
	}
	return out
}
