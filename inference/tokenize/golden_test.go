package tokenize_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"assay/inference/tokenize"
)

// small are the tokenisers of testdata/tokenizers, one or two components each.
func small(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/tokenizers/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d tokenisers: %v", len(files), err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		out[filepath.Base(f)] = []byte(read(t, f))
	}
	return out
}

// TestGolden compares digests of ids, offsets and decoded text with those that Python
// tokenizers gave; scripts/reference/tokenizers/golden.py makes them.
func TestGolden(t *testing.T) {
	t.Parallel()
	files := small(t)
	texts := hard(t)
	for _, line := range lines(t, "testdata/tokenizers/golden.txt") {
		name, want, _ := strings.Cut(line, " ")
		tokenizer, err := tokenize.Load(files[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		h := sha256.New()
		for _, text := range texts {
			e, err := tokenizer.Encoding(text, tokenize.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for i, id := range e.IDs {
				fmt.Fprintf(h, "%d %d %d,", id, e.Chars[i].Start, e.Chars[i].End)
			}
			fmt.Fprintf(h, "%s\n", tokenizer.Decode(e.IDs, true))
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("%s: digest %s, Python's is %s", name, got, want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const good = `{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}`
	if _, err := tokenize.Load([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another version":            {`"1.0"`, `"2.0"`},
		"a merge beyond":             {`"a b"`, `"a c"`},
		"dropout":                    {`"merges"`, `"dropout":0.1,"merges"`},
		"a member that is not known": {`"merges"`, `"mergers":[],"merges"`},
		"a member twice":             {`"merges":`, `"vocab":{},"merges":`},
		"a model that is not known":  {`"BPE"`, `"Magic"`},
		"an id twice":                {`"b":1`, `"b":0`},
		"a pattern with a reference": {`"model":`, `"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a)\\1"},"behavior":"Isolated","invert":false},"model":`},
		"an empty replacement":       {`"model":`, `"normalizer":{"type":"Replace","pattern":{"Regex":"a*"},"content":""},"model":`},
		"more behind":                {`]}}`, `]}} x`},
		"cut off":                    {`]}}`, `]`},
	} {
		_, err := tokenize.Load([]byte(strings.Replace(good, change[0], change[1], 1)))
		var bad *tokenize.FileError
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %v, want a FileError", name, err)
		}
	}
}

func TestGivesUpOnBacktracking(t *testing.T) {
	t.Parallel()
	const file = `{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a+a+)+b"},"behavior":"Isolated","invert":false}}`
	tokenizer, err := tokenize.Load([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	_, err = tokenizer.Encode(strings.Repeat("a", 5000), 0)
	var bad *tokenize.EncodeError
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), "(a+a+)+b") {
		t.Fatalf("error %v, want an EncodeError that names the pattern", err)
	}
}

// check looks at what holds of every encoding: ids are below the size, offsets lie in the
// text and in order, and what is streamed is what is decoded.
func check(t *testing.T, tokenizer *tokenize.Tokenizer, text string) {
	t.Helper()
	e, err := tokenizer.Encoding(text, tokenize.Options{Plain: true})
	if err != nil {
		var bad *tokenize.EncodeError
		if !errors.As(err, &bad) {
			t.Fatalf("error %v", err)
		}
		return
	}
	for i, id := range e.IDs {
		if int(id) >= tokenizer.Size() && e.Special[i] == 0 {
			t.Fatalf("id %d, there are %d", id, tokenizer.Size())
		}
		if o := e.Offsets[i]; o.Start < 0 || o.Start > o.End || o.End > len(text) {
			t.Fatalf("%q: token %d at %v, the text has %d bytes", text, i, o, len(text))
		}
		if c := e.Chars[i]; c.Start > c.End || c.End > utf8.RuneCountInString(text) {
			t.Fatalf("%q: token %d at characters %v", text, i, c)
		}
	}
	whole := tokenizer.Decode(e.IDs, false)
	s := tokenizer.Stream(false)
	var streamed strings.Builder
	for _, id := range e.IDs {
		part := s.Push(id)
		if !utf8.ValidString(part) {
			t.Fatalf("%q: half a character, %q", text, part)
		}
		streamed.WriteString(part)
	}
	streamed.WriteString(s.Close())
	if streamed.String() != whole {
		t.Fatalf("%q: streamed %q, decoded %q", text, streamed.String(), whole)
	}
}

func FuzzTokenizers(f *testing.F) {
	var all []*tokenize.Tokenizer
	for name, file := range small(f) {
		t, err := tokenize.Load(file)
		if err != nil {
			f.Fatalf("%s: %v", name, err)
		}
		all = append(all, t)
	}
	for _, text := range hard(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, tokenizer := range all {
			check(t, tokenizer, text)
		}
	})
}

func FuzzLoad(f *testing.F) {
	for _, file := range small(f) {
		f.Add(file, "a text")
	}
	f.Fuzz(func(t *testing.T, file []byte, text string) {
		tokenizer, err := tokenize.Load(file)
		if err != nil {
			var bad *tokenize.FileError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if len(text) < 1000 {
			check(t, tokenizer, text)
		}
	})
}

func FuzzSentencePiece(f *testing.F) {
	// Two pieces, the unknown one and "a"; a trainer of type Unigram; no spaces in front.
	f.Add([]byte("\x0a\x0a\x0a\x05<unk>\x18\x02\x0a\x08\x0a\x01a\x15\x00\x00\x80\xbf\x12\x02\x18\x01\x1a\x02\x18\x00"), "aba")
	f.Add([]byte("\x0a\x0a\x0a\x05<unk>\x18\x02\x0a\x08\x0a\x01a\x15\x00\x00\x80\xbf\x0a\x09\x0a\x02aa\x15\x00\x00\x00\xbf\x12\x02\x18\x02"), "aaa b")
	f.Fuzz(func(t *testing.T, file []byte, text string) {
		tokenizer, err := tokenize.LoadSentencePiece(file)
		if err != nil {
			var bad *tokenize.FileError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if len(text) < 1000 {
			check(t, tokenizer, text)
		}
	})
}
