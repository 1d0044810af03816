package pattern

import (
	"errors"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ pattern, text, want string }{
		{`a|ab`, "ab", "a"},
		{`\s+(?!\S)|\s+`, "a   b  ", "  | |  "},
		{`(?i:'s|'t)`, "it'S 'ſ 'T", "'S|'ſ|'T"},
		{`a{2,3}?`, "aaaaa", "aa|aa"},
		{`(?>a+)ab`, "aaab", ""},
		{`a++b`, "aab", "aab"},
		{`(?<=x)\d{1,3}`, "x12345", "123"},
		{`(?<!x)\bthe\b`, "the xthe then", "the"},
		{`[\p{L}&&[^\p{Lu}]]+`, "aBcd", "a|cd"},
		{`[^\r\n\p{L}\p{N}]?\p{L}+`, " añb1c", " añb|c"},
		{`^\S+|\S+$`, "one two\nthree", "one|two|three"},
		{`.`, "é\n😀", "é|😀"},
		{`b*`, "abba", "|bb|"},
		{`\w+`, "–½ ²a", "½|²a"},
		{`[\w]+`, "–½ ²a", "a"},
		{`\x{1F600}|\u00e9`, "é😀", "é|😀"},
		{`(ab|a)*c`, "abaacx", "abaac"},
	} {
		p, err := Compile(row.pattern)
		if err != nil {
			t.Errorf("%s: %v", row.pattern, err)
			continue
		}
		var (
			f   Finder
			got []string
		)
		if err := f.Find(p, []byte(row.text), func(a, b int) { got = append(got, row.text[a:b]) }); err != nil {
			t.Errorf("%s: %v", row.pattern, err)
		}
		if all := strings.Join(got, "|"); all != row.want {
			t.Errorf("%s in %q: got %q, want %q", row.pattern, row.text, all, row.want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		`(a`, `a)`, `[a`, `*a`, `\`, `(a)\1`, `(?<name>a)`, `\p{Klingon}`, `[[:alpha:]]`, `(?i:é)`, `(?i:ss)`, `(a*)*`, `(?<=a+)b`,
		`[b-a]`, `a{5000}`, `\xff`, strings.Repeat("(", 100), strings.Repeat("a", 9000), "\xff",
	} {
		_, err := Compile(pattern)
		var bad *Error
		if !errors.As(err, &bad) {
			t.Errorf("%.40q: got %v, want an Error", pattern, err)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add(`\s+(?!\S)|[^\s\p{L}]+|(?:ab|a)*?c`, "a  b ababac")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		p, err := Compile(pattern)
		if err != nil || len(text) > 1000 {
			return
		}
		last := 0
		var finder Finder
		_ = finder.Find(p, []byte(strings.ToValidUTF8(text, "?")), func(a, b int) {
			if a < last || b < a {
				t.Fatalf("a match from %d to %d behind one to %d", a, b, last)
			}
			last = b
		})
	})
}
