package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"assay/ic/wasm/build"
)

var update = flag.Bool("update", false, "rewrite canisters/sizes.json")

// size is one canister's line in canisters/sizes.json.
type size struct {
	Wasm         int `json:"wasm_bytes"`
	Gzip         int `json:"gzip_bytes"`
	Code         int `json:"code_bytes"`
	Data         int `json:"data_bytes"`
	Functions    int `json:"functions"`
	Instructions int `json:"instructions"`
	Install      int `json:"install_cost"` // instructions that installing costs
}

// mayGrow is by how many percent a module may grow without a new line.
const mayGrow = 2

// TestSizes keeps canisters/sizes.json true: a canister that grew by more than mayGrow
// percent, or that has no line, needs the file to be written again, with the reason in the
// commit.
func TestSizes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds every canister")
	}
	const root, file = "../..", "../../canisters/sizes.json"
	got, want := map[string]size{}, map[string]size{}
	for _, pattern := range []string{"canisters/*", "examples/*"} {
		dirs, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			if _, err := build.Find(dir); err == nil {
				got[filepath.Base(filepath.Dir(dir))+"/"+filepath.Base(dir)] = sizeOf(t, dir)
			}
		}
	}
	if len(got) < 5 {
		t.Fatalf("%d canisters found: the test looks in the wrong place", len(got))
	}
	if *update {
		b, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	for name, g := range got {
		w, ok := want[name]
		if !ok {
			t.Errorf("%s has no line: run this test with -update", name)
		} else if grown := max(percent(g.Wasm, w.Wasm), percent(g.Gzip, w.Gzip), percent(g.Instructions, w.Instructions)); grown > mayGrow {
			t.Errorf("%s grew by %.1f %%, to %d bytes, %d compressed, %d instructions: make it smaller, or run this test with -update and give the reason in the commit",
				name, grown, g.Wasm, g.Gzip, g.Instructions)
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("%s has a line and is no canister: run this test with -update", name)
		}
	}
}

func percent(got, want int) float64 { return 100 * float64(got-want) / float64(max(want, 1)) }

func sizeOf(t *testing.T, dir string) size {
	t.Helper()
	var b struct {
		Report struct {
			size
			Parts []struct {
				Name  string
				Bytes int
			}
			Counts struct{ Functions, Instructions int }
		}
	}
	ok(t, &b, "canister", "build", dir, "--json")
	s := b.Report.size
	s.Functions, s.Instructions = b.Report.Counts.Functions, b.Report.Counts.Instructions
	for _, p := range b.Report.Parts {
		switch p.Name {
		case "code":
			s.Code = p.Bytes
		case "data":
			s.Data = p.Bytes
		}
	}
	return s
}
