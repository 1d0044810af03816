package build_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/ic/wasm/build"
	"assay/ic/wasm/link"
	"assay/ic/wasm/wat"
)

const kernelMain = `package main

import "example.com/k/sum"

//go:wasmexport canister_heartbeat
func heartbeat() { println(sum.Two(40, 2)) }

func main() {}
`

const kernelGo = `package sum

//go:wasmimport kernel two
func Two(a, b uint32) uint32
`

const kernelWat = `(module
  (func (export "two") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
`

// kernelProject writes a Go module of a main package and a package with a kernel.
func kernelProject(t *testing.T, dir, text string) build.Config {
	t.Helper()
	for name, content := range map[string]string{
		"go.mod": "module example.com/k\n\ngo 1.24\n", "main.go": kernelMain, "sum/sum.go": kernelGo, "sum/two.wat": text,
	} {
		if content == "" {
			continue
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return build.Config{Package: ".", Dir: dir, CacheDir: filepath.Join(dir, "cache")}
}

func TestKernel(t *testing.T) {
	t.Parallel()
	var modules [2]build.Module
	for i := range modules {
		dir := filepath.Join(t.TempDir(), strings.Repeat("d/", i))
		var err error
		if modules[i], err = build.Canister(t.Context(), kernelProject(t, dir, kernelWat)); err != nil {
			t.Fatal(err)
		}
	}
	if modules[0].Hash != modules[1].Hash {
		t.Errorf("the same source gives %x and %x", modules[0].Hash, modules[1].Hash)
	}
	h := start(t, modules[0].Wasm)
	if _, trap, _ := h.call("canister_init", ""); trap != "" {
		t.Fatal(trap)
	}
	if _, trap, _ := h.call("canister_heartbeat", ""); trap != "" || strings.Join(h.prints, "|") != "42" {
		t.Errorf("the kernel's sum is printed as %q, trap %q", h.prints, trap)
	}
}

// A changed kernel is linked anew, though Go's output is the same.
func TestChangedKernel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := build.Canister(t.Context(), kernelProject(t, dir, kernelWat))
	if err != nil {
		t.Fatal(err)
	}
	second, err := build.Canister(t.Context(), kernelProject(t, dir, strings.Replace(kernelWat, "i32.add", "i32.sub", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if first.Hash == second.Hash {
		t.Error("another kernel gives the same module")
	}
}

func TestKernelErrors(t *testing.T) {
	t.Parallel()
	_, err := build.Canister(t.Context(), kernelProject(t, t.TempDir(), ""))
	var missing *link.KernelError
	if !errors.As(err, &missing) || missing.Kernel != "two" || !strings.Contains(err.Error(), "no .wat file") {
		t.Errorf("without a file: %v", err)
	}
	_, err = build.Canister(t.Context(), kernelProject(t, t.TempDir(), "(module\n  (func (export \"two\") (param i32 i32) (result i64) i64.cons 1))"))
	var syntax *wat.Error
	if !errors.As(err, &syntax) || !strings.Contains(err.Error(), "two.wat:2:53: unknown instruction i64.cons") {
		t.Errorf("with a mistake: %v", err)
	}
	_, err = build.Canister(t.Context(), kernelProject(t, t.TempDir(), `(module (func (export "two") (param i64)))`))
	if err == nil || !strings.Contains(err.Error(), "example.com/k/sum/two.wat has it with type (i64)->(), and Go imports it with (i32 i32)->(i32)") {
		t.Errorf("with another type: %v", err)
	}
	_, err = build.Canister(t.Context(), kernelProject(t, t.TempDir(), strings.Repeat(" ", wat.MaxSource+1)))
	if err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("with a long file: %v", err)
	}
}
