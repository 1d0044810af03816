package catalog

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/commitment"
)

var update = flag.Bool("update", false, "rewrite golden files")

// rich is a manifest that uses every field.
func rich() Manifest {
	m := MiniLM()
	root := commitment.Hash{1, 2, 3}
	m.IRRoot = &root
	m.Normalization = NormalizationNone
	return m
}

func encode(t testing.TB, m Manifest) []byte {
	t.Helper()
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestManifestGolden(t *testing.T) {
	var got strings.Builder
	for _, row := range []struct {
		name     string
		manifest Manifest
	}{{"default", MiniLM()}, {"rich", rich()}} {
		root, err := row.manifest.Root()
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString(row.name + " " + hex.EncodeToString(encode(t, row.manifest)) + " " + root.String() + "\n")
	}
	path := filepath.Join("testdata", "manifests.golden")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("manifest bytes changed; a change needs a new manifest version (-want +got):\n%s", diff)
	}
}

func TestManifestRoundTrip(t *testing.T) {
	for _, m := range []Manifest{MiniLM(), rich()} {
		got, err := Decode(encode(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("decoded another manifest (-want +got):\n%s", diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := encode(t, rich())
	with := func(at int, b byte) []byte { c := bytes.Clone(good); c[at] = b; return c }
	marker := len(good) - 4 - 1 - 2 - len("last_hidden_state") - 32 - 1
	for name, b := range map[string][]byte{
		"nothing":            nil,
		"another magic":      with(0, 'x'),
		"a later version":    with(len(magic)+1, 2),
		"the end cut":        good[:len(good)-1],
		"bytes after it":     append(bytes.Clone(good), 0),
		"a control in name":  with(len(magic)+4, 7),
		"a huge text":        with(len(magic)+2, 0xff),
		"a strange marker":   with(marker, 2),
		"zero dimensions":    append(bytes.Clone(good[:len(good)-4]), 0, 0, 0, 0),
		"an unknown element": with(len(good)-5, 99),
		"too many bytes":     make([]byte, MaxManifestBytes+1),
	} {
		_, err := Decode(b)
		var bad *DecodeError
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %v, want a DecodeError", name, err)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Manifest){
		"no name":               func(m *Manifest) { m.Name = "" },
		"files out of order":    func(m *Manifest) { m.Files[0], m.Files[1] = m.Files[1], m.Files[0] },
		"a role twice":          func(m *Manifest) { m.Files[1].Role = m.Files[0].Role },
		"an empty file":         func(m *Manifest) { m.Files[0].Size = 0 },
		"no files":              func(m *Manifest) { m.Files = nil },
		"an unknown tokenizer":  func(m *Manifest) { m.Tokenizer.Kind = 9 },
		"room for one token":    func(m *Manifest) { m.Tokenizer.MaxTokens = 1 },
		"an unknown pooling":    func(m *Manifest) { m.Pooling = 0 },
		"an unknown norm":       func(m *Manifest) { m.Normalization = 9 },
		"an unknown element":    func(m *Manifest) { m.Output.DType = commitment.Int8 },
		"too many dimensions":   func(m *Manifest) { m.Output.Dimension = 1 << 20 },
		"a name in other words": func(m *Manifest) { m.Name = "modèle" },
	} {
		m := MiniLM()
		spoil(&m)
		if _, err := m.Encode(); err == nil {
			t.Errorf("%s: encoded without an error", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, MiniLM()))
	f.Add(encode(f, rich()))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			var bad *DecodeError
			if !errors.As(err, &bad) || bad.Offset > len(b) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if again := encode(t, m); !bytes.Equal(again, b) {
			t.Fatalf("%x was read and written as %x", b, again)
		}
	})
}

func folderWith(t *testing.T, data []byte) (*Folder, File) {
	t.Helper()
	folder, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := File{Role: RoleModel, SHA256: HashOf(data), Size: uint64(len(data))}
	if err := folder.Put(t.Context(), file, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return folder, file
}

func TestFolder(t *testing.T) {
	data := []byte("weights and biases")
	folder, file := folderWith(t, data)
	got, err := folder.Open(file)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("opened %q, %v", got, err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder.dir, "incoming-*")); len(left) > 0 {
		t.Errorf("left %v behind", left)
	}
	if _, err := folder.Open(File{Size: 1}); !errors.Is(err, ErrMissing) {
		t.Errorf("missing file: %v", err)
	}
}

func TestFolderRefusesDamage(t *testing.T) {
	data := []byte("weights and biases")
	for name, spoil := range map[string]func([]byte) []byte{
		"a flipped bit": func(b []byte) []byte { b[3] ^= 1; return b },
		"truncated":     func(b []byte) []byte { return b[:5] },
		"longer":        func(b []byte) []byte { return append(b, 'x') },
	} {
		folder, file := folderWith(t, data)
		path := folder.Path(file.SHA256)
		if err := os.WriteFile(path, spoil(bytes.Clone(data)), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := folder.Open(file)
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) || corrupt.Path != path || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want a CorruptError that names %s", name, err, path)
		}
		m := MiniLM()
		m.Files = []File{file}
		if err := folder.Ensure(t.Context(), m, []Source{memory{file: data}}, nil); !errors.As(err, &corrupt) {
			t.Errorf("%s: Ensure gave %v, want the damage reported", name, err)
		}
	}
}

func TestPutRefusesOtherBytes(t *testing.T) {
	folder, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := File{RoleModel, HashOf([]byte("right")), 5}
	for _, data := range []string{"wrong", "righ", "right and more", ""} {
		var corrupt *CorruptError
		if err := folder.Put(t.Context(), want, strings.NewReader(data)); !errors.As(err, &corrupt) {
			t.Errorf("put %q: %v, want a CorruptError", data, err)
		}
	}
	var corrupt *CorruptError
	larger := File{RoleModel, want.SHA256, 6}
	if err := folder.Put(t.Context(), larger, strings.NewReader("right")); !errors.As(err, &corrupt) {
		t.Errorf("put fewer bytes than named: %v, want a CorruptError", err)
	}
	if left, _ := os.ReadDir(folder.dir); len(left) > 0 {
		t.Errorf("folder holds %v, want nothing", left)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := folder.Put(ctx, want, strings.NewReader("right")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled put: %v", err)
	}
}
