package state

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"assay/ic/replica/host"
)

// Content is a part of a [Checkpoint] that may be large: a module, a chunk of one, or the
// memories of a canister or of one of its snapshots. The same name stands for the same
// bytes for ever.
type Content struct {
	Name string
	// Write gives the records. It may be called until the next batch is applied.
	Write func(record func([]byte) error) error
}

// holder has memories that change and may be large: a canister, or a snapshot of one.
type holder interface {
	mark() mark
	name(batch uint64) string // of the content that holds the memories after a batch
	remembered() *contents
	header() memoryHeader
	// eachPage visits whole pages of 4 KiB, those at least that are not zero, by kind and
	// address in order.
	eachPage(visit func(kind byte, at uint64, page []byte) error) error
}

// mark tells one state of memories from the next, within one process.
type mark struct {
	instance       *host.Instance
	stable         *host.Stable
	heap, stableAt uint64
}

// contents is what is remembered of memories between checkpoints.
type contents struct {
	kept   mark // what the content of that name holds
	name   string
	hashed mark // what was hashed last
	hash   [sha256.Size]byte
}

// contentName is the content that holds the memories now.
func contentName(h holder, batch uint64) string {
	if c := h.remembered(); c.name != "" && c.kept == h.mark() {
		return c.name
	}
	return h.name(batch)
}

// memoryHeader is the first record of memories. Others are a kind, an address of 8 bytes
// and whole pages of 4 KiB.
type memoryHeader struct {
	Heap    uint32   `cbor:"1,keyasint"` // Wasm pages
	Globals []uint64 `cbor:"2,keyasint"`
	Stable  uint64   `cbor:"3,keyasint"` // Wasm pages
}

const (
	heapPages   byte = 1
	stablePages byte = 2
	modulePages byte = 3       // of a snapshot
	maxRun           = 1 << 20 // bytes of pages in one record
	runHeader        = 1 + 8
)

func allZero(b []byte) bool { return !slices.ContainsFunc(b, func(x byte) bool { return x != 0 }) }

// eachPageOf leaves out the pages that are zero.
func eachPageOf(h holder, visit func(kind byte, at uint64, page []byte) error) error {
	return h.eachPage(func(kind byte, at uint64, page []byte) error {
		if allZero(page) {
			return nil
		}
		return visit(kind, at, page)
	})
}

// writeMemory gives the records of memories.
func writeMemory(h holder) func(record func([]byte) error) error {
	return func(record func([]byte) error) error {
		first, err := batchEncoding.Marshal(h.header())
		if err != nil {
			return err
		}
		if err := record(first); err != nil {
			return err
		}
		run := pageRun{record: record}
		if err := eachPageOf(h, run.add); err != nil {
			return err
		}
		return run.flush()
	}
}

// pageRun joins pages that follow each other to one record.
type pageRun struct {
	record func([]byte) error
	buf    []byte
	next   uint64
}

func (r *pageRun) add(kind byte, at uint64, page []byte) error {
	if len(r.buf) > 0 && (r.buf[0] != kind || r.next != at || len(r.buf) >= runHeader+maxRun) {
		if err := r.flush(); err != nil {
			return err
		}
	}
	if len(r.buf) == 0 {
		r.buf = binary.LittleEndian.AppendUint64(append(r.buf, kind), at)
	}
	r.buf = append(r.buf, page...)
	r.next = at + uint64(len(page))
	return nil
}

func (r *pageRun) flush() error {
	if len(r.buf) == 0 {
		return nil
	}
	err := r.record(r.buf)
	r.buf = r.buf[:0]
	return err
}

// memoryHash is a hash over all memories.
func memoryHash(h holder) ([sha256.Size]byte, error) {
	c := h.remembered()
	if c.hashed == h.mark() && c.hash != [sha256.Size]byte{} {
		return c.hash, nil
	}
	sum := sha256.New()
	first, err := batchEncoding.Marshal(h.header())
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	sum.Write(first)
	err = eachPageOf(h, func(kind byte, at uint64, page []byte) error {
		sum.Write(binary.LittleEndian.AppendUint64([]byte{kind}, at))
		sum.Write(page)
		return nil
	})
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	c.hashed, c.hash = h.mark(), [sha256.Size]byte(sum.Sum(nil))
	return c.hash, nil
}

// The memories of a canister.

func (c *canister) mark() mark {
	m := mark{instance: c.instance, stable: c.stable, stableAt: c.stable.Changes()}
	if c.instance != nil {
		m.heap = c.instance.Changes()
	}
	return m
}

func (c *canister) name(batch uint64) string { return fmt.Sprintf("canister-%s-%d", c.ID, batch) }

func (c *canister) remembered() *contents { return &c.contents }

func (c *canister) header() memoryHeader {
	h := memoryHeader{Stable: c.stable.Pages()}
	if c.instance != nil {
		h.Heap, h.Globals = c.instance.Pages(), c.instance.Globals()
	}
	return h
}

func (c *canister) eachPage(visit func(kind byte, at uint64, page []byte) error) error {
	if c.instance != nil {
		err := c.instance.EachPage(func(at uint64, page []byte) error { return visit(heapPages, at, page) })
		if err != nil {
			return fmt.Errorf("read the heap of canister %s: %w", c.ID, err)
		}
	}
	return c.stable.EachPage(func(at uint64, page []byte) error { return visit(stablePages, at, page) })
}

// readMemory restores what writeMemory gave. module is nil where none is installed.
func (c *canister) readMemory(module *host.Module, name string, read contentReader) error {
	h, records, err := readRecords(name, read)
	if err != nil {
		return err
	}
	if module != nil {
		c.instance, err = module.Restore(h.Heap, h.Globals, func(write func(uint64, []byte) error) error {
			return putPages(records, heapPages, write)
		})
		if err != nil {
			return err
		}
		c.module = module
	}
	return c.stable.Restore(h.Stable, func(s *host.Stable) error {
		return putPages(records, stablePages, func(at uint64, b []byte) error {
			_, err := s.Write(b, at)
			return err
		})
	})
}

// The memories of a snapshot.

func (s *snapshot) mark() mark {
	m := mark{}
	for _, p := range s.memories() {
		m.stableAt += p.changes
	}
	return m
}

func (s *snapshot) name(batch uint64) string { return fmt.Sprintf("snapshot-%x-%d", s.ID, batch) }

func (s *snapshot) remembered() *contents { return &s.contents }

func (s *snapshot) header() memoryHeader { return memoryHeader{} } // sizes are in the core

var snapshotKinds = [...]byte{modulePages, heapPages, stablePages}

func (s *snapshot) eachPage(visit func(kind byte, at uint64, page []byte) error) (err error) {
	for i, p := range s.memories() {
		p.each(func(n uint64, content []byte) {
			for at := 0; at < len(content) && err == nil; at += host.OSPage {
				err = visit(snapshotKinds[i], n*host.WasmPage+uint64(at), content[at:at+host.OSPage])
			}
		})
	}
	return err
}

func (s *snapshot) readMemory(name string, read contentReader) error {
	_, records, err := readRecords(name, read)
	for i, p := range s.memories() {
		if err == nil {
			err = putPages(records, snapshotKinds[i], func(at uint64, b []byte) error {
				if end := (p.Size + host.WasmPage - 1) / host.WasmPage * host.WasmPage; at > end || uint64(len(b)) > end-at {
					return fmt.Errorf("%w: %d bytes at %d of a snapshot's %d", ErrBadCheckpoint, len(b), at, p.Size)
				}
				p.write(b, at)
				return nil
			})
		}
	}
	return err
}

// contentReader visits the records of a content of that name.
type contentReader = func(name string, visit func(record []byte) error) error

func readRecords(name string, read contentReader) (h memoryHeader, records [][]byte, err error) {
	first := true
	err = read(name, func(record []byte) error {
		if !first {
			records = append(records, record)
			return nil
		}
		first = false
		if err := batchDecoding.Unmarshal(record, &h); err != nil {
			return fmt.Errorf("%w: %w", ErrBadCheckpoint, err)
		}
		return nil
	})
	if err == nil && first {
		err = fmt.Errorf("%w: %s is empty", ErrBadCheckpoint, name)
	}
	return h, records, err
}

func putPages(records [][]byte, kind byte, write func(uint64, []byte) error) error {
	for _, r := range records {
		if len(r) < runHeader || (len(r)-runHeader)%host.OSPage != 0 {
			return fmt.Errorf("%w: a record of pages is of %d bytes", ErrBadCheckpoint, len(r))
		}
		if r[0] != kind {
			continue
		}
		if err := write(binary.LittleEndian.Uint64(r[1:]), r[runHeader:]); err != nil {
			return err
		}
	}
	return nil
}

// moduleName is the content of a module with a hash, chunkName that of a chunk.
func moduleName(hash [32]byte) string { return fmt.Sprintf("module-%x", hash) }
func chunkName(hash [32]byte) string  { return fmt.Sprintf("chunk-%x", hash) }

// maxPiece is how much of a module a record holds.
const maxPiece = 1 << 20

func writePieces(b []byte) func(func([]byte) error) error {
	return func(record func([]byte) error) error {
		for piece := range slices.Chunk(b, maxPiece) {
			if err := record(piece); err != nil {
				return err
			}
		}
		return nil
	}
}

// readPieces reads bytes whose hash is known.
func readPieces(name string, hash [32]byte, read contentReader) (all []byte, err error) {
	err = read(name, func(piece []byte) error {
		all = append(all, piece...)
		return nil
	})
	if err == nil && sha256.Sum256(all) != hash {
		err = errors.Join(ErrBadCheckpoint, fmt.Errorf("%s is not what its hash says", name))
	}
	return all, err
}
