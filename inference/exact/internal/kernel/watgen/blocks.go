package main

import "fmt"

// blockRows is how many rows a tile of blocks has at most: it needs two vectors of integer sums for each of floats.
const blockRows = 2

// blocks is C = A·B for B in blocks of few bits. A step is 64 bytes of B: of each column four k of 8 bits, or eight of 4
// bits, the first four in the lower halves. The integer sums of two columns stand in one vector, of each the sums of two
// pairs of k.
func (k *kernel) blocks(bits, rows int) {
	k.fields("c", "ldc", "q", "ldq", "scales", "lds", "sums", "panel", "blocks", "steps")
	k.rowPointers("q", "ldq", rows)
	k.rowPointers("scales", "lds", rows)
	k.rowPointers("sums", "lds", rows)
	step := k.local("i32", "step")
	k.repeat("block", "blocks", func() {
		k.line("(local.set $%s (local.get $steps))", step)
		for r := range rows {
			for h := range 2 * vectors {
				k.line("(local.set $%s (v128.const i32x4 0 0 0 0))", k.local("v128", "d%d%d", r, h))
			}
		}
		k.repeat("step", step, func() {
			if bits == 8 {
				k.step8(rows)
			} else {
				k.step4(rows)
			}
			k.advance("panel", 16*vectors)
		})
		for v := range vectors {
			k.scale(rows, v)
		}
		k.advance("panel", 20*vectors)
		for r := range rows {
			k.advance(row("scales", r), 4)
			k.advance(row("sums", r), 4)
		}
	})
	k.rowPointers("c", "ldc", rows)
	k.sums(rows, func(r, v int, sum string) {
		k.line("local.get $%s local.get $%s", row("c", r), sum)
		k.canonical(sum)
		k.line("v128.store offset=%d align=4", 16*v)
	})
}

// dot adds the products of four k of a row, kept under a name, with two columns that are on the stack.
func (k *kernel) dot(r, half int, rowName string, load func()) {
	k.line("local.get $d%d%d", r, half)
	load()
	k.shared(rowName, fmt.Sprintf("local.get $%s v128.load32_splat offset=%d align=1 i16x8.extend_low_i8x16_s", row("q", r), 4*int(rowName[0]-'x')))
	k.line("i32x4.dot_i16x8_s i32x4.add local.set $d%d%d", r, half)
}

func (k *kernel) step8(rows int) {
	k.forget()
	for half := range 2 * vectors {
		for r := range rows {
			k.dot(r, half, fmt.Sprintf("x%d", r), func() {
				k.shared(fmt.Sprintf("w%d", half), fmt.Sprintf("local.get $panel v128.load8x8_u offset=%d align=1", 8*half))
			})
		}
	}
	for r := range rows {
		k.advance(row("q", r), 4)
	}
}

func (k *kernel) step4(rows int) {
	k.forget()
	bytes, low, high := k.local("v128", "bytes"), k.local("v128", "low"), k.local("v128", "high")
	for v := range vectors {
		k.line("local.get $panel v128.load offset=%d align=1 local.tee $%s", 16*v, bytes)
		k.line("v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f v128.and local.set $%s", low)
		k.line("local.get $%s i32.const 4 i8x16.shr_u local.set $%s", bytes, high)
		for half, from := range []string{"low", "high"} {
			for i, nibbles := range []string{low, high} {
				words := k.local("v128", "words")
				k.line("local.get $%s i16x8.extend_%s_i8x16_u local.set $%s", nibbles, from, words)
				for r := range rows {
					k.dot(r, 2*v+half, fmt.Sprintf("%c%d", 'x'+i, r), func() { k.line("local.get $%s", words) })
				}
			}
		}
	}
	for r := range rows {
		k.advance(row("q", r), 8)
	}
}

// scale adds what a block gives to the sums of four columns: float32(dot - zero · sum of q) · (scale · scale).
func (k *kernel) scale(rows, v int) {
	zeros, scales := k.local("v128", "zeros"), k.local("v128", "columnScales")
	k.line("local.get $panel v128.load32_zero offset=%d align=1 i16x8.extend_low_i8x16_u i32x4.extend_low_i16x8_u local.set $%s", 16*vectors+4*v, zeros)
	k.line("(local.set $%s (v128.load offset=%d align=1 (local.get $panel)))", scales, 16*v)
	for r := range rows {
		sum := k.local("v128", "s%d%d", r, v)
		k.line("local.get $%s", sum)
		k.line("(i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $d%d%d) (local.get $d%[1]d%[3]d))", r, 2*v, 2*v+1)
		k.line("(i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $d%d%d) (local.get $d%[1]d%[3]d))", r, 2*v, 2*v+1)
		k.line("i32x4.add local.get $%s (v128.load32_splat align=4 (local.get $%s)) i32x4.mul i32x4.sub f32x4.convert_i32x4_s", zeros, row("sums", r))
		k.line("(f32x4.mul (v128.load32_splat align=4 (local.get $%s)) (local.get $%s)) f32x4.mul f32x4.add local.set $%s", row("scales", r), scales, sum)
	}
}

// dequantised writes the floats of whole blocks: the four bytes of a column that stand together are one 32-bit element.
func dequantised(bits int) string {
	return function(fmt.Sprintf("exact_dequantised%d", bits), []string{"out", "panel", "blocks", "steps"}, func(k *kernel) {
		step, word := k.local("i32", "step"), k.local("v128", "word")
		scales := k.local("i32", "scales")
		k.repeat("block", "blocks", func() {
			k.line("(local.set $%s (local.get $steps))", step)
			k.line("(local.set $%s (i32.add (local.get $panel) (i32.shl (local.get $steps) (i32.const 6))))", scales)
			for v := range vectors {
				k.line("(local.set $%s (v128.load offset=%d align=1 (local.get $%s)))", k.local("v128", "scale%d", v), 16*v, scales)
				k.line("local.get $%s v128.load32_zero offset=%d align=1 i16x8.extend_low_i8x16_u i32x4.extend_low_i16x8_u local.set $%s", scales, 16*vectors+4*v, k.local("v128", "zero%d", v))
			}
			k.repeat("step", step, func() {
				for v := range vectors {
					k.line("(local.set $%s (v128.load offset=%d align=1 (local.get $panel)))", word, 16*v)
					for i := range 32 / bits {
						shift := i * bits
						if bits == 4 { // the lower halves of all four first
							shift = i%4*8 + i/4*4
						}
						k.line("local.get $out local.get $%s i32.const %d i32x4.shr_u v128.const i32x4 %[3]d %[3]d %[3]d %[3]d v128.and local.get $zero%[4]d i32x4.sub f32x4.convert_i32x4_s local.get $scale%[4]d f32x4.mul v128.store offset=%[5]d align=4", word, shift, 1<<bits-1, v, 16*vectors*i+16*v)
					}
				}
				k.advance("panel", 16*vectors)
				k.advance("out", 16*vectors*32/bits)
			})
			k.advance("panel", 20*vectors)
		})
	})
}
