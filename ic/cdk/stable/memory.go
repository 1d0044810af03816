// Package stable keeps data in a canister's stable memory, which survives upgrades.
//
// A [Memory] is a growing array of bytes; [Heap] is one in a slice, for tests and for
// hosts, so the same structures run off chain. [Manager] cuts one memory into numbered
// regions. In a region, or two, lies one structure: [Map] is ordered, [Log] and [Array] are
// lists of entries of any and of one length, [Cell] is one value, [Bitset] dense bits, [MMR]
// the hashes of a list with proofs. Nothing that matters is cached on the Go heap, so a
// message that is rolled back, or a new module over the same memory, sees what was committed.
// Package cdk hands regions and maps to canisters; what they mean is the canister's.
//
// # Cuts
//
// On the Internet Computer a trap undoes all that its message wrote, so a structure is always
// as an operation left it. Elsewhere, over a file or a slice, a process may die in the middle
// of an operation. Writes reach the memory in their order, and words of eight aligned bytes
// whole: under these two conditions, which whoever makes such a memory must see to, a cut
// leaves
//
//	Log, Cell, Array, MMR, Manager   the state before the operation or the one after
//	Bitset                           the same; the length may be new and the bit still clear
//	Map                              the state before or after, or a memory that every
//	                                 operation refuses with a [LayoutError]: go back to a copy
//
// and never a memory that reads as anything else. Each has Check, which says what is wrong.
// A memory that changes by itself is not guarded against.
//
// # Layouts
//
// Numbers are little-endian. An unknown version is refused, never migrated; a memory that
// starts with zeros is empty.
//
//	Manager   0 "ACDK" · 4 version 1 · 6 u16 bucket pages · 8 u32 buckets in use
//	          16 region sizes, 255 × u64 pages
//	          65536 region of each bucket, 65535 × u8, 255 = free; buckets from 131072
//	Map       block 0: 0 "SMAP" · 4 version 1 · 8 u64 root · 16 u64 length
//	          24 u64 free list · 32 u64 next unused block · 40 1 while a change is under way
//	          then blocks of 4096 bytes: nodes (node.go) and chains of long values
//	Log       index memory: 0 "SLOG" · 4 version 1 · 8 u64 length · 16 u64 bytes,
//	          from 32 the end of each entry, u64; data memory: the entries
//	Cell      0 "SCEL" · 4 version 1 · 8 u64 place in use, 0 none · 16 and 32 the two places:
//	          u64 offset · u64 length; values from 64
//	Bitset    0 "SBIT" · 4 version 1 · 8 u64 length in bits · 64 words, u64, bit 0 lowest
//	Array     0 "SARR" · 4 version 1 · 8 u64 bytes of a record · 16 u64 length · 24 u64 number
//	          of the record being replaced and 1, 0 none · 64 its new content, then, from the
//	          next multiple of 8, the records
//	MMR       0 "SMMR" · 4 version 1 · 8 u64 leaves · 64 hashes, each inner node after its
//	          children
package stable

import (
	"errors"
	"fmt"
)

// PageBytes is the unit in which memories grow.
const PageBytes = 1 << 16

// Memory is a growing array of bytes. New pages read as zero. Reading or writing
// beyond the size panics: on a canister the host traps.
type Memory interface {
	// Size is in pages of [PageBytes].
	Size() uint64
	// Grow adds pages, or returns [ErrFull] and adds none.
	Grow(pages uint64) error
	ReadAt(into []byte, offset uint64)
	WriteAt(data []byte, offset uint64)
}

// ErrFull is returned when a memory cannot grow.
var ErrFull = errors.New("stable memory is full")

// A LayoutError says that a memory holds something this code cannot read.
type LayoutError struct{ What, Found string }

// Error names both sides.
func (e *LayoutError) Error() string {
	return fmt.Sprintf("stable memory: %s: found %s", e.What, e.Found)
}

// interrupted is what a structure panics with over a memory in which a change was cut off.
func interrupted(what string) error {
	return &LayoutError{What: what + " whose changes have ended", Found: "one that was cut off in the middle"}
}

// Heap is a memory in a slice. The zero value is empty and can grow to 4 GiB.
type Heap struct {
	Bytes []byte
	// MaxPages bounds the growth; 0 is 65536.
	MaxPages uint64
}

// Size is in pages.
func (h *Heap) Size() uint64 { return uint64(len(h.Bytes)) / PageBytes }

// Grow adds zero pages.
func (h *Heap) Grow(pages uint64) error {
	most := h.MaxPages
	if most == 0 {
		most = 1 << 16
	}
	if pages > most || h.Size()+pages > most {
		return ErrFull
	}
	h.Bytes = append(h.Bytes, make([]byte, pages*PageBytes)...)
	return nil
}

// ReadAt fills into.
func (h *Heap) ReadAt(into []byte, offset uint64) {
	copy(into, h.Bytes[offset:offset+uint64(len(into))])
}

// WriteAt stores data.
func (h *Heap) WriteAt(data []byte, offset uint64) {
	copy(h.Bytes[offset:offset+uint64(len(data))], data)
}

// ensure grows m until it holds size bytes.
func ensure(m Memory, size uint64) error {
	have := m.Size() * PageBytes
	if have >= size {
		return nil
	}
	return m.Grow((size - have + PageBytes - 1) / PageBytes)
}

// readHead reads the head of a structure: false where the memory is empty or has grown for
// a first change that never came. It panics for any other magic and version.
func readHead(m Memory, b []byte, want uint64, what string) bool {
	if m.Size() == 0 {
		return false
	}
	m.ReadAt(b, 0)
	if le64(b) == want {
		return true
	}
	for _, x := range b {
		if x != 0 {
			panic(&LayoutError{what, fmt.Sprintf("%q, %d", b[:4], b[4])})
		}
	}
	return false
}

// words are numbers as they are stored.
func words(vs ...uint64) []byte {
	b := make([]byte, 8*len(vs))
	for i, v := range vs {
		put64(b[8*i:], v)
	}
	return b
}
