//go:build !linux

package stack

import "syscall"

// childAttributes leave the platform's defaults: where a parent's death is not signalled,
// a killed parent leaves its children to the user.
func childAttributes() *syscall.SysProcAttr { return nil }
