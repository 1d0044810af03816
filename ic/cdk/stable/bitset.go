package stable

import (
	"errors"
	"fmt"
	"math/bits"
)

const (
	bitsetHead  = 'S' | 'B'<<8 | 'I'<<16 | 'T'<<24 | 1<<32
	bitsetWords = 64

	// MaxBits is the longest bitset: 32 GiB of bits.
	MaxBits = 1 << 38
)

// ErrRange is returned for a bit beyond a fixed length or [MaxBits].
var ErrRange = errors.New("bit beyond the length")

// Bitset is a list of bits that are stored densely. Like [Map] it holds no data itself and
// panics with a [LayoutError] over a memory that is not its own. Each change of a bit is one
// write of a word, so a cut leaves the bits as before or as after; a bit beyond the length
// changes the length first.
type Bitset struct {
	mem  Memory
	most uint64
	word [8]byte
}

// NewBitset is the bitset in mem, which is empty or was written by a Bitset. It grows by
// [Bitset.Set].
func NewBitset(mem Memory) *Bitset { return &Bitset{mem: mem, most: MaxBits} }

// NewFixedBitset is a bitset that never has more than so many bits.
func NewFixedBitset(mem Memory, bits uint64) *Bitset {
	return &Bitset{mem: mem, most: min(bits, MaxBits)}
}

// Len is one more than the greatest bit that was ever set or grown to.
func (s *Bitset) Len() uint64 {
	b := make([]byte, 16)
	if !readHead(s.mem, b, bitsetHead, "bitset magic SBIT, version 1") {
		return 0
	}
	n := le64(b[8:])
	if n > MaxBits || wordsAt(n) > s.mem.Size()*PageBytes {
		panic(&LayoutError{"bits inside the memory", fmt.Sprint(n)})
	}
	return n
}

// wordsAt is where the words of n bits end.
func wordsAt(n uint64) uint64 { return bitsetWords + (n+63)/64*8 }

// Grow makes the length at least n; new bits are clear.
func (s *Bitset) Grow(n uint64) error {
	if n > s.most {
		return fmt.Errorf("%d bits, at most %d: %w", n, s.most, ErrRange)
	}
	if n <= s.Len() {
		return nil
	}
	if err := ensure(s.mem, wordsAt(n)); err != nil {
		return err
	}
	s.mem.WriteAt(words(bitsetHead, n), 0)
	return nil
}

func (s *Bitset) read(i uint64) uint64 {
	s.mem.ReadAt(s.word[:], bitsetWords+i/64*8)
	return le64(s.word[:])
}

// Test reports whether bit i is set; bits beyond the length are not.
func (s *Bitset) Test(i uint64) bool { return i < s.Len() && s.read(i)>>(i%64)&1 == 1 }

// Set sets bit i and reports whether it was clear. After an error nothing has changed.
func (s *Bitset) Set(i uint64) (changed bool, err error) {
	if i >= s.most {
		return false, fmt.Errorf("bit %d, at most %d bits: %w", i, s.most, ErrRange)
	}
	if err := s.Grow(i + 1); err != nil {
		return false, err
	}
	return s.change(i, true), nil
}

// Clear clears bit i and reports whether it was set.
func (s *Bitset) Clear(i uint64) (changed bool) { return i < s.Len() && s.change(i, false) }

func (s *Bitset) change(i uint64, to bool) bool {
	old := s.read(i)
	if old>>(i%64)&1 == 1 == to {
		return false
	}
	put64(s.word[:], old^1<<(i%64))
	s.mem.WriteAt(s.word[:], bitsetWords+i/64*8)
	return true
}

// Count is the number of bits that are set. It reads them all.
func (s *Bitset) Count() (n uint64) {
	s.each(0, func(_, word uint64) bool {
		n += uint64(bits.OnesCount64(word))
		return true
	})
	return n
}

// Next is the first bit from i on that is set.
func (s *Bitset) Next(i uint64) (bit uint64, ok bool) { return s.next(i, 0) }

// NextClear is the first bit from i on that is clear, below the length.
func (s *Bitset) NextClear(i uint64) (bit uint64, ok bool) { return s.next(i, ^uint64(0)) }

func (s *Bitset) next(i, flip uint64) (bit uint64, ok bool) {
	length := s.Len()
	s.each(i, func(at, word uint64) bool {
		if word ^= flip; at < i {
			word &= ^uint64(0) << (i - at)
		}
		if word == 0 {
			return true
		}
		bit = at + uint64(bits.TrailingZeros64(word))
		ok = bit < length
		return false
	})
	return bit, ok
}

// each visits the words from that of bit i on, with the number of its first bit.
func (s *Bitset) each(i uint64, visit func(at, word uint64) bool) {
	end := wordsAt(s.Len())
	var b [1024]byte
	for at := bitsetWords + i/64*8; at < end; at += uint64(len(b)) {
		part := b[:min(uint64(len(b)), end-at)]
		s.mem.ReadAt(part, at)
		for o := 0; o < len(part); o += 8 {
			if !visit((at-bitsetWords+uint64(o))*8, le64(part[o:])) {
				return
			}
		}
	}
}

// Check says what is wrong with the bitset.
func (s *Bitset) Check() (err error) {
	defer guard(&err)
	if n := s.Len(); n%64 != 0 {
		if beyond := s.read(n) >> (n % 64); beyond != 0 {
			return &LayoutError{"clear bits beyond the length", fmt.Sprintf("%x", beyond)}
		}
	}
	return nil
}
