package disk

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// maxRecord is the longest record, in bytes: a batch of the largest messages and more.
const maxRecord = 256 << 20

// Kinds of file.
const (
	segmentKind uint32 = iota + 1
	manifestKind
	contentKind
	recordingKind
)

var kindNames = map[uint32]string{segmentKind: "a segment of the log", manifestKind: "a manifest", contentKind: "a content file", recordingKind: "a recording"}

var magic = []byte("ASSAYNET")

const (
	headerLen       = 8 + 4 + 4 + 8 + 8 + 8 + 4
	recordHeaderLen = 4 + 4 + 4
)

var table = crc32.MakeTable(crc32.Castagnoli)

// header begins a file.
type header struct {
	kind           uint32
	id, first, end uint64
}

func (h header) encode() []byte {
	b := binary.LittleEndian.AppendUint32(bytes.Clone(magic), Version)
	b = binary.LittleEndian.AppendUint32(b, h.kind)
	for _, n := range []uint64{h.id, h.first, h.end} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, table))
}

// parseHeader returns what is wrong and at which byte.
func parseHeader(b []byte, kind uint32) (h header, at int64, why string) {
	if len(b) < len(magic)+4 || !bytes.HasPrefix(b, magic) {
		return h, 0, "this is not a file of a network's state"
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != Version {
		return h, 8, fmt.Sprintf("its version is %d, this program knows %d", v, Version)
	}
	if len(b) < headerLen {
		return h, int64(len(b)), "it ends within its header"
	}
	if sum := binary.LittleEndian.Uint32(b[headerLen-4:]); sum != crc32.Checksum(b[:headerLen-4], table) {
		return h, 12, "the checksum of its header is wrong"
	}
	h.kind = binary.LittleEndian.Uint32(b[12:])
	if h.kind != kind {
		return h, 12, "it is not " + kindNames[kind]
	}
	h.id, h.first, h.end = binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:]), binary.LittleEndian.Uint64(b[32:])
	return h, 0, ""
}

// recordHeader is what stands before a record's bytes.
func recordHeader(number uint64, record []byte) []byte {
	var b [8 + recordHeaderLen]byte
	binary.LittleEndian.PutUint64(b[:], number)
	binary.LittleEndian.PutUint32(b[8:], uint32(len(record)))
	binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[:12], table))
	binary.LittleEndian.PutUint32(b[16:], crc32.Update(crc32.Checksum(b[:8], table), table, record))
	return b[8:]
}

// errTooLong is a record over the limit.
var errTooLong = errors.New("a record is too long to be kept")

// writer writes a file's header and records.
type writer struct {
	w    *bufio.Writer
	size int64
	next uint64
}

func newWriter(f io.Writer) *writer { return &writer{w: bufio.NewWriterSize(f, 64<<10)} }

func (w *writer) write(b []byte) error {
	n, err := w.w.Write(b)
	w.size += int64(n)
	return err
}

func (w *writer) header(h header) error {
	w.next = h.first
	return w.write(h.encode())
}

// record writes the next record.
func (w *writer) record(record []byte) error {
	if len(record) > maxRecord {
		return fmt.Errorf("%w: %d bytes", errTooLong, len(record))
	}
	if err := w.write(recordHeader(w.next, record)); err != nil {
		return err
	}
	w.next++
	return w.write(record)
}

func (w *writer) flush() error { return w.w.Flush() }

// reader reads a file's records.
type reader struct {
	r    *bufio.Reader
	file io.Closer
	path string
	at   int64 // where the next record begins
	next uint64
	header
}

// errTorn is a record that the end of the file cuts short.
var errTorn = errors.New("torn")

func (s *Store) openReader(name string, kind uint32) (*reader, error) {
	f, err := s.fs.Open(s.path(name))
	if err != nil {
		return nil, err
	}
	r, err := newReader(f, s.path(name), kind)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.file = f
	return r, nil
}

// newReader reads the header.
func newReader(in io.Reader, path string, kind uint32) (*reader, error) {
	r := &reader{r: bufio.NewReaderSize(in, 32<<10), path: path, at: headerLen}
	b := make([]byte, headerLen)
	n, err := io.ReadFull(r.r, b)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	h, at, why := parseHeader(b[:n], kind)
	if why != "" {
		return nil, &CorruptError{path, at, why}
	}
	r.header, r.next = h, h.first
	return r, nil
}

func (r *reader) close() error { return r.file.Close() }

func (r *reader) corrupt(why string) error { return &CorruptError{r.path, r.at, why} }

// record is the next record, [io.EOF] at the end, and errTorn where the file ends within
// the record.
func (r *reader) record() ([]byte, error) {
	var b [8 + recordHeaderLen]byte
	binary.LittleEndian.PutUint64(b[:], r.next)
	n, err := io.ReadFull(r.r, b[8:])
	switch {
	case err == io.EOF:
		return nil, io.EOF
	case err == io.ErrUnexpectedEOF:
		return nil, errTorn
	case err != nil:
		return nil, fmt.Errorf("read %s after byte %d: %w", r.path, r.at+int64(n), err)
	}
	if binary.LittleEndian.Uint32(b[12:]) != crc32.Checksum(b[:12], table) {
		return nil, r.corrupt("the checksum of a record's length is wrong")
	}
	size := binary.LittleEndian.Uint32(b[8:])
	if size > maxRecord {
		return nil, r.corrupt(fmt.Sprintf("a record of %d bytes", size))
	}
	record, err := readUpTo(r.r, int(size))
	if err != nil {
		return nil, fmt.Errorf("read %s after byte %d: %w", r.path, r.at, err)
	}
	if len(record) < int(size) {
		return nil, errTorn
	}
	if binary.LittleEndian.Uint32(b[16:]) != crc32.Update(crc32.Checksum(b[:8], table), table, record) {
		return nil, r.corrupt("the checksum of a record is wrong")
	}
	r.at += recordHeaderLen + int64(size)
	r.next++
	return record, nil
}

// readUpTo reads size bytes, fewer at the end of the file, and makes no more room than
// there are bytes.
func readUpTo(r io.Reader, size int) ([]byte, error) {
	if size <= 4<<20 {
		b := make([]byte, size)
		n, err := io.ReadFull(r, b)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = nil
		}
		return b[:n], err
	}
	var b bytes.Buffer
	_, err := io.Copy(&b, io.LimitReader(r, int64(size)))
	return b.Bytes(), err
}
