package exact

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every operator is defined on the pages of Assay-IR 1.
func TestOperatorsAreDocumented(t *testing.T) {
	pages, err := filepath.Glob("../../docs/ir-v1*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	var all strings.Builder
	for _, p := range pages {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	words := map[string]bool{}
	for _, w := range regexp.MustCompile(`[A-Za-z0-9]+`).FindAllString(all.String(), -1) {
		words[w] = true
	}
	for name := range operators {
		if !words[name] {
			t.Errorf("operator %s stands on no page docs/ir-v1*.md", name)
		}
	}
	if len(operators) < 90 {
		t.Errorf("%d operators, want at least 90", len(operators))
	}
}
