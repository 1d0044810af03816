package kernel

import "golang.org/x/sys/cpu"

// intSets adds to the sets what the fastest CPUs replace by something better.
func intSets() []*Set {
	list := sets
	if cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VNNI {
		list = append([]*Set{{Name: "avx512 without dot products", ints: intsAVX512, blocks: blocksAVX2, bytes: bytesAVX2}}, sets...)
	}
	return list
}
