package kernel

import "unsafe"

// blockTile is what the assembly of one block-quantised tile reads; strides are in bytes. The generator in asm knows
// its layout.
type blockTile struct {
	c      unsafe.Pointer
	ldc    uintptr
	q      unsafe.Pointer
	ldq    uintptr
	scales unsafe.Pointer
	lds    uintptr // of scales and sums
	sums   unsafe.Pointer
	panel  unsafe.Pointer
	blocks int
	steps  int // of a block
}

// tile describes row i of a strip, after a check of everything that the assembly will touch.
func (s *blockStrip) tile() blockTile {
	_ = s.c[(s.m-1)*s.ldc+panelWidth-1]
	_ = s.q[s.m*s.blocks*s.block-1]
	_, _ = s.scales[s.m*s.blocks-1], s.sums[s.m*s.blocks-1]
	_ = s.panel[s.blocks*(s.block*panelWidth*s.bits/8+5*panelWidth)-1]
	return blockTile{
		ldc: uintptr(4 * s.ldc), ldq: uintptr(s.blocks * s.block), lds: uintptr(4 * s.blocks),
		panel: unsafe.Pointer(&s.panel[0]), blocks: s.blocks, steps: s.block * s.bits / 32,
	}
}

func (s *blockStrip) place(t *blockTile, i int) {
	t.c, t.q = unsafe.Pointer(&s.c[i*s.ldc]), unsafe.Pointer(&s.q[i*s.blocks*s.block])
	t.scales, t.sums = unsafe.Pointer(&s.scales[i*s.blocks]), unsafe.Pointer(&s.sums[i*s.blocks])
}

func blocksAVX2(s *blockStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 4)
		s.place(&t, i)
		switch s.bits<<4 | rows {
		case 0x41:
			avx2Blocks4x1(&t)
		case 0x42:
			avx2Blocks4x2(&t)
		case 0x43:
			avx2Blocks4x3(&t)
		case 0x44:
			avx2Blocks4x4(&t)
		case 0x81:
			avx2Blocks8x1(&t)
		case 0x82:
			avx2Blocks8x2(&t)
		case 0x83:
			avx2Blocks8x3(&t)
		case 0x84:
			avx2Blocks8x4(&t)
		default:
			panic("kernel: no such tile")
		}
		i += rows
	}
}

func blocksDots(s *blockStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 4)
		s.place(&t, i)
		switch s.bits<<4 | rows {
		case 0x41:
			avx512Blocks4x1(&t)
		case 0x42:
			avx512Blocks4x2(&t)
		case 0x43:
			avx512Blocks4x3(&t)
		case 0x44:
			avx512Blocks4x4(&t)
		case 0x81:
			avx512Blocks8x1(&t)
		case 0x82:
			avx512Blocks8x2(&t)
		case 0x83:
			avx512Blocks8x3(&t)
		case 0x84:
			avx512Blocks8x4(&t)
		default:
			panic("kernel: no such tile")
		}
		i += rows
	}
}

//go:noescape
func avx2Blocks4x1(t *blockTile)

//go:noescape
func avx2Blocks4x2(t *blockTile)

//go:noescape
func avx2Blocks4x3(t *blockTile)

//go:noescape
func avx2Blocks4x4(t *blockTile)

//go:noescape
func avx2Blocks8x1(t *blockTile)

//go:noescape
func avx2Blocks8x2(t *blockTile)

//go:noescape
func avx2Blocks8x3(t *blockTile)

//go:noescape
func avx2Blocks8x4(t *blockTile)

//go:noescape
func avx512Blocks4x1(t *blockTile)

//go:noescape
func avx512Blocks4x2(t *blockTile)

//go:noescape
func avx512Blocks4x3(t *blockTile)

//go:noescape
func avx512Blocks4x4(t *blockTile)

//go:noescape
func avx512Blocks8x1(t *blockTile)

//go:noescape
func avx512Blocks8x2(t *blockTile)

//go:noescape
func avx512Blocks8x3(t *blockTile)

//go:noescape
func avx512Blocks8x4(t *blockTile)
