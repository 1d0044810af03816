package build_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"assay/ic/wasm/build"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files []string
		want  string // the .did file; empty: an error
	}{
		{"counter", []string{"main.go", "counter.did"}, "counter.did"},
		{"counter", []string{"main.go", "other.did", "counter.did"}, "counter.did"},
		{"a[b]*", []string{"main.go", "only.did"}, "only.did"},
		{"counter", []string{"main.go", "a.did", "b.did"}, ""},
		{"counter", []string{"main.go"}, ""},
		{"counter", []string{"counter.did"}, ""},
		{"counter", nil, ""},
	} {
		dir := filepath.Join(t.TempDir(), c.name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, f := range c.files {
			if err := os.WriteFile(filepath.Join(dir, f), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := build.Find(dir)
		if c.want == "" && !errors.Is(err, build.ErrNoCanister) {
			t.Errorf("%s %v: %+v, %v", c.name, c.files, got, err)
		}
		if c.want != "" && (err != nil || got.Candid != c.want || got.Dir != dir || got.Package != ".") {
			t.Errorf("%s %v: %+v, %v", c.name, c.files, got, err)
		}
	}
}
