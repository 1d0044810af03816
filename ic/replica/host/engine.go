// Package host runs canister Wasm on wazero and answers its system calls.
//
// ic/replica/state uses it: it compiles a module ([Engine.Compile]), keeps one
// [Instance] and one [Stable] memory per canister, and runs each message as an
// [Execution], which sees the message through an [Input] and collects what it did in
// its exported fields. Nothing here knows queues or other canisters; whether effects
// are kept (Commit) or thrown away (Rollback) is the caller's choice.
//
// An Engine may be used from several goroutines; an Instance, a Stable and an
// Execution belong to one at a time. Views ([Instance.View], [Stable.View]) may run while
// their original does, but while the original commits nobody may use a view.
package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"assay/ic/wasm/meter"
)

// maxIdleModules is how many compiled modules without a user are kept for the next
// install of the same bytes.
const maxIdleModules = 16

// ErrMemoryBudget is a heap that does not fit into what the engine may use.
var ErrMemoryBudget = errors.New("over the memory budget")

// EngineConfig is how an engine is made. The zero value works.
type EngineConfig struct {
	CacheDir   string     // compiled modules for later processes; empty: kept in memory only
	Memory     MemoryKind // how heaps are kept
	HeapBudget uint64     // bytes that all heaps together may take; 0: three quarters of the machine's memory
	MaxLive    int        // instances that keep live code while they are idle; 0: 128
	Interpret  bool       // run code without compiling it: slow, and the same
}

// Engine compiles modules and holds the system calls and the memory of heaps.
type Engine struct {
	runtime   wazero.Runtime
	cache     wazero.CompilationCache
	backing   backing
	idle      idleList
	maxLive   int
	dir       string // of kept modules; empty: none are
	interpret bool

	mu struct {
		sync.Mutex
		modules  map[[32]byte]*Module
		coming   map[[32]byte]chan struct{} // being compiled; closed at the end
		uses     uint64                     // counts hand-outs, to evict the oldest
		metering meter.Config
		spare    wazero.Runtime // nil until a module could not be compiled with files
	}
}

// NewEngine starts an engine that keeps compiled modules in cacheDir.
func NewEngine(ctx context.Context, cacheDir string) (*Engine, error) {
	return OpenEngine(ctx, EngineConfig{CacheDir: cacheDir})
}

// OpenEngine starts an engine.
func OpenEngine(ctx context.Context, c EngineConfig) (*Engine, error) {
	e := &Engine{cache: wazero.NewCompilationCache(), maxLive: c.MaxLive, dir: c.CacheDir, interpret: c.Interpret}
	if e.maxLive == 0 {
		e.maxLive = maxLive
	}
	if c.HeapBudget == 0 {
		c.HeapBudget = defaultBudget()
	}
	var err error
	if e.backing, err = newBacking(c.Memory, c.HeapBudget); err != nil {
		return nil, err
	}
	if c.CacheDir != "" {
		if e.cache, err = wazero.NewCompilationCacheWithDir(c.CacheDir); err != nil {
			return nil, errors.Join(fmt.Errorf("open compilation cache %s: %w", c.CacheDir, err), e.backing.close())
		}
	}
	e.mu.modules, e.mu.coming = map[[32]byte]*Module{}, map[[32]byte]chan struct{}{}
	if e.runtime, err = e.newRuntime(ctx, e.cache); err != nil {
		return nil, err
	}
	return e, nil
}

// newRuntime is a runtime that has the system calls.
func (e *Engine) newRuntime(ctx context.Context, cache wazero.CompilationCache) (wazero.Runtime, error) {
	config := wazero.NewRuntimeConfig()
	if e.interpret {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	config = config.
		WithCompilationCache(cache).
		WithDebugInfoEnabled(false).
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall)
	r := wazero.NewRuntimeWithConfig(ctx, config)
	system := r.NewHostModuleBuilder("ic0")
	for _, call := range systemCalls {
		system.NewFunctionBuilder().WithGoFunction(call.function(), call.params, call.results).Export(call.name)
	}
	pages := r.NewHostModuleBuilder(meter.TouchModule).
		NewFunctionBuilder().WithGoFunction(api.GoFunc(touchHeap), sig(i64, i64), nil).Export(meter.TouchImport)
	for _, builder := range []wazero.HostModuleBuilder{system, pages} {
		if _, err := builder.Instantiate(ctx); err != nil {
			return nil, fmt.Errorf("instantiate system calls: %w", err)
		}
	}
	return r, nil
}

// native compiles metered code, and says which runtime it is for. Where that fails with
// files it is tried without, so that a full or damaged folder says nothing of the module.
func (e *Engine) native(ctx context.Context, wasm []byte) (wazero.Runtime, wazero.CompiledModule, error) {
	ctx = experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0))
	compiled, err := e.runtime.CompileModule(ctx, wasm)
	if err == nil || e.dir == "" {
		return e.runtime, compiled, err
	}
	spare, err := e.withoutFiles(ctx)
	if err != nil {
		return nil, nil, err
	}
	compiled, err = spare.CompileModule(ctx, wasm)
	return spare, compiled, err
}

// withoutFiles is the runtime that keeps no files, made when it is needed first.
func (e *Engine) withoutFiles(ctx context.Context) (wazero.Runtime, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mu.spare == nil {
		spare, err := e.newRuntime(ctx, wazero.NewCompilationCache())
		if err != nil {
			return nil, err
		}
		e.mu.spare = spare
	}
	return e.mu.spare, nil
}

// CountTouched says whether modules tell which pages of the heap they touch, for
// [cycles.Touch.Read]. It comes before the first module: those that are compiled stay as
// they are.
func (e *Engine) CountTouched(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mu.metering.TouchedPages = on
}

// Close frees all code. No instance may be used afterwards.
func (e *Engine) Close(ctx context.Context) error {
	if e.mu.spare != nil {
		if err := e.mu.spare.Close(ctx); err != nil {
			return fmt.Errorf("close engine: %w", err)
		}
	}
	if err := e.runtime.Close(ctx); err != nil {
		return fmt.Errorf("close engine: %w", err)
	}
	return errors.Join(e.cache.Close(ctx), e.backing.close())
}

// Compile checks, meters and compiles a module as it was given to install_code, raw or
// gzipped, and counts one user; [Module.Release] ends the use. The same bytes are
// compiled once. Errors are [*ModuleError].
func (e *Engine) Compile(ctx context.Context, wasm []byte) (*Module, error) {
	hash := sha256.Sum256(wasm)
	m, done := e.take(hash)
	if m != nil {
		return m, nil
	}
	m, err := e.compile(ctx, wasm, hash)
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.mu.coming, hash)
	close(done)
	if err != nil {
		return nil, err
	}
	e.mu.modules[hash] = m
	m.users = 1
	e.evictLocked(ctx)
	return m, nil
}

// Use counts one more user of a module that is compiled, false if none of that hash is.
func (e *Engine) Use(hash [32]byte) (*Module, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.mu.modules[hash]
	if m == nil {
		return nil, false
	}
	m.users++
	return m, true
}

// take finds a module that is compiled or being compiled. Otherwise the caller is to
// compile it, and to close done.
func (e *Engine) take(hash [32]byte) (m *Module, done chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if m := e.mu.modules[hash]; m != nil {
			m.users++
			return m, nil
		}
		other := e.mu.coming[hash]
		if other == nil {
			done = make(chan struct{})
			e.mu.coming[hash] = done
			return nil, done
		}
		e.mu.Unlock()
		<-other
		e.mu.Lock()
	}
}

// kept is the blueprint of an earlier process, nil if there is none.
func (e *Engine) kept(hash [32]byte, metering meter.Config) *blueprint {
	if e.dir == "" {
		return nil
	}
	return loadBlueprint(e.folder(metering), hash)
}

// keep is for later processes, which go without what cannot be kept.
func (e *Engine) keep(b *blueprint, hash [32]byte, metering meter.Config) {
	if e.dir != "" {
		_ = b.save(e.folder(metering), hash)
	}
}

func (e *Engine) folder(metering meter.Config) string {
	if metering.TouchedPages {
		return filepath.Join(e.dir, touchedFolder)
	}
	return e.dir
}

func (e *Engine) metering() meter.Config {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mu.metering
}

// Release says that one user is done with the module and its instances.
func (m *Module) Release() {
	e := m.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	m.users--
	e.mu.uses++
	m.released = e.mu.uses
}

// evictLocked closes the longest unused modules.
func (e *Engine) evictLocked(ctx context.Context) {
	for {
		idle, oldest := 0, (*Module)(nil)
		for _, m := range e.mu.modules {
			if m.users > 0 {
				continue
			}
			idle++
			if oldest == nil || m.released < oldest.released {
				oldest = m
			}
		}
		if idle <= maxIdleModules {
			return
		}
		delete(e.mu.modules, oldest.Hash)
		_ = oldest.compiled.Close(ctx) // frees code; there is nobody to tell
	}
}
