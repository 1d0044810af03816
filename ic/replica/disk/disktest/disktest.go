// Package disktest is a file system in memory for tests of what ic/replica/disk and
// ic/replica do when the disk fails or the machine stops: operations fail when told, and
// [FS.Crash] is what is left when everything that was not synced may be lost.
package disktest

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"assay/ic/replica/disk"
)

// FS is a file system with one folder, whatever it is called.
type FS struct {
	// Fail is asked before each operation that changes something, with its number from 1,
	// its name and the file; an error fails it. It must not use the file system.
	Fail func(n int, op, name string) error
	// Half makes a write that fails write the first half.
	Half bool

	mu      sync.Mutex
	count   int
	files   map[string]*inode
	durable map[string]*inode // names that were synced
}

type inode struct{ data, synced []byte }

// New is an empty file system.
func New() *FS { return &FS{files: map[string]*inode{}, durable: map[string]*inode{}} }

// Count is how many operations changed something or failed.
func (f *FS) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Crash is what is left if the machine stops now. What was synced is there; of the rest
// rng decides, file by file; nil keeps all of it, as after the death of the process alone.
func (f *FS) Crash(rng *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := New()
	names := f.files
	if rng != nil && rng.IntN(2) == 0 {
		names = f.durable
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		file := names[name]
		b := file.data
		if rng != nil {
			b = file.synced
			if more := len(file.data) - len(b); more > 0 && bytes.HasPrefix(file.data, b) {
				b = file.data[:len(b)+rng.IntN(more+1)]
			}
		}
		node := &inode{data: bytes.Clone(b), synced: bytes.Clone(b)}
		out.files[name], out.durable[name] = node, node
	}
	return out
}

// Names are the names of all files, sorted.
func (f *FS) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.files))
}

// Bytes is the content of a file.
func (f *FS) Bytes(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return bytes.Clone(f.files[name].data)
}

// Set replaces a file, nil removes it.
func (f *FS) Set(name string, content []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if content == nil {
		delete(f.files, name)
		delete(f.durable, name)
		return
	}
	node := &inode{data: bytes.Clone(content), synced: bytes.Clone(content)}
	f.files[name], f.durable[name] = node, node
}

// next counts an operation and asks whether it fails.
func (f *FS) nextLocked(op, path string) error {
	f.count++
	if f.Fail == nil {
		return nil
	}
	if err := f.Fail(f.count, op, filepath.Base(path)); err != nil {
		return &os.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

// MkdirAll does nothing.
func (f *FS) MkdirAll(string) error { return nil }

// ReadDir is Names.
func (f *FS) ReadDir(string) ([]string, error) { return f.Names(), nil }

// Open opens a file to read it.
func (f *FS) Open(path string) (disk.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	node := f.files[filepath.Base(path)]
	if node == nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return &file{fs: f, path: path, node: node}, nil
}

// Create makes an empty file.
func (f *FS) Create(path string) (disk.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.nextLocked("create", path); err != nil {
		return nil, err
	}
	node := &inode{}
	f.files[filepath.Base(path)] = node
	return &file{fs: f, path: path, node: node}, nil
}

// Rename gives a file another name.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.nextLocked("rename", to); err != nil {
		return err
	}
	node := f.files[filepath.Base(from)]
	if node == nil {
		return &os.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	delete(f.files, filepath.Base(from))
	f.files[filepath.Base(to)] = node
	return nil
}

// Remove removes a file.
func (f *FS) Remove(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.nextLocked("remove", path); err != nil {
		return err
	}
	if f.files[filepath.Base(path)] == nil {
		return &os.PathError{Op: "remove", Path: path, Err: fs.ErrNotExist}
	}
	delete(f.files, filepath.Base(path))
	return nil
}

// SyncDir makes the names last.
func (f *FS) SyncDir(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.nextLocked("sync", dir); err != nil {
		return err
	}
	f.durable = maps.Clone(f.files)
	return nil
}

type file struct {
	fs   *FS
	path string
	node *inode
	at   int
}

func (h *file) Read(b []byte) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.at >= len(h.node.data) {
		return 0, io.EOF
	}
	n := copy(b, h.node.data[h.at:])
	h.at += n
	return n, nil
}

func (h *file) Write(b []byte) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.fs.nextLocked("write", h.path); err != nil {
		n := 0
		if h.fs.Half {
			n = len(b) / 2
			h.node.data = append(h.node.data, b[:n]...)
		}
		return n, err
	}
	h.node.data = append(h.node.data, b...)
	return len(b), nil
}

func (h *file) Sync() error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.fs.nextLocked("sync", h.path); err != nil {
		return err
	}
	h.node.synced = bytes.Clone(h.node.data)
	return nil
}

func (h *file) Close() error { return nil }
