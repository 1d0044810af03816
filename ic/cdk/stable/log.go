package stable

import (
	"encoding/binary"
	"fmt"
)

const (
	logHead = 'S' | 'L'<<8 | 'O'<<16 | 'G'<<24 | 1<<32
	logEnds = 32
)

// Log is a list of byte strings that only grows, numbered from 0. Like [Map] it holds
// no data itself and panics with a [LayoutError] over a memory that is not its own.
// A cut during an append leaves the log as it was before, or with the entry.
type Log struct{ index, data Memory }

// NewLog is the log in two memories, both empty or written by a Log.
func NewLog(index, data Memory) *Log { return &Log{index, data} }

// Len is the number of entries.
func (l *Log) Len() uint64 {
	b := make([]byte, 16)
	if !readHead(l.index, b, logHead, "log magic SLOG, version 1") {
		return 0
	}
	return le64(b[8:])
}

// span is where entry n lies.
func (l *Log) span(n uint64) (from, to uint64) {
	ends := make([]byte, 16)
	if n == 0 {
		l.index.ReadAt(ends[8:], logEnds)
	} else {
		l.index.ReadAt(ends, logEnds+8*(n-1))
	}
	return le64(ends), le64(ends[8:])
}

// Append adds an entry and returns its number. After an error the log is as before.
func (l *Log) Append(entry []byte) (uint64, error) {
	if len(entry) > MaxValue {
		return 0, fmt.Errorf("%d bytes: %w", len(entry), ErrValueTooLong)
	}
	n, end := l.Len(), uint64(0)
	if n > 0 {
		_, end = l.span(n - 1)
	}
	after := end + uint64(len(entry))
	if err := ensure(l.data, after); err != nil {
		return 0, err
	}
	if err := ensure(l.index, logEnds+8*(n+1)); err != nil {
		return 0, err
	}
	l.data.WriteAt(entry, end)
	l.index.WriteAt(binary.LittleEndian.AppendUint64(nil, after), logEnds+8*n)
	head := binary.LittleEndian.AppendUint64(make([]byte, 0, 24), logHead)
	head = binary.LittleEndian.AppendUint64(head, n+1)
	l.index.WriteAt(binary.LittleEndian.AppendUint64(head, after), 0)
	return n, nil
}

// Get is entry n, false at and beyond [Log.Len].
func (l *Log) Get(n uint64) ([]byte, bool) {
	if n >= l.Len() {
		return nil, false
	}
	from, to := l.span(n)
	if to < from || to-from > MaxValue || to > l.data.Size()*PageBytes {
		panic(&LayoutError{"rising ends inside the memory", fmt.Sprintf("%d after %d", to, from)})
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

// Check reads the whole index and says what is wrong with it.
func (l *Log) Check() (err error) {
	defer guard(&err)
	length, end := l.Len(), uint64(0)
	if length > l.index.Size()*PageBytes/8 {
		return &LayoutError{"an index inside its memory", fmt.Sprintf("%d entries", length)}
	}
	for n := range length {
		from, to := l.span(n)
		if from != end || to < from || to-from > MaxValue || to > l.data.Size()*PageBytes {
			return &LayoutError{"rising ends inside the memory", fmt.Sprintf("entry %d from %d to %d", n, from, to)}
		}
		end = to
	}
	return nil
}
