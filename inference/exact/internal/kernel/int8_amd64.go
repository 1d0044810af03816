package kernel

// Words of 16 bits: a multiply of pairs, whose sum fits 32 bits exactly, and an add.
var (
	intsAVX2        = intKernel{group: 2, form: wideRows, strip: intStripAVX2, panels: productAVX2.panels}
	intsAVX512      = intKernel{group: 2, form: wideRows, strip: intStripAVX512, panels: productAVX512.panels}
	intsAVX512Dots4 = intKernel{group: 4, form: unsignedRows, strip: intStripDots, panels: productAVX512.panels}
)

func intStripAVX2(s *intStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 6)
		s.place(&t, i, rows)
		switch s.width<<4 | rows {
		case 0x11:
			avx2Words1x1(&t)
		case 0x12:
			avx2Words2x1(&t)
		case 0x13:
			avx2Words3x1(&t)
		case 0x14:
			avx2Words4x1(&t)
		case 0x15:
			avx2Words5x1(&t)
		case 0x16:
			avx2Words6x1(&t)
		case 0x21:
			avx2Words1x2(&t)
		case 0x22:
			avx2Words2x2(&t)
		case 0x41:
			avx2Words1x4(&t)
		default:
			panic("kernel: no such tile")
		}
		i += rows
	}
}

func intStripAVX512(s *intStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 8)
		s.place(&t, i, rows)
		switch s.width<<4 | rows {
		case 0x11:
			avx512Words1x1(&t)
		case 0x12:
			avx512Words2x1(&t)
		case 0x13:
			avx512Words3x1(&t)
		case 0x14:
			avx512Words4x1(&t)
		case 0x15:
			avx512Words5x1(&t)
		case 0x16:
			avx512Words6x1(&t)
		case 0x17:
			avx512Words7x1(&t)
		case 0x18:
			avx512Words8x1(&t)
		case 0x21:
			avx512Words1x2(&t)
		case 0x22:
			avx512Words2x2(&t)
		case 0x23:
			avx512Words3x2(&t)
		case 0x24:
			avx512Words4x2(&t)
		case 0x25:
			avx512Words5x2(&t)
		case 0x26:
			avx512Words6x2(&t)
		case 0x27:
			avx512Words7x2(&t)
		case 0x28:
			avx512Words8x2(&t)
		case 0x41:
			avx512Words1x4(&t)
		default:
			panic("kernel: no such tile")
		}
		i += rows
	}
}

func intStripDots(s *intStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := tileRows(s.m-i, 8)
		s.place(&t, i, rows)
		switch s.width<<4 | rows {
		case 0x11:
			avx512Dots1x1(&t)
		case 0x12:
			avx512Dots2x1(&t)
		case 0x13:
			avx512Dots3x1(&t)
		case 0x14:
			avx512Dots4x1(&t)
		case 0x15:
			avx512Dots5x1(&t)
		case 0x16:
			avx512Dots6x1(&t)
		case 0x17:
			avx512Dots7x1(&t)
		case 0x18:
			avx512Dots8x1(&t)
		case 0x21:
			avx512Dots1x2(&t)
		case 0x22:
			avx512Dots2x2(&t)
		case 0x23:
			avx512Dots3x2(&t)
		case 0x24:
			avx512Dots4x2(&t)
		case 0x25:
			avx512Dots5x2(&t)
		case 0x26:
			avx512Dots6x2(&t)
		case 0x27:
			avx512Dots7x2(&t)
		case 0x28:
			avx512Dots8x2(&t)
		case 0x41:
			avx512Dots1x4(&t)
		default:
			panic("kernel: no such tile")
		}
		i += rows
	}
}

//go:noescape
func avx2Words1x1(t *tile)

//go:noescape
func avx2Words2x1(t *tile)

//go:noescape
func avx2Words3x1(t *tile)

//go:noescape
func avx2Words4x1(t *tile)

//go:noescape
func avx2Words5x1(t *tile)

//go:noescape
func avx2Words6x1(t *tile)

//go:noescape
func avx2Words1x2(t *tile)

//go:noescape
func avx2Words2x2(t *tile)

//go:noescape
func avx2Words1x4(t *tile)

//go:noescape
func avx512Words1x1(t *tile)

//go:noescape
func avx512Words2x1(t *tile)

//go:noescape
func avx512Words3x1(t *tile)

//go:noescape
func avx512Words4x1(t *tile)

//go:noescape
func avx512Words5x1(t *tile)

//go:noescape
func avx512Words6x1(t *tile)

//go:noescape
func avx512Words7x1(t *tile)

//go:noescape
func avx512Words8x1(t *tile)

//go:noescape
func avx512Words1x2(t *tile)

//go:noescape
func avx512Words2x2(t *tile)

//go:noescape
func avx512Words3x2(t *tile)

//go:noescape
func avx512Words4x2(t *tile)

//go:noescape
func avx512Words5x2(t *tile)

//go:noescape
func avx512Words6x2(t *tile)

//go:noescape
func avx512Words7x2(t *tile)

//go:noescape
func avx512Words8x2(t *tile)

//go:noescape
func avx512Words1x4(t *tile)

//go:noescape
func avx512Dots1x1(t *tile)

//go:noescape
func avx512Dots2x1(t *tile)

//go:noescape
func avx512Dots3x1(t *tile)

//go:noescape
func avx512Dots4x1(t *tile)

//go:noescape
func avx512Dots5x1(t *tile)

//go:noescape
func avx512Dots6x1(t *tile)

//go:noescape
func avx512Dots7x1(t *tile)

//go:noescape
func avx512Dots8x1(t *tile)

//go:noescape
func avx512Dots1x2(t *tile)

//go:noescape
func avx512Dots2x2(t *tile)

//go:noescape
func avx512Dots3x2(t *tile)

//go:noescape
func avx512Dots4x2(t *tile)

//go:noescape
func avx512Dots5x2(t *tile)

//go:noescape
func avx512Dots6x2(t *tile)

//go:noescape
func avx512Dots7x2(t *tile)

//go:noescape
func avx512Dots8x2(t *tile)

//go:noescape
func avx512Dots1x4(t *tile)
