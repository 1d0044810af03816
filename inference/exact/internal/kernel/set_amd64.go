package kernel

import "golang.org/x/sys/cpu"

// assembly lists the sets of this CPU written in assembly, the fastest first.
func assembly() []*Set {
	var list []*Set
	if !cpu.X86.HasAVX2 {
		return nil
	}
	transposeBlock, packPieces = transposeAVX2, packPiecesAVX2
	stridedRows = map[int]func(to *float32, toStride int, x *float32, xStride int, rows, n int){1: copyRowsAVX2, 2: everySecondRowsAVX2}
	packByteGroups = map[int]func(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int){2: packByteGroups2AVX2, 4: packByteGroups4AVX2}
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512DQ {
		ints, blocks := intsAVX512, blocksAVX2
		if cpu.X86.HasAVX512VNNI {
			ints, blocks = intsAVX512Dots4, blocksDots
		}
		list = append(list, &Set{Name: "avx512", product: productAVX512, ints: ints, blocks: blocks, floats: dequantiseAVX2, bytes: bytesAVX2, taps: tapsAVX2, Vectors: vectorsAVX512})
	}
	return append(list, &Set{Name: "avx2", product: productAVX2, ints: intsAVX2, blocks: blocksAVX2, floats: dequantiseAVX2, bytes: bytesAVX2, taps: tapsAVX2, Vectors: vectorsAVX2})
}

// transposeBlock copies eight columns of a matrix, each contiguous, into rows: a multiple of eight of them. Nil where
// the CPU has no routine for it.
var transposeBlock func(to []float32, stride int, from []float32, fromStride, rows int)
