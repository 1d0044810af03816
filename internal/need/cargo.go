package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wasmTarget is what canisters in Rust are compiled for.
const wasmTarget = "wasm32-unknown-unknown"

// RustWasm builds packages of the Cargo workspace in dir, which has its Cargo.lock, and
// returns the folder with their modules. Crates and what is built stay in the cache
// folder, so only the first build takes long: about a minute and a half of processor time.
func RustWasm(t testing.TB, dir string, packages ...string) string {
	t.Helper()
	if _, err := exec.LookPath("cargo"); err != nil {
		NotRun(t, "Rust canisters", "no cargo on the machine")
	}
	target := folder(t, "rust", read(t, filepath.Join(dir, "Cargo.lock")))
	unlock, err := lockFile(target + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	addRustTarget(t)
	args := []string{"build", "--release", "--locked", "--target", wasmTarget}
	for _, p := range packages {
		args = append(args, "--package", p)
	}
	cargo(t, "Rust canisters", dir, target, args...)
	return filepath.Join(target, wasmTarget, "release")
}

// addRustTarget installs the standard library for Wasm, unless the compiler has it.
func addRustTarget(t testing.TB) {
	t.Helper()
	sysroot, err := exec.Command("rustc", "--print", "sysroot").Output()
	if err != nil {
		NotRun(t, "Rust canisters", "rustc --print sysroot: "+err.Error())
	}
	if _, err := os.Stat(filepath.Join(strings.TrimSpace(string(sysroot)), "lib", "rustlib", wasmTarget)); err == nil {
		return
	}
	if err := run("", "rustup", "target", "add", wasmTarget); err != nil {
		NotRun(t, "Rust canisters", err.Error())
	}
}
