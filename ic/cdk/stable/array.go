package stable

import (
	"errors"
	"fmt"
)

const (
	arrayHead    = 'S' | 'A'<<8 | 'R'<<16 | 'R'<<24 | 1<<32
	arrayRecords = 64
	arrayBuffer  = 4096 // bytes that a scan reads at once, one record at least

	// MaxStride is the longest record of an array in bytes.
	MaxStride = 1 << 16
)

// ErrStride is returned for a record that has not the array's length.
var ErrStride = errors.New("record of another length than the array's")

// Array is a list of records of one length, numbered from 0. Like [Map] it holds no data
// itself and panics with a [LayoutError] over a memory that is not its own. A record that
// takes the place of another is written to the array's head first, from where the next
// operation finishes what was cut off: a cut leaves the array as before or as after.
type Array struct {
	mem    Memory
	stride uint64
	head   [32]byte
	record []byte
	buffer []byte
}

// NewArray is the array in mem, which is empty or was written by an Array with the same
// stride, the bytes of a record. It panics for a stride of 0 or above [MaxStride].
func NewArray(mem Memory, stride int) *Array {
	if stride <= 0 || stride > MaxStride {
		panic(fmt.Sprintf("stable: an array's records have 1 to %d bytes, not %d", MaxStride, stride))
	}
	return &Array{mem: mem, stride: uint64(stride)}
}

// at is where a record lies.
func (a *Array) at(i uint64) uint64 {
	return arrayRecords + (a.stride+7)&^7 + i*a.stride
}

// load is the length. It ends a replacement that was cut off.
func (a *Array) load() uint64 {
	b := a.head[:]
	if !readHead(a.mem, b, arrayHead, "array magic SARR, version 1") {
		return 0
	}
	stride, length, pending := le64(b[8:]), le64(b[16:]), le64(b[24:])
	if stride == 0 && length == 0 {
		return 0 // cut off while the head was first written
	}
	if size := a.mem.Size() * PageBytes; stride != a.stride || a.at(0) > size || length > (size-a.at(0))/a.stride || pending > length {
		panic(&LayoutError{fmt.Sprintf("records of %d bytes inside the memory", a.stride), fmt.Sprintf("%d of %d bytes, %d pending", length, stride, pending)})
	}
	if pending > 0 {
		a.finish(pending - 1)
	}
	return length
}

// finish copies the record that waits in the head to its place.
func (a *Array) finish(i uint64) {
	record := make([]byte, a.stride)
	a.mem.ReadAt(record, arrayRecords)
	a.mem.WriteAt(record, a.at(i))
	a.mem.WriteAt(words(0), 24)
}

// Len is the number of records.
func (a *Array) Len() uint64 { return a.load() }

// Append adds a record and returns its number. After an error the array is as before.
func (a *Array) Append(record []byte) (uint64, error) {
	if uint64(len(record)) != a.stride {
		return 0, fmt.Errorf("%d bytes, want %d: %w", len(record), a.stride, ErrStride)
	}
	n := a.load()
	if err := ensure(a.mem, a.at(n+1)); err != nil {
		return 0, err
	}
	a.mem.WriteAt(record, a.at(n))
	a.mem.WriteAt(words(arrayHead, a.stride, n+1), 0)
	return n, nil
}

// Set replaces record i. It returns [ErrRange] where there is none.
func (a *Array) Set(i uint64, record []byte) error {
	if uint64(len(record)) != a.stride {
		return fmt.Errorf("%d bytes, want %d: %w", len(record), a.stride, ErrStride)
	}
	if n := a.load(); i >= n {
		return fmt.Errorf("record %d of %d: %w", i, n, ErrRange)
	}
	a.mem.WriteAt(record, arrayRecords)
	a.mem.WriteAt(words(i+1), 24)
	a.mem.WriteAt(record, a.at(i))
	a.mem.WriteAt(words(0), 24)
	return nil
}

// Get is record i, false at and beyond [Array.Len]. The record lies in a buffer of the array
// and is valid until its next operation.
func (a *Array) Get(i uint64) ([]byte, bool) {
	if i >= a.load() {
		return nil, false
	}
	if a.record == nil {
		a.record = make([]byte, a.stride)
	}
	a.mem.ReadAt(a.record, a.at(i))
	return a.record, true
}

// Truncate forgets the records from n on.
func (a *Array) Truncate(n uint64) {
	if n < a.load() {
		a.mem.WriteAt(words(n), 16)
	}
}

// Scan calls each with the records from i on until it returns false. A record lies in a
// buffer of the array and is valid until each returns, which may not use the array.
func (a *Array) Scan(i uint64, each func(i uint64, record []byte) bool) {
	n := a.load()
	most := max(1, arrayBuffer/a.stride)
	if a.buffer == nil {
		a.buffer = make([]byte, most*a.stride)
	}
	for i < n {
		b := a.buffer[:min(most, n-i)*a.stride]
		a.mem.ReadAt(b, a.at(i))
		for ; len(b) > 0; b = b[a.stride:] {
			if !each(i, b[:a.stride:a.stride]) {
				return
			}
			i++
		}
	}
}

// Check says what is wrong with the array.
func (a *Array) Check() (err error) {
	defer guard(&err)
	a.load()
	return nil
}
