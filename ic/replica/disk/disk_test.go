package disk

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func saved(t testing.TB, records ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "network.state")
	if err := Write(path, slices.Values(records)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := [][]byte{[]byte("one"), {}, []byte("three")}
	path := saved(t, want...)
	if err := Write(path, slices.Values(want)); err != nil { // over an old one
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files beside the state, want none: %v", len(entries)-1, err)
	}
}

func TestDamageIsNamed(t *testing.T) {
	t.Parallel()
	path := saved(t, []byte("some state"))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		bad := slices.Clone(whole)
		bad[at] ^= 1
		refused(t, path, bad)
		refused(t, path, whole[:at])
	}
	next := slices.Clone(whole)
	next[8] = 99
	if err := refused(t, path, next); err != nil && !strings.Contains(err.Error(), "version is 99") {
		t.Errorf("unknown version: %v", err)
	}
	if _, err := Read(path + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func refused(t *testing.T, path string, content []byte) error {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Read(path)
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), path) {
		t.Errorf("damaged file: got %v, want a CorruptError that names it", err)
	}
	return err
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{"", "ASSAYNET\x01\x00\x00\x00", "ASSAYNET\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff", "ASSAYNET\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00x"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := sha256.Sum256(body)
		total := 0
		records, _ := parse(append(slices.Clone(body), sum[:]...))
		for _, r := range records {
			total += len(r) + 8
		}
		if records != nil && total+headerLen != len(body) {
			t.Errorf("%d of %d bytes are in records", total, len(body))
		}
	})
}
