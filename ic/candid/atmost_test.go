package candid

import (
	"bytes"
	"testing"
)

// GetNatAtMost takes every size of nat and stops at the largest of 128 bits.
func TestGetNatAtMost(t *testing.T) {
	t.Parallel()
	most := Nat{1<<64 - 1, 1<<64 - 1}
	ones := func(n int, last byte) []byte { return append(bytes.Repeat([]byte{0xff}, n), last) }
	for name, row := range map[string]struct {
		leb  []byte
		want Nat
	}{
		"nothing":                 {[]byte{0}, Nat{}},
		"300":                     {[]byte{0xac, 0x02}, NewNat(300)},
		"2^128-1":                 {ones(18, 3), most},
		"2^128-1 and zeros":       {append(append(ones(17, 0xff), 0x83), 0x80, 0), most},
		"2^128":                   {append(bytes.Repeat([]byte{0x80}, 18), 4), most},
		"2^140":                   {append(bytes.Repeat([]byte{0x80}, 20), 1), most},
		"a million bits":          {ones(150_000, 1), most},
		"as many zeros after one": {append(append([]byte{0x81}, bytes.Repeat([]byte{0x80}, 1000)...), 0), NewNat(1)},
	} {
		d := NewDecoder(append([]byte("DIDL\x00\x01\x7d"), row.leb...))
		var got Nat
		GetNatAtMost(d, d.Arg(), &got)
		if err := d.Finish("a nat"); err != nil || got != row.want {
			t.Errorf("%s: %v, %v, want %v", name, got, err, row.want)
		}
	}
	for name, msg := range map[string]string{"text": "DIDL\x00\x01\x71\x00", "cut off": "DIDL\x00\x01\x7d\x80"} {
		d := NewDecoder([]byte(msg))
		var got Nat
		GetNatAtMost(d, d.Arg(), &got)
		if d.Finish("a nat") == nil {
			t.Errorf("%s: taken for a nat, %v", name, got)
		}
	}
}
