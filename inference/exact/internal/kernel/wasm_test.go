//go:build !wasip1

package kernel

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"assay/ic/wasm/build"
)

// The tests of products, vector functions and rows run in Wasm too: the kernels in .wat files against the same definitions.
func TestWasm(t *testing.T) {
	if testing.Short() {
		t.Skip("builds for another machine")
	}
	t.Parallel()
	program := filepath.Join(t.TempDir(), "kernel.test")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-trimpath", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build for Wasm: %v\n%s", err, text)
	}
	raw, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	code, err := build.Config{Package: "."}.Merge(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	machine := wazero.NewRuntime(ctx)
	defer machine.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, machine)
	var out bytes.Buffer
	config := wazero.NewModuleConfig().WithStdout(&out).WithStderr(&out).WithSysWalltime().WithSysNanotime().
		WithArgs("kernel.test", "-test.v", "-test.run", "KernelsMatch|Int8Match|BlocksMatch|DequantisedMatch|Vectors|Rows|Columns|Softmax|Norms|Padding|PolynomialBits|Pack|Highest|Rescale|Quantise")
	_, err = machine.InstantiateWithConfig(ctx, code, config) // Go's own exit comes back as an error; what it printed decides
	text := out.String()
	for _, name := range []string{"KernelsMatchDefinition/simd", "Int8MatchesDefinition/simd", "BlocksMatchDefinition/simd", "VectorsMatchGoOnASweep"} {
		if !strings.Contains(text, "--- PASS: Test"+name+" ") {
			t.Errorf("%s did not run", name)
		}
	}
	if !strings.HasSuffix(text, "PASS\n") {
		t.Fatalf("%v\n%s", err, text)
	}
}
