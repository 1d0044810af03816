package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"assay/inference/exact"
	"assay/inference/exact/internal/sample"
	"assay/inference/onnx"
)

// golden is what the sample model hashes to on every machine. It may change only together with the version of
// the arithmetic, never to make a machine pass.
const golden = "e9eceecad9444156794ee52babffcbe5bd58633567b9c9bb02ca0f5d2159d15b"

func TestKernelsAgreeWithGolden(t *testing.T) {
	for _, kernel := range exact.Kernels() {
		got, err := sample.Hash(kernel, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got != golden {
			t.Errorf("kernel %s: hash %s, want %s", kernel, got, golden)
		}
	}
}

// A model read from a file computes the same as the graph it was written from.
func TestModelFromFile(t *testing.T) {
	file := onnx.Encode(sample.Graph())
	var first string
	for _, kernel := range exact.Kernels() {
		got, err := model(bytes.NewReader(file), kernel)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = got
		}
		if got != first {
			t.Errorf("kernel %s: hash %s, kernel %s: %s", kernel, got, exact.Kernels()[0], first)
		}
	}
}

// build compiles this program for another machine.
func build(t *testing.T, goos, goarch string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds for another machine")
	}
	out := filepath.Join(t.TempDir(), "bitcheck-"+goarch)
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", out, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+goos, "GOARCH="+goarch)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build for %s/%s: %v\n%s", goos, goarch, err, text)
	}
	return out
}

func TestWasmAgreesWithGolden(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile(build(t, "wasip1", "wasm"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime)
	var stdout, stderr bytes.Buffer
	config := wazero.NewModuleConfig().WithStdout(&stdout).WithStderr(&stderr)
	// Go's own exit with code 0 comes back as an error of that code; the printed hash decides.
	if _, err := runtime.InstantiateWithConfig(ctx, code, config); err != nil && stdout.Len() == 0 {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if got := strings.TrimSpace(stdout.String()); got != golden {
		t.Errorf("wasm: hash %s, want %s", got, golden)
	}
}

// On arm64 the compiler fuses a product into the sum that it feeds unless the product is converted explicitly.
// Whatever the source looks like, no such instruction may be in the package.
func TestArm64(t *testing.T) {
	t.Parallel()
	program := build(t, "linux", "arm64")
	listing, err := exec.Command("go", "tool", "objdump", "-s", `assay/inference/exact\.`, program).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(listing, []byte("FMULS")) {
		t.Fatal("the listing has no multiplication at all: wrong symbols?")
	}
	if fused := regexp.MustCompile(`(?m)^.*\bFN?M(ADD|SUB)[SD]?\b.*$`).Find(listing); fused != nil {
		t.Errorf("fused multiply-add in inference/exact:\n%s", fused)
	}
	t.Run("emulated", func(t *testing.T) {
		emulator := ""
		for _, name := range []string{"qemu-aarch64-static", "qemu-aarch64"} {
			if path, err := exec.LookPath(name); err == nil {
				emulator = path
			}
		}
		if emulator == "" {
			t.Skip("no qemu-aarch64 in PATH")
		}
		out, err := exec.Command(emulator, program).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(out)); got != golden {
			t.Errorf("arm64: hash %s, want %s", got, golden)
		}
	})
}
