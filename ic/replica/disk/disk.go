// Package disk keeps the state of a network over a clean stop and start.
//
// ic/replica writes one file when it stops and reads it when it opens. The file is
// replaced as a whole: written beside, synced, renamed. What it means is the state
// machine's business; here are only its frame and the check that it is whole.
//
//	magic    8 bytes "ASSAYNET"
//	version  u32
//	records  each u64 length, bytes
//	sum      SHA-256 of all before it
//
// Numbers are little-endian. An unknown version is refused, not migrated.
package disk

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// Version is the layout of the records. It rises with every change of what the state
// machine writes.
const Version = 1

var magic = []byte("ASSAYNET")

const headerLen = 8 + 4

// CorruptError says that a file is not a whole state of this version.
type CorruptError struct {
	Path string
	Why  string
}

// Error names the file and what to do.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("state file %s: %s; move it away to start with an empty network", e.Path, e.Why)
}

// Write replaces the file by one with these records.
func Write(path string, records iter.Seq[[]byte]) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new*")
	if err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("save state to %s: %w", path, err), f.Close(), os.Remove(f.Name()))
		}
	}()
	if err := writeAll(f, records); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return err
	}
	return f.Close()
}

func writeAll(f io.Writer, records iter.Seq[[]byte]) error {
	sum := sha256.New()
	b := bufio.NewWriterSize(io.MultiWriter(f, sum), 1<<20)
	header := binary.LittleEndian.AppendUint32(bytes.Clone(magic), Version)
	if _, err := b.Write(header); err != nil {
		return err
	}
	for r := range records {
		if _, err := b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(r)))); err != nil {
			return err
		}
		if _, err := b.Write(r); err != nil {
			return err
		}
	}
	if err := b.Flush(); err != nil {
		return err
	}
	_, err := f.Write(sum.Sum(nil))
	return err
}

// syncDir makes a rename last. Systems that cannot sync a folder do it by themselves.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

// Read returns the records of a file; they share memory. A missing file is
// [os.ErrNotExist], a damaged one a [*CorruptError].
func Read(path string) ([][]byte, error) {
	all, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	records, why := parse(all)
	if why != "" {
		return nil, &CorruptError{path, why}
	}
	return records, nil
}

func parse(all []byte) (records [][]byte, why string) {
	if len(all) < headerLen+sha256.Size || !bytes.HasPrefix(all, magic) {
		return nil, "this is not the state of a network"
	}
	if v := binary.LittleEndian.Uint32(all[8:]); v != Version {
		return nil, fmt.Sprintf("its version is %d, this program knows %d", v, Version)
	}
	body, sum := all[:len(all)-sha256.Size], all[len(all)-sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(want[:], sum) {
		return nil, "its checksum is wrong: it is damaged or cut short"
	}
	for rest := body[headerLen:]; len(rest) > 0; {
		if len(rest) < 8 {
			return nil, "it ends within a record"
		}
		n := binary.LittleEndian.Uint64(rest)
		if rest = rest[8:]; n > uint64(len(rest)) {
			return nil, "it ends within a record"
		}
		records, rest = append(records, rest[:n:n]), rest[n:]
	}
	return records, ""
}
