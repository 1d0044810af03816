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

	"assay/examples/passages"
	"assay/inference/exact"
	"assay/inference/exact/internal/kernel"
	"assay/inference/exact/internal/sample"
	"assay/inference/onnx"
	"assay/inference/tiny"
	"assay/internal/need"
)

// golden is what the sample model hashes to on every machine. It may change only together with the version of
// the arithmetic, never to make a machine pass.
const golden = "3f2c8fc256089dacb1efbc054ffdcbbd7cc3c0f2f3791980fb3a95cf14179434"

// goldenFunctions is the same for the functions of package kernel.
const goldenFunctions = "67da56227f6bc668fc20fa78ffa58c5a9923329abe5bc8d999963c562463d2e2"

func TestFunctionsAgreeWithGolden(t *testing.T) {
	t.Parallel()
	for _, name := range kernel.Names() {
		got, err := functions(name)
		if err != nil {
			t.Fatal(err)
		}
		if got != goldenFunctions {
			t.Errorf("kernel %s: functions hash to %s, want %s", name, got, goldenFunctions)
		}
	}
}

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

// tinyModel is the repository's own model and what it hashes to here.
func tinyModel(t *testing.T) (file []byte, want string) {
	t.Helper()
	files, err := tiny.Make(passages.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, kernel := range exact.Kernels() {
		got, err := model(bytes.NewReader(files.Model), kernel)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("tiny model, kernel %s: hash %s, kernel %s: %s", kernel, got, exact.Kernels()[0], want)
		}
	}
	return files.Model, want
}

func TestWasmAgrees(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile(build(t, "wasip1", "wasm"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime)
	compiled, err := runtime.CompileModule(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	run := func(stdin []byte, args ...string) string {
		var stdout, stderr bytes.Buffer
		config := wazero.NewModuleConfig().WithName("").WithArgs(append([]string{"bitcheck"}, args...)...).
			WithStdin(bytes.NewReader(stdin)).WithStdout(&stdout).WithStderr(&stderr)
		// Go's own exit with code 0 comes back as an error of that code; the printed hash decides.
		if _, err := runtime.InstantiateModule(ctx, compiled, config); err != nil && stdout.Len() == 0 {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		return strings.TrimSpace(stdout.String())
	}
	if got := run(nil); got != golden {
		t.Errorf("wasm: hash %s, want %s", got, golden)
	}
	if got := run(nil, "functions"); got != goldenFunctions {
		t.Errorf("wasm: functions hash to %s, want %s", got, goldenFunctions)
	}
	file, want := tinyModel(t)
	if got := run(file, "model"); got != want {
		t.Errorf("wasm: tiny model hashes to %s, here to %s", got, want)
	}
}

// On arm64 the compiler fuses a product into the sum that it feeds unless the product is converted explicitly.
// Whatever the source looks like, no such instruction may be in the package.
func TestArm64(t *testing.T) {
	t.Parallel()
	program := build(t, "linux", "arm64")
	listing := func(symbols string) []byte {
		out, err := exec.Command("go", "tool", "objdump", "-s", symbols, program).Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	fused := regexp.MustCompile(`(?m)^.*\b(FN?M(ADD|SUB)[SD]?|V?FML[AS])\b.*$`)
	if !fused.Match(listing(`^runtime\.`)) {
		t.Fatal("no fused instruction even where Go's runtime has one: the search is broken")
	}
	ours := listing(`assay/inference/exact(/internal/kernel)?\.`)
	if !bytes.Contains(ours, []byte("FMULS")) {
		t.Fatal("the listing has no multiplication at all: wrong symbols?")
	}
	if found := fused.Find(ours); found != nil {
		t.Errorf("fused multiply-add in inference/exact:\n%s", found)
	}
	t.Run("emulated", func(t *testing.T) {
		file, want := tinyModel(t)
		for _, c := range []struct {
			args  []string
			stdin []byte
			want  string
		}{{nil, nil, golden}, {[]string{"functions"}, nil, goldenFunctions}, {[]string{"model"}, file, want}} {
			cmd := need.Emulated(t, "aarch64", program, c.args...)
			cmd.Stdin = bytes.NewReader(c.stdin)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(string(out)); got != c.want {
				t.Errorf("arm64 %v: hash %s, want %s", c.args, got, c.want)
			}
		}
	})
}
