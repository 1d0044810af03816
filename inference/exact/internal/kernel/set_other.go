//go:build !amd64 && !arm64 && !(wasip1 && !purego)

package kernel

// assembly is empty: on this architecture the Go twin is the only kernel.
func assembly() []*Set { return nil }

// transposeBlock is nil where there is no assembly for it.
var transposeBlock func(to []float32, stride int, from []float32, fromStride, rows int)
