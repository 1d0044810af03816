package project

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay"
)

type listed struct {
	ImportPath, Dir, Name string
	GoFiles, EmbedFiles   []string
	SFiles, HFiles        []string
	Module                *struct{ Path string }
}

// systems are where the kit must work. Which files and modules it needs differs.
var systems = []string{"linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64", "wasip1/wasm"}

// kitPackages asks the go command for the kit's packages on one system, but for the
// standard library's.
func kitPackages(t *testing.T, system string) []listed {
	t.Helper()
	goos, goarch, _ := strings.Cut(system, "/")
	run := func(args ...string) []listed {
		cmd := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Dir,Name,GoFiles,EmbedFiles,SFiles,HFiles,Module"}, args...)...)
		cmd.Dir = "../../.."
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var all []listed
		for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
			var p listed
			if err := dec.Decode(&p); err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
		return all
	}
	args := []string{"-deps"}
	for _, dir := range roots {
		args = append(args, "./"+dir)
	}
	for _, p := range run("./" + rootTree + "/...") {
		if !strings.Contains(p.ImportPath, "/internal/") && len(p.GoFiles) > 0 {
			args = append(args, p.ImportPath)
		}
	}
	return slices.DeleteFunc(run(args...), func(p listed) bool { return p.Module == nil })
}

// The kit that a project gets is what its packages are made of on some system, as the go
// command lists them, and nothing else.
func TestKitIsComplete(t *testing.T) {
	t.Parallel()
	want, modules := map[string]bool{}, map[string]bool{}
	for _, system := range systems {
		for _, p := range kitPackages(t, system) {
			if p.Module.Path != kitModule {
				modules[p.Module.Path] = true
				continue
			}
			dir := strings.TrimPrefix(p.ImportPath, kitModule+"/")
			for _, f := range slices.Concat(p.GoFiles, p.EmbedFiles, p.SFiles, p.HFiles) {
				want["kit/"+dir+"/"+f] = true
			}
			kernels, err := filepath.Glob(filepath.Join(p.Dir, "*.wat"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range kernels {
				want["kit/"+dir+"/"+filepath.Base(f)] = true
			}
		}
	}
	files, err := kitFiles()
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 50 {
		t.Fatalf("the go command lists %d files: the test looks in the wrong place", len(want))
	}
	for f := range want {
		if files[f] == nil {
			t.Errorf("%s is not in the kit", f)
		}
	}
	for f := range files {
		if !want[f] && f != "kit/LICENSE" {
			t.Errorf("%s is in the kit and no package of it needs it", f)
		}
	}
	var names []string
	for m := range modules {
		names = append(names, m)
	}
	slices.Sort(names)
	if d := cmp.Diff(outside, names); d != "" {
		t.Errorf("outside modules of the kit (-said +needed):\n%s", d)
	}
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNew(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "votes")
	if name, err := New(dir, Options{}); err != nil || name != "votes" {
		t.Fatalf("New = %q, %v", name, err)
	}
	for _, f := range []string{"dfx.json", "icp.yaml", "README.md", ".gitignore", "main.go", "main_test.go", "votesapi/doc.go", "go.sum", "kit/go.sum"} {
		text := read(t, dir, f)
		if text == "" || strings.Contains(text, "{{") || strings.Contains(text, "NAME") {
			t.Errorf("%s is empty or not filled in:\n%s", f, text)
		}
	}
	if got := read(t, dir, "votesapi", "api_gen.go"); !strings.Contains(got, "DO NOT EDIT") || !strings.Contains(got, "type Service[") {
		t.Errorf("votesapi: %.300s", got)
	}
	if got := read(t, dir, "go.mod"); !strings.HasPrefix(got, "module example.com/votes\n") || !strings.Contains(got, "replace assay => ./kit") {
		t.Errorf("go.mod: %s", got)
	}
	if !json.Valid([]byte(read(t, dir, "dfx.json"))) {
		t.Error("dfx.json is no JSON")
	}
	own, err := assay.Kit.ReadFile("ic/cdk/program.go")
	if err != nil || read(t, dir, "kit", "ic", "cdk", "program.go") != string(own) {
		t.Errorf("the kit's file differs: %v", err)
	}
	_ = filepath.WalkDir(dir, func(p string, _ fs.DirEntry, _ error) error {
		if strings.HasSuffix(p, "_test.go") && filepath.Base(p) != "main_test.go" {
			t.Errorf("a test of the kit: %s", p)
		}
		return nil
	})
	if _, err := New(dir, Options{}); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("over a project: %v", err)
	}
}

func TestNewNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if name, err := New(dir, Options{Name: "poll", Module: "example.org/a/b-c"}); err != nil || name != "poll" {
		t.Fatalf("New = %q, %v", name, err)
	}
	if got := read(t, dir, "main.go"); !strings.Contains(got, `"example.org/a/b-c/pollapi"`) {
		t.Errorf("main.go: %s", got)
	}
	for _, o := range []Options{
		{Name: "Counter"},
		{Name: "a-b"},
		{Name: "func"},
		{Name: "kit"},
		{Name: "../x"},
		{Name: "1a"},
		{Name: "ok", Module: "assay"},
		{Name: "ok", Module: "assay/x"},
		{Name: "ok", Module: "a b"},
		{Name: "ok", Module: "a\nb"},
		{Name: "ok", Module: "../a"},
	} {
		dir := filepath.Join(t.TempDir(), "x")
		if _, err := New(dir, o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%+v leaves a folder", o)
		}
	}
}

// The project's modules are exactly what the go command wants, without asking a proxy.
func TestModulesAreComplete(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "counter")
	if _, err := New(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{dir, filepath.Join(dir, "kit")} {
		cmd := exec.Command("go", "list", "-deps", "./...")
		cmd.Dir = at
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", filepath.Base(at), err, out)
		}
	}
}
