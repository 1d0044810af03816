package module

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzParse: no panic, a typed error, and what parses encodes to a fixed point that
// parses again.
func FuzzParse(f *testing.F) {
	f.Add(everything().Encode())
	f.Add(opcodeModule(new(Code).Get(0).Op(OpDrop).Body().Code).Encode())
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x00\x05\x04name"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error %v of type %T", err, err)
			}
			return
		}
		once := m.Encode()
		again, err := Parse(once)
		if err != nil {
			t.Fatalf("parse of encode: %v", err)
		}
		if !bytes.Equal(once, again.Encode()) {
			t.Fatal("encode is no fixed point")
		}
		m.FuncNamed("f")
		if err := again.CheckIndices(); err != nil {
			return
		}
		if err := again.MapFuncs(func(f uint32) uint32 { return f }); err != nil {
			return
		}
		if !bytes.Equal(once, again.Encode()) {
			t.Fatal("renumbering by the identity changes the module")
		}
	})
}
