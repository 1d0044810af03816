package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/ic/replica/replicatest"
	"assay/ic/wasm/meter"
)

func compileIn(t *testing.T, dir string, wasm []byte) *Module {
	t.Helper()
	e, err := NewEngine(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	m, err := e.Compile(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A module is metered once for all processes; what is damaged is made again.
func TestModuleIsKept(t *testing.T) {
	t.Parallel()
	dir, wasm := t.TempDir(), replicatest.Plain()
	first := compileIn(t, dir, wasm)
	path := blueprintPath(dir, sha256.Sum256(wasm))
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again := compileIn(t, dir, wasm)
	if diff := cmp.Diff(first.plan, again.plan) + cmp.Diff(first.base.bytes, again.base.bytes); diff != "" || first.Instructions != again.Instructions {
		t.Errorf("the kept module differs: %s", diff)
	}
	changed, err := decodeBlueprint(file)
	if err != nil {
		t.Fatal(err)
	}
	changed.Instructions = 12345
	if err := changed.save(dir, sha256.Sum256(wasm)); err != nil {
		t.Fatal(err)
	}
	if got := compileIn(t, dir, wasm).Instructions; got != 12345 {
		t.Errorf("%d instructions: the file was not used", got)
	}
	for _, at := range []int{0, len(blueprintMagic), len(blueprintMagic) + 5, len(file) / 2, len(file) - 1} {
		bad := bytes.Clone(file)
		bad[at] ^= 1
		for _, bad := range [][]byte{bad, file[:at]} {
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			if got := compileIn(t, dir, wasm).Instructions; got != first.Instructions {
				t.Errorf("damaged at %d: %d instructions, want %d", at, got, first.Instructions)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, file) {
				t.Errorf("damaged at %d: the file was not made again (%v)", at, err)
			}
		}
	}
}

// FuzzBlueprint: whatever lies in the cache is refused or can be used.
func FuzzBlueprint(f *testing.F) {
	b, err := newBlueprint(probe(), meter.Config{})
	if err != nil {
		f.Fatal(err)
	}
	body := b.encode()[len(blueprintMagic)+1+sha256.Size:]
	f.Add(body)
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := sha256.Sum256(body)
		file := append(append(append([]byte(blueprintMagic), blueprintVersion), sum[:]...), body...)
		b, err := decodeBlueprint(file)
		if err != nil {
			return
		}
		if again, err := decodeBlueprint(b.encode()); err != nil || !cmp.Equal(b, again) {
			t.Fatalf("a blueprint does not come back: %v", err)
		}
	})
}

// TestNativeCodeIsDamaged: what is wrong with the files of native code is no fault of the
// module's, which is compiled and runs without them.
func TestNativeCodeIsDamaged(t *testing.T) {
	t.Parallel()
	dir, wasm := t.TempDir(), replicatest.Plain()
	compileIn(t, dir, wasm)
	folders, err := filepath.Glob(filepath.Join(dir, "wazero-*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("folders of native code: %q, %v", folders, err)
	}
	files, err := filepath.Glob(filepath.Join(folders[0], "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files of native code: %q, %v", files, err)
	}
	damage := map[string]func(path string) error{
		"cut short": func(path string) error { return os.Truncate(path, 100) },
		"a folder in its place": func(path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		},
	}
	for name, spoil := range damage {
		for _, file := range files {
			if err := spoil(file); err != nil {
				t.Fatal(err)
			}
		}
		m := compileIn(t, dir, wasm)
		if _, err := m.Instantiate(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if m.runtime == m.engine.runtime {
			t.Errorf("%s: compiled with files", name)
		}
	}
}
