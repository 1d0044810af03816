package build

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestSleeps(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, source, where string }{
		{"sleep", "package p\nimport \"time\"\nfunc f() {\n\ttime.Sleep(1)\n}\n", "f.go:4"},
		{"a ticker", "package p\nimport \"time\"\nvar t = time.NewTicker(1)\n", "f.go:3"},
		{"as a value", "package p\nimport \"time\"\nvar s = time.After\n", "f.go:3"},
		{"another name", "package p\nimport clock \"time\"\nvar s = clock.Tick\n", "f.go:3"},
		{"a reason", "package p\nimport \"time\"\nvar s = time.Sleep //cdk:sleeps shows what happens\n", ""},
		{"no reason", "package p\nimport \"time\"\nvar s = time.Sleep //cdk:sleeps \n", "f.go:3"},
		{"a reason elsewhere", "package p\nimport \"time\"\n//cdk:sleeps above\nvar s = time.Sleep\n", "f.go:4"},
		{"durations", "package p\nimport \"time\"\nvar s = time.Second\n", ""},
		{"not time", "package p\nimport time \"example.com/time\"\nvar s = time.Sleep // not the standard \"time\"\n", ""},
		{"a method", "package p\nimport \"time\"\nfunc f(t time.Time) bool { return t.After(t) }\n", ""},
	} {
		err := awakeFile("f.go", []byte(row.source))
		var e *SleepError
		if got := errors.As(err, &e); got != (row.where != "") || got && e.Where != row.where || !got && err != nil {
			t.Errorf("%s: %v, want one at %q", row.name, err, row.where)
		}
	}
}

// A package below the canister's own is looked at, as it is compiled for a canister.
func TestSleepsInModule(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":             "module example.com/sleeper\n\ngo 1.26\n",
		"main.go":            "package main\n\nimport _ \"example.com/sleeper/below\"\n\nfunc main() {}\n",
		"below/below.go":     "package below\n\nimport \"time\"\n\nfunc Wait() { time.Sleep(1) }\n",
		"below/host.go":      "//go:build !wasip1\n\npackage below\n\nimport \"time\"\n\nvar _ = time.Sleep\n",
		"below/some_test.go": "package below\n\nimport \"time\"\n\nvar _ = time.Sleep\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := Config{Package: ".", Dir: dir, CacheDir: t.TempDir()}
	_, err := Canister(t.Context(), c)
	var e *SleepError
	if !errors.As(err, &e) || filepath.Base(e.Where) != "below.go:5" || e.Call != "time.Sleep" {
		t.Fatalf("%v, want a SleepError at below.go:5", err)
	}
}
