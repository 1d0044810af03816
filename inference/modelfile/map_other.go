//go:build !unix

package modelfile

import (
	"io"
	"os"
)

// mapped is a file in memory.
type mapped struct{ bytes []byte }

// open reads a file.
func open(file *os.File, size int) (mapped, error) {
	bytes := make([]byte, size)
	_, err := io.ReadFull(file, bytes)
	return mapped{bytes}, err
}

func (m mapped) close() error { return nil }
