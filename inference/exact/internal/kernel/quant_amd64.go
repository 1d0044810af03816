package kernel

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

//go:noescape
func avx2Floats4(out *float32, w *byte, blocks, steps int)

//go:noescape
func avx2Floats8(out *float32, w *byte, blocks, steps int)

func dequantiseAVX2(out []float32, w []byte, block, bits int) {
	blocks := len(out) / (block * panelWidth)
	if blocks == 0 {
		return
	}
	_ = w[blocks*(block*panelWidth*bits/8+5*panelWidth)-1]
	if bits == 4 {
		avx2Floats4(&out[0], &w[0], blocks, block/8)
	} else {
		avx2Floats8(&out[0], &w[0], blocks, block/4)
	}
}
