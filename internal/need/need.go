// Package need gets for tests what Go alone does not bring: a Python environment with
// pinned packages, a folder of npm packages. Everything lands in the cache folder and is
// fetched once. A test whose need cannot be met is counted as "not run" with the reason,
// which `make test` prints at its end; with CI=true it fails instead.
package need

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"assay/internal/cache"
)

// allowed are the reasons that may stand on the list even in continuous integration.
var allowed = []string{"GPU", "PocketIC", "TensorRT", "official Candid suite", "CPU instructions"}

// NotRun skips the test, and says so on the list that `make test` ends with.
func NotRun(t testing.TB, what, why string) {
	t.Helper()
	first, _, _ := strings.Cut(why, "\n")
	line := what + ": " + first
	if os.Getenv("CI") == "true" && !mayMiss(what) {
		t.Fatalf("not run: %s: %s\nin continuous integration this must run", what, why)
	}
	if list := os.Getenv("ASSAY_NOT_RUN"); list != "" {
		f, err := os.OpenFile(list, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			fmt.Fprintf(f, "%s (%s)\n", line, t.Name())
			f.Close()
		}
	}
	t.Skip("not run: " + what + ": " + why)
}

func mayMiss(what string) bool {
	for _, a := range allowed {
		if strings.HasPrefix(what, a) {
			return true
		}
	}
	return false
}

var setup sync.Mutex // one setup at a time inside a process; across processes the marker file decides

// Python is an interpreter with the packages that the requirements file pins.
func Python(t testing.TB, requirements string) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		NotRun(t, "Python reference", "no python3 on the machine")
	}
	if err := exec.Command(python, "-m", "venv", "--help").Run(); err != nil {
		NotRun(t, "Python reference", "python3 has no venv module")
	}
	want := read(t, requirements)
	dir := folder(t, "python", want)
	bin := filepath.Join(dir, "bin", "python")
	once(t, "Python reference", dir, func() error {
		if err := run("", python, "-m", "venv", dir); err != nil {
			return err
		}
		return run("", bin, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements)
	})
	return bin
}

// Node is node and a folder in which the packages of dir's package.json are installed, as
// its package-lock.json says where there is one; the folder also holds a copy of dir's
// other files.
func Node(t testing.TB, dir string) (node, folderPath string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		NotRun(t, "Node clients", "no node on the machine")
	}
	if _, err := exec.LookPath("npm"); err != nil {
		NotRun(t, "Node clients", "no npm on the machine")
	}
	want, install := read(t, filepath.Join(dir, "package.json")), "install"
	if lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json")); err == nil {
		want, install = append(want, lock...), "ci"
	}
	out := folder(t, "node", want)
	once(t, "Node clients", out, func() error {
		if err := copyFiles(dir, out); err != nil {
			return err
		}
		return run(out, "npm", install, "--no-audit", "--no-fund", "--loglevel=error")
	})
	if err := copyFiles(dir, out); err != nil {
		t.Fatal(err)
	}
	return node, out
}

func folder(t testing.TB, kind string, want []byte) string {
	t.Helper()
	dir, err := cache.Dir("test", fmt.Sprintf("%s-%x", kind, sha256.Sum256(want)))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// once runs f unless a marker says that it ran; several test processes may race, so a
// lock folder keeps the others waiting.
func once(t testing.TB, what, dir string, f func() error) {
	t.Helper()
	setup.Lock()
	defer setup.Unlock()
	marker := filepath.Join(dir, ".complete")
	unlock, err := lockFile(dir + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := os.Stat(marker); err == nil {
		return
	}
	if err := f(); err != nil {
		NotRun(t, what, "cannot be set up: "+err.Error())
	}
	if err := os.WriteFile(marker, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s\n%s", name, err, strings.Join(args, " "), tail(out))
	}
	return nil
}

func tail(out []byte) []byte {
	if len(out) > 2000 {
		return out[len(out)-2000:]
	}
	return out
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func copyFiles(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
