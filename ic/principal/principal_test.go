package principal

import (
	"bytes"
	"errors"
	"testing"
)

func TestKnownTexts(t *testing.T) {
	for text, p := range map[string]Principal{
		"aaaaa-aa":                    Management,
		"2vxsx-fae":                   Anonymous,
		"rwlgt-iiaaa-aaaaa-aaaaa-cai": Canister(0),
		"rrkah-fqaaa-aaaaa-aaaaq-cai": Canister(1),
	} {
		if got := p.String(); got != text {
			t.Errorf("String() = %s, want %s", got, text)
		}
		if got := MustParse(text); got != p {
			t.Errorf("Parse(%s) = %v, want %v", text, got, p)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, s := range []string{"", "aaaaa", "aaaaa-ab", "AAAAA-AA", "aaaaaaa", "rwlgt-iiaaa-aaaaa-aaaaa-ca", "2vxsx-fae-", string(bytes.Repeat([]byte("a"), 100))} {
		if p, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", s, p)
		}
	}
	if _, err := FromBytes(make([]byte, 30)); !errors.Is(err, ErrTooLong) {
		t.Errorf("FromBytes(30 bytes): %v, want ErrTooLong", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("rwlgt-iiaaa-aaaaa-aaaaa-cai")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := Parse(s); err == nil && p.String() != s {
			t.Errorf("Parse(%q) prints as %q", s, p)
		}
	})
}

func FuzzBytes(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := FromBytes(b)
		if err != nil {
			return
		}
		if q := MustParse(p.String()); q != p || !bytes.Equal(p.Bytes(), b) {
			t.Errorf("%x became %v and %v", b, p, q)
		}
	})
}
