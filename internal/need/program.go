package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// RustProgram builds the Cargo package in dir, which has its Cargo.lock, for this machine
// and returns the program. Crates and what is built stay in the cache folder: the first
// build of an agent takes about three minutes of processor time.
func RustProgram(t testing.TB, dir, name string) string {
	t.Helper()
	if _, err := exec.LookPath("cargo"); err != nil {
		NotRun(t, "Rust clients", "no cargo on the machine")
	}
	if _, err := exec.LookPath("cc"); err != nil {
		NotRun(t, "Rust clients", "no C compiler on the machine, which the agent's TLS library needs")
	}
	target := folder(t, "rust", read(t, filepath.Join(dir, "Cargo.lock")))
	unlock, err := lockFile(target + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	cargo(t, "Rust clients", dir, target, "build", "--locked")
	return filepath.Join(target, "debug", name)
}

// cargo runs in dir with its outputs in target. Code that does not compile fails the test;
// anything else is a machine that cannot build it.
func cargo(t testing.TB, what, dir, target string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "cargo", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CARGO_TARGET_DIR="+target, "RUSTFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "could not compile") {
			t.Fatalf("cargo: %v\n%s", err, tail(out))
		}
		NotRun(t, what, err.Error()+"\n"+string(tail(out)))
	}
}
