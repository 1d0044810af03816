// Package candidtest tests generated Candid packages: it makes random values of their
// types and checks that they survive a message. Only tests call it; unlike the code that
// it tests it uses reflection.
package candidtest

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/ic/candid"
	"assay/ic/principal"
)

// RoundTrip encodes and decodes n random values of T and compares. It also cuts and
// flips each message, which must give an error or another value, never a panic.
func RoundTrip[T any](t *testing.T, n int, encode func(T) ([]byte, error), decode func([]byte) (T, error)) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for range n {
		var want T
		Fill(r, &want)
		msg, err := encode(want)
		if err != nil {
			t.Fatalf("encode %T: %v", want, err)
		}
		got, err := decode(msg)
		if err != nil {
			t.Fatalf("decode %T: %v\nmessage %x", want, err, msg)
		}
		if diff := Diff(want, got); diff != "" {
			t.Fatalf("%T after a round trip (-want +got):\n%s", want, diff)
		}
		for range 4 {
			if cut := msg[:r.IntN(len(msg))]; len(cut) < len(msg) {
				if _, err := decode(cut); err == nil {
					t.Errorf("%T: %d of %d bytes decode", want, len(cut), len(msg))
				}
			}
			msg[r.IntN(len(msg))] ^= 1 << r.IntN(8)
			Stable(t, msg, encode, decode)
		}
	}
}

// Stable checks that a message, if it decodes at all, decodes to a value that encodes
// to a message of the same value.
func Stable[T any](t *testing.T, msg []byte, encode func(T) ([]byte, error), decode func([]byte) (T, error)) {
	t.Helper()
	v, err := decode(msg)
	if err != nil {
		return
	}
	again, err := encode(v)
	if err != nil {
		t.Fatalf("%T decoded from %x does not encode: %v", v, msg, err)
	}
	w, err := decode(again)
	if err != nil {
		t.Fatalf("%T encoded as %x does not decode: %v", v, again, err)
	}
	if diff := Diff(v, w); diff != "" {
		t.Fatalf("%T decoded, encoded and decoded (-first +second):\n%s", v, diff)
	}
}

// Diff is cmp.Diff for generated types; empty and absent vectors are equal.
func Diff(a, b any) string {
	return cmp.Diff(a, b, cmpopts.EquateEmpty(), cmpopts.EquateNaNs(), cmp.Comparer(func(a, b principal.Principal) bool { return a == b }))
}

// Fill sets *v to a random value: of a variant one field, options half of the time.
func Fill(r *rand.Rand, v any) { fill(r, reflect.ValueOf(v).Elem(), 0) }

func fill(r *rand.Rand, v reflect.Value, depth int) {
	switch x := v.Addr().Interface().(type) {
	case *candid.Nat:
		*x = candid.Nat{Hi: r.Uint64() >> r.IntN(65), Lo: r.Uint64()}
		return
	case *candid.Int:
		*x = candid.Int{Hi: int64(r.Uint64()) >> r.IntN(64), Lo: r.Uint64()}
		return
	case *principal.Principal:
		*x = principal.Canister(r.Uint64() >> r.IntN(65))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(65) & (1<<v.Type().Bits() - 1))
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64()) >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(float32(r.NormFloat64())))
	case reflect.String:
		v.SetString([]string{"", "a", "grüezi", "☃ and more"}[r.IntN(4)])
	case reflect.Pointer:
		if r.IntN(2+depth) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem(), depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(max(1, 5-depth)), 5))
		for i := range v.Len() {
			fill(r, v.Index(i), depth+1)
		}
	case reflect.Struct:
		fillStruct(r, v, depth)
	}
}

func fillStruct(r *rand.Rand, v reflect.Value, depth int) {
	if _, variant := v.Interface().(interface{ Tag() string }); !variant {
		for i := range v.NumField() {
			fill(r, v.Field(i), depth+1)
		}
		return
	}
	f := v.Field(r.IntN(v.NumField()))
	if depth > 12 { // end a recursive type by a tag without payload
		for i := range v.NumField() {
			if v.Field(i).Kind() == reflect.Bool {
				f = v.Field(i)
			}
		}
	}
	if f.Kind() == reflect.Bool {
		f.SetBool(true)
		return
	}
	f.Set(reflect.New(f.Type().Elem()))
	fill(r, f.Elem(), depth+1)
}
