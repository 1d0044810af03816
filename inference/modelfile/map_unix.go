//go:build unix

package modelfile

import (
	"io"
	"os"
	"syscall"
)

// mapped is a file in memory.
type mapped struct {
	bytes   []byte
	isOnMap bool
}

// open maps a file, and reads it where that fails, as on file systems that cannot.
func open(file *os.File, size int) (mapped, error) {
	if size == 0 {
		return mapped{}, nil
	}
	bytes, err := syscall.Mmap(int(file.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err == nil {
		return mapped{bytes, true}, nil
	}
	bytes = make([]byte, size)
	_, err = io.ReadFull(file, bytes)
	return mapped{bytes: bytes}, err
}

func (m mapped) close() error {
	if !m.isOnMap {
		return nil
	}
	return syscall.Munmap(m.bytes)
}
