package host

import "fmt"

// Changes counts the commits of the instance: while it is the same, so is the state at the
// last commit.
func (i *Instance) Changes() uint64 { return i.committed.version }

// Changes counts the commits that changed something.
func (s *Stable) Changes() uint64 { return s.committed.version }

// Restore makes an instance that goes on from a committed state of the same module: a heap
// of so many Wasm pages, with what put writes to it, and globals in index order.
func (m *Module) Restore(pages uint32, globals []uint64, put func(write func(at uint64, b []byte) error) error) (*Instance, error) {
	if len(globals) != len(m.plan.Globals) || pages < m.plan.MinPages || pages > m.plan.MaxPages || !m.plan.Memory && pages > 0 {
		return nil, fmt.Errorf("restore module %x: the state is of another module", m.Hash)
	}
	size := uint64(pages) * WasmPage
	i, err := m.empty(size, false)
	if err != nil {
		return nil, err
	}
	i.committed.globals = append(i.committed.globals, globals...)
	err = put(func(at uint64, b []byte) error {
		if at > size || uint64(len(b)) > size-at || i.committed.heap == nil {
			return fmt.Errorf("restore module %x: %d bytes at %d of a heap of %d", m.Hash, len(b), at, size)
		}
		i.committed.heap.write(at, b)
		return nil
	})
	switch heap := i.committed.heap; {
	case heap == nil:
	case err != nil:
		heap.free()
	default:
		heap.rest()
	}
	return i, err
}
