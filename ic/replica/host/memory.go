package host

import (
	"bytes"

	"github.com/tetratelabs/wazero/experimental"
)

// OSPage is the unit in which changes of memory are found, undone and charged.
const OSPage = 4096

// WasmPage is the unit in which memory grows.
const WasmPage = 1 << 16

// maxMemory is what 32 bits address.
const maxMemory = 1 << 32

// fallbackMemory is what a machine is taken to have that does not say.
const fallbackMemory = 16 << 30

// MemoryKind is a way to keep the committed state of heaps. All behave the same and
// count the same changed pages.
type MemoryKind int

// Kinds of memory.
const (
	BestMemory   MemoryKind = iota // Mapped where the system can, Copied elsewhere
	MappedMemory                   // copy-on-write pages of a memory file (Linux)
	CopiedMemory                   // two copies, compared page by page
)

// backing makes heaps of one kind. It may be used from several goroutines.
type backing interface {
	heap() (heap, error)
	resident() uint64 // bytes that the heaps take
	close() error
}

// heap is the committed memory of one instance. Reading it and running live memories
// over it go together; grow, write and a live memory's commit need the heap for
// themselves.
type heap interface {
	size() uint64           // in bytes, whole Wasm pages
	grow(size uint64) error // from the outside, while no live memory is open
	write(at uint64, b []byte)
	setBase(base *basePages, filled bool)            // likewise, before any write; filled: the heap has these pages
	each(f func(at uint64, page []byte) error) error // the pages of 4 KiB that are not zero, in order
	live(max uint64) (live, error)
	rest() // gives back memory, where no live memory is open and nobody reads
	free()
}

// live is a memory that code runs on. It begins as the committed heap is, which the first
// Reallocate gives, whatever it is asked for; what is written to it stays its own until
// commit. A live memory has one user at a time.
type live interface {
	experimental.LinearMemory
	// commit makes the heap equal to the live memory and counts the pages of 4 KiB
	// whose contents changed.
	commit() (changed int)
	// rollback makes the live memory equal to the heap. Where its size changes by that
	// it returns true, and the next Reallocate gives the memory of the right size,
	// whatever it is asked for.
	rollback() (resized bool)
}

// newBacking opens memory of a kind.
func newBacking(kind MemoryKind, budget uint64) (backing, error) {
	switch kind {
	case CopiedMemory:
		return &copies{budget: budget}, nil
	case MappedMemory:
		return newMapped(budget)
	}
	if b, err := newMapped(budget); err == nil {
		return b, nil
	}
	return &copies{budget: budget}, nil
}

var zeroPage [OSPage]byte

// syncPages makes dst equal to src, of the same length, and counts the pages that
// differed. Pages that are equal are not written.
func syncPages(dst, src []byte) (changed int) {
	for at := 0; at < len(src); at += OSPage {
		s, d := src[at:at+OSPage], dst[at:at+OSPage]
		if !bytes.Equal(s, d) {
			copy(d, s)
			changed++
		}
	}
	return changed
}

// eachPage calls f for the pages of b that are not zero.
func eachPage(b []byte, base uint64, f func(at uint64, page []byte) error) error {
	for at := 0; at < len(b); at += OSPage {
		page := b[at : at+OSPage]
		if bytes.Equal(page, zeroPage[:]) {
			continue
		}
		if err := f(base+uint64(at), page); err != nil {
			return err
		}
	}
	return nil
}
