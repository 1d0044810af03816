package stable

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

const (
	managerVersion = 1
	// Regions is the number of regions; they are numbered from 0.
	Regions = 255
	// KitRegions are those that belong to package cdk: 0 to 15. A canister uses the rest.
	KitRegions = 16
	// BucketPages is how much a region grows at a time: 512 KiB.
	BucketPages = 8
	maxBuckets  = PageBytes - 1
	sizesAt     = 16
	tableAt     = PageBytes
	bucketsAt   = 2 * PageBytes
	freeBucket  = 255
)

var managerMagic = []byte("ACDK")

// Manager cuts one memory into regions that grow by buckets of [BucketPages], in any
// order: 65,535 buckets, 32 GiB. Regions never shrink.
type Manager struct {
	mem     Memory
	buckets [Regions][]uint16 // where each region's parts are
	used    uint32
	sizes   [Regions]uint64
}

// Open reads the manager of a memory, or lays one out in an empty memory.
func Open(mem Memory) (*Manager, error) {
	m := &Manager{mem: mem}
	if mem.Size() == 0 {
		return m, m.create()
	}
	return m, m.Reload()
}

func (m *Manager) create() error {
	if err := m.mem.Grow(2); err != nil {
		return err
	}
	head := make([]byte, sizesAt)
	copy(head, managerMagic)
	head[4] = managerVersion
	binary.LittleEndian.PutUint16(head[6:], BucketPages)
	m.mem.WriteAt(head, 0)
	m.mem.WriteAt(bytes.Repeat([]byte{freeBucket}, PageBytes), tableAt)
	return nil
}

// Reload forgets what is known and reads the table again: after a rollback of the
// memory that did not also roll back the Go heap.
func (m *Manager) Reload() error {
	if m.mem.Size() < 2 {
		return &LayoutError{"manager", "a memory too small for a table"}
	}
	head := make([]byte, sizesAt+8*Regions)
	m.mem.ReadAt(head, 0)
	if !bytes.Equal(head[:4], managerMagic) {
		return &LayoutError{"manager magic ACDK", fmt.Sprintf("%q", head[:4])}
	}
	if head[4] != managerVersion || binary.LittleEndian.Uint16(head[6:]) != BucketPages {
		return &LayoutError{"manager version 1 with buckets of 8 pages", fmt.Sprintf("version %d, %d pages", head[4], binary.LittleEndian.Uint16(head[6:]))}
	}
	m.used = binary.LittleEndian.Uint32(head[8:])
	if m.used > maxBuckets {
		return &LayoutError{"at most 65535 buckets", fmt.Sprint(m.used)}
	}
	return m.readTable(head[sizesAt:])
}

func (m *Manager) readTable(sizes []byte) error {
	table := make([]byte, m.used)
	m.mem.ReadAt(table, tableAt)
	m.buckets = [Regions][]uint16{}
	for i, region := range table {
		if region == freeBucket {
			return &LayoutError{"a region for each bucket in use", fmt.Sprintf("bucket %d free", i)}
		}
		m.buckets[region] = append(m.buckets[region], uint16(i))
	}
	for r := range m.sizes {
		m.sizes[r] = binary.LittleEndian.Uint64(sizes[8*r:])
		if m.sizes[r] > uint64(len(m.buckets[r]))*BucketPages {
			return &LayoutError{"buckets for every page", fmt.Sprintf("region %d of %d pages has %d buckets", r, m.sizes[r], len(m.buckets[r]))}
		}
	}
	return nil
}

// Region is the memory of that number. It panics for a number of [Regions] or more.
func (m *Manager) Region(n uint8) Memory {
	if n >= Regions {
		panic("stable: regions are numbered 0 to 254")
	}
	return &region{m, n}
}

// region is a view; two views of a number are the same memory.
type region struct {
	m *Manager
	n uint8
}

func (r *region) Size() uint64 { return r.m.sizes[r.n] }

func (r *region) Grow(pages uint64) error { return r.m.grow(r.n, pages) }

func (m *Manager) grow(n uint8, pages uint64) error {
	size := m.sizes[n] + pages
	if pages > maxBuckets*BucketPages || size > maxBuckets*BucketPages {
		return ErrFull
	}
	if need := int((size + BucketPages - 1) / BucketPages); need > len(m.buckets[n]) {
		if err := m.addBuckets(n, need-len(m.buckets[n])); err != nil {
			return err
		}
	}
	m.sizes[n] = size
	m.mem.WriteAt(binary.LittleEndian.AppendUint64(nil, size), sizesAt+8*uint64(n))
	return nil
}

func (m *Manager) addBuckets(n uint8, count int) error {
	if int(m.used)+count > maxBuckets {
		return ErrFull
	}
	if err := ensure(m.mem, bucketsAt+(uint64(m.used)+uint64(count))*BucketPages*PageBytes); err != nil {
		return err
	}
	for range count {
		m.mem.WriteAt([]byte{n}, tableAt+uint64(m.used))
		m.buckets[n] = append(m.buckets[n], uint16(m.used))
		m.used++
	}
	m.mem.WriteAt(binary.LittleEndian.AppendUint32(nil, m.used), 8)
	return nil
}

func (r *region) ReadAt(into []byte, offset uint64) {
	r.pieces(len(into), offset, func(from, to int, at uint64) { r.m.mem.ReadAt(into[from:to], at) })
}

func (r *region) WriteAt(data []byte, offset uint64) {
	r.pieces(len(data), offset, func(from, to int, at uint64) { r.m.mem.WriteAt(data[from:to], at) })
}

// pieces splits a range where it crosses buckets.
func (r *region) pieces(n int, offset uint64, each func(from, to int, at uint64)) {
	const bucketBytes = BucketPages * PageBytes
	if end := offset + uint64(n); end < offset || end > r.m.sizes[r.n]*PageBytes {
		panic(fmt.Sprintf("stable: region %d: %d bytes at %d are beyond its %d pages", r.n, n, offset, r.m.sizes[r.n]))
	}
	for done := 0; done < n; {
		at := offset + uint64(done)
		inside := at % bucketBytes
		part := min(n-done, int(bucketBytes-inside))
		each(done, done+part, bucketsAt+uint64(r.m.buckets[r.n][at/bucketBytes])*bucketBytes+inside)
		done += part
	}
}
