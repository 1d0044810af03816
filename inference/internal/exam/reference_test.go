package exam

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/internal/cache"
	"assay/internal/need"
)

const scripts = "../../../scripts/reference"

// made is a folder of the cache that a script of the reference folder filled; the script is handed the folder before
// the arguments. It runs once for the same script, requirements, arguments and modules.
func made(t testing.TB, script string, modules []string, args ...string) string {
	t.Helper()
	key := sha256.New()
	for _, file := range append(modules, filepath.Join(scripts, script), filepath.Join(scripts, "requirements.txt")) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(key, "%d %s", len(data), data)
	}
	fmt.Fprintf(key, "%q", args)
	parent, err := cache.Dir("test", "reference")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(parent, fmt.Sprintf("%x", key.Sum(nil)))
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	whole, err := os.MkdirTemp(parent, "part-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(whole)
	fill(t, whole, script, args...)
	if err := os.Rename(whole, folder); err != nil {
		if _, other := os.Stat(folder); other != nil { // no other process was faster
			t.Fatal(err)
		}
	}
	return folder
}

// fill lets a script of the reference folder fill a folder.
func fill(t testing.TB, folder, script string, args ...string) {
	t.Helper()
	python := need.Python(t, filepath.Join(scripts, "requirements.txt"))
	cmd := exec.CommandContext(t.Context(), python, append([]string{filepath.Join(scripts, script), folder}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}
