package kernel

import "golang.org/x/sys/cpu"

// intSets adds to the sets what CPUs with dot products replace by something better.
func intSets() []*Set {
	list := sets
	if cpu.ARM64.HasASIMDDP {
		list = append([]*Set{{Name: "neon without dot products", ints: intsPair, blocks: blocksPair, bytes: bytesGo}}, sets...)
	}
	return list
}
