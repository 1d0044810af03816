package host

import (
	"bytes"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// A heap is a part of a memory file that is as long as 32 bits address and takes room
// only where something was written. Live memories map it privately, so that a page
// becomes theirs when they write to it first; the page tables tell which pages those
// are. A page that was written stays with the live memory for the next messages, since
// the system takes several microseconds to hand out a page, and few to compare many.

const (
	// maxHot is how many pages that did not change a live memory keeps, and maxChanged
	// how many of those that did.
	maxHot     = 128
	maxChanged = 2048
)

// mapped is the memory file with its parts.
type mapped struct {
	fd     int
	budget uint64
	pages  *pageTables

	mu struct {
		sync.Mutex
		parts int64   // ever made
		spare []int64 // offsets of parts that were freed
	}
}

// newMapped opens the memory file and tries whether all works that is needed.
func newMapped(budget uint64) (_ backing, err error) {
	if size := unix.Getpagesize(); size != OSPage {
		return nil, fmt.Errorf("pages are of %d bytes, not %d", size, OSPage)
	}
	m := &mapped{budget: budget}
	if m.fd, err = unix.MemfdCreate("canister heaps", unix.MFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make a memory file: %w", err)
	}
	if m.pages, err = openPageTables(); err != nil {
		_ = unix.Close(m.fd)
		return nil, err
	}
	if err := m.try(); err != nil {
		_ = m.close()
		return nil, fmt.Errorf("try mapped memory: %w", err)
	}
	return m, nil
}

func (m *mapped) close() error {
	m.pages.close()
	return unix.Close(m.fd)
}

// try commits one page and undoes another.
func (m *mapped) try() error {
	h, err := m.heap()
	if err != nil {
		return err
	}
	defer h.free()
	if err := h.grow(WasmPage); err != nil {
		return err
	}
	l, err := h.live(2 * WasmPage)
	if err != nil {
		return err
	}
	defer l.Free()
	l.Reallocate(0)
	b := l.Reallocate(2 * WasmPage)
	if b == nil {
		return fmt.Errorf("memory cannot grow")
	}
	b[0] = 1
	changed := l.commit()
	b[0], b[OSPage] = 2, 2
	l.rollback()
	if changed != 1 || b[0] != 1 || b[OSPage] != 0 {
		return fmt.Errorf("%d pages changed, then bytes %d and %d; want 1, 1 and 0", changed, b[0], b[OSPage])
	}
	return nil
}

func (m *mapped) heap() (heap, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.mu.spare); n > 0 {
		h := &mappedHeap{owner: m, part: m.mu.spare[n-1]}
		m.mu.spare = m.mu.spare[:n-1]
		return h, nil
	}
	if err := unix.Ftruncate(m.fd, (m.mu.parts+1)*maxMemory); err != nil {
		return nil, fmt.Errorf("lengthen the memory file: %w", err)
	}
	m.mu.parts++
	return &mappedHeap{owner: m, part: (m.mu.parts - 1) * maxMemory}, nil
}

func (m *mapped) resident() uint64 {
	var st unix.Stat_t
	if unix.Fstat(m.fd, &st) != nil {
		return 0
	}
	return uint64(st.Blocks) * 512
}

// fits reports whether a live memory may have so many bytes of its own, beside all that is
// there already.
func (m *mapped) fits(size uint64) bool { return m.resident()+goHeap()+size <= m.budget }

// release empties a part for its next user.
func (m *mapped) release(part int64) {
	if unix.Fallocate(m.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, part, maxMemory) != nil {
		return // it stays unused
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.spare = append(m.mu.spare, part)
}

// mappedMemory is a private mapping of a heap.
type mappedMemory struct {
	heap     *mappedHeap
	mem      []byte // as long as it can grow
	max      uint64
	size     uint64
	writable uint64 // bytes of mem that may be used
	resized  bool
	spans    []span
}

// span is a run of pages of 4 KiB.
type span struct{ from, to uint64 }

// Reallocate grows the memory, or gives it its size after a rollback.
func (m *mappedMemory) Reallocate(size uint64) []byte {
	if m.resized {
		m.resized = false
		return m.mem[:m.size:m.max]
	}
	if size > m.max || size > m.size && !m.heap.owner.fits(size) || !m.extend(size) {
		return nil
	}
	m.size = size
	return m.mem[:size:m.max]
}

func (m *mappedMemory) extend(size uint64) bool {
	if size > m.writable {
		if unix.Mprotect(m.mem[m.writable:size], unix.PROT_READ|unix.PROT_WRITE) != nil {
			return false
		}
		m.writable = size
	}
	return true
}

// Free ends the mapping.
func (m *mappedMemory) Free() {
	h := m.heap
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.mem != nil {
		_ = unix.Munmap(m.mem) // fails for no mapping of ours
		m.mem = nil
		h.lives--
		h.closeWindowLocked()
	}
}

// own finds the pages that were written since they were dropped last.
func (m *mappedMemory) own() []span {
	var err error
	if m.spans, err = m.heap.owner.pages.private(m.spans[:0], m.mem[:m.size]); err != nil {
		m.spans = append(m.spans[:0], span{0, m.size / OSPage}) // all are compared, which is right and slow
	}
	return m.spans
}

func (m *mappedMemory) commit() (changed int) {
	h := m.heap
	spans := m.own()
	total := uint64(0)
	for _, s := range spans {
		total += s.to - s.from
		changed += syncPages(h.window[s.from*OSPage:s.to*OSPage], m.mem[s.from*OSPage:s.to*OSPage])
	}
	h.bytes = m.size
	if total > maxHot+uint64(changed) || changed > maxChanged {
		m.drop(spans)
	}
	return changed
}

func (m *mappedMemory) rollback() (resized bool) {
	h := m.heap
	if m.size > h.bytes {
		m.dropRange(h.bytes, m.size)
	}
	m.resized = m.size != h.bytes
	if !m.extend(h.bytes) {
		panic(fmt.Sprintf("a live memory of %d bytes cannot follow its heap to %d", m.size, h.bytes))
	}
	m.size = h.bytes
	spans := m.own()
	total := uint64(0)
	for _, s := range spans {
		total += s.to - s.from
	}
	if total > maxHot {
		m.drop(spans)
		return m.resized
	}
	for _, s := range spans {
		syncPages(m.mem[s.from*OSPage:s.to*OSPage], h.window[s.from*OSPage:s.to*OSPage])
	}
	return m.resized
}

// drop gives pages back, so that they are the heap's again.
func (m *mappedMemory) drop(spans []span) {
	if len(spans) > 64 { // one long call is cheaper than many short ones
		m.dropRange(spans[0].from*OSPage, spans[len(spans)-1].to*OSPage)
		return
	}
	for _, s := range spans {
		m.dropRange(s.from*OSPage, s.to*OSPage)
	}
}

func (m *mappedMemory) dropRange(from, to uint64) {
	if unix.Madvise(m.mem[from:to], unix.MADV_DONTNEED) == nil {
		return
	}
	for at := from; at < to; at += OSPage { // by hand, then
		if s, d := m.heap.window[at:at+OSPage], m.mem[at:at+OSPage]; !bytes.Equal(s, d) {
			copy(d, s)
		}
	}
}
