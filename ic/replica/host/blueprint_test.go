package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
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
