//go:build !amd64

package kernel

// assembly is empty: on this architecture the Go twin is the only kernel.
func assembly() []*Set { return nil }
