package link

import (
	"errors"
	"fmt"
	"slices"

	w "assay/ic/wasm/module"
)

// KernelModule is the name under which Go code imports kernels:
//
//	//go:wasmimport kernel sha256_blocks
const KernelModule = "kernel"

// Kernels is a file of hand-written functions. Go code imports its exports by their names,
// from [KernelModule]; what nobody imports or calls is left out.
type Kernels struct {
	// Name says in errors where the functions come from.
	Name string
	// Module holds functions alone, as ic/wasm/wat makes it: they work on the canister's
	// memory, which it may import, and call each other.
	Module *w.Module
}

// KernelError says why kernels cannot be linked.
type KernelError struct {
	Kernel string // the import or the file
	What   string
}

func (e *KernelError) Error() string { return fmt.Sprintf("kernel %s: %s", e.Kernel, e.What) }

// kernelFunc is one function of one file.
type kernelFunc struct{ file, index int }

// kernels chooses and numbers the functions to merge.
type kernels struct {
	files   []Kernels
	exports map[string]kernelFunc
	chosen  []kernelFunc // in the order of their numbers
	number  map[kernelFunc]uint32
}

// newKernels checks the files.
func newKernels(files []Kernels) (*kernels, error) {
	k := &kernels{files: files, exports: map[string]kernelFunc{}, number: map[kernelFunc]uint32{}}
	for i, f := range files {
		if err := checkKernels(f.Module); err != nil {
			return nil, &KernelError{f.Name, err.Error()}
		}
		for _, e := range f.Module.Exports {
			if first, twice := k.exports[e.Name]; twice {
				return nil, &KernelError{e.Name, fmt.Sprintf("in %s and in %s", files[first.file].Name, f.Name)}
			}
			k.exports[e.Name] = kernelFunc{i, int(e.Index)}
		}
	}
	return k, nil
}

// checkKernels refuses what would reach beyond the canister's memory.
func checkKernels(m *w.Module) error {
	if err := m.CheckIndices(); err != nil {
		return err
	}
	if len(m.Tables)+len(m.Memories)+len(m.Globals)+len(m.Elems)+len(m.Datas) > 0 || m.Start != nil {
		return errors.New("holds more than functions")
	}
	for _, im := range m.Imports {
		if im.Kind != w.KindMemory {
			return fmt.Errorf("imports %s.%s, and may import the canister's memory alone", im.Module, im.Name)
		}
	}
	for _, e := range m.Exports {
		if e.Kind != w.KindFunc {
			return fmt.Errorf("exports %s, which is no function", e.Name)
		}
	}
	if len(m.Code) != len(m.Funcs) {
		return errors.New("has not one body for each function")
	}
	for i := range m.Code {
		if err := checkKernelBody(m.Code[i].Code, len(m.Funcs)); err != nil {
			return fmt.Errorf("function %d: %w", i, err)
		}
	}
	return nil
}

// checkKernelBody refuses instructions that name what belongs to the canister: its
// globals (Go's stack pointer is one), table, segments, types by number, memory's size.
func checkKernelBody(code []byte, funcs int) error {
	it := w.NewIter(code)
	for it.Next() {
		switch it.Op {
		case w.OpCall, w.OpReturnCall:
			if it.Imm >= uint64(funcs) {
				return fmt.Errorf("calls function %d of %d", it.Imm, funcs)
			}
		case w.OpBlock, w.OpLoop, w.OpIf:
			if it.Imm2 == 0 {
				return errors.New("a block has a type by number")
			}
		case w.OpGlobalGet, w.OpGlobalSet, w.OpTableGet, w.OpTableSet, w.OpMemoryGrow, w.OpRefFunc, w.OpMemoryInit, w.OpDataDrop,
			w.OpCallIndirect, w.OpReturnCallIndirect, w.OpTableInit, w.OpElemDrop, w.OpTableCopy, w.OpTableGrow, w.OpTableSize, w.OpTableFill:
			return fmt.Errorf("opcode %#x has no place in a kernel", uint16(it.Op))
		}
	}
	return it.Err()
}

// choose finds an imported kernel, checks its type, and numbers it and all it calls. It
// returns its number among the chosen ones.
func (k *kernels) choose(name string, want w.FuncType) (uint32, error) {
	f, ok := k.exports[name]
	if !ok {
		what := "imported, but no .wat file beside an imported package exports it"
		if len(k.exports) == 0 {
			what = "imported, but there is no .wat file beside an imported package"
		}
		return 0, &KernelError{name, what}
	}
	m := k.files[f.file].Module
	if got, _ := m.TypeOf(uint32(f.index)); !got.Equal(want) {
		return 0, &KernelError{name, fmt.Sprintf("%s has it with type %s, and Go imports it with %s", k.files[f.file].Name, got, want)}
	}
	todo := []kernelFunc{f}
	for len(todo) > 0 {
		g := todo[0]
		todo = todo[1:]
		if _, seen := k.number[g]; seen {
			continue
		}
		k.number[g] = uint32(len(k.chosen))
		k.chosen = append(k.chosen, g)
		it := w.NewIter(m.Code[g.index].Code)
		for it.Next() {
			if it.Op == w.OpCall || it.Op == w.OpReturnCall {
				todo = append(todo, kernelFunc{g.file, int(it.Imm)})
			}
		}
	}
	return k.number[f], nil
}

// merge appends the chosen functions; first is the index of the first of them.
func (k *kernels) merge(into *w.Module, first uint32) error {
	calls := make([]*w.Module, len(k.files)) // each file with its calls renumbered
	for _, f := range k.chosen {
		file := k.files[f.file]
		if calls[f.file] == nil {
			c := &w.Module{Code: slices.Clone(file.Module.Code)}
			err := c.MapFuncs(func(g uint32) uint32 { return first + k.number[kernelFunc{f.file, int(g)}] })
			if err != nil {
				return &KernelError{file.Name, err.Error()}
			}
			calls[f.file] = c
		}
		into.AddFunc(file.Module.Types[file.Module.Funcs[f.index]], calls[f.file].Code[f.index])
	}
	return nil
}
