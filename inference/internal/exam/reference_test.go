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
// the arguments. It runs once for the same script, requirements and arguments.
func made(t testing.TB, script string, args ...string) string {
	t.Helper()
	key := sha256.New()
	requirements := filepath.Join(scripts, "requirements.txt")
	for _, file := range []string{filepath.Join(scripts, script), requirements} {
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
	cmd := exec.CommandContext(t.Context(), need.Python(t, requirements), append([]string{filepath.Join(scripts, script), whole}, args...)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	if err := os.Rename(whole, folder); err != nil {
		if _, other := os.Stat(folder); other != nil { // no other process was faster
			t.Fatal(err)
		}
	}
	return folder
}
