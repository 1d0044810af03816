package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/internal/need"
	"assay/orchestrator/daemon"
)

// binary is the real program, built once for all tests of this package.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "assay-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "assay")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// result is what a finished command left behind.
type result struct {
	code           int
	stdout, stderr string
}

// assay runs one command to its end.
func assay(t *testing.T, args ...string) result {
	t.Helper()
	return assayEnv(t, nil, args...)
}

func assayEnv(t *testing.T, env []string, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// ok is assay for a command that has to work; it decodes JSON output into v unless v is nil.
func ok(t *testing.T, v any, args ...string) result {
	t.Helper()
	r := assay(t, args...)
	if r.code != 0 {
		t.Fatalf("assay %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	if v != nil {
		if err := json.Unmarshal([]byte(r.stdout), v); err != nil {
			t.Fatalf("assay %s: %v in %s", strings.Join(args, " "), err, r.stdout)
		}
	}
	return r
}

// background is a command that runs until it is stopped.
type background struct {
	cmd    *exec.Cmd
	mu     sync.Mutex
	text   strings.Builder
	lines  chan string
	ended  chan struct{}
	failed error
}

func start(t *testing.T, args ...string) *background {
	t.Helper()
	b := &background{cmd: exec.Command(binary, args...), lines: make(chan string, 10_000), ended: make(chan struct{})}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.cmd.Stderr = b.cmd.Stdout
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.cmd.Process.Kill() })
	go b.read(out)
	return b
}

func (b *background) read(out io.Reader) {
	in := bufio.NewScanner(out)
	for in.Scan() {
		b.mu.Lock()
		b.text.WriteString(in.Text() + "\n")
		b.mu.Unlock()
		b.lines <- in.Text()
	}
	b.failed = b.cmd.Wait()
	close(b.ended)
	close(b.lines)
}

func (b *background) output() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// waitFor reads lines until one holds the text.
func (b *background) waitFor(t *testing.T, text string) {
	t.Helper()
	limit := time.After(6 * time.Minute)
	for {
		select {
		case line, open := <-b.lines:
			if !open {
				t.Fatalf("ended (%v) before it said %q:\n%s", b.failed, text, b.output())
			}
			if strings.Contains(line, text) {
				return
			}
		case <-limit:
			t.Fatalf("did not say %q:\n%s", text, b.output())
		}
	}
}

// stop is Ctrl-C.
func (b *background) stop(t *testing.T) {
	t.Helper()
	if err := b.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-b.ended:
	case <-time.After(time.Minute):
		t.Fatalf("did not stop within a minute:\n%s", b.output())
	}
}

func pid(t *testing.T, dir, provider string) int {
	t.Helper()
	a, err := daemon.ReadAddress(filepath.Join(dir, "providers", provider))
	if err != nil {
		t.Fatal(err)
	}
	return a.PID
}

// alive reports whether a process still runs.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// zombie is a process that ended and whose parent has not noticed.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// TestDemo tells the whole story, and a provider's daemon is killed in the middle of its work.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	demo := start(t, "demo", "--model", "tiny", "--keep", dir)
	demo.waitFor(t, "provider beta runs as process")
	victim := pid(t, dir, "alpha")
	demo.waitFor(t, "the user submits job")
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	demo.waitFor(t, "model: ")
	<-demo.ended
	if demo.failed != nil {
		t.Fatalf("the demo failed: %v\n%s", demo.failed, demo.output())
	}
	for _, want := range []string{
		"root (", "is the only controller", "the installer tries to admit a provider: refused", "rejected, 2 against 1", "adopted 2 to",
		"gamma, voted down, delivers anyway: refused", "200 of 200 passages", "the hashes agree; evidence: signed", "agreed (2 commits",
		"provider alpha ended (signal: killed) and is started again", "the reveals differ, so it is disputed", "ANOTHER OUTPUT, the wrong delivery",
		"sum                                               0", "cover what is owed", "holds  witness", "holds  controllers", "THE TINY ONE",
		"for development only", "Summary",
	} {
		if !strings.Contains(demo.output(), want) {
			t.Errorf("the demo did not say %q", want)
		}
	}
	everyJobOnce(t, demo.output())
	if t.Failed() {
		t.Log(demo.output())
	}
}

// everyJobOnce reads what the market said of each job at the end: 10 batches, the user's
// two jobs, the question; each settled once, although a daemon was killed.
func everyJobOnce(t *testing.T, output string) {
	t.Helper()
	jobs := regexp.MustCompile(`job (\d+): (\w+), attempt (\d+), outputs (\d+) of (\d+), settled (\d+) time`).FindAllStringSubmatch(output, -1)
	disputed := 0
	for i, job := range jobs {
		if job[1] != strconv.Itoa(i+1) || job[4] != job[5] || job[6] != "1" {
			t.Errorf("job %d ended so: %s", i+1, job[0])
		}
		if job[2] == "disputed" {
			disputed++
		} else if job[2] != "final" {
			t.Errorf("job %d is %s", i+1, job[2])
		}
		// A later attempt is only for a deadline that passed, which the kill is not.
		if job[3] != "1" {
			t.Errorf("job %d took attempt %s", i+1, job[3])
		}
	}
	if len(jobs) != 13 || disputed != 1 {
		t.Errorf("%d jobs, %d of them disputed; want 13 and 1", len(jobs), disputed)
	}
	if want := "13 jobs: 12 final, 1 disputed, 0 failed; 2 providers, 5 canisters"; !strings.Contains(output, want) {
		t.Errorf("the summary does not say %q", want)
	}
}

// TestDemoInterrupted: Ctrl-C ends everything and leaves nothing behind.
func TestDemoInterrupted(t *testing.T) {
	dir := t.TempDir()
	demo := start(t, "demo", "--model", "tiny", "--keep", dir)
	demo.waitFor(t, "provider beta runs as process")
	children := []int{pid(t, dir, "alpha"), pid(t, dir, "beta")}
	demo.stop(t)
	if code := demo.cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130\n%s", code, demo.output())
	}
	for _, child := range children {
		if alive(child) {
			t.Errorf("process %d was left behind", child)
		}
	}
}

// TestDemoWithoutAReader: a reader of the output that goes away leaves nothing behind either.
func TestDemoWithoutAReader(t *testing.T) {
	tmp := t.TempDir()
	cmd := exec.Command(binary, "demo", "--model", "tiny")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := cmd.Wait(); err == nil {
		t.Error("the demo ended well although nobody read it")
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "assay-demo-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDemoWithTheRealModel tells the story on all-MiniLM-L6-v2 and on texts of our own choice.
func TestDemoWithTheRealModel(t *testing.T) {
	if r := assay(t, "model", "fetch", "minilm"); r.code != 0 {
		need.NotRun(t, "Real model", "its files are not at hand and cannot be fetched: "+r.stderr)
	}
	texts := filepath.Join(t.TempDir(), "texts.txt")
	if err := os.WriteFile(texts, []byte("The cat sat on the mat.\n\nInterest rates rose again.\nA kitten slept on the rug.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := ok(t, nil, "demo", "--texts", texts)
	for _, want := range []string{"model: all-MiniLM-L6-v2", "3 of 3 passages are embedded", "the hashes agree", "the real one"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the demo did not say %q", want)
		}
	}
	// The question is the first text: it finds itself, then its neighbour in meaning.
	_, answer, _ := strings.Cut(r.stdout, "question, embedded the same way")
	cat, kitten, rates := strings.Index(answer, "  The cat"), strings.Index(answer, "A kitten"), strings.Index(answer, "Interest")
	if cat < 0 || kitten < cat || rates < kitten {
		t.Errorf("the search ranked meanings wrongly:\n%s", answer)
	}
	if t.Failed() {
		t.Log(r.stdout)
	}
}

func TestDemoRefusesBadTexts(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ content, text string }{
		"empty":         {"\n \n", "no passages"},
		"invalid UTF-8": {"fine\ncaf\xe9\n", "line 2: not valid UTF-8"},
		"a long line":   {strings.Repeat("x", 9000), "line 1: 9000 bytes"},
	} {
		file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := assay(t, "demo", "--texts", file); r.code != 2 || !strings.Contains(r.stderr, c.text) {
			t.Errorf("%s: exit code %d with %q, want 2 with %q", name, r.code, r.stderr, c.text)
		}
	}
}
