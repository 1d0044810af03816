//go:build wasip1 && !purego

package kernel

import "unsafe"

// assembly is the kernels of Wasm in the .wat files of this folder, which ic/wasm/link merges. A program for Wasm that is not
// linked so is built with the tag purego.
func assembly() []*Set {
	return []*Set{{
		Name: "simd", product: productSIMD, ints: intsSIMD, blocks: blocksSIMD, floats: dequantiseSIMD, bytes: bytesSIMD, taps: tapsGo, scaled: scaledSIMD,
		Vectors: vectorsSIMD,
	}}
}

// transposeBlock is nil: there is no kernel for it.
var transposeBlock func(to []float32, stride int, from []float32, fromStride, rows int)

func onePanel(int) int { return 1 }

var (
	productSIMD = productKernel{strip: stripSIMD, panels: onePanel}
	intsSIMD    = intKernel{group: 2, form: wideRows, strip: intStripSIMD, panels: onePanel, pairs: pairsSIMD}
)

func stripSIMD(s *strip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := min(s.m-i, 4)
		s.place(&t, i, rows)
		switch rows {
		case 1:
			product1(unsafe.Pointer(&t))
		case 2:
			product2(unsafe.Pointer(&t))
		case 3:
			product3(unsafe.Pointer(&t))
		case 4:
			product4(unsafe.Pointer(&t))
		}
		i += rows
	}
}

func intStripSIMD(s *intStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := min(s.m-i, 4)
		s.place(&t, i, rows)
		switch rows {
		case 1:
			words1(unsafe.Pointer(&t))
		case 2:
			words2(unsafe.Pointer(&t))
		case 3:
			words3(unsafe.Pointer(&t))
		case 4:
			words4(unsafe.Pointer(&t))
		}
		i += rows
	}
}

func scaledSIMD(panel []float32, from []byte, stride int, c *scaledColumns) {
	rows := len(panel) / panelWidth
	_ = from[(rows-1)*stride+panelWidth-1]
	widened(&panel[0], &from[0], uint32(stride), uint32(rows), &c.scales[0], &c.zeros[0], uint32(c.flip))
}

func blocksSIMD(s *blockStrip) {
	t := s.tile()
	for i := 0; i < s.m; {
		rows := min(s.m-i, 2)
		s.place(&t, i)
		switch s.bits<<4 | rows {
		case 0x41:
			blocks4x1(unsafe.Pointer(&t))
		case 0x42:
			blocks4x2(unsafe.Pointer(&t))
		case 0x81:
			blocks8x1(unsafe.Pointer(&t))
		case 0x82:
			blocks8x2(unsafe.Pointer(&t))
		}
		i += rows
	}
}

func dequantiseSIMD(out []float32, w []byte, block, bits int) {
	size := block*panelWidth*bits/8 + 5*panelWidth
	blocks := len(w) / size
	if blocks == 0 {
		return
	}
	_ = out[blocks*block*panelWidth-1]
	if bits == 4 {
		dequantised4(&out[0], &w[0], uint32(blocks), uint32(block/8))
	} else {
		dequantised8(&out[0], &w[0], uint32(blocks), uint32(block/4))
	}
}

func pairsSIMD(panel []byte, sums []int32, from []byte, stride int, flip byte) {
	steps := len(panel) / (2 * panelWidth)
	_, _ = sums[panelWidth-1], from[(2*steps-1)*stride+panelWidth-1]
	pairs(&panel[0], &from[0], uint32(stride), uint32(steps), &sums[0], uint32(flip))
}

//go:wasmimport kernel exact_product1
//go:noescape
func product1(t unsafe.Pointer)

//go:wasmimport kernel exact_product2
//go:noescape
func product2(t unsafe.Pointer)

//go:wasmimport kernel exact_product3
//go:noescape
func product3(t unsafe.Pointer)

//go:wasmimport kernel exact_product4
//go:noescape
func product4(t unsafe.Pointer)

//go:wasmimport kernel exact_words1
//go:noescape
func words1(t unsafe.Pointer)

//go:wasmimport kernel exact_words2
//go:noescape
func words2(t unsafe.Pointer)

//go:wasmimport kernel exact_words3
//go:noescape
func words3(t unsafe.Pointer)

//go:wasmimport kernel exact_words4
//go:noescape
func words4(t unsafe.Pointer)

//go:wasmimport kernel exact_pairs
//go:noescape
func pairs(to, from *byte, stride, steps uint32, sums *int32, flip uint32)

//go:wasmimport kernel exact_widened
//go:noescape
func widened(to *float32, from *byte, stride, rows uint32, scales *float32, zeros *int32, flip uint32)

//go:wasmimport kernel exact_blocks4x1
//go:noescape
func blocks4x1(t unsafe.Pointer)

//go:wasmimport kernel exact_blocks4x2
//go:noescape
func blocks4x2(t unsafe.Pointer)

//go:wasmimport kernel exact_blocks8x1
//go:noescape
func blocks8x1(t unsafe.Pointer)

//go:wasmimport kernel exact_blocks8x2
//go:noescape
func blocks8x2(t unsafe.Pointer)

//go:wasmimport kernel exact_dequantised4
//go:noescape
func dequantised4(out *float32, w *byte, blocks, steps uint32)

//go:wasmimport kernel exact_dequantised8
//go:noescape
func dequantised8(out *float32, w *byte, blocks, steps uint32)
