package disk_test

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"assay/ic/replica/disk"
	"assay/ic/replica/disk/disktest"
)

var update = flag.Bool("update", false, "write the golden files")

// golden is a folder with a checkpoint and a log of two segments, and a recording.
func golden(t *testing.T) (files map[string][]byte, want expect) {
	t.Helper()
	w := newWorld(t)
	w.append("before the checkpoint")
	w.checkpoint("the core", map[string]string{"canister-a-1": "memories", "module-m": "module", "snapshot-s-1": "snapshot", "chunk-c": "chunk"})
	w.append("one")
	w.crash()
	w.append("two")
	files = map[string][]byte{}
	for _, name := range w.fs.Names() {
		files[name] = w.fs.Bytes(name)
	}
	var out bytes.Buffer
	r, err := disk.NewRecorder(&out, []byte("the core"), contents(map[string]string{"canister-a-1": "memories"}))
	if err := errors.Join(err, r.Batch([]byte("batch")), r.Hash(3, [32]byte{3}), r.End(4, [32]byte{4})); err != nil {
		t.Fatal(err)
	}
	files["recording"] = out.Bytes()
	return files, w.expect
}

func TestGoldenLayout(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "v2")
	files, want := golden(t)
	if *update {
		for name, b := range files {
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), b, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
	}
	fs := disktest.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, files[name]) {
			t.Errorf("%s is written differently now", name)
		}
		if name != "recording" {
			fs.Set(name, b)
		}
	}
	if err := want.check(fs); err != nil {
		t.Error(err)
	}
	raw, err := os.Open(filepath.Join(dir, "recording"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	r, err := disk.OpenRecording(raw, "recording")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []disk.Step{{Batch: []byte("batch")}, {Number: 3, Hash: [32]byte{3}}, {Number: 4, Hash: [32]byte{4}, End: true}} {
		if got, err := r.Next(); err != nil || !bytes.Equal(got.Batch, want.Batch) || got.Number != want.Number || got.Hash != want.Hash || got.End != want.End {
			t.Errorf("step %+v, %v; want %+v", got, err, want)
		}
	}
}

// FuzzFolder opens folders whose one segment, manifest and content are what the fuzzer
// makes of them.
func FuzzFolder(f *testing.F) {
	for _, name := range []string{"log-2", "manifest", "canister-a-1"} {
		b, err := os.ReadFile(filepath.Join("testdata", "v2", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, b)
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		fs := disktest.New()
		for _, kept := range []string{"log-2", "log-3", "manifest", "canister-a-1", "module-m", "snapshot-s-1", "chunk-c"} {
			whole, err := os.ReadFile(filepath.Join("testdata", "v2", kept))
			if err != nil {
				t.Fatal(err)
			}
			fs.Set(kept, whole)
		}
		if len(b) == 0 || filepath.Base(name) != name {
			return
		}
		fs.Set(name, b)
		_, err := read(fs)
		var corrupt *disk.CorruptError
		if err != nil && !errors.As(err, &corrupt) {
			t.Errorf("error of another kind: %v", err)
		}
	})
}
