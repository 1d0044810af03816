;; Functions that use every form of the text once; the tests run them.
(module $sample
  (import "canister" "memory" (memory $m 1))

  (func (export "sum") (param $p i32) (param $n i32) (result i32)
    (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $p))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    local.get $sum)

  (func $factorial (param i64) (result i64)
    local.get 0
    i64.eqz
    if (result i64)
      i64.const 1
    else
      local.get 0
      (call $factorial (i64.sub (local.get 0) (i64.const 1)))
      i64.mul
    end)
  (export "factorial" (func $factorial))

  (func (export "switch") (param i32) (result i32)
    block $default
      block $one
        block $zero
          local.get 0
          br_table $zero $one $default
        end $zero
        i32.const 10
        return
      end $one
      (return (i32.const 20))
    end
    i32.const 30)

  (func (export "larger") (param $a i32) (param $b i32) (result i32)
    (select (local.get $a) (local.get $b) (i32.gt_u (local.get $a) (local.get $b))))

  (func (export "classify") (param $x i32) (result i32)
    (if $out (result i32) (local.get $x)
      (then (br $out (i32.const 1)) (unreachable))
      (else nop (i32.const -1))))

  (func (export "lanes") (result i32) (local $v v128) (local $w v128)
    (local.set $v (v128.const i8x16 4 3 2 1 0 0 0 0 0 0 0 0 -128 127 255 0x7f))
    (v128.const i64x2 0x1_0000_0000 -1) drop
    (v128.const i16x8 0 1 2 3 4 5 6 65_535) drop
    (v128.const f32x4 1 -0.5 inf nan) drop
    (v128.const f64x2 0x1.8p-3 -inf) drop
    (local.tee $w (i8x16.shuffle 3 2 1 0 4 5 6 7 8 9 10 11 12 13 14 31 (local.get $v) (local.get $v)))
    i32x4.extract_lane 0)

  (func (export "bits") (result i32) (i32.reinterpret_f32 (f32.const -3.1415927)))

  (func (export "pages") (result i32) memory.size)

  (func (export "constants") (result i64)
    (drop (f64.const 1e308)) (drop (f64.const nan)) (drop (f32.const 0x1p-149)) (drop (i32.const 0xffff_ffff))
    (i64.const -9223372036854775808))

  (func (export "move") (param $to i32) (param $from i32) (param $n i32) (; (; five bytes ;) and one more ;)
    (memory.copy (local.get $to) (local.get $from) (local.get $n))
    (memory.fill (i32.add (local.get $to) (local.get $n)) (i32.const 7) (i32.const 1))))
