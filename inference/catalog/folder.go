package catalog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"assay/commitment"
)

// ErrMissing is returned for a file that is not in the folder.
var ErrMissing = errors.New("not in the model folder")

// CorruptError is returned for a file whose bytes are not the ones its name promises.
type CorruptError struct {
	Path string // empty for bytes that arrived from a source and were not kept
	Want commitment.Hash
	Got  commitment.Hash
	// WantSize and GotSize are in bytes.
	WantSize, GotSize uint64
}

func (e *CorruptError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("what arrived has %d bytes and SHA-256 %s, want %d and %s: not kept", e.GotSize, e.Got, e.WantSize, e.Want)
	}
	if e.WantSize != e.GotSize {
		return fmt.Sprintf("model file %s has %d bytes, want %d: truncated or replaced; delete it to fetch it again", e.Path, e.GotSize, e.WantSize)
	}
	return fmt.Sprintf("model file %s has SHA-256 %s, want %s: damaged or replaced; delete it to fetch it again", e.Path, e.Got, e.Want)
}

// Folder keeps files under their SHA-256. Several processes may share one.
type Folder struct{ dir string }

// OpenFolder uses dir, and makes it if it is not there.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open model folder: %w", err)
	}
	return &Folder{dir}, nil
}

// Path is where the file of that hash is or would be.
func (f *Folder) Path(hash commitment.Hash) string { return filepath.Join(f.dir, hash.String()) }

// Open reads a file and hashes it. A missing file is [ErrMissing], one with other bytes
// than want names a [*CorruptError].
func (f *Folder) Open(want File) ([]byte, error) {
	path := f.Path(want.SHA256)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("model file %q (%s): %w", want.Role, want.SHA256, ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("open model file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("open model file: %w", err)
	}
	if size := uint64(info.Size()); size != want.Size {
		return nil, &CorruptError{Path: path, Want: want.SHA256, WantSize: want.Size, GotSize: size}
	}
	data := make([]byte, want.Size)
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, fmt.Errorf("read model file %s: %w", path, err)
	}
	if got := HashOf(data); got != want.SHA256 {
		return nil, &CorruptError{path, want.SHA256, got, want.Size, want.Size}
	}
	return data, nil
}

// Put stores what r holds as the file want, or nothing if its bytes are others.
// The file appears under its name only when it is complete and on disk.
func (f *Folder) Put(ctx context.Context, want File, r io.Reader) error {
	temp, err := os.CreateTemp(f.dir, "incoming-*")
	if err != nil {
		return fmt.Errorf("store model file %q: %w", want.Role, err)
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	hash := sha256.New()
	limited := io.LimitReader(&contextReader{ctx, r}, int64(want.Size)+1)
	n, err := io.Copy(io.MultiWriter(temp, hash), limited)
	if err != nil {
		return fmt.Errorf("store model file %q: %w", want.Role, err)
	}
	if got := commitment.Hash(hash.Sum(nil)); got != want.SHA256 || uint64(n) != want.Size {
		return fmt.Errorf("store model file %q: %w", want.Role,
			&CorruptError{"", want.SHA256, got, want.Size, uint64(n)})
	}
	if err := errors.Join(temp.Chmod(0o644), temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("store model file %q: %w", want.Role, err)
	}
	return os.Rename(temp.Name(), f.Path(want.SHA256))
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
