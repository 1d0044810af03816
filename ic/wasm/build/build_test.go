package build_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/ic/wasm/build"
	"assay/ic/wasm/link"
	"assay/ic/wasm/module"
)

var echo = sync.OnceValues(func() (build.Module, error) {
	dir, err := os.MkdirTemp("", "assay-build-test")
	if err != nil {
		return build.Module{}, err
	}
	defer os.RemoveAll(dir)
	return build.Canister(context.Background(), config(dir))
})

func config(cache string) build.Config {
	return build.Config{Package: "./testdata/echo", CacheDir: cache, Candid: "testdata/echo/echo.did"}
}

func echoModule(t *testing.T) build.Module {
	t.Helper()
	m, err := echo()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCanisterRuns(t *testing.T) {
	t.Parallel()
	h := start(t, echoModule(t).Wasm)
	if _, trap, _ := h.call("canister_init", ""); trap != "" {
		t.Fatalf("init traps: %s", trap)
	}
	if got := strings.Join(h.prints, "|"); got != "hello from init" {
		t.Errorf("init printed %q", got)
	}
	if reply, trap, _ := h.call("canister_update echo", "abc"); reply != "abc" || trap != "" {
		t.Errorf("echo = %q, trap %q", reply, trap)
	}
	for range 5 {
		if _, trap, _ := h.call("canister_update grow", ""); trap != "" {
			t.Fatalf("collections, timers and goroutines trap: %s", trap)
		}
	}
	if reply, trap, _ := h.call("canister_query count", ""); reply != "6" || trap != "" {
		t.Errorf("count = %q, trap %q", reply, trap)
	}
	if trap := h.callback(link.ReplySlot, 100); trap != "" {
		t.Errorf("reply callback traps: %s", trap)
	}
	if reply, _, _ := h.call("canister_query count", ""); reply != "106" {
		t.Errorf("count after a callback = %q", reply)
	}
	for _, slot := range []uint32{link.RejectSlot, link.CleanupSlot} {
		if trap := h.callback(slot, 1); trap != "" {
			t.Errorf("callback in slot %d traps: %s", slot, trap)
		}
	}
}

func TestTrapTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, want string }{
		{"sleep", "canisters cannot sleep"},
		{"deadlock", "all goroutines are asleep - deadlock!"},
		{"crash", "panic: assignment to entry in nil map"},
		{"exit", "the program ended itself"},
	} {
		t.Run(c.method, func(t *testing.T) {
			t.Parallel()
			h := start(t, echoModule(t).Wasm)
			if _, trap, _ := h.call("canister_post_upgrade", ""); trap != "" {
				t.Fatal(trap)
			}
			_, trap, used := h.call("canister_update "+c.method, "")
			if !strings.Contains(trap, c.want) {
				t.Errorf("trap %q, want %q; printed %q", trap, c.want, h.prints)
			}
			if used > 50_000_000 {
				t.Errorf("%d instructions before the trap", used)
			}
		})
	}
}

func TestCountsRepeat(t *testing.T) {
	t.Parallel()
	var runs [2][]int64
	for i := range runs {
		h := start(t, echoModule(t).Wasm)
		_, _, used := h.call("canister_init", "")
		runs[i] = append(runs[i], used)
		for range 3 {
			_, _, used := h.call("canister_update grow", "")
			runs[i] = append(runs[i], used)
		}
	}
	for i := range runs[0] {
		if runs[0][i] != runs[1][i] || runs[0][i] <= 0 {
			t.Errorf("message %d used %d, then %d instructions", i, runs[0][i], runs[1][i])
		}
	}
}

func TestModuleShape(t *testing.T) {
	t.Parallel()
	m, err := module.Parse(echoModule(t).Wasm)
	if err != nil {
		t.Fatal(err)
	}
	for _, im := range m.Imports {
		if im.Module != "ic0" {
			t.Errorf("import of %s.%s", im.Module, im.Name)
		}
	}
	var names []string
	for _, e := range m.Exports {
		names = append(names, e.Name)
	}
	want := "memory canister_init canister_post_upgrade canister_update " + link.TaskMethod + " canister_query count canister_update crash " +
		"canister_update deadlock canister_update echo canister_update exit canister_update grow canister_update sleep"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("exports\n%s\nwant\n%s", got, want)
	}
	did, err := os.ReadFile("testdata/echo/echo.did")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Customs) != 2 || m.Customs[0].Name != "icp:public candid:service" || !bytes.Equal(m.Customs[0].Bytes, did) ||
		m.Customs[1].Name != "icp:public assay:toolchain" || !strings.HasPrefix(string(m.Customs[1].Bytes), "go1.") {
		t.Errorf("custom sections %q", m.Customs)
	}
	if n := len(m.Datas); n > 2000 {
		t.Errorf("%d data segments after merging", n)
	}
}

// The same source gives the same module from two folders, with separate caches of the go
// command and of this package, under other names of the user's settings.
func TestHashIndependentOfPath(t *testing.T) {
	first := echoModule(t)
	if len(first.Gzip) >= len(first.Wasm)/2 {
		t.Errorf("gzip makes %d bytes of %d", len(first.Gzip), len(first.Wasm))
	}
	var modules [2]build.Module
	for i := range modules {
		dir := filepath.Join(t.TempDir(), strings.Repeat("deeper/", i+1), "echo")
		copyEcho(t, dir)
		if i == 1 && !testing.Short() {
			t.Setenv("GOCACHE", t.TempDir()) // everything is compiled again
			t.Setenv("GOFLAGS", "-ldflags=-s")
		}
		var err error
		modules[i], err = build.Canister(t.Context(), build.Config{Package: ".", Dir: dir, CacheDir: t.TempDir(), Candid: "echo.did"})
		if err != nil {
			t.Fatal(err)
		}
	}
	if a, b := modules[0], modules[1]; a.Hash != b.Hash || a.GzipHash != b.GzipHash {
		t.Errorf("the same source gives %x and %x, compressed %x and %x", a.Hash, b.Hash, a.GzipHash, b.GzipHash)
	}
}

// A release carries its commit, and is the same module otherwise.
func TestCommit(t *testing.T) {
	t.Parallel()
	c := config(t.TempDir())
	c.Commit = "v1.2.3 0123abcd"
	release, err := build.Canister(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	m, err := module.Parse(release.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	last := len(m.Customs) - 1
	if got := m.Customs[last]; got.Name != "icp:public assay:commit" || string(got.Bytes) != c.Commit {
		t.Fatalf("last custom section %s: %q", got.Name, got.Bytes)
	}
	m.Customs = m.Customs[:last]
	if !bytes.Equal(m.Encode(), echoModule(t).Wasm) {
		t.Error("a release differs from the other build by more than its commit")
	}
	c.Commit = "two\nlines"
	if _, err := build.Canister(t.Context(), c); err == nil || !strings.Contains(err.Error(), "commit") {
		t.Errorf("a commit of two lines: %v", err)
	}
}

func copyEcho(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"main.go", "echo.did"} {
		b, err := os.ReadFile(filepath.Join("testdata/echo", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module echo\n\ngo 1.26\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestCacheIsUsedAndRepaired(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	first, err := build.Canister(t.Context(), config(cache))
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	second, err := build.Canister(t.Context(), config(cache))
	if err != nil || second.Hash != first.Hash || second.GzipHash != first.GzipHash {
		t.Fatalf("warm build: %v, %x, then %x", err, first.Hash, second.Hash)
	}
	t.Logf("warm build in %v", time.Since(begin))
	files, err := filepath.Glob(filepath.Join(cache, "canisters", "*.wasm"))
	if err != nil || len(files) != 1 {
		t.Fatalf("cached files %v, %v", files, err)
	}
	if err := os.Truncate(files[0], 1000); err != nil {
		t.Fatal(err)
	}
	third, err := build.Canister(t.Context(), config(cache))
	if err != nil || third.Hash != first.Hash {
		t.Errorf("after damage: %v, %x, want %x", err, third.Hash, first.Hash)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	if _, err := build.Canister(t.Context(), build.Config{}); err == nil ||
		!strings.Contains(err.Error(), "Go package") || !strings.Contains(err.Error(), "cache folder") {
		t.Errorf("an empty Config gives %v", err)
	}
	_, err := build.Canister(t.Context(), build.Config{Package: "./testdata/nothing", CacheDir: t.TempDir()})
	var compile *build.CompileError
	if !errors.As(err, &compile) || compile.Output == "" {
		t.Errorf("a missing package gives %v", err)
	}
	c := config(t.TempDir())
	c.Methods = []link.Method{{Name: "also", Kind: link.CompositeQuery}}
	if _, err := build.Canister(t.Context(), c); err == nil || !strings.Contains(err.Error(), "cdk_composite_query") {
		t.Errorf("a method without its entry point gives %v", err)
	}
}

// TestInterruptedBuild: who cancels a build finds no temporary files of the compiler.
func TestInterruptedBuild(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := build.Canister(ctx, config(t.TempDir()))
		ended <- err
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err == nil {
				t.Skip("the build ended before it could be interrupted")
			}
			left, readErr := os.ReadDir(temporary)
			if !errors.Is(err, context.Canceled) || readErr != nil || len(left) > 0 {
				t.Errorf("%v; left behind: %v %v", err, left, readErr)
			}
			return
		case <-tick.C:
			if begun, err := os.ReadDir(temporary); err == nil && len(begun) > 0 {
				cancel()
			}
		}
	}
}
