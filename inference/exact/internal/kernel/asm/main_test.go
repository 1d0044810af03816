package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestFilesAreCurrent(t *testing.T) {
	for name, want := range files() {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what this program writes: go generate ./inference/exact/internal/kernel", name)
		}
	}
}

// No assembly of the package, generated or by hand, may fuse a multiply with an add.
func TestNothingIsFused(t *testing.T) {
	fused := regexp.MustCompile(`(?i)\bV?FN?M(ADD|SUB|LA|LS)\w*`)
	if !fused.MatchString("\tVFMADD231PS Y0, Y1, Y2") || !fused.MatchString("VFMLA V0.S4, V1.S4, V2.S4") {
		t.Fatal("the search is broken")
	}
	paths, err := filepath.Glob(filepath.Join("..", "*.s"))
	if err != nil || len(paths) < len(files()) {
		t.Fatalf("%d assembly files, error %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found := fused.Find(text); found != nil {
			t.Errorf("%s has %s", path, found)
		}
	}
}
