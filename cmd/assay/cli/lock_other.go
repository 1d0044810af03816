//go:build !unix

package cli

import "os"

// lock does nothing where advisory locks are missing: there it is the user who starts one
// stack per folder.
func lock(*os.File) error { return nil }
