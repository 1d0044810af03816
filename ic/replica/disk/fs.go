package disk

import (
	"io"
	"os"
)

// FS is the file system below a [Store]. Tests put errors into it.
type FS interface {
	MkdirAll(dir string) error
	ReadDir(dir string) ([]string, error) // names of files
	Open(path string) (File, error)       // to read
	Create(path string) (File, error)     // to write, empty
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(dir string) error // makes what was created, renamed and removed there last
}

// File is an open file.
type File interface {
	io.Reader
	io.Writer
	io.Closer
	Sync() error
}

// System is the operating system's files. Folders and files are the owner's alone.
var System FS = system{}

type system struct{}

func (system) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o700) }

func (system) ReadDir(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (system) Open(path string) (File, error) { return os.Open(path) }

func (system) Create(path string) (File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}

func (system) Rename(from, to string) error { return os.Rename(from, to) }
func (system) Remove(path string) error     { return os.Remove(path) }

// SyncDir does nothing where a folder cannot be opened as a file; such systems make names
// last by themselves.
func (system) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = syncDir(d)
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
