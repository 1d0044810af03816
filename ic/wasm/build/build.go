// Package build makes a canister out of a Go package.
//
// The command, the demo and tests call [Canister]. It runs the go command for wasip1
// in an environment of its own, so that the same sources and Go version give the same
// bytes wherever they lie, assembles the kernels (.wat files) that lie beside the packages
// it compiled with ic/wasm/wat, links all with ic/wasm/link, which checks every rule
// for installing, and keeps results by content. Whether Go's output is up to date is
// left to the go command and its cache.
package build

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assay/ic/candid"
	"assay/ic/candid/did"
	"assay/ic/wasm/link"
)

// Config says what to build.
type Config struct {
	// Package is the main package, as the go command names it from Dir: an import path
	// or ./canisters/market.
	Package string
	// Dir is where the go command runs, a folder of the Go module. Empty: here.
	Dir string
	// CacheDir keeps Go's output and linked canisters. It is made if missing; required.
	CacheDir string
	// Candid is the service description, a file relative to Dir. Its methods become the
	// canister's and its text public metadata. Empty: Methods alone.
	Candid string
	// Methods are further methods.
	Methods []link.Method
	// Commit is the version of the source, stored as public metadata assay:commit. It is
	// for releases: with it each commit has a hash of its own. Empty: none is stored.
	Commit string
	// Go is the go command. Empty: go, from the path.
	Go string
}

// Validate names every field that is wrong.
func (c Config) Validate() error {
	var errs []error
	if c.Package == "" || strings.HasPrefix(c.Package, "-") {
		errs = append(errs, fmt.Errorf("package %q: a Go package is needed", c.Package))
	}
	if c.CacheDir == "" {
		errs = append(errs, errors.New("cache folder: none given"))
	}
	if len(c.Commit) > maxCommit || strings.ContainsFunc(c.Commit, unprintable) {
		errs = append(errs, fmt.Errorf("commit %.100q: at most %d printable ASCII characters", c.Commit, maxCommit))
	}
	return errors.Join(errs...)
}

const maxCommit = 200

func unprintable(r rune) bool { return r < ' ' || r > '~' }

// Module is a canister ready to install.
type Module struct {
	Wasm []byte
	// Gzip is Wasm compressed, which install_code also takes. A canister installed from
	// it has GzipHash as module hash.
	Gzip     []byte
	Hash     [32]byte // SHA-256 of Wasm
	GzipHash [32]byte // SHA-256 of Gzip
}

// CompileError is a failure of the go command. Output is what it printed.
type CompileError struct {
	Package string
	Output  string
	Err     error
}

func (e *CompileError) Error() string {
	return fmt.Sprintf("compile %s: %v\n%s", e.Package, e.Err, strings.TrimSpace(e.Output))
}

func (e *CompileError) Unwrap() error { return e.Err }

// linkVersion is part of the key of cached canisters. It grows with every change of
// what ic/wasm/link writes; the linker's golden test says when.
const linkVersion = 3

// Canister builds one canister. A failing compilation is a [*CompileError], a use of
// time.Sleep and the like a [*SleepError], a module that may not be installed a
// [*link.AcceptError].
func Canister(ctx context.Context, c Config) (Module, error) {
	if err := c.Validate(); err != nil {
		return Module{}, fmt.Errorf("build: %w", err)
	}
	m, err := c.build(ctx)
	if err != nil {
		return Module{}, fmt.Errorf("build %s: %w", c.Package, err)
	}
	m.Hash, m.GzipHash = sha256.Sum256(m.Wasm), sha256.Sum256(m.Gzip)
	return m, nil
}

func (c Config) build(ctx context.Context) (Module, error) {
	opt, err := c.options()
	if err != nil {
		return Module{}, err
	}
	if opt.Metadata, err = c.metadata(ctx); err != nil {
		return Module{}, err
	}
	raw, err := c.compile(ctx)
	if err != nil {
		return Module{}, err
	}
	if opt.Kernels, err = c.kernels(ctx, raw); err != nil {
		return Module{}, err
	}
	dir := filepath.Join(c.CacheDir, "canisters")
	at := filepath.Join(dir, key(raw, opt))
	if m, ok := load(at); ok {
		return m, nil
	}
	if err := c.awake(ctx); err != nil {
		return Module{}, err
	}
	var m Module
	if m.Wasm, err = link.Link(raw, opt); err != nil {
		return Module{}, err
	}
	if m.Gzip, err = compress(m.Wasm); err != nil {
		return Module{}, err
	}
	return m, m.store(dir, at)
}

// options reads the service description.
func (c Config) options() (link.Options, error) {
	opt := link.Options{Methods: slices.Clone(c.Methods)}
	if c.Candid == "" {
		return opt, nil
	}
	file := filepath.Join(c.Dir, c.Candid)
	program, err := did.Load(filepath.Base(file), func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(filepath.Dir(file), filepath.FromSlash(name)))
	})
	if err != nil {
		return opt, fmt.Errorf("read the service: %w", err)
	}
	if program.Service == nil {
		return opt, fmt.Errorf("%s describes no service", c.Candid)
	}
	opt.Candid = program.Source
	if program.Imports {
		opt.Candid = program.Format()
	}
	for _, m := range program.Service.Methods {
		kind := link.Update
		if f := program.Resolve(m.Type).Func; f != nil {
			kind = kinds[f.Kind]
		}
		opt.Methods = append(opt.Methods, link.Method{Name: m.Name, Kind: kind})
	}
	slices.SortFunc(opt.Methods, func(a, b link.Method) int { return cmp.Compare(a.Name, b.Name) })
	return opt, nil
}

var kinds = map[candid.Kind]link.Kind{
	candid.Update: link.Update, candid.Query: link.Query, candid.CompositeQuery: link.CompositeQuery,
}

// settings are what changes Go's output, beside its version.
var settings = []string{"-buildmode=c-shared", "-trimpath", "-buildvcs=false"}

// metadata says what made the module: whoever has the source and these can build it again.
func (c Config) metadata(ctx context.Context) ([]link.Metadata, error) {
	cmd := exec.CommandContext(ctx, cmp.Or(c.Go, "go"), "env", "GOVERSION")
	cmd.Dir, cmd.Env = c.Dir, environment(os.Environ())
	version, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ask for the version of Go: %w", cmp.Or(ctx.Err(), err))
	}
	text := fmt.Sprintf("%s wasip1/wasm %s, assay link %d", strings.TrimSpace(string(version)), strings.Join(settings, " "), linkVersion)
	out := []link.Metadata{{Name: "assay:toolchain", Text: text}}
	if c.Commit != "" {
		out = append(out, link.Metadata{Name: "assay:commit", Text: c.Commit})
	}
	return out, nil
}

// compile runs the go command, which writes nothing where its output is up to date.
func (c Config) compile(ctx context.Context) ([]byte, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, err
	}
	cache, err := filepath.Abs(c.CacheDir)
	if err != nil {
		return nil, err
	}
	name := sha256.Sum256([]byte(dir + "\x00" + c.Package))
	out := filepath.Join(cache, "raw", hex.EncodeToString(name[:8])+".wasm")
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return nil, err
	}
	args := append(append([]string{"build"}, settings...), "-o", out, c.Package)
	cmd := exec.CommandContext(ctx, cmp.Or(c.Go, "go"), args...)
	work, err := os.MkdirTemp("", "assay-build-*") // the compiler's, so that nothing of it stays when it is interrupted
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	cmd.Dir, cmd.Env = dir, append(environment(os.Environ()), "GOTMPDIR="+work)
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(os.Interrupt) }, stopDelay
	if printed, err := cmd.CombinedOutput(); err != nil {
		return nil, &CompileError{c.Package, string(printed), cmp.Or(ctx.Err(), err)}
	}
	return os.ReadFile(out)
}

// stopDelay is how long an interrupted compiler may take to end its own children.
const stopDelay = 5 * time.Second

// dropped are the variables that would change what the compiler writes.
var dropped = []string{"GOOS", "GOARCH", "GOWASM", "GOFLAGS", "GOEXPERIMENT", "GOWORK", "GODEBUG", "GOFIPS140", "CGO_ENABLED"}

func environment(from []string) []string {
	env := []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off"}
	for _, v := range from {
		name, _, _ := strings.Cut(v, "=")
		if !slices.Contains(dropped, name) {
			env = append(env, v)
		}
	}
	return env
}

// key hashes everything that the linked canister is made of.
func key(raw []byte, opt link.Options) string {
	h := sha256.New()
	fmt.Fprintf(h, "assay canister %d\n%d\n", linkVersion, len(raw))
	h.Write(raw)
	fmt.Fprintf(h, "%d\n%s", len(opt.Candid), opt.Candid)
	for _, m := range opt.Methods {
		fmt.Fprintf(h, "%q %d\n", m.Name, m.Kind)
	}
	for _, d := range opt.Metadata {
		fmt.Fprintf(h, "%q %q\n", d.Name, d.Text)
	}
	for _, k := range opt.Kernels {
		fmt.Fprintf(h, "%q %x\n", k.Name, sha256.Sum256(k.Module.Encode()))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// load reads a cached canister. Its last file holds the hashes of both others, so a
// file that was cut short or changed is built again.
func load(at string) (Module, bool) {
	var m Module
	var err error
	sums, err := os.ReadFile(at + ".sum")
	if err != nil {
		return m, false
	}
	if m.Wasm, err = os.ReadFile(at + ".wasm"); err != nil {
		return m, false
	}
	if m.Gzip, err = os.ReadFile(at + ".wasm.gz"); err != nil {
		return m, false
	}
	return m, bytes.Equal(sums, m.sums())
}

func (m Module) sums() []byte {
	return fmt.Appendf(nil, "%x %x\n", sha256.Sum256(m.Wasm), sha256.Sum256(m.Gzip))
}

func (m Module) store(dir, at string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range []struct {
		ext  string
		data []byte
	}{{".wasm", m.Wasm}, {".wasm.gz", m.Gzip}, {".sum", m.sums()}} {
		if err := replace(at+f.ext, f.data); err != nil {
			return err
		}
	}
	return nil
}

// replace writes a file that other processes see whole or not at all.
func replace(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// compress has no time or name in its header, so equal input gives equal output.
func compress(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
