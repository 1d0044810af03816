package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"assay/ic/replica/disk"
	"assay/ic/replica/disk/disktest"
)

// world is a store on a file system in memory, with what must be in it.
type world struct {
	t  testing.TB
	fs *disktest.FS
	s  *disk.Store
	expect
}

// expect is what a folder must hold.
type expect struct {
	records []string // since the checkpoint
	core    string   // of the checkpoint
	files   map[string]string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, fs: disktest.New()}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.s, err = disk.Open("state", w.fs); err != nil {
		w.t.Fatal(err)
	}
	if err := w.s.Records(func(uint64, []byte) error { return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// crash goes on with what a crash leaves, and checks it.
func (w *world) crash() {
	w.t.Helper()
	w.crashCopy()
	w.fs = w.fs.Crash(nil)
	w.open()
}

// crashCopy checks what the death of the process, or of the machine, would leave now.
func (w *world) crashCopy() {
	w.t.Helper()
	if err := w.check(w.fs.Crash(nil)); err != nil {
		w.t.Fatal(err)
	}
	for seed := range uint64(4) {
		if err := w.check(w.fs.Crash(rand.New(rand.NewPCG(seed, 2)))); err != nil {
			w.t.Fatalf("the machine stopped: %v", err)
		}
	}
}

// read is what a folder holds.
func read(fs disk.FS) (e expect, err error) {
	s, err := disk.Open("state", fs)
	if err != nil {
		return e, err
	}
	core, err := s.Core()
	if err != nil {
		return e, err
	}
	e.core, e.files = string(core), map[string]string{}
	for _, name := range s.Names() {
		err := s.Content(name, func(r []byte) error {
			e.files[name] += string(r)
			return nil
		})
		if err != nil {
			return e, err
		}
	}
	last := uint64(0)
	err = s.Records(func(number uint64, r []byte) error {
		if last != 0 && number != last+1 {
			return fmt.Errorf("record %d after %d", number, last)
		}
		last = number
		e.records = append(e.records, string(r))
		return nil
	})
	return e, errors.Join(err, s.Close())
}

func (e expect) equal(o expect) bool {
	return e.core == o.core && maps.Equal(e.files, o.files) && slices.Equal(e.records, o.records)
}

func (e expect) check(fs disk.FS) error {
	got, err := read(fs)
	if err == nil && !got.equal(e) {
		err = fmt.Errorf("got %+v, want %+v", got, e)
	}
	return err
}

func (w *world) append(record string) {
	w.t.Helper()
	if err := w.s.Append([]byte(record)); err != nil {
		w.t.Fatal(err)
	}
	w.records = append(w.records, record)
}

func contents(files map[string]string) (all []disk.Content) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b := []byte(files[name])
		all = append(all, disk.Content{Name: name, Write: func(record func([]byte) error) error {
			half := len(b) / 2
			return errors.Join(record(b[:half]), record(b[half:]))
		}})
	}
	return all
}

func (w *world) tryCheckpoint(core string, files map[string]string) error {
	p, err := w.s.Checkpoint([]byte(core), contents(files))
	if err != nil {
		return err
	}
	if err := p.Finish(); err != nil {
		p.Abandon()
		return err
	}
	p.Done()
	w.expect = expect{core: core, files: files}
	return nil
}

func (w *world) checkpoint(core string, files map[string]string) {
	w.t.Helper()
	if err := w.tryCheckpoint(core, files); err != nil {
		w.t.Fatal(err)
	}
}

func TestLogComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crash()
	w.append("one")
	w.append("")
	w.crash()
	w.append("three")
	w.crash()
	if n := w.s.Next(); n != 4 {
		t.Errorf("the next record is %d", n)
	}
}

func TestCheckpointReplacesTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append("one")
	w.checkpoint("core 1", map[string]string{"canister-a-1": "content a", "module-m": "module"})
	w.append("two")
	w.crash()
	w.checkpoint("core 2", map[string]string{"canister-a-2": "other a", "module-m": "module"})
	if got, want := w.fs.Names(), []string{"canister-a-2", "log-3", "manifest", "module-m"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	w.crash()
	w.append("three")
	w.crash()
}

func TestRecordsAppendedWhileACheckpointIsFinished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append("one")
	p, err := w.s.Checkpoint([]byte("core"), nil)
	if err != nil {
		t.Fatal(err)
	}
	w.append("two")
	w.crashCopy() // before the checkpoint counts
	if err := p.Finish(); err != nil {
		t.Fatal(err)
	}
	w.core, w.records = "core", w.records[1:]
	w.crashCopy() // after
	p.Done()
	w.append("three")
	w.crash()
}

func TestTornRecordIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append("one")
	w.append("the last record, which is cut short")
	whole := w.fs.Bytes("log-1")
	w.records = w.records[:1]
	for cut := 1; cut <= len("the last record, which is cut short")+12; cut++ {
		torn := w.fs.Crash(nil)
		torn.Set("log-1", whole[:len(whole)-cut])
		if err := w.check(torn); err != nil {
			t.Fatalf("cut by %d: %v", cut, err)
		}
	}
	w.fs.Set("log-1", whole[:len(whole)-3])
	w.open()
	w.append("two again")
	w.crash()
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append("before")
	w.checkpoint("the core", map[string]string{"canister-a-1": "content a", "chunk-b": "chunk"})
	w.append("one")
	w.crash()
	w.append("in another segment")
	w.append("the last")
	for _, name := range w.fs.Names() {
		whole := w.fs.Bytes(name)
		for at := range whole {
			for _, flip := range []byte{1, 2, 0x40, 0x80, 0xff} {
				bad := bytes.Clone(whole)
				bad[at] ^= flip
				fs := w.fs.Crash(nil)
				fs.Set(name, bad)
				var corrupt *disk.CorruptError
				if err := w.check(fs); !errors.As(err, &corrupt) {
					t.Fatalf("%s, byte %d of %d: %v", name, at, len(whole), err)
				} else if want := filepath.Join("state", name); corrupt.Path != want {
					t.Errorf("%s, byte %d: named %s", name, at, corrupt.Path)
				}
			}
		}
	}
}

func TestMissingFileIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append("before")
	w.checkpoint("the core", map[string]string{"canister-a-1": "content a"})
	w.append("one")
	w.crash()
	w.append("in another segment")
	for _, name := range []string{"canister-a-1", "log-2", "manifest"} {
		fs := w.fs.Crash(nil)
		fs.Set(name, nil)
		var corrupt *disk.CorruptError
		if err := w.check(fs); !errors.As(err, &corrupt) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestOldLayoutIsRefused(t *testing.T) {
	t.Parallel()
	fs := disktest.New()
	fs.Set("network.state", []byte("ASSAYNET\x01\x00\x00\x00"))
	var corrupt *disk.CorruptError
	if _, err := disk.Open("state", fs); !errors.As(err, &corrupt) {
		t.Errorf("got %v", err)
	}
}

// The files of the system are used like those in memory.
func TestSystemFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 3 {
		s, err := disk.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		if err := s.Records(func(uint64, []byte) error { found++; return nil }); err != nil || found != min(round, 1) {
			t.Fatalf("%d records, %v", found, err)
		}
		if err := s.Append([]byte("before")); err != nil {
			t.Fatal(err)
		}
		p, err := s.Checkpoint([]byte("core"), contents(map[string]string{"module-m": "module"}))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Finish(); err != nil {
			t.Fatal(err)
		}
		p.Done()
		if err := s.Append([]byte("after")); err != nil {
			t.Fatal(err)
		}
		if core, err := s.Core(); err != nil || string(core) != "core" {
			t.Fatalf("core %q, %v", core, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
