package main

import "fmt"

// wordSteps is how many pairs of k a turn of the loop takes.
const wordSteps = 8

// words is C = A·B in integers: a step is a pair of k, of which a row has words and a column bytes. One instruction
// multiplies pairs and adds them.
func (k *kernel) words(rows int) {
	k.fields("c", "ldc", "a", "lda", "b", "", "", "k", "add", "", "terms", "columnSums", "columnZeros")
	k.rowPointers("a", "lda", rows)
	k.unrolled("k", wordSteps, func(steps int) {
		k.terms(rows, steps, "v128.load32_splat offset=%d align=2", "i32x4.dot_i16x8_s i32x4.add", func(step, v int) string {
			return fmt.Sprintf("local.get $b v128.load8x8_s offset=%d align=1", 8*(vectors*step+v))
		})
		k.advance("b", 8*vectors*steps)
	})
	k.line("(if (local.get $add) (then")
	k.sums(rows, func(r, v int, sum string) {
		k.line("(local.set $%s (i32x4.sub (local.get $%[1]s) (i32x4.add", sum)
		for i, columns := range []string{"columnSums", "columnZeros"} {
			k.line("(i32x4.mul (v128.load32_splat offset=%d (local.get $terms)) (v128.load offset=%d align=4 (local.get $%s)))", 8*r+4*i, 16*v, columns)
		}
		k.line(")))")
	})
	k.line("))")
	k.rowPointers("c", "ldc", rows)
	k.sums(rows, func(r, v int, sum string) {
		k.line("(v128.store offset=%d align=4 (local.get $%s) (local.get $%s))", 16*v, row("c", r), sum)
	})
}

// pairs packs rows of bytes, flipped, two by two into a panel of 16 columns and adds them to the sums of the columns.
func pairs() string {
	return function("exact_pairs", []string{"to", "from", "stride", "steps", "sums", "flip"}, func(k *kernel) {
		flip, x, y, both, words := k.local("v128", "flips"), k.local("v128", "x"), k.local("v128", "y"), k.local("v128", "both"), k.local("v128", "words")
		k.line("(local.set $%s (i8x16.splat (local.get $flip)))", flip)
		for v := range vectors {
			k.line("(local.set $%s (v128.load offset=%d align=4 (local.get $sums)))", k.local("v128", "s%d", v), 16*v)
		}
		k.repeat("next", "steps", func() {
			for _, row := range []string{x, y} {
				k.line("(local.set $%s (v128.xor (v128.load align=1 (local.get $from)) (local.get $%s)))", row, flip)
				k.line("(local.set $from (i32.add (local.get $from) (local.get $stride)))")
			}
			for half, lanes := range []string{"0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23", "8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31"} {
				k.line("local.get $to (i8x16.shuffle %s (local.get $%s) (local.get $%s)) local.tee $%s v128.store offset=%d align=1", lanes, x, y, both, 16*half)
				k.line("local.get $%s i16x8.extadd_pairwise_i8x16_s local.set $%s", both, words)
				for i, part := range []string{"low", "high"} {
					k.line("(local.set $s%d (i32x4.add (local.get $s%[1]d) (i32x4.extend_%s_i16x8_s (local.get $%s))))", 2*half+i, part, words)
				}
			}
			k.advance("to", 32)
		})
		for v := range vectors {
			k.line("(v128.store offset=%d align=4 (local.get $sums) (local.get $s%d))", 16*v, v)
		}
	})
}
