//go:build wasip1

package system

import "unsafe"

// Stable is the canister's stable memory without the indirections of an [API]: the
// structures in it read and write it dozens of times an operation.
type Stable struct {
	Full error // what Grow returns when it cannot
}

// Size is in pages.
func (*Stable) Size() uint64 { return stableSize() }

// Grow adds pages.
func (s *Stable) Grow(pages uint64) error {
	if stableGrow(pages) == ^uint64(0) {
		return s.Full
	}
	return nil
}

// ReadAt fills into.
func (*Stable) ReadAt(into []byte, offset uint64) {
	readInto(uintptr(unsafe.Pointer(unsafe.SliceData(into))), offset, uint64(len(into)))
}

// WriteAt stores data.
func (*Stable) WriteAt(data []byte, offset uint64) {
	writeFrom(uintptr(unsafe.Pointer(unsafe.SliceData(data))), offset, uint64(len(data)))
}
