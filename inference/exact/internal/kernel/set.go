// Package kernel holds the hot loops of package exact: products of matrices, vector arithmetic and functions, and
// reductions of rows. Each exists in plain Go, which is its definition, and for some CPUs in assembly with the same
// bits. A [Set] is what one CPU can run. The package knows nothing of tensors, graphs or threads.
//
// A product C = A·B takes B as a [Packed] matrix and A as a strided view; [Set.Multiply] computes any rows and any
// panels of columns of C, so that callers cut it over threads or budgets as they like. Each element is the sum of
// its rounded products in ascending k: a sum from +0 for each block of [BlockDepth], the sums of blocks added in
// ascending order. NaN is stored in its one spelling.
package kernel

//go:generate go run ./asm .
//go:generate go run ./watgen .

import "slices"

// Set is everything that one kind of CPU computes with its own instructions. Names differ in speed only.
type Set struct {
	Name    string
	product productKernel
	ints    intKernel
	blocks  func(*blockStrip)
	floats  func(out []float32, w []byte, block, bits int)
	bytes   byteKernel
	taps    func(out, x []float32, offsets []int, weights []float32, bias float32)
	scaled  func(panel []float32, from []byte, stride int, c *scaledColumns) // a whole panel of [Set.PackScaled]; nil for none
	Vectors
}

// sets holds what this CPU can run, the fastest first and the plain Go one last.
var sets = append(assembly(), &Set{Name: "go", product: productGo, ints: intsGo, blocks: blocksGo, floats: dequantiseGo, bytes: bytesGo, taps: tapsGo, Vectors: vectorsGo})

// Names names the sets that this CPU can run, the fastest first; "go" is always the last.
func Names() []string {
	names := make([]string, len(sets))
	for i, k := range sets {
		names[i] = k.Name
	}
	return names
}

// Named finds a set by name; an empty name is the fastest one. Nil when this CPU has none of that name.
func Named(name string) *Set {
	if name == "" {
		return sets[0]
	}
	i := slices.IndexFunc(sets, func(k *Set) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return sets[i]
}
