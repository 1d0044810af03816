package exact

import (
	"math"
	"math/rand/v2"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

func TestCasts(t *testing.T) {
	t.Parallel()
	to := func(dtype tensor.DType, more ...ir.Attr) []ir.Attr { return append(more, aInt("to", int64(dtype))) }
	runTable(t, []row{
		{"saturates", "Cast", to(tensor.Int8), []*Tensor{row32(-1.9, 127.9, 128, -1e30, inf, nan32)}, []*Tensor{of[int8](tensor.Int8, -1, 127, 127, -128, 127, 0)}},
		{"saturates", "Cast", to(tensor.Int64), []*Tensor{row32(inf, -inf, 1<<40)}, []*Tensor{i64s([]int64{math.MaxInt64, math.MinInt64, 1 << 40})}},
		{"saturates", "Cast", to(tensor.Uint64), []*Tensor{row32(inf, -1, 1<<63)}, []*Tensor{of[uint64](tensor.Uint64, math.MaxUint64, 0, 1<<63)}},
		{"wraps", "Cast", to(tensor.Uint8), []*Tensor{i64s([]int64{-1, 256, 511})}, []*Tensor{of[uint8](tensor.Uint8, 255, 0, 255)}},
		{"keeps low bits", "Cast", to(tensor.Int4), []*Tensor{i64s([]int64{-9, 8, 7})}, []*Tensor{of[int8](tensor.Int4, 7, -8, 7)}},
		{"widens", "Cast", to(tensor.Int32), []*Tensor{of[int8](tensor.Int4, -8, 7)}, []*Tensor{of[int32](tensor.Int32, -8, 7)}},
		{"is it 0", "Cast", to(tensor.Bool), []*Tensor{row32(0, minus, 0.1, nan32)}, []*Tensor{bools(false, false, true, true)}},
		{"from bool", "Cast", to(tensor.Float32), []*Tensor{bools(true, false)}, []*Tensor{row32(1, 0)}},
		{"rounds once", "Cast", to(tensor.Float16), []*Tensor{of(tensor.Float64, 1+0x1p-11+0x1p-40, 1+0x1p-11)}, []*Tensor{of[uint16](tensor.Float16, 0x3c01, 0x3c00)}},
		{"rounds once", "Cast", to(tensor.BFloat16), []*Tensor{i64s([]int64{1<<62 + 1<<54 + 1, -1<<62 - 1<<54})}, []*Tensor{of[uint16](tensor.BFloat16, 0x5e81, 0xde80)}},
		{"without sign", "Cast", to(tensor.Float32), []*Tensor{of[uint64](tensor.Uint64, math.MaxUint64)}, []*Tensor{row32(1 << 63 * 2)}},
		{"large", "Cast", to(tensor.Float8E4M3FN), []*Tensor{row32(448, 465, 1e9, -inf)}, []*Tensor{of[uint8](tensor.Float8E4M3FN, 0x7e, 0x7e, 0x7e, 0xfe)}},
		{"large, as they are", "Cast", to(tensor.Float8E5M2, aInt("saturate", 0)), []*Tensor{row32(57344, 1e9, -inf, nan32)}, []*Tensor{of[uint8](tensor.Float8E5M2, 0x7b, 0x7c, 0xfc, 0x7f)}},
		{"one zero", "Cast", to(tensor.Float8E5M2NUZ), []*Tensor{row32(minus, -1e-30, nan32)}, []*Tensor{of[uint8](tensor.Float8E5M2NUZ, 0, 0, 0x80)}},
		{"up", "Cast", to(tensor.Float8E8M0), []*Tensor{row32(1, 1.01, 0, inf, nan32)}, []*Tensor{of[uint8](tensor.Float8E8M0, 127, 128, 0, 254, 255)}},
		{"type of another", "CastLike", nil, []*Tensor{row32(1.5), i64s([]int64{9})}, []*Tensor{i64s([]int64{1})}},
		{"bits", "BitCast", to(tensor.Float32), []*Tensor{of[uint32](tensor.Uint32, 0x3f800000, 0xffffffff)}, []*Tensor{row32(1, nan32)}},
		{"bits", "BitCast", to(tensor.Int4), []*Tensor{of[uint8](tensor.Uint4, 15, 7)}, []*Tensor{of[int8](tensor.Int4, -1, 7)}},
		{"mask", "Dropout", nil, []*Tensor{row32(1, 2)}, []*Tensor{row32(1, 2), bools(true, true)}},
		{"training with ratio 0", "Dropout", nil, []*Tensor{row32(1), f32s([]float32{0}), bools(true)}, []*Tensor{row32(1), bools(true)}},
	})
}

// TestSmallFloats holds encode and decode against the nearest of all codes.
func TestSmallFloats(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for _, dtype := range []tensor.DType{tensor.Float8E4M3FN, tensor.Float8E4M3NUZ, tensor.Float8E5M2, tensor.Float8E5M2NUZ, tensor.Float4E2M1} {
		f := smallFormats(dtype)
		for code := range int(f.sign) * 2 {
			if x := f.decode(byte(code)); f.encode(x, false) != byte(code) && x == x {
				t.Errorf("%v: code %#x is %v, whose code is %#x", dtype, code, x, f.encode(x, false))
			}
		}
		for range 20_000 {
			x := math.Exp(r.Float64()*30 - 20)
			if r.IntN(4) == 0 { // half way
				code := r.IntN(int(f.highest))
				x = (float64(f.decode(byte(code))) + float64(f.decode(byte(code+1)))) / 2
			}
			v := float32(x)
			best := 0
			for code := 1; code <= int(f.highest); code++ {
				d, least := math.Abs(float64(f.decode(byte(code)))-float64(v)), math.Abs(float64(f.decode(byte(best)))-float64(v))
				if d < least || d == least && code%2 == 0 {
					best = code
				}
			}
			if got := f.encode(v, true); int(got) != best {
				t.Fatalf("%v: %v becomes %#x, want %#x", dtype, v, got, best)
			}
		}
	}
}

// TestNarrowedDoublesRoundOnce: by way of float32 nothing is rounded twice.
func TestNarrowedDoublesRoundOnce(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 10))
	format := format{mantissa: 10, bias: 15}
	for range 2000 {
		h := uint16(r.IntN(0x7bff))
		low, high := halfValue(format, h), halfValue(format, h+1)
		x := low + (high-low)*[]float64{0.25, 0.5, 0.75, 0.5 + 0x1p-40, 0.5 - 0x1p-40}[r.IntN(5)]
		want := h
		if x-low > high-x || x-low == high-x && h%2 == 1 {
			want++
		}
		got, err := runNode(t, "Cast", []ir.Attr{aInt("to", int64(tensor.Float16))}, 1, of(tensor.Float64, x))
		if err != nil {
			t.Fatal(err)
		}
		if g := tensor.View[uint16](&got[0])[0]; g != want {
			t.Fatalf("%v becomes %#x, want %#x", x, g, want)
		}
	}
}

// halfValue is what a positive binary16 code stands for.
func halfValue(f format, code uint16) float64 {
	e, m := int(code>>f.mantissa), float64(code&(1<<f.mantissa-1))
	if e == 0 {
		return math.Ldexp(m, 1-f.bias-f.mantissa)
	}
	return math.Ldexp(m+float64(int(1)<<f.mantissa), e-f.bias-f.mantissa)
}

func TestDoubles(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	for range 100_000 {
		x := r.Float64()*1400 - 700
		if got, want := exp64(x), math.Exp(x); math.Abs(got-want) > 4e-16*want {
			t.Fatalf("e^%v is %v, want %v", x, got, want)
		}
		y := math.Exp(x)
		if got, want := log64(y), math.Log(y); math.Abs(got-want) > 4e-16*max(1, math.Abs(want)) {
			t.Fatalf("ln %v is %v, want %v", y, got, want)
		}
	}
	if exp64(-800) != 0 || !math.IsInf(exp64(800), 1) || !math.IsInf(log64(0), -1) || log64(-1) == log64(-1) {
		t.Error("edges of e^x and ln x")
	}
}
