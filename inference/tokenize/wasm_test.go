package tokenize_test

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"assay/ic/candid"
	"assay/ic/principal"
	"assay/ic/wasm/build"
	"assay/ic/wasm/link"
	"assay/inference/tokenize"
	"assay/internal/cache"
	"assay/internal/subnet"
)

// elsewhere are the tokenisers and every n-th of the lines that the tests of other machines
// take; all of them under `make prove`.
func elsewhere(t *testing.T) (files map[string][]byte, lines []string) {
	t.Helper()
	dir := reference(t)
	files = map[string][]byte{}
	for _, name := range []string{"bert", "gpt2", "llama", "unigram", "unigram-bytes", "o200k", "openai"} {
		files[name] = []byte(read(t, filepath.Join(dir, name+".json")))
	}
	every := count(t, "ASSAY_TOKENIZER_EVERY", 16)
	for i, line := range readLines(t, filepath.Join(dir, "lines.hex")) {
		if i%every == 0 {
			lines = append(lines, line)
		}
	}
	return files, lines
}

func pack(lines []string) (out []byte) {
	for _, line := range lines {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(line)))
		out = append(out, line...)
	}
	return out
}

// idsOf is what both programs answer, worked out here.
func idsOf(t *testing.T, file []byte, lines []string) (out []byte) {
	t.Helper()
	tokenizer, err := tokenize.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		ids := encode(t, tokenizer, line, 0)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(ids)))
		for _, id := range ids {
			out = binary.LittleEndian.AppendUint32(out, id)
		}
	}
	return out
}

// TestWasm builds the package for wasip1, runs the hard lines under wazero, and compares.
func TestWasm(t *testing.T) {
	t.Parallel()
	files, lines := elsewhere(t)
	module := filepath.Join(t.TempDir(), "wasi.wasm")
	command := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", module, "./testdata/wasi")
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=wasip1", "GOARCH=wasm")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, tail(out))
	}
	ctx := t.Context()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	compiled, err := r.CompileModule(ctx, []byte(read(t, module)))
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range files {
		in := append(binary.LittleEndian.AppendUint32(nil, uint32(len(file))), file...)
		var out bytes.Buffer
		config := wazero.NewModuleConfig().WithName(name).WithStdin(bytes.NewReader(append(in, pack(lines)...))).WithStdout(&out).WithStderr(os.Stderr)
		if _, err := r.InstantiateModule(ctx, compiled, config); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(out.Bytes(), idsOf(t, file, lines)) {
			t.Errorf("%s: %d lines under wazero give other ids", name, len(lines))
		}
	}
}

// TestCanister runs the hard lines in a canister on the embedded network, and compares.
func TestCanister(t *testing.T) {
	t.Parallel()
	files, lines := elsewhere(t)
	dir, err := cache.Dir("test", "canisters")
	if err != nil {
		t.Fatal(err)
	}
	built, err := build.Canister(t.Context(), build.Config{
		Package: "./testdata/canister", CacheDir: dir, Methods: []link.Method{{Name: "append"}, {Name: "load"}, {Name: "encode"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := subnet.Open(t)
	id := n.Install(built.Gzip, nil)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := files[name]
		c := onChain{t, n, id}
		for rest := file; len(rest) > 0; {
			part := rest[:min(len(rest), 1<<20)]
			c.call("append", part)
			rest = rest[len(part):]
		}
		problem, loading := c.call("load", nil)
		if len(problem) > 0 {
			t.Fatalf("%s: %s", name, problem)
		}
		encoding := uint64(0)
		for from := 0; from < len(lines); from += 100 {
			some := lines[from:min(from+100, len(lines))]
			got, used := c.call("encode", pack(some))
			encoding += used
			if !bytes.Equal(got, idsOf(t, file, some)) {
				t.Errorf("%s: lines from %d on give other ids in a canister", name, from)
			}
		}
		t.Logf("%s: %d instructions to load %d bytes, %d a line", name, loading, len(file), encoding/uint64(len(lines)))
	}
}

type onChain struct {
	t  *testing.T
	n  *subnet.Network
	id principal.Principal
}

// call sends an update and gives the reply and the instructions that it took.
func (c onChain) call(method string, arg []byte) (reply []byte, used uint64) {
	c.t.Helper()
	out, err := c.n.As(subnet.User("tester"), c.id).Call(c.t.Context(), method, candid.Update, arg)
	if err != nil || len(out) < 8 {
		c.t.Fatalf("%s: %v", method, err)
	}
	return out[:len(out)-8], binary.LittleEndian.Uint64(out[len(out)-8:])
}
