package tokenize_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"assay/inference/catalog"
	"assay/inference/tokenize"
	"assay/internal/cache"
	"assay/internal/need"
)

const requirements = "../../scripts/reference/requirements.txt"

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func lines(t testing.TB, name string) []string {
	t.Helper()
	return strings.Split(strings.TrimSuffix(read(t, name), "\n"), "\n")
}

// hard are the lines that are hard to get right, unescaped; see scripts/reference/wordpiece.py.
func hard(t testing.TB) []string {
	t.Helper()
	var out []string
	for i, line := range lines(t, "testdata/hard.txt") {
		text, err := strconv.Unquote(`"` + line + `"`)
		if err != nil {
			t.Fatalf("hard line %d: %v", i+1, err)
		}
		out = append(out, text)
	}
	if len(out) < 200 {
		t.Fatalf("%d hard lines, want 200 or more", len(out))
	}
	return out
}

func load(t testing.TB, vocabulary string) *tokenize.Tokenizer {
	t.Helper()
	tokenizer, err := tokenize.New([]byte(read(t, vocabulary)))
	if err != nil {
		t.Fatal(err)
	}
	return tokenizer
}

// bert is the path of BERT's vocabulary, which is fetched, not committed.
func bert(t testing.TB) string {
	t.Helper()
	dir, err := cache.Dir("models")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := catalog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := catalog.MiniLM()
	file, _ := m.File(catalog.RoleVocabulary)
	m.Files = []catalog.File{file}
	if err := folder.Ensure(t.Context(), m, catalog.MiniLMSources(), nil); err != nil {
		need.NotRun(t, "BERT's vocabulary", err.Error())
	}
	return folder.Path(file.SHA256)
}

func encode(t testing.TB, tokenizer *tokenize.Tokenizer, text string, limit int) []uint32 {
	t.Helper()
	ids, err := tokenizer.Encode(text, limit)
	if err != nil {
		t.Fatalf("encode %.60q: %v", text, err)
	}
	return ids
}

func ids(list []uint32) string { return strings.Trim(fmt.Sprint(list), "[]") }

func compare(t *testing.T, tokenizer *tokenize.Tokenizer, texts, want []string, limit int) {
	t.Helper()
	if len(texts) != len(want) {
		t.Fatalf("%d lines, %d lines of ids", len(texts), len(want))
	}
	for i, text := range texts {
		if got := ids(encode(t, tokenizer, text, limit)); got != want[i] {
			t.Errorf("line %d, %.60q, limit %d:\n got %s\nwant %s", i+1, text, limit, got, want[i])
		}
	}
}

func TestHardLinesWithOwnVocabulary(t *testing.T) {
	t.Parallel()
	compare(t, load(t, "testdata/small.vocab"), hard(t), lines(t, "testdata/small.ids"), 0)
}

func TestHardLinesWithBERTsVocabulary(t *testing.T) {
	t.Parallel()
	compare(t, load(t, bert(t)), hard(t), lines(t, "testdata/bert.ids"), 0)
}

// TestAgainstPython asks the reference itself, with and without truncation, and over a
// sample of all code points.
func TestAgainstPython(t *testing.T) {
	t.Parallel()
	python := need.Python(t, requirements)
	vocabulary := bert(t)
	tokenizer := load(t, vocabulary)
	for _, limit := range []int{0, 2, 3, 9} {
		compare(t, tokenizer, hard(t), wordPieceIDs(t, python, vocabulary, "testdata/hard.txt", limit), limit)
	}
	var texts []string
	var escaped strings.Builder
	for r := rune(0); r <= utf8.MaxRune; r += 7 { // 7 is prime to the sizes of blocks
		if !utf8.ValidRune(r) {
			continue
		}
		text := fmt.Sprintf("a%cb%c\u0316 %c", r, r, r)
		texts = append(texts, text)
		for _, b := range []byte(text) {
			fmt.Fprintf(&escaped, `\x%02x`, b)
		}
		escaped.WriteByte('\n')
	}
	file := filepath.Join(t.TempDir(), "codepoints.txt")
	if err := os.WriteFile(file, []byte(escaped.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	compare(t, tokenizer, texts, wordPieceIDs(t, python, vocabulary, file, 0), 0)
}

func wordPieceIDs(t *testing.T, python, vocabulary, file string, limit int) []string {
	t.Helper()
	command := exec.Command(python, "../../scripts/reference/wordpiece.py", vocabulary, file, strconv.Itoa(limit))
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func TestTruncation(t *testing.T) {
	t.Parallel()
	tokenizer := load(t, "testdata/small.vocab")
	for _, text := range hard(t) {
		all := encode(t, tokenizer, text, 0)
		for _, limit := range []int{2, 3, 5, 8} {
			want := all
			if len(all) > limit {
				want = append(append([]uint32{}, all[:limit-1]...), all[len(all)-1])
			}
			if got := encode(t, tokenizer, text, limit); ids(got) != ids(want) {
				t.Errorf("%.60q cut at %d: got %v, want %v", text, limit, got, want)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	const good = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\n"
	if _, err := tokenize.New([]byte(good)); err != nil {
		t.Fatalf("good vocabulary: %v", err)
	}
	for name, row := range map[string]struct {
		file string
		line int
	}{
		"nothing":                {"", 0},
		"no last newline":        {good + "b", 0},
		"an empty line":          {good + "\nb\n", 8},
		"a token twice":          {good + "a\n", 8},
		"a continuation twice":   {good + "##a\n", 8},
		"bytes that are no text": {good + "\xff\n", 8},
		"carriage returns":       {good + "b\r\n", 8},
		"a token too long":       {good + strings.Repeat("x", 401) + "\n", 8},
		"no mask token":          {strings.Replace(good, "[MASK]\n", "", 1), 0},
		"too many tokens":        {strings.Repeat("\n", 1<<20+1), 0},
		"too many bytes":         {strings.Repeat("x", tokenize.MaxVocabularyBytes) + "\n", 0},
	} {
		_, err := tokenize.New([]byte(row.file))
		var bad *tokenize.VocabularyError
		if !errors.As(err, &bad) || bad.Line != row.line {
			t.Errorf("%s: got %v, want a VocabularyError at line %d", name, err, row.line)
		}
	}
}

func FuzzEncode(f *testing.F) {
	tokenizer := load(f, "testdata/small.vocab")
	for _, line := range lines(f, "testdata/hard.txt") {
		f.Add(line, 0)
	}
	f.Add("\xf0\x9f\x99 [CLS]", 3)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		got := encode(t, tokenizer, text, limit)
		if len(got) < 2 || limit >= 2 && len(got) > limit {
			t.Fatalf("%d ids, limit %d", len(got), limit)
		}
		if len(got) > 2+3*len(text) {
			t.Fatalf("%d ids of %d bytes", len(got), len(text))
		}
		for _, id := range got {
			if int(id) >= tokenizer.Size() {
				t.Fatalf("id %d, the vocabulary has %d", id, tokenizer.Size())
			}
		}
		if valid := strings.ToValidUTF8(text, "\ufffd"); ids(encode(t, tokenizer, valid, limit)) != ids(got) {
			t.Fatalf("%q and its repaired form differ", text)
		}
	})
}

func FuzzNew(f *testing.F) {
	f.Add([]byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\n"))
	f.Add([]byte("##\n#\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		tokenizer, err := tokenize.New(file)
		if err != nil {
			var bad *tokenize.VocabularyError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v", err)
			}
			return
		}
		encode(t, tokenizer, string(file), 0)
	})
}

func BenchmarkEncode(b *testing.B) {
	tokenizer := load(b, "testdata/small.vocab")
	texts := hard(b)
	e := tokenizer.Encoder()
	for b.Loop() {
		for _, text := range texts {
			if _, err := e.Encode(text, 0); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(texts)*b.N)/b.Elapsed().Seconds(), "lines/s")
}
