;; The dot product of two vectors of n int8, at most 65,536 of them: the sums are of 32 bits.
;;
;; Eight components of each become eight numbers of 16 bits; one instruction multiplies them
;; and adds neighbours. Eight times that is one turn of the first loop: 62 instructions
;; for 64 components.
(module
  (import "canister" "memory" (memory 1))
  (func (export "int8_dot") (param $a i32) (param $b i32) (param $n i32) (result i32)
    (local $end i32)   ;; of what a loop takes of a
    (local $sums v128) ;; four partial sums
    (local $sum i32)

    (local.set $end (i32.add (local.get $a) (i32.and (local.get $n) (i32.const -64))))
    (if (i32.ne (local.get $a) (local.get $end))
      (then
        (loop $next
          local.get $sums
          (v128.load8x8_s offset=0 align=1 (local.get $a)) (v128.load8x8_s offset=0 align=1 (local.get $b))
          i32x4.dot_i16x8_s i32x4.add
          (v128.load8x8_s offset=8 align=1 (local.get $a)) (v128.load8x8_s offset=8 align=1 (local.get $b))
          i32x4.dot_i16x8_s i32x4.add
          (v128.load8x8_s offset=16 align=1 (local.get $a)) (v128.load8x8_s offset=16 align=1 (local.get $b))
          i32x4.dot_i16x8_s i32x4.add
          (v128.load8x8_s offset=24 align=1 (local.get $a)) (v128.load8x8_s offset=24 align=1 (local.get $b))
          i32x4.dot_i16x8_s i32x4.add
          (v128.load8x8_s offset=32 align=1 (local.get $a)) (v128.load8x8_s offset=32 align=1 (local.get $b))
          i32x4.dot_i16x8_s i32x4.add
          (v128.load8x8_s offset=40 align=1 (local.get $a)) (v128.load8x8_s offset=40 align=1 (local.get $b))
          i32x4.dot_i16x8_s i32x4.add
          (v128.load8x8_s offset=48 align=1 (local.get $a)) (v128.load8x8_s offset=48 align=1 (local.get $b))
          i32x4.dot_i16x8_s i32x4.add
          (v128.load8x8_s offset=56 align=1 (local.get $a)) (v128.load8x8_s offset=56 align=1 (local.get $b))
          i32x4.dot_i16x8_s i32x4.add
          local.set $sums
          (local.set $b (i32.add (local.get $b) (i32.const 64)))
          (br_if $next (i32.ne (local.tee $a (i32.add (local.get $a) (i32.const 64))) (local.get $end))))))

    (local.set $end (i32.add (local.get $a) (i32.and (local.get $n) (i32.const 56))))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $a) (local.get $end)))
        (local.set $sums
          (i32x4.add
            (local.get $sums)
            (i32x4.dot_i16x8_s
              (v128.load8x8_s align=1 (local.get $a))
              (v128.load8x8_s align=1 (local.get $b)))))
        (local.set $a (i32.add (local.get $a) (i32.const 8)))
        (local.set $b (i32.add (local.get $b) (i32.const 8)))
        (br $next)))

    (local.set $end (i32.add (local.get $a) (i32.and (local.get $n) (i32.const 7))))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $a) (local.get $end)))
        (local.set $sum
          (i32.add (local.get $sum) (i32.mul (i32.load8_s (local.get $a)) (i32.load8_s (local.get $b)))))
        (local.set $a (i32.add (local.get $a) (i32.const 1)))
        (local.set $b (i32.add (local.get $b) (i32.const 1)))
        (br $next)))

    local.get $sum
    (i32x4.extract_lane 0 (local.get $sums)) i32.add
    (i32x4.extract_lane 1 (local.get $sums)) i32.add
    (i32x4.extract_lane 2 (local.get $sums)) i32.add
    (i32x4.extract_lane 3 (local.get $sums)) i32.add))
