package wat

import (
	"fmt"
	"strconv"
	"strings"

	"assay/ic/wasm/module"
)

// operation is an instruction without a special form: what it takes from the stack, what
// it leaves, and which immediates follow its name.
type operation struct {
	op              module.Opcode
	params, results []module.ValType
	form            form
	// arg is a load's or store's natural alignment as an exponent of 2, or the number of
	// lanes; lanes is both's number of lanes.
	arg, lanes int
}

type form byte

const (
	plain      form = iota
	memory          // offset= and align=
	lane            // a lane number
	memoryLane      // both
)

// tableText lists instructions: opcode of the first, signature, form, and names of
// consecutive opcodes. In signatures i is i32, l i64, f f32, d f64, v v128. A form is m
// and an alignment exponent, x and a number of lanes, or both.
const tableText = `
28 i>i m2 i32.load
29 i>l m3 i64.load
2a i>f m2 f32.load
2b i>d m3 f64.load
2c i>i m0 i32.load8_s i32.load8_u
2e i>i m1 i32.load16_s i32.load16_u
30 i>l m0 i64.load8_s i64.load8_u
32 i>l m1 i64.load16_s i64.load16_u
34 i>l m2 i64.load32_s i64.load32_u
36 ii> m2 i32.store
37 il> m3 i64.store
38 if> m2 f32.store
39 id> m3 f64.store
3a ii> m0 i32.store8
3b ii> m1 i32.store16
3c il> m0 i64.store8
3d il> m1 i64.store16
3e il> m2 i64.store32
45 i>i - i32.eqz
46 ii>i - i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u
50 l>i - i64.eqz
51 ll>i - i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u
5b ff>i - f32.eq f32.ne f32.lt f32.gt f32.le f32.ge
61 dd>i - f64.eq f64.ne f64.lt f64.gt f64.le f64.ge
67 i>i - i32.clz i32.ctz i32.popcnt
6a ii>i - i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u i32.and i32.or i32.xor
74 ii>i - i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr
79 l>l - i64.clz i64.ctz i64.popcnt
7c ll>l - i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u i64.and i64.or i64.xor
86 ll>l - i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr
8b f>f - f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt
92 ff>f - f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign
99 d>d - f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt
a0 dd>d - f64.add f64.sub f64.mul f64.div f64.min f64.max f64.copysign
a7 l>i - i32.wrap_i64
a8 f>i - i32.trunc_f32_s i32.trunc_f32_u
aa d>i - i32.trunc_f64_s i32.trunc_f64_u
ac i>l - i64.extend_i32_s i64.extend_i32_u
ae f>l - i64.trunc_f32_s i64.trunc_f32_u
b0 d>l - i64.trunc_f64_s i64.trunc_f64_u
b2 i>f - f32.convert_i32_s f32.convert_i32_u
b4 l>f - f32.convert_i64_s f32.convert_i64_u
b6 d>f - f32.demote_f64
b7 i>d - f64.convert_i32_s f64.convert_i32_u
b9 l>d - f64.convert_i64_s f64.convert_i64_u
bb f>d - f64.promote_f32
bc f>i - i32.reinterpret_f32
bd d>l - i64.reinterpret_f64
be i>f - f32.reinterpret_i32
bf l>d - f64.reinterpret_i64
c0 i>i - i32.extend8_s i32.extend16_s
c2 l>l - i64.extend8_s i64.extend16_s i64.extend32_s
fc00 f>i - i32.trunc_sat_f32_s i32.trunc_sat_f32_u
fc02 d>i - i32.trunc_sat_f64_s i32.trunc_sat_f64_u
fc04 f>l - i64.trunc_sat_f32_s i64.trunc_sat_f32_u
fc06 d>l - i64.trunc_sat_f64_s i64.trunc_sat_f64_u
fd00 i>v m4 v128.load
fd01 i>v m3 v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s v128.load32x2_u
fd07 i>v m0 v128.load8_splat
fd08 i>v m1 v128.load16_splat
fd09 i>v m2 v128.load32_splat
fd0a i>v m3 v128.load64_splat
fd0b iv> m4 v128.store
fd0e vv>v - i8x16.swizzle
fd0f i>v - i8x16.splat i16x8.splat i32x4.splat
fd12 l>v - i64x2.splat
fd13 f>v - f32x4.splat
fd14 d>v - f64x2.splat
fd15 v>i x16 i8x16.extract_lane_s i8x16.extract_lane_u
fd17 vi>v x16 i8x16.replace_lane
fd18 v>i x8 i16x8.extract_lane_s i16x8.extract_lane_u
fd1a vi>v x8 i16x8.replace_lane
fd1b v>i x4 i32x4.extract_lane
fd1c vi>v x4 i32x4.replace_lane
fd1d v>l x2 i64x2.extract_lane
fd1e vl>v x2 i64x2.replace_lane
fd1f v>f x4 f32x4.extract_lane
fd20 vf>v x4 f32x4.replace_lane
fd21 v>d x2 f64x2.extract_lane
fd22 vd>v x2 f64x2.replace_lane
fd23 vv>v - i8x16.eq i8x16.ne i8x16.lt_s i8x16.lt_u i8x16.gt_s i8x16.gt_u i8x16.le_s i8x16.le_u i8x16.ge_s i8x16.ge_u
fd2d vv>v - i16x8.eq i16x8.ne i16x8.lt_s i16x8.lt_u i16x8.gt_s i16x8.gt_u i16x8.le_s i16x8.le_u i16x8.ge_s i16x8.ge_u
fd37 vv>v - i32x4.eq i32x4.ne i32x4.lt_s i32x4.lt_u i32x4.gt_s i32x4.gt_u i32x4.le_s i32x4.le_u i32x4.ge_s i32x4.ge_u
fd41 vv>v - f32x4.eq f32x4.ne f32x4.lt f32x4.gt f32x4.le f32x4.ge
fd47 vv>v - f64x2.eq f64x2.ne f64x2.lt f64x2.gt f64x2.le f64x2.ge
fd4d v>v - v128.not
fd4e vv>v - v128.and v128.andnot v128.or v128.xor
fd52 vvv>v - v128.bitselect
fd53 v>i - v128.any_true
fd54 iv>v m0x16 v128.load8_lane
fd55 iv>v m1x8 v128.load16_lane
fd56 iv>v m2x4 v128.load32_lane
fd57 iv>v m3x2 v128.load64_lane
fd58 iv> m0x16 v128.store8_lane
fd59 iv> m1x8 v128.store16_lane
fd5a iv> m2x4 v128.store32_lane
fd5b iv> m3x2 v128.store64_lane
fd5c i>v m2 v128.load32_zero
fd5d i>v m3 v128.load64_zero
fd5e v>v - f32x4.demote_f64x2_zero f64x2.promote_low_f32x4
fd60 v>v - i8x16.abs i8x16.neg i8x16.popcnt
fd63 v>i - i8x16.all_true i8x16.bitmask
fd65 vv>v - i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u
fd67 v>v - f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest
fd6b vi>v - i8x16.shl i8x16.shr_s i8x16.shr_u
fd6e vv>v - i8x16.add i8x16.add_sat_s i8x16.add_sat_u i8x16.sub i8x16.sub_sat_s i8x16.sub_sat_u
fd74 v>v - f64x2.ceil f64x2.floor
fd76 vv>v - i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u
fd7a v>v - f64x2.trunc
fd7b vv>v - i8x16.avgr_u
fd7c v>v - i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u
fd7e v>v - i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u
fd80 v>v - i16x8.abs i16x8.neg
fd82 vv>v - i16x8.q15mulr_sat_s
fd83 v>i - i16x8.all_true i16x8.bitmask
fd85 vv>v - i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u
fd87 v>v - i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u
fd8b vi>v - i16x8.shl i16x8.shr_s i16x8.shr_u
fd8e vv>v - i16x8.add i16x8.add_sat_s i16x8.add_sat_u i16x8.sub i16x8.sub_sat_s i16x8.sub_sat_u
fd94 v>v - f64x2.nearest
fd95 vv>v - i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u
fd9b vv>v - i16x8.avgr_u
fd9c vv>v - i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s i16x8.extmul_low_i8x16_u i16x8.extmul_high_i8x16_u
fda0 v>v - i32x4.abs i32x4.neg
fda3 v>i - i32x4.all_true i32x4.bitmask
fda7 v>v - i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_s i32x4.extend_low_i16x8_u i32x4.extend_high_i16x8_u
fdab vi>v - i32x4.shl i32x4.shr_s i32x4.shr_u
fdae vv>v - i32x4.add
fdb1 vv>v - i32x4.sub
fdb5 vv>v - i32x4.mul i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s
fdbc vv>v - i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s i32x4.extmul_low_i16x8_u i32x4.extmul_high_i16x8_u
fdc0 v>v - i64x2.abs i64x2.neg
fdc3 v>i - i64x2.all_true i64x2.bitmask
fdc7 v>v - i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_s i64x2.extend_low_i32x4_u i64x2.extend_high_i32x4_u
fdcb vi>v - i64x2.shl i64x2.shr_s i64x2.shr_u
fdce vv>v - i64x2.add
fdd1 vv>v - i64x2.sub
fdd5 vv>v - i64x2.mul i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s
fddc vv>v - i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_s i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u
fde0 v>v - f32x4.abs f32x4.neg
fde3 v>v - f32x4.sqrt
fde4 vv>v - f32x4.add f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax
fdec v>v - f64x2.abs f64x2.neg
fdef v>v - f64x2.sqrt
fdf0 vv>v - f64x2.add f64x2.sub f64x2.mul f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax
fdf8 v>v - i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u
fdfc v>v - i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u
`

var operations = readTable(tableText)

// readTable panics on a wrong table: every test of the package reads it.
func readTable(text string) map[string]operation {
	out := map[string]operation{}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		words := strings.Fields(line)
		first, err := strconv.ParseUint(words[0], 16, 16)
		if err != nil {
			panic(err)
		}
		params, results, _ := strings.Cut(words[1], ">")
		o := operation{op: module.Opcode(first), params: letters(params), results: letters(results)}
		switch form := words[2]; {
		case form[0] == 'x':
			o.form = lane
			scan(form, "x%d", &o.lanes)
		case strings.Contains(form, "x"):
			o.form = memoryLane
			scan(form, "m%dx%d", &o.arg, &o.lanes)
		case form[0] == 'm':
			o.form = memory
			scan(form, "m%d", &o.arg)
		}
		for _, name := range words[3:] {
			if _, twice := out[name]; twice {
				panic("instruction twice in the table: " + name)
			}
			out[name] = o
			o.op++
		}
	}
	return out
}

func scan(text, format string, into ...any) {
	if _, err := fmt.Sscanf(text, format, into...); err != nil {
		panic(err)
	}
}

func letters(s string) []module.ValType {
	var out []module.ValType
	for _, c := range s {
		out = append(out, map[rune]module.ValType{'i': module.I32, 'l': module.I64, 'f': module.F32, 'd': module.F64, 'v': module.V128}[c])
	}
	return out
}
