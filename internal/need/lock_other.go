//go:build !unix

package need

// lockFile is a no-op where advisory locks are missing: run one test process at a time there.
func lockFile(string) (unlock func(), err error) { return func() {}, nil }
