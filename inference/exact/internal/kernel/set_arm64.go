package kernel

// assembly lists the sets written in assembly. Every arm64 CPU has NEON.
func assembly() []*Set {
	return []*Set{{Name: "neon", product: productGo, Vectors: vectorsNEON}}
}

// transposeBlock is nil where there is no assembly for it.
var transposeBlock func(to []float32, stride int, from []float32, fromStride, rows int)
