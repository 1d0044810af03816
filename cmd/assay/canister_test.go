package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"assay/internal/need"
)

// block is a fenced block of a document.
type block struct{ kind, text string }

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

func blocks(t *testing.T, document string) []block {
	t.Helper()
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	for _, m := range fence.FindAllStringSubmatch(string(b), -1) {
		out = append(out, block{m[1], m[2]})
	}
	return out
}

// TestCanisterDocument follows docs/canister-in-ten-minutes.md: its sh blocks run in one
// shell, from an empty folder, and each line of a text block must be in what the sh block
// before it printed, "..." standing for anything.
func TestCanisterDocument(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles a canister twice")
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		need.NotRun(t, "Canister document", "no bash on the machine")
	}
	const mark = "@@ block "
	var script strings.Builder
	script.WriteString("set -euo pipefail\n")
	steps := blocks(t, "../../docs/canister-in-ten-minutes.md")
	for i, b := range steps {
		if b.kind == "sh" {
			fmt.Fprintf(&script, "echo; echo '%s%d'\n%s", mark, i, b.text)
		}
	}
	cmd := exec.CommandContext(t.Context(), bash, "-c", script.String())
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"),
		"CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOWORK=off") // trimpath: the go cache knows the kit again in another folder
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	printed := map[int]string{}
	for _, part := range strings.Split(string(out), "\n"+mark)[1:] {
		var i int
		head, text, _ := strings.Cut(part, "\n")
		if _, err := fmt.Sscan(head, &i); err != nil {
			t.Fatal(err)
		}
		printed[i] = text
	}
	checked := 0
	for i, b := range steps {
		if b.kind != "text" {
			continue
		}
		for _, line := range strings.Split(strings.TrimSpace(b.text), "\n") {
			checked++
			if !contains(printed[i-1], line) {
				t.Errorf("the document says %q, which is not in\n%s", line, printed[i-1])
			}
		}
	}
	if len(printed) < 8 || checked < 8 {
		t.Errorf("%d blocks ran and %d lines were checked: the document was not read", len(printed), checked)
	}
}

// contains looks for a line; "..." in it stands for anything.
func contains(text, line string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(line)), `\.\.\.`, ".*")
	return regexp.MustCompile(pattern).MatchString(text)
}

type builtCanister struct {
	Canister, Sha256, File, Commit string
	Bytes                          int
	Report                         struct {
		Refused string
		Methods []struct{ Name, Kind string }
		Limits  []struct{ Percent float64 }
	}
}

// Building by name inside the repository, by folder, and what inspect says of the file.
func TestCanisterBuildAndInspect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var byName, byFolder, release builtCanister
	ok(t, &byName, "canister", "build", "vectors", "-o", filepath.Join(dir, "a.wasm"), "--json")
	ok(t, &byFolder, "canister", "build", "../../canisters/vectors", "-o", filepath.Join(dir, "a.wasm.gz"), "--json")
	if byName.Canister != "vectors" || byName.Commit != "" || byName.Report.Refused != "" || byName.Bytes <= byFolder.Bytes {
		t.Errorf("by name %+v, by folder %+v", byName, byFolder)
	}
	for _, b := range []builtCanister{byName, byFolder} {
		var r struct {
			Sha256  string
			Methods []struct{ Name string }
		}
		ok(t, &r, "canister", "inspect", b.File, "--json")
		if r.Sha256 != b.Sha256 || len(r.Methods) != 6 {
			t.Errorf("inspect says %+v of %s", r, b.Sha256)
		}
	}
	ok(t, &release, "canister", "build", "vectors", "--commit=v1", "--json")
	if release.Commit != "v1" || release.Sha256 == byName.Sha256 {
		t.Errorf("a release is %+v", release)
	}
	r := ok(t, nil, "canister", "inspect", byName.File)
	for _, want := range []string{byName.Sha256, "canister_query search", "ic0.msg_reply", "candid:service", "assay:toolchain", "%  data segments"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("inspect does not print %q", want)
		}
	}
}

// A new project gives the same module wherever it lies.
func TestNewProjectIsReproducible(t *testing.T) {
	t.Parallel()
	var hashes []string
	for _, at := range []string{"a", "b/deeper"} {
		dir := filepath.Join(t.TempDir(), at, "tally")
		ok(t, nil, "canister", "new", dir)
		var b builtCanister
		ok(t, &b, "canister", "build", dir, "--json")
		hashes = append(hashes, b.Sha256)
	}
	if hashes[0] != hashes[1] || len(hashes[0]) != 64 {
		t.Errorf("hashes %s", hashes)
	}
}

func TestCanisterErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "no.wasm")
	if err := os.WriteFile(file, []byte("\x00asm\x01\x00\x00\x00\x06\x06\x01\x70\x00\xd0\x70\x0b"), 0o644); err != nil { // a global with a reference
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{4, "no Go files; name its folder, or write a new one with `assay canister new DIR`", []string{"build", dir}},
		{4, "no such file", []string{"build", filepath.Join(dir, "missing")}},
		{2, "is a file", []string{"build", file}},
		{2, "takes at most", []string{"build", "a", "b"}},
		{2, "takes a new folder", []string{"new"}},
		{1, "not empty", []string{"new", dir, "--name", "x"}},
		{1, "canister name", []string{"new", filepath.Join(dir, "A-b")}},
		{5, "module refused (global)", []string{"inspect", file}},
		{1, "not a WebAssembly", []string{"inspect", "canister_test.go"}},
	} {
		r := assay(t, append([]string{"canister"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.want) {
			t.Errorf("canister %s: code %d, %s", strings.Join(c.args, " "), r.code, r.stderr)
		}
	}
	out := assay(t, "canister", "inspect", file, "--json").stdout
	var r struct{ Refused string }
	if err := json.NewDecoder(bytes.NewReader([]byte(out))).Decode(&r); err != nil || r.Refused == "" {
		t.Errorf("inspect --json of a refused module: %v, %s", err, out)
	}
}
