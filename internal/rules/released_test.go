package rules

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/ic/candid/did"
)

var update = flag.Bool("update", false, "make today's interfaces the released ones, where they are compatible")

// TestReleased holds every canister's interface to the copy that was last released: who
// was built against that copy must be able to go on. A deliberate break needs the copy
// deleted by hand and a release that says so.
func TestReleased(t *testing.T) {
	canisters := filepath.Join(root(t), "canisters")
	files, err := filepath.Glob(filepath.Join(canisters, "*", "*.did"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no interfaces in %s: %v", canisters, err)
	}
	compared := 0
	for _, file := range files {
		dir, name := filepath.Dir(file), filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			today, err := loadDid(filepath.Dir(file), name)
			if err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(dir, "released", name)
			released, err := loadDid(filepath.Dir(copied), name)
			switch {
			case os.IsNotExist(err) && *update:
				release(t, copied, today)
				return
			case os.IsNotExist(err):
				t.Fatalf("never released; that is done with\n  go test ./internal/rules -run Released -update")
			case err != nil:
				t.Fatal(err)
			}
			compared++
			if err := did.Compatible(released, today, true); err != nil {
				t.Errorf("%s breaks who was built against canisters/%s/released/%s:\n  %s\nkeep the old form beside the new one. When a change is compatible, release it with\n  go test ./internal/rules -run Released -update",
					name, filepath.Base(dir), name, strings.ReplaceAll(err.Error(), "\n", "\n  "))
				return
			}
			if *update {
				release(t, copied, today)
			}
		})
	}
	if compared == 0 && !*update {
		t.Error("no canister has a released interface")
	}
}

func loadDid(dir, name string) (*did.Program, error) {
	if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
		return nil, err
	}
	return did.Load(name, func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	})
}

// release writes the interface as it is today, with what it imports joined in.
func release(t *testing.T, file string, p *did.Program) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	text := p.Source
	if p.Imports {
		text = p.Format()
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("released %s", file)
}
