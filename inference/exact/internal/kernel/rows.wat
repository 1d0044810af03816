;; Rows of numbers on their way into integer products and out of them. n is a multiple of 16, and at least that.
(module
  (import "canister" "memory" (memory 1))

  ;; The greatest bits without sign of n floats: those of the largest magnitude, or of a NaN.
  (func (export "exact_magnitude") (param $x i32) (param $n i32) (result i32)
    (local $top v128)
    loop $next
    local.get $top
    local.get $x v128.load offset=0 align=4 v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff v128.and i32x4.max_u
    local.get $x v128.load offset=16 align=4 v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff v128.and i32x4.max_u
    local.get $x v128.load offset=32 align=4 v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff v128.and i32x4.max_u
    local.get $x v128.load offset=48 align=4 v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff v128.and i32x4.max_u
    local.set $top
    (local.set $x (i32.add (local.get $x) (i32.const 64)))
    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 16))))
    end
    (local.set $top (i32x4.max_u (local.get $top) (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $top) (local.get $top))))
    (i32x4.extract_lane 0
      (i32x4.max_u (local.get $top) (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $top) (local.get $top)))))

  ;; Writes n floats over scale, rounded half to even within 127 and -127, as bytes; of a NaN 0. Gives their sum.
  (func (export "exact_quantise") (param $q i32) (param $x i32) (param $n i32) (param $scale f32) (result i32)
    (local $scales v128) (local $sums v128) (local $bytes v128)
    (local.set $scales (f32x4.splat (local.get $scale)))
    loop $next
    (v128.store align=1
      (local.get $q)
      (local.tee $bytes
        (i8x16.narrow_i16x8_s
          (i16x8.narrow_i32x4_s
            (call $rounded (f32x4.div (v128.load offset=0 align=4 (local.get $x)) (local.get $scales)))
            (call $rounded (f32x4.div (v128.load offset=16 align=4 (local.get $x)) (local.get $scales))))
          (i16x8.narrow_i32x4_s
            (call $rounded (f32x4.div (v128.load offset=32 align=4 (local.get $x)) (local.get $scales)))
            (call $rounded (f32x4.div (v128.load offset=48 align=4 (local.get $x)) (local.get $scales)))))))
    (local.set $sums (i32x4.add (local.get $sums) (i32x4.extadd_pairwise_i16x8_s (i16x8.extadd_pairwise_i8x16_s (local.get $bytes)))))
    (local.set $q (i32.add (local.get $q) (i32.const 16)))
    (local.set $x (i32.add (local.get $x) (i32.const 64)))
    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 16))))
    end
    (call $total (local.get $sums)))

  ;; pmin and pmax keep a NaN in their first operand, which truncation makes 0.
  (func $rounded (param $x v128) (result v128)
    (i32x4.trunc_sat_f32x4_s
      (f32x4.nearest
        (f32x4.pmax
          (f32x4.pmin (local.get $x) (v128.const f32x4 127 127 127 127))
          (v128.const f32x4 -127 -127 -127 -127)))))

  (func $total (param $sums v128) (result i32)
    (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $sums)) (i32x4.extract_lane 1 (local.get $sums)))
      (i32.add (i32x4.extract_lane 2 (local.get $sums)) (i32x4.extract_lane 3 (local.get $sums)))))

  ;; Writes n bytes, flipped and then signed, less a zero point, as words, and gives their sum.
  (func (export "exact_widenWords") (param $to i32) (param $from i32) (param $n i32) (param $flip i32) (param $zero i32) (result i32)
    (local $flips v128) (local $zeros v128) (local $sums v128) (local $x v128)
    (local.set $flips (i8x16.splat (local.get $flip)))
    (local.set $zeros (i16x8.splat (local.get $zero)))
    loop $next
    local.get $to
    (i16x8.sub (i16x8.extend_low_i8x16_s (local.tee $x (v128.xor (v128.load align=1 (local.get $from)) (local.get $flips)))) (local.get $zeros))
    v128.store offset=0 align=1
    local.get $to
    (i16x8.sub (i16x8.extend_high_i8x16_s (local.get $x)) (local.get $zeros))
    v128.store offset=16 align=1
    (local.set $sums (i32x4.add (local.get $sums) (i32x4.extadd_pairwise_i16x8_s (v128.load offset=0 align=1 (local.get $to)))))
    (local.set $sums (i32x4.add (local.get $sums) (i32x4.extadd_pairwise_i16x8_s (v128.load offset=16 align=1 (local.get $to)))))
    (local.set $to (i32.add (local.get $to) (i32.const 32)))
    (local.set $from (i32.add (local.get $from) (i32.const 16)))
    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 16))))
    end
    (call $total (local.get $sums)))

  ;; Writes n sums as floats, times row, times that of each column, plus a bias where it is not null.
  (func (export "exact_rescale") (param $out i32) (param $c i32) (param $n i32) (param $row f32) (param $columns i32) (param $bias i32)
    (local $rows v128) (local $x v128)
    (local.set $rows (f32x4.splat (local.get $row)))
    loop $next
    (local.set $x
      (f32x4.mul (f32x4.mul (f32x4.convert_i32x4_s (v128.load align=4 (local.get $c))) (local.get $rows)) (v128.load align=4 (local.get $columns))))
    (if (local.get $bias)
      (then
        (local.set $x (f32x4.add (local.get $x) (v128.load align=4 (local.get $bias))))
        (local.set $bias (i32.add (local.get $bias) (i32.const 16)))))
    (v128.store align=4
      (local.get $out)
      (v128.bitselect (local.get $x) (v128.const i32x4 0x7fc00000 0x7fc00000 0x7fc00000 0x7fc00000) (f32x4.eq (local.get $x) (local.get $x))))
    (local.set $out (i32.add (local.get $out) (i32.const 16)))
    (local.set $c (i32.add (local.get $c) (i32.const 16)))
    (local.set $columns (i32.add (local.get $columns) (i32.const 16)))
    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 4))))
    end))
