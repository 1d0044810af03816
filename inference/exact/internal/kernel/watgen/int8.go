package main

import "fmt"

// wordSteps is how many pairs of k a turn of the loop takes.
const wordSteps = 4

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
