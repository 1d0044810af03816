package host

import (
	"bytes"
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/table"

	"assay/ic/wasm/meter"
)

// OSPage is the unit in which changes of memory are found, undone and charged.
const OSPage = 4096

// WasmPage is the unit in which memory grows.
const WasmPage = 1 << 16

// Instance is live code with a memory, and a copy of memory and globals as they were
// at the last commit.
type Instance struct {
	module  *Module
	live    api.Module
	counter api.MutableGlobal
	globals []api.MutableGlobal
	funcs   map[string]api.Function

	image Image
}

// Image is what of an instance outlives it.
type Image struct {
	Heap    []byte   // whole Wasm pages
	Globals []uint64 // the mutable ones, in index order
}

// Instantiate makes an instance with the memory that the module's data give. Its start
// function has not run; see [Execution.Run].
func (m *Module) Instantiate(ctx context.Context) (*Instance, error) {
	i := &Instance{module: m}
	if err := i.start(ctx); err != nil {
		return nil, err
	}
	i.Commit()
	return i, nil
}

// Resume makes an instance that goes on from an image of the same module. It keeps
// the image.
func (m *Module) Resume(ctx context.Context, image Image) (*Instance, error) {
	if len(image.Globals) != len(m.globals) || len(image.Heap)%WasmPage != 0 || !m.memory && len(image.Heap) > 0 {
		return nil, fmt.Errorf("resume module %x: the image is of another module", m.Hash)
	}
	i := &Instance{module: m, image: image}
	if err := i.restart(ctx); err != nil {
		return nil, err
	}
	return i, nil
}

func (i *Instance) start(ctx context.Context) error {
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	live, err := i.module.engine.runtime.InstantiateModule(ctx, i.module.compiled, config)
	if err != nil {
		return moduleErrorf("instantiate: %v", err)
	}
	i.live, i.funcs = live, map[string]api.Function{}
	i.counter = live.ExportedGlobal(meter.CounterExport).(api.MutableGlobal)
	i.globals = i.globals[:0]
	for _, name := range i.module.globals {
		i.globals = append(i.globals, live.ExportedGlobal(name).(api.MutableGlobal))
	}
	return nil
}

// restart replaces the live module by a fresh one that holds the committed image.
func (i *Instance) restart(ctx context.Context) error {
	if i.live != nil {
		if err := i.live.Close(ctx); err != nil {
			return fmt.Errorf("close instance: %w", err)
		}
	}
	if err := i.start(ctx); err != nil {
		return err
	}
	if mem := i.live.Memory(); mem != nil {
		have := i.Pages()
		want := uint32(len(i.image.Heap) / WasmPage)
		if want < have {
			return fmt.Errorf("resume module %x: the image has %d pages, the module starts with %d", i.module.Hash, want, have)
		}
		if _, ok := mem.Grow(want - have); !ok {
			return fmt.Errorf("resume module %x: memory cannot grow to %d pages", i.module.Hash, want)
		}
		copy(i.memory(), i.image.Heap)
	}
	i.resetGlobals()
	return nil
}

// Module is the code of the instance.
func (i *Instance) Module() *Module { return i.module }

// Image is the state at the last commit. It shares memory with the instance.
func (i *Instance) Image() Image { return i.image }

// Pages is the current size of memory in Wasm pages.
func (i *Instance) Pages() uint32 {
	mem := i.live.Memory()
	if mem == nil {
		return 0
	}
	pages, _ := mem.Grow(0)
	return pages
}

// memory is a view of the live memory, nil where it is as large as 32 bits address.
func (i *Instance) memory() []byte {
	mem := i.live.Memory()
	if mem == nil {
		return nil
	}
	view, _ := mem.Read(0, mem.Size())
	return view
}

// Commit makes the live state the one that [Instance.Rollback] returns to, and counts
// the pages of 4 KiB that changed.
func (i *Instance) Commit() (dirty int) {
	live := i.memory()
	old := len(i.image.Heap)
	dirty = syncPages(i.image.Heap, live[:old])
	if len(live) > old {
		i.image.Heap = append(i.image.Heap, live[old:]...)
		dirty += countNonZero(live[old:])
	}
	i.image.Globals = i.image.Globals[:0]
	for _, g := range i.globals {
		i.image.Globals = append(i.image.Globals, g.Get())
	}
	return dirty
}

// Rollback undoes everything since the last commit.
func (i *Instance) Rollback(ctx context.Context) error {
	if int(i.Pages())*WasmPage != len(i.image.Heap) {
		return i.restart(ctx) // memory cannot shrink
	}
	syncPages(i.memory(), i.image.Heap)
	i.resetGlobals()
	return nil
}

func (i *Instance) resetGlobals() {
	for n, g := range i.globals {
		g.Set(i.image.Globals[n])
	}
}

// syncPages makes dst equal to src, of the same length, and counts the pages that
// differed. Pages that are equal are not written.
func syncPages(dst, src []byte) (changed int) {
	for at := 0; at < len(src); at += OSPage {
		s, d := src[at:at+OSPage], dst[at:at+OSPage]
		if !bytes.Equal(s, d) {
			copy(d, s)
			changed++
		}
	}
	return changed
}

var zeroPage [OSPage]byte

func countNonZero(b []byte) (n int) {
	for at := 0; at < len(b); at += OSPage {
		if !bytes.Equal(b[at:at+OSPage], zeroPage[:]) {
			n++
		}
	}
	return n
}

// Close frees the instance.
func (i *Instance) Close(ctx context.Context) error {
	if err := i.live.Close(ctx); err != nil {
		return fmt.Errorf("close instance: %w", err)
	}
	return nil
}

// function finds an exported function, nil if there is none.
func (i *Instance) function(name string) api.Function {
	f, ok := i.funcs[name]
	if !ok {
		f = i.live.ExportedFunction(name)
		i.funcs[name] = f
	}
	return f
}

// callback finds a table entry of type (i32)->(), or says why there is none.
func (i *Instance) callback(slot uint32) (f api.Function, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("callback %d: %v", slot, r)
		}
	}()
	return table.LookupFunction(i.live, 0, slot, []api.ValueType{api.ValueTypeI32}, nil), nil
}
