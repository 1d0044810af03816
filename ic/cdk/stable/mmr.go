package stable

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

const (
	mmrHead  = 'S' | 'M'<<8 | 'M'<<16 | 'R'<<24 | 1<<32
	mmrNodes = 64
	mmrTag   = "assay/mmr/1"

	// MaxLeaves is the most leaves of a mountain range.
	MaxLeaves = 1 << 40
)

// Hash is a SHA-256 digest.
type Hash = [sha256.Size]byte

// ErrProof is returned for a proof that does not lead from its leaf to the root.
var ErrProof = errors.New("not a proof of this leaf")

// MMR is a Merkle mountain range: hashes of a list that only grows, with a root over all of
// it and short proofs that a leaf is in it. It keeps hashes alone; the leaves themselves may
// be the entries of a [Log]. Roots and proofs of every earlier length can still be made.
//
//	leaf   SHA-256(00 · data)
//	inner  SHA-256(01 · left · right)
//	root   SHA-256(u8 11 · "assay/mmr/1" · u64 big-endian leaves · peaks, the highest first)
//
// Peaks are the roots of the perfect trees into which the leaves fall, one for each bit
// that is set in their number. Like [Map] an MMR holds no data itself and panics with a
// [LayoutError] over a memory that is not its own. A cut during an append leaves it as it
// was before, or with the leaf.
type MMR struct{ mem Memory }

// NewMMR is the mountain range in mem, which is empty or was written by an MMR.
func NewMMR(mem Memory) *MMR { return &MMR{mem} }

// nodes is how many nodes stand over so many leaves.
func nodes(leaves uint64) uint64 { return 2*leaves - uint64(bits.OnesCount64(leaves)) }

// Len is the number of leaves.
func (m *MMR) Len() uint64 {
	b := make([]byte, 16)
	if !readHead(m.mem, b, mmrHead, "mountain range magic SMMR, version 1") {
		return 0
	}
	n := le64(b[8:])
	if n > MaxLeaves || mmrNodes+nodes(n)*sha256.Size > m.mem.Size()*PageBytes {
		panic(&LayoutError{"nodes inside the memory", fmt.Sprintf("%d leaves", n)})
	}
	return n
}

func (m *MMR) node(at uint64) (h Hash) {
	b := make([]byte, sha256.Size)
	m.mem.ReadAt(b, mmrNodes+at*sha256.Size)
	return Hash(b)
}

func leafHash(data []byte) Hash {
	return sha256.Sum256(append(append(make([]byte, 0, 1+len(data)), 0), data...))
}

func innerHash(left, right Hash) Hash {
	b := make([]byte, 1, 1+2*sha256.Size)
	b[0] = 1
	return sha256.Sum256(append(append(b, left[:]...), right[:]...))
}

func bag(leaves uint64, peaks []Hash) Hash {
	b := append(make([]byte, 0, 64+len(peaks)*sha256.Size), byte(len(mmrTag)))
	b = binary.BigEndian.AppendUint64(append(b, mmrTag...), leaves)
	for i := range peaks {
		b = append(b, peaks[i][:]...)
	}
	return sha256.Sum256(b)
}

// Append adds the hash of a leaf and returns the leaf's number. After an error nothing has
// changed.
func (m *MMR) Append(data []byte) (uint64, error) {
	n := m.Len()
	if n >= MaxLeaves {
		return 0, ErrFull
	}
	at := nodes(n)
	if err := ensure(m.mem, mmrNodes+nodes(n+1)*sha256.Size); err != nil {
		return 0, err
	}
	h := leafHash(data)
	fresh := slices.Clone(h[:])
	left := at // the end of the tree before: its root is the node below
	for height := 0; n>>height&1 == 1; height++ {
		h = innerHash(m.node(left-1), h)
		fresh = append(fresh, h[:]...)
		left -= 2<<height - 1
	}
	m.mem.WriteAt(fresh, mmrNodes+at*sha256.Size)
	m.mem.WriteAt(words(mmrHead, n+1), 0)
	return n, nil
}

// Root is the root over all leaves.
func (m *MMR) Root() Hash {
	root, _ := m.RootAt(m.Len())
	return root
}

// RootAt is the root when there were so many leaves, false if there are fewer.
func (m *MMR) RootAt(leaves uint64) (Hash, bool) {
	if leaves > m.Len() {
		return Hash{}, false
	}
	var peaks []Hash
	mountains(leaves, func(_ uint64, _ int, from uint64, height int) {
		peaks = append(peaks, m.node(from+2<<height-2))
	})
	return bag(leaves, peaks), true
}

// mountains visits the perfect trees over so many leaves, the highest first: the number of
// its first leaf, its place among them, its first node and its height.
func mountains(leaves uint64, visit func(leaf uint64, i int, from uint64, height int)) {
	leaf, from, i := uint64(0), uint64(0), 0
	for height := bits.Len64(leaves) - 1; height >= 0; height-- {
		if leaves>>height&1 == 1 {
			visit(leaf, i, from, height)
			leaf, from, i = leaf+1<<height, from+2<<height-1, i+1
		}
	}
}

// Proof shows that a leaf is in a mountain range.
type Proof struct {
	Leaf   uint64 // its number
	Leaves uint64 // of the range
	Path   []Hash // siblings from the leaf to its peak
	Peaks  []Hash // the other peaks, the highest first
}

// Prove makes the proof of a leaf in the range of so many leaves, all of them or an earlier
// number; false where there is no such leaf.
func (m *MMR) Prove(leaf, leaves uint64) (*Proof, bool) {
	if leaves > m.Len() || leaf >= leaves {
		return nil, false
	}
	p := &Proof{Leaf: leaf, Leaves: leaves}
	mountains(leaves, func(first uint64, _ int, from uint64, height int) {
		if leaf < first || leaf-first >= 1<<height {
			p.Peaks = append(p.Peaks, m.node(from+2<<height-2))
			return
		}
		for k := height - 1; k >= 0; k-- {
			right := from + 2<<k - 1 // the first node of the right half
			if (leaf-first)>>k&1 == 1 {
				p.Path = append(p.Path, m.node(right-1))
				from = right
			} else {
				p.Path = append(p.Path, m.node(right+2<<k-2))
			}
		}
		slices.Reverse(p.Path)
	})
	return p, true
}

// Root is the root that the proof leads to from a leaf's data. A proof that has not the
// shape of its numbers is an [ErrProof]. That the root is the right one is for the caller
// to see, or for [VerifyMMR].
func (p *Proof) Root(data []byte) (Hash, error) {
	if p.Leaves > MaxLeaves || p.Leaf >= p.Leaves || len(p.Peaks) != bits.OnesCount64(p.Leaves)-1 {
		return Hash{}, fmt.Errorf("leaf %d of %d, %d other peaks: %w", p.Leaf, p.Leaves, len(p.Peaks), ErrProof)
	}
	var peaks []Hash
	mountains(p.Leaves, func(first uint64, i int, _ uint64, height int) {
		if p.Leaf < first || p.Leaf-first >= 1<<height || len(p.Path) != height {
			return
		}
		h := leafHash(data)
		for k, sibling := range p.Path {
			if (p.Leaf-first)>>k&1 == 1 {
				h = innerHash(sibling, h)
			} else {
				h = innerHash(h, sibling)
			}
		}
		peaks = slices.Insert(slices.Clone(p.Peaks), i, h)
	})
	if peaks == nil {
		return Hash{}, fmt.Errorf("path of %d hashes for leaf %d of %d: %w", len(p.Path), p.Leaf, p.Leaves, ErrProof)
	}
	return bag(p.Leaves, peaks), nil
}

// VerifyMMR checks that a leaf's data is in the mountain range with this root, at the place
// that the proof names. It needs no memory; anybody may call it anywhere.
func VerifyMMR(root Hash, data []byte, p *Proof) error {
	got, err := p.Root(data)
	if err != nil {
		return err
	}
	if got != root {
		return fmt.Errorf("leaf %d of %d leads to root %x, not %x: %w", p.Leaf, p.Leaves, got, root, ErrProof)
	}
	return nil
}

// Check hashes all inner nodes again and says what is wrong with them.
func (m *MMR) Check() (err error) {
	defer guard(&err)
	leaves := m.Len()
	mountains(leaves, func(first uint64, _ int, from uint64, height int) { m.check(from, height) })
	return nil
}

func (m *MMR) check(from uint64, height int) Hash {
	root := m.node(from + 2<<height - 2)
	if height == 0 {
		return root
	}
	left, right := m.check(from, height-1), m.check(from+1<<height-1, height-1)
	if innerHash(left, right) != root {
		panic(&LayoutError{"inner nodes that are the hashes of their children", fmt.Sprintf("another at node %d", from+2<<height-2)})
	}
	return root
}
