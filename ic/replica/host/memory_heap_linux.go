package host

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// mappedHeap is one part of the memory file.
type mappedHeap struct {
	owner  *mapped
	part   int64
	bytes  uint64
	window []byte // the whole part, shared; nil while no live memory is open
	lives  int
	mu     sync.Mutex // guards window, lives and cold: live memories open and close apart from each other

	base *basePages
	cold []bool // pages of the base that the file does not hold; none while a live memory is open
}

func (h *mappedHeap) size() uint64 { return h.bytes }

func (h *mappedHeap) grow(size uint64) error {
	if size > maxMemory {
		return fmt.Errorf("a heap of %d bytes", size)
	}
	h.bytes = max(h.bytes, size)
	return nil
}

func (h *mappedHeap) write(at uint64, b []byte) {
	for len(b) > 0 {
		n, err := unix.Pwrite(h.owner.fd, b, h.part+int64(at))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			panic(fmt.Sprintf("write to the memory file: %v", err)) // nothing but a lack of memory
		}
		b, at = b[n:], at+uint64(n)
	}
}

// each reads the file, which makes no pages where there are none.
func (h *mappedHeap) each(f func(at uint64, page []byte) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := 0 // page of the base
	colder := func(before uint64) error {
		for ; next < len(h.cold) && uint64(h.base.numbers[next])*OSPage < before; next++ {
			if h.cold[next] {
				if err := f(uint64(h.base.numbers[next])*OSPage, h.base.page(next)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := h.eachInFile(func(at uint64, page []byte) error {
		if err := colder(at); err != nil {
			return err
		}
		return f(at, page)
	})
	if err != nil {
		return err
	}
	return colder(h.bytes)
}

var fileBuffers = sync.Pool{New: func() any { return new([16 * WasmPage]byte) }}

func (h *mappedHeap) eachInFile(f func(at uint64, page []byte) error) error {
	shared := fileBuffers.Get().(*[16 * WasmPage]byte)
	defer fileBuffers.Put(shared)
	buf := shared[:]
	for at := uint64(0); at < h.bytes; {
		data, err := unix.Seek(h.owner.fd, h.part+int64(at), unix.SEEK_DATA)
		if err == unix.ENXIO || err == nil && data >= h.part+int64(h.bytes) {
			return nil // zeros from here on
		}
		if err != nil {
			return fmt.Errorf("find data in the memory file: %w", err)
		}
		at = uint64(data-h.part) / OSPage * OSPage
		b := buf[:min(uint64(len(buf)), h.bytes-at)]
		if err := h.read(b, at); err != nil {
			return err
		}
		if err := eachPage(b, at, f); err != nil {
			return err
		}
		at += uint64(len(b))
	}
	return nil
}

func (h *mappedHeap) read(b []byte, at uint64) error {
	for len(b) > 0 {
		n, err := unix.Pread(h.owner.fd, b, h.part+int64(at))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return fmt.Errorf("read %d bytes of the memory file: %d, %w", len(b), n, err)
		}
		b, at = b[n:], at+uint64(n)
	}
	return nil
}

func (h *mappedHeap) free() { h.owner.release(h.part) }

func (h *mappedHeap) live(limit uint64) (live, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.warmLocked()
	if h.window == nil {
		w, err := unix.Mmap(h.owner.fd, h.part, maxMemory, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
		if err != nil {
			return nil, fmt.Errorf("map a heap: %w", err)
		}
		h.window = w
	}
	mem, err := unix.Mmap(h.owner.fd, h.part, int(max(limit, WasmPage)), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		h.closeWindowLocked()
		return nil, fmt.Errorf("map a heap: %w", err)
	}
	m := &mappedMemory{heap: h, mem: mem, max: max(limit, h.bytes), size: h.bytes, resized: true}
	if !m.extend(h.bytes) {
		_ = unix.Munmap(mem) // fails for no mapping of ours
		h.closeWindowLocked()
		return nil, fmt.Errorf("%w: a live memory of %d bytes", ErrMemoryBudget, h.bytes)
	}
	h.lives++
	return m, nil
}

func (h *mappedHeap) closeWindowLocked() {
	if h.lives == 0 && h.window != nil {
		_ = unix.Munmap(h.window) // fails for no mapping of ours
		h.window = nil
	}
}

func (h *mappedHeap) setBase(base *basePages, filled bool) {
	h.base = base
	h.cold = make([]bool, len(base.numbers))
	for n := range h.cold {
		h.cold[n] = filled
	}
}

// warmLocked puts the pages of the base into the file.
func (h *mappedHeap) warmLocked() {
	if !slices.Contains(h.cold, true) {
		return
	}
	_ = h.base.runs(h.cold, func(from, to int, at uint64) error {
		h.write(at, h.base.bytes[from*OSPage:to*OSPage])
		return nil
	})
	clear(h.cold)
}

// rest takes pages that are equal to the base's out of the file.
func (h *mappedHeap) rest() {
	if h.base == nil || !h.mu.TryLock() {
		return
	}
	defer h.mu.Unlock()
	if h.lives > 0 {
		return
	}
	all := make([]bool, len(h.cold))
	for n := range all {
		all[n] = !h.cold[n]
	}
	equal := make([]bool, len(h.cold))
	err := h.base.runs(all, func(from, to int, at uint64) error {
		b := make([]byte, (to-from)*OSPage)
		if err := h.read(b, at); err != nil {
			return err
		}
		for n := from; n < to; n++ {
			equal[n] = bytes.Equal(b[(n-from)*OSPage:][:OSPage], h.base.page(n))
		}
		return nil
	})
	if err != nil {
		return // it keeps what it has
	}
	_ = h.base.runs(equal, func(from, to int, at uint64) error {
		err := unix.Fallocate(h.owner.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, h.part+int64(at), int64(to-from)*OSPage)
		for n := from; n < to && err == nil; n++ {
			h.cold[n] = true
		}
		return nil
	})
}
