package stable_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"assay/ic/cdk/stable"
)

var update = flag.Bool("update", false, "write testdata anew")

// saveGolden writes a memory, without its trailing zeros, as a gzip file.
func saveGolden(t *testing.T, name string, mem []byte) {
	t.Helper()
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	_, err := z.Write(bytes.TrimRight(mem, "\x00"))
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = os.WriteFile(filepath.Join("testdata", name), out.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// loadGolden is the memory of a golden file.
func loadGolden(t *testing.T, name string) *stable.Heap {
	t.Helper()
	f, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.LimitReader(z, 64<<20))
	if err != nil {
		t.Fatal(err)
	}
	pages := (len(b) + stable.PageBytes - 1) / stable.PageBytes
	return &stable.Heap{Bytes: append(b, make([]byte, pages*stable.PageBytes-len(b))...)}
}

// wantGolden compares what was written with its golden file, or writes the file anew.
func wantGolden(t *testing.T, name string, mem *stable.Heap) {
	t.Helper()
	if *update {
		saveGolden(t, name, mem.Bytes)
		return
	}
	want := loadGolden(t, name)
	if !bytes.Equal(bytes.TrimRight(mem.Bytes, "\x00"), bytes.TrimRight(want.Bytes, "\x00")) {
		t.Errorf("what is written now differs from %s: if old memories can still be read, run with -update", name)
	}
}
