package kernel

import "golang.org/x/sys/cpu"

// assembly lists the sets of this CPU written in assembly: every arm64 has NEON, some have dot products of bytes.
func assembly() []*Set {
	packPieces = packPiecesNEON
	stridedRows = map[int]func(to *float32, toStride int, x *float32, xStride int, rows, n int){2: everySecondRowsNEON}
	packByteGroups = map[int]func(to, x *byte, rows *int, groups int, pieces *Run, n int, flip int){4: packByteGroups4NEON}
	ints, blocks := intsPair, blocksPair
	if cpu.ARM64.HasASIMDDP {
		ints, blocks = intsDot, blocksDot
	}
	return []*Set{{Name: "neon", product: productNEON, ints: ints, blocks: blocks, floats: dequantiseGo, bytes: bytesGo, taps: tapsNEON, Vectors: vectorsNEON}}
}

// transposeBlock is nil where there is no assembly for it.
var transposeBlock func(to []float32, stride int, from []float32, fromStride, rows int)

func onePanel(int) int { return 1 }

var (
	productNEON = productKernel{strip: stripNEON, panels: onePanel}
	intsDot     = intKernel{group: 4, form: signedRows, strip: intStripDot, panels: onePanel}
	intsPair    = intKernel{group: 4, form: signedRows, strip: intStripPair, panels: onePanel}
)

func stripNEON(s *strip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 4)
		s.place(&t, i, rows)
		switch rows {
		case 1:
			neonTile1(&t)
		case 2:
			neonTile2(&t)
		case 3:
			neonTile3(&t)
		case 4:
			neonTile4(&t)
		}
		i += rows
	}
}

func intStripDot(s *intStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 4)
		s.place(&t, i, rows)
		switch rows {
		case 1:
			neonDot1(&t)
		case 2:
			neonDot2(&t)
		case 3:
			neonDot3(&t)
		case 4:
			neonDot4(&t)
		}
		i += rows
	}
}

func intStripPair(s *intStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 2)
		s.place(&t, i, rows)
		switch rows {
		case 1:
			neonPair1(&t)
		case 2:
			neonPair2(&t)
		}
		i += rows
	}
}

func blocksDot(s *blockStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 2)
		s.place(&t, i)
		switch s.bits<<4 | rows {
		case 0x41:
			neonDotBlocks4x1(&t)
		case 0x42:
			neonDotBlocks4x2(&t)
		case 0x81:
			neonDotBlocks8x1(&t)
		case 0x82:
			neonDotBlocks8x2(&t)
		}
		i += rows
	}
}

func blocksPair(s *blockStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 2)
		s.place(&t, i)
		switch s.bits<<4 | rows {
		case 0x41:
			neonPairBlocks4x1(&t)
		case 0x42:
			neonPairBlocks4x2(&t)
		case 0x81:
			neonPairBlocks8x1(&t)
		case 0x82:
			neonPairBlocks8x2(&t)
		}
		i += rows
	}
}

//go:noescape
func neonTile1(t *tile)

//go:noescape
func neonTile2(t *tile)

//go:noescape
func neonTile3(t *tile)

//go:noescape
func neonTile4(t *tile)

//go:noescape
func neonDot1(t *tile)

//go:noescape
func neonDot2(t *tile)

//go:noescape
func neonDot3(t *tile)

//go:noescape
func neonDot4(t *tile)

//go:noescape
func neonPair1(t *tile)

//go:noescape
func neonPair2(t *tile)

//go:noescape
func neonDotBlocks4x1(t *blockTile)

//go:noescape
func neonDotBlocks4x2(t *blockTile)

//go:noescape
func neonDotBlocks8x1(t *blockTile)

//go:noescape
func neonDotBlocks8x2(t *blockTile)

//go:noescape
func neonPairBlocks4x1(t *blockTile)

//go:noescape
func neonPairBlocks4x2(t *blockTile)

//go:noescape
func neonPairBlocks8x1(t *blockTile)

//go:noescape
func neonPairBlocks8x2(t *blockTile)
