package exam

import (
	"testing"
)

// Padding, masked, changes no bit: a thousand models of `make prove PART=graphs`, sixty of `make test`.
func TestPaddedGraphs(t *testing.T) {
	t.Parallel()
	count, seed := number(t, "ASSAY_GRAPHS", 600)/10, number(t, "ASSAY_SEED", graphSeed)
	for i := range count {
		if err := NewPaddedGraph(uint64(seed), uint64(i)).Check(); err != nil {
			t.Errorf("graph %d of seed %d: %v", i, seed, err)
		}
	}
	t.Logf("%d models", count)
}
