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
	used    uint32
	regions [Regions]region
}

// region is one of them. It keeps what every access needs in one place: on a canister a
// structure makes dozens for an operation.
type region struct {
	m       *Manager
	mem     Memory
	size    uint64   // in bytes
	buckets []uint16 // where its parts are
	n       uint8
}

// Open reads the manager of a memory, or lays one out in an empty memory.
func Open(mem Memory) (*Manager, error) {
	m := &Manager{mem: mem}
	for n := range m.regions {
		m.regions[n] = region{m: m, mem: mem, n: uint8(n)}
	}
	switch mem.Size() {
	case 0:
		if err := mem.Grow(bucketsAt / PageBytes); err != nil {
			return nil, err
		}
	case bucketsAt / PageBytes:
		head := make([]byte, sizesAt)
		if mem.ReadAt(head, 0); !bytes.Equal(head, make([]byte, sizesAt)) {
			return m, m.Reload()
		} // else it was cut off here
	default:
		return m, m.Reload()
	}
	m.create()
	return m, nil
}

// create writes the head last: without it the memory is as good as empty.
func (m *Manager) create() {
	m.mem.WriteAt(bytes.Repeat([]byte{freeBucket}, PageBytes), tableAt)
	head := make([]byte, sizesAt)
	copy(head, managerMagic)
	head[4] = managerVersion
	binary.LittleEndian.PutUint16(head[6:], BucketPages)
	m.mem.WriteAt(head, 0)
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
	for n := range m.regions {
		m.regions[n].buckets = nil
	}
	for i, n := range table {
		if n == freeBucket {
			return &LayoutError{"a region for each bucket in use", fmt.Sprintf("bucket %d free", i)}
		}
		m.regions[n].buckets = append(m.regions[n].buckets, uint16(i))
	}
	for n := range m.regions {
		r := &m.regions[n]
		pages := binary.LittleEndian.Uint64(sizes[8*n:])
		if pages > uint64(len(r.buckets))*BucketPages {
			return &LayoutError{"buckets for every page", fmt.Sprintf("region %d of %d pages has %d buckets", n, pages, len(r.buckets))}
		}
		r.size = pages * PageBytes
	}
	return nil
}

// Region is the memory of that number. It panics for a number of [Regions] or more. Two of
// one number are the same memory.
func (m *Manager) Region(n uint8) Memory {
	if n >= Regions {
		panic("stable: regions are numbered 0 to 254")
	}
	return &m.regions[n]
}

// Size is in pages.
func (r *region) Size() uint64 { return r.size / PageBytes }

// Grow adds pages, in new buckets where the last is full.
func (r *region) Grow(pages uint64) error {
	size := r.Size() + pages
	if pages > maxBuckets*BucketPages || size > maxBuckets*BucketPages {
		return ErrFull
	}
	if need := int((size + BucketPages - 1) / BucketPages); need > len(r.buckets) {
		if err := r.addBuckets(need - len(r.buckets)); err != nil {
			return err
		}
	}
	r.size = size * PageBytes
	r.mem.WriteAt(binary.LittleEndian.AppendUint64(nil, size), sizesAt+8*uint64(r.n))
	return nil
}

func (r *region) addBuckets(count int) error {
	m := r.m
	if int(m.used)+count > maxBuckets {
		return ErrFull
	}
	if err := ensure(m.mem, bucketsAt+(uint64(m.used)+uint64(count))*bucketBytes); err != nil {
		return err
	}
	m.mem.WriteAt(bytes.Repeat([]byte{r.n}, count), tableAt+uint64(m.used))
	for range count {
		r.buckets = append(r.buckets, uint16(m.used))
		m.used++
	}
	m.mem.WriteAt(binary.LittleEndian.AppendUint32(nil, m.used), 8)
	return nil
}

const bucketBytes = BucketPages * PageBytes

// ReadAt fills into. Nearly no access crosses buckets.
func (r *region) ReadAt(into []byte, offset uint64) {
	end, bucket := offset+uint64(len(into)), offset/bucketBytes
	if end <= r.size && bucket < uint64(len(r.buckets)) && offset%bucketBytes+uint64(len(into)) <= bucketBytes {
		r.mem.ReadAt(into, bucketsAt+uint64(r.buckets[bucket])*bucketBytes+offset%bucketBytes)
		return
	}
	r.pieces(into, offset, r.mem.ReadAt)
}

// WriteAt stores data.
func (r *region) WriteAt(data []byte, offset uint64) {
	end, bucket := offset+uint64(len(data)), offset/bucketBytes
	if end <= r.size && bucket < uint64(len(r.buckets)) && offset%bucketBytes+uint64(len(data)) <= bucketBytes {
		r.mem.WriteAt(data, bucketsAt+uint64(r.buckets[bucket])*bucketBytes+offset%bucketBytes)
		return
	}
	r.pieces(data, offset, r.mem.WriteAt)
}

// below is where a range that crosses no bucket lies in the memory below.
func (r *region) below(offset, n uint64) uint64 {
	bucket := offset / bucketBytes
	if offset+n > r.size || bucket >= uint64(len(r.buckets)) {
		panic(fmt.Sprintf("stable: region %d: %d bytes at %d are beyond its %d pages", r.n, n, offset, r.Size()))
	}
	return bucketsAt + uint64(r.buckets[bucket])*bucketBytes + offset%bucketBytes
}

// pieces splits a range where it crosses buckets.
func (r *region) pieces(b []byte, offset uint64, each func(b []byte, at uint64)) {
	if end := offset + uint64(len(b)); end < offset || end > r.size {
		panic(fmt.Sprintf("stable: region %d: %d bytes at %d are beyond its %d pages", r.n, len(b), offset, r.Size()))
	}
	for len(b) > 0 {
		inside := offset % bucketBytes
		part := min(uint64(len(b)), bucketBytes-inside)
		each(b[:part], bucketsAt+uint64(r.buckets[offset/bucketBytes])*bucketBytes+inside)
		b, offset = b[part:], offset+part
	}
}
