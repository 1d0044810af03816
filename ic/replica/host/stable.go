package host

import "errors"

// MaxStablePages is the most that stable memory grows to, 500 GiB in Wasm pages.
const MaxStablePages = 500 << 30 / WasmPage

// ErrStableBounds is an access beyond the end of stable memory.
var ErrStableBounds = errors.New("stable memory out of bounds")

// Stable is a canister's stable memory: what is committed, and over it the pages that
// were written since. Pages that were never written take no room. The zero value is
// empty and cannot grow.
type Stable struct {
	limit     uint64
	pages     uint64 // Wasm pages now
	committed *stablePages
	dirty     map[uint64]*osPage // pages of 4 KiB written since the last commit, by number
	room      func() bool        // whether the process may take more memory
}

// stablePages are committed pages. The contents of a page never change: a commit puts
// another one in its place. So copies share them.
type stablePages struct {
	pages   uint64 // Wasm pages
	chunks  []*stableChunk
	version uint64 // how many commits changed something
}

// stableChunk is one Wasm page; nil pages are zeros.
type stableChunk [WasmPage / OSPage]*osPage

type osPage [OSPage]byte

// NewStable is an empty stable memory that grows to at most limit Wasm pages.
func NewStable(limit uint64) *Stable {
	return &Stable{limit: min(limit, MaxStablePages), committed: &stablePages{}, room: heapHasRoom}
}

// View is another stable memory over what is committed here, now and later. It is for
// queries: it is rolled back after each, and never committed. Nobody may use it while
// the original commits.
func (s *Stable) View() *Stable {
	return &Stable{limit: s.limit, pages: s.committed.pages, committed: s.committed, room: s.room}
}

// Copy is a stable memory of its own with what is committed here. It shares pages until
// one of both writes to them.
func (s *Stable) Copy() *Stable {
	c := &stablePages{pages: s.committed.pages, chunks: make([]*stableChunk, len(s.committed.chunks))}
	for n, chunk := range s.committed.chunks {
		if chunk != nil {
			c.chunks[n] = new(*chunk)
		}
	}
	return &Stable{limit: s.limit, pages: c.pages, committed: c, room: s.room}
}

// Pages is the size in Wasm pages.
func (s *Stable) Pages() uint64 { return s.pages }

// CommittedPages is the size at the last commit.
func (s *Stable) CommittedPages() uint64 { return s.committed.pages }

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

// at is the committed page of that number, nil where it is zeros.
func (c *stablePages) at(n uint64) *osPage {
	chunk := n * OSPage / WasmPage
	if chunk >= uint64(len(c.chunks)) || c.chunks[chunk] == nil {
		return nil
	}
	return c.chunks[chunk][n%(WasmPage/OSPage)]
}

func (c *stablePages) put(n uint64, page *osPage) {
	chunk := n * OSPage / WasmPage
	if chunk >= uint64(len(c.chunks)) {
		c.chunks = append(c.chunks, make([]*stableChunk, chunk+1-uint64(len(c.chunks)))...)
	}
	if c.chunks[chunk] == nil {
		c.chunks[chunk] = new(stableChunk)
	}
	c.chunks[chunk][n%(WasmPage/OSPage)] = page
}

// page is the page of that number as it is now, nil where it is zeros.
func (s *Stable) page(n uint64) *osPage {
	if len(s.dirty) > 0 {
		if p := s.dirty[n]; p != nil {
			return p
		}
	}
	return s.committed.at(n)
}

// Read copies from stable memory at offset to b.
func (s *Stable) Read(b []byte, offset uint64) error {
	if !s.inBounds(offset, uint64(len(b))) {
		return ErrStableBounds
	}
	for len(b) > 0 {
		at := offset % OSPage
		n := min(uint64(len(b)), OSPage-at)
		if p := s.page(offset / OSPage); p != nil {
			copy(b[:n], p[at:])
		} else {
			clear(b[:n])
		}
		b, offset = b[n:], offset+n
	}
	return nil
}

// Write copies b to stable memory at offset and counts the 4 KiB pages that are
// written for the first time since the last commit, whether that changes them or not.
func (s *Stable) Write(b []byte, offset uint64) (dirty int, err error) {
	if !s.inBounds(offset, uint64(len(b))) {
		return 0, ErrStableBounds
	}
	for len(b) > 0 {
		at := offset % OSPage
		n := min(uint64(len(b)), OSPage-at)
		page, first := s.own(offset/OSPage, n < OSPage)
		if first {
			dirty++
		}
		if first && len(s.dirty)%roomEvery == 0 && !s.room() {
			return dirty, ErrMemoryBudget
		}
		copy(page[at:], b[:n])
		b, offset = b[n:], offset+n
	}
	return dirty, nil
}

// roomEvery is how many pages a message writes between two looks at the memory in use.
const roomEvery = 256

// own is the page of that number to write to, with its contents if they are wanted.
func (s *Stable) own(n uint64, contents bool) (page *osPage, first bool) {
	if page := s.dirty[n]; page != nil {
		return page, false
	}
	page = new(osPage)
	if old := s.committed.at(n); contents && old != nil {
		*page = *old
	}
	if s.dirty == nil {
		s.dirty = map[uint64]*osPage{}
	}
	s.dirty[n] = page
	return page, true
}

// Commit keeps what was written and counts the pages.
func (s *Stable) Commit() (dirty int) {
	dirty = len(s.dirty)
	if dirty > 0 || s.pages != s.committed.pages {
		s.committed.version++
	}
	for n, page := range s.dirty {
		s.committed.put(n, page)
	}
	s.committed.pages = s.pages
	s.forget()
	return dirty
}

// Rollback returns to the last commit.
func (s *Stable) Rollback() {
	s.pages = s.committed.pages
	s.forget()
}

// forget empties the map of written pages, and makes a new one where it became large.
func (s *Stable) forget() {
	if len(s.dirty) > 1<<10 {
		s.dirty = nil
	}
	clear(s.dirty)
}

// EachPage calls f with the place and the contents of every committed page of 4 KiB
// that was ever written, in order. The contents never change, also after the call.
func (s *Stable) EachPage(f func(offset uint64, page []byte) error) error {
	for c, chunk := range s.committed.chunks {
		if chunk == nil {
			continue
		}
		for n, page := range chunk {
			if page == nil {
				continue
			}
			if err := f(uint64(c)*WasmPage+uint64(n)*OSPage, page[:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Each calls f with every committed Wasm page that is not all zeros, in order. The
// contents are f's to keep.
func (s *Stable) Each(f func(page uint64, content []byte)) {
	for c, chunk := range s.committed.chunks {
		if chunk == nil {
			continue
		}
		content, zero := make([]byte, WasmPage), true
		for n, page := range chunk {
			if page != nil && *page != (osPage{}) {
				copy(content[n*OSPage:], page[:])
				zero = false
			}
		}
		if !zero {
			f(uint64(c), content)
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
