//go:build wasip1

package stable

import "unsafe"

// Go reads little-endian numbers byte by byte on Wasm, where one load does it, aligned or
// not. Offsets into a block are masked and a block has slack at its end, so whatever a
// corrupt block says stays inside it.

func (b *block) get16(at int) int {
	return int(*(*uint16)(unsafe.Add(unsafe.Pointer(b), at&(blockBytes-1))))
}

func (b *block) get32(at int) int {
	return int(*(*uint32)(unsafe.Add(unsafe.Pointer(b), at&(blockBytes-1))))
}

func (b *block) get64(at int) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(b), at&(blockBytes-1)))
}

func (b *block) put16(at, v int) {
	*(*uint16)(unsafe.Add(unsafe.Pointer(b), at&(blockBytes-1))) = uint16(v)
}

func le64(b []byte) uint64 {
	_ = b[7]
	return *(*uint64)(unsafe.Pointer(unsafe.SliceData(b)))
}

func put64(b []byte, v uint64) {
	_ = b[7]
	*(*uint64)(unsafe.Pointer(unsafe.SliceData(b))) = v
}
