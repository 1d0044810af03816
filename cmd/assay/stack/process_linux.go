package stack

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// childAttributes let a child end with its parent, however the parent ends, and keep a
// terminal's Ctrl-C for the parent, which stops the child in order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// ended reports whether no process of that number runs. One that only waits for its parent
// to notice does not run.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	state := bytes.TrimSpace(stat[bytes.LastIndexByte(stat, ')')+1:])
	return len(state) == 0 || state[0] == 'Z' || state[0] == 'X'
}
