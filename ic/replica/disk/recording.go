package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// A recording is a file of the same frames, of kind 4: a state to begin with, the batches
// that followed, and hashes of the state. The first byte of each record says what it is:
//
//	1 core      a piece of the state's core; all pieces come first
//	2 content   the name of a content; its records follow
//	3 record    of that content
//	4 batch     as in the log
//	5 hash      u64 number of a batch, SHA-256 of the state after it
//	6 end       the same; nothing follows, and without it the recording was cut off
type entryKind byte

const (
	coreEntry entryKind = iota + 1
	contentEntry
	recordEntry
	batchEntry
	hashEntry
	endEntry
)

// ErrCutOff is a recording without its end.
var ErrCutOff = errors.New("the recording was cut off: it has no end")

// Recorder writes a recording.
type Recorder struct {
	w   *writer
	buf []byte
}

// NewRecorder begins a recording with a state.
func NewRecorder(w io.Writer, core []byte, contents []Content) (*Recorder, error) {
	r := &Recorder{w: newWriter(w)}
	err := r.w.header(header{kind: recordingKind})
	for len(core) > 0 && err == nil {
		n := min(len(core), corePiece)
		err = r.put(coreEntry, core[:n])
		core = core[n:]
	}
	for _, c := range contents {
		if err == nil {
			err = r.put(contentEntry, []byte(c.Name))
		}
		if err == nil {
			err = c.Write(func(record []byte) error { return r.put(recordEntry, record) })
		}
	}
	if err == nil {
		err = r.w.flush()
	}
	if err != nil {
		return nil, fmt.Errorf("write the recording: %w", err)
	}
	return r, nil
}

func (r *Recorder) put(kind entryKind, b []byte) error {
	r.buf = append(append(r.buf[:0], byte(kind)), b...)
	return r.w.record(r.buf)
}

func (r *Recorder) putNow(kind entryKind, b []byte) error {
	err := r.put(kind, b)
	if err == nil {
		err = r.w.flush()
	}
	if err != nil {
		return fmt.Errorf("write the recording: %w", err)
	}
	return nil
}

// Batch adds a batch.
func (r *Recorder) Batch(batch []byte) error { return r.putNow(batchEntry, batch) }

// Hash adds the hash of the state after a batch.
func (r *Recorder) Hash(number uint64, hash [32]byte) error {
	return r.putNow(hashEntry, append(binary.LittleEndian.AppendUint64(nil, number), hash[:]...))
}

// End says what the state is at the end.
func (r *Recorder) End(number uint64, hash [32]byte) error {
	return r.putNow(endEntry, append(binary.LittleEndian.AppendUint64(nil, number), hash[:]...))
}

// Recording is a recording being read.
type Recording struct {
	r       *reader
	pending []byte // the entry after the state
	core    []byte
	records map[string][][]byte
}

// OpenRecording reads the state that a recording begins with. name is for errors.
func OpenRecording(in io.Reader, name string) (*Recording, error) {
	r, err := newReader(in, name, recordingKind)
	if err != nil {
		return nil, err
	}
	rec := &Recording{r: r, records: map[string][][]byte{}}
	content := ""
	for {
		entry, err := rec.entry()
		if err != nil {
			return nil, err
		}
		switch kind := entryKind(entry[0]); {
		case kind == coreEntry && content == "":
			rec.core = append(rec.core, entry[1:]...)
		case kind == contentEntry && len(entry) > 1 && rec.records[string(entry[1:])] == nil:
			content = string(entry[1:])
			rec.records[content] = [][]byte{}
		case kind == recordEntry && content != "":
			rec.records[content] = append(rec.records[content], entry[1:])
		case kind >= batchEntry:
			rec.pending = entry
			return rec, nil
		default:
			return nil, r.corrupt("an entry at the wrong place")
		}
	}
}

// entry is the next one.
func (r *Recording) entry() ([]byte, error) {
	if r.pending != nil {
		entry := r.pending
		r.pending = nil
		return entry, nil
	}
	entry, err := r.r.record()
	if err == io.EOF || err == errTorn {
		return nil, fmt.Errorf("%s: %w", r.r.path, ErrCutOff)
	}
	if err != nil {
		return nil, err
	}
	if len(entry) == 0 || entryKind(entry[0]) < coreEntry || entryKind(entry[0]) > endEntry {
		return nil, r.r.corrupt("an entry of an unknown kind")
	}
	return entry, nil
}

// Core is the core of the state that the recording begins with.
func (r *Recording) Core() []byte { return r.core }

// Contents are the names of that state's contents that were not visited yet, sorted.
func (r *Recording) Contents() []string { return slices.Sorted(maps.Keys(r.records)) }

// Content visits the records of a content of that state, which can be done once.
func (r *Recording) Content(name string, visit func([]byte) error) error {
	records, ok := r.records[name]
	if !ok {
		return r.r.corrupt(fmt.Sprintf("the state lacks %s", name))
	}
	delete(r.records, name)
	for _, record := range records {
		if err := visit(record); err != nil {
			return err
		}
	}
	return nil
}

// Step is what a recording holds next: a batch, or the hash of the state after one.
type Step struct {
	Batch  []byte
	Number uint64 // of the batch that Hash is about
	Hash   [32]byte
	End    bool // nothing follows
}

// Next is the next step. A recording that ends without its end is [ErrCutOff].
func (r *Recording) Next() (s Step, err error) {
	entry, err := r.entry()
	if err != nil {
		return s, err
	}
	switch kind, b := entryKind(entry[0]), entry[1:]; {
	case kind == batchEntry:
		return Step{Batch: b}, nil
	case kind >= hashEntry && len(b) == 8+32:
		s = Step{Number: binary.LittleEndian.Uint64(b), Hash: [32]byte(b[8:]), End: kind == endEntry}
	default:
		return s, r.r.corrupt("an entry at the wrong place")
	}
	if s.End {
		if _, err := r.r.record(); err != io.EOF {
			return s, r.r.corrupt("something follows the end")
		}
	}
	return s, nil
}
