package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	linked "assay/ic/wasm/build"
	"assay/internal/need"
)

// target is a machine that must compute the same bits. make gives the program for it.
type target struct {
	name   string
	inputs int // of each large model, at most; emulators are slow
	make   func(t *testing.T) bitcheck
	// files says that the target has models from files alone, not what the program itself holds.
	files bool
}

// How many inputs of large models are run.
const (
	all            = 99
	nativeInputs   = 2
	emulatedInputs = 1
)

// bitcheck runs the program with its arguments and gives what it prints.
type bitcheck func(t *testing.T, stdin []byte, args ...string) string

// targets are this process, the program built for other machines, and a canister on the embedded network.
func targets(t *testing.T) []target {
	t.Helper()
	own := target{name: "this process", inputs: all, make: func(*testing.T) bitcheck { return here }}
	if testing.Short() {
		return []target{own}
	}
	return []target{
		own,
		{name: "amd64 v1", inputs: nativeInputs, make: native("amd64", "GOAMD64=v1", "x86_64")},
		{name: "amd64 v3", inputs: nativeInputs, make: native("amd64", "GOAMD64=v3", "x86_64")},
		{name: "arm64", inputs: emulatedInputs, make: native("arm64", "GOARM64=v8.0", "aarch64")},
		{name: "wasm", inputs: emulatedInputs, make: wasm()},
		{name: "wasm without kernels", inputs: emulatedInputs, make: wasm("-tags=purego")},
		{name: "canister", inputs: emulatedInputs, make: inCanister, files: true},
	}
}

func here(t *testing.T, stdin []byte, args ...string) string {
	t.Helper()
	var out strings.Builder
	if err := run(args, bytes.NewReader(stdin), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func native(goarch, level, arch string) func(t *testing.T) bitcheck {
	return func(t *testing.T) bitcheck {
		t.Helper()
		file := build(t, "linux", goarch, level)
		return func(t *testing.T, stdin []byte, args ...string) string {
			t.Helper()
			return output(t, program(t, file, arch, args...), stdin)
		}
	}
}

// program runs a binary, in an emulator when it is not for this machine.
func program(t *testing.T, file, arch string, args ...string) *exec.Cmd {
	t.Helper()
	if (arch == "x86_64") == (runtime.GOARCH == "amd64") && runtime.GOOS == "linux" && (arch == "aarch64") == (runtime.GOARCH == "arm64") {
		return exec.CommandContext(t.Context(), file, args...)
	}
	return need.Emulated(t, arch, file, args...)
}

func output(t *testing.T, cmd *exec.Cmd, stdin []byte) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if strings.Contains(stderr.String(), "microarchitecture support") {
		need.NotRun(t, "CPU instructions of amd64 v3", stderr.String())
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return string(out)
}

// wasm makes the program for Wasm, with the kernels that it imports.
func wasm(flags ...string) func(t *testing.T) bitcheck {
	return func(t *testing.T) bitcheck {
		t.Helper()
		raw, err := os.ReadFile(build(t, "wasip1", "wasm", flags...))
		if err != nil {
			t.Fatal(err)
		}
		code, err := linked.Config{Package: "."}.Merge(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		return inWazero(t, code)
	}
}

func inWazero(t *testing.T, code []byte) bitcheck {
	t.Helper()
	ctx := context.Background()
	machine := wazero.NewRuntime(ctx)
	t.Cleanup(func() { machine.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, machine)
	compiled, err := machine.CompileModule(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, stdin []byte, args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		config := wazero.NewModuleConfig().WithName("").WithArgs(append([]string{"bitcheck"}, args...)...).
			WithStdin(bytes.NewReader(stdin)).WithStdout(&stdout).WithStderr(&stderr)
		// Go's own exit with code 0 comes back as an error of that code; the printed hashes decide.
		if _, err := machine.InstantiateModule(ctx, compiled, config); err != nil && stderr.Len() > 0 {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		return stdout.String()
	}
}

// build compiles this program for another machine: more are flags of the compiler and settings of its environment.
func build(t *testing.T, goos, goarch string, more ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bitcheck-"+goarch)
	args := []string{"build", "-trimpath", "-buildvcs=false", "-o", out}
	env := append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+goos, "GOARCH="+goarch)
	for _, m := range more {
		if strings.HasPrefix(m, "-") {
			args = append(args, m)
		} else {
			env = append(env, m)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, ".")...)
	cmd.Env = env
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build for %s/%s: %v\n%s", goos, goarch, err, text)
	}
	return out
}

// The sample model, the repository's tiny model and published models hash to the same on every target, with every set
// of kernels that it has.
func TestSameBits(t *testing.T) {
	want := readHashes(t)
	list := realModels()
	if len(want) < 8 {
		t.Errorf("%d models have hashes, want the three of our own and five that others published", len(want))
	}
	for _, target := range targets(t) {
		t.Run(target.name, func(t *testing.T) {
			t.Parallel()
			run := target.make(t)
			for _, m := range list {
				if target.files && m.load == nil {
					continue
				}
				t.Run(m.name, func(t *testing.T) { m.compare(t, run, target, want) })
			}
		})
	}
}
