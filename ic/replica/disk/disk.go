// Package disk keeps a network's state where a crash cannot lose it.
//
// ic/replica opens a [Store] on a folder. Before anything happens in the network, the
// record that makes it happen is appended to a log and synced ([Store.Append]); now and
// then a checkpoint holds all that the log has led to, and the log before it goes
// ([Store.Checkpoint]). What is opened again is the last checkpoint and the records since.
// What they mean is the state machine's business; here are frames, checksums, and the
// order in which files are written, synced, renamed and removed.
//
//	manifest          the checkpoint: core, and the names of its content files
//	log-<n>           segments of the log, 1 the first; a checkpoint names the first that counts
//	<name>            content files, written once and never changed
//	*.new             being written; removed at the next start
//
// Every file is a header and records, numbers little-endian, sums CRC-32C:
//
//	header   magic "ASSAYNET", version u32, kind u32, id u64, first u64, end u64, sum u32 of all before
//	record   length u32, sum u32 of number and length, sum u32 of number and bytes, bytes
//
// Records are numbered, in the log by the caller, in other files from 0; a record at the
// wrong place has the wrong sum. In a segment's header id is its number, first that of its
// first record, and end the length that counts of the segment before it: what a failed
// write left after that is not read. A record cut short at the end of the last segment was
// never acknowledged and is left out; whatever else is wrong is a [*CorruptError].
//
// Version 1 was one file network.state, written at a clean stop only. It is refused.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Version is the layout of all files. What the records hold is versioned by the caller.
const Version = 2

const (
	manifestName = "manifest"
	oldName      = "network.state" // of version 1
	segmentStart = "log-"
	newSuffix    = ".new"
)

// CorruptError says that a file is not what was written to it. Nothing of it is used.
type CorruptError struct {
	Path   string
	Offset int64
	Why    string
}

// Error names the file, the place and what to do.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s; put it back from a copy: a state folder whole, or move the folder away to start with an empty network", e.Path, e.Offset, e.Why)
}

// Store is a folder that keeps the state of one network. It is for one goroutine, but
// for what [Pending] says.
type Store struct {
	fs  FS
	dir string

	manifest manifest
	segments []segment // those that count, in order
	file     File      // of the last segment; nil: the next record begins a new one
	broken   bool      // the file's end is not known
	logged   int64     // bytes of records since the checkpoint
}

// Open opens the folder, which it makes where it is missing. fsys is nil for the system's
// files.
func Open(dir string, fsys FS) (*Store, error) {
	if fsys == nil {
		fsys = System
	}
	s := &Store{fs: fsys, dir: dir}
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("open state folder %s: %w", dir, err)
	}
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open state folder %s: %w", dir, err)
	}
	if slices.Contains(names, oldName) && !slices.Contains(names, manifestName) {
		return nil, &CorruptError{s.path(oldName), 8, fmt.Sprintf("its version is 1, this program knows %d", Version)}
	}
	if err := s.readManifest(); err != nil {
		return nil, err
	}
	if err := s.findSegments(names); err != nil {
		return nil, err
	}
	s.removeUnused(names)
	return s, nil
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

// removeUnused removes files of a checkpoint that was never finished, or that is over.
// What cannot be removed stays until the next time.
func (s *Store) removeUnused(names []string) {
	for _, name := range names {
		n, isSegment := segmentNumber(name)
		switch {
		case strings.HasSuffix(name, newSuffix) && s.isOurs(strings.TrimSuffix(name, newSuffix)):
		case isSegment && n < s.manifest.Segment:
		case s.isContent(name) && !slices.Contains(s.manifest.names(), name):
		default:
			continue
		}
		_ = s.fs.Remove(s.path(name))
	}
}

func (s *Store) isOurs(name string) bool {
	_, isSegment := segmentNumber(name)
	return name == manifestName || isSegment || s.isContent(name)
}

// Content files have names that callers begin like this.
var contentStarts = []string{"canister-", "snapshot-", "module-", "chunk-"}

func (s *Store) isContent(name string) bool {
	return slices.ContainsFunc(contentStarts, func(start string) bool { return strings.HasPrefix(name, start) })
}

func segmentName(n uint64) string { return fmt.Sprintf("%s%d", segmentStart, n) }

func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, segmentStart)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	return n, err == nil && segmentName(n) == name
}

// Close closes the log. It writes nothing.
func (s *Store) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// writeWhole makes a file of a name that exists only once it is whole and synced; its
// folder is not synced.
func (s *Store) writeWhole(name string, write func(*writer) error) error {
	f, err := s.fs.Create(s.path(name + newSuffix))
	if err != nil {
		return err
	}
	w := newWriter(f)
	err = write(w)
	if err == nil {
		err = w.flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, ignoreMissing(s.fs.Remove(s.path(name+newSuffix))))
	}
	if err := s.fs.Rename(s.path(name+newSuffix), s.path(name)); err != nil {
		return errors.Join(err, ignoreMissing(s.fs.Remove(s.path(name+newSuffix))))
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
