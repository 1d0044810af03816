package exam

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var (
	update   = flag.Bool("update", false, "rewrite the record of the ONNX cases and docs/onnx-operators.md")
	operator = flag.String("op", "", "run only the ONNX cases that are about this operator or use it, and say of each what is wrong")
)

const (
	recordFile = "testdata/nodecases.json"
	tableFile  = "../../../docs/onnx-operators.md"
	allCases   = 1884
)

// record is the committed state of the ONNX project's cases.
type record struct {
	ONNX        string
	Passed      int
	Failed      int
	Unsupported int
	Operators   map[string]*outcomes
}

// outcomes are the names of an operator's cases.
type outcomes struct {
	Passed      []string `json:",omitempty"`
	Failed      []string `json:",omitempty"`
	Unsupported []string `json:",omitempty"`
}

func (r *record) add(c *NodeCase, err error) {
	o := r.Operators[c.Subject]
	if o == nil {
		o = &outcomes{}
		r.Operators[c.Subject] = o
	}
	var u *Unsupported
	switch {
	case err == nil:
		r.Passed++
		o.Passed = append(o.Passed, c.Name)
	case errors.As(err, &u):
		r.Unsupported++
		o.Unsupported = append(o.Unsupported, c.Name)
	default:
		r.Failed++
		o.Failed = append(o.Failed, c.Name)
	}
}

// The ONNX project's cases of single operators: no case that once passed may be lost, and none may fail; a case
// that passes for the first time is recorded with -update.
func TestNodeCases(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	folder := made(t, "nodecases.py", nil)
	cases, err := NodeCases(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != allCases {
		t.Fatalf("%d cases, want %d: another version of onnx?", len(cases), allCases)
	}
	reasons := map[string]int{}
	got := &record{ONNX: "1.23.2", Operators: map[string]*outcomes{}}
	for i := range cases {
		c := &cases[i]
		if *operator != "" && !c.About(*operator) {
			continue
		}
		err := c.Check(folder)
		got.add(c, err)
		var u *Unsupported
		switch {
		case err == nil:
		case !errors.As(err, &u):
			t.Errorf("%s (%s): %v", c.Name, c.Subject, err)
		case *operator != "":
			t.Logf("%s (%s): %v", c.Name, c.Subject, u)
		default:
			reasons[u.Error()]++
		}
	}
	t.Logf("passed %d, failed %d, unsupported %d; the files are in %s", got.Passed, got.Failed, got.Unsupported, folder)
	if *operator == "" {
		logReasons(t, reasons)
		got.compare(t)
	}
}

// logReasons says what most cases are refused for.
func logReasons(t *testing.T, reasons map[string]int) {
	t.Helper()
	const most = 60
	order := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), cmp.Compare(a, b))
	})
	for _, reason := range order[:min(most, len(order))] {
		t.Logf("%4d %s", reasons[reason], reason)
	}
}

// compare holds the outcomes against the record, or rewrites it.
func (r *record) compare(t *testing.T) {
	t.Helper()
	var before record
	data, err := os.ReadFile(recordFile)
	if err == nil {
		err = json.Unmarshal(data, &before)
	}
	if err != nil && !(*update && errors.Is(err, os.ErrNotExist)) {
		t.Fatal(err)
	}
	fresh := 0
	for op, now := range r.Operators {
		was := before.Operators[op]
		if was == nil {
			was = &outcomes{}
		}
		for _, name := range was.Passed {
			if !slices.Contains(now.Passed, name) {
				t.Errorf("%s (%s) passed before and no longer does", name, op)
			}
		}
		fresh += len(now.Passed) - len(was.Passed)
	}
	if fresh > 0 {
		t.Logf("%d cases pass for the first time: go test ./inference/internal/exam -run NodeCases -update", fresh)
	}
	table, err := os.ReadFile(tableFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(table), before.table()); diff != "" && !*update {
		t.Errorf("docs/onnx-operators.md is not that of the record (-file +record):\n%s", diff)
	}
	if !*update || t.Failed() {
		return
	}
	out, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{recordFile: append(out, '\n'), tableFile: []byte(r.table())} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// table is docs/onnx-operators.md.
func (r *record) table() string {
	var b strings.Builder
	claimed := 0
	for _, o := range r.Operators {
		if len(o.Passed) > 0 {
			claimed++
		}
	}
	fmt.Fprintf(&b, `# ONNX operators

The ONNX project's own cases of single operators (onnx %s, all %d), run by the exact executor at the suite's
tolerances, integers and Booleans to the bit: **%d pass, %d fail, %d are refused** with a typed error that names the operator.
%d operators pass at least one case. The cases that pass are listed in inference/internal/exam/testdata/nodecases.json;
a test keeps every one of them. Written by `+"`go test ./inference/internal/exam -run NodeCases -update`"+`.

The cases of a function count twice: as the operator itself, and spelled out in other operators. Refused are strings,
images in files, random numbers, and sequences and optionals as inputs and outputs.

| operator | pass | fail | refused |
|---|---|---|---|
`, r.ONNX, r.Passed+r.Failed+r.Unsupported, r.Passed, r.Failed, r.Unsupported, claimed)
	missing := []string{}
	for _, op := range slices.SortedFunc(maps.Keys(r.Operators), func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, "."), strings.Count(b, ".")), cmp.Compare(a, b))
	}) {
		o := r.Operators[op]
		if len(o.Passed)+len(o.Failed) == 0 {
			missing = append(missing, fmt.Sprintf("%s (%d)", op, len(o.Unsupported)))
			continue
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", op, len(o.Passed), len(o.Failed), len(o.Unsupported))
	}
	fmt.Fprintf(&b, "\nNo case passes yet of: %s.\n", strings.Join(missing, ", "))
	return b.String()
}
