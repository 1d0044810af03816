package meter

import "assay/ic/wasm/module"

// weights holds the cost of each opcode: core by byte, bulk by the number after 0xfc,
// vector by the number after 0xfd. Whatever is not listed costs 1. The numbers are the
// Internet Computer's, for 32-bit memory.
var weights struct {
	core   [256]uint16
	bulk   [18]uint16
	vector [256]uint16
}

// span is a run of opcodes of one weight.
type span struct {
	cost     uint16
	from, to int
}

var coreSpans = []span{
	{0, 0x02, 0x03}, {0, 0x05, 0x05}, {0, 0x0b, 0x0b}, // block, loop, else, end
	{2, 0x04, 0x04}, {2, 0x0c, 0x0e}, // if, br, br_if, br_table
	{5, 0x10, 0x10}, {10, 0x11, 0x11}, // call, call_indirect
	{3, 0x12, 0x12}, {60, 0x13, 0x13}, // return_call, return_call_indirect
	{2, 0x23, 0x24}, {5, 0x25, 0x26}, // globals, tables
	{20, 0x3f, 0x3f}, {300, 0x40, 0x40}, // memory.size, memory.grow
	{3, 0x5b, 0x66},                    // float comparisons
	{10, 0x6d, 0x70}, {10, 0x7f, 0x82}, // integer div and rem
	{2, 0x8d, 0x90}, {5, 0x91, 0x91}, // f32 ceil floor trunc nearest, sqrt
	{2, 0x92, 0x94}, {3, 0x95, 0x95}, // f32 add sub mul, div
	{18, 0x96, 0x97}, {2, 0x98, 0x98}, // f32 min max, copysign
	{2, 0x9b, 0x9e}, {8, 0x9f, 0x9f}, // f64 ceil floor trunc nearest, sqrt
	{2, 0xa0, 0xa2}, {5, 0xa3, 0xa3}, // f64 add sub mul, div
	{18, 0xa4, 0xa5}, {3, 0xa6, 0xa6}, // f64 min max, copysign
	{20, 0xa8, 0xab}, {20, 0xae, 0xb1}, // float to integer
	{3, 0xb2, 0xb2}, {16, 0xb3, 0xb3}, {3, 0xb4, 0xb4}, {16, 0xb5, 0xb5}, // integer to f32
	{3, 0xb7, 0xb7}, {16, 0xb8, 0xb8}, {3, 0xb9, 0xb9}, {16, 0xba, 0xba}, // integer to f64
	{5, 0xd1, 0xd1}, {130, 0xd2, 0xd2}, // ref.is_null, ref.func
}

var bulkSpans = []span{
	{20, 0, 7},    // saturating float to integer
	{100, 8, 8},   // memory.init
	{300, 9, 9},   // data.drop
	{100, 10, 12}, // memory.copy, memory.fill, table.init
	{300, 13, 13}, // elem.drop
	{100, 14, 14}, // table.copy
	{300, 15, 15}, // table.grow
	{100, 16, 17}, // table.size, table.fill
}

var vectorSpans = []span{
	{3, 0x0d, 0x0d},                  // shuffle
	{2, 0x26, 0x26}, {2, 0x28, 0x28}, // i8x16 lt_u gt_u
	{2, 0x30, 0x30}, {2, 0x32, 0x32}, // i16x8 lt_u gt_u
	{2, 0x3a, 0x3a}, {2, 0x3c, 0x3c}, // i32x4 lt_u gt_u
	{3, 0x62, 0x62},                  // i8x16 popcnt
	{2, 0x67, 0x6a},                  // f32x4 ceil floor trunc nearest
	{3, 0x6b, 0x6c}, {2, 0x6d, 0x6d}, // i8x16 shl shr_s, shr_u
	{2, 0x74, 0x75}, {2, 0x7a, 0x7a}, {2, 0x94, 0x94}, // f64x2 ceil floor, trunc, nearest
	{2, 0x7d, 0x7d}, {3, 0x7f, 0x7f}, // extadd_pairwise unsigned, i16x8 and i32x4
	{2, 0x8b, 0x8d},                  // i16x8 shifts
	{2, 0x9d, 0x9d}, {2, 0x9f, 0x9f}, // i16x8 extmul high
	{2, 0xab, 0xad}, {2, 0xb5, 0xb5}, {2, 0xbc, 0xbf}, // i32x4 shifts, mul, extmul
	{2, 0xcb, 0xcb}, {3, 0xcc, 0xcc}, {2, 0xcd, 0xcd}, // i64x2 shl, shr_s, shr_u
	{4, 0xd5, 0xd5},                  // i64x2 mul
	{2, 0xe0, 0xe1}, {5, 0xe3, 0xe3}, // f32x4 abs neg, sqrt
	{2, 0xe4, 0xe6}, {10, 0xe7, 0xe7}, {4, 0xe8, 0xe9}, // f32x4 add sub mul, div, min max
	{2, 0xec, 0xed}, {14, 0xef, 0xef}, // f64x2 abs neg, sqrt
	{2, 0xf0, 0xf2}, {12, 0xf3, 0xf3}, {4, 0xf4, 0xf4}, {5, 0xf5, 0xf5}, // f64x2 add sub mul, div, min, max
	{2, 0xf8, 0xf8}, {4, 0xf9, 0xf9}, // i32x4 trunc_sat_f32x4
	{4, 0xfb, 0xfb},                  // f32x4 convert_i32x4_u
	{2, 0xfc, 0xfc}, {3, 0xfd, 0xfd}, // i32x4 trunc_sat_f64x2_zero
}

func init() {
	set(weights.core[:], coreSpans)
	set(weights.bulk[:], bulkSpans)
	set(weights.vector[:], vectorSpans)
}

func set(table []uint16, spans []span) {
	for i := range table {
		table[i] = 1
	}
	for _, s := range spans {
		for i := s.from; i <= s.to; i++ {
			table[i] = s.cost
		}
	}
}

// Weight is the cost of one instruction without the cost per byte that bulk
// instructions have besides.
func Weight(o module.Opcode) uint64 {
	switch o >> 8 {
	case 0xfc:
		return uint64(weights.bulk[o&0xff])
	case 0xfd:
		return uint64(weights.vector[o&0xff])
	}
	return uint64(weights.core[o&0xff])
}
