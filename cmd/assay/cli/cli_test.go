package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/canisters/market/marketapi"
	"assay/client"
	"assay/cmd/assay/stack"
	"assay/ic/principal"
)

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// TestExitCodes: a wrong command line ends with code 2 and what to do, and touches nothing.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	for name, c := range map[string]struct {
		args []string
		code int
		text string
	}{
		"unknown command":          {[]string{"nonsense"}, exitUsage, "nonsense"},
		"unknown verb":             {[]string{"job", "shwo", "1"}, exitUsage, "assay job --help"},
		"missing flag":             {[]string{"provider", "run"}, exitUsage, "config"},
		"unknown flag":             {[]string{"up", "--nonsense"}, exitUsage, "assay up --help"},
		"unknown model":            {[]string{"model", "check", "big"}, exitUsage, "minilm"},
		"window before now":        {[]string{"up", "--window", "-1s"}, exitUsage, "--window"},
		"window without end":       {[]string{"up", "--window", "9999h"}, exitUsage, "--window"},
		"two questions":            {[]string{"search", "a", "b"}, exitUsage, "in quotes"},
		"question in Latin-1":      {[]string{"search", "caf\xe9"}, exitUsage, "UTF-8"},
		"endless file":             {[]string{"submit", "--file", "/dev/zero"}, exitUsage, "longer than"},
		"texts that do not exist":  {[]string{"demo", "--texts", state + "/none"}, exitUsage, "none"},
		"no such log level":        {[]string{"network", "start", "--log-level", "loud"}, exitUsage, "--log-level"},
		"several bad flags":        {[]string{"network", "start", "--port", "70000", "--bind", "here"}, exitUsage, "--bind here: take an IP address, such as 127.0.0.1; --port"},
		"no prices for the size":   {[]string{"network", "start", "--subnet-size", "7"}, exitUsage, "13 or 34"},
		"stand-ins without rounds": {[]string{"network", "start", "--standins", "--auto-progress=false"}, exitUsage, "--standins"},
		"launcher of another kind": {[]string{"--interface-version", "2.0.0"}, exitUsage, `--interface-version "2.0.0": 1.x is served; --state-dir: name a folder`},
		"launcher with Bitcoin":    {[]string{"network", "launcher", "--interface-version=1.1.0", "--bitcoind-addr=localhost:18444"}, exitUsage, "Bitcoin is not there"},
		"no network":               {[]string{"network", "ping"}, exitUnknown, "assay network start"},
		"no stack":                 {[]string{"balance"}, exitUnknown, "assay up"},
	} {
		code, _, stderr := run(t, append(c.args, "--state", state)...)
		if code != c.code || !strings.Contains(stderr, c.text) {
			t.Errorf("%s: exit code %d with %q, want %d with %q", name, code, stderr, c.code, c.text)
		}
	}
	if _, err := os.Stat(state); !os.IsNotExist(err) {
		t.Errorf("a wrong command line made the state folder (%v)", err)
	}
	if code, stdout, _ := run(t, "job"); code != exitOK || !strings.Contains(stdout, "verify") {
		t.Errorf("job alone: exit code %d, %q", code, stdout)
	}
}

// TestIdentityIsAName: a key never lies outside the stack's folder.
func TestIdentityIsAName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, role := range []string{"", "..", "../x", "a/b", `a\b`, "a b", ".hidden", strings.Repeat("a", 65)} {
		if _, err := stack.Key(dir, role); err == nil || exitCode(err) != exitUsage {
			t.Errorf("identity %q: %v, want a usage error", role, err)
		}
	}
	if _, err := stack.Key(dir, "worker-Alpha-2"); err != nil {
		t.Error(err)
	}
}

// TestReceiptOfAnotherJob: a receipt that holds says nothing about another job.
func TestReceiptOfAnotherJob(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "..", "client", "testdata", "receipt-v1.json")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := client.DecodeBundle(b)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := marketapi.DecodeReceipt(bundle.Receipt)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(filepath.Dir(file), "receipt-v1.rootkey.hex"))
	if err != nil {
		t.Fatal(err)
	}
	state := stack.State{RootKey: strings.TrimSpace(string(key)), Canisters: map[string]principal.Principal{"market": receipt.Job.Market}}
	if _, err := checkReceipt(file, state, receipt.Job.Seq); err != nil {
		t.Errorf("job %d: %v", receipt.Job.Seq, err)
	}
	findings, err := checkReceipt(file, state, receipt.Job.Seq+1)
	if err == nil || findings.Lines[len(findings.Lines)-1].OK {
		t.Errorf("the receipt of job %d was taken for the next one: %+v", receipt.Job.Seq, findings.Lines)
	}
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]string{"0": "0", "999": "999", "1000": "1'000", "-1234567": "-1'234'567"} {
		if got := grouped(digits); got != want {
			t.Errorf("%s: %s, want %s", digits, got, want)
		}
	}
}

// TestReadTexts: a file that cannot work is refused before anything is built.
func TestReadTexts(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "texts")
	for name, c := range map[string]struct {
		content string
		lines   int
		err     string
	}{
		"empty lines and carriage returns": {"one\r\n\n  two  \n", 2, ""},
		"no newline at the end":            {"one", 1, ""},
		"the longest":                      {strings.Repeat("a", maxTextBytes), 1, ""},
		"too long":                         {"one\n" + strings.Repeat("a", maxTextBytes+1), 0, "line 2"},
		"a line without end":               {strings.Repeat("a", 2<<20), 0, "too long"},
		"invisible":                        {"one\n\u200b\n", 0, "line 2"},
		"not UTF-8":                        {"one\ntwo\xff\n", 0, "line 2"},
		"nothing":                          {"\n \n", 0, "no passages"},
		"too many":                         {strings.Repeat("a\n", maxTexts+1), 0, "more than"},
	} {
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		lines, err := readTexts(file)
		if len(lines) != c.lines || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %d lines, %v; want %d and %q", name, len(lines), err, c.lines, c.err)
		}
	}
}

// TestCompletion: a shell is offered the values of flags that take few.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"network start --page-touch ": "read-write", "network start --subnet-size ": "34", "network start --auto-progress=": "false", "up --network ": "pocketic",
	} {
		words := strings.Split(line, " ")
		if _, stdout, _ := run(t, append([]string{"__complete"}, words...)...); !strings.Contains(stdout, want+"\n") {
			t.Errorf("%q is completed with %q, want %q among it", line, stdout, want)
		}
	}
}
