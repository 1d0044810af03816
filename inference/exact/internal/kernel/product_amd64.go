package kernel

var productAVX2 = productKernel{strip: stripAVX2, panels: func(m int) int {
	switch m {
	case 1:
		return 4
	case 2:
		return 2
	}
	return 1
}}

func stripAVX2(s *strip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 6)
		s.place(&t, i, rows)
		switch s.width<<4 | rows {
		case 0x11:
			avx2Tile1x1(&t)
		case 0x12:
			avx2Tile2x1(&t)
		case 0x13:
			avx2Tile3x1(&t)
		case 0x14:
			avx2Tile4x1(&t)
		case 0x15:
			avx2Tile5x1(&t)
		case 0x16:
			avx2Tile6x1(&t)
		case 0x21:
			avx2Tile1x2(&t)
		case 0x22:
			avx2Tile2x2(&t)
		case 0x41:
			avx2Tile1x4(&t)
		default:
			panic("kernel: no such tile")
		}
		i += rows
	}
}

var productAVX512 = productKernel{strip: stripAVX512, panels: func(m int) int {
	if m == 1 {
		return 4
	}
	return 2
}}

func stripAVX512(s *strip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 8)
		s.place(&t, i, rows)
		switch s.width<<4 | rows {
		case 0x11:
			avx512Tile1x1(&t)
		case 0x12:
			avx512Tile2x1(&t)
		case 0x13:
			avx512Tile3x1(&t)
		case 0x14:
			avx512Tile4x1(&t)
		case 0x15:
			avx512Tile5x1(&t)
		case 0x16:
			avx512Tile6x1(&t)
		case 0x17:
			avx512Tile7x1(&t)
		case 0x18:
			avx512Tile8x1(&t)
		case 0x21:
			avx512Tile1x2(&t)
		case 0x22:
			avx512Tile2x2(&t)
		case 0x23:
			avx512Tile3x2(&t)
		case 0x24:
			avx512Tile4x2(&t)
		case 0x25:
			avx512Tile5x2(&t)
		case 0x26:
			avx512Tile6x2(&t)
		case 0x27:
			avx512Tile7x2(&t)
		case 0x28:
			avx512Tile8x2(&t)
		case 0x41:
			avx512Tile1x4(&t)
		default:
			panic("kernel: no such tile")
		}
		i += rows
	}
}

//go:noescape
func transpose8avx2(to *float32, stride uintptr, from *float32, fromStride uintptr, rows int)

func transposeAVX2(to []float32, stride int, from []float32, fromStride, rows int) {
	_, _ = to[(rows-1)*stride+7], from[7*fromStride+rows-1]
	transpose8avx2(&to[0], uintptr(4*stride), &from[0], uintptr(4*fromStride), rows)
}

//go:noescape
func avx2Tile1x1(t *tile)

//go:noescape
func avx2Tile2x1(t *tile)

//go:noescape
func avx2Tile3x1(t *tile)

//go:noescape
func avx2Tile4x1(t *tile)

//go:noescape
func avx2Tile5x1(t *tile)

//go:noescape
func avx2Tile6x1(t *tile)

//go:noescape
func avx2Tile1x2(t *tile)

//go:noescape
func avx2Tile2x2(t *tile)

//go:noescape
func avx2Tile1x4(t *tile)

//go:noescape
func avx512Tile1x1(t *tile)

//go:noescape
func avx512Tile2x1(t *tile)

//go:noescape
func avx512Tile3x1(t *tile)

//go:noescape
func avx512Tile4x1(t *tile)

//go:noescape
func avx512Tile5x1(t *tile)

//go:noescape
func avx512Tile6x1(t *tile)

//go:noescape
func avx512Tile7x1(t *tile)

//go:noescape
func avx512Tile8x1(t *tile)

//go:noescape
func avx512Tile1x2(t *tile)

//go:noescape
func avx512Tile2x2(t *tile)

//go:noescape
func avx512Tile3x2(t *tile)

//go:noescape
func avx512Tile4x2(t *tile)

//go:noescape
func avx512Tile5x2(t *tile)

//go:noescape
func avx512Tile6x2(t *tile)

//go:noescape
func avx512Tile7x2(t *tile)

//go:noescape
func avx512Tile8x2(t *tile)

//go:noescape
func avx512Tile1x4(t *tile)
