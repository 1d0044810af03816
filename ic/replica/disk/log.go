package disk

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// segment is one file of the log.
type segment struct {
	number uint64
	first  uint64 // number of its first record
	end    int64  // its length that counts; of the last one what was read or written so far
	next   uint64 // number of the record after its last
}

// findSegments lists the segments since the checkpoint and reads their headers.
func (s *Store) findSegments(names []string) error {
	var numbers []uint64
	for _, name := range names {
		if n, ok := segmentNumber(name); ok && n >= s.manifest.Segment {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if want := s.manifest.Segment + uint64(i); n != want {
			return &CorruptError{s.path(segmentName(want)), 0, "the file is missing"}
		}
		r, err := s.openReader(segmentName(n), segmentKind)
		if err != nil {
			return err
		}
		if err := r.close(); err != nil {
			return err
		}
		if r.id != n {
			return &CorruptError{r.path, 16, fmt.Sprintf("it is segment %d under another name", r.id)}
		}
		if i > 0 {
			s.segments[i-1].end, s.segments[i-1].next = int64(r.end), r.first
		}
		s.segments = append(s.segments, segment{number: n, first: r.first, end: headerLen, next: r.first})
	}
	if len(s.segments) == 0 && s.manifest.Segment > 1 || len(s.segments) > 0 && s.segments[0].first != s.manifest.Next {
		return &CorruptError{s.path(segmentName(s.manifest.Segment)), 0, fmt.Sprintf("the log does not go on with record %d", s.manifest.Next)}
	}
	return nil
}

// Records calls visit with the records since the checkpoint, in order. It is called
// once, before the first [Store.Append].
func (s *Store) Records(visit func(number uint64, record []byte) error) error {
	for i := range s.segments {
		if err := s.readSegment(&s.segments[i], i == len(s.segments)-1, visit); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) readSegment(seg *segment, last bool, visit func(uint64, []byte) error) (err error) {
	r, err := s.openReader(segmentName(seg.number), segmentKind)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for last || r.at < seg.end {
		record, err := r.record()
		if last && (err == io.EOF || err == errTorn) {
			break
		}
		if err == io.EOF || err == errTorn {
			return r.corrupt("the file is cut short")
		}
		if err != nil {
			return err
		}
		if err := visit(r.next-1, record); err != nil {
			return fmt.Errorf("%s: record %d: %w", r.path, r.next-1, err)
		}
	}
	if !last && (r.at != seg.end || r.next != seg.next) {
		return r.corrupt("its end is not where the next segment says")
	}
	s.logged += r.at - headerLen
	seg.end, seg.next = r.at, r.next
	return nil
}

// Next is the number of the next record.
func (s *Store) Next() uint64 {
	if n := len(s.segments); n > 0 {
		return s.segments[n-1].next
	}
	return s.manifest.Next
}

// Logged is how many bytes the log holds since the checkpoint.
func (s *Store) Logged() int64 { return s.logged }

// Append adds a record, of number [Store.Next], and returns when it is where a crash
// cannot lose it. After an error it is not in the log, unless the process ends before the
// next success: then it may be.
func (s *Store) Append(record []byte) error {
	if len(record) > maxRecord {
		return fmt.Errorf("append to the log: %w: %d bytes", errTooLong, len(record))
	}
	if err := s.append(record); err != nil {
		s.broken = true
		return fmt.Errorf("append to the log in %s: %w", s.dir, err)
	}
	return nil
}

func (s *Store) append(record []byte) error {
	if s.file == nil || s.broken {
		if err := s.beginSegment(); err != nil {
			return err
		}
	}
	seg := &s.segments[len(s.segments)-1]
	b := append(recordHeader(seg.next, record), record...)
	if _, err := s.file.Write(b); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	seg.end += int64(len(b))
	seg.next++
	s.logged += int64(len(b))
	return nil
}

// beginSegment makes the next file of the log. What the last one holds after its end does
// not count from then on.
func (s *Store) beginSegment() error {
	h := header{kind: segmentKind, id: max(s.manifest.Segment, 1), first: s.Next()}
	if n := len(s.segments); n > 0 {
		h.id, h.end = s.segments[n-1].number+1, uint64(s.segments[n-1].end)
	}
	s.broken = true // until it is certain which file is the last
	name := segmentName(h.id)
	f, err := s.fs.Create(s.path(name + newSuffix))
	if err != nil {
		return err
	}
	discard := func(err error) error {
		return errors.Join(err, f.Close(), ignoreMissing(s.fs.Remove(s.path(name+newSuffix))))
	}
	if _, err := f.Write(h.encode()); err != nil {
		return discard(err)
	}
	if err := f.Sync(); err != nil {
		return discard(err)
	}
	if err := s.fs.Rename(s.path(name+newSuffix), s.path(name)); err != nil {
		return discard(err)
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return errors.Join(err, f.Close()) // tried again under the same name
	}
	if s.file != nil {
		_ = s.file.Close() // all that counts of it is synced
	}
	s.file, s.broken = f, false
	s.segments = append(s.segments, segment{number: h.id, first: h.first, end: headerLen, next: h.first})
	return nil
}
