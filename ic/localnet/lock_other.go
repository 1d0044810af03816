//go:build !unix

package localnet

import (
	"os"
	"path/filepath"
)

// lockFile takes no lock where advisory locks are missing: there it is the user who
// starts one network per folder.
func lockFile(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
}
