package ucd

import (
	"slices"
	"strings"
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

// FuzzSettled checks that normalising what is not settled is normalising everything.
func FuzzSettled(f *testing.F) {
	for _, s := range []string{"ae\u0301b", "a\u0301\u0323 한\u11abx", "\u1112\u1161\u11ab\u0301é", "ﬁ①²x\u0344", "\u0928\u093c\u0915"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := []byte(strings.ToValidUTF8(s, "e\u0301"))
		for form := NFD; form <= NFKC; form++ {
			var n Normaliser
			var got []Change
			for at := 0; at < len(text); {
				from, to := Settled(text, at, form)
				for _, r := range string(text[at:from]) {
					got = append(got, Change{Rune: r})
				}
				got = append(got, n.Normalise(text[from:to], form)...)
				at = to
			}
			want := n.Normalise(text, form)
			same := func(a, b Change) bool { return a.Rune == b.Rune && a.Delta == b.Delta }
			if !slices.EqualFunc(got, want, same) {
				t.Fatalf("%+q, form %d:\n got %v\nwant %v", text, form, got, want)
			}
		}
	})
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
