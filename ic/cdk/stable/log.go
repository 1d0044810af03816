package stable

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

const (
	logVersion = 1
	logEnds    = 32
)

var logMagic = []byte("SLOG")

// Log is a list of byte strings that only grows, numbered from 0. Like [Map] it holds
// no data itself and panics with a [LayoutError] over a memory that is not its own.
type Log struct{ index, data Memory }

// NewLog is the log in two memories, both empty or written by a Log.
func NewLog(index, data Memory) *Log { return &Log{index, data} }

func (l *Log) load() (length, end uint64) {
	if l.index.Size() == 0 {
		return 0, 0
	}
	b := make([]byte, 24)
	l.index.ReadAt(b, 0)
	if !bytes.Equal(b[:4], logMagic) || b[4] != logVersion {
		panic(&LayoutError{"log magic SLOG, version 1", fmt.Sprintf("%q, %d", b[:4], b[4])})
	}
	return binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
}

// Len is the number of entries.
func (l *Log) Len() uint64 {
	n, _ := l.load()
	return n
}

// Append adds an entry and returns its number. After an error the log is as before.
func (l *Log) Append(entry []byte) (uint64, error) {
	if len(entry) > MaxValue {
		return 0, fmt.Errorf("%d bytes: %w", len(entry), ErrValueTooLong)
	}
	n, end := l.load()
	after := end + uint64(len(entry))
	if err := ensure(l.index, logEnds+8*(n+1)); err != nil {
		return 0, err
	}
	if err := ensure(l.data, after); err != nil {
		return 0, err
	}
	l.data.WriteAt(entry, end)
	l.index.WriteAt(binary.LittleEndian.AppendUint64(nil, after), logEnds+8*n)
	head := make([]byte, 8, 24)
	copy(head, logMagic)
	head[4] = logVersion
	head = binary.LittleEndian.AppendUint64(head, n+1)
	l.index.WriteAt(binary.LittleEndian.AppendUint64(head, after), 0)
	return n, nil
}

// Get is entry n, false at and beyond [Log.Len].
func (l *Log) Get(n uint64) ([]byte, bool) {
	length, _ := l.load()
	if n >= length {
		return nil, false
	}
	ends := make([]byte, 16)
	if n == 0 {
		l.index.ReadAt(ends[8:], logEnds)
	} else {
		l.index.ReadAt(ends, logEnds+8*(n-1))
	}
	from, to := binary.LittleEndian.Uint64(ends), binary.LittleEndian.Uint64(ends[8:])
	if to < from || to-from > MaxValue {
		panic(&LayoutError{"rising ends", fmt.Sprintf("%d after %d", to, from)})
	}
	entry := make([]byte, to-from)
	l.data.ReadAt(entry, from)
	return entry, true
}

// Scan calls each with the entries from n on until it returns false.
func (l *Log) Scan(n uint64, each func(n uint64, entry []byte) bool) {
	for ; ; n++ {
		entry, ok := l.Get(n)
		if !ok || !each(n, entry) {
			return
		}
	}
}
