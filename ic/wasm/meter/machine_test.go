package meter

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/need"
)

// TestCountsOnAnotherCPU runs the hand-counted programs and those that tell of pages on
// 64-bit ARM, where the engine writes other machine code.
func TestCountsOnAnotherCPU(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds for another machine")
	}
	program := filepath.Join(t.TempDir(), "meter.test")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-trimpath", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux", "GOARCH=arm64")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build for linux/arm64: %v\n%s", err, text)
	}
	const tests = "TestHandCounted|TestCountAtATrap|TestExhaustionStops|TestEachAccess|TestTouchedInBulk"
	text, err := need.Emulated(t, "aarch64", program, "-test.v", "-test.run", "^("+tests+")$").CombinedOutput()
	if err != nil || strings.Count(string(text), "--- PASS: ") != 1+strings.Count(tests, "|") {
		t.Errorf("on 64-bit ARM: %v\n%s", err, text)
	}
}
