;; Code written by blockgen; change that and run go generate.
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
    (local.set $a (i32.load offset=0 (local.get $state)))
    (local.set $b (i32.load offset=4 (local.get $state)))
    (local.set $c (i32.load offset=8 (local.get $state)))
    (local.set $d (i32.load offset=12 (local.get $state)))
    (local.set $e (i32.load offset=16 (local.get $state)))
    (local.set $f (i32.load offset=20 (local.get $state)))
    (local.set $g (i32.load offset=24 (local.get $state)))
    (local.set $h (i32.load offset=28 (local.get $state)))
    (if (i32.eqz (local.get $n)) (then (return)))
    loop $next
    (local.set $a0 (local.get $a))
    (local.set $b0 (local.get $b))
    (local.set $c0 (local.get $c))
    (local.set $d0 (local.get $d))
    (local.set $e0 (local.get $e))
    (local.set $f0 (local.get $f))
    (local.set $g0 (local.get $g))
    (local.set $h0 (local.get $h))
    (local.set $bc (i32.xor (local.get $b) (local.get $c)))
    local.get $e
    ;; round 0
    i32.const 14 i32.rotr local.get $e i32.xor i32.const 5 i32.rotr local.get $e i32.xor i32.const 6 i32.rotr
    local.get $h i32.add
    local.get $f local.get $g i32.xor local.get $e i32.and local.get $g i32.xor i32.add
    local.get $p v128.load offset=0 align=1
    v128.const i8x16 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12 i8x16.swizzle
    local.tee $w0
    v128.const i32x4 0x428a2f98 0x71374491 0xb5c0fbcf 0xe9b5dba5 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $h
    local.get $d i32.add local.tee $d
    local.get $a
    i32.const 9 i32.rotr local.get $a i32.xor i32.const 11 i32.rotr local.get $a i32.xor i32.const 2 i32.rotr
    local.get $h i32.add
    local.get $a local.get $b i32.xor local.tee $ab local.get $bc i32.and local.get $b i32.xor i32.add
    local.set $h
    ;; round 1
    i32.const 14 i32.rotr local.get $d i32.xor i32.const 5 i32.rotr local.get $d i32.xor i32.const 6 i32.rotr
    local.get $g i32.add
    local.get $e local.get $f i32.xor local.get $d i32.and local.get $f i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $g
    local.get $c i32.add local.tee $c
    local.get $h
    i32.const 9 i32.rotr local.get $h i32.xor i32.const 11 i32.rotr local.get $h i32.xor i32.const 2 i32.rotr
    local.get $g i32.add
    local.get $h local.get $a i32.xor local.tee $bc local.get $ab i32.and local.get $a i32.xor i32.add
    local.set $g
    ;; round 2
    i32.const 14 i32.rotr local.get $c i32.xor i32.const 5 i32.rotr local.get $c i32.xor i32.const 6 i32.rotr
    local.get $f i32.add
    local.get $d local.get $e i32.xor local.get $c i32.and local.get $e i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $f
    local.get $b i32.add local.tee $b
    local.get $g
    i32.const 9 i32.rotr local.get $g i32.xor i32.const 11 i32.rotr local.get $g i32.xor i32.const 2 i32.rotr
    local.get $f i32.add
    local.get $g local.get $h i32.xor local.tee $ab local.get $bc i32.and local.get $h i32.xor i32.add
    local.set $f
    ;; round 3
    i32.const 14 i32.rotr local.get $b i32.xor i32.const 5 i32.rotr local.get $b i32.xor i32.const 6 i32.rotr
    local.get $e i32.add
    local.get $c local.get $d i32.xor local.get $b i32.and local.get $d i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $e
    local.get $a i32.add local.tee $a
    local.get $f
    i32.const 9 i32.rotr local.get $f i32.xor i32.const 11 i32.rotr local.get $f i32.xor i32.const 2 i32.rotr
    local.get $e i32.add
    local.get $f local.get $g i32.xor local.tee $bc local.get $ab i32.and local.get $g i32.xor i32.add
    local.set $e
    ;; round 4
    i32.const 14 i32.rotr local.get $a i32.xor i32.const 5 i32.rotr local.get $a i32.xor i32.const 6 i32.rotr
    local.get $d i32.add
    local.get $b local.get $c i32.xor local.get $a i32.and local.get $c i32.xor i32.add
    local.get $p v128.load offset=16 align=1
    v128.const i8x16 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12 i8x16.swizzle
    local.tee $w1
    v128.const i32x4 0x3956c25b 0x59f111f1 0x923f82a4 0xab1c5ed5 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $d
    local.get $h i32.add local.tee $h
    local.get $e
    i32.const 9 i32.rotr local.get $e i32.xor i32.const 11 i32.rotr local.get $e i32.xor i32.const 2 i32.rotr
    local.get $d i32.add
    local.get $e local.get $f i32.xor local.tee $ab local.get $bc i32.and local.get $f i32.xor i32.add
    local.set $d
    ;; round 5
    i32.const 14 i32.rotr local.get $h i32.xor i32.const 5 i32.rotr local.get $h i32.xor i32.const 6 i32.rotr
    local.get $c i32.add
    local.get $a local.get $b i32.xor local.get $h i32.and local.get $b i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $c
    local.get $g i32.add local.tee $g
    local.get $d
    i32.const 9 i32.rotr local.get $d i32.xor i32.const 11 i32.rotr local.get $d i32.xor i32.const 2 i32.rotr
    local.get $c i32.add
    local.get $d local.get $e i32.xor local.tee $bc local.get $ab i32.and local.get $e i32.xor i32.add
    local.set $c
    ;; round 6
    i32.const 14 i32.rotr local.get $g i32.xor i32.const 5 i32.rotr local.get $g i32.xor i32.const 6 i32.rotr
    local.get $b i32.add
    local.get $h local.get $a i32.xor local.get $g i32.and local.get $a i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $b
    local.get $f i32.add local.tee $f
    local.get $c
    i32.const 9 i32.rotr local.get $c i32.xor i32.const 11 i32.rotr local.get $c i32.xor i32.const 2 i32.rotr
    local.get $b i32.add
    local.get $c local.get $d i32.xor local.tee $ab local.get $bc i32.and local.get $d i32.xor i32.add
    local.set $b
    ;; round 7
    i32.const 14 i32.rotr local.get $f i32.xor i32.const 5 i32.rotr local.get $f i32.xor i32.const 6 i32.rotr
    local.get $a i32.add
    local.get $g local.get $h i32.xor local.get $f i32.and local.get $h i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $a
    local.get $e i32.add local.tee $e
    local.get $b
    i32.const 9 i32.rotr local.get $b i32.xor i32.const 11 i32.rotr local.get $b i32.xor i32.const 2 i32.rotr
    local.get $a i32.add
    local.get $b local.get $c i32.xor local.tee $bc local.get $ab i32.and local.get $c i32.xor i32.add
    local.set $a
    ;; round 8
    i32.const 14 i32.rotr local.get $e i32.xor i32.const 5 i32.rotr local.get $e i32.xor i32.const 6 i32.rotr
    local.get $h i32.add
    local.get $f local.get $g i32.xor local.get $e i32.and local.get $g i32.xor i32.add
    local.get $p v128.load offset=32 align=1
    v128.const i8x16 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12 i8x16.swizzle
    local.tee $w2
    v128.const i32x4 0xd807aa98 0x12835b01 0x243185be 0x550c7dc3 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $h
    local.get $d i32.add local.tee $d
    local.get $a
    i32.const 9 i32.rotr local.get $a i32.xor i32.const 11 i32.rotr local.get $a i32.xor i32.const 2 i32.rotr
    local.get $h i32.add
    local.get $a local.get $b i32.xor local.tee $ab local.get $bc i32.and local.get $b i32.xor i32.add
    local.set $h
    ;; round 9
    i32.const 14 i32.rotr local.get $d i32.xor i32.const 5 i32.rotr local.get $d i32.xor i32.const 6 i32.rotr
    local.get $g i32.add
    local.get $e local.get $f i32.xor local.get $d i32.and local.get $f i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $g
    local.get $c i32.add local.tee $c
    local.get $h
    i32.const 9 i32.rotr local.get $h i32.xor i32.const 11 i32.rotr local.get $h i32.xor i32.const 2 i32.rotr
    local.get $g i32.add
    local.get $h local.get $a i32.xor local.tee $bc local.get $ab i32.and local.get $a i32.xor i32.add
    local.set $g
    ;; round 10
    i32.const 14 i32.rotr local.get $c i32.xor i32.const 5 i32.rotr local.get $c i32.xor i32.const 6 i32.rotr
    local.get $f i32.add
    local.get $d local.get $e i32.xor local.get $c i32.and local.get $e i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $f
    local.get $b i32.add local.tee $b
    local.get $g
    i32.const 9 i32.rotr local.get $g i32.xor i32.const 11 i32.rotr local.get $g i32.xor i32.const 2 i32.rotr
    local.get $f i32.add
    local.get $g local.get $h i32.xor local.tee $ab local.get $bc i32.and local.get $h i32.xor i32.add
    local.set $f
    ;; round 11
    i32.const 14 i32.rotr local.get $b i32.xor i32.const 5 i32.rotr local.get $b i32.xor i32.const 6 i32.rotr
    local.get $e i32.add
    local.get $c local.get $d i32.xor local.get $b i32.and local.get $d i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $e
    local.get $a i32.add local.tee $a
    local.get $f
    i32.const 9 i32.rotr local.get $f i32.xor i32.const 11 i32.rotr local.get $f i32.xor i32.const 2 i32.rotr
    local.get $e i32.add
    local.get $f local.get $g i32.xor local.tee $bc local.get $ab i32.and local.get $g i32.xor i32.add
    local.set $e
    ;; round 12
    i32.const 14 i32.rotr local.get $a i32.xor i32.const 5 i32.rotr local.get $a i32.xor i32.const 6 i32.rotr
    local.get $d i32.add
    local.get $b local.get $c i32.xor local.get $a i32.and local.get $c i32.xor i32.add
    local.get $p v128.load offset=48 align=1
    v128.const i8x16 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12 i8x16.swizzle
    local.tee $w3
    v128.const i32x4 0x72be5d74 0x80deb1fe 0x9bdc06a7 0xc19bf174 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $d
    local.get $h i32.add local.tee $h
    local.get $e
    i32.const 9 i32.rotr local.get $e i32.xor i32.const 11 i32.rotr local.get $e i32.xor i32.const 2 i32.rotr
    local.get $d i32.add
    local.get $e local.get $f i32.xor local.tee $ab local.get $bc i32.and local.get $f i32.xor i32.add
    local.set $d
    ;; round 13
    i32.const 14 i32.rotr local.get $h i32.xor i32.const 5 i32.rotr local.get $h i32.xor i32.const 6 i32.rotr
    local.get $c i32.add
    local.get $a local.get $b i32.xor local.get $h i32.and local.get $b i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $c
    local.get $g i32.add local.tee $g
    local.get $d
    i32.const 9 i32.rotr local.get $d i32.xor i32.const 11 i32.rotr local.get $d i32.xor i32.const 2 i32.rotr
    local.get $c i32.add
    local.get $d local.get $e i32.xor local.tee $bc local.get $ab i32.and local.get $e i32.xor i32.add
    local.set $c
    ;; round 14
    i32.const 14 i32.rotr local.get $g i32.xor i32.const 5 i32.rotr local.get $g i32.xor i32.const 6 i32.rotr
    local.get $b i32.add
    local.get $h local.get $a i32.xor local.get $g i32.and local.get $a i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $b
    local.get $f i32.add local.tee $f
    local.get $c
    i32.const 9 i32.rotr local.get $c i32.xor i32.const 11 i32.rotr local.get $c i32.xor i32.const 2 i32.rotr
    local.get $b i32.add
    local.get $c local.get $d i32.xor local.tee $ab local.get $bc i32.and local.get $d i32.xor i32.add
    local.set $b
    ;; round 15
    i32.const 14 i32.rotr local.get $f i32.xor i32.const 5 i32.rotr local.get $f i32.xor i32.const 6 i32.rotr
    local.get $a i32.add
    local.get $g local.get $h i32.xor local.get $f i32.and local.get $h i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $a
    local.get $e i32.add local.tee $e
    local.get $b
    i32.const 9 i32.rotr local.get $b i32.xor i32.const 11 i32.rotr local.get $b i32.xor i32.const 2 i32.rotr
    local.get $a i32.add
    local.get $b local.get $c i32.xor local.tee $bc local.get $ab i32.and local.get $c i32.xor i32.add
    local.set $a
    ;; round 16
    i32.const 14 i32.rotr local.get $e i32.xor i32.const 5 i32.rotr local.get $e i32.xor i32.const 6 i32.rotr
    local.get $h i32.add
    local.get $f local.get $g i32.xor local.get $e i32.and local.get $g i32.xor i32.add
    local.get $w0 local.get $w1 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w0 i32x4.add
    local.get $w2 local.get $w3 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w3 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w0
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w0 i32x4.add local.tee $w0
    v128.const i32x4 0xe49b69c1 0xefbe4786 0x0fc19dc6 0x240ca1cc i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $h
    local.get $d i32.add local.tee $d
    local.get $a
    i32.const 9 i32.rotr local.get $a i32.xor i32.const 11 i32.rotr local.get $a i32.xor i32.const 2 i32.rotr
    local.get $h i32.add
    local.get $a local.get $b i32.xor local.tee $ab local.get $bc i32.and local.get $b i32.xor i32.add
    local.set $h
    ;; round 17
    i32.const 14 i32.rotr local.get $d i32.xor i32.const 5 i32.rotr local.get $d i32.xor i32.const 6 i32.rotr
    local.get $g i32.add
    local.get $e local.get $f i32.xor local.get $d i32.and local.get $f i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $g
    local.get $c i32.add local.tee $c
    local.get $h
    i32.const 9 i32.rotr local.get $h i32.xor i32.const 11 i32.rotr local.get $h i32.xor i32.const 2 i32.rotr
    local.get $g i32.add
    local.get $h local.get $a i32.xor local.tee $bc local.get $ab i32.and local.get $a i32.xor i32.add
    local.set $g
    ;; round 18
    i32.const 14 i32.rotr local.get $c i32.xor i32.const 5 i32.rotr local.get $c i32.xor i32.const 6 i32.rotr
    local.get $f i32.add
    local.get $d local.get $e i32.xor local.get $c i32.and local.get $e i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $f
    local.get $b i32.add local.tee $b
    local.get $g
    i32.const 9 i32.rotr local.get $g i32.xor i32.const 11 i32.rotr local.get $g i32.xor i32.const 2 i32.rotr
    local.get $f i32.add
    local.get $g local.get $h i32.xor local.tee $ab local.get $bc i32.and local.get $h i32.xor i32.add
    local.set $f
    ;; round 19
    i32.const 14 i32.rotr local.get $b i32.xor i32.const 5 i32.rotr local.get $b i32.xor i32.const 6 i32.rotr
    local.get $e i32.add
    local.get $c local.get $d i32.xor local.get $b i32.and local.get $d i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $e
    local.get $a i32.add local.tee $a
    local.get $f
    i32.const 9 i32.rotr local.get $f i32.xor i32.const 11 i32.rotr local.get $f i32.xor i32.const 2 i32.rotr
    local.get $e i32.add
    local.get $f local.get $g i32.xor local.tee $bc local.get $ab i32.and local.get $g i32.xor i32.add
    local.set $e
    ;; round 20
    i32.const 14 i32.rotr local.get $a i32.xor i32.const 5 i32.rotr local.get $a i32.xor i32.const 6 i32.rotr
    local.get $d i32.add
    local.get $b local.get $c i32.xor local.get $a i32.and local.get $c i32.xor i32.add
    local.get $w1 local.get $w2 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w1 i32x4.add
    local.get $w3 local.get $w0 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w0 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w1
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w1 i32x4.add local.tee $w1
    v128.const i32x4 0x2de92c6f 0x4a7484aa 0x5cb0a9dc 0x76f988da i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $d
    local.get $h i32.add local.tee $h
    local.get $e
    i32.const 9 i32.rotr local.get $e i32.xor i32.const 11 i32.rotr local.get $e i32.xor i32.const 2 i32.rotr
    local.get $d i32.add
    local.get $e local.get $f i32.xor local.tee $ab local.get $bc i32.and local.get $f i32.xor i32.add
    local.set $d
    ;; round 21
    i32.const 14 i32.rotr local.get $h i32.xor i32.const 5 i32.rotr local.get $h i32.xor i32.const 6 i32.rotr
    local.get $c i32.add
    local.get $a local.get $b i32.xor local.get $h i32.and local.get $b i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $c
    local.get $g i32.add local.tee $g
    local.get $d
    i32.const 9 i32.rotr local.get $d i32.xor i32.const 11 i32.rotr local.get $d i32.xor i32.const 2 i32.rotr
    local.get $c i32.add
    local.get $d local.get $e i32.xor local.tee $bc local.get $ab i32.and local.get $e i32.xor i32.add
    local.set $c
    ;; round 22
    i32.const 14 i32.rotr local.get $g i32.xor i32.const 5 i32.rotr local.get $g i32.xor i32.const 6 i32.rotr
    local.get $b i32.add
    local.get $h local.get $a i32.xor local.get $g i32.and local.get $a i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $b
    local.get $f i32.add local.tee $f
    local.get $c
    i32.const 9 i32.rotr local.get $c i32.xor i32.const 11 i32.rotr local.get $c i32.xor i32.const 2 i32.rotr
    local.get $b i32.add
    local.get $c local.get $d i32.xor local.tee $ab local.get $bc i32.and local.get $d i32.xor i32.add
    local.set $b
    ;; round 23
    i32.const 14 i32.rotr local.get $f i32.xor i32.const 5 i32.rotr local.get $f i32.xor i32.const 6 i32.rotr
    local.get $a i32.add
    local.get $g local.get $h i32.xor local.get $f i32.and local.get $h i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $a
    local.get $e i32.add local.tee $e
    local.get $b
    i32.const 9 i32.rotr local.get $b i32.xor i32.const 11 i32.rotr local.get $b i32.xor i32.const 2 i32.rotr
    local.get $a i32.add
    local.get $b local.get $c i32.xor local.tee $bc local.get $ab i32.and local.get $c i32.xor i32.add
    local.set $a
    ;; round 24
    i32.const 14 i32.rotr local.get $e i32.xor i32.const 5 i32.rotr local.get $e i32.xor i32.const 6 i32.rotr
    local.get $h i32.add
    local.get $f local.get $g i32.xor local.get $e i32.and local.get $g i32.xor i32.add
    local.get $w2 local.get $w3 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w2 i32x4.add
    local.get $w0 local.get $w1 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w1 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w2
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w2 i32x4.add local.tee $w2
    v128.const i32x4 0x983e5152 0xa831c66d 0xb00327c8 0xbf597fc7 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $h
    local.get $d i32.add local.tee $d
    local.get $a
    i32.const 9 i32.rotr local.get $a i32.xor i32.const 11 i32.rotr local.get $a i32.xor i32.const 2 i32.rotr
    local.get $h i32.add
    local.get $a local.get $b i32.xor local.tee $ab local.get $bc i32.and local.get $b i32.xor i32.add
    local.set $h
    ;; round 25
    i32.const 14 i32.rotr local.get $d i32.xor i32.const 5 i32.rotr local.get $d i32.xor i32.const 6 i32.rotr
    local.get $g i32.add
    local.get $e local.get $f i32.xor local.get $d i32.and local.get $f i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $g
    local.get $c i32.add local.tee $c
    local.get $h
    i32.const 9 i32.rotr local.get $h i32.xor i32.const 11 i32.rotr local.get $h i32.xor i32.const 2 i32.rotr
    local.get $g i32.add
    local.get $h local.get $a i32.xor local.tee $bc local.get $ab i32.and local.get $a i32.xor i32.add
    local.set $g
    ;; round 26
    i32.const 14 i32.rotr local.get $c i32.xor i32.const 5 i32.rotr local.get $c i32.xor i32.const 6 i32.rotr
    local.get $f i32.add
    local.get $d local.get $e i32.xor local.get $c i32.and local.get $e i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $f
    local.get $b i32.add local.tee $b
    local.get $g
    i32.const 9 i32.rotr local.get $g i32.xor i32.const 11 i32.rotr local.get $g i32.xor i32.const 2 i32.rotr
    local.get $f i32.add
    local.get $g local.get $h i32.xor local.tee $ab local.get $bc i32.and local.get $h i32.xor i32.add
    local.set $f
    ;; round 27
    i32.const 14 i32.rotr local.get $b i32.xor i32.const 5 i32.rotr local.get $b i32.xor i32.const 6 i32.rotr
    local.get $e i32.add
    local.get $c local.get $d i32.xor local.get $b i32.and local.get $d i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $e
    local.get $a i32.add local.tee $a
    local.get $f
    i32.const 9 i32.rotr local.get $f i32.xor i32.const 11 i32.rotr local.get $f i32.xor i32.const 2 i32.rotr
    local.get $e i32.add
    local.get $f local.get $g i32.xor local.tee $bc local.get $ab i32.and local.get $g i32.xor i32.add
    local.set $e
    ;; round 28
    i32.const 14 i32.rotr local.get $a i32.xor i32.const 5 i32.rotr local.get $a i32.xor i32.const 6 i32.rotr
    local.get $d i32.add
    local.get $b local.get $c i32.xor local.get $a i32.and local.get $c i32.xor i32.add
    local.get $w3 local.get $w0 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w3 i32x4.add
    local.get $w1 local.get $w2 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w2 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w3
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w3 i32x4.add local.tee $w3
    v128.const i32x4 0xc6e00bf3 0xd5a79147 0x06ca6351 0x14292967 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $d
    local.get $h i32.add local.tee $h
    local.get $e
    i32.const 9 i32.rotr local.get $e i32.xor i32.const 11 i32.rotr local.get $e i32.xor i32.const 2 i32.rotr
    local.get $d i32.add
    local.get $e local.get $f i32.xor local.tee $ab local.get $bc i32.and local.get $f i32.xor i32.add
    local.set $d
    ;; round 29
    i32.const 14 i32.rotr local.get $h i32.xor i32.const 5 i32.rotr local.get $h i32.xor i32.const 6 i32.rotr
    local.get $c i32.add
    local.get $a local.get $b i32.xor local.get $h i32.and local.get $b i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $c
    local.get $g i32.add local.tee $g
    local.get $d
    i32.const 9 i32.rotr local.get $d i32.xor i32.const 11 i32.rotr local.get $d i32.xor i32.const 2 i32.rotr
    local.get $c i32.add
    local.get $d local.get $e i32.xor local.tee $bc local.get $ab i32.and local.get $e i32.xor i32.add
    local.set $c
    ;; round 30
    i32.const 14 i32.rotr local.get $g i32.xor i32.const 5 i32.rotr local.get $g i32.xor i32.const 6 i32.rotr
    local.get $b i32.add
    local.get $h local.get $a i32.xor local.get $g i32.and local.get $a i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $b
    local.get $f i32.add local.tee $f
    local.get $c
    i32.const 9 i32.rotr local.get $c i32.xor i32.const 11 i32.rotr local.get $c i32.xor i32.const 2 i32.rotr
    local.get $b i32.add
    local.get $c local.get $d i32.xor local.tee $ab local.get $bc i32.and local.get $d i32.xor i32.add
    local.set $b
    ;; round 31
    i32.const 14 i32.rotr local.get $f i32.xor i32.const 5 i32.rotr local.get $f i32.xor i32.const 6 i32.rotr
    local.get $a i32.add
    local.get $g local.get $h i32.xor local.get $f i32.and local.get $h i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $a
    local.get $e i32.add local.tee $e
    local.get $b
    i32.const 9 i32.rotr local.get $b i32.xor i32.const 11 i32.rotr local.get $b i32.xor i32.const 2 i32.rotr
    local.get $a i32.add
    local.get $b local.get $c i32.xor local.tee $bc local.get $ab i32.and local.get $c i32.xor i32.add
    local.set $a
    ;; round 32
    i32.const 14 i32.rotr local.get $e i32.xor i32.const 5 i32.rotr local.get $e i32.xor i32.const 6 i32.rotr
    local.get $h i32.add
    local.get $f local.get $g i32.xor local.get $e i32.and local.get $g i32.xor i32.add
    local.get $w0 local.get $w1 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w0 i32x4.add
    local.get $w2 local.get $w3 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w3 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w0
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w0 i32x4.add local.tee $w0
    v128.const i32x4 0x27b70a85 0x2e1b2138 0x4d2c6dfc 0x53380d13 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $h
    local.get $d i32.add local.tee $d
    local.get $a
    i32.const 9 i32.rotr local.get $a i32.xor i32.const 11 i32.rotr local.get $a i32.xor i32.const 2 i32.rotr
    local.get $h i32.add
    local.get $a local.get $b i32.xor local.tee $ab local.get $bc i32.and local.get $b i32.xor i32.add
    local.set $h
    ;; round 33
    i32.const 14 i32.rotr local.get $d i32.xor i32.const 5 i32.rotr local.get $d i32.xor i32.const 6 i32.rotr
    local.get $g i32.add
    local.get $e local.get $f i32.xor local.get $d i32.and local.get $f i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $g
    local.get $c i32.add local.tee $c
    local.get $h
    i32.const 9 i32.rotr local.get $h i32.xor i32.const 11 i32.rotr local.get $h i32.xor i32.const 2 i32.rotr
    local.get $g i32.add
    local.get $h local.get $a i32.xor local.tee $bc local.get $ab i32.and local.get $a i32.xor i32.add
    local.set $g
    ;; round 34
    i32.const 14 i32.rotr local.get $c i32.xor i32.const 5 i32.rotr local.get $c i32.xor i32.const 6 i32.rotr
    local.get $f i32.add
    local.get $d local.get $e i32.xor local.get $c i32.and local.get $e i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $f
    local.get $b i32.add local.tee $b
    local.get $g
    i32.const 9 i32.rotr local.get $g i32.xor i32.const 11 i32.rotr local.get $g i32.xor i32.const 2 i32.rotr
    local.get $f i32.add
    local.get $g local.get $h i32.xor local.tee $ab local.get $bc i32.and local.get $h i32.xor i32.add
    local.set $f
    ;; round 35
    i32.const 14 i32.rotr local.get $b i32.xor i32.const 5 i32.rotr local.get $b i32.xor i32.const 6 i32.rotr
    local.get $e i32.add
    local.get $c local.get $d i32.xor local.get $b i32.and local.get $d i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $e
    local.get $a i32.add local.tee $a
    local.get $f
    i32.const 9 i32.rotr local.get $f i32.xor i32.const 11 i32.rotr local.get $f i32.xor i32.const 2 i32.rotr
    local.get $e i32.add
    local.get $f local.get $g i32.xor local.tee $bc local.get $ab i32.and local.get $g i32.xor i32.add
    local.set $e
    ;; round 36
    i32.const 14 i32.rotr local.get $a i32.xor i32.const 5 i32.rotr local.get $a i32.xor i32.const 6 i32.rotr
    local.get $d i32.add
    local.get $b local.get $c i32.xor local.get $a i32.and local.get $c i32.xor i32.add
    local.get $w1 local.get $w2 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w1 i32x4.add
    local.get $w3 local.get $w0 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w0 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w1
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w1 i32x4.add local.tee $w1
    v128.const i32x4 0x650a7354 0x766a0abb 0x81c2c92e 0x92722c85 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $d
    local.get $h i32.add local.tee $h
    local.get $e
    i32.const 9 i32.rotr local.get $e i32.xor i32.const 11 i32.rotr local.get $e i32.xor i32.const 2 i32.rotr
    local.get $d i32.add
    local.get $e local.get $f i32.xor local.tee $ab local.get $bc i32.and local.get $f i32.xor i32.add
    local.set $d
    ;; round 37
    i32.const 14 i32.rotr local.get $h i32.xor i32.const 5 i32.rotr local.get $h i32.xor i32.const 6 i32.rotr
    local.get $c i32.add
    local.get $a local.get $b i32.xor local.get $h i32.and local.get $b i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $c
    local.get $g i32.add local.tee $g
    local.get $d
    i32.const 9 i32.rotr local.get $d i32.xor i32.const 11 i32.rotr local.get $d i32.xor i32.const 2 i32.rotr
    local.get $c i32.add
    local.get $d local.get $e i32.xor local.tee $bc local.get $ab i32.and local.get $e i32.xor i32.add
    local.set $c
    ;; round 38
    i32.const 14 i32.rotr local.get $g i32.xor i32.const 5 i32.rotr local.get $g i32.xor i32.const 6 i32.rotr
    local.get $b i32.add
    local.get $h local.get $a i32.xor local.get $g i32.and local.get $a i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $b
    local.get $f i32.add local.tee $f
    local.get $c
    i32.const 9 i32.rotr local.get $c i32.xor i32.const 11 i32.rotr local.get $c i32.xor i32.const 2 i32.rotr
    local.get $b i32.add
    local.get $c local.get $d i32.xor local.tee $ab local.get $bc i32.and local.get $d i32.xor i32.add
    local.set $b
    ;; round 39
    i32.const 14 i32.rotr local.get $f i32.xor i32.const 5 i32.rotr local.get $f i32.xor i32.const 6 i32.rotr
    local.get $a i32.add
    local.get $g local.get $h i32.xor local.get $f i32.and local.get $h i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $a
    local.get $e i32.add local.tee $e
    local.get $b
    i32.const 9 i32.rotr local.get $b i32.xor i32.const 11 i32.rotr local.get $b i32.xor i32.const 2 i32.rotr
    local.get $a i32.add
    local.get $b local.get $c i32.xor local.tee $bc local.get $ab i32.and local.get $c i32.xor i32.add
    local.set $a
    ;; round 40
    i32.const 14 i32.rotr local.get $e i32.xor i32.const 5 i32.rotr local.get $e i32.xor i32.const 6 i32.rotr
    local.get $h i32.add
    local.get $f local.get $g i32.xor local.get $e i32.and local.get $g i32.xor i32.add
    local.get $w2 local.get $w3 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w2 i32x4.add
    local.get $w0 local.get $w1 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w1 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w2
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w2 i32x4.add local.tee $w2
    v128.const i32x4 0xa2bfe8a1 0xa81a664b 0xc24b8b70 0xc76c51a3 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $h
    local.get $d i32.add local.tee $d
    local.get $a
    i32.const 9 i32.rotr local.get $a i32.xor i32.const 11 i32.rotr local.get $a i32.xor i32.const 2 i32.rotr
    local.get $h i32.add
    local.get $a local.get $b i32.xor local.tee $ab local.get $bc i32.and local.get $b i32.xor i32.add
    local.set $h
    ;; round 41
    i32.const 14 i32.rotr local.get $d i32.xor i32.const 5 i32.rotr local.get $d i32.xor i32.const 6 i32.rotr
    local.get $g i32.add
    local.get $e local.get $f i32.xor local.get $d i32.and local.get $f i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $g
    local.get $c i32.add local.tee $c
    local.get $h
    i32.const 9 i32.rotr local.get $h i32.xor i32.const 11 i32.rotr local.get $h i32.xor i32.const 2 i32.rotr
    local.get $g i32.add
    local.get $h local.get $a i32.xor local.tee $bc local.get $ab i32.and local.get $a i32.xor i32.add
    local.set $g
    ;; round 42
    i32.const 14 i32.rotr local.get $c i32.xor i32.const 5 i32.rotr local.get $c i32.xor i32.const 6 i32.rotr
    local.get $f i32.add
    local.get $d local.get $e i32.xor local.get $c i32.and local.get $e i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $f
    local.get $b i32.add local.tee $b
    local.get $g
    i32.const 9 i32.rotr local.get $g i32.xor i32.const 11 i32.rotr local.get $g i32.xor i32.const 2 i32.rotr
    local.get $f i32.add
    local.get $g local.get $h i32.xor local.tee $ab local.get $bc i32.and local.get $h i32.xor i32.add
    local.set $f
    ;; round 43
    i32.const 14 i32.rotr local.get $b i32.xor i32.const 5 i32.rotr local.get $b i32.xor i32.const 6 i32.rotr
    local.get $e i32.add
    local.get $c local.get $d i32.xor local.get $b i32.and local.get $d i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $e
    local.get $a i32.add local.tee $a
    local.get $f
    i32.const 9 i32.rotr local.get $f i32.xor i32.const 11 i32.rotr local.get $f i32.xor i32.const 2 i32.rotr
    local.get $e i32.add
    local.get $f local.get $g i32.xor local.tee $bc local.get $ab i32.and local.get $g i32.xor i32.add
    local.set $e
    ;; round 44
    i32.const 14 i32.rotr local.get $a i32.xor i32.const 5 i32.rotr local.get $a i32.xor i32.const 6 i32.rotr
    local.get $d i32.add
    local.get $b local.get $c i32.xor local.get $a i32.and local.get $c i32.xor i32.add
    local.get $w3 local.get $w0 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w3 i32x4.add
    local.get $w1 local.get $w2 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w2 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w3
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w3 i32x4.add local.tee $w3
    v128.const i32x4 0xd192e819 0xd6990624 0xf40e3585 0x106aa070 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $d
    local.get $h i32.add local.tee $h
    local.get $e
    i32.const 9 i32.rotr local.get $e i32.xor i32.const 11 i32.rotr local.get $e i32.xor i32.const 2 i32.rotr
    local.get $d i32.add
    local.get $e local.get $f i32.xor local.tee $ab local.get $bc i32.and local.get $f i32.xor i32.add
    local.set $d
    ;; round 45
    i32.const 14 i32.rotr local.get $h i32.xor i32.const 5 i32.rotr local.get $h i32.xor i32.const 6 i32.rotr
    local.get $c i32.add
    local.get $a local.get $b i32.xor local.get $h i32.and local.get $b i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $c
    local.get $g i32.add local.tee $g
    local.get $d
    i32.const 9 i32.rotr local.get $d i32.xor i32.const 11 i32.rotr local.get $d i32.xor i32.const 2 i32.rotr
    local.get $c i32.add
    local.get $d local.get $e i32.xor local.tee $bc local.get $ab i32.and local.get $e i32.xor i32.add
    local.set $c
    ;; round 46
    i32.const 14 i32.rotr local.get $g i32.xor i32.const 5 i32.rotr local.get $g i32.xor i32.const 6 i32.rotr
    local.get $b i32.add
    local.get $h local.get $a i32.xor local.get $g i32.and local.get $a i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $b
    local.get $f i32.add local.tee $f
    local.get $c
    i32.const 9 i32.rotr local.get $c i32.xor i32.const 11 i32.rotr local.get $c i32.xor i32.const 2 i32.rotr
    local.get $b i32.add
    local.get $c local.get $d i32.xor local.tee $ab local.get $bc i32.and local.get $d i32.xor i32.add
    local.set $b
    ;; round 47
    i32.const 14 i32.rotr local.get $f i32.xor i32.const 5 i32.rotr local.get $f i32.xor i32.const 6 i32.rotr
    local.get $a i32.add
    local.get $g local.get $h i32.xor local.get $f i32.and local.get $h i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $a
    local.get $e i32.add local.tee $e
    local.get $b
    i32.const 9 i32.rotr local.get $b i32.xor i32.const 11 i32.rotr local.get $b i32.xor i32.const 2 i32.rotr
    local.get $a i32.add
    local.get $b local.get $c i32.xor local.tee $bc local.get $ab i32.and local.get $c i32.xor i32.add
    local.set $a
    ;; round 48
    i32.const 14 i32.rotr local.get $e i32.xor i32.const 5 i32.rotr local.get $e i32.xor i32.const 6 i32.rotr
    local.get $h i32.add
    local.get $f local.get $g i32.xor local.get $e i32.and local.get $g i32.xor i32.add
    local.get $w0 local.get $w1 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w0 i32x4.add
    local.get $w2 local.get $w3 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w3 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w0
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w0 i32x4.add local.tee $w0
    v128.const i32x4 0x19a4c116 0x1e376c08 0x2748774c 0x34b0bcb5 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $h
    local.get $d i32.add local.tee $d
    local.get $a
    i32.const 9 i32.rotr local.get $a i32.xor i32.const 11 i32.rotr local.get $a i32.xor i32.const 2 i32.rotr
    local.get $h i32.add
    local.get $a local.get $b i32.xor local.tee $ab local.get $bc i32.and local.get $b i32.xor i32.add
    local.set $h
    ;; round 49
    i32.const 14 i32.rotr local.get $d i32.xor i32.const 5 i32.rotr local.get $d i32.xor i32.const 6 i32.rotr
    local.get $g i32.add
    local.get $e local.get $f i32.xor local.get $d i32.and local.get $f i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $g
    local.get $c i32.add local.tee $c
    local.get $h
    i32.const 9 i32.rotr local.get $h i32.xor i32.const 11 i32.rotr local.get $h i32.xor i32.const 2 i32.rotr
    local.get $g i32.add
    local.get $h local.get $a i32.xor local.tee $bc local.get $ab i32.and local.get $a i32.xor i32.add
    local.set $g
    ;; round 50
    i32.const 14 i32.rotr local.get $c i32.xor i32.const 5 i32.rotr local.get $c i32.xor i32.const 6 i32.rotr
    local.get $f i32.add
    local.get $d local.get $e i32.xor local.get $c i32.and local.get $e i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $f
    local.get $b i32.add local.tee $b
    local.get $g
    i32.const 9 i32.rotr local.get $g i32.xor i32.const 11 i32.rotr local.get $g i32.xor i32.const 2 i32.rotr
    local.get $f i32.add
    local.get $g local.get $h i32.xor local.tee $ab local.get $bc i32.and local.get $h i32.xor i32.add
    local.set $f
    ;; round 51
    i32.const 14 i32.rotr local.get $b i32.xor i32.const 5 i32.rotr local.get $b i32.xor i32.const 6 i32.rotr
    local.get $e i32.add
    local.get $c local.get $d i32.xor local.get $b i32.and local.get $d i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $e
    local.get $a i32.add local.tee $a
    local.get $f
    i32.const 9 i32.rotr local.get $f i32.xor i32.const 11 i32.rotr local.get $f i32.xor i32.const 2 i32.rotr
    local.get $e i32.add
    local.get $f local.get $g i32.xor local.tee $bc local.get $ab i32.and local.get $g i32.xor i32.add
    local.set $e
    ;; round 52
    i32.const 14 i32.rotr local.get $a i32.xor i32.const 5 i32.rotr local.get $a i32.xor i32.const 6 i32.rotr
    local.get $d i32.add
    local.get $b local.get $c i32.xor local.get $a i32.and local.get $c i32.xor i32.add
    local.get $w1 local.get $w2 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w1 i32x4.add
    local.get $w3 local.get $w0 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w0 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w1
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w1 i32x4.add local.tee $w1
    v128.const i32x4 0x391c0cb3 0x4ed8aa4a 0x5b9cca4f 0x682e6ff3 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $d
    local.get $h i32.add local.tee $h
    local.get $e
    i32.const 9 i32.rotr local.get $e i32.xor i32.const 11 i32.rotr local.get $e i32.xor i32.const 2 i32.rotr
    local.get $d i32.add
    local.get $e local.get $f i32.xor local.tee $ab local.get $bc i32.and local.get $f i32.xor i32.add
    local.set $d
    ;; round 53
    i32.const 14 i32.rotr local.get $h i32.xor i32.const 5 i32.rotr local.get $h i32.xor i32.const 6 i32.rotr
    local.get $c i32.add
    local.get $a local.get $b i32.xor local.get $h i32.and local.get $b i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $c
    local.get $g i32.add local.tee $g
    local.get $d
    i32.const 9 i32.rotr local.get $d i32.xor i32.const 11 i32.rotr local.get $d i32.xor i32.const 2 i32.rotr
    local.get $c i32.add
    local.get $d local.get $e i32.xor local.tee $bc local.get $ab i32.and local.get $e i32.xor i32.add
    local.set $c
    ;; round 54
    i32.const 14 i32.rotr local.get $g i32.xor i32.const 5 i32.rotr local.get $g i32.xor i32.const 6 i32.rotr
    local.get $b i32.add
    local.get $h local.get $a i32.xor local.get $g i32.and local.get $a i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $b
    local.get $f i32.add local.tee $f
    local.get $c
    i32.const 9 i32.rotr local.get $c i32.xor i32.const 11 i32.rotr local.get $c i32.xor i32.const 2 i32.rotr
    local.get $b i32.add
    local.get $c local.get $d i32.xor local.tee $ab local.get $bc i32.and local.get $d i32.xor i32.add
    local.set $b
    ;; round 55
    i32.const 14 i32.rotr local.get $f i32.xor i32.const 5 i32.rotr local.get $f i32.xor i32.const 6 i32.rotr
    local.get $a i32.add
    local.get $g local.get $h i32.xor local.get $f i32.and local.get $h i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $a
    local.get $e i32.add local.tee $e
    local.get $b
    i32.const 9 i32.rotr local.get $b i32.xor i32.const 11 i32.rotr local.get $b i32.xor i32.const 2 i32.rotr
    local.get $a i32.add
    local.get $b local.get $c i32.xor local.tee $bc local.get $ab i32.and local.get $c i32.xor i32.add
    local.set $a
    ;; round 56
    i32.const 14 i32.rotr local.get $e i32.xor i32.const 5 i32.rotr local.get $e i32.xor i32.const 6 i32.rotr
    local.get $h i32.add
    local.get $f local.get $g i32.xor local.get $e i32.and local.get $g i32.xor i32.add
    local.get $w2 local.get $w3 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w2 i32x4.add
    local.get $w0 local.get $w1 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w1 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w2
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w2 i32x4.add local.tee $w2
    v128.const i32x4 0x748f82ee 0x78a5636f 0x84c87814 0x8cc70208 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $h
    local.get $d i32.add local.tee $d
    local.get $a
    i32.const 9 i32.rotr local.get $a i32.xor i32.const 11 i32.rotr local.get $a i32.xor i32.const 2 i32.rotr
    local.get $h i32.add
    local.get $a local.get $b i32.xor local.tee $ab local.get $bc i32.and local.get $b i32.xor i32.add
    local.set $h
    ;; round 57
    i32.const 14 i32.rotr local.get $d i32.xor i32.const 5 i32.rotr local.get $d i32.xor i32.const 6 i32.rotr
    local.get $g i32.add
    local.get $e local.get $f i32.xor local.get $d i32.and local.get $f i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $g
    local.get $c i32.add local.tee $c
    local.get $h
    i32.const 9 i32.rotr local.get $h i32.xor i32.const 11 i32.rotr local.get $h i32.xor i32.const 2 i32.rotr
    local.get $g i32.add
    local.get $h local.get $a i32.xor local.tee $bc local.get $ab i32.and local.get $a i32.xor i32.add
    local.set $g
    ;; round 58
    i32.const 14 i32.rotr local.get $c i32.xor i32.const 5 i32.rotr local.get $c i32.xor i32.const 6 i32.rotr
    local.get $f i32.add
    local.get $d local.get $e i32.xor local.get $c i32.and local.get $e i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $f
    local.get $b i32.add local.tee $b
    local.get $g
    i32.const 9 i32.rotr local.get $g i32.xor i32.const 11 i32.rotr local.get $g i32.xor i32.const 2 i32.rotr
    local.get $f i32.add
    local.get $g local.get $h i32.xor local.tee $ab local.get $bc i32.and local.get $h i32.xor i32.add
    local.set $f
    ;; round 59
    i32.const 14 i32.rotr local.get $b i32.xor i32.const 5 i32.rotr local.get $b i32.xor i32.const 6 i32.rotr
    local.get $e i32.add
    local.get $c local.get $d i32.xor local.get $b i32.and local.get $d i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $e
    local.get $a i32.add local.tee $a
    local.get $f
    i32.const 9 i32.rotr local.get $f i32.xor i32.const 11 i32.rotr local.get $f i32.xor i32.const 2 i32.rotr
    local.get $e i32.add
    local.get $f local.get $g i32.xor local.tee $bc local.get $ab i32.and local.get $g i32.xor i32.add
    local.set $e
    ;; round 60
    i32.const 14 i32.rotr local.get $a i32.xor i32.const 5 i32.rotr local.get $a i32.xor i32.const 6 i32.rotr
    local.get $d i32.add
    local.get $b local.get $c i32.xor local.get $a i32.and local.get $c i32.xor i32.add
    local.get $w3 local.get $w0 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 local.tee $v
    i32.const 7 i32x4.shr_u local.get $v i32.const 25 i32x4.shl v128.xor
    local.get $v i32.const 18 i32x4.shr_u v128.xor local.get $v i32.const 14 i32x4.shl v128.xor
    local.get $v i32.const 3 i32x4.shr_u v128.xor
    local.get $w3 i32x4.add
    local.get $w1 local.get $w2 i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 i32x4.add
    local.get $w2 v128.const i32x4 0x0b0a0908 0x0b0a0908 0x0f0e0d0c 0x0f0e0d0c i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 0x03020100 0x0b0a0908 -1 -1 i8x16.swizzle i32x4.add local.tee $w3
    v128.const i32x4 0x03020100 0x03020100 0x07060504 0x07060504 i8x16.swizzle
    local.tee $v i32.const 17 i64x2.shr_u local.get $v i32.const 19 i64x2.shr_u v128.xor
    local.get $v i32.const 10 i32x4.shr_u v128.xor
    v128.const i32x4 -1 -1 0x03020100 0x0b0a0908 i8x16.swizzle local.get $w3 i32x4.add local.tee $w3
    v128.const i32x4 0x90befffa 0xa4506ceb 0xbef9a3f7 0xc67178f2 i32x4.add local.tee $kw
    i32x4.extract_lane 0 i32.add local.tee $d
    local.get $h i32.add local.tee $h
    local.get $e
    i32.const 9 i32.rotr local.get $e i32.xor i32.const 11 i32.rotr local.get $e i32.xor i32.const 2 i32.rotr
    local.get $d i32.add
    local.get $e local.get $f i32.xor local.tee $ab local.get $bc i32.and local.get $f i32.xor i32.add
    local.set $d
    ;; round 61
    i32.const 14 i32.rotr local.get $h i32.xor i32.const 5 i32.rotr local.get $h i32.xor i32.const 6 i32.rotr
    local.get $c i32.add
    local.get $a local.get $b i32.xor local.get $h i32.and local.get $b i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 1 i32.add local.tee $c
    local.get $g i32.add local.tee $g
    local.get $d
    i32.const 9 i32.rotr local.get $d i32.xor i32.const 11 i32.rotr local.get $d i32.xor i32.const 2 i32.rotr
    local.get $c i32.add
    local.get $d local.get $e i32.xor local.tee $bc local.get $ab i32.and local.get $e i32.xor i32.add
    local.set $c
    ;; round 62
    i32.const 14 i32.rotr local.get $g i32.xor i32.const 5 i32.rotr local.get $g i32.xor i32.const 6 i32.rotr
    local.get $b i32.add
    local.get $h local.get $a i32.xor local.get $g i32.and local.get $a i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 2 i32.add local.tee $b
    local.get $f i32.add local.tee $f
    local.get $c
    i32.const 9 i32.rotr local.get $c i32.xor i32.const 11 i32.rotr local.get $c i32.xor i32.const 2 i32.rotr
    local.get $b i32.add
    local.get $c local.get $d i32.xor local.tee $ab local.get $bc i32.and local.get $d i32.xor i32.add
    local.set $b
    ;; round 63
    i32.const 14 i32.rotr local.get $f i32.xor i32.const 5 i32.rotr local.get $f i32.xor i32.const 6 i32.rotr
    local.get $a i32.add
    local.get $g local.get $h i32.xor local.get $f i32.and local.get $h i32.xor i32.add
    local.get $kw
    i32x4.extract_lane 3 i32.add local.tee $a
    local.get $e i32.add local.set $e
    local.get $b
    i32.const 9 i32.rotr local.get $b i32.xor i32.const 11 i32.rotr local.get $b i32.xor i32.const 2 i32.rotr
    local.get $a i32.add
    local.get $b local.get $c i32.xor local.tee $bc local.get $ab i32.and local.get $c i32.xor i32.add
    local.set $a
    (local.set $a (i32.add (local.get $a) (local.get $a0)))
    (local.set $b (i32.add (local.get $b) (local.get $b0)))
    (local.set $c (i32.add (local.get $c) (local.get $c0)))
    (local.set $d (i32.add (local.get $d) (local.get $d0)))
    (local.set $e (i32.add (local.get $e) (local.get $e0)))
    (local.set $f (i32.add (local.get $f) (local.get $f0)))
    (local.set $g (i32.add (local.get $g) (local.get $g0)))
    (local.set $h (i32.add (local.get $h) (local.get $h0)))
    (local.set $p (i32.add (local.get $p) (i32.const 64)))
    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))
    end
    (i32.store offset=0 (local.get $state) (local.get $a))
    (i32.store offset=4 (local.get $state) (local.get $b))
    (i32.store offset=8 (local.get $state) (local.get $c))
    (i32.store offset=12 (local.get $state) (local.get $d))
    (i32.store offset=16 (local.get $state) (local.get $e))
    (i32.store offset=20 (local.get $state) (local.get $f))
    (i32.store offset=24 (local.get $state) (local.get $g))
    (i32.store offset=28 (local.get $state) (local.get $h))
  ))
