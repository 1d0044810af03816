//go:build !wasip1

package cdk

import (
	"assay/ic/cdk/stable"
	"assay/ic/cdk/system"
)

// hostMemory is a double's stable memory.
func hostMemory(sys system.API) stable.Memory { return memory{sys} }

// memory adapts the host's stable memory.
type memory struct{ sys system.API }

func (m memory) Size() uint64                      { return m.sys.StableSize() }
func (m memory) ReadAt(into []byte, offset uint64) { m.sys.StableRead(offset, into) }
func (m memory) WriteAt(data []byte, offset uint64) {
	m.sys.StableWrite(offset, data)
}

func (m memory) Grow(pages uint64) error {
	if m.sys.StableGrow(pages) == ^uint64(0) {
		return stable.ErrFull
	}
	return nil
}
