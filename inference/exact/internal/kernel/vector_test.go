package kernel

import (
	"math"
	"reflect"
	"slices"
	"testing"
)

// sweep has numbers of all sizes and both signs, special ones included, and the neighbourhood of each place where a
// function changes its formula.
func sweep() []float32 {
	var x []float32
	for b := uint32(0); b < 1<<32-1<<16; b += 1<<13 + 7 {
		x = append(x, math.Float32frombits(b))
	}
	edges := []float32{88.72284, 89, 104, 105, 0.927734375, 4, 0, 1, 87.33655, 0.625, 3, 1024, 127.5, 0.70710678, 0x1p-126, 0x1p-14, 65520, float32(math.Inf(1))}
	for _, edge := range edges {
		for d := -200; d <= 200; d++ {
			b := math.Float32bits(edge) + uint32(d)
			x = append(x, math.Float32frombits(b), math.Float32frombits(b^signBit))
		}
	}
	s := noise(11)
	return append(x, s.floats(4001, true)...)
}

// odd is a number for scalar arguments: a few ordinary and special ones in turn.
func odd(i int) float32 {
	list := []float32{1, 0, -0.75, float32(math.Copysign(0, -1)), 3e38, nan, float32(math.Inf(1)), -2.5, 1e-40, 0.1, float32(math.Inf(-1))}
	return list[i%len(list)]
}

// vectorCall calls a field of Vectors on slices made from x and gives its output's bytes: it fills each slice argument
// after the first from x, rotated, and each number from odd.
func vectorCall(v *Vectors, field int, x []float32, turn int) []byte {
	f := reflect.ValueOf(v).Elem().Field(field)
	args := make([]reflect.Value, f.Type().NumIn())
	for i := range args {
		typ := f.Type().In(i)
		switch {
		case typ.Kind() == reflect.Slice && i == 0:
			args[i] = reflect.MakeSlice(typ, len(x), len(x))
		case typ.Kind() == reflect.Slice:
			args[i] = sliceOf(typ.Elem().Kind(), x, 37*i)
		case typ.Kind() == reflect.Float32:
			args[i] = reflect.ValueOf(odd(turn + i))
		case typ.Kind() == reflect.Int8:
			args[i] = reflect.ValueOf(int8(29 * turn))
		case typ.Kind() == reflect.Uint8:
			args[i] = reflect.ValueOf(uint8(29 * turn))
		default:
			panic(typ.String())
		}
	}
	f.Call(args)
	return rawBytes(args[0])
}

func sliceOf(k reflect.Kind, x []float32, rotate int) reflect.Value {
	from := append(slices.Clone(x[rotate%max(1, len(x)):]), x[:rotate%max(1, len(x))]...)
	switch k {
	case reflect.Float32:
		return reflect.ValueOf(from)
	case reflect.Int8:
		return reflect.ValueOf(mapped(from, func(b uint32) int8 { return int8(b>>23 ^ b) }))
	case reflect.Uint8:
		return reflect.ValueOf(mapped(from, func(b uint32) uint8 { return uint8(b>>23 ^ b) }))
	default:
		return reflect.ValueOf(mapped(from, func(b uint32) uint16 { return uint16(b >> 16) }))
	}
}

func mapped[T any](x []float32, f func(uint32) T) []T {
	out := make([]T, len(x))
	for i, v := range x {
		out[i] = f(math.Float32bits(v))
	}
	return out
}

// rawBytes is a slice's elements bit for bit.
func rawBytes(v reflect.Value) []byte {
	var out []byte
	for i := range v.Len() {
		var b uint32
		switch e := v.Index(i); e.Kind() {
		case reflect.Float32:
			b = math.Float32bits(float32(e.Float()))
		case reflect.Int8:
			b = uint32(e.Int())
		default:
			b = uint32(e.Uint())
		}
		out = append(out, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
	}
	return out
}

// elementwise lists the exported fields of Vectors, all of which work element by element.
func elementwise() map[string]int {
	fields := map[string]int{}
	for i := range reflect.TypeFor[Vectors]().NumField() {
		if f := reflect.TypeFor[Vectors]().Field(i); f.IsExported() {
			fields[f.Name] = i
		}
	}
	return fields
}

// Every function of every set gives the bits of the plain one over the whole range of floats.
func TestVectorsMatchGoOnASweep(t *testing.T) {
	x := sweep()
	for name, field := range elementwise() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns := 1
			for i := range vectorType(field).NumIn() {
				if vectorType(field).In(i).Kind() != reflect.Slice {
					turns = 11
				}
			}
			for turn := range turns {
				want := vectorCall(&vectorsGo, field, x[:len(x)/turns], turn)
				for _, k := range sets[:len(sets)-1] {
					got := vectorCall(&k.Vectors, field, x[:len(x)/turns], turn)
					for i := 0; i < len(want); i += 4 {
						if string(got[i:i+4]) != string(want[i:i+4]) {
							t.Fatalf("%s turn %d: element %d of %v (%#x) is %x, want %x", k.Name, turn, i/4, x[i/4], math.Float32bits(x[i/4]), got[i:i+4], want[i:i+4])
						}
					}
				}
			}
		})
	}
}

func vectorType(field int) reflect.Type { return reflect.TypeFor[Vectors]().Field(field).Type }

// Whole groups and tails: every length gives what a longer one gives for the same elements.
func TestVectorsOfEveryLength(t *testing.T) {
	s := noise(12)
	for name, field := range elementwise() {
		for n := range 101 {
			x := s.floats(n, true)
			want := vectorCall(&vectorsGo, field, x, n)
			for _, k := range sets[:len(sets)-1] {
				if got := vectorCall(&k.Vectors, field, x, n); string(got) != string(want) {
					t.Fatalf("%s: %s of %d elements differs: %x, want %x", k.Name, name, n, got, want)
				}
			}
		}
	}
}

// A vector function may write over what it reads, and writes nothing beyond.
func TestVectorsInPlace(t *testing.T) {
	s := noise(13)
	x := s.floats(70, true)
	for _, k := range sets {
		for n := range x {
			got := append([]float32(nil), x...)
			k.Gelu(got[:n], got[:n])
			k.Add(got[:n], got[:n], x[:n])
			for i, v := range x {
				want := v
				if i < n {
					want = Canon(Gelu(v) + v)
				}
				if math.Float32bits(got[i]) != math.Float32bits(want) {
					t.Fatalf("%s: element %d of the first %d is %v, want %v", k.Name, i, n, got[i], want)
				}
			}
		}
	}
}
