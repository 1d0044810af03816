package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// manifest is the first record of the file of that name; the core follows in pieces.
type manifest struct {
	Next    uint64  `cbor:"1,keyasint"` // number of the first record after the checkpoint
	Segment uint64  `cbor:"2,keyasint"` // the segment that begins with it
	Core    uint64  `cbor:"3,keyasint"` // bytes
	Files   []entry `cbor:"4,keyasint"` // sorted by name
	exists  bool
}

// entry is one content file.
type entry struct {
	Name    string `cbor:"1,keyasint"`
	Size    int64  `cbor:"2,keyasint"`
	Records uint64 `cbor:"3,keyasint"`
}

func (m *manifest) names() []string {
	names := make([]string, 0, len(m.Files))
	for _, e := range m.Files {
		names = append(names, e.Name)
	}
	return names
}

const corePiece = 1 << 20

// readManifest reads the checkpoint's manifest where there is one.
func (s *Store) readManifest() error {
	s.manifest = manifest{Next: 1, Segment: 1}
	m, _, err := s.loadManifest(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.manifest = *m
	}
	return err
}

func (s *Store) loadManifest(withCore bool) (m *manifest, core []byte, err error) {
	r, err := s.openReader(manifestName, manifestKind)
	if err != nil {
		return nil, nil, fmt.Errorf("open state folder %s: %w", s.dir, err)
	}
	defer func() { err = errors.Join(err, r.close()) }()
	first, err := r.whole()
	if err != nil {
		return nil, nil, err
	}
	m = &manifest{exists: true}
	if err := manifestDecoding.Unmarshal(first, m); err != nil {
		return nil, nil, r.corrupt(err.Error())
	}
	for size := uint64(0); size < m.Core; {
		piece, err := r.whole()
		if err != nil {
			return nil, nil, err
		}
		size += uint64(len(piece))
		if withCore {
			core = append(core, piece...)
		}
	}
	if _, err := r.record(); err != io.EOF {
		return nil, nil, r.corrupt("it is longer than it says")
	}
	return m, core, nil
}

// whole is a record of a file that was synced as a whole.
func (r *reader) whole() ([]byte, error) {
	record, err := r.record()
	if err == io.EOF || err == errTorn {
		return nil, r.corrupt("the file is cut short")
	}
	return record, err
}

// Core is the core of the checkpoint, nil if there is none.
func (s *Store) Core() ([]byte, error) {
	if !s.manifest.exists {
		return nil, nil
	}
	_, core, err := s.loadManifest(true)
	return core, err
}

// Names are the content files of the checkpoint.
func (s *Store) Names() []string { return s.manifest.names() }

// Content calls visit with the records of a content file of the checkpoint.
func (s *Store) Content(name string, visit func(record []byte) error) (err error) {
	at := slices.IndexFunc(s.manifest.Files, func(e entry) bool { return e.Name == name })
	if at < 0 {
		return &CorruptError{s.path(manifestName), headerLen, fmt.Sprintf("it does not name %s", name)}
	}
	want := s.manifest.Files[at]
	r, err := s.openReader(name, contentKind)
	if errors.Is(err, fs.ErrNotExist) {
		return &CorruptError{s.path(name), 0, "the file is missing"}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for range want.Records {
		record, err := r.whole()
		if err != nil {
			return err
		}
		if err := visit(record); err != nil {
			return fmt.Errorf("%s: record %d: %w", r.path, r.next-1, err)
		}
	}
	if _, err := r.record(); err != io.EOF || r.at != want.Size {
		return r.corrupt(fmt.Sprintf("it is not of the %d bytes that the manifest says", want.Size))
	}
	return nil
}

// Content names a content file of a checkpoint, which is what its name says: a new
// content has a new name.
type Content struct {
	Name string
	// Write gives the records of the file. It is called before [Store.Checkpoint] returns,
	// if the last checkpoint has no such file.
	Write func(record func([]byte) error) error
}

// Pending is a checkpoint whose files are written and not yet synced. Finish may run in
// another goroutine than the store's, one at a time, while records are appended.
type Pending struct {
	store *Store
	next  manifest
	core  []byte
	names []string // of new files, which have [newSuffix] until they are synced
	Bytes int64    // written
}

// Checkpoint writes what the records so far have led to. The log goes on in a new segment,
// so records that are appended from now on come after the checkpoint. It counts once
// [Pending.Finish] and then [Pending.Done] are through; after an error all is as before.
func (s *Store) Checkpoint(core []byte, contents []Content) (_ *Pending, err error) {
	p := &Pending{store: s, core: core, next: manifest{Core: uint64(len(core)), exists: true}}
	defer func() {
		if err != nil {
			p.Abandon()
			err = fmt.Errorf("write a checkpoint to %s: %w", s.dir, err)
		}
	}()
	for _, c := range contents {
		at := slices.IndexFunc(s.manifest.Files, func(e entry) bool { return e.Name == c.Name })
		if at >= 0 {
			p.next.Files = append(p.next.Files, s.manifest.Files[at])
			continue
		}
		if err := p.write(c); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(p.next.Files, func(a, b entry) int { return strings.Compare(a.Name, b.Name) })
	if err := s.beginSegment(); err != nil {
		return nil, err
	}
	p.Bytes += int64(len(core))
	last := s.segments[len(s.segments)-1]
	p.next.Next, p.next.Segment = last.first, last.number
	return p, nil
}

func (p *Pending) write(c Content) error {
	f, err := p.store.fs.Create(p.store.path(c.Name + newSuffix))
	if err != nil {
		return err
	}
	p.names = append(p.names, c.Name)
	w := newWriter(f)
	err = w.header(header{kind: contentKind})
	if err == nil {
		err = c.Write(w.record)
	}
	if err == nil {
		err = w.flush()
	}
	p.next.Files = append(p.next.Files, entry{c.Name, w.size, w.next})
	p.Bytes += w.size
	return errors.Join(err, f.Close())
}

// Finish syncs the files and switches to the checkpoint. After an error the next start
// finds either the checkpoint or what was before, both whole.
func (p *Pending) Finish() error {
	s := p.store
	for _, step := range []func() error{
		p.syncFiles, p.renameFiles,
		func() error { return s.fs.SyncDir(s.dir) },
		func() error { return s.writeWhole(manifestName, p.writeManifest) },
		func() error { return s.fs.SyncDir(s.dir) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("write a checkpoint to %s: %w", s.dir, err)
		}
	}
	return nil
}

func (p *Pending) syncFiles() error {
	for _, name := range p.names {
		f, err := p.store.fs.Open(p.store.path(name + newSuffix))
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pending) renameFiles() error {
	for _, name := range p.names {
		if err := p.store.fs.Rename(p.store.path(name+newSuffix), p.store.path(name)); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pending) writeManifest(w *writer) error {
	first, err := cbor.Marshal(&p.next)
	if err != nil {
		return err
	}
	if err := w.header(header{kind: manifestKind}); err != nil {
		return err
	}
	if err := w.record(first); err != nil {
		return err
	}
	for piece := range slices.Chunk(p.core, corePiece) {
		if err := w.record(piece); err != nil {
			return err
		}
	}
	return nil
}

// Done makes the store go on from a checkpoint that is finished, and removes what it
// replaces.
func (p *Pending) Done() {
	s := p.store
	old := s.manifest
	s.manifest = p.next
	keep := p.next.names()
	for _, name := range old.names() {
		if !slices.Contains(keep, name) {
			_ = s.fs.Remove(s.path(name)) // else at the next start
		}
	}
	for len(s.segments) > 0 && s.segments[0].number < p.next.Segment {
		_ = s.fs.Remove(s.path(segmentName(s.segments[0].number)))
		s.logged -= s.segments[0].end - headerLen
		s.segments = s.segments[1:]
	}
}

// Abandon gives back the room that a checkpoint took which failed. Files that have their
// names already stay until the next start, since its manifest may be in place.
func (p *Pending) Abandon() {
	for _, name := range p.names {
		_ = p.store.fs.Remove(p.store.path(name + newSuffix))
	}
}

var manifestDecoding = func() cbor.DecMode {
	mode, err := cbor.DecOptions{MaxArrayElements: 1 << 24, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()
