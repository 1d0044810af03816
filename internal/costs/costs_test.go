package costs

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/subnet"
)

var (
	update = flag.Bool("update", false, "rewrite docs/costs.json and docs/costs.md")
	reason = flag.String("reason", "", "why figures may rise, with -update")
)

const (
	ledgerFile   = "../../docs/costs.json"
	markdownFile = "../../docs/costs.md"
)

// minor is the version of Go that canisters are built with, such as go1.26.
func minor(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(strings.TrimSpace(string(out)), ".")
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func read(t *testing.T) Ledger {
	t.Helper()
	b, err := os.ReadFile(ledgerFile)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestCosts measures everything and compares with the ledger.
func TestCosts(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the embedded network")
	}
	version := minor(t)
	measured := measure(t)
	if name := os.Getenv(subnet.Schedule); name != "" {
		t.Logf("instructions under the schedule of page touches %q, and how many times the ledger's:", name)
		for _, c := range instructionsOf(read(t)[version], measured) {
			t.Logf("%-40s %15d  %.2f", c.Now.key(), c.Now.Value, float64(c.Now.Value)/float64(c.Was))
		}
		return
	}
	if *update {
		rewrite(t, version, measured)
		return
	}
	lines, ok := read(t)[version]
	if !ok {
		t.Skipf("the ledger has no figures of %s on %s: enter them with -update", version, runtime.GOARCH)
	}
	changes, gone := Compare(lines, measured)
	for _, c := range changes {
		if c.Rose || c.New {
			t.Error(c)
		} else {
			t.Log(c)
		}
	}
	for _, l := range gone {
		t.Errorf("%s: is in the ledger but was not measured", l.key())
	}
	if t.Failed() {
		t.Log(`if this must be, enter it: go test ./internal/costs -update -reason "…"`)
	}
}

// instructionsOf pairs the lines of instructions with those of the ledger.
func instructionsOf(ledger, measured []Line) (all []Change) {
	old := index(ledger)
	for _, m := range measured {
		if was, ok := old[m.key()]; ok && m.Unit == "instructions" {
			all = append(all, Change{Now: m, Was: was.Value})
		}
	}
	return all
}

func rewrite(t *testing.T, version string, measured []Line) {
	t.Helper()
	l := Ledger{}
	if _, err := os.Stat(ledgerFile); err == nil {
		l = read(t)
	}
	lines, err := Update(l[version], measured, *reason)
	if err != nil {
		t.Fatal(err)
	}
	l[version] = lines
	for file, content := range map[string][]byte{ledgerFile: l.Encode(), markdownFile: l.Markdown()} {
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRenderedFiles: both files are what this package writes.
func TestRenderedFiles(t *testing.T) {
	l := read(t)
	for file, want := range map[string][]byte{ledgerFile: l.Encode(), markdownFile: l.Markdown()} {
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not as -update writes it:\n%s", filepath.Base(file), cmp.Diff(string(want), string(got)))
		}
	}
}

// TestRisesHaveReasons compares the ledger with the one before it: that of the last commit
// if it is being changed, else that of the commit before its last change.
func TestRisesHaveReasons(t *testing.T) {
	now := read(t)
	git := func(args ...string) (string, error) {
		out, err := exec.Command("git", append([]string{"-C", "../.."}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	commits, err := git("log", "-2", "--format=%H", "--", "docs/costs.json")
	hashes := strings.Fields(commits)
	if err != nil || len(hashes) == 0 {
		t.Skip("no history of the ledger here: nothing to compare with")
	}
	for _, commit := range hashes {
		text, err := git("show", commit+":docs/costs.json")
		if err != nil {
			continue
		}
		before, err := Parse([]byte(text))
		if err != nil || bytes.Equal(before.Encode(), now.Encode()) {
			continue
		}
		for _, line := range Unexplained(before, now) {
			t.Errorf("%s: and no reason of its own", line)
		}
		return
	}
}

func TestCompareAndUpdate(t *testing.T) {
	line := func(what string, n uint64, why string) Line {
		return Line{Canister: "c", What: what, Unit: Instructions, Value: n, Reason: why}
	}
	old := []Line{line("same", 100, "old"), line("little", 1000, ""), line("much", 1000, "older"), line("less", 1000, ""), line("gone", 5, ""), line("nothing", 0, "")}
	measured := []Line{line("same", 100, ""), line("little", 1020, ""), line("much", 1021, ""), line("less", 10, ""), line("new", 7, ""), line("nothing", 1, "")}
	changes, gone := Compare(old, measured)
	var got []string
	for _, c := range changes {
		got = append(got, c.String()+map[bool]string{true: " !"}[c.Rose || c.New])
	}
	want := []string{
		"c little instructions: 1020, was 1000 (+2.0 %)", "c much instructions: 1021, was 1000 (+2.1 %) !",
		"c less instructions: 10, was 1000 (-99.0 %)", "c new instructions: 7, and the ledger has no such line !",
		"c nothing instructions: 1, was 0 (+0.0 %) !",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if len(gone) != 1 || gone[0].What != "gone" {
		t.Errorf("gone: %v", gone)
	}
	if _, err := Update(old, measured, ""); err == nil || !strings.Contains(err.Error(), "much") || strings.Contains(err.Error(), "little") {
		t.Errorf("an update without a reason: %v", err)
	}
	updated, err := Update(old, measured, "because")
	if err != nil {
		t.Fatal(err)
	}
	wantLines := []Line{line("same", 100, "old"), line("little", 1020, ""), line("much", 1021, "because"), line("less", 10, ""), line("new", 7, "because"), line("nothing", 1, "because")}
	if diff := cmp.Diff(wantLines, updated); diff != "" {
		t.Errorf("updated (-want +got):\n%s", diff)
	}
	before, after := Ledger{"go1": old}, Ledger{"go1": updated}
	if left := Unexplained(before, after); len(left) != 0 {
		t.Errorf("explained rises are reported: %v", left)
	}
	after["go1"][2].Reason = "older"
	if left := Unexplained(before, after); len(left) != 1 {
		t.Errorf("a rise with its old reason: %v", left)
	}
	if again, err := Parse(after.Encode()); err != nil || cmp.Diff(after, again) != "" {
		t.Errorf("read back: %v\n%s", err, cmp.Diff(after, again))
	}
	for _, bad := range []string{"", "[]", `{"go1":[{}]}`, `{"go1":[{"canister":"a","what":"b","unit":"c"},{"canister":"a","what":"b","unit":"c"}]}`} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}
