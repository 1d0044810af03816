package kernel

import (
	"math"
	"testing"
)

// half is the value of 16 bits of binary16 by its definition.
func half(h uint16) float64 {
	exponent, fraction := int(h>>10&31), float64(h&1023)
	value := math.Ldexp(1+fraction/1024, exponent-15)
	switch {
	case exponent == 31 && fraction == 0:
		value = math.Inf(1)
	case exponent == 31:
		value = math.NaN()
	case exponent == 0:
		value = math.Ldexp(fraction/1024, -14)
	}
	return math.Copysign(value, 1-2*float64(h>>15))
}

func TestEveryFloat16(t *testing.T) {
	for b := range 1 << 16 {
		h := uint16(b)
		got, want := FromFloat16(h), half(h)
		if want != want {
			if math.Float32bits(got) != 0x7fc00000 || ToFloat16(got) != 0x7e00 {
				t.Fatalf("%#x is %v and goes back to %#x, want NaN", h, got, ToFloat16(got))
			}
			continue
		}
		if float64(got) != want || math.Signbit(float64(got)) != math.Signbit(want) {
			t.Fatalf("%#x is %v, want %v", h, got, want)
		}
		if back := ToFloat16(got); back != h {
			t.Fatalf("%v goes back to %#x, want %#x", got, back, h)
		}
	}
}

// Between two neighbours the nearer one is chosen, in the middle the even one.
func TestFloat16Rounds(t *testing.T) {
	for h := uint16(0); h < 0x7c00; h++ {
		low, high := half(h), half(h+1)
		if h == 0x7bff {
			high = 65536 // what would follow, were there room
		}
		middle := float32((low + high) / 2)
		even := h + h&1
		for _, c := range []struct {
			x    float32
			want uint16
		}{{middle, even}, {math.Nextafter32(middle, 0), h}, {math.Nextafter32(middle, 1e6), h + 1}} {
			if got := ToFloat16(c.x); got != c.want {
				t.Fatalf("ToFloat16(%v) = %#x, want %#x", c.x, got, c.want)
			}
			if got := ToFloat16(-c.x); got != c.want|0x8000 {
				t.Fatalf("ToFloat16(%v) = %#x, want %#x", -c.x, got, c.want|0x8000)
			}
		}
	}
}

func TestBFloat16(t *testing.T) {
	for _, c := range []struct {
		x    uint32
		want uint16
	}{
		{0x3f800000, 0x3f80},
		{0x3f808000, 0x3f80},
		{0x3f818000, 0x3f82},
		{0x3f808001, 0x3f81},
		{0x3f807fff, 0x3f80},
		{0x7f7fffff, 0x7f80},
		{0x7f800000, 0x7f80},
		{0xff800000, 0xff80},
		{0xffc12345, 0x7fc0},
		{0x7f800001, 0x7fc0},
		{0x80000000, 0x8000},
		{0x00008000, 0},
		{0x00018000, 2},
	} {
		if got := ToBFloat16(math.Float32frombits(c.x)); got != c.want {
			t.Errorf("ToBFloat16(%#x) = %#x, want %#x", c.x, got, c.want)
		}
	}
	for b := range 1 << 16 {
		x := FromBFloat16(uint16(b))
		if want := math.Float32frombits(uint32(b) << 16); x == x && math.Float32bits(x) != math.Float32bits(want) || (x == x) != (want == want) {
			t.Fatalf("FromBFloat16(%#x) = %v, want %v", b, x, want)
		}
	}
}

func TestQuantisation(t *testing.T) {
	inf := float32(math.Inf(1))
	x := []float32{0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, 127.4, 127.5, 128, 254.5, 255.5, 1e9, -128.5, -129, -1e9, inf, -inf, nan, 0.49999997}
	signed := []int8{1, 1, 3, 3, 1, -1, -1, 127, 127, 127, 127, 127, 127, 127, -127, -128, -128, 127, -128, 1, 1}
	unsigned := []uint8{1, 1, 3, 3, 1, 0, 0, 127, 128, 129, 129, 255, 255, 255, 0, 0, 0, 255, 0, 1, 1}
	for _, k := range sets {
		i8, u8 := make([]int8, len(x)), make([]uint8, len(x))
		k.QuantizeInt8(i8, x, 1, 1)
		k.QuantizeUint8(u8, x, 1, 1)
		for i, v := range x {
			if i8[i] != signed[i] || u8[i] != unsigned[i] {
				t.Errorf("%s: %v becomes %d and %d, want %d and %d", k.Name, v, i8[i], u8[i], signed[i], unsigned[i])
			}
		}
		back := make([]float32, 2)
		k.DequantizeInt8(back, []int8{-128, 127}, 0.5, 10)
		if back[0] != -69 || back[1] != 58.5 {
			t.Errorf("%s: dequantised int8 %v", k.Name, back)
		}
		k.DequantizeUint8(back, []uint8{0, 255}, 0.5, 10)
		if back[0] != -5 || back[1] != 122.5 {
			t.Errorf("%s: dequantised uint8 %v", k.Name, back)
		}
	}
}
