package stable_test

import (
	"bytes"

	"assay/ic/cdk/stable"
)

// clone is a memory with the same content.
func clone(m *stable.Heap) *stable.Heap { return &stable.Heap{Bytes: bytes.Clone(m.Bytes)} }

// half makes two memories of one: pages in turn.
type half struct {
	stable.Memory
	odd uint64
}

func halves(m stable.Memory) (a, b stable.Memory) { return half{m, 0}, half{m, 1} }

func (h half) Size() uint64 { return (h.Memory.Size() + 1 - h.odd) / 2 }

func (h half) Grow(pages uint64) error {
	for range pages {
		before := h.Size()
		for h.Size() == before {
			if err := h.Memory.Grow(1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h half) at(offset uint64) uint64 {
	return (offset/stable.PageBytes*2+h.odd)*stable.PageBytes + offset%stable.PageBytes
}

func (h half) ReadAt(into []byte, offset uint64)  { h.Memory.ReadAt(into, h.at(offset)) }
func (h half) WriteAt(data []byte, offset uint64) { h.Memory.WriteAt(data, h.at(offset)) }

// contents is a copy of all bytes of a memory.
func contents(m stable.Memory) []byte {
	b := make([]byte, m.Size()*stable.PageBytes)
	m.ReadAt(b, 0)
	return b
}
