//go:build !linux

package stack

import (
	"os"
	"syscall"
)

// childAttributes leave the platform's defaults: where a parent's death is not signalled,
// a killed parent leaves its children to the user.
func childAttributes() *syscall.SysProcAttr { return nil }

// ended reports whether no process of that number runs.
func ended(pid int) bool {
	p, err := os.FindProcess(pid)
	return err != nil || p.Signal(syscall.Signal(0)) != nil
}
