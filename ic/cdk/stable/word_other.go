//go:build !wasip1

package stable

import "encoding/binary"

func (b *block) get16(at int) int { return int(binary.LittleEndian.Uint16(b[at&(blockBytes-1):])) }
func (b *block) get32(at int) int { return int(binary.LittleEndian.Uint32(b[at&(blockBytes-1):])) }

func (b *block) get64(at int) uint64 { return binary.LittleEndian.Uint64(b[at&(blockBytes-1):]) }

func (b *block) put16(at, v int) {
	binary.LittleEndian.PutUint16(b[at&(blockBytes-1):], uint16(v))
}

func le64(b []byte) uint64     { return binary.LittleEndian.Uint64(b) }
func put64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }
