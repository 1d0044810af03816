// Command blockgen writes the SHA-256 kernel, with which package ic/kernel/sha256 is
// linked. What surrounds the compression function is plain text here; its 64 rounds are
// written out one by one.
//
// The eight working variables stay in locals and change names instead of places. Message
// words are made four at a time in vectors; a round takes its word, with the round's
// constant already added, from a lane. Three forms save most:
//
//	rotations   a^b^c of three rotations of x is rotr(rotr(rotr(x)^x)^x), one fetch less each
//	majority    ((a^b) & (b^c)) ^ b, and a^b is the next round's b^c
//	vectors     there is no rotation of 32-bit lanes, but a 64-bit lane that holds a word
//	            twice rotates it by a shift
package main

import (
	"flag"
	"fmt"
	"math/big"
	"math/bits"
	"os"
	"strings"
)

func main() {
	out := flag.String("o", "block_gen.wat", "file to write")
	flag.Parse()
	if err := os.WriteFile(*out, []byte(source()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// writer collects lines of instructions.
type writer struct {
	strings.Builder
	k [64]uint32 // the rounds' constants
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.Builder, "    "+format+"\n", args...)
}

// source is the text of the kernel.
func source() string {
	w := &writer{k: constants()}
	w.WriteString(head)
	for _, v := range names {
		w.line("(local.set $%c (i32.load offset=%d (local.get $state)))", v, 4*(v-'a'))
	}
	w.line("(if (i32.eqz (local.get $n)) (then (return)))")
	w.line("loop $next")
	for _, v := range names {
		w.line("(local.set $%c0 (local.get $%c))", v, v)
	}
	w.line("(local.set $bc (i32.xor (local.get $b) (local.get $c)))")
	w.line("local.get $e")
	for t := range 64 {
		w.round(t)
	}
	for _, v := range names {
		w.line("(local.set $%c (i32.add (local.get $%c) (local.get $%c0)))", v, v, v)
	}
	w.line("(local.set $p (i32.add (local.get $p) (i32.const 64)))")
	w.line("(br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))")
	w.line("end")
	for _, v := range names {
		w.line("(i32.store offset=%d (local.get $state) (local.get $%c))", 4*(v-'a'), v)
	}
	w.WriteString("  ))\n")
	return w.String()
}

const names = "abcdefgh"

const head = `;; Code written by blockgen; change that and run go generate.
(module
  (import "canister" "memory" (memory 1))

  ;; Writes the digest of n bytes at p to sum. At tail are 128 bytes to work in.
  (func (export "sha256_sum") (param $sum i32) (param $p i32) (param $n i32) (param $tail i32)
    (local $rest i32) (local $blocks i32)
    (v128.store offset=0 align=1 (local.get $sum) (v128.const i32x4 0x6a09e667 0xbb67ae85 0x3c6ef372 0xa54ff53a))
    (v128.store offset=16 align=1 (local.get $sum) (v128.const i32x4 0x510e527f 0x9b05688c 0x1f83d9ab 0x5be0cd19))
    (call $blocks (local.get $sum) (local.get $p) (i32.shr_u (local.get $n) (i32.const 6)))
    ;; The rest, one bit, zeros, and the length in bits: one block or two.
    (local.set $rest (i32.and (local.get $n) (i32.const 63)))
    (v128.store offset=0 align=1 (local.get $tail) (v128.const i64x2 0 0))
    (v128.store offset=16 align=1 (local.get $tail) (v128.const i64x2 0 0))
    (v128.store offset=32 align=1 (local.get $tail) (v128.const i64x2 0 0))
    (v128.store offset=48 align=1 (local.get $tail) (v128.const i64x2 0 0))
    (v128.store offset=64 align=1 (local.get $tail) (v128.const i64x2 0 0))
    (v128.store offset=80 align=1 (local.get $tail) (v128.const i64x2 0 0))
    (v128.store offset=96 align=1 (local.get $tail) (v128.const i64x2 0 0))
    (v128.store offset=112 align=1 (local.get $tail) (v128.const i64x2 0 0))
    (if (local.get $rest)
      (then
        (memory.copy
          (local.get $tail) (i32.add (local.get $p) (i32.sub (local.get $n) (local.get $rest))) (local.get $rest))))
    (i32.store8 (i32.add (local.get $tail) (local.get $rest)) (i32.const 0x80))
    (local.set $blocks (i32.add (i32.const 1) (i32.ge_u (local.get $rest) (i32.const 56))))
    (v128.store64_lane align=1 0
      (i32.add (local.get $tail) (i32.sub (i32.shl (local.get $blocks) (i32.const 6)) (i32.const 8)))
      (i8x16.swizzle
        (i64x2.splat (i64.shl (i64.extend_i32_u (local.get $n)) (i64.const 3)))
        (v128.const i8x16 7 6 5 4 3 2 1 0 7 6 5 4 3 2 1 0)))
    (call $blocks (local.get $sum) (local.get $tail) (local.get $blocks))
    (call $swap (local.get $sum))
    (call $swap (i32.add (local.get $sum) (i32.const 16))))

  ;; Turns the bytes of four words around.
  (func $swap (param $p i32)
    (v128.store align=1 (local.get $p)
      (i8x16.swizzle (v128.load align=1 (local.get $p)) (v128.const i8x16 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12))))

  ;; The compression function over n blocks of 64 bytes at p. The state is eight words.
  (func $blocks (param $state i32) (param $p i32) (param $n i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32)
    (local $e i32) (local $f i32) (local $g i32) (local $h i32)
    (local $a0 i32) (local $b0 i32) (local $c0 i32) (local $d0 i32)
    (local $e0 i32) (local $f0 i32) (local $g0 i32) (local $h0 i32)
    (local $ab i32) (local $bc i32)    ;; a^b and b^c
    (local $w0 v128) (local $w1 v128)  ;; the last 16 message words
    (local $w2 v128) (local $w3 v128)
    (local $kw v128)                   ;; four words with their constants added
    (local $v v128)
`

// round writes one round. It finds e on the stack, and leaves the next round's there,
// except in the last.
func (w *writer) round(t int) {
	v := func(role int) byte { return names[(role-t%8+8)%8] }
	a, b, d, e, f, g, h := v(0), v(1), v(3), v(4), v(5), v(6), v(7)
	x, y := "ab", "bc"
	if t%2 == 1 {
		x, y = y, x
	}
	w.line(";; round %d", t)
	w.rotations(e, 6, 11, 25)
	w.line("local.get $%c i32.add", h)
	w.line("local.get $%c local.get $%c i32.xor local.get $%c i32.and local.get $%c i32.xor i32.add", f, g, e, g)
	if t%4 == 0 {
		w.words(t / 4)
	} else {
		w.line("local.get $kw")
	}
	w.line("i32x4.extract_lane %d i32.add local.tee $%c", t%4, h)
	keep := "local.tee"
	if t == 63 {
		keep = "local.set"
	}
	w.line("local.get $%c i32.add %s $%c", d, keep, d)
	w.line("local.get $%c", a)
	w.rotations(a, 2, 13, 22)
	w.line("local.get $%c i32.add", h)
	w.line("local.get $%c local.get $%c i32.xor local.tee $%s local.get $%s i32.and local.get $%c i32.xor i32.add", a, b, x, y, b)
	w.line("local.set $%c", h)
}

// rotations replaces x on the stack by the xor of its rotations to the right.
func (w *writer) rotations(x byte, r1, r2, r3 int) {
	w.line("i32.const %d i32.rotr local.get $%c i32.xor i32.const %d i32.rotr local.get $%c i32.xor i32.const %d i32.rotr",
		r3-r2, x, r2-r1, x, r1)
}

// words leaves the message words of rounds 4i to 4i+3 on the stack and in $kw, with the
// rounds' constants added.
func (w *writer) words(i int) {
	if i < 4 {
		w.line("local.get $p v128.load offset=%d align=1", 16*i)
		w.line("v128.const i8x16 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12 i8x16.swizzle")
		w.line("local.tee $w%d", i)
	} else {
		w.schedule(i)
	}
	k := w.k[4*i:]
	w.line("v128.const i32x4 %#08x %#08x %#08x %#08x i32x4.add local.tee $kw", k[0], k[1], k[2], k[3])
}

// schedule leaves the message words 4i to 4i+3 on the stack and in their local, made of
// the sixteen before them.
func (w *writer) schedule(i int) {
	oldest, next, third, last := i%4, (i+1)%4, (i+2)%4, (i+3)%4
	const byOneWord = "4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19"
	w.line("local.get $w%d local.get $w%d i8x16.shuffle %s local.tee $v", oldest, next, byOneWord)
	w.line("i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor")
	w.line("local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor")
	w.line("local.get $v i32.const 3 i32x4.shr_u v128.xor")
	w.line("local.get $w%d i32x4.add", oldest)
	w.line("local.get $w%d local.get $w%d i8x16.shuffle %s i32x4.add", third, last, byOneWord)
	// The last term of words 2 and 3 needs words 0 and 1.
	w.line("local.get $w%d v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle", last)
	w.twoOf()
	w.line("v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w%d", oldest)
	w.line("v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle")
	w.twoOf()
	w.line("v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w%d i32x4.add local.tee $w%d", oldest, oldest)
}

// twoOf replaces two words, each twice in a lane of 64 bits, by rotr 17 ^ rotr 19 ^ shr 10
// of each, in the lanes' lower halves.
func (w *writer) twoOf() {
	w.line("local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor")
	w.line("local.get $v i32.const 10 i32x4.shr_u v128.xor")
}

// constants are the first 32 bits of the fractional parts of the cube roots of the first
// 64 primes.
func constants() (k [64]uint32) {
	for i, p := 0, uint64(2); i < len(k); p++ {
		if !new(big.Int).SetUint64(p).ProbablyPrime(0) {
			continue
		}
		k[i] = cubeRoot(p)
		i++
	}
	return k
}

// cubeRoot is the integer part of 2^32 times the cube root, without what is above 2^32:
// the largest r with r^3 <= p * 2^96.
func cubeRoot(p uint64) uint32 {
	limit := new(big.Int).Lsh(new(big.Int).SetUint64(p), 96)
	var r uint64
	for bit := 34 + bits.Len64(p)/3; bit >= 0; bit-- {
		x := new(big.Int).SetUint64(r | 1<<bit)
		if x.Exp(x, big.NewInt(3), nil).Cmp(limit) <= 0 {
			r |= 1 << bit
		}
	}
	return uint32(r)
}
