//go:build unix

package cli

import (
	"os"
	"syscall"
)

// lock takes the file's lock without waiting; it ends with the process at the latest.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
