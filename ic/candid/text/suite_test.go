package text

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/ic/candid/did"
	"assay/ic/candid/internal/lex"
	"assay/internal/need"
)

// TestRules runs this repository's own cases, some of each class of the official suite.
func TestRules(t *testing.T) {
	t.Parallel()
	t.Logf("%d assertions", runFolder(t, "testdata"))
}

// TestOfficialSuite runs the cases in the folder that CANDID_TESTS names, `test` of a
// checkout of dfinity/candid, and says how many there were.
func TestOfficialSuite(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CANDID_TESTS")
	if dir == "" {
		need.NotRun(t, "official Candid suite", "CANDID_TESTS is unset")
	}
	n := runFolder(t, dir)
	fmt.Printf("official Candid suite: %d assertions hold\n", n)
	if n < 467 {
		t.Errorf("%d assertions, the suite has had 467: is the folder complete?", n)
	}
}

// runFolder runs a folder's files of cases and returns how many assertions they hold.
func runFolder(t *testing.T, dir string) (total int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.test.did"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files *.test.did in %s: %v", dir, err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			n := runCases(t, string(source))
			total += n
			if n == 0 {
				t.Error("no cases")
			}
		})
	}
	return total
}

// testCase is `assert a op b : types "name"`; b stands only after == and !=.
type testCase struct {
	op, types, name string
	inputs          []input
}

type input struct {
	blob bool
	text string
}

func runCases(t *testing.T, source string) int {
	statements := split(source)
	var defs strings.Builder
	cases := 0
	for _, s := range statements {
		if !strings.HasPrefix(s, "assert") {
			defs.WriteString(s + ";\n")
			continue
		}
		cases++
		c := parseCase(t, s)
		program, err := did.Parse(defs.String() + "service : { m : " + c.types + " -> () }")
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		c.check(t, program, s)
	}
	return cases
}

func (c testCase) check(t *testing.T, p *did.Program, s string) {
	t.Helper()
	signature, _ := p.Method("m")
	var results [][]Value
	for _, in := range c.inputs {
		values, err := in.read(p, types(signature.Args))
		if (err != nil) != (c.op == "!:") {
			t.Errorf("%s\n  error %v", s, err)
		}
		if err != nil {
			return
		}
		results = append(results, values)
		roundTrip(t, p, types(signature.Args), values, s)
	}
	if len(results) == 2 {
		equal := Print(results[0]) == Print(results[1])
		if equal != (c.op == "==") {
			t.Errorf("%s\n  %s\n  %s", s, Print(results[0]), Print(results[1]))
		}
	}
}

// roundTrip encodes what was read and reads it again, and prints it and parses that.
func roundTrip(t *testing.T, p *did.Program, ts []*did.Type, values []Value, s string) {
	t.Helper()
	msg, err := Encode(p, ts, values)
	if err != nil {
		t.Errorf("%s\n  %v", s, err)
		return
	}
	again, err := Decode(p, ts, msg, "again")
	if err != nil {
		t.Errorf("%s\n  read again: %v", s, err)
		return
	}
	if diff := cmp.Diff(Print(values), Print(again)); diff != "" {
		t.Errorf("%s\n  after a round trip:\n%s", s, diff)
	}
	printed, err := Parse(Print(values))
	if err == nil {
		printed, err = Fit(p, ts, printed)
	}
	if err != nil {
		t.Errorf("%s\n  printed text: %v", s, err)
	} else if diff := cmp.Diff(Print(values), Print(printed)); diff != "" {
		t.Errorf("%s\n  printed and parsed:\n%s", s, diff)
	}
}

func (in input) read(p *did.Program, ts []*did.Type) ([]Value, error) {
	if in.blob {
		return Decode(p, ts, []byte(in.text), "")
	}
	values, err := Parse(in.text)
	if err != nil {
		return nil, err
	}
	return Coerce(p, ts, values)
}

func parseCase(t *testing.T, s string) (c testCase) {
	t.Helper()
	rest := strings.TrimSpace(strings.TrimPrefix(s, "assert"))
	for {
		in := input{}
		in.blob = strings.HasPrefix(rest, "blob")
		rest = strings.TrimSpace(strings.TrimPrefix(rest, "blob"))
		in.text, rest = cutString(t, rest)
		c.inputs = append(c.inputs, in)
		rest = strings.TrimSpace(rest)
		if op := rest[:1]; op == ":" {
			rest = rest[1:]
			break
		}
		c.op, rest = rest[:2], strings.TrimSpace(rest[2:])
		if c.op == "!:" {
			break
		}
	}
	rest = strings.TrimSpace(rest)
	depth, end := 0, 0
	for i := range len(rest) {
		switch rest[i] {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				end = i + 1
			}
		}
		if end > 0 {
			break
		}
	}
	c.types, c.name = rest[:end], strings.TrimSpace(rest[end:])
	return c
}

// cutString takes a string literal from the start of s.
func cutString(t *testing.T, s string) (value, rest string) {
	t.Helper()
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			tokens, err := lex.Tokens(s[:i+1])
			if err != nil {
				t.Fatalf("%s: %v", s[:i+1], err)
			}
			return tokens[0].Text, s[i+1:]
		}
	}
	t.Fatalf("no string at %s", s)
	return "", ""
}

// split cuts source at its outermost semicolons and drops comments.
func split(source string) (statements []string) {
	var s strings.Builder
	depth := 0
	for i := 0; i < len(source); i++ {
		switch c := source[i]; {
		case strings.HasPrefix(source[i:], "//"):
			for i < len(source) && source[i] != '\n' {
				i++
			}
			s.WriteByte('\n')
			continue
		case strings.HasPrefix(source[i:], "/*"):
			i += strings.Index(source[i:], "*/") + 1
			continue
		case c == '"':
			start := i
			for i++; source[i] != '"'; i++ {
				if source[i] == '\\' {
					i++
				}
			}
			s.WriteString(source[start:i])
		case c == '{' || c == '(':
			depth++
		case c == '}' || c == ')':
			depth--
		case c == ';' && depth == 0:
			statements = append(statements, strings.TrimSpace(s.String()))
			s.Reset()
			continue
		}
		s.WriteByte(source[i])
	}
	return statements
}
