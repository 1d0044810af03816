package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"assay/internal/need"
)

// The tests of products, vector functions and rows run on arm64 too: its assembly against the same definitions.
func TestEmulatedArm64(t *testing.T) {
	if testing.Short() || runtime.GOARCH == "arm64" {
		t.Skip("builds for another machine")
	}
	t.Parallel()
	program := filepath.Join(t.TempDir(), "kernel.test")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-trimpath", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux", "GOARCH=arm64")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build for arm64: %v\n%s", err, text)
	}
	run := need.Emulated(t, "aarch64", program, "-test.v", "-test.run", "KernelsMatch|Int8Runs|Int8Pack|TapSumsMatch|PackRunsMatch|Strided|Int8Match|BlocksMatch|DequantisedMatch/neon|VectorsOf|VectorsIn|Rows|Columns|Softmax|Norms|Padding|PolynomialBits")
	text, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, name := range []string{"KernelsMatchDefinition/neon", "TapSumsMatchDefinition/neon", "Int8MatchesDefinition/neon", "BlocksMatchDefinition/neon", "BlocksMatchDefinition/neon_without_dot_products"} {
		if !strings.Contains(string(text), "--- PASS: Test"+name+" ") {
			t.Errorf("%s did not run:\n%s", name, text)
		}
	}
}
