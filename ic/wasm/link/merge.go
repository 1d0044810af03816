package link

import (
	"fmt"
	"slices"

	w "assay/ic/wasm/module"
)

// Merge gives a program that is no canister the kernels that it imports and leaves everything else: Go's output for a
// host of WASI, as tests run it. The names that debuggers read are left out, since functions get other numbers.
func Merge(raw []byte, files []Kernels) ([]byte, error) {
	m, err := w.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("merge kernels: %w", err)
	}
	if err := m.CheckIndices(); err != nil {
		return nil, fmt.Errorf("merge kernels: %w", err)
	}
	k, err := newKernels(files)
	if err != nil {
		return nil, fmt.Errorf("merge kernels: %w", err)
	}
	if err := k.takeImports(m); err != nil {
		return nil, fmt.Errorf("merge kernels: %w", err)
	}
	m.Customs = slices.DeleteFunc(m.Customs, func(c w.Custom) bool { return c.Name == "name" })
	return m.Encode(), nil
}

// takeImports replaces the imports of kernels in m.
func (k *kernels) takeImports(m *w.Module) error {
	was := m.Imported(w.KindFunc)
	var kept []w.Import
	var target, chosen []uint32 // new numbers of the imported functions; which of them are kernels
	next := uint32(0)
	for _, im := range m.Imports {
		switch {
		case im.Kind != w.KindFunc:
		case im.Module == KernelModule:
			n, err := k.choose(im.Name, m.Types[im.Func])
			if err != nil {
				return err
			}
			chosen = append(chosen, uint32(len(target)))
			target = append(target, n)
			continue
		default:
			target = append(target, next)
			next++
		}
		kept = append(kept, im)
	}
	first := next + uint32(len(m.Funcs))
	for _, i := range chosen {
		target[i] += first
	}
	m.Imports = kept
	err := m.MapFuncs(func(f uint32) uint32 {
		if f < was {
			return target[f]
		}
		return f - was + next
	})
	if err != nil {
		return err
	}
	return k.merge(m, first)
}
