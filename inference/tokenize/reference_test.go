package tokenize_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"assay/inference/tokenize"
	"assay/internal/need"
)

const references = "../../scripts/reference/tokenizers"

// Counts of lines, from the environment so that `make prove` can take all of them.
func count(t testing.TB, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

var made struct {
	sync.Mutex
	dir string
}

// reference is the folder of what Python tokenizers makes of the hard lines. It is made
// once for all tests.
func reference(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("ASSAY_TOKENIZER_REFERENCE"); dir != "" {
		return dir
	}
	made.Lock()
	defer made.Unlock()
	if made.dir != "" {
		return made.dir
	}
	python := need.Python(t, filepath.Join(references, "requirements.txt"))
	_, modules := need.Node(t, references)
	dir, err := os.MkdirTemp(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), python, filepath.Join(references, "compare.py"), dir, filepath.Join(modules, "node_modules"),
		"testdata/hard.txt", "../../examples/passages/passages.txt",
		strconv.Itoa(count(t, "ASSAY_TOKENIZER_GRID", 12)), strconv.Itoa(count(t, "ASSAY_TOKENIZER_MIXED", 2000)))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, tail(out))
	}
	made.dir = dir
	return dir
}

// folder is where all tests of this package put what they share.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "tokenize"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

func tail(b []byte) string { return string(b[max(0, len(b)-2000):]) }

// row is one case of the reference.
type row struct {
	Lines       []int
	Bare        bool
	Got         []json.RawMessage
	IDs         []uint32
	Plain, Skip *string
}

// encoded is what a tokeniser makes of a text, in the order of the reference's records.
type encoded struct {
	ids, types  []uint32
	tokens      []string
	offsets     [][2]int
	special     []uint32
	words       []int
	mask        []uint32
	sequences   []int
	overflowing []encoded
}

func (e *encoded) read(t *testing.T, fields []json.RawMessage) {
	t.Helper()
	if len(fields) != 9 {
		t.Fatalf("a record of %d fields", len(fields))
	}
	for i, to := range []any{&e.ids, &e.types, &e.tokens, &e.offsets, &e.special, &e.words, &e.mask, &e.sequences} {
		if err := json.Unmarshal(fields[i], to); err != nil {
			t.Fatal(err)
		}
	}
	var more [][]json.RawMessage
	if err := json.Unmarshal(fields[8], &more); err != nil {
		t.Fatal(err)
	}
	e.overflowing = make([]encoded, len(more))
	for i := range more {
		e.overflowing[i].read(t, more[i])
	}
}

func of(e *tokenize.Encoding) encoded {
	out := encoded{
		ids: whole(e.IDs), types: whole(e.Types), tokens: whole(e.Tokens), special: whole(e.Special), words: whole(e.Words),
		mask: whole(e.Mask), sequences: whole(e.Sequences()), offsets: [][2]int{}, overflowing: []encoded{},
	}
	for _, c := range e.Chars {
		out.offsets = append(out.offsets, [2]int{c.Start, c.End})
	}
	for i := range e.Overflowing {
		out.overflowing = append(out.overflowing, of(&e.Overflowing[i]))
	}
	return out
}

// whole is a list that is never nil, as those from JSON are.
func whole[T any](list []T) []T { return append([]T{}, list...) }

// TestEqualsPython compares every component with Python tokenizers: ids, types, tokens,
// offsets, words, masks, what overflows, and what is decoded.
func TestEqualsPython(t *testing.T) {
	t.Parallel()
	dir := reference(t)
	texts := readLines(t, filepath.Join(dir, "lines.hex"))
	if len(texts) < 5000 && os.Getenv("ASSAY_TOKENIZER_REFERENCE") == "" {
		t.Fatalf("%d lines, want 5,000 or more", len(texts))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) < 230 {
		t.Fatalf("%d tokenisers, want 230 or more: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			compareFile(t, file, texts)
		})
	}
	for _, file := range []string{"sp-unigram", "sp-bpe"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			compareSentencePiece(t, filepath.Join(dir, file), texts)
		})
	}
}

func readLines(t testing.TB, file string) (texts []string) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSuffix(read(t, file), "\n"), "\n") {
		b, err := hex.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	return texts
}

func rows(t *testing.T, file string, f func(r row)) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	lines := bufio.NewReaderSize(in, 1<<16)
	for n := 0; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if n == 0 {
				t.Fatal("no cases")
			}
			return
		}
		var r row
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		f(r)
	}
}

func compareFile(t *testing.T, file string, texts []string) {
	tokenizer, err := tokenize.Load([]byte(read(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	encoder, wrong := tokenizer.Encoder(), 0
	rows(t, strings.TrimSuffix(file, ".json")+".jsonl", func(r row) {
		if wrong > 5 {
			return
		}
		if r.IDs == nil && !compareRow(t, tokenizer, encoder, r, texts) {
			wrong++
		}
		if r.IDs != nil && !compareDecoded(t, tokenizer, r.IDs, r) {
			wrong++
		}
	})
}

func compareRow(t *testing.T, tokenizer *tokenize.Tokenizer, encoder *tokenize.Encoder, r row, texts []string) bool {
	t.Helper()
	var (
		got *tokenize.Encoding
		err error
		o   = tokenize.Options{Bare: r.Bare}
	)
	text := texts[r.Lines[0]]
	if len(r.Lines) == 1 {
		got, err = encoder.Encoding(text, o)
	} else {
		got, err = encoder.Pair(text, texts[r.Lines[1]], o)
	}
	if r.Got == nil || err != nil {
		if (r.Got == nil) != (err != nil) {
			t.Errorf("%.80q: error %v, the reference has one: %v", text, err, r.Got == nil)
			return false
		}
		return true
	}
	var want encoded
	want.read(t, r.Got)
	if have := of(got); !reflect.DeepEqual(have, want) {
		t.Errorf("%.200q: %s", text, difference(have, want))
		return false
	}
	if len(r.Lines) == 1 && !r.Bare {
		compareIDs(t, encoder, text)
	}
	return compareDecoded(t, tokenizer, got.IDs, r)
}

// difference names the first thing in which two encodings differ.
func difference(got, want encoded) string {
	a, b := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		x, y := a.Field(i), b.Field(i)
		if x.Len() != y.Len() {
			return fmt.Sprintf("%d %s, want %d: %.300v, want %.300v", x.Len(), name, y.Len(), x, y)
		}
		for j := range x.Len() {
			if name == "overflowing" && !reflect.DeepEqual(got.overflowing[j], want.overflowing[j]) {
				return fmt.Sprintf("overflowing %d, %s", j, difference(got.overflowing[j], want.overflowing[j]))
			}
			if gx, wy := fmt.Sprint(x.Index(j)), fmt.Sprint(y.Index(j)); gx != wy && name != "overflowing" {
				return fmt.Sprintf("%s %d of %d is %s, want %s; tokens %.300q", name, j, x.Len(), gx, wy, got.tokens)
			}
		}
	}
	return "nothing"
}

// compareIDs checks the way that gives ids alone, which does not truncate or pad.
func compareIDs(t *testing.T, encoder *tokenize.Encoder, text string) {
	t.Helper()
	want, err := encoder.Encoding(text, tokenize.Options{Plain: true})
	if err != nil {
		return // with a truncation that cannot be done, which is not asked for here
	}
	got, err := encoder.Encode(text, 0)
	if err != nil || ids(got) != ids(want.IDs) {
		t.Errorf("%.80q: ids alone %v, %v; with offsets %v", text, got, err, want.IDs)
	}
}

func compareDecoded(t *testing.T, tokenizer *tokenize.Tokenizer, list []uint32, r row) bool {
	t.Helper()
	for _, c := range []struct {
		skip bool
		want *string
	}{{false, r.Plain}, {true, r.Skip}} {
		if c.want == nil { // the reference panics
			continue
		}
		if got := tokenizer.Decode(list, c.skip); got != *c.want {
			t.Errorf("decode %v, without special tokens %v:\n got %q\nwant %q", list, c.skip, got, *c.want)
			return false
		}
	}
	return true
}

func compareSentencePiece(t *testing.T, name string, texts []string) {
	tokenizer, err := tokenize.LoadSentencePiece([]byte(read(t, name+".model")))
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, line := range strings.Split(strings.TrimSuffix(read(t, name+".ids"), "\n"), "\n") {
		var pair [2]json.RawMessage
		var number int
		var want []uint32
		if err := json.Unmarshal([]byte(line), &pair); err != nil {
			t.Fatal(err)
		}
		if json.Unmarshal(pair[0], &number) != nil || json.Unmarshal(pair[1], &want) != nil {
			t.Fatalf("line %s", line)
		}
		e, err := tokenizer.Encoding(texts[number], tokenize.Options{Bare: true})
		if err != nil || ids(e.IDs) != ids(want) {
			if wrong++; wrong < 6 {
				t.Errorf("%.120q: %v\n got %v\nwant %v", texts[number], err, e.IDs, want)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d lines differ", wrong)
	}
}
