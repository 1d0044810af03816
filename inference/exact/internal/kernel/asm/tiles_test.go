package main

import (
	"fmt"
	"math"
	"testing"
)

type noise uint64

func (s *noise) next() uint32 {
	*s = *s*6364136223846793005 + 1442695040888963407
	return uint32(*s >> 32)
}

func (s *noise) floats(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		if out[i] = float32(int32(s.next())) / (1 << 30); s.next()%40 == 0 {
			out[i] = []float32{float32(math.Inf(1)), float32(math.NaN()), 1e-42, 3e38}[s.next()%4]
		}
	}
	return out
}

func (s *noise) bytes(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(s.next() >> 8)
	}
	return out
}

func canonical(v float32) uint32 {
	if v != v {
		return 0x7fc00000
	}
	return math.Float32bits(v)
}

// shapes are the tiles of 512-bit registers.
func shapes(f func(rows, panels int)) {
	for rows := 1; rows <= 8; rows++ {
		f(rows, 1)
		f(rows, 2)
	}
	f(1, 4)
}

// Tiles of CPUs that the tests may not run on are right instruction by instruction; those of 256 bits, which the
// kernels' own tests run, show that the machine is.
func TestFloatTiles(t *testing.T) {
	for rows := 1; rows <= 6; rows++ {
		floatTile(t, productAVX2(), fmt.Sprintf("avx2Tile%dx1", rows), rows, 1)
	}
	floatTile(t, productAVX2(), "avx2Tile2x2", 2, 2)
	floatTile(t, productAVX2(), "avx2Tile1x4", 1, 4)
	text := productAVX512()
	shapes(func(rows, panels int) { floatTile(t, text, fmt.Sprintf("avx512Tile%dx%d", rows, panels), rows, panels) })
}

func floatTile(t *testing.T, text, name string, rows, panels int) {
	t.Helper()
	s := noise(rows*10 + panels)
	for k := 1; k <= 9; k++ {
		for add := range int64(2) {
			lda, ldc, ldb := k+3, 16*panels+5, 16+int(add)*4
			pitch := ldb*k + 8
			a, b, c := s.floats(rows*lda), s.floats(panels*pitch+16), s.floats(rows*ldc)
			m := newMachine(t)
			at := m.floats(c)
			bAt := m.floats(b)
			argument := m.words(at, int64(4*ldc), m.floats(a), int64(4*lda), bAt, int64(4*ldb), int64(4*pitch), int64(k), add, bAt)
			m.run(text, name, argument)
			for r := range rows {
				for j := range ldc {
					want := math.Float32bits(c[r*ldc+j])
					if j < 16*panels {
						var sum float32
						for x := range k {
							sum += float32(a[r*lda+x] * b[j/16*pitch+x*ldb+j%16])
						}
						if add == 1 {
							sum += c[r*ldc+j]
						}
						want = canonical(sum)
					}
					if got := u32(m.memory[at:], r*ldc+j); got != want {
						t.Fatalf("%s, k %d, add %d: row %d column %d is %x, want %x", name, k, add, r, j, got, want)
					}
				}
			}
		}
	}
}

func TestIntTiles(t *testing.T) {
	words, dots := int8AVX2(), int8AVX512()
	for rows := 1; rows <= 6; rows++ {
		intTile(t, words, fmt.Sprintf("avx2Words%dx1", rows), rows, 1, 2)
	}
	intTile(t, words, "avx2Words2x2", 2, 2, 2)
	intTile(t, words, "avx2Words1x4", 1, 4, 2)
	shapes(func(rows, panels int) {
		intTile(t, dots, fmt.Sprintf("avx512Words%dx%d", rows, panels), rows, panels, 2)
		intTile(t, dots, fmt.Sprintf("avx512Dots%dx%d", rows, panels), rows, panels, 4)
	})
}

// intTile: rows are int16 in groups of two, or uint8 in groups of four.
func intTile(t *testing.T, text, name string, rows, panels, group int) {
	t.Helper()
	s := noise(rows*10 + panels)
	for steps := 1; steps <= 6; steps++ {
		for add := range int64(2) {
			lda, ldc, size := 4*steps, 16*panels+3, 16*group*steps
			a, b := s.bytes(rows*lda), s.bytes(panels*size)
			terms, sums, zeros := s.bytes(8*rows), s.bytes(64*panels), s.bytes(64*panels)
			if group == 2 { // what products of bytes less zero points can be
				for i := 1; i < len(a); i += 2 {
					a[i] = byte(int8(a[i]) >> 7)
				}
			}
			m := newMachine(t)
			at := m.put(make([]byte, 4*rows*ldc))
			bAt := m.put(b)
			argument := m.words(at, int64(4*ldc), m.put(a), int64(lda), bAt, int64(16*group), int64(size), int64(steps), add, bAt,
				m.put(terms), m.put(sums), m.put(zeros))
			m.run(text, name, argument)
			for r := range rows {
				for j := range ldc {
					var want uint32
					if j < 16*panels {
						for x := range steps * group {
							var u int32
							if group == 4 {
								u = int32(a[r*lda+x])
							} else {
								u = i16(a[r*lda:], x)
							}
							want += uint32(u * int32(int8(b[j/16*size+x/group*16*group+j%16*group+x%group])))
						}
						if add == 1 {
							want -= u32(terms, 2*r)*u32(sums, j) + u32(terms, 2*r+1)*u32(zeros, j)
						}
					}
					if got := u32(m.memory[at:], r*ldc+j); got != want {
						t.Fatalf("%s, %d steps, add %d: row %d column %d is %d, want %d", name, steps, add, r, j, int32(got), int32(want))
					}
				}
			}
		}
	}
}

func TestBlockTiles(t *testing.T) {
	text := quantAVX512()
	for rows := 1; rows <= 4; rows++ {
		for _, bits := range []int{4, 8} {
			for _, block := range []int{16, 32, 64} {
				blockTile(t, text, fmt.Sprintf("avx512Blocks%dx%d", bits, rows), rows, bits, block)
			}
		}
	}
}

func blockTile(t *testing.T, text, name string, rows, bits, block int) {
	t.Helper()
	const blocks = 3
	s := noise(rows*100 + bits + block)
	quant := block * 16 * bits / 8
	size := quant + 80
	q, w := s.bytes(rows*blocks*block), s.bytes(blocks*size)
	for b := range blocks {
		for j, v := range s.floats(16) {
			set32(w[b*size+quant:], j, math.Float32bits(v))
		}
	}
	scales, sums := s.floats(rows*blocks), make([]byte, 4*rows*blocks)
	for i := range rows * blocks {
		var sum int32
		for _, v := range q[i*block : (i+1)*block] {
			sum += int32(int8(v))
		}
		set32(sums, i, uint32(sum))
	}
	m := newMachine(t)
	const ldc = 19
	at := m.put(make([]byte, 4*rows*ldc))
	argument := m.words(at, 4*ldc, m.put(q), int64(blocks*block), m.floats(scales), 4*blocks, m.put(sums), m.put(w), blocks, int64(block*bits/32))
	m.run(text, name, argument)
	for r := range rows {
		for j := range 16 {
			var total float32
			for b := range blocks {
				var dot int32
				for x := range block {
					var e int32
					if bits == 8 {
						e = int32(w[b*size+x/4*64+4*j+x%4])
					} else {
						e = int32(w[b*size+x/8*64+4*j+x%4]) >> (x / 4 % 2 * 4) & 15
					}
					dot += int32(int8(q[(r*blocks+b)*block+x])) * (e - int32(w[b*size+quant+64+j]))
				}
				total += float32(float32(dot) * float32(scales[r*blocks+b]*f32(w[b*size+quant:], j)))
			}
			if got := u32(m.memory[at:], r*ldc+j); got != canonical(total) {
				t.Fatalf("%s, blocks of %d: row %d column %d is %x, want %x", name, block, r, j, got, canonical(total))
			}
		}
	}
}
