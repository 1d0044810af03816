package ucd

import (
	"testing"
	"unicode/utf8"
)

func normal(text string, form Form) string {
	var n Normaliser
	var out []byte
	for _, c := range n.Normalise([]byte(text), form) {
		out = utf8.AppendRune(out, c.Rune)
	}
	return string(out)
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text, want string
		form       Form
	}{
		{"é", "e\u0301", NFD},
		{"e\u0301", "é", NFC},
		{"a\u0301\u0323", "a\u0323\u0301", NFD},
		{"a\u0301\u0323", "ạ\u0301", NFC},
		{"한", "\u1112\u1161\u11ab", NFD},
		{"\u1112\u1161\u11ab", "한", NFC},
		{"ﬁ①", "fi1", NFKC},
		{"\u1e9b\u0323", "s\u0323\u0307", NFKD},
		{"\u0344", "\u0308\u0301", NFC},
	} {
		if got := normal(row.text, row.form); got != row.want {
			t.Errorf("%+q: got %+q, want %+q", row.text, got, row.want)
		}
	}
}

func TestGrapheme(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"ab": 1, "e\u0301x": 3, "\r\nx": 2, "\n\u0301": 1, "한\u0301": 5, "👩\u200d👧x": 11, "🇩🇪🇫🇷": 8, "क\u094dष": 9, "\u0600a": 3, "a\u200db": 4,
	} {
		if got := Grapheme([]byte(text)); got != want {
			t.Errorf("%+q: %d bytes, want %d", text, got, want)
		}
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	if c := CategoryOf('ß'); c != Ll {
		t.Errorf("category %d", c)
	}
	if to, ok := Lower('İ'); !ok || to != "i\u0307" {
		t.Errorf("lower %q", to)
	}
	if han, ok := ScriptRanges("Han"); !ok || !In(han, '日') || In(han, 'a') {
		t.Error("日 is not Han, or a is")
	}
	if _, ok := Categories("Q"); ok {
		t.Error("there is a category Q")
	}
	for _, r := range []rune{-1, 0x110000, 0x7FFFFFFF} {
		if Is(r, Space|Word|Other) || Script(r) != 0 {
			t.Errorf("something is known of %d, which is no code point", r)
		}
	}
}
