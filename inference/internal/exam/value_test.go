package exam

import (
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestHalf(t *testing.T) {
	t.Parallel()
	for bits, want := range map[uint16]float64{
		0: 0, 1: 0x1p-24, 0x3ff: 0x1p-14 - 0x1p-24, 0x400: 0x1p-14, 0x3c00: 1, 0xc500: -5, 0x7bff: 65504, 0x7c00: math.Inf(1), 0xfc00: math.Inf(-1),
	} {
		if got := half(bits); got != want {
			t.Errorf("half(%#x) = %v, want %v", bits, got, want)
		}
	}
	if got := half(0x7e00); got == got {
		t.Errorf("half(0x7e00) = %v, want NaN", got)
	}
}

// A tensor may hold its numbers packed, one by one, or as raw data.
func TestDecodeValue(t *testing.T) {
	t.Parallel()
	head := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 2)
	head = protowire.AppendVarint(protowire.AppendTag(head, 2, protowire.VarintType), 3)
	packed := protowire.AppendBytes(protowire.AppendTag(head[:len(head):len(head)], 5, protowire.BytesType), protowire.AppendVarint([]byte{7}, ^uint64(0)))
	single := protowire.AppendVarint(protowire.AppendTag(head[:len(head):len(head)], 5, protowire.VarintType), 7)
	single = protowire.AppendVarint(protowire.AppendTag(single, 5, protowire.VarintType), ^uint64(0))
	want := Value{DType: 3, Shape: []int64{2}, Raw: []byte{7, 0xff}}
	for name, data := range map[string][]byte{"packed": packed, "single": single, "raw": want.Encode()} {
		got, err := DecodeValue(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := Compare(&got, &want, Tolerance{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := DecodeValue(head); err == nil {
		t.Error("a tensor of two elements without data was read")
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	f := func(v ...float32) *Value {
		out := &Value{DType: floatType, Shape: []int64{int64(len(v))}}
		for _, x := range v {
			out.Raw = appendElement(out.Raw, uint64(math.Float32bits(x)), 32)
		}
		return out
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	tolerance := Tolerance{Relative: 1e-3, Absolute: 1e-7}
	for _, c := range []struct {
		name      string
		got, want *Value
		same      bool
	}{
		{"equal", f(1, 2), f(1, 2), true},
		{"within", f(1000.9), f(1000), true},
		{"outside", f(1001.1), f(1000), false},
		{"NaN", f(nan), f(nan), true},
		{"NaN for a number", f(nan), f(1), false},
		{"a number for NaN", f(1), f(nan), false},
		{"infinity", f(inf), f(inf), true},
		{"minus infinity", f(-inf), f(inf), false},
		{"infinity for a number", f(inf), f(1), false},
		{"shape", f(1), f(1, 1), false},
		{"empty", f(), f(), true},
		{"type", f(0), &Value{DType: 6, Shape: []int64{1}, Raw: make([]byte, 4)}, false},
		{"integers", &Value{DType: 2, Shape: []int64{2}, Raw: []byte{1, 200}}, &Value{DType: 2, Shape: []int64{2}, Raw: []byte{1, 201}}, false},
		{"two NaNs of eight bits", &Value{DType: 17, Shape: []int64{1}, Raw: []byte{0x7f}}, &Value{DType: 17, Shape: []int64{1}, Raw: []byte{0xff}}, true},
	} {
		if err := Compare(c.got, c.want, tolerance); (err == nil) != c.same {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
