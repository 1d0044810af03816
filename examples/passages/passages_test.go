package passages

import (
	"strings"
	"testing"
)

func TestPassages(t *testing.T) {
	all := All()
	if len(all) != 200 {
		t.Errorf("%d passages, want 200", len(all))
	}
	seen := map[string]bool{}
	for i, p := range all {
		if seen[p] {
			t.Errorf("passage %d stands twice: %q", i, p)
		}
		seen[p] = true
		if p != strings.TrimSpace(p) || !strings.HasSuffix(p, ".") || len(p) < 40 {
			t.Errorf("passage %d is not a clean sentence: %q", i, p)
		}
	}
}

func TestQuestionsHaveOneAnswer(t *testing.T) {
	for _, q := range Questions() {
		n := 0
		for _, p := range All() {
			if strings.HasPrefix(p, q.Answer) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%q: %d passages begin with %q, want one", q.Text, n, q.Answer)
		}
	}
}
