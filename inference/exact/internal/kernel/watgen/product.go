package main

import "fmt"

// productSteps is how many k a turn of the loop takes.
const productSteps = 8

// product is C = A·B, or C + A·B, in float32 over one block of k.
func (k *kernel) product(rows int) {
	k.fields("c", "ldc", "a", "lda", "b", "ldb", "", "k", "add")
	k.rowPointers("a", "lda", rows)
	k.unrolled("k", productSteps, func(steps int) { k.productTurn(rows, steps) })
	k.rowPointers("c", "ldc", rows)
	k.line("(if (local.get $add) (then")
	k.sums(rows, func(r, v int, sum string) {
		k.line("(local.set $%s (f32x4.add (v128.load offset=%d align=4 (local.get $%s)) (local.get $%[1]s)))", sum, 16*v, row("c", r))
	})
	k.line("))")
	k.sums(rows, func(r, v int, sum string) {
		k.line("local.get $%s local.get $%s", row("c", r), sum)
		k.canonical(sum)
		k.line("v128.store offset=%d align=4", 16*v)
	})
}

// row is the local that points at a row.
func row(matrix string, r int) string {
	if r == 0 {
		return matrix
	}
	return fmt.Sprintf("%s%d", matrix, r)
}

// rowPointers sets the pointers of the rows after the first.
func (k *kernel) rowPointers(matrix, stride string, rows int) {
	for r := 1; r < rows; r++ {
		k.line("(local.set $%s (i32.add (local.get $%s) (local.get $%s)))", k.local("i32", "%s", row(matrix, r)), row(matrix, r-1), stride)
	}
}

// sums calls f for every vector of sums with its local.
func (k *kernel) sums(rows int, f func(r, v int, sum string)) {
	for r := range rows {
		for v := range vectors {
			f(r, v, k.local("v128", "s%d%d", r, v))
		}
	}
}

// productTurn adds the products of so many k: every sum takes its terms in ascending order.
func (k *kernel) productTurn(rows, steps int) {
	for step := 1; step < steps; step++ {
		k.line("(local.set $%s (i32.add (local.get $%s) (local.get $ldb)))", k.local("i32", "%s", row("b", step)), row("b", step-1))
	}
	k.terms(rows, steps, "v128.load32_splat offset=%d align=4", "f32x4.mul f32x4.add", func(step, v int) string {
		return fmt.Sprintf("local.get $%s v128.load offset=%d align=4", row("b", step), 16*v)
	})
	k.line("(local.set $b (i32.add (local.get $%s) (local.get $ldb)))", row("b", steps-1))
}

// terms adds so many terms to every sum; a and b load the operands of one step, of which a row and a column have one for
// all. A step of a row takes four bytes.
func (k *kernel) terms(rows, steps int, a, add string, b func(step, v int) string) {
	k.forget()
	for v := range vectors {
		for r := range rows {
			sum := k.local("v128", "s%d%d", r, v)
			k.line("local.get $%s", sum)
			for step := range steps {
				k.shared(fmt.Sprintf("x%d%d", r, step), fmt.Sprintf("local.get $%s "+a, row("a", r), 4*step))
				if rows == 1 {
					k.line("%s", b(step, v))
				} else {
					k.shared(fmt.Sprintf("y%d%d", v, step), b(step, v))
				}
				k.line("%s", add)
			}
			k.line("local.set $%s", sum)
		}
	}
	for r := range rows {
		k.advance(row("a", r), 4*steps)
	}
}

// canonical gives NaNs of the vector on the stack, which is also in a local, their one spelling.
func (k *kernel) canonical(v string) {
	k.line("v128.const i32x4 0x7fc00000 0x7fc00000 0x7fc00000 0x7fc00000 local.get $%s local.get $%[1]s f32x4.eq v128.bitselect", v)
}

// widened writes rows of a panel as floats: bytes, flipped and then signed, less a zero point, times a scale.
func widened() string {
	return function("exact_widened", []string{"to", "from", "stride", "rows", "scales", "zeros", "flip"}, func(k *kernel) {
		flip := k.local("v128", "flips")
		k.line("(local.set $%s (i8x16.splat (local.get $flip)))", flip)
		for v := range vectors {
			k.line("(local.set $%s (v128.load offset=%d align=4 (local.get $scales)))", k.local("v128", "scale%d", v), 16*v)
			k.line("(local.set $%s (v128.load offset=%d align=4 (local.get $zeros)))", k.local("v128", "zero%d", v), 16*v)
		}
		bytes, words, x := k.local("v128", "bytes"), k.local("v128", "words"), k.local("v128", "x")
		k.repeat("next", "rows", func() {
			for v := range vectors {
				k.line("local.get $to")
				switch v {
				case 0:
					k.line("local.get $from v128.load align=1 local.get $%s v128.xor local.tee $%s i16x8.extend_low_i8x16_s local.tee $%s", flip, bytes, words)
				case 2:
					k.line("local.get $%s i16x8.extend_high_i8x16_s local.tee $%s", bytes, words)
				default:
					k.line("local.get $%s", words)
				}
				k.line("i32x4.extend_%s_i16x8_s local.get $zero%d i32x4.sub f32x4.convert_i32x4_s local.get $scale%[2]d f32x4.mul local.tee $%s", [2]string{"low", "high"}[v%2], v, x)
				k.canonical(x)
				k.line("v128.store offset=%d align=4", 16*v)
			}
			k.advance("to", 16*vectors)
			k.line("(local.set $from (i32.add (local.get $from) (local.get $stride)))")
		})
	})
}
