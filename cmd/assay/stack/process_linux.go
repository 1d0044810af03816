package stack

import "syscall"

// childAttributes let a child end with its parent, however the parent ends, and keep a
// terminal's Ctrl-C for the parent, which stops the child in order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
