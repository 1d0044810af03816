//go:build !amd64

package exact

// assembly is empty: on this architecture the Go twin is the only kernel.
func assembly() []*kernel { return nil }
