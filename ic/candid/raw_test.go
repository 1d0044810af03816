package candid_test

import (
	"bytes"
	"testing"

	"assay/ic/candid"
)

// A value is handed on as it stands, whatever its type is.
func TestRaw(t *testing.T) {
	t.Parallel()
	// (record { 0 : opt vec nat; 1 : text }, nat16)
	msg := []byte("DIDL\x03\x6e\x01\x6d\x7d\x6c\x02\x00\x00\x01\x71\x02\x02\x7a\x01\x02\x05\xac\x02\x02hi\x07\x00")
	d := candid.NewDecoder(msg)
	first, second := d.Raw(d.Arg()), d.Raw(d.Arg())
	if err := d.Finish("message"); err != nil {
		t.Fatal(err)
	}
	wants := [][]byte{
		[]byte("DIDL\x03\x6e\x01\x6d\x7d\x6c\x02\x00\x00\x01\x71\x01\x02\x01\x02\x05\xac\x02\x02hi"),
		[]byte("DIDL\x03\x6e\x01\x6d\x7d\x6c\x02\x00\x00\x01\x71\x01\x7a\x07\x00"),
	}
	for i, got := range [][]byte{first, second} {
		if !bytes.Equal(got, wants[i]) {
			t.Errorf("value %d: %q, want %q", i, got, wants[i])
		}
	}
	d = candid.NewDecoder(second)
	var n uint16
	candid.GetNat16(d, d.Arg(), &n)
	if err := d.Finish("message"); err != nil || n != 7 {
		t.Errorf("read again: %d, %v", n, err)
	}
	d = candid.NewDecoder(msg[:20])
	if raw := d.Raw(d.Arg()); raw != nil || d.Err() == nil {
		t.Errorf("a value that is cut off: %q", raw)
	}
}

func FuzzRaw(f *testing.F) {
	f.Add([]byte("DIDL\x03\x6e\x01\x6d\x7d\x6c\x02\x00\x00\x01\x71\x02\x02\x7a\x01\x02\x05\xac\x02\x02hi\x07\x00"))
	f.Add([]byte("DIDL\x00\x01\x71\x02hi"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		d := candid.NewDecoder(msg)
		raw := d.Raw(d.Arg())
		if d.Err() != nil || raw == nil {
			return
		}
		again := candid.NewDecoder(raw)
		if twice := again.Raw(again.Arg()); again.Finish("value") != nil || !bytes.Equal(raw, twice) {
			t.Errorf("%q becomes %q", raw, twice)
		}
	})
}
