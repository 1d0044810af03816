package host

import "errors"

// MaxStablePages is the most that stable memory grows to, 500 GiB in Wasm pages.
const MaxStablePages = 500 << 30 / WasmPage

// ErrStableBounds is an access beyond the end of stable memory.
var ErrStableBounds = errors.New("stable memory out of bounds")

// Stable is a canister's stable memory, with an undo log since the last commit. The
// zero value is empty. Chunks that were never written take no room.
type Stable struct {
	pages  uint64
	limit  uint64
	chunks []*[WasmPage]byte // by page; nil, or beyond the end: zeros

	before uint64             // pages at the last commit
	undo   map[uint64]*osPage // contents at the last commit of the 4 KiB pages written since
}

type osPage [OSPage]byte

// NewStable is an empty stable memory that grows to at most limit Wasm pages.
func NewStable(limit uint64) *Stable { return &Stable{limit: min(limit, MaxStablePages)} }

// Pages is the size in Wasm pages.
func (s *Stable) Pages() uint64 { return s.pages }

// Grow adds pages and returns the old size, false if the limit forbids it.
func (s *Stable) Grow(more uint64) (uint64, bool) {
	if more > s.limit || s.pages+more > s.limit {
		return 0, false
	}
	old := s.pages
	s.pages += more
	return old, true
}

func (s *Stable) inBounds(offset, size uint64) bool {
	end := offset + size
	return end >= offset && end <= s.pages*WasmPage
}

// Read copies from stable memory at offset to b.
func (s *Stable) Read(b []byte, offset uint64) error {
	if !s.inBounds(offset, uint64(len(b))) {
		return ErrStableBounds
	}
	for len(b) > 0 {
		page, at := offset/WasmPage, offset%WasmPage
		n := min(uint64(len(b)), WasmPage-at)
		if page < uint64(len(s.chunks)) && s.chunks[page] != nil {
			copy(b[:n], s.chunks[page][at:])
		} else {
			clear(b[:n])
		}
		b, offset = b[n:], offset+n
	}
	return nil
}

// Write copies b to stable memory at offset and counts the 4 KiB pages that are
// written for the first time since the last commit.
func (s *Stable) Write(b []byte, offset uint64) (dirty int, err error) {
	if !s.inBounds(offset, uint64(len(b))) {
		return 0, ErrStableBounds
	}
	for len(b) > 0 {
		n := min(uint64(len(b)), OSPage-offset%OSPage)
		chunk := s.chunk(offset / WasmPage)
		if s.save(offset/OSPage, chunk) {
			dirty++
		}
		copy(chunk[offset%WasmPage:], b[:n])
		b, offset = b[n:], offset+n
	}
	return dirty, nil
}

// chunk is the memory of a page, made where it is missing.
func (s *Stable) chunk(page uint64) *[WasmPage]byte {
	if page >= uint64(len(s.chunks)) {
		s.chunks = append(s.chunks, make([]*[WasmPage]byte, page+1-uint64(len(s.chunks)))...)
	}
	if s.chunks[page] == nil {
		s.chunks[page] = new([WasmPage]byte)
	}
	return s.chunks[page]
}

// save keeps the contents of a 4 KiB page before its first change.
func (s *Stable) save(n uint64, chunk *[WasmPage]byte) bool {
	if _, ok := s.undo[n]; ok {
		return false
	}
	if s.undo == nil {
		s.undo = map[uint64]*osPage{}
	}
	old := new(osPage)
	copy(old[:], chunk[n*OSPage%WasmPage:])
	s.undo[n] = old
	return true
}

// Commit forgets the undo log and counts the pages that were written.
func (s *Stable) Commit() (dirty int) {
	dirty = len(s.undo)
	s.before, s.undo = s.pages, nil
	return dirty
}

// Rollback returns to the last commit.
func (s *Stable) Rollback() {
	for n, old := range s.undo {
		copy(s.chunks[n*OSPage/WasmPage][n*OSPage%WasmPage:], old[:])
	}
	s.pages, s.undo = s.before, nil
}

// Each calls f with every page that is not all zeros, in order.
func (s *Stable) Each(f func(page uint64, content []byte)) {
	for n, c := range s.chunks {
		if c != nil && *c != [WasmPage]byte{} {
			f(uint64(n), c[:])
		}
	}
}

// Restore makes a committed stable memory of so many pages with the contents that put
// writes by [Stable.Write].
func (s *Stable) Restore(pages uint64, put func(*Stable) error) error {
	if pages > s.limit {
		return ErrStableBounds
	}
	s.pages = pages
	err := put(s)
	s.Commit()
	return err
}
