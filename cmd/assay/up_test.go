package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/cmd/assay/stack"
	"assay/internal/need"
)

type submitted struct {
	Job uint64 `json:"job"`
}

type shown struct {
	ID         uint64 `json:"id"`
	State      string `json:"state"`
	OutputRoot string `json:"output_root"`
	Evidence   []struct{ Word string }
}

type books struct {
	Balance string `json:"balance"`
	Sum     string `json:"sum"`
	Covered bool   `json:"covered"`
	Entries uint64 `json:"entries"`
}

// up starts the stack in a folder and waits until it is ready.
func up(t *testing.T, dir string) *background {
	t.Helper()
	b := start(t, "up", "--state", dir, "--model", "tiny", "--window", "1s")
	b.waitFor(t, "ready; stop with Ctrl-C")
	return b
}

func balanced(t *testing.T, dir, when string) books {
	t.Helper()
	var b books
	ok(t, &b, "balance", "--state", dir, "--json")
	if b.Sum != "0" || !b.Covered {
		t.Errorf("%s: the books sum to %s, covered %v", when, b.Sum, b.Covered)
	}
	return b
}

// TestUp works against a stack as its users do, gives it bad input, stops it and starts it again.
func TestUp(t *testing.T) {
	dir := t.TempDir()
	stackProcess := up(t, dir)
	job := useIt(t, dir)
	badInput(t, dir)
	receiptByAnIndependentClient(t, dir, job.ID)

	var before shown
	ok(t, &before, "job", "show", fmt.Sprint(job.ID), "--state", dir, "--json")
	kept := balanced(t, dir, "before the stop")
	stackProcess.stop(t)
	if r := assay(t, "job", "show", "1", "--state", dir); r.code == 0 {
		t.Error("job show works although the stack is stopped")
	}
	if r := assay(t, "job", "verify", fmt.Sprint(job.ID), "--state", dir); r.code != 0 {
		t.Errorf("a kept receipt does not check offline: %s%s", r.stdout, r.stderr)
	}

	stackProcess = up(t, dir)
	var after shown
	ok(t, &after, "job", "show", fmt.Sprint(job.ID), "--state", dir, "--json")
	if after.State != before.State || after.OutputRoot != before.OutputRoot {
		t.Errorf("job %d was %+v, after the restart it is %+v", job.ID, before, after)
	}
	if b := balanced(t, dir, "after the restart"); b.Balance != kept.Balance || b.Entries < kept.Entries {
		t.Errorf("balance %s with %d entries, was %s with %d", b.Balance, b.Entries, kept.Balance, kept.Entries)
	}
	var again submitted
	ok(t, &again, "submit", "still working after a restart", "--wait", "--state", dir, "--json")
	stackProcess.stop(t)
}

// TestUpKilled: what a killed stack had answered is there when it starts again, and it goes on.
func TestUpKilled(t *testing.T) {
	dir := t.TempDir()
	first := up(t, dir)
	children := []int{pid(t, dir, "alpha"), pid(t, dir, "beta")}
	var s submitted
	ok(t, &s, "submit", "a job that stays", "--redundancy", "2", "--wait", "--state", dir, "--json")
	id := fmt.Sprint(s.Job)
	ok(t, nil, "job", "verify", id, "--state", dir)
	var before shown
	ok(t, &before, "job", "show", id, "--state", dir, "--json")
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.ended
	if r := assay(t, "balance", "--state", dir); r.code != 1 || !strings.Contains(r.stderr, "assay up") {
		t.Errorf("without a network: exit code %d with %q", r.code, r.stderr)
	}

	second := up(t, dir)
	if strings.Contains(second.output(), "deploying anew") {
		t.Errorf("the network was lost:\n%s", second.output())
	}
	for _, child := range children {
		if alive(child) && !zombie(child) {
			t.Errorf("provider %d outlived the stack", child)
		}
	}
	var after shown
	ok(t, &after, "job", "show", id, "--state", dir, "--json")
	if after.State != before.State || after.OutputRoot != before.OutputRoot {
		t.Errorf("job %s was %+v, after the kill it is %+v", id, before, after)
	}
	ok(t, nil, "job", "verify", id, "--state", dir)
	var again submitted
	ok(t, &again, "submit", "another job", "--redundancy", "2", "--wait", "--state", dir, "--json")
	if again.Job <= s.Job {
		t.Errorf("job %d after job %d", again.Job, s.Job)
	}
	if r := ok(t, nil, "job", "replay", fmt.Sprint(again.Job), "--state", dir); strings.Contains(r.stdout, "ANOTHER") {
		t.Errorf("a wrong result was delivered: %s", r.stdout)
	}
	balanced(t, dir, "after the second start")
	second.stop(t)
}

// TestUpElsewhere: the stack stands on a network that another process runs, finds its
// canisters there again, and deploys anew where it is not the same network any more. Others
// reach the market by address and id alone.
func TestUpElsewhere(t *testing.T) {
	dir := t.TempDir()
	bare, network := startNetwork(t)
	args := []string{"up", "--state", dir, "--model", "tiny", "--window", "1s", "--network"}
	onIt := func(url string) *background {
		b := start(t, append(args, url)...)
		b.waitFor(t, "ready; stop with Ctrl-C")
		return b
	}
	b := onIt(network.URL)
	if !strings.Contains(b.output(), "the root key was fetched from "+network.URL) {
		t.Errorf("it does not say whom it believes:\n%s", b.output())
	}
	var s submitted
	ok(t, &s, "submit", "a job on another network", "--wait", "--state", dir, "--json")
	state, err := stack.ReadState(dir)
	if err != nil {
		t.Fatal(err)
	}
	market := state.Canisters["market"].String()
	var job shown
	ok(t, &job, "job", "show", fmt.Sprint(s.Job), "--state", t.TempDir(), "--network", network.URL, "--market", market, "--json")
	if job.ID != s.Job {
		t.Errorf("from outside job %d is %+v", s.Job, job)
	}
	b.stop(t)

	b = onIt(network.URL)
	if strings.Contains(b.output(), "deploying anew") {
		t.Errorf("its canisters were not found again:\n%s", b.output())
	}
	b.stop(t)
	bare.stop(t)

	other, network := startNetwork(t)
	b = onIt(network.URL)
	if !strings.Contains(b.output(), "deploying anew") {
		t.Errorf("another network passes for the old one:\n%s", b.output())
	}
	balanced(t, dir, "on the second network")
	b.stop(t)
	other.stop(t)
}

// useIt is the README's tour.
func useIt(t *testing.T, dir string) shown {
	t.Helper()
	var s submitted
	ok(t, &s, "submit", "What does a receipt prove?", "Who may stop a canister?", "--redundancy", "2", "--wait", "--state", dir, "--json")
	id := fmt.Sprint(s.Job)
	var job shown
	ok(t, &job, "job", "show", id, "--state", dir, "--json")
	if job.State != "final" || job.OutputRoot == "" || len(job.Evidence) < 2 {
		t.Fatalf("job %s is %+v", id, job)
	}
	if r := ok(t, nil, "job", "watch", id, "--state", dir); !strings.Contains(r.stdout, "submitted") || !strings.Contains(r.stdout, "final") {
		t.Errorf("job watch printed %s", r.stdout)
	}
	if r := ok(t, nil, "job", "verify", id, "--state", dir); !strings.Contains(r.stdout, "holds  witness") {
		t.Errorf("job verify printed %s", r.stdout)
	}
	if r := ok(t, nil, "job", "replay", id, "--state", dir); strings.Contains(r.stdout, "ANOTHER") || strings.Count(r.stdout, "the same") != 2 {
		t.Errorf("job replay printed %s", r.stdout)
	}
	var answer struct {
		Hits []struct{ Text string }
	}
	ok(t, &answer, "search", "Who pays for the computation of a canister?", "--state", dir, "--json")
	if len(answer.Hits) == 0 {
		t.Error("search found nothing")
	}
	balanced(t, dir, "after the tour")
	return job
}

// badInput: each gets a clear error and its exit code, and nothing moves in the books.
func badInput(t *testing.T, dir string) {
	t.Helper()
	before := balanced(t, dir, "before bad input")
	for name, c := range map[string]struct {
		args []string
		code int
		text string
	}{
		"empty text":         {[]string{"submit", ""}, 2, "empty"},
		"spaces alone":       {[]string{"submit", "fine", " \t\u00a0 "}, 2, "text 2 is empty"},
		"no question":        {[]string{"search", "  "}, 2, "empty"},
		"another's dApp":     {[]string{"search", "x", "--identity", "stranger"}, 3, "dapp"},
		"1 MB text":          {[]string{"submit", "--file", bigFile(t)}, 3, "bytes"},
		"invalid UTF-8":      {[]string{"submit", "caf\xe9"}, 2, "not valid UTF-8"},
		"unknown model":      {[]string{"submit", "x", "--model-root", strings.Repeat("ab", 32)}, 3, "model"},
		"no balance":         {[]string{"submit", "x", "--identity", "stranger"}, 3, "balance"},
		"wrong caller":       {[]string{"job", "replay", "1", "--identity", "stranger"}, 3, ""},
		"unknown job":        {[]string{"job", "show", "999999"}, 4, "999999"},
		"watch nothing":      {[]string{"job", "watch", "999999"}, 4, "999999"},
		"no name for a key":  {[]string{"submit", "x", "--identity", "../x"}, 2, "identity"},
		"not a number":       {[]string{"job", "show", "seven"}, 2, "number"},
		"no stack":           {[]string{"job", "show", "1", "--state", filepath.Join(dir, "nothing")}, 4, "assay up"},
		"unknown flag":       {[]string{"submit", "x", "--nonsense"}, 2, "nonsense"},
		"two in one folder":  {[]string{"up"}, 1, "another `assay up`"},
		"no text":            {[]string{"submit"}, 2, "at least one text"},
		"too much at once":   {append([]string{"submit"}, strings.Split(strings.Repeat("x ", 65)+"x", " ")...), 3, "items"},
		"impossible request": {[]string{"submit", "x", "--redundancy", "9"}, 3, ""},
	} {
		args := c.args
		if !strings.Contains(strings.Join(args, " "), "--state") {
			args = append(args, "--state", dir)
		}
		r := assay(t, args...)
		if r.code != c.code || !strings.Contains(r.stderr, c.text) || strings.Contains(r.stderr, "panic") {
			t.Errorf("%s: exit code %d with %q, want %d with %q", name, r.code, r.stderr, c.code, c.text)
		}
	}
	if after := balanced(t, dir, "after bad input"); after.Balance != before.Balance {
		t.Errorf("bad input cost the user: %s, was %s", after.Balance, before.Balance)
	}
}

func bigFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "big.txt")
	if err := os.WriteFile(file, []byte(strings.Repeat("a", 1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// receiptByAnIndependentClient reads the job with agent-js, which checks all it gets, and
// holds the receipt against certificate and witness with code of its own.
func receiptByAnIndependentClient(t *testing.T, dir string, job uint64) {
	t.Helper()
	state, err := stack.ReadState(dir)
	if err != nil {
		t.Fatal(err)
	}
	node, folder := need.Node(t, filepath.Join("..", "..", "scripts", "receipt-check"))
	args := []string{"check.mjs", "--url", state.URL, "--market", state.Canisters["market"].String(), "--job", fmt.Sprint(job)}
	cmd := exec.Command(node, args...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	t.Logf("%s", out)
}

// TestDamagedModel: a model file that was cut short or has one wrong bit is named and never used.
func TestDamagedModel(t *testing.T) {
	cache := t.TempDir()
	env := []string{"ASSAY_CACHE=" + cache}
	if r := assayEnv(t, env, "model", "fetch", "tiny"); r.code != 0 {
		t.Fatalf("model fetch: %s%s", r.stdout, r.stderr)
	}
	files, err := filepath.Glob(filepath.Join(cache, "models", "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("model files %v, %v", files, err)
	}
	for _, file := range files {
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		flipped := append([]byte{}, good...)
		flipped[len(flipped)/2] ^= 1
		for name, bad := range map[string][]byte{"cut short": good[:len(good)-1], "one wrong bit": flipped, "empty": {}} {
			if err := os.WriteFile(file, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			r := assayEnv(t, env, "model", "check", "tiny")
			if r.code != 1 || !strings.Contains(r.stderr, filepath.Base(file)) {
				t.Errorf("%s, %s: exit code %d with %q", filepath.Base(file), name, r.code, r.stderr)
			}
		}
		if err := os.WriteFile(file, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := assayEnv(t, env, "model", "check", "tiny"); r.code != 0 {
		t.Errorf("the whole model does not check: %s", r.stderr)
	}
}
