package host

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/experimental/table"

	"assay/ic/wasm/meter"
)

// Instance is a module with its committed heap and globals, and live code over them
// while it is in use. Live code is started when it is needed, and ended when the engine
// has too much of it.
type Instance struct {
	module    *Module
	committed *committed
	run       *liveCode // nil: not started
	busy      bool      // something ran since the last commit or rollback
	idle      idleMark  // the engine's
	view      bool      // the committed state is another instance's
	standby   *Instance // a view
	seen      uint64    // the version of the committed state that the live code holds
}

// committed is the state at the last commit.
type committed struct {
	heap    heap // nil if the module has no memory
	globals []uint64
	version uint64 // how many commits there were
}

// liveCode is code over a live memory.
type liveCode struct {
	mod      api.Module
	memory   live // nil if the module has none
	counter  api.MutableGlobal
	lastPage api.MutableGlobal // nil unless the module tells which pages it touches
	globals  []api.MutableGlobal
	funcs    map[string]api.Function
	mayGrow  func(pages uint32) bool // of what runs; nil: nothing does
	weight   uint64                  // bytes that it takes besides a usual amount
}

// Image is what of an instance outlives it.
type Image struct {
	Heap    []byte   // whole Wasm pages
	Globals []uint64 // the mutable ones, in index order
}

// Instantiate makes an instance with the memory that the module's data give. Its start
// function has not run; see [Execution.Run].
func (m *Module) Instantiate(ctx context.Context) (*Instance, error) {
	i, err := m.empty(uint64(m.plan.MinPages)*WasmPage, true)
	if err != nil {
		return nil, err
	}
	if err := i.start(ctx); err != nil {
		return nil, errors.Join(err, i.Close(ctx))
	}
	i.busy = true
	i.Commit()
	return i, nil
}

// Resume makes an instance that goes on from an image of the same module. It copies
// the image.
func (m *Module) Resume(ctx context.Context, image Image) (*Instance, error) {
	size := uint64(len(image.Heap))
	if len(image.Globals) != len(m.plan.Globals) || size%WasmPage != 0 || size < uint64(m.plan.MinPages)*WasmPage || size > uint64(m.plan.MaxPages)*WasmPage {
		return nil, fmt.Errorf("resume module %x: the image is of another module", m.Hash)
	}
	i, err := m.empty(size, false)
	if err != nil {
		return nil, err
	}
	i.committed.globals = append(i.committed.globals, image.Globals...)
	err = eachPage(image.Heap, 0, func(at uint64, page []byte) error {
		i.committed.heap.write(at, page)
		return nil
	})
	return i, err
}

// empty makes an instance without globals and with a heap of zeros, or one that is filled
// by the module's data.
func (m *Module) empty(size uint64, filled bool) (*Instance, error) {
	i := &Instance{module: m, committed: &committed{}}
	if !m.plan.Memory {
		return i, nil
	}
	heap, err := m.engine.backing.heap()
	if err != nil {
		return nil, fmt.Errorf("make a heap: %w", err)
	}
	if err := heap.grow(size); err != nil {
		heap.free()
		return nil, fmt.Errorf("make a heap: %w", err)
	}
	heap.setBase(m.base, filled)
	i.committed.heap = heap
	return i, nil
}

// begin makes the instance live and its own until the next commit or rollback.
func (i *Instance) begin(ctx context.Context) error {
	if i.busy {
		return nil
	}
	i.module.engine.claim(i)
	switch {
	case i.run == nil:
		if err := i.start(ctx); err != nil {
			return err
		}
		i.resetGlobals()
	case i.seen != i.committed.version:
		if err := i.reset(ctx); err != nil {
			return err
		}
	}
	i.seen, i.busy = i.committed.version, true
	return nil
}

// start makes live code that holds the committed heap.
func (i *Instance) start(ctx context.Context) error {
	r := &liveCode{funcs: map[string]api.Function{}}
	if heap := i.committed.heap; heap != nil {
		var err error
		if r.memory, err = heap.live(uint64(i.module.plan.MaxPages) * WasmPage); err != nil {
			return err
		}
		ctx = experimental.WithMemoryAllocator(ctx, allocator{guarded{r.memory, r}})
	}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	mod, err := i.module.runtime.InstantiateModule(ctx, i.module.compiled, config)
	if err != nil {
		if r.memory != nil {
			r.memory.Free()
		}
		return moduleErrorf("instantiate: %v", err)
	}
	r.mod, r.weight = mod, i.module.plan.Tables*tableEntry
	r.counter = mod.ExportedGlobal(meter.CounterExport).(api.MutableGlobal)
	if g := mod.ExportedGlobal(meter.LastPageExport); g != nil {
		r.lastPage = g.(api.MutableGlobal)
	}
	for _, name := range i.module.plan.Globals {
		r.globals = append(r.globals, mod.ExportedGlobal(name).(api.MutableGlobal))
	}
	i.run = r
	return nil
}

// allocator hands out one memory.
type allocator struct{ memory experimental.LinearMemory }

// guarded asks the execution that runs whether the memory may grow.
type guarded struct {
	live
	run *liveCode
}

// Reallocate is nil where it may not; then memory.grow gives -1.
func (g guarded) Reallocate(size uint64) []byte {
	if g.run.mayGrow != nil && !g.run.mayGrow(uint32(size/WasmPage)) {
		return nil
	}
	return g.live.Reallocate(size)
}

// Allocate is asked once for each instantiation. The sizes are the host's to choose.
func (a allocator) Allocate(_, _ uint64) experimental.LinearMemory { return a.memory }

// stop ends the live code. What was not committed is lost.
func (i *Instance) stop(ctx context.Context) error {
	if i.run == nil {
		return nil
	}
	err := i.run.mod.Close(ctx)
	if i.run.memory != nil {
		i.run.memory.Free()
	}
	i.run = nil
	if err != nil {
		return fmt.Errorf("close instance: %w", err)
	}
	return nil
}

// Module is the code of the instance.
func (i *Instance) Module() *Module { return i.module }

// Image is a copy of the state at the last commit.
func (i *Instance) Image() (Image, error) {
	image := Image{Globals: append([]uint64{}, i.committed.globals...)}
	if i.committed.heap == nil {
		return image, nil
	}
	image.Heap = make([]byte, i.committed.heap.size())
	return image, i.EachPage(func(at uint64, page []byte) error {
		copy(image.Heap[at:], page)
		return nil
	})
}

// Globals are the mutable globals at the last commit, in index order.
func (i *Instance) Globals() []uint64 { return i.committed.globals }

// EachPage calls f with the address and the contents of every page of 4 KiB of the
// committed heap that is not zero, in order. The contents are valid during the call.
func (i *Instance) EachPage(f func(at uint64, page []byte) error) error {
	if i.committed.heap == nil {
		return nil
	}
	return i.committed.heap.each(f)
}

// Pages is the current size of memory in Wasm pages, also of what is not committed.
func (i *Instance) Pages() uint32 {
	if !i.busy || i.committed.heap == nil {
		return i.CommittedPages()
	}
	pages, _ := i.run.mod.Memory().Grow(0)
	return pages
}

// CommittedPages is the size at the last commit. It may be asked for while code runs.
func (i *Instance) CommittedPages() uint32 {
	if i.committed.heap == nil {
		return 0
	}
	return uint32(i.committed.heap.size() / WasmPage)
}

// View is another instance over what is committed here, now and later. It is for
// queries: each of its messages ends by [Instance.Rollback]. The original may run while a
// view does, but it may not commit then. Views are closed before the original is.
func (i *Instance) View() *Instance {
	return &Instance{module: i.module, committed: i.committed, view: true}
}

// Standby is a view that the instance keeps for the next time, and closes with itself.
func (i *Instance) Standby() *Instance {
	if i.standby == nil {
		i.standby = i.View()
	}
	return i.standby
}

// Commit makes the live state the one that [Instance.Rollback] returns to, and counts
// the pages of 4 KiB whose contents changed.
func (i *Instance) Commit() (dirty int) {
	if i.view {
		panic("commit of a view")
	}
	if !i.busy {
		return 0
	}
	if i.run.memory != nil {
		dirty = i.run.memory.commit()
	}
	i.committed.globals = i.committed.globals[:0]
	for _, g := range i.run.globals {
		i.committed.globals = append(i.committed.globals, g.Get())
	}
	i.committed.version++
	i.seen = i.committed.version
	i.rest(context.Background())
	return dirty
}

// Rollback undoes everything since the last commit.
func (i *Instance) Rollback(ctx context.Context) error {
	if !i.busy {
		return nil
	}
	err := i.reset(ctx)
	i.rest(ctx)
	return err
}

// reset makes the live code hold the committed state.
func (i *Instance) reset(ctx context.Context) error {
	if i.run.memory != nil && i.run.memory.rollback() {
		// The memory is asked to grow so that it can tell the engine of its right size.
		if _, ok := i.run.mod.Memory().Grow(1); !ok { // it is at 4 GiB
			if err := i.stop(ctx); err != nil {
				return err
			}
			if err := i.start(ctx); err != nil {
				return err
			}
		}
	}
	i.resetGlobals()
	return nil
}

// rest is for after a commit or a rollback: the engine may end the live code.
func (i *Instance) rest(ctx context.Context) {
	i.busy = false
	if i.run == nil {
		return // its memory could not be had again
	}
	if i.module.plan.Drops {
		_ = i.stop(ctx) // what was dropped is there again for the next message
		return
	}
	i.module.engine.release(ctx, i)
}

func (i *Instance) resetGlobals() {
	for n, g := range i.run.globals {
		g.Set(i.committed.globals[n])
	}
}

// Close frees the instance.
func (i *Instance) Close(ctx context.Context) error {
	i.module.engine.claim(i)
	err := i.stop(ctx)
	if i.standby != nil {
		err = errors.Join(err, i.standby.Close(ctx))
	}
	if i.committed.heap != nil && !i.view {
		i.committed.heap.free()
		i.committed.heap = nil
	}
	return err
}

// function finds an exported function, nil if there is none.
func (r *liveCode) function(name string) api.Function {
	f, ok := r.funcs[name]
	if !ok {
		f = r.mod.ExportedFunction(name)
		r.funcs[name] = f
	}
	return f
}

// maxStack is how much native stack, in bytes, a function may keep between two calls.
const maxStack = 256 << 10

// forgetDeep lets go of a function whose last call needed a deep stack, which the runtime
// keeps with it.
func (r *liveCode) forgetDeep(f api.Function) {
	if stackOf(f) <= maxStack {
		return
	}
	for name, known := range r.funcs {
		if known == f {
			delete(r.funcs, name)
		}
	}
}

// stackOf is the size of the stack that the runtime keeps with a function, 0 if it cannot
// be seen.
func stackOf(f api.Function) int {
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return 0
	}
	if stack := v.Elem().FieldByName("stack"); stack.IsValid() && stack.Kind() == reflect.Slice {
		return stack.Len()
	}
	return 0
}

// callback finds a table entry of type (i32)->(), or says why there is none.
func (r *liveCode) callback(slot uint32) (f api.Function, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("callback %d: %v", slot, r)
		}
	}()
	return table.LookupFunction(r.mod, 0, slot, []api.ValueType{api.ValueTypeI32}, nil), nil
}
