package jsontree

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	root, err := Parse(` {"a": [1, -2.5e3, true, false, null], "b\u00e9\ud83d\ude00\n": "x\"y"} `)
	if err != nil {
		t.Fatal(err)
	}
	list, err := root.Get("a")
	if err != nil || list.Len() != 5 {
		t.Fatalf("a has %d, %v", list.Len(), err)
	}
	text, err := root.Get("bé😀\n")
	if s, ok := text.Text(); err != nil || !ok || s != `x"y` {
		t.Errorf("text %q, %v, %v", s, ok, err)
	}
	if missing, err := root.Get("c"); err != nil || missing.Exists() {
		t.Errorf("c is there, or %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for file, offset := range map[string]int{
		"": 0, "{": 1, "[1,]": 3, `{"a" 1}`: 5, "01": 1, "1.": 2, "nul": 0, `"\x"`: 1, `"\ud800"`: 1, "\"\x01\"": 1, "\"\xff\"": 1,
		"[1] 2": 4, `{"a":1,}`: 7, `{a:1}`: 1, strings.Repeat("[", 100): 65,
	} {
		_, err := Parse(file)
		var bad *Error
		if !errors.As(err, &bad) || bad.Offset != offset {
			t.Errorf("%.20q: got %v, want an Error at %d", file, err, offset)
		}
	}
	root, err := Parse(`{"a":1,"a":2}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.Get("a"); err == nil {
		t.Error("a key twice went through")
	}
}

// FuzzParse holds that what this package takes, the standard library takes too.
func FuzzParse(f *testing.F) {
	f.Add(`{"a":[1,2.5e-3,"\u00e9\ud83d\ude00"],"b":null}`)
	f.Fuzz(func(t *testing.T, file string) {
		if _, err := Parse(file); err == nil && !json.Valid([]byte(file)) {
			t.Fatalf("%q is no JSON", file)
		}
	})
}
