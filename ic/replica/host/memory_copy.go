package host

import (
	"bytes"
	"fmt"
	"sync/atomic"
)

// copies keeps each heap as a slice, and each live memory as another one.
type copies struct {
	budget uint64
	bytes  atomic.Int64
}

func (c *copies) heap() (heap, error) { return &copiedHeap{owner: c}, nil }
func (c *copies) resident() uint64    { return uint64(max(c.bytes.Load(), 0)) }
func (c *copies) close() error        { return nil }

// take counts bytes, false if they are over the budget.
func (c *copies) take(n int) bool {
	if c.bytes.Add(int64(n)) <= int64(c.budget) || n <= 0 {
		return true
	}
	c.bytes.Add(-int64(n))
	return false
}

type copiedHeap struct {
	owner *copies
	image []byte
}

func (h *copiedHeap) size() uint64 { return uint64(len(h.image)) }

func (h *copiedHeap) grow(size uint64) error {
	if !h.owner.take(int(size) - len(h.image)) {
		return fmt.Errorf("%w: a heap of %d bytes", ErrMemoryBudget, size)
	}
	image := make([]byte, size)
	copy(image, h.image)
	h.image = image
	return nil
}

func (h *copiedHeap) setBase(base *basePages, filled bool) {
	if filled {
		for n, number := range base.numbers {
			h.write(uint64(number)*OSPage, base.page(n))
		}
	}
}

func (h *copiedHeap) rest() {}

func (h *copiedHeap) write(at uint64, b []byte) { copy(h.image[at:], b) }

func (h *copiedHeap) each(f func(at uint64, page []byte) error) error { return eachPage(h.image, 0, f) }

func (h *copiedHeap) live(max uint64) (live, error) {
	if !h.owner.take(len(h.image)) {
		return nil, fmt.Errorf("%w: a live memory of %d bytes", ErrMemoryBudget, len(h.image))
	}
	return &copiedMemory{heap: h, max: max, buf: bytes.Clone(h.image), resized: true}, nil
}

func (h *copiedHeap) free() {
	h.owner.take(-len(h.image))
	h.image = nil
}

// copiedMemory is a second copy of a heap.
type copiedMemory struct {
	heap    *copiedHeap
	max     uint64
	buf     []byte // beyond its length: zeros
	resized bool
}

// Reallocate grows the memory, or gives it its size after a rollback.
func (m *copiedMemory) Reallocate(size uint64) []byte {
	if m.resized {
		m.resized = false
		return m.buf[:len(m.buf):len(m.buf)]
	}
	if size > m.max || !m.heap.owner.take(int(size)-len(m.buf)) {
		return nil
	}
	if size <= uint64(cap(m.buf)) {
		m.buf = m.buf[:size]
	} else {
		buf := make([]byte, size, min(m.max, size+size/4/WasmPage*WasmPage))
		copy(buf, m.buf)
		m.buf = buf
	}
	return m.buf[:size:size]
}

// Free forgets the memory.
func (m *copiedMemory) Free() {
	m.heap.owner.take(-len(m.buf))
	m.buf = nil
}

func (m *copiedMemory) commit() (changed int) {
	h := m.heap
	if len(m.buf) > len(h.image) {
		h.owner.take(len(m.buf) - len(h.image)) // the live memory was let in: so is its copy
		h.image = append(h.image, make([]byte, len(m.buf)-len(h.image))...)
	}
	return syncPages(h.image, m.buf)
}

func (m *copiedMemory) rollback() (resized bool) {
	old, size := len(m.buf), len(m.heap.image)
	if size > cap(m.buf) {
		buf := make([]byte, size)
		copy(buf, m.buf)
		m.buf = buf
	}
	if size < old {
		clear(m.buf[size:])
	}
	m.buf = m.buf[:size]
	m.heap.owner.take(size - old)
	syncPages(m.buf, m.heap.image)
	m.resized = size != old
	return m.resized
}
