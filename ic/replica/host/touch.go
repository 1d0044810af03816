package host

import (
	"context"
	"math/bits"

	"assay/ic/wasm/meter"
)

// touchedFolder is where modules are kept that tell which pages they touch.
const touchedFolder = "pages"

// touchHeap is called by modules that tell which pages they touch, from the first to the
// last. Pages beyond the memory cost nothing: the access that follows traps.
func touchHeap(ctx context.Context, s []uint64) {
	x := ctx.Value(executionKey{}).(*Execution)
	end := uint64(x.memory.Size())
	if end == 0 { // as large as 32 bits address
		end = 1 << 32
	}
	if first, last := s[0]*OSPage, (s[1]+1)*OSPage; last <= end {
		x.touchHeap(first, last-first)
	}
}

// touchHeap charges for pages of the heap that the message had not touched before, as far
// as the schedule counts those that are only read.
func (x *Execution) touchHeap(at, size uint64) {
	if cost := x.Input.Touch.Read; cost != 0 {
		x.charge(x.heapTouched.read(at, size) * cost)
	}
}

// forgetTouched makes the module tell of the first page again.
func (r *liveCode) forgetTouched() {
	if r.lastPage != nil {
		r.lastPage.Set(meter.NoPage)
	}
}

// touched counts the 4 KiB pages of a memory that an execution touched.
type touched struct {
	reads, writes uint64
	seen          map[uint64]uint64 // a bit for each page that was read, by 64 pages
}

// read notes a read and counts the pages that it is the first to touch.
func (t *touched) read(offset, size uint64) (fresh uint64) {
	if size == 0 {
		return 0
	}
	if t.seen == nil {
		t.seen = map[uint64]uint64{}
	}
	last := (offset + size - 1) / OSPage
	for page := offset / OSPage; page <= last; {
		group, from := page/64, page%64
		n := min(64-from, last-page+1)
		mask := (uint64(1)<<n - 1) << from
		if n == 64 {
			mask = ^uint64(0)
		}
		old := t.seen[group]
		t.seen[group] = old | mask
		fresh += uint64(bits.OnesCount64(mask &^ old))
		page += n
	}
	t.reads += fresh
	return fresh
}
